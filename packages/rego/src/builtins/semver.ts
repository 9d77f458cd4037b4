// Semantic versions. OPA: v1/topdown/semver.go.

import { compareSemver, parseSemver, quote } from "@portcullis/lang/go";
import type { Value } from "../runtime/value.ts";
import { t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError } from "./builtin.ts";

function compare(call: BuiltinCall, a: Value, b: Value): Value | undefined {
  if (typeof a !== "string") return operandError(call, 1, a, "string");
  if (typeof b !== "string") return operandError(call, 2, b, "string");
  call.budget.step(a.length + b.length);
  const left = parseSemver(a);
  if (left === null) return call.fail(`operand 1: string ${quote(a)} is not a valid SemVer`);
  const right = parseSemver(b);
  if (right === null) return call.fail(`operand 2: string ${quote(b)} is not a valid SemVer`);
  return compareSemver(left, right);
}

function isValid(call: BuiltinCall, version: Value): Value | undefined {
  if (typeof version !== "string") return false;
  call.budget.step(version.length);
  return parseSemver(version) !== null;
}

export const semverBuiltins: readonly Builtin[] = [
  { name: "semver.compare", type: t.function([t.string, t.string], t.number), evaluate: compare },
  { name: "semver.is_valid", type: t.function([t.any], t.boolean), evaluate: isValid },
];
