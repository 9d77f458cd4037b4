// Text values as go-yaml writes them, for denials: plain where that is unambiguous, else in single quotes, several lines as
// a block. Lines are never folded. Only strings and maps of strings are needed here.
// go.yaml.in/yaml v3: encode.go stringv, emitterc.go yaml_emitter_analyze_scalar.

import { naturalOrder } from "./naturalorder.ts";

export type TextMap = ReadonlyMap<string, string | ReadonlyMap<string, string>>;

/** A map of texts, or of maps of texts, in two columns per level, keys in go-yaml's order. */
export function writeYaml(map: TextMap, indent = ""): string {
  const keys = [...map.keys()].toSorted(naturalOrder);
  return keys
    .map((key) => {
      const value = map.get(key) ?? "";
      const name = `${indent}${scalar(key, `${indent}  `, true)}:`;
      if (typeof value === "string") return `${name} ${scalar(value, `${indent}  `, false)}\n`;
      return value.size === 0 ? `${name} {}\n` : `${name}\n${writeYaml(value, `${indent}  `)}`;
    })
    .join("");
}

function scalar(text: string, indent: string, isKey: boolean): string {
  if (needsDoubleQuotes(text)) return doubleQuoted(text);
  if (text.includes("\n"))
    return isKey || /^\s*\n|^[ \n]/.test(text) ? multiline(text, indent, isKey) : block(text, indent);
  if (isPlain(text)) return text;
  return resolvesToOther(text) ? `"${text}"` : `'${text.replaceAll("'", "''")}'`;
}

function multiline(text: string, indent: string, isKey: boolean): string {
  return isKey ? doubleQuoted(text) : block(text, indent);
}

/** A literal block: `|-` without, `|` with one, `|+` with several ends of line at the end. */
function block(text: string, indent: string): string {
  const hint = /^[ \n]/.test(text) ? "2" : "";
  const end = text.endsWith("\n") ? (/\n\n$/.test(text) || text === "\n" ? "+" : "") : "-";
  const lines = (end === "-" ? text : text.slice(0, -1)).split("\n");
  return `|${hint}${end}\n${lines.map((line) => (line === "" ? "" : indent + line)).join("\n")}`;
}

/** What can be in no other form: control characters, and what looks like an end of line in Unicode. */
function needsDoubleQuotes(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return (
    /[\u0000-\u0008\u000b-\u001f\u007f-\u0084\u0086-\u009f\ufeff\ufffe\uffff]/.test(text) ||
    /[\u0085\u2028\u2029]/.test(text)
  );
}

function doubleQuoted(text: string): string {
  const escapes: Readonly<Record<string, string>> = {
    "\0": "\\0",
    "\u0007": "\\a",
    "\b": "\\b",
    "\t": "\\t",
    "\n": "\\n",
    "\v": "\\v",
    "\f": "\\f",
    "\r": "\\r",
    "\u001b": "\\e",
    '"': '\\"',
    "\\": "\\\\",
    "\u0085": "\\N",
    "\u2028": "\\L",
    "\u2029": "\\P",
  };
  const escaped = Array.from(text, (character) => {
    if (Object.hasOwn(escapes, character)) return escapes[character];
    const point = character.codePointAt(0) ?? 0;
    if (point >= 0x20 && point !== 0x7f && (point < 0x80 || point > 0x9f) && point !== 0xfeff) return character;
    return point <= 0xff ? `\\x${hex(point, 2)}` : `\\u${hex(point, 4)}`;
  });
  return `"${escaped.join("")}"`;
}

function hex(point: number, width: number): string {
  return point.toString(16).toUpperCase().padStart(width, "0");
}

/** Whether a text may stand without quotes. */
function isPlain(text: string): boolean {
  if (text === "" || /^[ \t]|[ \t]$/.test(text) || resolvesToOther(text)) return false;
  if (/^[#,[\]{}&*!|>'"%@`]/.test(text) || /^(?:---|\.\.\.)(?:[ \t]|$)/.test(text)) return false;
  if (/^[-?:](?:[ \t]|$)/.test(text) || text.startsWith("?") || /^[:]/.test(text)) return false;
  return !/: |:$| #|\t/.test(text);
}

/** What YAML 1.1 or 1.2 reads as something else than a string. */
function resolvesToOther(text: string): boolean {
  return (
    /^(?:~|null|Null|NULL|true|True|TRUE|false|False|FALSE|y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF|<<)$/.test(
      text,
    ) ||
    /^[-+]?(?:\.inf|\.Inf|\.INF)$|^(?:\.nan|\.NaN|\.NAN)$/.test(text) ||
    /^[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)$/.test(text) ||
    /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(text) ||
    /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/.test(text) ||
    /^\d{4}-\d\d?-\d\d?(?:[Tt ]\d\d?:\d\d?:\d\d?(?:\.\d+)?(?:Z|[-+]\d\d:\d\d)?)?$/.test(text)
  );
}
