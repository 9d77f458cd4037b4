// Base64 and JSON. cel-go: ext/encoders.go, version 1.

import { decodeBase64, encodeBase64, standardBase64 } from "@portcullis/lang/go";
import type { Library } from "../library.ts";
import { CelError, type Value } from "../runtime/value.ts";
import { sizeAt, traversal } from "./cost.ts";
import { type OverloadOptions, global } from "./declare.ts";

const coding: OverloadOptions = { cost: (args) => traversal(sizeAt(args, 0)) + 1 };

/** The padding may be missing. */
function decode([text]: [string]): Value | CelError {
  const missing = text.endsWith("=") ? 0 : (4 - (text.length % 4)) % 4;
  const bytes = decodeBase64(missing > 2 ? text : text + "=".repeat(missing), standardBase64);
  return bytes instanceof Uint8Array ? bytes : new CelError(bytes.error);
}

/** @internal */
export const encodersLibrary: Library = {
  name: "cel.lib.ext.encoders",
  overloads: [
    global(
      "base64.decode(string) -> bytes",
      "base64_decode_string",
      (args: [string], budget) => {
        budget.output(args[0].length);
        return decode(args);
      },
      coding,
    ),
    global(
      "base64.encode(bytes) -> string",
      "base64_encode_bytes",
      ([bytes]: [Uint8Array], budget) => encodeBase64(bytes, standardBase64, (part) => budget.output(part * 2)),
      coding,
    ),
  ],
};
