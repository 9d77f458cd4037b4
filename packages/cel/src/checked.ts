// What the checker found out about an expression.

import type { Expression } from "./ast.ts";
import type { Value } from "./runtime/value.ts";
import type { Type } from "./types.ts";

/**
 * What a name or a call stands for. A name is a variable, or a type or number of that name, whose value is known. A variable
 * that one of a fold hides has a dot before it (cel-go 0.30).
 */
export type Reference =
  | { readonly name: string; readonly value?: Value }
  /** Ids of the overloads that fit, in order of declaration; more than one if types are only known at run time. */
  | { readonly overloads: readonly string[] };

export interface Checked {
  /** With qualified names as names, functions of a namespace as functions without a receiver, and full names of structs. */
  readonly expression: Expression;
  /** By node number. */
  readonly types: ReadonlyMap<number, Type>;
  /** By node number. */
  readonly references: ReadonlyMap<number, Reference>;
  /** By node number, as the parser gave them. */
  readonly places: readonly number[];
  readonly result: Type;
}
