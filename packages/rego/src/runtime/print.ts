// `print`: each operand comes as a set that holds its value, or nothing where it is undefined, and a print with several
// values in one operand is a print for each. Strings print raw, everything else as Rego text.
// OPA: v1/topdown/print.go builtinPrint.

import type { Budget } from "@portcullis/lang";
import { compare } from "./compare.ts";
import { format } from "./format.ts";
import { RegoSet, type Value } from "./value.ts";

/** The lines that a call prints. */
export function printLines(operands: Value, budget: Budget): readonly string[] {
  let lines: readonly string[] = [""];
  for (const [at, operand] of (Array.isArray(operands) ? (operands as readonly Value[]) : []).entries()) {
    const texts = textsOf(operand);
    budget.step(lines.length * texts.length);
    lines = lines.flatMap((start) => texts.map((text) => (at === 0 ? text : `${start} ${text}`)));
  }
  for (const text of lines) budget.output(text.length);
  return lines;
}

function textsOf(operand: Value): readonly string[] {
  if (!(operand instanceof RegoSet)) return [printed(operand)];
  return operand.size === 0 ? ["<undefined>"] : operand.sorted(compare).map(printed);
}

function printed(value: Value): string {
  return typeof value === "string" ? value : format(value);
}
