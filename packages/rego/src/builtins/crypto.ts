// Digests and message authentication codes, in hexadecimal, through the host's primitives. OPA: v1/topdown/crypto.go.

import { encodeUtf8 } from "@portcullis/lang/go";
import type { Value } from "../runtime/value.ts";
import { t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError } from "./builtin.ts";
import { onString } from "./operand.ts";

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function digest(algorithm: string): Builtin {
  return {
    name: `crypto.${algorithm}`,
    type: t.function([t.string], t.string),
    evaluate: onString((call, text) => {
      call.budget.output(text.length);
      return hex(call.world.host.digest(algorithm, encodeUtf8(text)));
    }),
  };
}

function hmac(algorithm: string): Builtin {
  return {
    name: `crypto.hmac.${algorithm}`,
    type: t.function([t.string, t.string], t.string),
    evaluate: (call, text, key) => {
      if (typeof text !== "string") return operandError(call, 1, text ?? null, "string");
      if (typeof key !== "string") return operandError(call, 2, key ?? null, "string");
      call.budget.output(text.length + key.length);
      return hex(call.world.host.hmac(algorithm, encodeUtf8(key), encodeUtf8(text)));
    },
  };
}

/** Compares every character whatever it finds, so that the time says nothing about the key. */
function hmacEqual(call: BuiltinCall, a: Value, b: Value): Value | undefined {
  if (typeof a !== "string") return operandError(call, 1, a, "string");
  if (typeof b !== "string") return operandError(call, 2, b, "string");
  call.budget.step(a.length);
  let difference = a.length ^ b.length;
  for (let at = 0; at < a.length; at++) difference |= a.charCodeAt(at) ^ b.charCodeAt(at);
  return difference === 0;
}

export const cryptoBuiltins: readonly Builtin[] = [
  ...["md5", "sha1", "sha256"].map(digest),
  ...["md5", "sha1", "sha256", "sha512"].map(hmac),
  { name: "crypto.hmac.equal", type: t.function([t.string, t.string], t.boolean), evaluate: hmacEqual },
];
