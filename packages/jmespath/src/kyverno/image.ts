// Image references, `registry/path:tag@digest`, with Kyverno's defaults. Kyverno puts the default registry before a name
// that does not begin with one, and parses what comes out as the distribution project does.
// Kyverno: pkg/utils/image/infos.go; distribution: reference/regexp.go; go-digest: digest.go.

import { compileRegex, groupText } from "@portcullis/lang/go";
import type { JmesFunction } from "../functions/function.ts";
import { functionError } from "./failure.ts";
import { text } from "./signature.ts";

export interface ImageSettings {
  /** Kyverno's `defaultRegistry`: `docker.io`. */
  readonly defaultRegistry: string;
  /** Kyverno's `enableDefaultRegistryMutation`: whether the default registry shows in what is made of the name. */
  readonly enableDefaultRegistryMutation: boolean;
}

export const defaultImageSettings: ImageSettings = {
  defaultRegistry: "docker.io",
  enableDefaultRegistryMutation: true,
};

/** Absent parts are empty. */
export interface ImageInfo {
  readonly registry: string;
  readonly name: string;
  readonly path: string;
  readonly tag: string;
  readonly digest: string;
  readonly reference: string;
  readonly referenceWithTag: string;
}

/** The parts of an image's name, or Kyverno's error: `bad image: docker.io/A, …: repository name must be lowercase`. */
export function parseImage(image: string, settings: ImageSettings): ImageInfo | { readonly error: string } {
  const full = withDefaultRegistry(image, settings.defaultRegistry);
  const parsed = parseReference(full);
  if ("error" in parsed) {
    const { defaultRegistry, enableDefaultRegistryMutation } = settings;
    const context = `defaultRegistry: ${defaultRegistry}, enableDefaultRegistryMutation: ${enableDefaultRegistryMutation}`;
    return { error: `bad image: ${full}, ${context}: ${parsed.error}` };
  }
  const { path, digest } = parsed;
  const tag = parsed.digest === "" && parsed.tag === "" ? "latest" : parsed.tag;
  const registry = full !== image && !settings.enableDefaultRegistryMutation ? "" : parsed.domain;
  const name = path.slice(path.lastIndexOf("/") + 1);
  const reference = imageText({ registry, path, tag, digest });
  const referenceWithTag = `${registry === "" ? "" : `${registry}/`}${path}:${tag}`;
  const [first = "", ...rest] = path.split("/");
  const moved = rest.length > 0 && registry === "" && first.includes("_");
  const place = moved ? { registry: first, path: rest.join("/") } : { registry, path };
  return { ...place, name, tag, digest, reference, referenceWithTag };
}

/** Kyverno: ImageInfo.String. */
function imageText({ registry, path, tag, digest }: Pick<ImageInfo, "registry" | "path" | "tag" | "digest">): string {
  const image = registry === "" ? path : `${registry}/${path}`;
  return digest === "" ? `${image}:${tag}` : `${image}@${digest}`;
}

/** Kyverno: addDefaultRegistry. */
function withDefaultRegistry(name: string, registry: string): string {
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  const isRegistry = slash !== -1 && (/[.:]/.test(first) || first === "localhost" || first.toLowerCase() !== first);
  return isRegistry ? name : `${registry}/${name}`;
}

// ── the grammar of the distribution project

const domainComponent = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const host = String.raw`(?:${domainComponent}(?:\.${domainComponent})*|\[(?:[a-fA-F0-9:]+)\])`;
const domain = `${host}(?::[0-9]+)?`;
const pathComponent = "[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*";
const remoteName = `${pathComponent}(?:/${pathComponent})*`;
const tagPattern = String.raw`[\w][\w.-]{0,127}`;
const digestPattern = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*[:][[:xdigit:]]{32,}";
const referencePattern = `^((?:${domain}/)?${remoteName})(?::(${tagPattern}))?(?:@(${digestPattern}))?$`;
const namePattern = `^(?:(${domain})/)?(${remoteName})$`;

/** Group texts of the only match; null without one. Linear in the text, which the requester wrote. */
function groupsOf(pattern: string, source: string): readonly string[] | null {
  const compiled = compileRegex(pattern);
  const [match] = "regex" in compiled ? compiled.regex.findAll(source, 1) : [];
  if (match === undefined) return null;
  return Array.from({ length: match.length / 2 }, (_, group) => groupText(source, match, group));
}

interface Reference {
  readonly domain: string;
  readonly path: string;
  readonly tag: string;
  readonly digest: string;
}

const pathLengthMax = 255;

/**
 * Most references: a registry, names without doubled separators, perhaps a tag, and a SHA-256. No text can be taken in two
 * ways, so the host's expression is linear here, and means what the grammar above does.
 */
const plainReference =
  /^([a-z0-9]+(?:[.-][a-z0-9]+)*(?::[0-9]+)?)\/([a-z0-9]+(?:[._/-][a-z0-9]+)*)(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/;

function parseReference(source: string): Reference | { readonly error: string } {
  return parsePlain(source) ?? parseByGrammar(source);
}

/** @internal */
export function parsePlain(source: string): Reference | null {
  const match = plainReference.exec(source);
  if (match === null) return null;
  const [, registry = "", path = "", tag = "", digest = ""] = match;
  return path.length > pathLengthMax ? null : { domain: registry, path, tag, digest };
}

/** @internal */
export function parseByGrammar(source: string): Reference | { readonly error: string } {
  const groups = groupsOf(referencePattern, source);
  if (groups === null) {
    const isUpper = groupsOf(referencePattern, source.toLowerCase()) !== null;
    return { error: isUpper ? "repository name must be lowercase" : "invalid reference format" };
  }
  const [, name = "", tag = "", digest = ""] = groups;
  const [, nameDomain = "", path = ""] = groupsOf(namePattern, name) ?? [];
  if (path.length > pathLengthMax) {
    return { error: `repository name must not be more than ${pathLengthMax} characters` };
  }
  const wrong = digest === "" ? null : digestError(digest);
  return wrong === null ? { domain: nameDomain, path, tag, digest } : { error: wrong };
}

const digestLengths: ReadonlyMap<string, number> = new Map([
  ["sha256", 64],
  ["sha384", 96],
  ["sha512", 128],
]);

/** Go-digest: Digest.Validate. */
function digestError(digest: string): string | null {
  const [algorithm = "", encoded = ""] = digest.split(":");
  const length = digestLengths.get(algorithm);
  if (length === undefined) {
    const known = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/.test(digest);
    return known ? "unsupported digest algorithm" : "invalid checksum digest format";
  }
  if (encoded.length !== length) return "invalid checksum digest length";
  return /^[a-f0-9]+$/.test(encoded) ? null : "invalid checksum digest format";
}

export function imageFunctions(settings: ImageSettings): readonly JmesFunction[] {
  const evaluate: JmesFunction["evaluate"] = ({ budget }, image) => {
    budget.step((image as string).length * 64);
    const info = parseImage(image as string, settings);
    return "error" in info ? functionError("image_normalize", info.error) : imageText(info);
  };
  return [{ name: "image_normalize", parameters: [text], evaluate }];
}
