// The functions of Go's text/template, and how its values print. A Go int is a bigint here, a float64 a GoFloat, a missing
// key undefined; a number of a policy stays a Rego number, which Go sees as a text (json.Number). Go: text/template funcs.go.

import { type AnyNumber, type Budget, numberText } from "@portcullis/lang";
import { GoFloat, type Operand, formatFloat, queryEscape, sprintf, utf8Length } from "@portcullis/lang/go";
import { compareStrings, sortedKeys } from "../runtime/compare.ts";
import { type PlainObject, type Value, isArray, isNumber } from "../runtime/value.ts";

export type GoValue = Value | bigint | GoFloat | undefined;

type Result = { readonly value: GoValue } | { readonly error: string };
export type TemplateFunction = (args: readonly GoValue[], budget: Budget) => Result;

/** False, zero, nothing and what is empty are not true; a policy's number is a text that is not empty. */
export function isTrue(value: GoValue): boolean {
  if (value === undefined || value === null || value === false || value === "" || value === 0n) return false;
  if (value instanceof GoFloat) return value.value !== 0;
  if (typeof value !== "object" || isNumber(value)) return true;
  return isArray(value) ? value.length > 0 : Object.keys(value).length > 0;
}

/** As fmt.Print shows it; `nil` for nothing. */
export function textOf(value: GoValue, nil: string): string {
  if (value === undefined || value === null) return nil;
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (typeof value === "string") return value;
  if (value instanceof GoFloat) return floatText(value.value);
  if (isNumber(value)) return numberText(value);
  if (isArray(value)) return `[${value.map((item) => textOf(item, "<nil>")).join(" ")}]`;
  const object = value as PlainObject;
  const members = sortedKeys(object).map((key) => `${key}:${textOf(object[key] as Value, "<nil>")}`);
  return `map[${members.join(" ")}]`;
}

/** Go's %v of a double has an exponent from 1e+21 on. */
function floatText(value: number): string {
  const isPlain = value === 0 || (Math.abs(value) >= 1e-4 && Math.abs(value) < 1e21);
  return formatFloat(value, isPlain ? "f" : "e", null);
}

/** Go's kind, as far as comparisons tell them apart. */
function kindOf(value: GoValue): "int" | "float" | "string" | "bool" | "other" {
  if (typeof value === "bigint") return "int";
  if (value instanceof GoFloat) return "float";
  if (typeof value === "string" || isNumber(value)) return "string";
  return typeof value === "boolean" ? "bool" : "other";
}

function typeText(value: GoValue): string {
  if (typeof value === "bigint") return "int";
  if (value instanceof GoFloat) return "float64";
  if (typeof value === "string") return "string";
  if (isNumber(value)) return "json.Number";
  if (typeof value === "boolean") return "bool";
  return isArray(value) ? "[]interface {}" : "map[string]interface {}";
}

function stringOf(value: GoValue): string {
  return typeof value === "string" ? value : numberText(value as AnyNumber);
}

function incompatible(a: GoValue, b: GoValue): Result {
  return { error: `incompatible types for comparison: ${typeText(a)} and ${typeText(b)}` };
}

function isEqual(a: GoValue, b: GoValue): boolean | Result {
  const kind = kindOf(a);
  const nothing = a === undefined || a === null || b === undefined || b === null;
  if (nothing) return (a ?? null) === (b ?? null);
  if (kind !== kindOf(b)) return incompatible(a, b);
  if (kind === "string") return stringOf(a) === stringOf(b);
  if (kind === "float") return (a as GoFloat).value === (b as GoFloat).value;
  if (kind === "other") return { error: `non-comparable type ${textOf(a, "<nil>")}: ${typeText(a)}` };
  return a === b;
}

const equal: TemplateFunction = ([first, ...rest]) => {
  if (rest.length === 0) return { error: "missing argument for comparison" };
  for (const other of rest) {
    const same = isEqual(first, other);
    if (typeof same !== "boolean") return same;
    if (same) return { value: true };
  }
  return { value: false };
};

/** A comparison that looks at the order. */
function ordered(holds: (order: number) => boolean): TemplateFunction {
  return ([a, b]) => {
    const kind = kindOf(a);
    if (kind === "other" || kindOf(b) === "other") return { error: "invalid type for comparison" };
    if (kind !== kindOf(b)) return incompatible(a, b);
    if (kind === "bool") return { error: "invalid type for comparison" };
    if (kind === "string") return { value: holds(compareStrings(stringOf(a), stringOf(b))) };
    if (kind === "float") return { value: holds((a as GoFloat).value - (b as GoFloat).value) };
    return { value: holds(Number((a as bigint) - (b as bigint))) };
  };
}

const length: TemplateFunction = ([value]) => {
  if (value === undefined) return { error: "reflect: call of reflect.Value.Type on zero Value" };
  if (value === null) return { error: "len of nil pointer" };
  if (kindOf(value) === "string") return { value: BigInt(utf8Length(stringOf(value))) };
  if (isArray(value as Value)) return { value: BigInt((value as readonly Value[]).length) };
  if (kindOf(value) !== "other") return { error: `len of type ${typeText(value)}` };
  return { value: BigInt(Object.keys(value as PlainObject).length) };
};

function position(index: GoValue, max: number): number | Result {
  if (index === undefined || index === null) return { error: "cannot index slice/array with nil" };
  if (typeof index !== "bigint") return { error: `cannot index slice/array with type ${typeText(index)}` };
  return index < 0n || index >= BigInt(max) ? { error: `index out of range: ${index}` } : Number(index);
}

function isList(value: GoValue): value is readonly Value[] {
  return isArray(value as Value);
}

const index: TemplateFunction = ([item, ...indexes]) => {
  let value: GoValue = item;
  if (value === undefined || value === null) return { error: "index of untyped nil" };
  for (const key of indexes) {
    if (value === undefined || value === null) return { error: "index of nil pointer" };
    if (isList(value)) {
      const at: number | Result = position(key, value.length + 1);
      if (typeof at !== "number") return at;
      // Go looks at the capacity first, which is the length, and then panics in the reflection package.
      if (at === value.length) return { error: "reflect: slice index out of range" };
      value = value[at];
    } else if (kindOf(value) === "other") {
      if (kindOf(key) !== "string") return { error: `value has type ${typeText(key)}; should be string` };
      const object = value as PlainObject;
      value = Object.hasOwn(object, stringOf(key)) ? object[stringOf(key)] : undefined;
    } else return { error: `can't index item of type ${typeText(value)}` };
  }
  return { value };
};

const slice: TemplateFunction = ([item, from = 0n, to]) => {
  if (item === undefined || item === null) return { error: "slice of untyped nil" };
  const isText = typeof item === "string";
  if (!isText && !isArray(item as Value)) return { error: `can't slice item of type ${typeText(item)}` };
  const items = item as string | readonly Value[];
  const start = position(from, items.length + 1);
  if (typeof start !== "number") return start;
  const end = to === undefined ? items.length : position(to, items.length + 1);
  if (typeof end !== "number") return end;
  return start > end ? { error: `invalid slice index: ${start} > ${end}` } : { value: items.slice(start, end) };
};

/** Sprint puts a space between neighbours of which neither is a text. */
function print(args: readonly GoValue[], nil: string): string {
  return args.reduce<string>((text, arg, at) => {
    const isApart = at > 0 && typeof arg !== "string" && typeof args[at - 1] !== "string";
    return text + (isApart ? " " : "") + textOf(arg, nil);
  }, "");
}

function operandOf(value: GoValue): Operand {
  if (typeof value === "string" || typeof value === "bigint" || value instanceof GoFloat) return value;
  return textOf(value, "<nil>");
}

const htmlEscapes: ReadonlyMap<string, string> = new Map([
  ["\0", "\uFFFD"],
  ['"', "&#34;"],
  ["'", "&#39;"],
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
]);

function escapeJs(text: string): string {
  return text.replace(/[\\'"<>&=]|[^ -~]/gu, (character) => {
    if (character === "\\" || character === "'" || character === '"') return `\\${character}`;
    if (/[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(character) && character > "~") return character;
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
  });
}

/** A function of what its arguments print as. Those that escape write nothing as a template itself does. */
function ofText(change: (text: string) => string, nil = "<no value>"): TemplateFunction {
  return (args, budget) => {
    const text = change(print(args, nil));
    budget.output(text.length);
    return { value: text };
  };
}

export const templateFunctions: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  ["and", (args) => ({ value: args.find((arg) => !isTrue(arg)) ?? args.at(-1) })],
  ["or", (args) => ({ value: args.find(isTrue) ?? args.at(-1) })],
  ["not", ([arg]) => ({ value: !isTrue(arg) })],
  ["len", length],
  ["index", index],
  ["slice", slice],
  ["print", ofText((text) => text, "<nil>")],
  ["println", (args) => ({ value: `${args.map((arg) => textOf(arg, "<nil>")).join(" ")}\n` })],
  [
    "printf",
    ([form, ...args], budget) => {
      if (typeof form !== "string") return { error: "wrong type for value; expected string" };
      return { value: sprintf(form, args.map(operandOf), (characters) => budget.output(characters)) };
    },
  ],
  ["html", ofText((text) => text.replace(/[\0"'&<>]/g, (one) => htmlEscapes.get(one) ?? one))],
  ["js", ofText(escapeJs)],
  ["urlquery", ofText(queryEscape)],
  ["eq", equal],
  [
    "ne",
    ([a, b]) => {
      const same = isEqual(a, b);
      return typeof same === "boolean" ? { value: !same } : same;
    },
  ],
  ["lt", ordered((order) => order < 0)],
  ["le", ordered((order) => order <= 0)],
  ["gt", ordered((order) => order > 0)],
  ["ge", ordered((order) => order >= 0)],
  ["call", () => ({ error: "call of non-function" })],
]);
