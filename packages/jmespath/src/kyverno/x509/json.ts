// How Go's JSON shows the parts of a certificate: bytes as base64, a nil slice as null.

import { encodeBase64, standardBase64 } from "@portcullis/lang/go";
import type { Value } from "../../runtime/value.ts";

export function base64Of(bytes: Uint8Array): string {
  return encodeBase64(bytes, standardBase64);
}

/** Go's nil slice: never appended to. */
export function orNull(list: readonly Value[]): Value {
  return list.length === 0 ? null : list;
}
