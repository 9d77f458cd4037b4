// Globs with delimiters. OPA: v1/topdown/glob.go.

import { compileGlob, quoteGlob } from "@portcullis/lang/go";
import { type Value, isArray } from "../runtime/value.ts";
import { t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError } from "./builtin.ts";
import { elementError } from "./operand.ts";

function match(call: BuiltinCall, pattern: Value, delimiters: Value, text: Value): Value | undefined {
  if (typeof pattern !== "string") return operandError(call, 1, pattern, "string");
  const separators = delimitersOperand(call, delimiters);
  if (separators === undefined) return undefined;
  if (typeof text !== "string") return operandError(call, 3, text, "string");
  call.budget.step(pattern.length);
  const compiled = compileGlob(pattern, separators);
  if ("error" in compiled) return call.fail(compiled.error);
  return compiled.glob.match(text, (steps) => call.budget.step(steps));
}

/** Null means none, an empty array the dot. */
function delimitersOperand(call: BuiltinCall, delimiters: Value): readonly string[] | undefined {
  if (delimiters === null) return [];
  if (!isArray(delimiters)) return operandError(call, 2, delimiters, "array", "null");
  const notText = delimiters.find((each) => typeof each !== "string");
  const notRune = delimiters.find((each) => typeof each === "string" && !isRune(each));
  const wrong = delimiters.find((each) => each === notText || each === notRune);
  if (wrong !== undefined) return elementError(call, 2, delimiters, wrong, wrong === notText ? "string" : "rune");
  return delimiters.length === 0 ? ["."] : (delimiters as readonly string[]);
}

function isRune(text: string): boolean {
  return text !== "" && text.length === ((text.codePointAt(0) as number) > 0xffff ? 2 : 1);
}

function quoteMeta(call: BuiltinCall, pattern: Value): Value | undefined {
  if (typeof pattern !== "string") return operandError(call, 1, pattern, "string");
  call.budget.output(pattern.length * 2);
  return quoteGlob(pattern);
}

export const globBuiltins: readonly Builtin[] = [
  {
    name: "glob.match",
    type: t.function([t.string, t.union(t.null, t.array(t.string)), t.string], t.boolean),
    evaluate: match,
  },
  { name: "glob.quote_meta", type: t.function([t.string], t.string), evaluate: quoteMeta },
];
