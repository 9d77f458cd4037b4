// Patterns as rules use them: a tree whose variables are resolved, matched against an object. A tree without
// variables is the same object every time, because templates give it out as it is, and is compiled once.
// Behaviour from Kyverno pkg/engine/validate MatchPattern.

import type { Budget } from "@portcullis/lang";
import type { Json } from "../../engine/request.ts";
import { type Pattern, compilePattern } from "./compile.ts";
import type { Numbers } from "./govalue.ts";
import { type PatternResult, matchCompiled } from "./match.ts";

export interface PatternOptions {
  readonly budget: Budget;
  /** How numbers of the object are read, and those of the pattern. */
  readonly numbers: Numbers;
  readonly patternNumbers: Numbers;
  /** The pattern is the same object every time, so that it pays to remember what it is compiled to; no when absent. */
  readonly isFixed?: boolean;
}

const compiled = new WeakMap<object, Pattern>();

/** `path` of a failure is "" where Kyverno cannot name one and reports an execution error. Throws LimitError. */
export function matchPattern(
  resource: Json,
  pattern: Json,
  { budget, numbers, patternNumbers, isFixed }: PatternOptions,
): PatternResult {
  return matchCompiled(resource, isFixed === true ? patternOf(pattern) : compilePattern(pattern), {
    budget,
    numbers,
    patternNumbers,
  });
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
