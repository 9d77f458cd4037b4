// What an image is called: `registry/repository`, then `:tag`, `@digest` or both (the digest counts); without either it is
// `latest`. The registry is part of the name: nothing stands for a registry that was left out. The grammar and the
// errors are those of oras-go v2, registry/reference.go.

import { quote } from "@portcullis/lang/go";

export interface ImageReference {
  /** `host` or `host:port`. */
  readonly registry: string;
  readonly repository: string;
  /** A tag or a digest. */
  readonly reference: string;
}

/** What goes wrong with an image: its text is for people and holds no credentials. */
export class RegistryError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "RegistryError";
  }
}

const registryPattern = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?$/;
const repositoryPattern = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^\w[\w.-]{0,127}$/;
const digestPattern = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

/** Longer names are refused before a pattern looks at them. */
const nameMax = 512;

/** Throws RegistryError. */
export function parseReference(text: string): ImageReference {
  const slash = text.indexOf("/");
  if (slash === -1) throw invalid("missing registry or repository");
  const registry = text.slice(0, slash);
  const path = text.slice(slash + 1);
  const at = path.indexOf("@");
  const named = at === -1 ? path : path.slice(0, at);
  const colon = named.indexOf(":");
  const repository = colon === -1 ? named : named.slice(0, colon);
  const tag = colon === -1 ? null : named.slice(colon + 1);
  const digest = at === -1 ? null : path.slice(at + 1);
  if (registry.length > nameMax || !registryPattern.test(registry))
    throw invalid(`invalid registry ${quote(registry)}`);
  if (repository.length > nameMax || !repositoryPattern.test(repository)) {
    throw invalid(`invalid repository ${quote(repository)}`);
  }
  if (digest !== null) {
    if (!digestPattern.test(digest)) throw invalid(`invalid digest ${quote(digest)}`);
    return { registry, repository, reference: digest };
  }
  if (tag === null || tag === "") return { registry, repository, reference: "latest" };
  if (!tagPattern.test(tag)) throw invalid(`invalid tag ${quote(tag)}`);
  return { registry, repository, reference: tag };
}

function invalid(why: string): RegistryError {
  return new RegistryError(`invalid reference: ${why}`);
}

export function isDigest(text: string): boolean {
  return digestPattern.test(text);
}

/** Registries on this machine mostly have no certificate. Gatekeeper: pkg/oci/oci.go shouldUsePlainHTTP. */
export function isLoopback(registry: string): boolean {
  const host = registry.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}
