// Patterns as rules use them: a tree whose variables are resolved, matched against an object. A tree that is the same
// object as before (a static pattern, which templates give out as it is) is compiled once.
// Behaviour from Kyverno pkg/engine/validate MatchPattern.

import type { Budget } from "@portcullis/lang";
import type { Json } from "../../engine/request.ts";
import { type Pattern, compilePattern } from "./compile.ts";
import { type PatternResult, matchCompiled } from "./match.ts";

export interface PatternOptions {
  readonly budget: Budget;
  /** Every number of the object is a float64, as on Kyverno's command line; otherwise integers stay integers. */
  readonly floats: boolean;
}

const compiled = new WeakMap<object, Pattern>();

/** `path` of a failure is "" where Kyverno cannot name one and reports an execution error. Throws LimitError. */
export function matchPattern(resource: Json, pattern: Json, { budget, floats }: PatternOptions): PatternResult {
  return matchCompiled(resource, patternOf(pattern), { budget, numbers: floats ? "float64" : "int64" });
}

function patternOf(tree: Json): Pattern {
  if (typeof tree !== "object" || tree === null) return compilePattern(tree);
  let pattern = compiled.get(tree);
  if (pattern === undefined) {
    pattern = compilePattern(tree);
    compiled.set(tree, pattern);
  }
  return pattern;
}
