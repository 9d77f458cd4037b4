// UUIDs as google/uuid reads them, and random numbers. Both kinds of randomness come from a named stream of the world, so
// that equal arguments give equal results within a query, and a re-run gives them again.
// OPA: v1/topdown/uuid.go, numbers.go builtinRandIntn, internal/uuid.

import { integerOf, numberOf } from "@portcullis/lang";
import { type Value, isNumber, newObject } from "../runtime/value.ts";
import { t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError } from "./builtin.ts";
import { intOperand, onString } from "./operand.ts";

/** The first result for a key is kept for the rest of the query. */
function once<T>(call: BuiltinCall, key: string, make: (random: () => number) => T): T {
  const known = call.cache.get(key) as T | undefined;
  if (known !== undefined) return known;
  const made = make(call.world.random(key));
  call.cache.set(key, made);
  return made;
}

function randomInteger(call: BuiltinCall, key: Value, limit: Value): Value | undefined {
  if (typeof key !== "string") return operandError(call, 1, key, "string");
  if (intOperand(call, 2, limit) === undefined || !isNumber(limit)) return undefined;
  const exact = integerOf(limit) ?? 0n;
  if (exact === 0n) return 0;
  const below = exact < 0n ? -exact : exact;
  return once(call, `rand.intn ${key}-${below}`, (random) => {
    const number = Number(below);
    if (Number.isSafeInteger(number)) return Math.floor(random() * number);
    const wide = (BigInt(Math.floor(random() * 2 ** 32)) << 32n) | BigInt(Math.floor(random() * 2 ** 32));
    return numberOf(String(wide % below));
  });
}

/** A version 4 UUID. */
function randomUuid(call: BuiltinCall, key: string): Value {
  return once(call, `uuid.rfc4122 ${key}`, (random) => {
    const bytes = Array.from({ length: 16 }, () => Math.floor(random() * 256));
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
    const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  });
}

/** The 16 bytes of `x-x-x-x-x`, `urn:uuid:…`, anything in place of the braces of `{…}`, or 32 digits; null for others. */
function bytesOf(text: string): readonly number[] | null {
  const dashed =
    text.length === 45 && /^urn:uuid:/i.test(text) ? text.slice(9) : text.length === 38 ? text.slice(1) : text;
  const form =
    text.length === 32 ? /^[0-9a-f]{32}$/i : /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i;
  if (![32, 36, 38, 45].includes(text.length) || (text.length === 45 && dashed === text) || !form.test(dashed))
    return null;
  const digits = dashed.slice(0, 36).replaceAll("-", "");
  return Array.from({ length: 16 }, (_, at) => Number.parseInt(digits.slice(at * 2, at * 2 + 2), 16));
}

function parseUuid(_call: BuiltinCall, text: string): Value | undefined {
  const bytes = bytesOf(text);
  if (bytes === null) return undefined;
  const byte = (at: number): number => bytes[at] as number;
  const version = byte(6) >> 4;
  const result = newObject();
  if (version === 1 || version === 2) {
    result["clocksequence"] = ((byte(8) << 8) | byte(9)) & 0x3fff;
    if (version === 2) {
      result["domain"] = ["Person", "Group", "Org"][byte(9)] ?? `Domain${byte(9)}`;
      result["id"] = ((byte(0) << 24) | (byte(1) << 16) | (byte(2) << 8) | byte(3)) >>> 0;
    }
    result["macvariables"] = macVariables(byte(10));
    result["nodeid"] = bytes
      .slice(10)
      .map((part) => part.toString(16).padStart(2, "0"))
      .join("-");
    result["time"] = numberOf(String(unixNanos(bytes)));
  }
  result["variant"] = variantOf(byte(8));
  result["version"] = version;
  return result;
}

/** The 60-bit count of 100 ns since 1582, as nanoseconds since 1970. */
function unixNanos(bytes: readonly number[]): bigint {
  const order = [6, 7, 4, 5, 0, 1, 2, 3];
  const ticks = order.reduce((sum, at) => (sum << 8n) | BigInt(bytes[at] as number), 0n) & 0x0fff_ffff_ffff_ffffn;
  return BigInt.asIntN(64, (ticks - 122_192_928_000_000_000n) * 100n);
}

function variantOf(byte: number): string {
  if ((byte & 0xc0) === 0x80) return "RFC4122";
  if ((byte & 0xe0) === 0xc0) return "Microsoft";
  return (byte & 0xe0) === 0xe0 ? "Future" : "Reserved";
}

function macVariables(byte: number): string {
  return `${(byte & 2) === 0 ? "global" : "local"}:${(byte & 1) === 0 ? "unicast" : "multicast"}`;
}

export const uuidBuiltins: readonly Builtin[] = [
  {
    name: "rand.intn",
    type: t.function([t.string, t.number], t.number),
    nondeterministic: true,
    evaluate: randomInteger,
  },
  {
    name: "uuid.rfc4122",
    type: t.function([t.string], t.string),
    nondeterministic: true,
    evaluate: onString(randomUuid),
  },
  { name: "uuid.parse", type: t.function([t.string], t.object(t.string, t.any)), evaluate: onString(parseUuid) },
];
