// Regular expressions with Go's syntax and meaning, in time linear in the text. The general engine is re2js, a port of Go's
// own; a question that wants only yes or no is answered by a table-driven automaton of ours where the pattern allows it
// (see regexdfa.ts), which is an order of magnitude faster.
//
// Compiled patterns are kept, because policies compile constants over and over. Go: regexp.

import { RE2JS, RE2JSException } from "re2js";
import { matcherOf } from "./regexdfa.ts";

/** Offsets into the text: start and end of the match, then of each group; -1 for a group that took no part. */
export type MatchOffsets = readonly number[];

export interface Regex {
  readonly pattern: string;
  /** Work for one character of text, in steps of a simple automaton, about. */
  readonly cost: number;
  /** Capturing groups by name. */
  readonly names: Readonly<Record<string, number>>;
  test(text: string): boolean;
  /** The first matches, leftmost and without overlap; all of them for a negative limit. Go: FindAllStringSubmatchIndex. */
  findAll(text: string, limit: number): readonly MatchOffsets[];
}

export type CompiledRegex = { readonly regex: Regex } | { readonly error: string };

const cache = new Map<string, CompiledRegex>();
const cacheMax = 1000;

/** Compiles or finds a pattern. The error is Go's text: ``error parsing regexp: missing closing ): `(a` ``. */
export function compileRegex(pattern: string): CompiledRegex {
  let compiled = cache.get(pattern);
  if (compiled === undefined) {
    if (cache.size >= cacheMax) cache.clear();
    compiled = compile(pattern);
    cache.set(pattern, compiled);
  }
  return compiled;
}

function compile(pattern: string): CompiledRegex {
  let engine: RE2JS;
  try {
    engine = RE2JS.compile(pattern);
  } catch (error) {
    if (error instanceof RE2JSException) return { error: error.message };
    throw error;
  }
  const quick = matcherOf(pattern);
  const regex: Regex = {
    pattern,
    cost: quick === null ? Math.max(1, engine.programSize()) : 1,
    names: engine.namedGroups(),
    test: (text) => (quick === null ? undefined : quick(text)) ?? engine.test(text),
    findAll: (text, limit) =>
      limit === 0 ? [] : ((engine.re2().findAllSubmatchIndex(text, limit) as MatchOffsets[] | null) ?? []),
  };
  return { regex };
}
