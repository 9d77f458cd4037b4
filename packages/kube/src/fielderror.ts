// A field error names a place in an object, what kind of mistake is there, the value, and a detail. Kubernetes prints
// them as `spec.x: Invalid value: "v": detail`, and several as `[first, second]` without repetitions.
// Behaviour from k8s.io/apimachinery pkg/util/validation/field/errors.go and pkg/util/errors aggregate.

import { Decimal, numberText } from "@portcullis/lang";
import { quote } from "@portcullis/lang/go";

export type FieldErrorType =
  | "Not found"
  | "Required value"
  | "Duplicate value"
  | "Invalid value"
  | "Unsupported value"
  | "Forbidden"
  | "Too long"
  | "Too many"
  | "Too few"
  | "Too short"
  | "Internal error";

export interface FieldError {
  readonly type: FieldErrorType;
  readonly field: string;
  /** Absent for the types whose text shows no value. */
  readonly value?: unknown;
  readonly detail: string;
  /** The same place as steps into the object, to find it in a file. */
  readonly path?: readonly (string | number)[];
}

export function invalid(field: string, value: unknown, detail: string): FieldError {
  return { type: "Invalid value", field, value, detail };
}

export function required(field: string, detail: string): FieldError {
  return { type: "Required value", field, detail };
}

export function forbidden(field: string, detail: string): FieldError {
  return { type: "Forbidden", field, detail };
}

export function unsupported(field: string, value: unknown, supported: readonly string[]): FieldError {
  const detail = supported.length === 0 ? "" : `supported values: ${supported.map((one) => quote(one)).join(", ")}`;
  return { type: "Unsupported value", field, value, detail };
}

export function duplicate(field: string, value: unknown): FieldError {
  return { type: "Duplicate value", field, value, detail: "" };
}

const withoutValue: ReadonlySet<FieldErrorType> = new Set([
  "Required value",
  "Forbidden",
  "Too long",
  "Too short",
  "Internal error",
]);

/** `field: Invalid value: "v": detail`. */
export function fieldErrorText(error: FieldError): string {
  const shown = withoutValue.has(error.type) ? error.type : `${error.type}: ${valueText(error.value)}`;
  return `${error.field}: ${shown}${error.detail === "" ? "" : `: ${error.detail}`}`;
}

/** The text of all errors together; null when there are none. */
export function aggregateText(errors: readonly FieldError[]): string | null {
  return aggregateTexts(errors.map((error) => fieldErrorText(error)));
}

/** `[first, second]` without repetitions, a single one bare; null when there are none. */
export function aggregateTexts(texts: readonly string[]): string | null {
  const distinct = [...new Set(texts)];
  if (distinct.length === 0) return null;
  return distinct.length === 1 ? (distinct[0] ?? null) : `[${distinct.join(", ")}]`;
}

/** A value whose text its owner has made: Go prints its types in an order of their own. */
export class Printed {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

function valueText(value: unknown): string {
  if (value instanceof Printed) return value.text;
  if (typeof value === "string") return quote(value);
  return value === undefined ? "null" : goJson(value);
}

/** JSON as Go's encoding/json prints it: keys sorted by bytes, `<`, `>`, `&` and line separators escaped. */
export function goJson(value: unknown): string {
  if (typeof value === "number" || value instanceof Decimal) return numberText(value);
  if (Array.isArray(value)) return `[${value.map((element) => goJson(element)).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const record = value as Record<string, unknown>;
    const members = Object.keys(record).toSorted(byCodePoints);
    return `{${members.map((key) => `${stringJson(key)}:${goJson(record[key])}`).join(",")}}`;
  }
  return typeof value === "string" ? stringJson(value) : String(value);
}

function stringJson(text: string): string {
  return JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The order of UTF-8 bytes, which is Go's order of strings. */
export function byCodePoints(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return surrogatesLast(x) - surrogatesLast(y);
  }
  return a.length - b.length;
}

function surrogatesLast(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
