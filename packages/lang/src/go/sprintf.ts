// Go's fmt.Sprintf over the operands that OPA passes to it: strings, int64s, big integers and float64s. A format is parsed
// once into pieces (text and directives); running them keeps Go's state machine, because which argument a directive takes
// depends on the ones before it (`%[2]d`, `%*d`) and on how many there are.
//
// Bad verbs, missing and extra arguments are text in the result, never errors: `%!d(string=x)`, `%!s(MISSING)`,
// `%!(EXTRA string=b)`. Widths come from policies, so padding is announced to `charge` before it is made.
// Go: fmt/print.go doPrintf, fmt/format.go, math/big/intconv.go.

import { type IntegerType, type Operand, type PrintState, newState, printOperand, typeText } from "./printoperand.ts";

export { GoFloat, type IntegerType, type Operand } from "./printoperand.ts";

/** Told how many characters are about to be made; may throw to stop. */
export type Charge = (characters: number) => void;

export type Formatter = (operands: readonly Operand[], charge?: Charge) => string;

/** An explicit argument number, `[2]`: its zero-based index, or null when what is between the brackets is no number. */
interface Index {
  readonly index: number | null;
}

type Measure = "star" | number | null;

interface Directive {
  readonly flags: string;
  readonly indexes: readonly (Index | null)[];
  readonly width: Measure;
  /** `none`: no precision was written; null: it was written without digits, which is 0. */
  readonly precision: Measure | "none";
  /** Null when the format ends before the verb. */
  readonly verb: string | null;
}

type Piece = string | Directive;

/** Parses a format for repeated use. Never fails: what is wrong with it shows in the result. */
export function compileFormat(format: string, integer: IntegerType = "int64"): Formatter {
  const pieces = parseFormat(format);
  return (operands, charge = free) => new Run(operands, charge, integer).all(pieces);
}

/** One-off formatting. */
export function sprintf(format: string, operands: readonly Operand[], charge?: Charge): string {
  return compileFormat(format)(operands, charge);
}

const free: Charge = () => {};

// ── parsing

function parseFormat(format: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  while (at < format.length) {
    const percent = format.indexOf("%", at);
    const end = percent === -1 ? format.length : percent;
    if (end > at) pieces.push(format.slice(at, end));
    if (percent === -1) break;
    const parser = new DirectiveParser(format, percent + 1);
    pieces.push(parser.directive());
    at = parser.at;
  }
  return pieces;
}

/** Go's parsenum gives up on a number that has passed this before its next digit. */
const tooLarge = 1_000_000;

class DirectiveParser {
  at: number;
  readonly #format: string;

  constructor(format: string, at: number) {
    this.#format = format;
    this.at = at;
  }

  directive(): Directive {
    const start = this.at;
    while ("#0+- ".includes(this.#char()) && this.at < this.#format.length) this.at++;
    const flags = this.#format.slice(start, this.at);
    const first = this.#index();
    const width = this.#measure();
    let precision: Measure | "none" = "none";
    let second: Index | null = null;
    if (this.#char() === "." && this.at + 1 < this.#format.length) {
      this.at++;
      second = this.#index();
      precision = this.#measure();
    }
    // An index stands before the verb unless one was just read and neither a width nor a star followed it.
    const read = precision === "none" ? width !== "star" && first : precision !== "star" && second;
    const third = read && read.index !== null ? null : this.#index();
    return { flags, indexes: [first, second, third], width, precision, verb: this.#verb() };
  }

  #char(): string {
    return this.#format.charAt(this.at);
  }

  #verb(): string | null {
    const code = this.#format.codePointAt(this.at);
    if (code === undefined) return null;
    const verb = String.fromCodePoint(code);
    this.at += verb.length;
    return verb;
  }

  #measure(): Measure {
    if (this.#char() === "*") {
      this.at++;
      return "star";
    }
    const { number, next } = readNumber(this.#format, this.at, this.#format.length);
    this.at = next;
    return number;
  }

  /** `[n]`. Go: parseArgNumber. */
  #index(): Index | null {
    if (this.#char() !== "[") return null;
    const close = this.#format.indexOf("]", this.at + 1);
    if (this.#format.length - this.at < 3 || close === -1) {
      this.at++;
      return { index: null };
    }
    const { number, next } = readNumber(this.#format, this.at + 1, close);
    const valid = number !== null && next === close;
    this.at = close + 1;
    return { index: valid ? number - 1 : null };
  }
}

function readNumber(text: string, start: number, end: number): { number: number | null; next: number } {
  let number: number | null = null;
  let at = start;
  for (; at < end; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) break;
    if (number !== null && number > tooLarge) return { number: null, next: end };
    number = (number ?? 0) * 10 + digit;
  }
  return { number, next: at };
}

// ── running

class Run {
  readonly #operands: readonly Operand[];
  readonly #charge: Charge;
  readonly #integer: IntegerType;
  #next = 0;
  #reordered = false;
  #goodIndex = true;
  #afterIndex = false;

  constructor(operands: readonly Operand[], charge: Charge, integer: IntegerType) {
    this.#operands = operands;
    this.#integer = integer;
    this.#charge = charge;
  }

  all(pieces: readonly Piece[]): string {
    let result = "";
    for (const piece of pieces) {
      const text = typeof piece === "string" ? piece : this.#directive(piece);
      if (typeof piece === "string") this.#charge(piece.length);
      result += text;
    }
    return result + this.#extra();
  }

  #directive(directive: Directive): string {
    const state = newState(directive.flags, this.#charge, this.#integer);
    this.#goodIndex = true;
    const [first = null, second = null, third = null] = directive.indexes;
    this.#jump(first);
    let notes = this.#width(directive, state);
    if (directive.precision !== "none") {
      if (this.#afterIndex) this.#goodIndex = false;
      this.#jump(second);
      notes += this.#precision(directive.precision, state);
    }
    if (third !== null) this.#jump(third);
    return notes + this.#verb(directive.verb, state);
  }

  #verb(verb: string | null, state: PrintState): string {
    if (verb === null) return "%!(NOVERB)";
    if (verb === "%") return "%";
    if (!this.#goodIndex) return `%!${verb}(BADINDEX)`;
    const operand = this.#operands[this.#next];
    if (operand === undefined) return `%!${verb}(MISSING)`;
    this.#next++;
    return printOperand(operand, verb, state);
  }

  #width(directive: Directive, state: PrintState): string {
    if (directive.width !== "star") {
      state.width = directive.width;
      if (this.#afterIndex && directive.width !== null) this.#goodIndex = false;
      return "";
    }
    const width = this.#starred();
    this.#afterIndex = false;
    state.width = width === null ? null : Math.abs(width);
    if (width !== null && width < 0) {
      state.minus = true;
      state.zero = false;
    }
    return width === null ? "%!(BADWIDTH)" : "";
  }

  #precision(precision: Measure, state: PrintState): string {
    if (precision !== "star") {
      state.precision = precision ?? 0;
      return "";
    }
    const number = this.#starred();
    this.#afterIndex = false;
    state.precision = number === null || number < 0 ? null : number;
    return state.precision === null ? "%!(BADPREC)" : "";
  }

  /** The operand for a `*`; null when it is no integer or too large. Go: intFromArg. */
  #starred(): number | null {
    const operand = this.#operands[this.#next];
    if (this.#next < this.#operands.length) this.#next++;
    const number = typeof operand === "bigint" ? Number(operand) : operand;
    const small = typeof number === "number" && Number.isInteger(number) && Math.abs(number) <= tooLarge;
    return small ? number : null;
  }

  /** Go: argNumber. */
  #jump(index: Index | null): void {
    this.#afterIndex = false;
    if (index === null) return;
    this.#reordered = true;
    if (index.index === null) {
      this.#goodIndex = false;
      return;
    }
    this.#afterIndex = true;
    if (index.index >= 0 && index.index < this.#operands.length) this.#next = index.index;
    else this.#goodIndex = false;
  }

  #extra(): string {
    if (this.#reordered || this.#next >= this.#operands.length) return "";
    const rest = this.#operands.slice(this.#next);
    const texts = rest.map(
      (operand) => `${typeText(operand, this.#integer)}=${printOperand(operand, "v", newState("", this.#charge))}`,
    );
    return `%!(EXTRA ${texts.join(", ")})`;
  }
}
