// The text of types in messages: `array[string]`, `object<a: number>[string: any]`, `any<null, string>`, `???` for what
// is not known. Lines that would be too wide are cut down to where two types differ.
// OPA: v1/types/types.go String, v1/ast/check_elide.go.

import { numberText } from "@portcullis/lang";
import { compare, compareStrings } from "../runtime/compare.ts";
import { format } from "../runtime/format.ts";
import { isArray, isNumber, isPlainObject, type Value } from "../runtime/value.ts";
import type { ArrayType, FunctionType, Inferred, Maybe, ObjectType } from "./inferred.ts";

/** A type with the name of its operand, where there is one. */
export interface Named {
  readonly name: string;
  readonly type: Maybe;
}

export function typeText(type: Maybe): string {
  return elided(type, Number.POSITIVE_INFINITY);
}

export function namedText({ name, type }: Named): string {
  return prefix(name, typeText(type));
}

function prefix(name: string, text: string): string {
  return name === "" ? text : `${name}: ${text}`;
}

/** The text with everything deeper than `depth` as `...`. */
function elided(type: Maybe, depth: number): string {
  const inner = (one: Maybe): string => elided(one, depth - 1);
  const cut = depth === 0;
  if (type === null) return "???";
  switch (type.kind) {
    case "any":
      if (type.of.length === 0) return "any";
      return anyText(cut ? ["..."] : type.of.map(inner));
    case "array": {
      const items = cut && type.items.length > 0 ? ["..."] : type.items.map(inner);
      return composite("array", items, type.rest === null ? null : cut ? "..." : inner(type.rest));
    }
    case "object": {
      const fields =
        cut && type.fields.length > 0 ? ["..."] : type.fields.map(({ key, value }) => fieldText(key, inner(value)));
      const { rest } = type;
      return composite(
        "object",
        fields,
        rest === null ? null : cut ? "..." : `${inner(rest.key)}: ${inner(rest.value)}`,
      );
    }
    case "set":
      return type.of === null ? "set" : `set[${cut ? "..." : inner(type.of)}]`;
    case "function":
      return elidedFunction(type, depth);
    case "null":
    case "boolean":
    case "number":
    case "string":
      break;
  }
  return type.kind;
}

function elidedFunction(type: FunctionType, depth: number): string {
  if (depth === 0) {
    const operands = type.args.length > 0 || type.variadic !== null ? "..." : "";
    return `(${operands}) => ${type.result === null ? "???" : "..."}`;
  }
  const args = type.args.map((arg) => elided(arg, depth - 1));
  if (type.variadic !== null) args.push(`${elided(type.variadic, depth - 1)}...`);
  return `(${args.join(", ")}) => ${elided(type.result, depth - 1)}`;
}

function anyText(of: readonly string[]): string {
  return of.length === 0 ? "any" : `any<${of.join(", ")}>`;
}

function composite(kind: string, parts: readonly string[], rest: string | null): string {
  return kind + (parts.length > 0 ? `<${parts.join(", ")}>` : "") + (rest === null || rest === "" ? "" : `[${rest}]`);
}

function fieldText(key: Value, value: string): string {
  return `${keyText(key)}: ${value}`;
}

/** A key as Go prints it with `%v`. */
function keyText(key: Value): string {
  if (typeof key === "string") return key;
  if (key === null) return "<nil>";
  if (isNumber(key)) return numberText(key);
  if (isArray(key)) return `[${key.map(keyText).join(" ")}]`;
  if (!isPlainObject(key)) return format(key);
  const entries = Object.entries(key).toSorted(([a], [b]) => compareStrings(a, b));
  return `map[${entries.map(([name, value]) => `${name}:${keyText(value)}`).join(" ")}]`;
}

// ── two types side by side

/** Lines wider than this are cut down. */
const maxLine = 80;

/** A type that is not what a message is about is spelled out up to this width. */
const maxType = 32;

const maxDepth = 8;

export function isTooWide(...lines: readonly string[]): boolean {
  return lines.some((line) => characters(line) > maxLine);
}

function characters(text: string): number {
  return Array.from(text).length;
}

/** The type's outermost part, or all of it where that is short. */
export function shortText({ name, type }: Named): string {
  const full = namedText({ name, type });
  return characters(full) <= maxType ? full : prefix(name, elided(type, 0));
}

function short(type: Maybe): string {
  return shortText({ name: "", type });
}

type Pair = readonly [string, string];

/** Both texts, with only what shows how the two differ. */
export function differingTexts(a: Named, b: Named): Pair {
  const [left, right] = differing(a.type, b.type, 0);
  return [prefix(a.name, left), prefix(b.name, right)];
}

function differing(a: Maybe, b: Maybe, depth: number): Pair {
  if (depth < maxDepth && a !== null && b !== null && !sameText(a, b)) {
    if (a.kind === "set" && b.kind === "set" && a.of !== null && b.of !== null) {
      const [left, right] = differing(a.of, b.of, depth + 1);
      return [`set[${left}]`, `set[${right}]`];
    }
    if (a.kind === "array" && b.kind === "array") return differingArrays(a, b, depth);
    if (a.kind === "object" && b.kind === "object") return differingObjects(a, b, depth);
    if (a.kind === "any" && b.kind === "any") return differingUnions(a.of, b.of);
    if (a.kind === "function" && b.kind === "function" && a.args.length === b.args.length) {
      return differingFunctions(a, b, depth);
    }
  }
  return [short(a), short(b)];
}

function sameText(a: Maybe, b: Maybe): boolean {
  return typeText(a) === typeText(b);
}

function differingArrays(a: ArrayType, b: ArrayType, depth: number): Pair {
  if (a.items.length !== b.items.length || (a.rest === null) !== (b.rest === null)) return [elided(a, 1), elided(b, 1)];
  const pairs = a.items.map((item, at) => differing(item, b.items[at] ?? null, depth + 1));
  const rest: Pair = a.rest === null ? ["", ""] : differing(a.rest, b.rest, depth + 1);
  return [
    composite(
      "array",
      pairs.map(([left]) => left),
      rest[0],
    ),
    composite(
      "array",
      pairs.map(([, right]) => right),
      rest[1],
    ),
  ];
}

/** Fields that are the same on both sides are left out. */
function differingObjects(a: ObjectType, b: ObjectType, depth: number): Pair {
  const left: string[] = [];
  const right: string[] = [];
  let same = false;
  const keys = [...a.fields, ...b.fields].map(({ key }) => key).toSorted(compare);
  for (const [at, key] of keys.entries()) {
    if (at > 0 && compare(keys[at - 1] as Value, key) === 0) continue;
    const one = a.fields.find((field) => compare(field.key, key) === 0);
    const other = b.fields.find((field) => compare(field.key, key) === 0);
    if (one !== undefined && other !== undefined) {
      if (sameText(one.value, other.value)) {
        same = true;
        continue;
      }
      const [l, r] = differing(one.value, other.value, depth + 1);
      left.push(fieldText(key, l));
      right.push(fieldText(key, r));
    } else if (one !== undefined) left.push(fieldText(key, short(one.value)));
    else if (other !== undefined) right.push(fieldText(key, short(other.value)));
  }
  if (same) for (const side of [left, right]) side.push("...");
  const [restLeft, restRight] = differingRests(a, b, depth);
  return [composite("object", left, restLeft), composite("object", right, restRight)];
}

function differingRests(a: ObjectType, b: ObjectType, depth: number): Pair {
  if (a.rest !== null && b.rest !== null) {
    const keys = differing(a.rest.key, b.rest.key, depth + 1);
    const values = differing(a.rest.value, b.rest.value, depth + 1);
    return [`${keys[0]}: ${values[0]}`, `${keys[1]}: ${values[1]}`];
  }
  const one = ({ rest }: ObjectType): string => (rest === null ? "" : `${short(rest.key)}: ${short(rest.value)}`);
  return [one(a), one(b)];
}

function differingUnions(a: readonly Inferred[], b: readonly Inferred[]): Pair {
  const only = (some: readonly Inferred[], others: readonly Inferred[]): string[] =>
    some.filter((one) => !others.some((other) => sameText(one, other))).map(short);
  const left = only(a, b);
  const right = only(b, a);
  if (left.length < a.length) for (const side of [left, right]) side.push("...");
  return [anyText(left), anyText(right)];
}

function differingFunctions(a: FunctionType, b: FunctionType, depth: number): Pair {
  const args = a.args.map((arg, at) => differing(arg, b.args[at] ?? null, depth + 1));
  const left = args.map(([one]) => one);
  const right = args.map(([, other]) => other);
  if (a.variadic !== null && b.variadic !== null) {
    const [one, other] = differing(a.variadic, b.variadic, depth + 1);
    left.push(`${one}...`);
    right.push(`${other}...`);
  } else if (a.variadic !== null) left.push(`${short(a.variadic)}...`);
  else if (b.variadic !== null) right.push(`${short(b.variadic)}...`);
  const [one, other] = differing(a.result, b.result, depth + 1);
  return [`(${left.join(", ")}) => ${one}`, `(${right.join(", ")}) => ${other}`];
}
