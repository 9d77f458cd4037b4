// What Go's JSON shows of the parts of a certificate: bytes as base64, a nil slice as null, integers of any size.

import type { AnyNumber } from "../../decimal.ts";
import { encodeBase64, standardBase64 } from "../base64.ts";

export type Json = null | boolean | AnyNumber | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}

export function base64Of(bytes: Uint8Array): string {
  return encodeBase64(bytes, standardBase64);
}

/** Go's nil slice: never appended to. */
export function orNull(list: readonly Json[]): Json {
  return list.length === 0 ? null : list;
}
