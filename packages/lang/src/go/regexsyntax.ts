// The part of Go's regular expressions that an automaton can answer by itself: everything regular, without word boundaries,
// line mode, Unicode classes and folding beyond ASCII. The pattern has been accepted by re2js before it comes here, so that
// this reader may trust its syntax; where it is in doubt it gives up, and the general engine answers.
// Go: regexp/syntax/parse.go.

import type { Node, Ranges } from "./automaton.ts";
import {
  codePointMax,
  complement,
  digits,
  foldAscii,
  newline,
  only,
  posixClasses,
  spaces,
  union,
  wordCharacters,
} from "./charset.ts";

/** The tree of a valid pattern; null for one with anything beyond this reader. */
export function parseRegex(pattern: string): Node | null {
  try {
    return new Reader(pattern).all();
  } catch (error) {
    if (error instanceof Beyond) return null;
    throw error;
  }
}

class Beyond extends Error {}

interface Flags {
  readonly fold: boolean;
  readonly dotAll: boolean;
}

/** Groups nest by recursion. */
const depthMax = 200;

const escapes: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

const perlClasses: Readonly<Record<string, Ranges>> = { d: digits, s: spaces, w: wordCharacters };

const empty: Node = { kind: "sequence", items: [] };

class Reader {
  readonly #pattern: string;
  #at = 0;
  #depth = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  all(): Node {
    const node = this.#choice({ fold: false, dotAll: false });
    if (this.#at < this.#pattern.length) throw new Beyond();
    return node;
  }

  #choice(outer: Flags): Node {
    let flags = outer;
    const items: Node[] = [];
    do {
      const [node, after] = this.#sequence(flags);
      items.push(node);
      flags = after;
    } while (this.#accept("|"));
    return items.length === 1 ? (items[0] ?? empty) : { kind: "choice", items };
  }

  /** Flags such as `(?i)` hold up to the end of the group, through its further alternatives. */
  #sequence(outer: Flags): readonly [Node, Flags] {
    let flags = outer;
    const items: Node[] = [];
    while (this.#at < this.#pattern.length && !this.#ahead("|") && !this.#ahead(")")) {
      const switched = this.#flagSwitch(flags);
      if (switched === null) items.push(this.#repeated(this.#atom(flags)));
      else flags = switched;
    }
    return [items.length === 1 ? (items[0] ?? empty) : { kind: "sequence", items }, flags];
  }

  /** `(?i)` on its own. */
  #flagSwitch(flags: Flags): Flags | null {
    const match = this.#match(/\(\?([a-zA-Z-]+)\)/y);
    // Behind it, a repetition would apply to what stands before it.
    if (match !== null && /[*+?{]/.test(this.#pattern.charAt(this.#at))) throw new Beyond();
    return match === null ? null : changeFlags(flags, match[1] ?? "");
  }

  #repeated(item: Node): Node {
    const match = this.#match(/(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??/y);
    if (match === null) return item;
    const [, sign, low, comma, high] = match;
    if (sign !== undefined) return { kind: "repeat", item, min: sign === "+" ? 1 : 0, max: sign === "?" ? 1 : null };
    const min = Number(low);
    const max = comma === undefined ? min : high === "" ? null : Number(high);
    return { kind: "repeat", item, min, max };
  }

  #atom(flags: Flags): Node {
    const character = this.#take();
    switch (character) {
      case "(":
        return this.#group(flags);
      case "[":
        return this.#class(flags);
      case ".":
        return { kind: "set", ranges: flags.dotAll ? [0, codePointMax] : complement(newline) };
      case "^":
        return { kind: "start" };
      case "$":
        return { kind: "end" };
      case "\\":
        return this.#escape(flags);
      default:
        return setOf(only(codeOf(character)), flags);
    }
  }

  #group(outer: Flags): Node {
    let flags = outer;
    if (this.#ahead("?")) {
      const match = this.#match(/\?(?:P?<\w+>|([a-zA-Z-]*):)/y);
      if (match === null) throw new Beyond();
      if (match[1] !== undefined) flags = changeFlags(flags, match[1]);
    }
    this.#depth++;
    if (this.#depth > depthMax) throw new Beyond();
    const node = this.#choice(flags);
    this.#depth--;
    if (!this.#accept(")")) throw new Beyond();
    return node;
  }

  #escape(flags: Flags): Node {
    const code = this.#escapedCode();
    if (code !== null) return setOf(only(code), flags);
    const character = this.#take();
    if (character === "A") return { kind: "start" };
    if (character === "z") return { kind: "end" };
    return { kind: "set", ranges: perlClass(character, flags) };
  }

  /** The character behind a backslash, when it stands for one: `\n`, `\.`, `\x2e`, `\x{1F600}`. */
  #escapedCode(): number | null {
    const hex = this.#match(/x(?:\{([\da-fA-F]+)\}|([\da-fA-F]{2}))/y);
    if (hex !== null) return Number.parseInt(hex[1] ?? hex[2] ?? "", 16);
    const character = this.#pattern.charAt(this.#at);
    if (/[a-zA-Z0-9]/.test(character) && !Object.hasOwn(escapes, character)) return null;
    return escapes[this.#take()] ?? this.#pattern.codePointAt(this.#at - 1) ?? null;
  }

  // ── character classes

  #class(flags: Flags): Node {
    const negated = this.#accept("^");
    const sets: Ranges[] = [];
    while (sets.length === 0 || !this.#ahead("]")) sets.push(this.#classItem(flags));
    this.#at++;
    const members = fold(union(...sets), flags);
    return { kind: "set", ranges: negated ? complement(members) : members };
  }

  #classItem(flags: Flags): Ranges {
    const posix = this.#match(/\[:(\^?)(\w+):\]/y);
    if (posix !== null) return this.#posix(posix, flags);
    if (this.#match(/\\(?=[dswDSW])/y) !== null) return perlClass(this.#take(), flags);
    const first = this.#classCharacter();
    if (!this.#ahead("-") || this.#pattern.charAt(this.#at + 1) === "]") return only(first);
    this.#at++;
    const last = this.#classCharacter();
    if (last < first) throw new Beyond();
    return [first, last];
  }

  #posix([, negation, name]: readonly string[], flags: Flags): Ranges {
    const set = posixClasses.get(name ?? "");
    if (set === undefined) throw new Beyond();
    const members = fold(set, flags);
    return negation === "^" ? complement(members) : members;
  }

  #classCharacter(): number {
    const character = this.#take();
    if (character !== "\\") return codeOf(character);
    const code = this.#escapedCode();
    if (code === null) throw new Beyond();
    return code;
  }

  // ── reading

  #take(): string {
    const code = this.#pattern.codePointAt(this.#at);
    // A lone surrogate is a byte that is not UTF-8; what that means is left to the general engine.
    if (code === undefined || (code >= 0xd800 && code <= 0xdfff)) throw new Beyond();
    const character = String.fromCodePoint(code);
    this.#at += character.length;
    return character;
  }

  #ahead(character: string): boolean {
    return this.#pattern.charAt(this.#at) === character;
  }

  #accept(character: string): boolean {
    const found = this.#ahead(character);
    if (found) this.#at++;
    return found;
  }

  /** With a sticky expression. */
  #match(expression: RegExp): RegExpExecArray | null {
    expression.lastIndex = this.#at;
    const match = expression.exec(this.#pattern);
    if (match !== null) this.#at = expression.lastIndex;
    return match;
  }
}

function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}

function setOf(ranges: Ranges, flags: Flags): Node {
  return { kind: "set", ranges: fold(ranges, flags) };
}

function fold(ranges: Ranges, flags: Flags): Ranges {
  const folded = flags.fold ? foldAscii(ranges) : ranges;
  if (folded === null) throw new Beyond();
  return folded;
}

/** `\d`, `\D` and the like. */
function perlClass(character: string, flags: Flags): Ranges {
  const lower = character.toLowerCase();
  const set = Object.hasOwn(perlClasses, lower) ? perlClasses[lower] : undefined;
  if (set === undefined) throw new Beyond();
  const members = fold(set, flags);
  return character === lower ? members : complement(members);
}

/** `i`, `s`, `-i` …; `U` changes only what is matched, not whether. */
function changeFlags(flags: Flags, text: string): Flags {
  const [on = "", off = ""] = text.split("-");
  if (/[^isU]/.test(on + off)) throw new Beyond();
  const changed = (letter: string, before: boolean): boolean =>
    on.includes(letter) || (before && !off.includes(letter));
  return { fold: changed("i", flags.fold), dotAll: changed("s", flags.dotAll) };
}
