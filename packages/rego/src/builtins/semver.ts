// Semantic versions. OPA: v1/topdown/semver.go.

import { compareSemver, parseSemver, quote } from "@portcullis/lang/go";
import type { Value } from "../runtime/value.ts";
import { t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError } from "./builtin.ts";

type Parse = typeof parseSemver;

function compareWith(parse: Parse, call: BuiltinCall, [a, b]: readonly [Value, Value]): Value | undefined {
  if (typeof a !== "string") return operandError(call, 1, a, "string");
  if (typeof b !== "string") return operandError(call, 2, b, "string");
  call.budget.step(a.length + b.length);
  const left = parse(a);
  if (left === null) return call.fail(`operand 1: string ${quote(a)} is not a valid SemVer`);
  const right = parse(b);
  if (right === null) return call.fail(`operand 2: string ${quote(b)} is not a valid SemVer`);
  return compareSemver(left, right);
}

function isValidWith(parse: Parse, call: BuiltinCall, version: Value): Value | undefined {
  if (typeof version !== "string") return false;
  call.budget.step(version.length);
  return parse(version) !== null;
}

/** OPA 1.17 takes numbers with leading zeros and empty parts behind `-` and `+`. OPA 1.17: internal/semver Parse. */
const parseOlder: Parse = (text) => {
  const [version = "", ...added] = text.replace(/^v/, "").split("+");
  const [core = "", ...pre] = version.split("-");
  const [prerelease, metadata] = [pre.join("-"), added.join("+")];
  if (core.startsWith("v") || (metadata !== "" && !identifiers.test(metadata))) return null;
  const numbers = withoutLeadingZeros(core);
  return parseSemver(prerelease === "" ? numbers : `${numbers}-${withoutLeadingZeros(prerelease)}`);
};

const identifiers = /^[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*$/;

/** Those of numbers: `0` alone and `0a` stay. */
function withoutLeadingZeros(dotted: string): string {
  const parts = dotted.split(".");
  return parts.map((part) => (/^\d+$/.test(part) ? part.replace(/^0+(?=\d)/, "") : part)).join(".");
}

function builtinsWith(parse: Parse): readonly Builtin[] {
  return [
    {
      name: "semver.compare",
      type: t.function([t.string, t.string], t.number),
      evaluate: (call, a, b) => compareWith(parse, call, [a, b]),
    },
    {
      name: "semver.is_valid",
      type: t.function([t.any], t.boolean),
      evaluate: (call, version) => isValidWith(parse, call, version),
    },
  ];
}

export const semverBuiltins: readonly Builtin[] = builtinsWith(parseSemver);

export const olderSemver: readonly Builtin[] = builtinsWith(parseOlder);
