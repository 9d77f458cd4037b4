// What a program cannot be made of: conversions of a literal that fail, and patterns that are none. cel-go evaluates them when a program is made, and
// has none then; whatever else always fails (`1 / 0`) fails when it is evaluated.
// cel-go: interpreter/decorators.go maybeOptimizeConstUnary; common/overloads/overloads.go IsTypeConversionFunction.

import { Budget } from "@portcullis/lang";
import { compileRegex } from "@portcullis/lang/go";
import type { Call } from "../ast.ts";
import type { Environment } from "../environment.ts";
import type { Overload } from "../library.ts";
import { bareMismatch, dispatch } from "../runtime/dispatch.ts";
import { CelError, type Value } from "../runtime/value.ts";

const conversions: ReadonlySet<string> = new Set([
  "bool",
  "bytes",
  "double",
  "duration",
  "dyn",
  "int",
  "string",
  "timestamp",
  "type",
  "uint",
]);

/** Thrown where a literal cannot be converted; `compile` makes a refusal of it. */
export class ConstantFailed extends Error {}

/** What a conversion of a literal comes to; undefined where it is none. Throws ConstantFailed. */
export function convertedConstant({ functions }: Environment, node: Call, arg: Value | undefined): Value | undefined {
  const overloads = functions.get(node.function);
  if (arg === undefined || overloads === undefined || node.args.length !== 1 || !conversions.has(node.function)) {
    return undefined;
  }
  const chosen = dispatch(node.function, overloads, 1)([arg]);
  // Literals are short: the parser bounds the text.
  const result = chosen instanceof CelError ? chosen : chosen.run([arg], new Budget({}, () => 0));
  if (result instanceof CelError) throw new ConstantFailed(result.message);
  return result;
}

/**
 * The overloads for a regular expression that is written out, if it is: it must compile, and then nothing is said of values
 * that do not fit. Throws ConstantFailed. cel-go: interpreter/optimizations.go.
 */
export function withPattern(overloads: readonly Overload[], args: readonly (Value | undefined)[]): readonly Overload[] {
  const at = overloads[0]?.regexAt;
  const pattern = at === undefined ? undefined : args[at];
  if (typeof pattern !== "string") return overloads;
  const compiled = compileRegex(pattern);
  if ("error" in compiled) throw new ConstantFailed(compiled.error);
  return overloads.map((overload) => ({ ...overload, mismatch: bareMismatch }));
}
