// The formats of strings that CRD schemas check; unknown ones are ignored.
// Behaviour from k8s.io/kube-openapi pkg/validation/strfmt and k8s.io/apiextensions-apiserver
// pkg/apiserver/validation/formats.go.

import { decodeBase64, parseAddress, parseCidr, parseUrl, standardBase64 } from "@portcullis/lang/go";
import { dns1123LabelErrors, dns1123SubdomainErrors } from "../names.ts";
import type { Schema } from "./schema.ts";

type Check = (text: string) => boolean;

const matches =
  (pattern: RegExp): Check =>
  (text) =>
    pattern.test(text);

const uuid = (version: string, variant = ""): Check => {
  const third = version === "" ? "[0-9a-f]{4}" : `${version}[0-9a-f]{3}`;
  const fourth = variant === "" ? "[0-9a-f]{4}" : `${variant}[0-9a-f]{3}`;
  return matches(new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${third}-?${fourth}-?[0-9a-f]{12}$`, "i"));
};

/** By normalised name: without hyphens. */
const checks: ReadonlyMap<string, Check> = new Map<string, Check>([
  ["bsonobjectid", matches(/^[0-9a-fA-F]{24}$/)],
  ["uri", isRequestUri],
  ["email", isEmail],
  ["hostname", isHostname],
  ["ipv4", (text) => parseAddress(text) !== null && text.includes(".") && !text.includes(":")],
  ["ipv6", (text) => parseAddress(text) !== null && text.includes(":")],
  ["cidr", (text) => parseCidr(text) !== null],
  ["mac", isMac],
  ["uuid", uuid("")],
  ["uuid3", uuid("3")],
  ["uuid4", uuid("4", "[89ab]")],
  ["uuid5", uuid("5", "[89ab]")],
  ["isbn", (text) => isIsbn10(text) || isIsbn13(text)],
  ["isbn10", isIsbn10],
  ["isbn13", isIsbn13],
  ["creditcard", isCreditCard],
  ["ssn", matches(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/)],
  ["hexcolor", matches(/^#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/)],
  ["rgbcolor", isRgbColor],
  ["byte", (text) => text !== "" && decodeBase64(text, standardBase64) instanceof Uint8Array],
  ["password", () => true],
  ["date", isDate],
  ["duration", isDuration],
  ["datetime", isDateTime],
  ["k8sshortname", (text) => dns1123LabelErrors(text).length === 0],
  ["k8slongname", (text) => dns1123SubdomainErrors(text).length === 0],
]);

/** The format that is enforced for a schema; empty when it is none that its type knows. */
export function effectiveFormat(schema: Schema): string {
  const { format } = schema;
  if (format === "" || schema.intOrString) return "";
  switch (schema.type) {
    case "":
    case "string":
      return checks.has(format.replaceAll("-", "")) ? format : "";
    case "integer":
      return format === "int32" || format === "int64" ? format : "";
    case "number":
      return format === "float" || format === "double" ? format : "";
    default:
      return "";
  }
}

/** The check of a string format; null for formats of numbers and unknown ones. */
export function formatCheck(format: string): Check | null {
  return checks.get(format.replaceAll("-", "")) ?? null;
}

/** Go: `net/url.ParseRequestURI`. */
function isRequestUri(text: string): boolean {
  const parsed = parseUrl(text);
  if (parsed === null || typeof parsed !== "object" || "error" in parsed) return false;
  return text.startsWith("/") || /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text);
}

/** The plain addresses of Go's `net/mail.ParseAddress`. */
function isEmail(text: string): boolean {
  const address = /^[^<>]*<([^<>]*)>\s*$/.exec(text)?.[1] ?? text.trim();
  return (
    /^(?:[\w!#$%&'*+/=?^`{|}~.-]+|"[^"\r\n]*")@(?:[^\s@<>()[\],;:\\"]+|\[[^\]]*\])$/.test(address) &&
    !/\.\.|\.@|^\./.test(address)
  );
}

function isHostname(text: string): boolean {
  if (text.length > 255 || text === "") return false;
  const labels = text.split(".");
  if (labels.at(-1) === "") labels.pop();
  return labels.every((label) => label.length <= 63 && /^[\p{L}\p{N}_](?:[\p{L}\p{N}_-]*[\p{L}\p{N}_])?$/u.test(label));
}

function isMac(text: string): boolean {
  for (const [pattern, sizes] of [
    [/^[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2})+$/, [17, 23, 59]],
    [/^[0-9a-fA-F]{2}(?:-[0-9a-fA-F]{2})+$/, [17, 23, 59]],
    [/^[0-9a-fA-F]{4}(?:\.[0-9a-fA-F]{4})+$/, [14, 19, 49]],
  ] as const)
    if (pattern.test(text)) return (sizes as readonly number[]).includes(text.length);
  return false;
}

function isIsbn10(text: string): boolean {
  const digits = text.replace(/[\s-]/g, "");
  if (!/^\d{9}[\dX]$/.test(digits)) return false;
  let sum = 0;
  for (let i = 0; i < 10; i++) sum += (10 - i) * (digits[i] === "X" ? 10 : Number(digits[i]));
  return sum % 11 === 0;
}

function isIsbn13(text: string): boolean {
  const digits = text.replace(/[\s-]/g, "");
  if (!/^\d{13}$/.test(digits)) return false;
  let sum = 0;
  for (let i = 0; i < 13; i++) sum += (i % 2 === 0 ? 1 : 3) * Number(digits[i]);
  return sum % 10 === 0;
}

const cardPattern =
  /^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35\d{3})\d{11})$/;

/** A card number of a known issuer whose check digit (Luhn) is right. */
function isCreditCard(text: string): boolean {
  const digits = text.replace(/\D/g, "");
  if (!cardPattern.test(digits)) return false;
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]) * (i % 2 === 0 ? 1 : 2);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return sum % 10 === 0;
}

function isRgbColor(text: string): boolean {
  const match = /^rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$/.exec(text);
  return match !== null && match.slice(1).every((part) => Number(part) <= 255 && String(Number(part)) === part);
}

function isDate(text: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (match === null) return false;
  const [, year = "", month = "", day = ""] = match;
  return (
    Number(month) >= 1 && Number(month) <= 12 && Number(day) >= 1 && Number(day) <= daysIn(Number(year), Number(month))
  );
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

function isDateTime(text: string): boolean {
  const match = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(?:[Zz]|[-+]\d{2}:?\d{2})?$/.exec(text);
  if (match === null) return false;
  const [, date = "", hour = "", minute = "", second = ""] = match;
  return isDate(date) && Number(hour) <= 23 && Number(minute) <= 59 && Number(second) <= 59;
}

/** Go's `time.ParseDuration`, or amounts with written-out units such as `22 ns` and `3 days`. */
function isDuration(text: string): boolean {
  if (/^[-+]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.test(text)) return true;
  return /^\s*(?:\d+\s*(?:ns|nanos?|nanoseconds?|us|µs|μs|micros?|microseconds?|ms|millis?|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)\s*)+$/.test(
    text,
  );
}
