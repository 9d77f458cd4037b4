// The types that the checker infers: those of built-in signatures, and parts of which nothing is known yet (null, `???`
// in messages). Unions and fields are kept sorted, so that equal types look equal. OPA: v1/types/types.go.

import type { Type } from "../types.ts";
import type { Value } from "../runtime/value.ts";
import { compare } from "../runtime/compare.ts";
import { compareTypes } from "./typeorder.ts";

export type Maybe = Inferred | null;

export type Inferred =
  | { readonly kind: "any"; readonly of: readonly Inferred[] }
  | { readonly kind: "null" | "boolean" | "string" | "number" }
  | ArrayType
  | ObjectType
  /** Of nothing: the empty set. */
  | { readonly kind: "set"; readonly of: Maybe }
  | FunctionType;

export interface ArrayType {
  readonly kind: "array";
  readonly items: readonly Maybe[];
  readonly rest: Maybe;
}

export interface ObjectType {
  readonly kind: "object";
  readonly fields: readonly ObjectField[];
  readonly rest: DynamicField | null;
}

export interface ObjectField {
  readonly key: Value;
  readonly value: Maybe;
}

export interface DynamicField {
  readonly key: Maybe;
  readonly value: Maybe;
}

export interface FunctionType {
  readonly kind: "function";
  readonly args: readonly Maybe[];
  readonly variadic: Maybe;
  readonly result: Maybe;
}

export const anyType: Inferred = { kind: "any", of: [] };
export const nullType: Inferred = { kind: "null" };
export const booleanType: Inferred = { kind: "boolean" };
export const numberType: Inferred = { kind: "number" };
export const stringType: Inferred = { kind: "string" };

export function objectType(fields: readonly ObjectField[], rest: DynamicField | null): ObjectType {
  return { kind: "object", fields: fields.toSorted((a, b) => compare(a.key, b.key)), rest };
}

function unionType(of: readonly Inferred[]): Inferred {
  return { kind: "any", of: of.toSorted(compareTypes) };
}

/** A declared type in the checker's form. */
export function inferred(type: Type): Inferred {
  switch (type.kind) {
    case "any":
      return unionType(type.of.map(inferred));
    case "array":
      return { kind: "array", items: type.items.map(inferred), rest: type.rest === null ? null : inferred(type.rest) };
    case "set":
      return { kind: "set", of: inferred(type.of) };
    case "object":
      return objectType(
        type.fields.map(({ key, value }) => ({ key: key as Value, value: inferred(value) })),
        type.rest === null ? null : { key: inferred(type.rest.key), value: inferred(type.rest.value) },
      );
    case "function":
      return inferredFunction(type);
    case "null":
    case "boolean":
    case "number":
    case "string":
      break;
  }
  return type;
}

export function inferredFunction(type: Type & { readonly kind: "function" }): FunctionType {
  return {
    kind: "function",
    args: type.args.map(inferred),
    variadic: type.variadic === null ? null : inferred(type.variadic),
    result: type.result === null ? null : inferred(type.result),
  };
}
