// Encodings of text: base64, hexadecimal, query strings and URIs. OPA: v1/topdown/encoding.go, uri.go.

import {
  type Base64Alphabet,
  decodeBase64,
  decodeUtf8,
  encodeBase64,
  encodeQuery,
  encodeUtf8,
  parseQuery,
  parseUrl,
  queryEscape,
  queryUnescape,
  rawUrlBase64,
  standardBase64,
  urlBase64,
  utf8Length,
} from "@portcullis/lang/go";
import { compareStrings, sortedEntries } from "../runtime/compare.ts";
import { format } from "../runtime/format.ts";
import { toJson } from "../runtime/tojson.ts";
import { type Value, isObject, newObject } from "../runtime/value.ts";
import { t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError, operandFailure } from "./builtin.ts";
import { membersOf, onString } from "./operand.ts";

type OnText = (call: BuiltinCall, text: string) => Value | undefined;

/** Charges for a text that grows about as much as `growth` says. */
function charge(call: BuiltinCall, text: string, growth: number): void {
  call.budget.output(text.length * growth);
}

function base64Encoder(alphabet: Base64Alphabet): OnText {
  return (call, text) => {
    charge(call, text, 2);
    return encodeBase64(encodeUtf8(text), alphabet, (bytes) => call.budget.step(bytes));
  };
}

function decode(call: BuiltinCall, text: string, alphabet: Base64Alphabet): Value | undefined {
  charge(call, text, 1);
  const bytes = decodeBase64(text, alphabet);
  return "error" in bytes ? call.fail(bytes.error) : decodeUtf8(bytes);
}

/** Padding may be left off; a text that was cut at an impossible place is refused in OPA's own words. */
function decodeUrlBase64(call: BuiltinCall, text: string): Value | undefined {
  if (text.endsWith("=")) return decode(call, text, urlBase64);
  const left = utf8Length(text) % 4;
  if (left === 1) return call.fail(`illegal base64url string: ${text}`);
  return decode(call, text + "=".repeat((4 - left) % 4), urlBase64);
}

function encodeHex(call: BuiltinCall, text: string): Value {
  charge(call, text, 8);
  const bytes = encodeUtf8(text);
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += bytesPerPart) {
    call.budget.step(bytesPerPart);
    let part = "";
    for (const byte of bytes.subarray(at, at + bytesPerPart)) part += hexOf[byte] as string;
    parts.push(part);
  }
  return parts.join("");
}

const bytesPerPart = 4096;
const hexOf = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Go reads in pairs, so a wrong character is found before an odd length is. Go: encoding/hex Decode. */
function decodeHex(call: BuiltinCall, text: string): Value | undefined {
  charge(call, text, 2);
  const wrong = /[^0-9a-fA-F]/u.exec(text);
  if (wrong !== null) return call.fail(`encoding/hex: invalid byte: ${runeText(wrong[0])}`);
  if (text.length % 2 === 1) return call.fail("encoding/hex: odd length hex string");
  return decodeUtf8(
    Uint8Array.from({ length: text.length / 2 }, (_, at) => Number.parseInt(text.slice(at * 2, at * 2 + 2), 16)),
  );
}

/** Go's `%#U` of the first byte of a character: `U+0067 'g'`. */
function runeText(character: string): string {
  const byte = encodeUtf8(character)[0] as number;
  const text = String.fromCharCode(byte);
  const shown = /[ -~\u00a1-\u00ac\u00ae-\u00ff]/.test(text) ? ` '${text}'` : "";
  return `U+${byte.toString(16).toUpperCase().padStart(4, "0")}${shown}`;
}

function encodeObject(call: BuiltinCall, value: Value): Value | undefined {
  if (!isObject(value)) return operandError(call, 1, value, "object");
  const pairs: [string, string][] = [];
  for (const [key, item] of sortedEntries(value)) {
    // Keys become those of a JSON object, values must be strings.
    const name = typeof key === "string" ? key : format(toJson(key));
    const texts = typeof item === "string" ? [item] : membersOf(item);
    if (texts === null || texts.some((text) => typeof text !== "string")) {
      return operandFailure(call, 1, "values must be string, array[string], or set[string]");
    }
    for (const text of texts as readonly string[]) {
      charge(call, name + text, 3);
      pairs.push([name, text]);
    }
  }
  return encodeQuery(pairs, (steps) => call.budget.step(steps));
}

function decodeObject(call: BuiltinCall, text: string): Value | undefined {
  charge(call, text, 2);
  const values = parseQuery(text);
  if ("error" in values) return call.fail(values.error);
  const result = newObject();
  for (const key of [...values.keys()].toSorted(compareStrings)) result[key] = values.get(key) as readonly string[];
  return result;
}

function parseUri(call: BuiltinCall, text: string): Value | undefined {
  charge(call, text, 2);
  const url = parseUrl(text);
  if ("error" in url) return call.fail(url.error);
  const result = newObject();
  if (url.scheme !== "") result["scheme"] = url.scheme;
  if (url.hostname !== "") result["hostname"] = url.hostname;
  if (url.port !== "") result["port"] = url.port;
  if (url.path !== "") {
    result["path"] = url.path;
    result["raw_path"] = url.rawPath;
  }
  if (url.rawQuery !== "") result["raw_query"] = url.rawQuery;
  if (url.fragment !== "") result["fragment"] = url.fragment;
  return result;
}

const textToText = t.function([t.string], t.string);
const textToBoolean = t.function([t.string], t.boolean);
const queryValue = t.union(t.string, t.array(t.string), t.set(t.string));

export const encodingBuiltins: readonly Builtin[] = [
  { name: "base64.encode", type: textToText, evaluate: onString(base64Encoder(standardBase64)) },
  {
    name: "base64.decode",
    type: textToText,
    evaluate: onString((call, text) => decode(call, text, standardBase64)),
  },
  {
    name: "base64.is_valid",
    type: textToBoolean,
    evaluate: (call, text) => {
      if (typeof text !== "string") return false;
      charge(call, text, 1);
      return !("error" in decodeBase64(text, standardBase64));
    },
  },
  { name: "base64url.encode", type: textToText, evaluate: onString(base64Encoder(urlBase64)) },
  { name: "base64url.encode_no_pad", type: textToText, evaluate: onString(base64Encoder(rawUrlBase64)) },
  { name: "base64url.decode", type: textToText, evaluate: onString(decodeUrlBase64) },
  { name: "hex.encode", type: textToText, evaluate: onString(encodeHex) },
  { name: "hex.decode", type: textToText, evaluate: onString(decodeHex) },
  {
    name: "urlquery.encode",
    type: textToText,
    evaluate: onString((call, text) => {
      charge(call, text, 3);
      return queryEscape(text, (steps) => call.budget.step(steps));
    }),
  },
  {
    name: "urlquery.decode",
    type: textToText,
    evaluate: onString((call, text) => {
      charge(call, text, 1);
      const decoded = queryUnescape(text);
      return typeof decoded === "string" ? decoded : call.fail(decoded.error);
    }),
  },
  {
    name: "urlquery.encode_object",
    type: t.function([t.object(t.string, queryValue)], t.string),
    evaluate: encodeObject,
  },
  {
    name: "urlquery.decode_object",
    type: t.function([t.string], t.object(t.string, t.array(t.string))),
    evaluate: onString(decodeObject),
  },
  {
    name: "uri.parse",
    type: t.function([t.string], t.object(t.string, t.string)),
    evaluate: onString(parseUri),
  },
  {
    name: "uri.is_valid",
    type: textToBoolean,
    evaluate: (call, text) => {
      if (typeof text !== "string" || text === "") return false;
      charge(call, text, 1);
      return !("error" in parseUrl(text));
    },
  },
];
