// A JSON value as the YAML that go-yaml v3 writes with an indentation of two: block style, keys in "natural" order, a
// string plain where it reads back as a string, else in the quotes that libyaml's analysis asks for.
// Go: go.yaml.in/yaml/v3 encode.go, emitterc.go, sorter.go; OPA: internal/yaml/yaml.go Marshal.

import { type AnyNumber, type Budget, Decimal, numberText } from "@portcullis/lang";
import { formatFloat } from "@portcullis/lang/go";
import { compare } from "../runtime/compare.ts";
import { type PlainObject, RegoObject, RegoSet, type Value, isArray } from "../runtime/value.ts";
import { textEntries } from "./jsontext.ts";
import { resolvePlain } from "./yamlscalar.ts";

type Parent = "root" | "sequence" | "mapping";

/** The document, with its line end. Sets become sorted arrays. Throws LimitError. */
export function writeYaml(value: Value, budget: Budget): string {
  const write = (item: Value, indent: number, parent: Parent): string => {
    budget.output(indent + 8);
    if (typeof item !== "object" || item === null || item instanceof Decimal) {
      return writeScalar(item, scalarIndent(indent, parent), budget);
    }
    const inner = childIndent(indent, parent);
    const lineStart = `\n${" ".repeat(inner)}`;
    const items = item instanceof RegoSet ? item.sorted(compare) : isArray(item) ? item : null;
    if (items !== null) {
      if (items.length === 0) return "[]";
      return items.map((element) => `- ${write(element, inner, "sequence")}`).join(lineStart);
    }
    const entries = textEntries(item as PlainObject | RegoObject, budget);
    if (entries.length === 0) return "{}";
    return entries
      .toSorted(([a], [b]) => naturalOrder(a, b))
      .map(([key, element]) => writeEntry(key, element, inner))
      .join(lineStart);
  };
  const writeEntry = (key: string, item: Value, indent: number): string => {
    const text = writeScalar(key, scalarIndent(indent, "mapping"), budget);
    if (key.includes("\n") || utf8Longer(key, 128)) {
      // Such a key cannot stand before a colon on one line.
      return `? ${text}\n${" ".repeat(indent)}: ${write(item, indent, "mapping")}`;
    }
    const isBlock = typeof item === "object" && item !== null && !(item instanceof Decimal) && !isEmpty(item);
    const separator = isBlock ? `\n${" ".repeat(childIndent(indent, "mapping"))}` : " ";
    return `${text}:${separator}${write(item, indent, "mapping")}`;
  };
  return `${write(value, 0, "root")}\n`;
}

function isEmpty(value: Value): boolean {
  if (isArray(value)) return value.length === 0;
  return (
    (value instanceof RegoSet || value instanceof RegoObject
      ? value.size
      : Object.keys(value as PlainObject).length) === 0
  );
}

function utf8Longer(text: string, length: number): boolean {
  return (
    text.length > length ||
    (text.length * 3 > length && encodeURIComponent(text.toWellFormed()).replace(/%../g, "x").length > length)
  );
}

/** Inside a sequence an indentation skips the dash; elsewhere it goes to the next multiple of two. */
function childIndent(indent: number, parent: Parent): number {
  if (parent === "root") return 0;
  return parent === "sequence" ? indent + 2 : 2 * Math.floor((indent + 2) / 2);
}

function scalarIndent(indent: number, parent: Parent): number {
  return parent === "root" ? 2 : childIndent(indent, parent);
}

function writeScalar(value: null | boolean | AnyNumber | string, indent: number, budget: Budget): string {
  if (typeof value === "string") {
    budget.output(value.length * 4);
    return writeText(value.toWellFormed(), indent);
  }
  return value === null || typeof value === "boolean" ? String(value) : numberAsYaml(numberText(value));
}

/** go-yaml reads the JSON number first: integers of 64 bits stay, all else becomes a double, or a text beyond its range. */
function numberAsYaml(text: string): string {
  if (/^-?\d+$/.test(text)) {
    const integer = BigInt(text);
    if (integer >= -(2n ** 63n) && integer < 2n ** 64n) return String(integer);
  }
  const double = Number(text);
  return Number.isFinite(double) ? formatFloat(double, "g", null) : text;
}

function writeText(text: string, indent: number): string {
  const shape = analyse(text);
  if (text.includes("\n")) return shape.block ? literal(text, indent) : doubleQuoted(text);
  const isPlainString = resolvePlain(text).tag === "!!str" && !base60.test(text) && !oldBooleans.has(text);
  if (!isPlainString) return doubleQuoted(text);
  if (shape.plain) return text;
  return shape.single ? `'${text.replaceAll("'", "''")}'` : doubleQuoted(text);
}

const base60 = /^[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?$/;

const oldBooleans: ReadonlySet<string> = new Set(
  ["y", "yes", "on", "n", "no", "off"].flatMap((word) => [
    word,
    word.toUpperCase(),
    word.charAt(0).toUpperCase() + word.slice(1),
  ]),
);

/** The styles that a text allows. Go: yaml_emitter_analyze_scalar. */
function analyse(text: string): { readonly plain: boolean; readonly single: boolean; readonly block: boolean } {
  const special = Array.from(text).some((character) => character !== "\t" && !printable.test(character));
  const spaceBreak = / [\n\r\u0085\u2028\u2029]/.test(text);
  const breakSpace = /[\n\r\u0085\u2028\u2029] /.test(text);
  const edges = /^[ \n\r\u0085\u2028\u2029]|[ \n\r\u0085\u2028\u2029]$/.test(text);
  const single = !breakSpace && !spaceBreak && !special && !text.includes("\t");
  return {
    plain: single && !edges && !/[\n\r\u0085\u2028\u2029]/.test(text) && !indicators.test(text),
    single,
    block: text !== "" && !text.endsWith(" ") && !spaceBreak && !special,
  };
}

const printable = /^[\n -~\u0085\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd]$/;

/** What would not read as plain text in block style. */
const indicators = /^---|^\.\.\.|^[#,[\]{}&*!|>'"%@`]|^[?:-](?:[ \t]|$)|:(?:[ \t]|$)|[\s\u0085]#/;

/** `|`, a hint when the text begins with a space or a line end, and how the end is chomped. */
function literal(text: string, indent: number): string {
  const hint = /^[ \n]/.test(text) ? "2" : "";
  const chomp = text.endsWith("\n") ? (text === "\n" || text.endsWith("\n\n") ? "+" : "") : "-";
  const body = text.endsWith("\n") ? text.slice(0, -1) : text;
  const lines = body.split("\n").map((line) => (line === "" ? "" : " ".repeat(indent) + line));
  return `|${hint}${chomp}\n${lines.join("\n")}`;
}

const escapes: ReadonlyMap<string, string> = new Map([
  ["\0", "\\0"],
  ["\u0007", "\\a"],
  ["\b", "\\b"],
  ["\t", "\\t"],
  ["\n", "\\n"],
  ["\v", "\\v"],
  ["\f", "\\f"],
  ["\r", "\\r"],
  ["\u001b", "\\e"],
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\u0085", "\\N"],
  ["\u2028", "\\L"],
  ["\u2029", "\\P"],
]);

function doubleQuoted(text: string): string {
  const body = Array.from(text, (character) => {
    const escape = escapes.get(character);
    if (escape !== undefined) return escape;
    return printable.test(character) ? character : codeEscape(character.codePointAt(0) ?? 0);
  });
  return `"${body.join("")}"`;
}

function codeEscape(code: number): string {
  const hex = code.toString(16).toUpperCase();
  if (code <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}

/** Digits count as numbers, letters come after everything else. Go: keyList.Less. */
function naturalOrder(a: string, b: string): number {
  const left = Array.from(a);
  const right = Array.from(b);
  const length = Math.min(left.length, right.length);
  let at = 0;
  while (at < length && left[at] === right[at]) at++;
  if (at === length) return left.length - right.length;
  const x = left[at] as string;
  const y = right[at] as string;
  const xLetter = letter.test(x);
  const yLetter = letter.test(y);
  if (xLetter && yLetter) return byCode(x, y);
  if (xLetter || yLetter) {
    const afterDigits = at > 0 && digit.test(left[at - 1] as string);
    return xLetter === afterDigits ? -1 : 1;
  }
  return byNumber(left, right, at) || byCode(x, y);
}

/** Compares the digits from here on as numbers, then by their count. */
function byNumber(left: readonly string[], right: readonly string[], at: number): number {
  let lead = 0;
  if (left[at] === "0" || right[at] === "0") {
    for (let before = at - 1; before >= 0 && digit.test(left[before] as string); before--) {
      if (left[before] !== "0") lead = 1;
    }
  }
  const run = (text: readonly string[]): string => /^\p{Nd}*/u.exec(text.slice(at).join(""))?.[0] ?? "";
  const a = run(left);
  const b = run(right);
  const x = BigInt.asIntN(64, BigInt(`${lead}${asciiDigits(a)}`));
  const y = BigInt.asIntN(64, BigInt(`${lead}${asciiDigits(b)}`));
  return x < y ? -1 : x > y ? 1 : a.length - b.length;
}

function asciiDigits(text: string): string {
  return text.replace(/[^0-9]/gu, "0");
}

const letter = /^\p{L}$/u;
const digit = /^\p{Nd}$/u;

function byCode(a: string, b: string): number {
  return (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0);
}
