// The parts of a JSON Web Token: three base64url texts, of which the first is a JSON object with the algorithm and the
// third the signature. Reading fails with OPA's words. OPA: v1/topdown/tokens.go.

import { decodeBase64, decodeUtf8, urlBase64, utf8Length } from "@portcullis/lang/go";
import { type PlainObject, type Value, isArray, isPlainObject } from "../runtime/value.ts";
import { decodeJson } from "./jsontext.ts";

/** What is wrong with a token, a key or a constraint. Caught where the built-in reports it. */
export class TokenError extends Error {}

export interface Token {
  /** As written. */
  readonly header: string;
  readonly payload: string;
  readonly signature: string;
  readonly headerObject: PlainObject;
}

export interface TokenHeader {
  readonly alg: string;
  readonly kid: string;
  readonly cty: string;
  /** It has an algorithm, and no critical parameter that is not known. */
  readonly valid: boolean;
}

export function splitToken(text: string): readonly [string, string, string] {
  if (!text.includes(".")) throw new TokenError("encoded JWT had no period separators");
  const parts = text.split(".");
  const [header, payload, signature] = parts;
  if (parts.length !== 3 || header === undefined || payload === undefined || signature === undefined) {
    throw new TokenError(`encoded JWT must have 3 sections, found ${parts.length}`);
  }
  return [header, payload, signature];
}

export function tokenOf(parts: readonly [string, string, string]): Token {
  const [header, payload, signature] = parts;
  return { header, payload, signature, headerObject: headerOf(header) };
}

function headerOf(text: string): PlainObject {
  const bytes = decodePart(text, "JWT header had invalid encoding: ");
  const header = objectOf(decodeUtf8(bytes), "bad JWT header: ");
  if (Object.hasOwn(header, "enc")) throw new TokenError("JWT is a JWE object, which is not supported");
  return header;
}

/** The JSON object of a text. */
export function objectOf(text: string, prefix = ""): PlainObject {
  const decoded = decodeJson(text);
  if ("error" in decoded) throw new TokenError(`${prefix}invalid JSON: ${decoded.error}`);
  if (!isPlainObject(decoded.value)) throw new TokenError(`${prefix}decoded JSON type was not an Object`);
  return decoded.value;
}

/** The bytes of a base64url text, with or without padding. */
export function decodePart(text: string, prefix: string): Uint8Array {
  const left = text.endsWith("=") ? 0 : utf8Length(text) % 4;
  if (left === 1) throw new TokenError(`${prefix}illegal base64url string: ${text}`);
  const bytes = decodeBase64(text + (left === 0 ? "" : "=".repeat(4 - left)), urlBase64);
  if ("error" in bytes) throw new TokenError(prefix + bytes.error);
  return bytes;
}

export function payloadText(token: Token): string {
  return decodeUtf8(decodePart(token.payload, "JWT payload had invalid encoding: "));
}

const knownParameters: ReadonlySet<string> = new Set(["alg", "kid", "typ", "cty", "crit"]);

/** The parameters that a verifier looks at. OPA: parseTokenHeader, tokenHeader.valid. */
export function parametersOf(header: PlainObject): TokenHeader {
  const text = (name: string): string => {
    const value = Object.hasOwn(header, name) ? header[name] : "";
    if (typeof value !== "string") throw new TokenError(`${name}: must be a string`);
    return value;
  };
  const critical = Object.hasOwn(header, "crit") ? criticalOf(header["crit"] as Value) : [];
  const unknown = Object.keys(header).filter((name) => !knownParameters.has(name));
  const alg = text("alg");
  text("typ");
  const valid = alg !== "" && !unknown.some((name) => critical.includes(name));
  return { alg, kid: text("kid"), cty: text("cty"), valid };
}

function criticalOf(value: Value): readonly Value[] {
  if (!isArray(value)) throw new TokenError("crit: must be a list");
  const wrong = value.findIndex((name) => typeof name !== "string");
  const names = wrong === -1 ? value : value.slice(0, wrong);
  if (names.length === 0) throw new TokenError("crit: must be a nonempty list");
  return names;
}
