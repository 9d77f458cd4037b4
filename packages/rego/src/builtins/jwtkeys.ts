// The keys that verify tokens: one from a PEM certificate or public key, or those of a JSON Web Key or key set. The host
// keeps and uses asymmetric keys; symmetric ones are bytes. OPA: v1/topdown/tokens.go parseKeysFromCertOrJWK.

import type { SignatureKey, World } from "@portcullis/lang";
import { encodeUtf8 } from "@portcullis/lang/go";
import { type PlainObject, type Value, isArray, isPlainObject } from "../runtime/value.ts";
import { decodeJson } from "./jsontext.ts";
import { TokenError, decodePart } from "./jwtparts.ts";

export interface VerificationKey {
  /** Empty when the key does not say. */
  readonly alg: string;
  readonly kid: string;
  readonly key: SignatureKey | Uint8Array;
}

export const tokenAlgorithms: ReadonlySet<string> = new Set(
  "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 HS256 HS384 HS512 EdDSA".split(" "),
);

const keySetPrefix = "failed to parse a JWK key (set): jwk.ParseString: failed to parse string: ";

/** The keys of a PEM block or a JWK text. Throws TokenError. */
export function keysOf(world: World, text: string): readonly VerificationKey[] {
  const block = firstPemBlock(text);
  if (block === null) return jwks(text, keySetPrefix).flatMap((jwk) => fromJwk(world, jwk) ?? []);
  if (block.end < text.length) throw new TokenError("extra data after a PEM certificate block");
  const names = new Map([
    ["CERTIFICATE", "certificate"],
    ["PUBLIC KEY", "public key"],
  ]);
  const name = names.get(block.type);
  if (name === undefined) throw new TokenError("failed to extract a Key from the PEM certificate");
  const key = signatures(world).publicKey({ pem: block.text });
  if ("error" in key) throw new TokenError(`failed to parse a PEM ${name}: ${key.error}`);
  return [{ alg: "", kid: "", key }];
}

interface PemBlock {
  readonly type: string;
  readonly text: string;
  /** Where what follows the block begins. */
  readonly end: number;
}

/** The first block with its end; beginnings without one are passed over, but not for ever. */
function firstPemBlock(text: string): PemBlock | null {
  const begin = /(?:^|\n)-----BEGIN ([^\n-]*)-----\r?\n/g;
  for (let tries = 0; tries < 100; tries++) {
    const match = begin.exec(text);
    if (match === null) return null;
    const type = match[1] ?? "";
    const marker = `\n-----END ${type}-----`;
    const at = text.indexOf(marker, begin.lastIndex - 1);
    if (at === -1) continue;
    const after = at + marker.length;
    const lineEnd = /^[ \t]*(?:\r?\n|$)/.exec(text.slice(after, after + 100))?.[0].length ?? 0;
    return { type, text: text.slice(match.index, after).trim(), end: after + lineEnd };
  }
  return null;
}

export function signatures(world: World): NonNullable<World["host"]["signatures"]> {
  if (world.host.signatures === undefined) throw new TokenError("signatures cannot be checked here");
  return world.host.signatures;
}

/** The keys of a JWK or a set of them. Throws TokenError. */
export function jwks(text: string, prefix: string): readonly PlainObject[] {
  const sole = `${prefix}jwk.Parse: failed to parse sole key: jwk.ParseKey: `;
  const decoded = decodeJson(text);
  if ("error" in decoded) {
    throw new TokenError(`${sole}jwk.Parse: failed to probe data: probe: failed to unmarshal data: ${decoded.error}`);
  }
  const { value } = decoded;
  if (!isPlainObject(value)) throw new TokenError(`${sole}jwk.Parse: failed to probe data`);
  const keys: Value = Object.hasOwn(value, "keys") ? (value["keys"] as Value) : [value];
  if (!isArray(keys)) throw new TokenError(`${prefix}jwk.Parse: failed to unmarshal JWK set`);
  return keys.map((key) => {
    const type = isPlainObject(key) && Object.hasOwn(key, "kty") ? key["kty"] : "";
    if (isPlainObject(key) && typeof type === "string" && keyTypes.has(type)) return key;
    throw new TokenError(`${sole}invalid key type from JSON (${typeof type === "string" ? type : ""})`);
  });
}

const keyTypes: ReadonlySet<string> = new Set(["RSA", "EC", "OKP", "oct"]);

/** Null for a key of an algorithm that tokens do not use. */
function fromJwk(world: World, jwk: PlainObject): VerificationKey | null {
  const text = (name: string): string => {
    const value = Object.hasOwn(jwk, name) ? jwk[name] : "";
    return typeof value === "string" ? value : "";
  };
  const alg = text("alg");
  if (alg !== "" && !tokenAlgorithms.has(alg)) return null;
  if (text("kty") === "oct")
    return { alg, kid: text("kid"), key: decodePart(text("k"), "failed to parse a JWK key (set): ") };
  const key = signatures(world).publicKey({ jwk: plainTree(jwk) });
  if ("error" in key) throw new TokenError(`failed to parse a JWK key (set): ${key.error}`);
  return { alg, kid: text("kid"), key };
}

/** The members that are texts, as the host wants them. */
export function plainTree(jwk: PlainObject): Readonly<Record<string, string>> {
  const texts = Object.entries(jwk).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return Object.fromEntries(texts);
}

/** Whether a key, asymmetric or not, made the signature. */
export function verifies(
  world: World,
  algorithm: string,
  key: SignatureKey | Uint8Array,
  signed: { readonly text: string; readonly signature: Uint8Array },
): boolean {
  const bytes = encodeUtf8(signed.text);
  const size = /^HS(256|384|512)$/.exec(algorithm)?.[1];
  if (key instanceof Uint8Array) {
    if (size === undefined) return false;
    return equalBytes(world.host.hmac(`sha${size}`, key, bytes), signed.signature);
  }
  return size === undefined && signatures(world).verify(algorithm, key, bytes, signed.signature);
}

/** Looks at every byte whatever it finds. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (const [at, byte] of a.entries()) difference |= byte ^ (b[at] ?? 0);
  return difference === 0;
}
