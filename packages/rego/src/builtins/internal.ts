// What the compiler calls and policies cannot name: template strings, and `print` with its arguments wrapped into sets so
// that an undefined one does not make the call undefined. OPA: v1/topdown/template_string.go, print.go, test.go.

import { compare } from "../runtime/compare.ts";
import { format } from "../runtime/format.ts";
import { RegoSet, type Value, isArray } from "../runtime/value.ts";
import { t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError } from "./builtin.ts";

/**
 * The texts of wrapped arguments: one list for each combination of their members, `<undefined>` for an empty set.
 * A string is shown without quotes. OPA: builtinPrintCrossProductOperands.
 */
function wrappedTexts(call: BuiltinCall, operands: readonly Value[]): readonly (readonly string[])[] {
  let rows: readonly (readonly string[])[] = [[]];
  for (const operand of operands) {
    const members = operand instanceof RegoSet ? operand.sorted(compare).map(text) : [text(operand)];
    const choices = members.length === 0 ? ["<undefined>"] : members;
    call.budget.output(rows.length * choices.reduce((sum, choice) => sum + choice.length, 0));
    rows = rows.flatMap((row) => choices.map((choice) => row.concat(choice)));
  }
  return rows;
}

function text(value: Value): string {
  return typeof value === "string" ? value : format(value);
}

function templateString(call: BuiltinCall, parts: Value): Value | undefined {
  if (!isArray(parts)) return operandError(call, 1, parts, "array");
  const rows = wrappedTexts(call, parts);
  if (rows.length > 1) return call.fail("template-strings must not produce multiple outputs");
  return rows[0]?.join("");
}

export const internalBuiltins: readonly Builtin[] = [
  { name: "internal.template_string", type: t.function([t.array(t.any)], t.string), evaluate: templateString },
  // Emitted code gives the texts to Evaluation.print itself; a program without it has nowhere to print to.
  { name: "internal.print", type: t.function([t.array(t.set(t.any))], null), evaluate: () => true },
  { name: "internal.test_case", type: t.function([t.array(t.any)], null), evaluate: () => true },
];
