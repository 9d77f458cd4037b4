// Globs as gobwas/glob understands them: `*` and `?` stop at separators, `**` does not, `[abc]`, `[!a-c]`, `{a,b*}` and
// backslash escapes. A pattern is parsed into a small automaton that is run on all its states at once, so that matching
// takes time in proportion to text times pattern, whatever the pattern. Go: github.com/gobwas/glob v1.

import { utf8Length } from "./utf8.ts";

export interface Glob {
  /** How many states the automaton has: the most work for one character. */
  readonly size: number;
  match(text: string): boolean;
}

export type CompiledGlob = { readonly glob: Glob } | { readonly error: string };

const cache = new Map<string, CompiledGlob>();
const cacheMax = 1000;

/** Compiles or finds a pattern. The error is the library's: ``glob: syntax error at 3: unclosed `{` ``. */
export function compileGlob(pattern: string, separators: readonly string[]): CompiledGlob {
  const key = `${separators.join("")} ${pattern}`;
  let compiled = cache.get(key);
  if (compiled === undefined) {
    if (cache.size >= cacheMax) cache.clear();
    compiled = compile(pattern, new Set(separators));
    cache.set(key, compiled);
  }
  return compiled;
}

/** The text with every character escaped that means something in a pattern. Go: glob.QuoteMeta. */
export function quoteGlob(text: string): string {
  return text.replace(/[*?\\[\]{}]/g, String.raw`\$&`);
}

// ── the automaton

type Test = (character: string) => boolean;

/** A state reads one character that passes the test; a `loop` may read any number, also none. */
type State =
  | { readonly kind: "read"; readonly test: Test; next: number }
  | { readonly kind: "loop"; readonly test: Test; next: number }
  | { readonly kind: "split"; next: readonly number[] }
  | { readonly kind: "match" };

function compile(pattern: string, separators: ReadonlySet<string>): CompiledGlob {
  try {
    const items = new Parser(pattern, separators).sequence(false);
    const states: State[] = [{ kind: "match" }];
    const start = build(items, 0, states);
    return { glob: { size: states.length, match: (text) => run(states, start, text) } };
  } catch (error) {
    if (error instanceof GlobError) return { error: error.message };
    throw error;
  }
}

/** Adds states for the items so that they lead to `next`; returns where they begin. */
function build(items: readonly Item[], next: number, states: State[]): number {
  let target = next;
  for (const item of items.toReversed()) {
    const state: State =
      item.kind === "choice"
        ? { kind: "split", next: item.alternatives.map((each) => build(each, target, states)) }
        : { kind: item.kind, test: item.test, next: target };
    target = states.push(state) - 1;
  }
  return target;
}

function run(states: readonly State[], start: number, text: string): boolean {
  let current = new Set<number>();
  enter(states, start, current);
  for (const character of text) {
    const reached = new Set<number>();
    for (const at of current) {
      const state = states[at];
      if (state === undefined || state.kind === "split" || state.kind === "match") continue;
      if (state.test(character)) enter(states, state.kind === "loop" ? at : state.next, reached);
    }
    if (reached.size === 0) return false;
    current = reached;
  }
  return current.has(0);
}

/** Adds a state with all that can be reached from it without reading. */
function enter(states: readonly State[], start: number, set: Set<number>): void {
  const open = [start];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (set.has(at)) continue;
    set.add(at);
    const state = states[at];
    if (state?.kind === "split") open.push(...state.next);
    if (state?.kind === "loop") open.push(state.next);
  }
}

// ── the syntax

type Item =
  | { readonly kind: "read" | "loop"; readonly test: Test }
  | { readonly kind: "choice"; readonly alternatives: readonly (readonly Item[])[] };

class GlobError extends Error {}

const anything: Test = () => true;

class Parser {
  readonly #pattern: string;
  readonly #outside: Test;
  #at = 0;
  #depth = 0;

  constructor(pattern: string, separators: ReadonlySet<string>) {
    this.#pattern = pattern;
    this.#outside = separators.size === 0 ? anything : (character) => !separators.has(character);
  }

  /** Up to the end, or in a group up to the comma or brace that ends an alternative. */
  sequence(inGroup: boolean): readonly Item[] {
    const items: Item[] = [];
    for (;;) {
      const character = this.#peek();
      if (character === "") {
        if (inGroup) this.#fail("unclosed `{`");
        return items;
      }
      if (inGroup && (character === "," || character === "}")) return items;
      items.push(this.#item(character));
    }
  }

  #item(character: string): Item {
    this.#at += character.length;
    switch (character) {
      case "?":
        return { kind: "read", test: this.#outside };
      case "*":
        if (this.#peek() !== "*") return { kind: "loop", test: this.#outside };
        this.#at++;
        return { kind: "loop", test: anything };
      case "[":
        return { kind: "read", test: this.#class() };
      case "{":
        return this.#group();
      case "\\":
        return literal(this.#escaped());
      default:
        return literal(character);
    }
  }

  #group(): Item {
    const alternatives: (readonly Item[])[] = [];
    // Groups in groups recurse; a pattern that nests deeper than this is not written by anybody.
    this.#depth++;
    if (this.#depth > 500) this.#fail("nested too deeply");
    do {
      alternatives.push(this.sequence(true));
    } while (this.#take() === ",");
    this.#depth--;
    return { kind: "choice", alternatives };
  }

  /**
   * Behind the bracket: one range, or a set of characters up to the next bracket. Whatever is wrong is reported where the
   * library's lexer stands then, which has read the whole class. Go: syntax/lexer.go fetchRange, parse.go parseRange.
   */
  #class(): Test {
    const negated = this.#peek() === "!";
    if (negated) this.#at++;
    const low = this.#take();
    if (low === "") this.#fail("unexpected end of input");
    if (this.#peek() === "-") return this.#range(low, negated);
    this.#at -= low.length;
    const members = this.#members();
    this.#close();
    if (members.size === 0) this.#fail("could not parse range");
    return (character) => members.has(character) !== negated;
  }

  #range(low: string, negated: boolean): Test {
    this.#at++;
    const high = this.#take();
    if (high === "") this.#fail("unexpected end of input");
    this.#close();
    const [first, last] = [codeOf(low), codeOf(high)];
    if (last < first) this.#fail("range hi character is less than lo");
    return (character) => {
      const code = codeOf(character);
      return (code >= first && code <= last) !== negated;
    };
  }

  #members(): ReadonlySet<string> {
    const members = new Set<string>();
    for (let character = this.#peek(); character !== "" && character !== "]"; character = this.#peek()) {
      this.#at += character.length;
      if (character === "\\") {
        const escaped = this.#take();
        // The end is reported by what looks for the closing bracket.
        if (escaped !== "") members.add(escaped);
      } else {
        members.add(character);
      }
    }
    return members;
  }

  #close(): void {
    const character = this.#take();
    if (character === "") this.#fail("unexpected end of input");
    if (character !== "]") this.#fail("expected close range character");
  }

  #escaped(): string {
    const character = this.#take();
    return character === "" ? this.#fail("trailing backslash") : character;
  }

  #peek(): string {
    const code = this.#pattern.codePointAt(this.#at);
    return code === undefined ? "" : String.fromCodePoint(code);
  }

  #take(): string {
    const character = this.#peek();
    this.#at += character.length;
    return character;
  }

  #fail(reason: string): never {
    throw new GlobError(`glob: syntax error at ${utf8Length(this.#pattern.slice(0, this.#at))}: ${reason}`);
  }
}

function literal(wanted: string): Item {
  return { kind: "read", test: (character) => character === wanted };
}

function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}
