// A registry over HTTP: manifests and blobs of one repository, by the OCI distribution specification. Where the registry
// wants to know who asks, its challenge says how: `Basic`, or `Bearer` with a token from the place that it names. The
// token is asked for once. Bodies are read up to a limit; credentials go to the registry and its token server only, and
// never along with a redirect to another host (fetch drops them there).
// https://github.com/opencontainers/distribution-spec; oras-go v2: registry/remote/auth.

import { type Credentials, credentialsFor } from "./credentials.ts";
import { type Descriptor, verify } from "./digest.ts";
import { type ImageReference, RegistryError, isDigest, isLoopback } from "./reference.ts";

/** Where the content of an image comes from. All throw RegistryError. */
export interface ImageSource {
  /** What a tag or digest names. */
  manifest(reference: string): Promise<ManifestBytes>;
  blob(descriptor: Descriptor, bytesMax: number): Promise<Uint8Array>;
}

interface ManifestBytes {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
}

export interface ClientOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** For one request with its body, in milliseconds; 60 s when absent. */
  readonly timeoutMs?: number;
}

/** Manifests are small; distribution's own limit. */
const manifestBytesMax = 4 * 1024 * 1024;
const tokenBytesMax = 1024 * 1024;

const manifestTypes: readonly string[] = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];

export function registrySource(image: ImageReference, options: ClientOptions): ImageSource {
  const scheme = isLoopback(image.registry) ? "http" : "https";
  const base = `${scheme}://${image.registry}/v2/${image.repository}`;
  const ask = authenticating(image, options);
  const named = `${image.registry}/${image.repository}`;
  return {
    manifest: async (reference) => {
      const accept = manifestTypes.join(", ");
      const response = await ask(`${base}/manifests/${reference}`, {
        headers: { accept },
        absent: `failed to perform "FetchReference" on source: ${named}${isDigest(reference) ? "@" : ":"}${reference}: not found`,
      });
      const bytes = await readBody(response, manifestBytesMax);
      if (isDigest(reference)) verify(bytes, reference);
      return { bytes, mediaType: (response.headers.get("content-type") ?? "").split(";")[0]?.trim() ?? "" };
    },
    blob: async ({ digest, size }, bytesMax) => {
      if (size > bytesMax) throw new RegistryError(`${digest}: ${size} bytes are more than the ${bytesMax} allowed`);
      const bytes = await readBody(
        await ask(`${base}/blobs/${digest}`, { headers: {}, absent: `${digest}: not found` }),
        size,
      );
      if (bytes.length !== size) throw new RegistryError(`${digest}: expected ${size} bytes, got ${bytes.length}`);
      verify(bytes, digest);
      return bytes;
    },
  };
}

type Headers = Readonly<Record<string, string>>;
type Ask = (url: string, asking: Asking) => Promise<Response>;

interface Asking {
  readonly headers: Headers;
  /** What is said about a 404. */
  readonly absent: string;
}

/** Asks again with credentials when the registry wants some. */
function authenticating(image: ImageReference, options: ClientOptions): Ask {
  let authorization: string | null = null;
  return async (url, { headers, absent }) => {
    const signed = (): Headers => (authorization === null ? headers : { ...headers, authorization });
    let response = await request(url, { headers: signed() }, options);
    const challenge = response.headers.get("www-authenticate");
    if (response.status === 401 && challenge !== null) {
      await response.body?.cancel();
      authorization = await authorize(challenge, image, options);
      response = await request(url, { headers: signed() }, options);
    }
    if (response.ok) return response;
    throw new RegistryError(response.status === 404 ? absent : await refusal(url, response));
  };
}

async function request(url: string, init: RequestInit, { timeoutMs = 60_000 }: ClientOptions): Promise<Response> {
  try {
    return await fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) });
  } catch (error) {
    throw new RegistryError(`Get ${JSON.stringify(url)}: ${networkText(error)}`);
  }
}

function networkText(error: unknown): string {
  if (!(error instanceof Error)) return "the request failed";
  return error.cause instanceof Error ? error.cause.message : error.message;
}

/** `GET "URL": response status code 404: manifest unknown: …`, as oras has it. */
async function refusal(url: string, response: Response): Promise<string> {
  const head = `GET ${JSON.stringify(url)}: response status code ${response.status}`;
  try {
    const body = JSON.parse(Buffer.from(await readBody(response, tokenBytesMax)).toString()) as {
      readonly errors?: readonly { readonly code?: string; readonly message?: string }[];
    };
    const texts = (body.errors ?? []).map(
      ({ code = "", message = "" }) => `${code.toLowerCase().replaceAll("_", " ")}: ${message}`,
    );
    return texts.length === 0 ? `${head}: ${response.statusText}` : `${head}: ${texts.join("; ")}`;
  } catch {
    return `${head}: ${response.statusText}`;
  }
}

async function readBody(response: Response, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  try {
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      total += chunk.length;
      if (total > bytesMax) {
        throw new RegistryError(`${response.url}: the body has more than ${bytesMax} bytes`);
      }
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof RegistryError) throw error;
    throw new RegistryError(`${response.url}: ${networkText(error)}`);
  }
  return Buffer.concat(chunks, total);
}

// ── who asks

async function authorize(challenge: string, image: ImageReference, options: ClientOptions): Promise<string> {
  const credentials = credentialsFor(image.registry, options);
  const scheme = challenge.split(" ", 1)[0] ?? "";
  if (scheme.toLowerCase() === "basic") {
    if (credentials === null) throw new RegistryError(`${image.registry}: basic credential not found`);
    return basic(credentials);
  }
  if (scheme.toLowerCase() !== "bearer") throw new RegistryError(`${image.registry}: unknown challenge ${scheme}`);
  const parameters = new Map(
    [...challenge.matchAll(/(?<!\w)(\w+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name.toLowerCase(), value]),
  );
  return `Bearer ${await bearerToken(parameters, { credentials, image, options })}`;
}

interface TokenRequest {
  readonly credentials: Credentials | null;
  readonly image: ImageReference;
  readonly options: ClientOptions;
}

async function bearerToken(
  parameters: ReadonlyMap<string, string>,
  { credentials, image, options }: TokenRequest,
): Promise<string> {
  const realm = tokenUrl(parameters.get("realm") ?? "", image);
  const service = parameters.get("service") ?? "";
  const scope = parameters.get("scope") ?? `repository:${image.repository}:pull`;
  const hasToken = credentials !== null && credentials.identityToken !== "";
  const form = new URLSearchParams({ service, scope });
  if (hasToken) {
    form.set("grant_type", "refresh_token");
    form.set("client_id", "portcullis");
    form.set("refresh_token", credentials.identityToken);
  }
  const response = hasToken
    ? await request(realm.href, { method: "POST", body: form, redirect: "error" }, options)
    : await request(
        `${realm.href}${realm.search === "" ? "?" : "&"}${form.toString()}`,
        credentials === null ? {} : { headers: { authorization: basic(credentials) }, redirect: "error" },
        options,
      );
  if (!response.ok) throw new RegistryError(`${realm.host}: response status code ${response.status} for a token`);
  const token = tokenIn(Buffer.from(await readBody(response, tokenBytesMax)).toString());
  if (token === null) throw new RegistryError(`${realm.host} gave no token`);
  return token;
}

/** Credentials leave over TLS, or to this machine. */
function tokenUrl(realm: string, image: ImageReference): URL {
  if (!URL.canParse(realm)) throw new RegistryError(`${image.registry}: the challenge names no token server`);
  const url = new URL(realm);
  if (url.protocol !== "https:" && !isLoopback(url.host)) {
    throw new RegistryError(`${image.registry}: the token server ${url.host} is not on https`);
  }
  return url;
}

function tokenIn(text: string): string | null {
  try {
    const { token, access_token: access } = JSON.parse(text) as {
      readonly token?: unknown;
      readonly access_token?: unknown;
    };
    const found = access ?? token;
    return typeof found === "string" && found !== "" ? found : null;
  } catch {
    return null;
  }
}

function basic({ username, password }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}
