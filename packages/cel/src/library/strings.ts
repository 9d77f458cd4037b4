// What extends strings: parts, positions, replacing, splitting and joining, by code points. cel-go: ext/strings.go, version 2.

import type { Budget } from "@portcullis/lang";
import { searchFor } from "@portcullis/lang/go";
import type { Library, Overload } from "../library.ts";
import type { Int } from "../runtime/arithmetic.ts";
import { elementAt } from "../runtime/container.ts";
import { goText } from "../runtime/gotext.ts";
import { codePoints } from "../runtime/size.ts";
import { CelError, type Value } from "../runtime/value.ts";
import { charactersOf, positionOf, trimSpace, unitOf } from "./characters.ts";
import { traverses } from "./cost.ts";
import { global, method } from "./declare.ts";
import { formatString } from "./stringformat.ts";

type List = readonly Value[];

function outOfRange(position: Int): CelError {
  return new CelError(`index out of range: ${position}`);
}

function charAt(text: string, position: Int): Value | CelError {
  const characters = charactersOf(text);
  if (position < 0 || position > characters.length) return outOfRange(position);
  return characters.slice(Number(position), Number(position) + 1);
}

function substring(text: string, start: Int, end: Int | null): Value | CelError {
  const characters = charactersOf(text);
  if (end !== null && start > end) {
    return new CelError(`invalid substring range. start: ${start}, end: ${end}`);
  }
  for (const position of [start, end ?? start]) {
    if (position < 0 || position > characters.length) return outOfRange(position);
  }
  return characters.slice(Number(start), end === null ? undefined : Number(end));
}

/** In cel-go 0.26 the empty text is found wherever one looks, even behind the end. */
function emptyFoundAt(text: string, offset: Int, celGo: 26 | 30): Value | CelError {
  if (celGo === 26) return offset;
  if (offset < 0) return outOfRange(offset);
  const length = codePoints(text);
  return offset > length ? length : offset;
}

interface Sought {
  readonly text: string;
  readonly part: string;
  readonly offset: Int;
  readonly celGo: 26 | 30;
}

function indexOf({ text, part, offset, celGo }: Sought, budget: Budget): Value | CelError {
  if (part === "") return emptyFoundAt(text, offset, celGo);
  if (offset < 0) return outOfRange(offset);
  const found = searchFor(part, text, (units) => budget.step(units)).next(unitOf(text, Number(offset)));
  return found === -1 ? -1 : positionOf(text, found);
}

function lastIndexOf({ text, part, offset, celGo }: Sought, budget: Budget): Value | CelError {
  if (part === "") return emptyFoundAt(text, offset, celGo);
  if (offset < 0) return outOfRange(offset);
  if (offset >= codePoints(text)) return -1;
  const last = unitOf(text, Number(offset));
  const search = searchFor(part, text, (units) => budget.step(units));
  let found = -1;
  for (let at = search.next(0); at !== -1 && at <= last; at = search.next(at + 1)) {
    budget.step();
    found = at;
  }
  return found === -1 ? -1 : positionOf(text, found);
}

/** From the end; nothing is found in a shorter text. */
function lastIndexOfAll(text: string, part: string, budget: Budget): Value | CelError {
  const length = codePoints(text);
  if (part === "") return length;
  return length === 0 ? -1 : lastIndexOf({ text, part, offset: length - 1, celGo: 26 }, budget);
}

/** At most `limit` pieces, the last one whole; all for a negative limit. Go: strings.SplitN. */
function split(text: string, separator: string, limit: Int, budget: Budget): readonly string[] {
  if (limit === 0) return [];
  budget.output(text.length);
  const most = limit < 0 ? Infinity : Number(limit);
  return separator === "" ? explode(text, most, budget) : splitBy(text, separator, most, budget);
}

function splitBy(text: string, separator: string, most: number, budget: Budget): readonly string[] {
  const pieces: string[] = [];
  const search = searchFor(separator, text, (units) => budget.step(units));
  let from = 0;
  while (pieces.length < most - 1) {
    const found = search.next(from);
    if (found === -1) break;
    budget.output(bytesPerPiece);
    pieces.push(text.slice(from, found));
    from = found + separator.length;
  }
  pieces.push(text.slice(from));
  return pieces;
}

const bytesPerPiece = 16;

function explode(text: string, most: number, budget: Budget): readonly string[] {
  budget.output(text.length * bytesPerPiece);
  const characters = Array.from(text);
  if (characters.length <= most) return characters;
  return [...characters.slice(0, most - 1), characters.slice(most - 1).join("")];
}

/** The first `limit` occurrences, all for a negative limit. An empty one stands around every character. Go: strings.Replace. */
function replace([text, old, by, limit = -1]: [string, string, string, Int?], budget: Budget): string {
  if (limit === 0 || old === by) return text;
  const most = limit < 0 ? Infinity : Number(limit);
  if (old !== "") return joined(splitBy(text, old, most + 1, budget), by, budget);
  const characters = explode(text, Infinity, budget);
  const around = characters.slice(0, most).map((character) => by + character);
  budget.output(around.length * by.length);
  const rest = characters.slice(around.length).join("");
  return around.join("") + rest + (most > characters.length ? by : "");
}

function joined(pieces: readonly string[], separator: string, budget: Budget): string {
  budget.output(pieces.reduce((sum, piece) => sum + piece.length + separator.length, 0));
  return pieces.join(separator);
}

function join([list, separator = ""]: [List, string?], budget: Budget): Value | CelError {
  const pieces: string[] = [];
  for (let at = 0; at < list.length; at++) {
    budget.step();
    const piece = elementAt(list, at);
    if (typeof piece !== "string") return new CelError(`join: invalid input: ${goText(piece)}`);
    pieces.push(piece);
  }
  return joined(pieces, separator, budget);
}

const escapes: Readonly<Record<string, string>> = {
  "\u0007": String.raw`\a`,
  "\b": String.raw`\b`,
  "\f": String.raw`\f`,
  "\n": String.raw`\n`,
  "\r": String.raw`\r`,
  "\t": String.raw`\t`,
  "\v": String.raw`\v`,
  "\\": String.raw`\\`,
  '"': String.raw`\"`,
};

/** `strings.quote(text)`: what the language reads as the text again. */
function quoteForCel([text]: [string], budget: Budget): string {
  budget.output(text.length);
  // eslint-disable-next-line no-control-regex -- these are the characters that have an escape
  return `"${text.toWellFormed().replace(/[\u0007-\r"\\]/g, (character) => escapes[character] ?? character)}"`;
}

function positions(celGo: 26 | 30): readonly Overload[] {
  return [
    method(
      "string.indexOf(string, int) -> int",
      "string_index_of_string_int",
      ([text, part, offset]: [string, string, Int], budget) => indexOf({ text, part, offset, celGo }, budget),
    ),
    method(
      "string.lastIndexOf(string) -> int",
      "string_last_index_of_string",
      ([text, part]: [string, string], budget) => lastIndexOfAll(text, part, budget),
    ),
    method(
      "string.lastIndexOf(string, int) -> int",
      "string_last_index_of_string_int",
      ([text, part, offset]: [string, string, Int], budget) => lastIndexOf({ text, part, offset, celGo }, budget),
    ),
  ];
}

const parts: readonly Overload[] = [
  method("string.charAt(int) -> string", "string_char_at_int", ([text, at]: [string, Int]) => charAt(text, at)),
  method("string.indexOf(string) -> int", "string_index_of_string", ([text, part]: [string, string], budget) =>
    indexOf({ text, part, offset: 0, celGo: 26 }, budget),
  ),
  method("string.lowerAscii() -> string", "string_lower_ascii", ([text]: [string], budget) => {
    budget.output(text.length);
    return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  }),
  method("string.replace(string, string) -> string", "string_replace_string_string", replace),
  method("string.replace(string, string, int) -> string", "string_replace_string_string_int", replace),
  method("string.split(string) -> list(string)", "string_split_string", ([text, by]: [string, string], budget) =>
    split(text, by, -1, budget),
  ),
  method(
    "string.split(string, int) -> list(string)",
    "string_split_string_int",
    ([text, by, limit]: [string, string, Int], budget) => split(text, by, limit, budget),
  ),
  method("string.substring(int) -> string", "string_substring_int", ([text, start]: [string, Int]) =>
    substring(text, start, null),
  ),
  method("string.substring(int, int) -> string", "string_substring_int_int", ([text, start, end]: [string, Int, Int]) =>
    substring(text, start, end),
  ),
  method("string.trim() -> string", "string_trim", ([text]: [string], budget) => {
    budget.step(text.length >> 4);
    return trimSpace(text);
  }),
  method("string.upperAscii() -> string", "string_upper_ascii", ([text]: [string], budget) => {
    budget.output(text.length);
    return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
  }),
  method(
    "string.format(list(dyn)) -> string",
    "string_format",
    ([text, list]: [string, List], budget) => formatString(text, list, budget),
    { cost: traverses(0) },
  ),
  global("strings.quote(string) -> string", "strings_quote", quoteForCel, { cost: traverses(0) }),
  method("list(string).join() -> string", "list_join", join),
  method("list(string).join(string) -> string", "list_join_string", join),
];

export function stringsLibrary(celGo: 26 | 30): Library {
  return { name: "cel.lib.ext.strings", overloads: [...parts, ...positions(celGo)] };
}
