// Rego's static types, as built-in signatures declare them and phase 3 infers them. OPA: v1/types/types.go.

export type Type =
  | { readonly kind: "any"; readonly of: readonly Type[] } // `any` with no members is the top type, else a union
  | { readonly kind: "null" | "boolean" | "string" | "number" }
  | { readonly kind: "array"; readonly items: readonly Type[]; readonly rest: Type | null }
  | {
      readonly kind: "object";
      readonly fields: readonly Field[];
      readonly rest: { readonly key: Type; readonly value: Type } | null;
    }
  | { readonly kind: "set"; readonly of: Type }
  | FunctionType;

interface Field {
  /** A JSON value: the static key. */
  readonly key: unknown;
  readonly value: Type;
}

export interface FunctionType {
  readonly kind: "function";
  readonly args: readonly Type[];
  /** For variadic functions (`print`): the type of all further arguments. */
  readonly variadic: Type | null;
  /** Null: a void function (no value, cannot be used in a term). */
  readonly result: Type | null;
}

export const t = {
  any: { kind: "any", of: [] },
  null: { kind: "null" },
  boolean: { kind: "boolean" },
  string: { kind: "string" },
  number: { kind: "number" },
  union: (...of: readonly Type[]): Type => ({ kind: "any", of }),
  array: (rest: Type): Type => ({ kind: "array", items: [], rest }),
  tuple: (...items: readonly Type[]): Type => ({ kind: "array", items, rest: null }),
  set: (of: Type): Type => ({ kind: "set", of }),
  object: (key: Type, value: Type): Type => ({ kind: "object", fields: [], rest: { key, value } }),
  struct: (
    fields: Readonly<Record<string, Type>>,
    rest: { readonly key: Type; readonly value: Type } | null = null,
  ): Type => ({ kind: "object", fields: Object.entries(fields).map(([key, value]) => ({ key, value })), rest }),
  function: (args: readonly Type[], result: Type | null, variadic: Type | null = null): FunctionType => ({
    kind: "function",
    args,
    variadic,
    result,
  }),
} as const satisfies Record<string, unknown>;
