// A registry for tests, on loopback: what was put into it, with or without a token, and tricks that a bad one could play.

import { createHash } from "node:crypto";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";

export interface Layer {
  readonly title?: string;
  readonly bytes: Uint8Array;
  /** A packed folder. */
  readonly unpack?: boolean;
  /** Served in place of the bytes. */
  readonly served?: Uint8Array;
  /** Said in place of the true size. */
  readonly size?: number;
}

export interface TestRegistry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** Every request: method, path, and whether it had an Authorization header. */
  readonly asked: readonly { readonly path: string; readonly authorization: string | null }[];
  put(repository: string, tag: string, layers: readonly Layer[]): string;
  close(): Promise<void>;
}

export interface RegistryOptions {
  /** `user:password` of the only one who gets a token. */
  readonly user?: string;
  /** `Basic` asks for the password itself. */
  readonly scheme?: "Bearer" | "Basic";
  /** Blobs come from this other server. */
  readonly blobsAt?: string;
}

const token = "a-token";

export async function startRegistry(options: RegistryOptions = {}): Promise<TestRegistry> {
  const content = new Map<string, { readonly type: string; readonly bytes: Uint8Array }>();
  const asked: { path: string; authorization: string | null }[] = [];
  const server = createServer((request, response) => {
    asked.push({ path: request.url ?? "", authorization: request.headers.authorization ?? null });
    answer(request, response, { content, options, host: hostOf(server) });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    host: hostOf(server),
    asked,
    put: (repository, tag, layers) => {
      const blob = (bytes: Uint8Array, served = bytes): string => {
        const digest = digestOf(bytes);
        content.set(`/v2/${repository}/blobs/${digest}`, { type: "application/octet-stream", bytes: served });
        return digest;
      };
      const manifest = manifestOf(layers, blob);
      const bytes = Buffer.from(JSON.stringify(manifest));
      const entry = { type: manifest.mediaType, bytes };
      content.set(`/v2/${repository}/manifests/${tag}`, entry);
      content.set(`/v2/${repository}/manifests/${digestOf(bytes)}`, entry);
      return digestOf(bytes);
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
}

/** An image manifest; `blob` stores content and names its digest. */
export function manifestOf(
  layers: readonly Layer[],
  blob: (bytes: Uint8Array, served?: Uint8Array) => string,
): { readonly mediaType: string } {
  const config = Buffer.from("{}");
  return {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: { mediaType: "application/vnd.oci.empty.v1+json", digest: blob(config), size: config.length },
    layers: layers.map(({ title, bytes, unpack, served, size }) => ({
      mediaType: unpack === true ? "application/vnd.oci.image.layer.v1.tar+gzip" : "application/yaml",
      digest: blob(bytes, served),
      size: size ?? bytes.length,
      annotations: {
        ...(title === undefined ? {} : { "org.opencontainers.image.title": title }),
        ...(unpack === true ? { "io.deis.oras.content.unpack": "true" } : {}),
      },
    })),
  } as { readonly mediaType: string };
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function hostOf(server: Server): string {
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Answering {
  readonly content: ReadonlyMap<string, { readonly type: string; readonly bytes: Uint8Array }>;
  readonly options: RegistryOptions;
  readonly host: string;
}

function answer(
  { url = "", method = "GET", headers }: IncomingMessage,
  response: ServerResponse,
  { content, options, host }: Answering,
): void {
  const { user, scheme = "Bearer", blobsAt } = options;
  const isKnown = user !== undefined && headers.authorization === `Basic ${Buffer.from(user).toString("base64")}`;
  if (url.startsWith("/token")) {
    response.writeHead(isKnown ? 200 : 401, { "content-type": "application/json" });
    response.end(isKnown ? JSON.stringify({ token }) : "{}");
    return;
  }
  const wanted = scheme === "Basic" ? isKnown : headers.authorization === `Bearer ${token}`;
  if (user !== undefined && !wanted) {
    const challenge =
      scheme === "Basic" ? 'Basic realm="test"' : `Bearer realm="http://${host}/token",service="test",scope="pull"`;
    response.writeHead(401, { "www-authenticate": challenge }).end();
    return;
  }
  if (blobsAt !== undefined && url.includes("/blobs/")) {
    response.writeHead(307, { location: `http://${blobsAt}${url}` }).end();
    return;
  }
  const found = content.get(url);
  if (found === undefined) {
    const errors = [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown" }];
    response.writeHead(404, { "content-type": "application/json" }).end(JSON.stringify({ errors }));
    return;
  }
  response.writeHead(200, {
    "content-type": found.type,
    "content-length": found.bytes.length,
    "docker-content-digest": digestOf(found.bytes),
  });
  response.end(method === "HEAD" ? undefined : found.bytes);
}

// ── archives

export interface TarEntry {
  readonly name: string;
  readonly text?: string;
  /** `0` a file, `5` a folder, `2` a link. */
  readonly type?: string;
  readonly link?: string;
}

/** A tar archive packed with gzip. */
export function tarGz(entries: readonly TarEntry[]): Uint8Array {
  return gzipSync(tar(entries));
}

export function tar(entries: readonly TarEntry[]): Uint8Array {
  const blocks = entries.flatMap(({ name, text = "", type = "0", link = "" }) => {
    const body = Buffer.from(text);
    const header = Buffer.alloc(512);
    header.write(name, 0, 100);
    header.write("0000644\0", 100);
    header.write(`${body.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write("00000000000\0", 136);
    header.write(" ".repeat(8), 148);
    header.write(type, 156);
    header.write(link, 157, 100);
    header.write("ustar\0", 257);
    header.write("00", 263);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}
