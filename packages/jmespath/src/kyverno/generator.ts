// Regular expressions read backwards: a pattern becomes a generator of texts that match it. The syntax is what Go's parser
// takes without any flag, as goregen calls it: POSIX classes and escapes, but neither `\d` nor `(?:…)`; the errors are Go's.
// `{2,5}` is two copies and three that each follow with even chance, because Go's simplifier makes nested `?` of it.
// Behaviour from github.com/zach-klippenstein/goregen and Go's regexp/syntax/parse.go.

import { type Ranges, complement, posixClasses, union } from "@portcullis/lang/go";

export type Generator =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "set"; readonly ranges: Ranges }
  /** Any character at all, also those that do not exist. */
  | { readonly kind: "any" }
  | { readonly kind: "sequence" | "choice"; readonly items: readonly Generator[] }
  | { readonly kind: "repeat"; readonly item: Generator; readonly min: number; readonly max: number | null };

/** The generator of a pattern, or Go's error text. */
export function parseGenerator(pattern: string): Generator | { readonly error: string } {
  try {
    return new Reader(pattern).all();
  } catch (error) {
    if (error instanceof Wrong) return { error: error.message };
    throw error;
  }
}

class Wrong extends Error {
  constructor(code: string, part: string) {
    super(`error parsing regexp: ${code}: \`${part}\``);
  }
}

/** Go allows 1000; groups nest by recursion here. */
const depthMax = 250;
const repeatMax = 1000;

const escapes: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

class Reader {
  readonly #pattern: string;
  #at = 0;
  #depth = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  all(): Generator {
    const generator = this.#choice();
    if (this.#at < this.#pattern.length) throw new Wrong("unexpected )", this.#pattern);
    return generator;
  }

  #choice(): Generator {
    const items = [this.#sequence()];
    while (this.#accept("|")) items.push(this.#sequence());
    return items.length === 1 ? (items[0] as Generator) : { kind: "choice", items };
  }

  #sequence(): Generator {
    const items: Generator[] = [];
    while (this.#at < this.#pattern.length && !this.#ahead("|") && !this.#ahead(")")) {
      const repeated = this.#repetition(items.at(-1));
      if (repeated === null) items.push(this.#atom());
      else items.splice(-1, 1, repeated);
    }
    return { kind: "sequence", items };
  }

  /** The repetition of what stands before it; null where none begins. */
  #repetition(item: Generator | undefined): Generator | null {
    const start = this.#at;
    const match = this.#match(/[*+?]|\{(\d+)(?:(,)(\d*))?\}/y);
    if (match === null) return null;
    const [sign, low, comma, high] = match;
    const min = low === undefined ? (sign === "+" ? 1 : 0) : Number(low);
    const max =
      low === undefined ? (sign === "?" ? 1 : null) : comma === undefined ? min : high === "" ? null : Number(high);
    if (low !== undefined && (min > repeatMax || (max ?? 0) > repeatMax || (max !== null && min > max))) {
      throw new Wrong("invalid repeat count", sign);
    }
    if (item === undefined) throw new Wrong("missing argument to repetition operator", sign);
    const repeated: Generator = { kind: "repeat", item, min, max };
    if (low !== undefined && timesOf(repeated) > repeatMax) {
      throw new Wrong("invalid repeat count", this.#pattern.slice(start, this.#at));
    }
    return repeated;
  }

  #atom(): Generator {
    const character = this.#take();
    switch (character) {
      case "(":
        return this.#group();
      case "[":
        return { kind: "set", ranges: this.#class() };
      case ".":
        return { kind: "any" };
      case "^":
      case "$":
        return { kind: "text", text: "" };
      case "\\":
        return { kind: "text", text: String.fromCodePoint(this.#escape()) };
      default:
        return { kind: "text", text: character };
    }
  }

  #group(): Generator {
    this.#depth++;
    if (this.#depth > depthMax) throw new Wrong("expression nests too deeply", this.#pattern);
    const inner = this.#choice();
    this.#depth--;
    if (!this.#accept(")")) throw new Wrong("missing closing )", this.#pattern);
    return inner;
  }

  /** The character behind a backslash. */
  #escape(): number {
    const start = this.#at - 1;
    if (this.#at >= this.#pattern.length) throw new Wrong("trailing backslash at end of expression", "");
    const octal = this.#match(/0[0-7]{0,2}|[1-7][0-7]{1,2}/y);
    if (octal !== null) return Number.parseInt(octal[0], 8);
    const hex = this.#match(/x(?:\{([\da-fA-F]+)\}|([\da-fA-F]{2}))/y);
    const code = hex === null ? null : Number.parseInt(hex[1] ?? hex[2] ?? "", 16);
    if (code !== null && code <= 0x10ffff) return code;
    const character = this.#take();
    const named = Object.hasOwn(escapes, character) ? escapes[character] : undefined;
    if (named !== undefined) return named;
    if (/[^A-Za-z0-9\u0080-\u{10ffff}]/u.test(character)) return character.charCodeAt(0);
    throw new Wrong("invalid escape sequence", this.#pattern.slice(start, this.#at));
  }

  // ── classes

  #class(): Ranges {
    const start = this.#at - 1;
    const negated = this.#accept("^");
    const sets: Ranges[] = negated ? [[0x0a, 0x0a]] : [];
    for (let first = true; first || !this.#ahead("]"); first = false) {
      if (this.#at >= this.#pattern.length) throw new Wrong("missing closing ]", this.#pattern.slice(start));
      // A hyphen stands for itself only as the first or the last.
      if (!first && this.#ahead("-") && this.#pattern.charAt(this.#at + 1) !== "]") {
        throw new Wrong("invalid character class range", this.#pattern.slice(this.#at, this.#at + 2));
      }
      sets.push(this.#classItem(start));
    }
    this.#at++;
    const members = union(...sets);
    return withoutNull(negated ? complement(members) : members);
  }

  #classItem(start: number): Ranges {
    const posix = this.#match(/\[:(\^?)(.*?):\]/y);
    if (posix !== null) {
      const set = posixClasses.get(posix[2] ?? "");
      if (set === undefined) throw new Wrong("invalid character class range", posix[0]);
      return posix[1] === "^" ? complement(set) : set;
    }
    const begin = this.#at;
    const low = this.#classCharacter(start);
    if (!this.#ahead("-") || this.#pattern.charAt(this.#at + 1) === "]" || this.#at + 1 >= this.#pattern.length) {
      return [low, low];
    }
    this.#at++;
    const high = this.#classCharacter(start);
    if (high < low) throw new Wrong("invalid character class range", this.#pattern.slice(begin, this.#at));
    return [low, high];
  }

  #classCharacter(start: number): number {
    if (this.#at >= this.#pattern.length) throw new Wrong("missing closing ]", this.#pattern.slice(start));
    const character = this.#take();
    return character === "\\" ? this.#escape() : (character.codePointAt(0) ?? 0);
  }

  // ── reading

  #take(): string {
    const character = String.fromCodePoint(this.#pattern.codePointAt(this.#at) ?? 0);
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

/** How often nested counts repeat what is innermost. */
function timesOf(generator: Generator): number {
  if (generator.kind === "repeat") return Math.max(generator.max ?? generator.min, 1) * timesOf(generator.item);
  if (generator.kind !== "sequence" && generator.kind !== "choice") return 1;
  return Math.max(1, ...generator.items.map(timesOf));
}

/** The null character is never generated. */
function withoutNull(ranges: Ranges): Ranges {
  if (ranges[0] !== 0) return ranges;
  return ranges[1] === 0 ? ranges.slice(2) : [1, ...ranges.slice(1)];
}

// ── generating

export interface Drawing {
  /** In [0, 1). */
  readonly random: () => number;
  /** Told how many characters are about to be made; may throw to stop. */
  readonly output: (characters: number) => void;
}

/** goregen's limit for `*` and `+`. */
const unbounded = 4096;

/** A text that the pattern matches. */
export function generate(generator: Generator, drawing: Drawing): string {
  const parts: string[] = [];
  draw(generator, drawing, parts);
  return parts.join("");
}

function draw(generator: Generator, drawing: Drawing, parts: string[]): void {
  drawing.output(1);
  switch (generator.kind) {
    case "text":
      parts.push(generator.text);
      return;
    case "set":
      parts.push(drawCharacter(generator.ranges, drawing));
      return;
    case "any":
      parts.push(characterOf(1 + below(2 ** 31 - 1, drawing)));
      return;
    case "sequence":
      for (const item of generator.items) draw(item, drawing, parts);
      return;
    case "choice": {
      const chosen = generator.items[below(generator.items.length, drawing)];
      if (chosen !== undefined) draw(chosen, drawing, parts);
      return;
    }
    case "repeat":
      for (let left = timesDrawn(generator, drawing); left > 0; left--) draw(generator.item, drawing, parts);
  }
}

function timesDrawn({ min, max }: Extract<Generator, { kind: "repeat" }>, drawing: Drawing): number {
  if (max === null) return min === 0 ? below(unbounded + 1, drawing) : min + below(unbounded, drawing);
  let times = min;
  while (times < max && drawing.random() < 0.5) times++;
  return times;
}

function below(limit: number, { random }: Drawing): number {
  return Math.floor(random() * limit);
}

function drawCharacter(ranges: Ranges, drawing: Drawing): string {
  let size = 0;
  for (let at = 0; at < ranges.length; at += 2) size += (ranges[at + 1] ?? 0) - (ranges[at] ?? 0) + 1;
  let left = below(size, drawing);
  for (let at = 0; at < ranges.length; at += 2) {
    const width = (ranges[at + 1] ?? 0) - (ranges[at] ?? 0) + 1;
    if (left < width) return characterOf((ranges[at] ?? 0) + left);
    left -= width;
  }
  return "";
}

/** Go writes what is no character as U+FFFD. */
function characterOf(code: number): string {
  return code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? "\ufffd" : String.fromCodePoint(code);
}
