// JSON Web Tokens: decoding, verification with one algorithm, and verification with everything that RFC 7519 asks for.
// OPA: v1/topdown/tokens.go.

import { type AnyNumber, compareNumbers, numberOf } from "@portcullis/lang";
import { encodeUtf8 } from "@portcullis/lang/go";
import { sortedEntries } from "../runtime/compare.ts";
import { type PlainObject, type Value, isArray, isNumber, isObject, newObject } from "../runtime/value.ts";
import { t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError } from "./builtin.ts";
import { type VerificationKey, equalBytes, keysOf, verifies } from "./jwtkeys.ts";
import {
  type Token,
  type TokenHeader,
  TokenError,
  decodePart,
  objectOf,
  parametersOf,
  payloadText,
  splitToken,
  tokenOf,
} from "./jwtparts.ts";

/** Reports a TokenError as the built-in's own. */
export function guarded(call: BuiltinCall, run: () => Value): Value | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof TokenError) return call.fail(error.message);
    throw error;
  }
}

function decode(call: BuiltinCall, text: string): Value {
  call.budget.output(text.length * 2);
  const token = tokenOf(splitToken(text));
  const payload = payloadText(token);
  if (Object.hasOwn(token.headerObject, "cty") && token.headerObject["cty"] === "JWT") {
    // The payload is a token in quotes.
    return decode(call, payload.replace(/^["']+|(?<!["'])["']+$/g, ""));
  }
  const object = objectOf(payload);
  const signature = decodePart(token.signature, "JWT signature had invalid encoding: ");
  const hex = Array.from(signature, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [token.headerObject, object, hex];
}

function signedText(token: Token): string {
  return `${token.header}.${token.payload}`;
}

/** A signature check is charged like this much ordinary work. */
const stepsPerCheck = 100_000;

function verify(call: BuiltinCall, algorithm: string, text: Value, keyText: Value): Value | undefined {
  if (typeof text !== "string") return operandError(call, 1, text, "string");
  return guarded(call, () => {
    const parts = splitToken(text);
    if (typeof keyText !== "string") throw new TokenError("operand 2 must be string");
    call.budget.output(text.length * 2);
    const keys = keysOf(call.world, keyText);
    const signature = decodePart(parts[2], "");
    const token = tokenOf(parts);
    const header = parametersOf(token.headerObject);
    const signed = { text: signedText(token), signature };
    return anyVerifies(call, keys, header, (key) => verifies(call.world, algorithm, key.key, signed));
  });
}

/** The key that the token names, alone; without one, every key whose algorithm may be the token's. */
function anyVerifies(
  call: BuiltinCall,
  keys: readonly VerificationKey[],
  header: TokenHeader,
  check: (key: VerificationKey) => boolean,
): boolean {
  const named = header.kid === "" ? undefined : keys.find((key) => key.kid === header.kid);
  const candidates = named === undefined ? keys.filter((key) => key.alg === "" || key.alg === header.alg) : [named];
  return candidates.some((key) => {
    call.budget.step(stepsPerCheck);
    return check(key);
  });
}

function verifyHmac(call: BuiltinCall, size: string, text: Value, secret: Value): Value | undefined {
  if (typeof text !== "string") return operandError(call, 1, text, "string");
  if (typeof secret !== "string") return operandError(call, 2, secret, "string");
  return guarded(call, () => {
    call.budget.output(text.length * 2);
    const [header, payload, signature] = splitToken(text);
    const mac = call.world.host.hmac(`sha${size}`, encodeUtf8(secret), encodeUtf8(`${header}.${payload}`));
    return equalBytes(decodePart(signature, ""), mac);
  });
}

interface Constraints {
  readonly keys: readonly VerificationKey[] | null;
  readonly secret: string;
  readonly alg: string;
  readonly iss: string;
  readonly aud: string;
  /** Nanoseconds. */
  readonly time: number;
}

/** Throws TokenError. OPA: parseTokenConstraints, validate. */
function constraintsOf(call: BuiltinCall, object: Value): Constraints {
  const texts = new Map<string, string>();
  let keys: readonly VerificationKey[] | null = null;
  let time = call.world.nowMs * 1_000_000;
  for (const [key, value] of isObject(object) ? sortedEntries(object) : []) {
    const name = typeof key === "string" ? key : "";
    if (name === "time") time = timeOf(value);
    else if (!["cert", "secret", "alg", "iss", "aud"].includes(name)) {
      throw new TokenError(`unknown token validation constraint: ${name}`);
    } else if (typeof value !== "string") throw new TokenError(`${name} constraint: must be a string`);
    else if (name === "cert") keys = keysOf(call.world, value);
    else texts.set(name, value);
  }
  const text = (name: string): string => texts.get(name) ?? "";
  if (keys !== null && text("secret") !== "") throw new TokenError("duplicate key constraints");
  if (keys === null && text("secret") === "") throw new TokenError("no key constraint");
  return { keys, secret: text("secret"), alg: text("alg"), iss: text("iss"), aud: text("aud"), time };
}

function timeOf(value: Value): number {
  if (!isNumber(value)) throw new TokenError("token time constraint: must be a number");
  const time = Number(String(value));
  if (time < 0) throw new TokenError("token time constraint: must not be negative");
  return time;
}

function unverified(): Value {
  return [false, newObject(), newObject()];
}

function decodeVerify(call: BuiltinCall, text: Value, constraintObject: Value): Value | undefined {
  if (!isObject(constraintObject)) return operandError(call, 2, constraintObject, "object");
  return guarded(call, () => {
    const constraints = constraintsOf(call, constraintObject);
    if (typeof text !== "string") throw new TokenError("operand 1 must be string");
    let encoded = text;
    for (;;) {
      call.budget.output(encoded.length * 2);
      const token = tokenOf(splitToken(encoded));
      const header = parametersOf(token.headerObject);
      if (!header.valid || (constraints.alg !== "" && constraints.alg !== header.alg)) return unverified();
      if (!signatureHolds(call, constraints, token, header)) return unverified();
      const payload = payloadText(token);
      if (header.cty.toUpperCase() !== "JWT") {
        const claims = objectOf(payload);
        return claimsHold(constraints, claims) ? [true, token.headerObject, claims] : unverified();
      }
      // A nested token: once more with the payload.
      encoded = payload;
    }
  });
}

function signatureHolds(call: BuiltinCall, constraints: Constraints, token: Token, header: TokenHeader): boolean {
  const signed = { text: signedText(token), signature: decodePart(token.signature, "") };
  if (constraints.keys === null) {
    return verifies(call.world, header.alg, encodeUtf8(constraints.secret), signed);
  }
  return anyVerifies(call, constraints.keys, header, (key) => verifies(call.world, header.alg, key.key, signed));
}

/** Issuer, audience, expiry and beginning. Throws TokenError for times that are no numbers. */
function claimsHold(constraints: Constraints, claims: PlainObject): boolean {
  const claim = (name: string): Value | undefined => (Object.hasOwn(claims, name) ? claims[name] : undefined);
  if (constraints.iss !== "" && claim("iss") !== constraints.iss) return false;
  const audience = claim("aud");
  if (audience === undefined ? constraints.aud !== "" : !isAudience(audience, constraints.aud)) return false;
  const now = numberOf(String(constraints.time / 1_000_000_000));
  const expires = timeClaim(claim("exp"), "exp");
  if (expires !== null && compareNumbers(now, expires) >= 0) return false;
  const begins = timeClaim(claim("nbf"), "nbf");
  return begins === null || compareNumbers(now, begins) >= 0;
}

function isAudience(audience: Value, wanted: string): boolean {
  return isArray(audience) ? audience.includes(wanted) : audience === wanted;
}

function timeClaim(value: Value | undefined, name: string): AnyNumber | null {
  if (value === undefined) return null;
  if (!isNumber(value)) throw new TokenError(`${name} value must be a number`);
  return value;
}

const anyObject = t.object(t.any, t.any);
const twoTexts = t.function([t.string, t.string], t.boolean);
const asymmetric = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA".split(" ");

export const jwtBuiltins: readonly Builtin[] = [
  {
    name: "io.jwt.decode",
    type: t.function([t.string], t.tuple(anyObject, anyObject, t.string)),
    evaluate: (call, text = null) =>
      typeof text === "string" ? guarded(call, () => decode(call, text)) : operandError(call, 1, text, "string"),
  },
  ...asymmetric.map((algorithm): Builtin => ({
    name: `io.jwt.verify_${algorithm.toLowerCase()}`,
    type: twoTexts,
    evaluate: (call, text = null, key = null) => verify(call, algorithm, text, key),
  })),
  ...["256", "384", "512"].map((size): Builtin => ({
    name: `io.jwt.verify_hs${size}`,
    type: twoTexts,
    evaluate: (call, text = null, secret = null) => verifyHmac(call, size, text, secret),
  })),
  {
    name: "io.jwt.decode_verify",
    type: t.function([t.string, t.object(t.string, t.any)], t.tuple(t.boolean, anyObject, anyObject)),
    nondeterministic: true,
    evaluate: decodeVerify,
  },
];
