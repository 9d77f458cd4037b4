// What a built-in function is: its name and signature for the checker, and its implementation for emitted code.
// Each section of OPA's reference is one file that exports an array of these; `registry.ts` joins them.

import type { Budget, World } from "@portcullis/lang";
import { typeName, type TypeName, type Value } from "../runtime/value.ts";
import type { FunctionType } from "../types.ts";

export interface Builtin {
  readonly name: string;
  readonly type: FunctionType;
  /** The operator that calls it: `+`. */
  readonly infix?: string;
  /** Accepted in v0 only. */
  readonly deprecated?: true;
  /** The same arguments may give another answer later; cached per query. */
  readonly nondeterministic?: true;
  /** The result is a list of answers, each of which is tried (`walk`). */
  readonly relation?: true;
  /** Known by name and signature only: a call is refused at compile time (`builtin-not-supported`), never undefined in silence. */
  readonly unsupported?: true;
  /** Arguments are defined values. `undefined`: the call is undefined (after `call.fail`, or without an error). */
  readonly evaluate: (call: BuiltinCall, ...args: readonly Value[]) => Value | undefined;
}

/** What a built-in may use of the running query. */
export interface BuiltinCall {
  readonly world: World;
  readonly budget: Budget;
  /** Results of this query that must stay the same (`time.now_ns`, `rand.intn`), and compiled patterns. */
  readonly cache: Map<string, unknown>;
  /** Reports `eval_builtin_error: NAME: message`; returns undefined, or throws when errors are strict. */
  fail(message: string): undefined;
  /** Reports `eval_type_error: NAME: message`; returns undefined, or throws when errors are strict. */
  failType(message: string): undefined;
}

/**
 * Reports a wrong operand as OPA does: `operand 2 must be array but got string`, or `must be one of {set, array} but …`.
 * Position is 1-based. OPA: v1/topdown/builtins/builtins.go NewOperandTypeErr.
 */
export function operandError(
  call: BuiltinCall,
  position: number,
  got: Value,
  ...expected: readonly TypeName[]
): undefined {
  const wanted = expected.length === 1 ? String(expected[0]) : `one of {${expected.join(", ")}}`;
  return call.failType(`operand ${position} must be ${wanted} but got ${typeName(got)}`);
}

/** Reports an operand whose value (not its type) is wrong: `operand 2 must be …`. OPA: NewOperandErr. */
export function operandFailure(call: BuiltinCall, position: number, message: string): undefined {
  return call.failType(`operand ${position} ${message}`);
}
