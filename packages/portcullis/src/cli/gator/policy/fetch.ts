// Where catalogs and their templates come from: https, a file (`file://` or a plain path), or an image in a registry or a
// layout (`oci:FOLDER:TAG`, `oci://HOST/REPOSITORY:TAG`) that holds `catalog.yaml` and what it names. Paths in a catalog
// begin at the catalog and stay below it. Plain http needs the user's word, redirects do not lead there either.
// Gatekeeper: pkg/gator/policy/catalog/fetch.go; images are ours.

import { readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { pullImage } from "../../../registry/pull.ts";
import { PolicyError } from "./catalog.ts";

export interface FetchOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Plain http is allowed. */
  readonly insecure: boolean;
}

/** A catalog and what lies beside it. All throw PolicyError. */
export interface CatalogSource {
  catalog(): Promise<string>;
  /** A template or constraint by its URL or its path from the catalog on. */
  content(path: string): Promise<string>;
}

const timeoutMs = 30_000;

/** In bytes; a catalog of the library has 60 KB. */
const contentMax = 16 * 1024 * 1024;

const insecureHttp = "plain HTTP is not allowed for security reasons; use HTTPS or set --insecure to override";

export function catalogSource(url: string, options: FetchOptions): CatalogSource {
  if (url.startsWith("oci:")) return imageSource(url, options);
  const file = filePath(url);
  return {
    catalog: async () => (file === null ? fetchText(url, options) : readText(file)),
    content: async (path) => {
      if (hasTraversal(path)) throw new PolicyError(`content path contains path traversal: ${path}`);
      if (/^[a-z]+:/i.test(path)) {
        const own = filePath(path);
        return own === null ? fetchText(path, options) : readText(own);
      }
      return file === null ? fetchText(new URL(path, url).href, options) : readText(join(dirname(file), path));
    },
  };
}

/** The path of a file URL or of a plain path; null for what comes over the network. */
function filePath(url: string): string | null {
  if (/^file:/i.test(url)) return decodeURIComponent(new URL(url).pathname);
  return /^[a-z][a-z0-9+.-]*:/i.test(url) ? null : url;
}

/** Also where `%2e` stands for a dot. */
function hasTraversal(path: string): boolean {
  if (path.includes("..")) return true;
  try {
    return decodeURIComponent(path).includes("..");
  } catch {
    return true;
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new PolicyError(`open ${file}: ${isMissing ? "no such file or directory" : "cannot be read"}`);
  }
}

async function fetchText(url: string, { insecure }: FetchOptions): Promise<string> {
  const scheme = url.slice(0, url.indexOf(":")).toLowerCase();
  if (scheme === "http" && !insecure) throw new PolicyError(insecureHttp);
  if (scheme !== "http" && scheme !== "https") throw new PolicyError(`unsupported URL scheme: ${scheme}`);
  const response = await request(url);
  if (new URL(response.url).protocol === "http:" && !insecure) throw new PolicyError(insecureHttp);
  if (response.status !== 200) throw new PolicyError(`fetching ${url}: status ${response.status}`);
  const parts: Uint8Array[] = [];
  let total = 0;
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    total += part.length;
    if (total > contentMax) throw new PolicyError(`fetching ${url}: more than ${contentMax} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

async function request(url: string): Promise<Response> {
  try {
    return await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new PolicyError(`fetching ${url}: ${cause instanceof Error ? cause.message : "failed"}`);
  }
}

function imageSource(url: string, { environment }: FetchOptions): CatalogSource {
  let files: ReadonlyMap<string, Uint8Array> | null = null;
  const read = async (name: string): Promise<string> => {
    if (files === null) {
      const pulled = await pullImage(url.replace(/^oci:\/\//, ""), { environment });
      if ("error" in pulled) throw new PolicyError(pulled.error);
      files = new Map(pulled.files.map((one) => [one.name, one.bytes]));
    }
    const bytes = files.get(posix.normalize(name));
    if (bytes === undefined) throw new PolicyError(`${url} holds no ${name}`);
    return Buffer.from(bytes).toString("utf8");
  };
  return { catalog: () => read("catalog.yaml"), content: read };
}
