// Content is what its digest says: everything that comes from a registry or a layout is checked against its descriptor,
// size first, so that nothing is read that would not fit.

import { createHash } from "node:crypto";
import { RegistryError, isDigest } from "./reference.ts";

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Throws RegistryError when the bytes are not those that the digest names. */
export function verify(bytes: Uint8Array, digest: string): void {
  const [algorithm = "", wanted = ""] = digest.split(":");
  if (!isDigest(digest)) throw new RegistryError(`unsupported digest ${JSON.stringify(digest.slice(0, 100))}`);
  const got = createHash(algorithm).update(bytes).digest("hex");
  if (got !== wanted) throw new RegistryError(`mismatch digest: expected ${digest}, got ${algorithm}:${got}`);
}

/** A descriptor in a manifest. Throws RegistryError when it is none. */
export function descriptorOf(value: unknown): Descriptor {
  const record = typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  const { digest, size, mediaType } = record;
  if (typeof digest !== "string" || !isDigest(digest)) throw new RegistryError("a descriptor has no usable digest");
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw new RegistryError(`the descriptor of ${digest} has no usable size`);
  }
  const annotations: Record<string, string> = {};
  const given = record["annotations"];
  if (typeof given === "object" && given !== null) {
    for (const [key, text] of Object.entries(given)) if (typeof text === "string") annotations[key] = text;
  }
  return { mediaType: typeof mediaType === "string" ? mediaType : "", digest, size, annotations };
}
