// Sets of code points as ascending, disjoint ranges, and the named sets of Go's regular expressions.
// Go: regexp/syntax/perl_groups.go, parse.go.

import type { Ranges } from "./automaton.ts";

export const codePointMax = 0x10ffff;

/** Sorts and merges. */
export function union(...sets: readonly Ranges[]): Ranges {
  const pairs: [number, number][] = [];
  for (const set of sets) {
    for (let at = 0; at < set.length; at += 2) pairs.push([set[at] ?? 0, set[at + 1] ?? 0]);
  }
  pairs.sort(([a], [b]) => a - b);
  const merged: [number, number][] = [];
  for (const [first, last] of pairs) {
    const before = merged.at(-1);
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else merged.push([first, last]);
  }
  return merged.flat();
}

export function complement(set: Ranges): Ranges {
  const result: number[] = [];
  let next = 0;
  for (let at = 0; at < set.length; at += 2) {
    const first = set[at] ?? 0;
    if (first > next) result.push(next, first - 1);
    next = (set[at + 1] ?? 0) + 1;
  }
  if (next <= codePointMax) result.push(next, codePointMax);
  return result;
}

/** Whether two sets share a code point. */
export function intersects(a: Ranges, b: Ranges): boolean {
  for (let x = 0, y = 0; x < a.length && y < b.length;) {
    const [aFirst = 0, aLast = 0] = [a[x], a[x + 1]];
    const [bFirst = 0, bLast = 0] = [b[y], b[y + 1]];
    if (aFirst <= bLast && bFirst <= aLast) return true;
    if (aLast < bLast) x += 2;
    else y += 2;
  }
  return false;
}

/** One character. */
export function only(code: number): Ranges {
  return [code, code];
}

/** ASCII letters in both cases, with the two characters beyond ASCII that fold to letters; null for other characters. */
export function foldAscii(set: Ranges): Ranges | null {
  const last = set.at(-1) ?? 0;
  if (last > 0x7f && last !== codePointMax) return null;
  const extra: number[] = [];
  for (let code = 0x41; code <= 0x5a; code++) {
    const pair = [only(code), only(code | 0x20)];
    if (pair.some((one) => intersects(set, one))) extra.push(code, code, code | 0x20, code | 0x20);
  }
  const folded = union(...pairsOf(extra), set);
  const withLong = intersects(folded, only(0x73)) ? union(folded, only(0x17f)) : folded;
  return intersects(withLong, only(0x6b)) ? union(withLong, only(0x212a)) : withLong;
}

function pairsOf(codes: readonly number[]): readonly Ranges[] {
  return Array.from({ length: codes.length / 2 }, (_, at) => codes.slice(at * 2, at * 2 + 2));
}

function of(text: string): Ranges {
  return union(
    ...Array.from({ length: text.length / 2 }, (_, at) => [text.charCodeAt(at * 2), text.charCodeAt(at * 2 + 1)]),
  );
}

export const digits = of("09");
export const wordCharacters = of("09AZ__az");
export const spaces = of("\t\n\f\r  ");
export const newline = of("\n\n");

/** `[:alpha:]` and its kin. */
export const posixClasses: ReadonlyMap<string, Ranges> = new Map([
  ["alnum", of("09AZaz")],
  ["alpha", of("AZaz")],
  ["ascii", [0, 0x7f]],
  ["blank", of("\t\t  ")],
  ["cntrl", [0, 0x1f, 0x7f, 0x7f]],
  ["digit", digits],
  ["graph", of("!~")],
  ["lower", of("az")],
  ["print", of(" ~")],
  ["punct", of("!/:@[`{~")],
  ["space", of("\t\r  ")],
  ["upper", of("AZ")],
  ["word", wordCharacters],
  ["xdigit", of("09AFaf")],
]);
