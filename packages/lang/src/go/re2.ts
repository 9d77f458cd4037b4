// Regular expressions with Go's syntax and meaning, in time linear in the text. The general engine is re2js, a port of Go's
// own. A question that wants only yes or no is answered by a table-driven automaton (automaton.ts) where the pattern allows
// it, an order of magnitude faster.
//
// Compiled patterns are kept, because policies compile constants over and over. Go: regexp.

import { RE2JS, RE2JSException } from "re2js";
import { LimitError } from "../budget.ts";
import { type Automaton, type Step, compileAutomaton } from "./automaton.ts";
import { parseRegex } from "./regexsyntax.ts";

/** Offsets into the text: start and end of the match, then of each group; -1 for a group that took no part. */
export type MatchOffsets = readonly number[];

export interface Regex {
  readonly pattern: string;
  /** Capturing groups by name. */
  readonly names: Readonly<Record<string, number>>;
  test(text: string, step?: Step): boolean;
  /**
   * The first matches, leftmost and without overlap; all of them for a negative limit. They are found while they are asked
   * for: a long text has more of them than should be in memory at once. Go: FindAllStringSubmatchIndex.
   */
  findAll(text: string, limit: number, step?: Step): Iterable<MatchOffsets>;
}

export type CompiledRegex = { readonly regex: Regex } | { readonly error: string };

const cache = new Map<string, CompiledRegex>();
const cacheMax = 256;

/** Longer patterns are made from data and hardly come again. */
const cachedLengthMax = 1000;

/** Compiles or finds a pattern. The error is Go's text: ``error parsing regexp: missing closing ): `(a` ``. */
export function compileRegex(pattern: string): CompiledRegex {
  const known = cache.get(pattern);
  if (known !== undefined) return known;
  const compiled = compile(pattern);
  if (pattern.length > cachedLengthMax) return compiled;
  if (cache.size >= cacheMax) cache.clear();
  cache.set(pattern, compiled);
  return compiled;
}

function compile(pattern: string): CompiledRegex {
  let engine: RE2JS;
  try {
    engine = RE2JS.compile(pattern);
  } catch (error) {
    if (error instanceof RE2JSException) return { error: errorText(error.message, pattern) };
    throw error;
  }
  const automaton = automatonOf(pattern);
  const size = engine.programSize();
  const test = (text: string, step: Step = free): boolean => {
    if (automaton !== null) return automaton.test(text, step);
    step(Math.ceil(boundedWork(text.length * size) / 8));
    return engine.test(text);
  };
  const findAll = (text: string, limit: number, step: Step = free): Iterable<MatchOffsets> => {
    // What does not match at all, the usual answer, is known sooner this way.
    if (limit === 0 || !test(text, step)) return [];
    boundedWork(text.length * size * (1 + engine.groupCount() / groupsPerTurn));
    return allMatches(engine, text, limit, step);
  };
  return { regex: { pattern, names: engine.namedGroups(), test, findAll } };
}

/** Each instruction of the program looks at each character, in some 30 ns; in as many again for so many groups that it carries along. */
const groupsPerTurn = 16;

/** The general engine goes on to the end of the text, whatever the time is: what may take minutes is not begun. */
const workMax = 2_000_000_000;

/** Throws LimitError. */
function boundedWork(work: number): number {
  if (work > workMax) throw new LimitError("steps");
  return work;
}

/** Go always names the part that is wrong, also where that is nothing or everything. Go: regexp/syntax Error. */
function errorText(message: string, pattern: string): string {
  if (message.endsWith("`")) return message;
  return `${message}: \`${message.endsWith("trailing backslash at end of expression") ? "" : pattern}\``;
}

const free: Step = () => {};

function automatonOf(pattern: string): Automaton | null {
  const tree = parseRegex(pattern);
  return tree === null ? null : compileAutomaton(tree);
}

/** What one match costs in the general engine, beside the text it reads. */
const stepsPerMatch = 64;

/**
 * An empty match right behind another is skipped. Every character is looked at by every instruction of the program, each of
 * which carries all groups along. Go: Regexp.allMatches.
 */
function* allMatches(engine: RE2JS, text: string, limit: number, step: Step): Iterable<MatchOffsets> {
  const size = engine.programSize();
  const matcher = engine.matcher(text);
  const groups = matcher.groupCount() + 1;
  const perUnit = Math.ceil((size * groups) / 8);
  let left = limit < 0 ? Infinity : limit;
  let previousEnd = -1;
  for (let from = 0; from <= text.length && left > 0;) {
    step(stepsPerMatch + perUnit);
    if (!matcher.find(from)) break;
    const [start, end] = [matcher.start(), matcher.end()];
    step((end - from) * perUnit);
    const accepted = end !== from || start !== previousEnd;
    if (accepted) {
      left--;
      yield offsetsOf(matcher, groups);
    }
    from = end === from ? from + ((text.codePointAt(from) ?? 0) > 0xffff ? 2 : 1) : end;
    previousEnd = end;
  }
}

type Matcher = ReturnType<RE2JS["matcher"]>;

function offsetsOf(matcher: Matcher, groups: number): MatchOffsets {
  const offsets: number[] = [];
  for (let group = 0; group < groups; group++) offsets.push(matcher.start(group), matcher.end(group));
  return offsets;
}
