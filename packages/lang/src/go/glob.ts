// Globs as gobwas/glob understands them: `*` and `?` stop at separators, `**` does not, `[abc]`, `[!a-c]`, `{a,b*}` and
// backslash escapes. A pattern is parsed into the tree of an automaton, which matches in linear time, whatever the pattern.
// Go: github.com/gobwas/glob v1.

import { type Node, type Ranges, type Step, compileAutomaton } from "./automaton.ts";
import { codePointMax, complement, only, union } from "./charset.ts";
import { utf8Length } from "./utf8.ts";

export interface Glob {
  match(text: string, step?: Step): boolean;
}

export type CompiledGlob = { readonly glob: Glob } | { readonly error: string };

const cache = new Map<string, CompiledGlob>();
const cacheMax = 256;

/** Longer patterns are made from data and hardly come again. */
const cachedLengthMax = 1000;

/**
 * Compiles or finds a pattern; each separator is one character. The error is the library's:
 * ``glob: syntax error at 3: unclosed `{` ``.
 */
export function compileGlob(pattern: string, separators: readonly string[]): CompiledGlob {
  const key = `${separators.length}:${separators.join("")}${pattern}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const compiled = compile(pattern, new Set(separators));
  if (pattern.length > cachedLengthMax) return compiled;
  if (cache.size >= cacheMax) cache.clear();
  cache.set(key, compiled);
  return compiled;
}

/** The text with every character escaped that means something in a pattern. Go: glob.QuoteMeta. */
export function quoteGlob(text: string): string {
  return text.replace(/[*?\\[\]{}]/g, String.raw`\$&`);
}

/** A program of more instructions than this is for a pattern of its length. */
const sizeMax = 1_000_000;

const free: Step = () => {};

function compile(pattern: string, separators: ReadonlySet<string>): CompiledGlob {
  try {
    const items = new Parser(pattern, separators).sequence(false);
    const whole: Node = { kind: "sequence", items: [{ kind: "start" }, ...items, { kind: "end" }] };
    const automaton = compileAutomaton(whole, sizeMax);
    if (automaton === null) return { error: "glob: the pattern is too long" };
    return { glob: { match: (text, step = free) => automaton.test(text, step) } };
  } catch (error) {
    if (error instanceof GlobError) return { error: error.message };
    throw error;
  }
}

// ── the syntax

class GlobError extends Error {}

const anything: Ranges = [0, codePointMax];

class Parser {
  readonly #pattern: string;
  readonly #outside: Ranges;
  #at = 0;
  #depth = 0;

  constructor(pattern: string, separators: ReadonlySet<string>) {
    this.#pattern = pattern;
    this.#outside = complement(union(...Array.from(separators, (each) => only(codeOf(each)))));
  }

  /** Up to the end, or in a group up to the comma or brace that ends an alternative. */
  sequence(inGroup: boolean): readonly Node[] {
    const items: Node[] = [];
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

  #item(character: string): Node {
    this.#at += character.length;
    switch (character) {
      case "?":
        return { kind: "set", ranges: this.#outside };
      case "*":
        if (this.#peek() !== "*") return anyNumber(this.#outside);
        this.#at++;
        return anyNumber(anything);
      case "[":
        return { kind: "set", ranges: this.#class() };
      case "{":
        return this.#group();
      case "\\":
        return literal(this.#escaped());
      default:
        return literal(character);
    }
  }

  #group(): Node {
    const items: Node[] = [];
    // Groups in groups recurse; a pattern that nests deeper than this is not written by anybody.
    this.#depth++;
    if (this.#depth > 500) this.#fail("nested too deeply");
    do {
      items.push({ kind: "sequence", items: this.sequence(true) });
    } while (this.#take() === ",");
    this.#depth--;
    return { kind: "choice", items };
  }

  /**
   * Behind the bracket: one range, or a set of characters up to the next bracket. Whatever is wrong is reported where the
   * library's lexer stands then, which has read the whole class. Go: syntax/lexer.go fetchRange, parse.go parseRange.
   */
  #class(): Ranges {
    const negated = this.#peek() === "!";
    if (negated) this.#at++;
    const low = this.#take();
    if (low === "") this.#fail("unexpected end of input");
    if (this.#peek() === "-") return this.#range(low, negated);
    this.#at -= low.length;
    const members = this.#members();
    this.#close();
    if (members.length === 0) this.#fail("could not parse range");
    return negated ? complement(members) : members;
  }

  #range(low: string, negated: boolean): Ranges {
    this.#at++;
    const high = this.#take();
    if (high === "") this.#fail("unexpected end of input");
    this.#close();
    const [first, last] = [codeOf(low), codeOf(high)];
    if (last < first) this.#fail("range hi character is less than lo");
    return negated ? complement([first, last]) : [first, last];
  }

  #members(): Ranges {
    const members: Ranges[] = [];
    for (let character = this.#peek(); character !== "" && character !== "]"; character = this.#peek()) {
      this.#at += character.length;
      if (character === "\\") {
        const escaped = this.#take();
        // The end is reported by what looks for the closing bracket.
        if (escaped !== "") members.push(only(codeOf(escaped)));
      } else {
        members.push(only(codeOf(character)));
      }
    }
    return union(...members);
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

function literal(character: string): Node {
  return { kind: "set", ranges: only(codeOf(character)) };
}

function anyNumber(ranges: Ranges): Node {
  return { kind: "repeat", item: { kind: "set", ranges }, min: 0, max: null };
}

function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}
