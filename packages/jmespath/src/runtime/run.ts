// One evaluation: what compiled expressions are given beside the value, and how they fail. Failures are values, because a
// missing key is the ordinary case in policies (`a.b || ''`) and must cost nothing; only a used-up budget (LimitError) and
// a missing need (Suspend) are thrown.

import type { Budget, World } from "@portcullis/lang";
import type { Value } from "./value.ts";

/** What an expression may use. */
export interface Run {
  readonly world: World;
  readonly budget: Budget;
}

export type Evaluate = (value: Value, run: Run) => Outcome;
export type Outcome = Value | SearchError;

export type SearchErrorKind =
  /** A key that an object does not have, in dialects where that is an error. */
  | "not-found"
  | "unknown-function"
  | "invalid-arity"
  | "invalid-type"
  | "invalid-value"
  /** A function of the dialect refused its arguments. */
  | "function";

/** Why an expression has no result. `message` is the text of the peer where the dialect has one. */
export class SearchError {
  readonly kind: SearchErrorKind;
  readonly message: string;
  /** The missing key. */
  readonly key: string | null;

  constructor(kind: SearchErrorKind, message: string, key: string | null = null) {
    this.kind = kind;
    this.message = message;
    this.key = key;
  }

  toString(): string {
    return this.message;
  }
}

/** Go: go-jmespath interpreter.go NotFoundError. */
export function missingKey(key: string): SearchError {
  return new SearchError("not-found", `Unknown key "${key}" in path`, key);
}

/** The value, where a missing key counts as null. */
export function orNull(outcome: Outcome): Value | SearchError {
  return outcome instanceof SearchError && outcome.kind === "not-found" ? null : outcome;
}
