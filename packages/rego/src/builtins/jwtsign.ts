// Making tokens. The algorithm is the header's, the key the first of a JWK or key set; the host signs with asymmetric keys.
// OPA: v1/topdown/tokens.go commonBuiltinJWTEncodeSign.

import { encodeBase64, encodeUtf8, rawUrlBase64 } from "@portcullis/lang/go";
import { type PlainObject, type Value, isObject, isPlainObject, typeName } from "../runtime/value.ts";
import { t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError } from "./builtin.ts";
import { decodeJson, encodeJson, isJson } from "./jsontext.ts";
import { guarded } from "./jwt.ts";
import { jwks, plainTree, signatures, tokenAlgorithms } from "./jwtkeys.ts";
import { TokenError, decodePart } from "./jwtparts.ts";

function encodeSign(call: BuiltinCall, headers: string, payload: string, keyText: string): Value {
  call.budget.output((headers.length + payload.length) * 2 + keyText.length);
  const [key] = jwks(keyText, "");
  if (key === undefined) throw new TokenError("no keys found in JWK set");
  const header = headerOf(headers);
  const alg = algorithmOf(header);
  if (!tokenAlgorithms.has(alg)) throw new TokenError(`unknown JWS algorithm: ${alg}`);
  const type = textOf(header, "typ");
  if ((type === undefined || type === "JWT") && !isJson(payload)) {
    throw new TokenError("type is JWT but payload is not JSON");
  }
  const part = (text: string): string => encodeBase64(encodeUtf8(text), rawUrlBase64);
  const signed = `${part(headers)}.${part(payload)}`;
  call.budget.step(100_000);
  return `${signed}.${encodeBase64(signatureOf(call, alg, key, encodeUtf8(signed)), rawUrlBase64)}`;
}

/** The header's JSON, as the library reads it that OPA uses: it takes any run of number characters for a number. */
function headerOf(text: string): PlainObject {
  if (/^[-+0-9.eE]+$/.test(text)) return {};
  const decoded = decodeJson(text);
  if (!("error" in decoded)) return isPlainObject(decoded.value) ? decoded.value : {};
  const why = text.trim() === "" ? 'cannot parse empty string; unparsed tail: ""' : decoded.error;
  throw new TokenError(`missing or invalid 'alg' header: cannot parse JSON: ${why}`);
}

function algorithmOf(header: PlainObject): string {
  const alg = Object.hasOwn(header, "alg") ? header["alg"] : undefined;
  if (typeof alg === "string") return alg;
  const why =
    alg === undefined ? 'jwsbb: header "alg" not found' : `value doesn't contain string; it contains ${typeName(alg)}`;
  throw new TokenError(`missing or invalid 'alg' header: ${why}`);
}

function textOf(object: PlainObject, name: string): string | undefined {
  const value = Object.hasOwn(object, name) ? object[name] : undefined;
  return typeof value === "string" ? value : undefined;
}

function signatureOf(call: BuiltinCall, alg: string, key: PlainObject, bytes: Uint8Array): Uint8Array {
  const size = /^HS(\d+)$/.exec(alg)?.[1];
  if (size !== undefined) {
    if (textOf(key, "kty") !== "oct") throw new TokenError(`failed to sign: the key does not serve ${alg}`);
    return call.world.host.hmac(`sha${size}`, decodePart(textOf(key, "k") ?? "", ""), bytes);
  }
  const signature = signatures(call.world).sign(alg, plainTree(key), bytes);
  if ("error" in signature) throw new TokenError(`failed to sign: ${signature.error}`);
  return signature;
}

export const jwtSignBuiltins: readonly Builtin[] = [
  {
    name: "io.jwt.encode_sign",
    type: t.function([t.object(t.string, t.any), t.object(t.string, t.any), t.object(t.string, t.any)], t.string),
    nondeterministic: true,
    evaluate: (call, headers = null, payload = null, key = null) => {
      for (const [at, operand] of [headers, payload, key].entries()) {
        if (!isObject(operand)) return operandError(call, at + 1, operand, "object");
      }
      return guarded(call, () => {
        const [headerText, payloadText, keyText] = [headers, payload, key].map((one) => encodeJson(one, call.budget));
        return encodeSign(call, headerText ?? "", payloadText ?? "", keyText ?? "");
      });
    },
  },
  {
    name: "io.jwt.encode_sign_raw",
    type: t.function([t.string, t.string, t.string], t.string),
    nondeterministic: true,
    evaluate: (call, headers = null, payload = null, key = null) => {
      if (typeof key !== "string") return operandError(call, 3, key, "string");
      if (typeof headers !== "string") return operandError(call, 1, headers, "string");
      if (typeof payload !== "string") return operandError(call, 2, payload, "string");
      return guarded(call, () => encodeSign(call, headers, payload, key));
    },
  },
];
