// Who we are to a registry: what `docker login` stored, in $DOCKER_CONFIG/config.json or ~/.docker/config.json, either in
// the file or with a helper program that it names. A file that is not there means nobody. Credentials are given to the
// registry they belong to and appear in no error and no log.
// oras-go v2: registry/remote/credentials; Docker's credential helper protocol.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { RegistryError } from "./reference.ts";

export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** A refresh token that stands for both; "" when there is none. */
  readonly identityToken: string;
}

export interface CredentialOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** How long a helper may think. */
const helperMs = 15_000;

/** The credentials for a registry, or null. Throws RegistryError for a file that is none. */
export function credentialsFor(registry: string, { environment }: CredentialOptions): Credentials | null {
  const config = readConfig(join(environment["DOCKER_CONFIG"] ?? join(homedir(), ".docker"), "config.json"));
  if (config === null) return null;
  const server = registry === "registry-1.docker.io" ? "https://index.docker.io/v1/" : registry;
  const helper = textAt(config, "credHelpers", server) ?? textAt(config, "credsStore");
  return helper === null ? storedIn(config, server) : fromHelper(helper, server);
}

type Config = Readonly<Record<string, unknown>>;

function readConfig(file: string): Config | null {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return null;
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Config;
  } catch {
    // Not even the parser's message is shown: it quotes the text.
  }
  throw new RegistryError(`${file} is no JSON object`);
}

/** Under the registry's name, or under one that has a scheme and a path around it. */
function storedIn(config: Config, server: string): Credentials | null {
  const auths = config["auths"];
  if (typeof auths !== "object" || auths === null) return null;
  const key = Object.hasOwn(auths, server)
    ? server
    : Object.keys(auths).find((one) => one.replace(/^https?:\/\//, "").split("/")[0] === server);
  if (key === undefined) return null;
  const encoded = textAt(auths, key, "auth");
  const identityToken = textAt(auths, key, "identitytoken") ?? "";
  if (encoded !== null && encoded !== "") {
    const decoded = Buffer.from(encoded, "base64").toString("utf8");
    const colon = decoded.indexOf(":");
    if (colon === -1) throw new RegistryError(`the credentials of ${server} in Docker's configuration are unusable`);
    return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1), identityToken };
  }
  const username = textAt(auths, key, "username") ?? "";
  const password = textAt(auths, key, "password") ?? "";
  return username === "" && identityToken === "" ? null : { username, password, identityToken };
}

function fromHelper(helper: string, server: string): Credentials | null {
  if (!/^[\w.-]+$/.test(helper)) throw new RegistryError("the credential helper's name is unusable");
  const ran = spawnSync(`docker-credential-${helper}`, ["get"], {
    input: server,
    encoding: "utf8",
    timeout: helperMs,
    stdio: ["pipe", "pipe", "ignore"],
  });
  // A helper that knows nothing about a server ends with an error.
  if (ran.status !== 0) return null;
  try {
    const answer: unknown = JSON.parse(ran.stdout);
    const username = textAt(answer, "Username") ?? "";
    const password = textAt(answer, "Secret") ?? "";
    if (username === "") return null;
    return username === "<token>"
      ? { username: "", password: "", identityToken: password }
      : { username, password, identityToken: "" };
  } catch {
    throw new RegistryError(`docker-credential-${helper} answered no JSON`);
  }
}

function textAt(value: unknown, ...path: readonly string[]): string | null {
  let at: unknown = value;
  for (const key of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return null;
    at = (at as Config)[key];
  }
  return typeof at === "string" ? at : null;
}
