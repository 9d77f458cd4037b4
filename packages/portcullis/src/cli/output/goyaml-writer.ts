// YAML as go-yaml writes it, byte by byte: `go` is go-yaml v2 behind sigs.k8s.io/yaml (two columns a level, lists not
// indented, long texts folded at column 80), `yaml.v3` is go-yaml v3 (four columns, lists indented, nothing folded). Keys
// are sorted as there. A text stands plain where it reads back as the same text, else in the mildest quotes that hold it.
// go.yaml.in/yaml v2 and v3: encode.go, emitterc.go.

import { type YamlDialect, resolvePlain } from "@portcullis/kube";
import { Decimal } from "@portcullis/lang";
import { formatFloat } from "@portcullis/lang/go";
import { naturalOrder } from "@portcullis/policy";

/** Go keeps integers and doubles apart: a double of seven digits or more has an exponent. */
export type NumberKind = "integers" | "doubles";

interface Style {
  readonly dialect: YamlDialect;
  readonly numbers: NumberKind;
  /** Columns per level. */
  readonly step: number;
  /** Texts are folded behind this column. */
  readonly width: number;
}

const styles: Readonly<Record<YamlDialect, Omit<Style, "numbers">>> = {
  go: { dialect: "go", step: 2, width: 80 },
  "yaml.v3": { dialect: "yaml.v3", step: 4, width: Infinity },
};

/** A tree as one document, with a line break at its end. Members without a value are left out. */
export function writeGoYaml(tree: unknown, dialect: YamlDialect, numbers: NumberKind = "integers"): string {
  const style = { ...styles[dialect], numbers };
  if (isMap(tree) || Array.isArray(tree)) {
    const text = block(tree, 0, style);
    return text.startsWith("\n") ? text.slice(1) : text;
  }
  return `${scalar(tree, { column: 0, indent: style.step, isKey: false }, style)}\n`;
}

/** A struct of Go: its fields stand in the order given, and those without a value are left out. */
export class GoStruct {
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(fields: Readonly<Record<string, unknown>>) {
    this.fields = fields;
  }
}

/** A tree on one line: `{a: 1, b: [x]}`. v3 never folds it. */
export class GoFlow {
  readonly tree: unknown;

  constructor(tree: unknown) {
    this.tree = tree;
  }
}

function isMap(tree: unknown): tree is Readonly<Record<string, unknown>> | GoStruct {
  const isObject = typeof tree === "object" && tree !== null && !Array.isArray(tree);
  return isObject && !(tree instanceof Decimal) && !(tree instanceof GoFlow);
}

function membersOf(tree: Readonly<Record<string, unknown>> | GoStruct): readonly (readonly [string, unknown])[] {
  const isStruct = tree instanceof GoStruct;
  const members = Object.entries(isStruct ? tree.fields : tree).filter(([, value]) => value !== undefined);
  return isStruct ? members : members.toSorted(([a], [b]) => naturalOrder(a, b));
}

/** A map or list whose lines begin at a column. */
function block(tree: unknown, indent: number, style: Style): string {
  if (Array.isArray(tree))
    return tree.length === 0 ? "[]\n" : tree.map((item) => listItem(item, indent, style)).join("");
  const members = isMap(tree) ? membersOf(tree) : [];
  if (members.length === 0) return "{}\n";
  return members.map(([key, value]) => member(key, value, indent, style)).join("");
}

function isEmpty(tree: unknown): boolean {
  return Array.isArray(tree) ? tree.length === 0 : isMap(tree) && membersOf(tree).length === 0;
}

function listItem(item: unknown, indent: number, style: Style): string {
  const lead = `${" ".repeat(indent)}- `;
  if (isEmpty(item)) return `${lead}${block(item, 0, style)}`;
  // Lists in lists and maps in lists begin behind the dash.
  if (isMap(item) || Array.isArray(item)) return lead + block(item, indent + 2, style).slice(indent + 2);
  return `${lead}${scalar(item, { column: indent + 2, indent: indent + 2, isKey: false }, style)}\n`;
}

function member(key: string, value: unknown, indent: number, style: Style): string {
  const pad = " ".repeat(indent);
  const below = nextIndent(indent, style);
  if (Buffer.byteLength(key) > 128 || anyBreak.test(key)) return explicitMember(key, value, indent, style);
  const name = scalar(key, { column: indent, indent, isKey: true }, style);
  const lead = `${pad}${name}:`;
  if (isEmpty(value)) return `${lead} ${block(value, 0, style)}`;
  if (Array.isArray(value)) return `${lead}\n${block(value, style.dialect === "go" ? indent : below, style)}`;
  if (isMap(value)) return `${lead}\n${block(value, below, style)}`;
  const column = indent + Array.from(name).length + 2;
  return `${lead} ${scalar(value, { column, indent: below, isKey: false }, style)}\n`;
}

/** A key that is too long for a line of its own, or has several: `? key`, and the value behind a colon below it. */
function explicitMember(key: string, value: unknown, indent: number, style: Style): string {
  const pad = " ".repeat(indent);
  const below = nextIndent(indent, style);
  const place = { column: indent + 2, indent: below, isKey: false };
  const lead = `${pad}? ${scalar(key, place, style)}\n${pad}:`;
  if (isEmpty(value)) return `${lead} ${block(value, 0, style)}`;
  if (isMap(value) || Array.isArray(value)) return lead + block(value, below, style).slice(indent + 1);
  return `${lead} ${scalar(value, place, style)}\n`;
}

/** v3 aligns to multiples of four. */
function nextIndent(indent: number, { dialect, step }: Style): number {
  return dialect === "go" ? indent + step : step * Math.floor((indent + step) / step);
}

/** A tree between braces. OPA and gator print short keys only; a long one would need `? `. */
function flow(tree: unknown, style: Style): string {
  if (tree instanceof GoFlow) return flow(tree.tree, style);
  if (Array.isArray(tree)) return `[${tree.map((item) => flow(item, style)).join(", ")}]`;
  if (isMap(tree))
    return `{${membersOf(tree)
      .map(([key, value]) => flowMember(key, value, style))
      .join(", ")}}`;
  const place = { column: 0, indent: 0, isKey: false };
  if (typeof tree !== "string" || !flowIndicator.test(tree)) return scalar(tree, { ...place, isKey: true }, style);
  const quoted = textScalar(tree, { ...place, isKey: true }, style);
  return quoted === tree ? singleQuoted(tree, place, style) : quoted;
}

/** Plain texts on one line hold none of these. go.yaml.in/yaml v3: emitterc.go yaml_emitter_analyze_scalar. */
const flowIndicator = /[,?[\]{}:]/;

function flowMember(key: string, value: unknown, style: Style): string {
  return `${Buffer.byteLength(key) > 128 ? "? " : ""}${flow(key, style)}: ${flow(value, style)}`;
}

// ── scalars

interface Place {
  /** Where the text begins, and where its other lines begin. */
  readonly column: number;
  readonly indent: number;
  readonly isKey: boolean;
}

function scalar(value: unknown, place: Place, style: Style): string {
  if (value instanceof GoFlow) return flow(value, style);
  if (value === null || value === undefined) return "null";
  if (typeof value === "boolean") return String(value);
  if (value instanceof Decimal) return value.text;
  if (typeof value === "number") return numberText(value, style);
  return textScalar(typeof value === "string" ? value : "", place, style);
}

function numberText(value: number, { numbers }: Style): string {
  if (numbers === "integers" && Number.isSafeInteger(value)) return String(value);
  return formatFloat(value, "g", null);
}

function textScalar(text: string, place: Place, style: Style): string {
  const shape = analyze(text, style);
  if (text.includes("\n")) {
    return place.isKey || !shape.blockAllowed ? doubleQuoted(text, place, style) : literal(text, place, style);
  }
  if (readsOtherwise(text, style)) return doubleQuoted(text, place, style);
  if (shape.plainAllowed && !(text === "" && place.isKey)) return folded(text, place, style, false);
  return shape.singleAllowed ? singleQuoted(text, place, style) : doubleQuoted(text, place, style);
}

const oldBooleans = /^(?:y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF)$/;
const base60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;

/** Whether the plain text would be read as something else than this text. Both versions know moments when they write. */
function readsOtherwise(text: string, { dialect }: Style): boolean {
  if (oldBooleans.test(text) || base60.test(text) || isMoment(text)) return true;
  return typeof resolvePlain(text, dialect) !== "string";
}

const moment =
  /^(\d{4})-(\d\d?)-(\d\d?)(?:(?:[Tt]\d\d?:\d\d?:\d\d?(?:[.,]\d+)?(?:Z|[-+]\d\d:\d\d))|(?: \d\d?:\d\d?:\d\d?(?:[.,]\d+)?))?$/;

function isMoment(text: string): boolean {
  const found = moment.exec(text);
  if (found === null) return false;
  const [year, month, day] = found.slice(1, 4).map(Number);
  const date = new Date(Date.UTC(year ?? 0, (month ?? 0) - 1, day));
  return date.getUTCMonth() === (month ?? 0) - 1 && date.getUTCDate() === day;
}

interface Shape {
  readonly plainAllowed: boolean;
  readonly singleAllowed: boolean;
  readonly blockAllowed: boolean;
}

const printable = /^[\n\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFEFE\uFF00-\uFFFD]*$/u;
const lineBreaks = "\r\n\u0085\u2028\u2029";
const spaceBreak = new RegExp(` [${lineBreaks}]`);
const breakSpace = new RegExp(`[${lineBreaks}] `);
const anyBreak = new RegExp(`[${lineBreaks}]`);
const edgeBlank = new RegExp(`^[ ${lineBreaks}]|[ ${lineBreaks}]$`);
const blockIndicator = /^[#,[\]{}&*!|>'"%@`]|^[?:-](?:[ \t]|$)|^---|^\.\.\.|:(?:[ \t]|$)|[\s\0]#/;

function analyze(text: string, { dialect }: Style): Shape {
  const hasTab = text.includes("\t");
  const isSpecial = !printable.test(hasTab ? text.replaceAll("\t", " ") : text);
  // A tab is special to v2, and unfit for plain and single quotes in v3.
  const unfit = isSpecial || hasTab || spaceBreak.test(text);
  return {
    plainAllowed: !unfit && !edgeBlank.test(text) && !anyBreak.test(text) && !blockIndicator.test(text),
    singleAllowed: !unfit && !breakSpace.test(text),
    blockAllowed: !(isSpecial || spaceBreak.test(text) || (hasTab && dialect === "go") || text.endsWith(" ")),
  };
}

/** Breaks at single blanks behind the width. `quoted`: never at the first or last character. */
function folded(text: string, { column, indent, isKey }: Place, { width }: Style, quoted: boolean): string {
  if (isKey || width === Infinity) return quoted ? text.replaceAll("'", "''") : text;
  const characters = Array.from(text);
  let out = "";
  let at = column + (quoted ? 1 : 0);
  for (const [index, character] of characters.entries()) {
    const isInside = !quoted || (index > 0 && index < characters.length - 1);
    const isSingle = character === " " && characters[index - 1] !== " " && characters[index + 1] !== " ";
    if (isSingle && isInside && at > width) {
      out += `\n${" ".repeat(indent)}`;
      at = indent;
    } else {
      const written = quoted && character === "'" ? "''" : character;
      out += written;
      at += written.length;
    }
  }
  return out;
}

function singleQuoted(text: string, place: Place, style: Style): string {
  return `'${folded(text, place, style, true)}'`;
}

const escapes: Readonly<Record<string, string>> = {
  "\0": "0",
  "\u0007": "a",
  "\b": "b",
  "\t": "t",
  "\n": "n",
  "\v": "v",
  "\f": "f",
  "\r": "r",
  "\u001B": "e",
  '"': '"',
  "\\": "\\",
  "\u0085": "N",
  "\u00A0": "_",
  "\u2028": "L",
  "\u2029": "P",
};

const escapedAlways = /^[\n"\\\u0085\u2028\u2029\uFEFF]$/u;

function doubleQuoted(text: string, { column, indent, isKey }: Place, { width }: Style): string {
  const characters = Array.from(text);
  let out = '"';
  let at = column + 1;
  for (const [index, character] of characters.entries()) {
    const isInside = index > 0 && index < characters.length - 1;
    const mayBreak = character === " " && isInside && characters[index - 1] !== " " && !isKey;
    if (mayBreak && at > width) {
      out += `\n${" ".repeat(indent)}${characters[index + 1] === " " ? "\\" : ""}`;
      at = indent;
      continue;
    }
    const written = printable.test(character) && !escapedAlways.test(character) ? character : escaped(character);
    out += written;
    at += written.length;
  }
  return `${out}"`;
}

function escaped(character: string): string {
  const short = escapes[character];
  if (short !== undefined) return `\\${short}`;
  const code = character.codePointAt(0) ?? 0;
  const [letter, digits] =
    code <= 0xff ? (["x", 2] as const) : code <= 0xffff ? (["u", 4] as const) : (["U", 8] as const);
  return `\\${letter}${code.toString(16).toUpperCase().padStart(digits, "0")}`;
}

/** A block of lines as they are. */
function literal(text: string, { indent }: Place, { step }: Style): string {
  const hint = /^[ \r\n\u0085\u2028\u2029]/.test(text) ? String(step) : "";
  const chomp = !/[\r\n\u0085\u2028\u2029]$/.test(text)
    ? "-"
    : /(?:^|[\r\n\u0085\u2028\u2029])[\r\n\u0085\u2028\u2029]$/.test(text)
      ? "+"
      : "";
  const pad = " ".repeat(indent);
  const lines = (chomp === "-" ? text : text.slice(0, -1)).split("\n");
  return `|${hint}${chomp}\n${lines.map((line) => (line === "" ? "" : pad + line)).join("\n")}`;
}
