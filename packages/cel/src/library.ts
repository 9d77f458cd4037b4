// What an environment is made of: libraries of functions, types and macros. A function is a set of overloads, each with the
// types that the checker sees and the code that runs. The code is given arguments of the declared types only (the caller
// has looked), and gives a value or a CelError; it never throws but LimitError, from the budget.

import type { Budget } from "@portcullis/lang";
import type { ZoneOffset } from "./program.ts";
import type { Type } from "./types.ts";
import type { CelError, Value } from "./runtime/value.ts";

export interface Overload {
  /** cel-go's, by which the checker's answers are compared: `string_char_at_int`. */
  readonly id: string;
  readonly function: string;
  /** Whether the first parameter is the receiver: `parameters[0].function(…)`. */
  readonly member: boolean;
  readonly parameters: readonly Type[];
  readonly result: Type;
  readonly run: Implementation;
  /**
   * Steps of cel-go's cost model for a call; 1 without. Arguments may be errors, and of other types, too. Whoever goes through
   * a value to count charges the budget.
   */
  readonly cost?: (args: readonly Value[], result: Value | CelError, budget: Budget) => number;
  /** The cost is of the function, whichever overload runs; without, a call that is resolved at run time costs 1. */
  readonly costsWhenDispatched?: boolean;
  /** Arguments that are errors are handed in as they are (`@not_strictly_false`). */
  readonly nonStrict?: boolean;
  /** Which argument is a regular expression: one that is written out must compile before there is a program. */
  readonly regexAt?: number;
  /** Instead of the types of the parameters: whether the code takes the values. Only asked for the right number of them. */
  readonly takes?: (args: readonly Value[]) => boolean;
  /** The error for arguments of other types; without, it names the function and the types. See runtime/dispatch.ts. */
  readonly mismatch?: (args: readonly Value[]) => CelError;
}

/** Charge `budget` for work that grows with the arguments: a step is a nanosecond, `output` takes bytes. */
export type Implementation = (args: readonly Value[], budget: Budget, zoneOffset?: ZoneOffset) => Value | CelError;

/** A type whose fields are known, such as `kubernetes.AdmissionRequest`. */
export interface StructType {
  readonly name: string;
  readonly fields: Readonly<Record<string, Type>>;
}

export interface Library {
  readonly name: string;
  readonly overloads: readonly Overload[];
  readonly structs?: readonly StructType[];
  /** Names that stand for types in expressions (`type(x) == net.IP`), beside the standard ones. */
  readonly typeNames?: Readonly<Record<string, Type>>;
  /** Macros by name, with the number of arguments and whether there is a receiver: `map:2:true`. See 1-parse/macros. */
  readonly macros?: readonly string[];
}
