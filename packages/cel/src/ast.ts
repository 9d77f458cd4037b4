// The syntax tree of an expression, with macros already put out: what is left is literals, names, selections, calls and
// folds. Every node has a number, by which types, overloads and places are found; places are counted in code points, since
// that is how columns are shown. cel-go: common/ast/expr.go.

import type { Value } from "./runtime/value.ts";

export type Expression = Constant | Name | Selection | Call | ListLiteral | MapLiteral | StructLiteral | Fold;

export type ConstantType = "null" | "bool" | "int" | "uint" | "double" | "string" | "bytes";

export interface Constant {
  readonly kind: "constant";
  readonly id: number;
  readonly type: ConstantType;
  readonly value: Value;
}

/** A variable, or the first part of a qualified name. A leading dot (`.a`) stays in the name. */
export interface Name {
  readonly kind: "name";
  readonly id: number;
  readonly name: string;
}

/** `operand.field`, or with `tests` the macro `has(operand.field)`. */
export interface Selection {
  readonly kind: "selection";
  readonly id: number;
  readonly operand: Expression;
  readonly field: string;
  readonly tests: boolean;
}

/** Operators are functions by cel-go's names: `_+_`, `_&&_`, `_?_:_`, `_[_]`, `@in`, `_?._`, `_[?_]`. */
export interface Call {
  readonly kind: "call";
  readonly id: number;
  readonly function: string;
  /** The receiver of `target.function(…)`. */
  readonly target: Expression | null;
  readonly args: readonly Expression[];
}

export interface ListLiteral {
  readonly kind: "list";
  readonly id: number;
  readonly elements: readonly Expression[];
  /** Places of `[?e]`. */
  readonly optionals: ReadonlySet<number>;
}

export interface MapEntry {
  readonly id: number;
  readonly key: Expression;
  readonly value: Expression;
  /** `{?key: value}`. */
  readonly optional: boolean;
}

export interface MapLiteral {
  readonly kind: "map";
  readonly id: number;
  readonly entries: readonly MapEntry[];
}

export interface StructField {
  readonly id: number;
  readonly name: string;
  readonly value: Expression;
  readonly optional: boolean;
}

export interface StructLiteral {
  readonly kind: "struct";
  readonly id: number;
  readonly type: string;
  readonly fields: readonly StructField[];
}

/**
 * Goes through a list, or the keys of a map, as long as the condition holds, and gives `result`. With a second variable the
 * first is the index or key. This is what `all`, `exists`, `map`, `filter` and their like are made of.
 */
export interface Fold {
  readonly kind: "fold";
  readonly id: number;
  readonly variable: string;
  readonly variable2: string | null;
  readonly range: Expression;
  readonly accumulator: string;
  readonly init: Expression;
  readonly condition: Expression;
  readonly step: Expression;
  readonly result: Expression;
}

/** The accumulator's name in macros. */
export const accumulatorName = "@result";

/** A parsed expression. */
export interface Parsed {
  readonly expression: Expression;
  /** By node number: code points from the start of the text; -1 where a node has no place. */
  readonly places: readonly number[];
}
