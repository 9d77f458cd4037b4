// Whether two simple patterns can match the same string. Their symbols are `.`, sets `[a-z]`, and the flags `*` and `+`
// behind any of them; a backslash takes the meaning away. The search follows the Go library step by step, including where
// it gives up early. Go: github.com/yashtewari/glob-intersection.

import type { Ranges, Step } from "./automaton.ts";
import { intersects, only, union } from "./charset.ts";

type Flag = "" | "+" | "*";

interface Token {
  /** Null for `.`, which fits everything, also a set without members. */
  readonly runes: Ranges | null;
  readonly set: boolean;
  flag: Flag;
}

export type Intersection = boolean | { readonly error: string };

/** `step` is charged for each pair of symbols compared; the search can be exponential. */
export function globsIntersect(left: string, right: string, step: Step): Intersection {
  const a = parse(left);
  if ("error" in a) return a;
  const b = parse(right);
  if ("error" in b) return b;
  const search = new Search(step);
  return search.nonEmpty(simplify(a.tokens), simplify(b.tokens));
}

// ── parsing

class InvalidGlob extends Error {}

type Parsed = { readonly tokens: readonly Token[] } | { readonly error: string };

function parse(text: string): Parsed {
  const reader = new Reader(text);
  const tokens: Token[] = [];
  try {
    while (!reader.done) tokens.push(reader.token());
  } catch (error) {
    if (error instanceof InvalidGlob) return { error: error.message };
    throw error;
  }
  return { tokens };
}

interface Rune {
  readonly rune: string;
  readonly escaped: boolean;
}

class Reader {
  readonly #input: readonly string[];
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#input = Array.from(text);
  }

  get done(): boolean {
    return this.#at >= this.#input.length;
  }

  token(): Token {
    const { rune, escaped } = this.#next();
    let runes: Ranges | null = only(codeOf(rune));
    let set = false;
    if (!escaped) {
      if (rune === "]") this.#fail("set-close ']' with no preceding '['");
      if (rune === "+" || rune === "*") this.#fail(`flag '${rune}' must be preceded by a non-flag`);
      if (rune === ".") runes = null;
      if (rune === "[") {
        runes = this.#set();
        set = true;
      }
    }
    return { runes, set, flag: this.#flag() };
  }

  #flag(): Flag {
    const rune = this.#input[this.#at];
    // A trailing backslash is reported here, one place earlier than its own turn.
    if (rune === "\\" && this.#at === this.#input.length - 1) this.#next();
    if (rune !== "+" && rune !== "*") return "";
    this.#at++;
    return rune;
  }

  #next(): Rune {
    const rune = this.#input[this.#at] ?? "";
    if (rune !== "\\") {
      this.#at++;
      return { rune, escaped: false };
    }
    if (this.#at === this.#input.length - 1) this.#fail("input ends with a \\ (escape) character");
    this.#at += 2;
    return { rune: this.#input[this.#at - 1] ?? "", escaped: true };
  }

  #set(): Ranges {
    const members: Ranges[] = [];
    let previous: string | null = null;
    while (!this.done) {
      const { rune, escaped } = this.#next();
      if (!escaped && rune === "]") return union(...members);
      if (!escaped && rune === "-") {
        if (previous === null) this.#fail("range character '-' must be preceded by a Unicode character");
        members.push(this.#range(previous ?? ""));
        previous = null;
      } else {
        members.push(only(codeOf(rune)));
        previous = rune;
      }
    }
    return this.#fail("found [ without matching ]");
  }

  #range(low: string): Ranges {
    if (this.#at >= this.#input.length - 1) this.#fail("range character '-' must be followed by a Unicode character");
    const { rune: high, escaped } = this.#next();
    if (!escaped && (high === "]" || high === "-")) {
      this.#fail("range character '-' cannot be followed by a special symbol");
    }
    const [first, last] = [codeOf(low), codeOf(high)];
    if (last < first) this.#fail(`range is out of order: '${high}' comes before '${low}' in Unicode`);
    return [first, last];
  }

  #fail(message: string): never {
    throw new InvalidGlob(`input:${this.#text}, pos:${this.#at}, ${message}: the input provided is invalid`);
  }
}

/** Neighbours that are the same symbol, both flagged, become one. */
function simplify(tokens: readonly Token[]): readonly Token[] {
  const result: Token[] = [];
  for (const token of tokens) {
    const latest = result.at(-1);
    if (latest !== undefined && latest.flag !== "" && token.flag !== "" && sameSymbol(token, latest)) {
      latest.flag = token.flag === "+" || latest.flag === "+" ? "+" : "*";
    } else {
      result.push(token);
    }
  }
  return result;
}

function sameSymbol(a: Token, b: Token): boolean {
  if (a.runes === null || b.runes === null) return a.runes === b.runes;
  return a.set === b.set && a.runes.join() === b.runes.join();
}

// ── searching

type Glob = readonly Token[];

class Search {
  readonly #step: Step;

  constructor(step: Step) {
    this.#step = step;
  }

  /** Cuts what matches at both ends, but one symbol, and searches the rest. Go: NonEmpty, trimGlobs. */
  nonEmpty(a: Glob, b: Glob): boolean {
    let start = 0;
    for (; plainAt(a, start) && plainAt(b, start); start++) {
      if (!this.#fits(a[start], b[start])) return false;
    }
    if (start > 0) start--;
    let endA = a.length - 1;
    let endB = b.length - 1;
    for (; endA >= start && endB >= start && plainAt(a, endA) && plainAt(b, endB); endA--, endB--) {
      if (!this.#fits(a[endA], b[endB])) return false;
    }
    if (endA < a.length - 1) {
      endA++;
      endB++;
    }
    return this.#normal(a.slice(start, endA + 1), b.slice(start, endB + 1));
  }

  #normal(a: Glob, b: Glob): boolean {
    let at = 0;
    for (; at < a.length && at < b.length; at++) {
      if (!plainAt(a, at) || !plainAt(b, at)) return this.#special(a.slice(at), b.slice(at));
      if (!this.#fits(a[at], b[at])) return false;
    }
    return at === a.length && at === b.length;
  }

  #special(a: Glob, b: Glob): boolean {
    const [flagged, other] = a[0]?.flag === "" ? [b, a] : [a, b];
    return flagged[0]?.flag === "+" ? this.#plus(flagged, other) : this.#star(flagged, other);
  }

  /** Go: intersectPlus. */
  #plus(flagged: Glob, other: Glob): boolean {
    if (!this.#fits(flagged[0], other[0])) return false;
    if (this.#star(flagged, other.slice(1))) return true;
    return other[0]?.flag !== "" && this.#normal(flagged.slice(1), other);
  }

  /** Go: intersectStar. */
  #star(flagged: Glob, other: Glob): boolean {
    const next = flagged[1];
    for (let at = 0; at < other.length; at++) {
      const token = other[at];
      if (next !== undefined && this.#fits(token, next) && this.#normal(flagged.slice(1), other.slice(at))) return true;
      if (!this.#fits(token, flagged[0])) return false;
    }
    return next === undefined;
  }

  #fits(a: Token | undefined, b: Token | undefined): boolean {
    this.#step(1);
    if (a === undefined || b === undefined) return false;
    if (a.runes === null || b.runes === null) return true;
    return intersects(a.runes, b.runes);
  }
}

/** Whether a symbol without a flag stands there. */
function plainAt(glob: Glob, at: number): boolean {
  return glob[at]?.flag === "";
}

function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}
