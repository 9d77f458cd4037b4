// Patterns, which an evaluation may make of data: compiling one takes a few microseconds for each character, and nobody can
// interrupt it. Those that are written in an expression are no longer than it may be, and others need not be either.

import { type Budget, LimitError } from "@portcullis/lang";
import { type CompiledRegex, compileRegex } from "@portcullis/lang/go";

const patternMax = 100_000;

const stepsPerCharacter = 1000;

/** Throws LimitError. */
export function regexOf(pattern: string, budget: Budget): CompiledRegex {
  if (pattern.length > patternMax) throw new LimitError("steps");
  budget.step(pattern.length * stepsPerCharacter);
  return compileRegex(pattern);
}
