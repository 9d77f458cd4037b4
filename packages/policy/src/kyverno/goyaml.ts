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

/** How many texts of one line are remembered, and how long they may be: most are names and messages of policies. */
const remembered = 2048;
const rememberedLength = 512;

const recent = new Map<string, string>();

/** Only a text of several lines depends on where it stands. */
function scalar(text: string, indent: string, isKey: boolean): string {
  if (text.length > rememberedLength || text.includes("\n")) return newScalar(text, indent, isKey);
  const known = recent.get(text);
  if (known !== undefined) return known;
  const written = newScalar(text, indent, isKey);
  if (recent.size >= remembered) recent.clear();
  recent.set(text, written);
  return written;
}

function newScalar(text: string, indent: string, isKey: boolean): string {
  const hasSpaceAtEnd = text.endsWith(" ");
  const hasSpaceAtBreak = / \n/.test(text);
  const isSpecial = !/^[\t\n -~]*$/.test(text) && Array.from(text).some((at) => !isPrintable(at.codePointAt(0) ?? 0));
  if (text.includes("\n")) {
    return isKey || hasSpaceAtEnd || hasSpaceAtBreak || isSpecial ? doubleQuoted(text) : block(text, indent);
  }
  if (isSpecial || text.includes("\t") || resolvesToOther(text)) return doubleQuoted(text);
  return isPlain(text) ? text : `'${text.replaceAll("'", "''")}'`;
}

/** A literal block: `|-` without, `|` with one, `|+` with several ends of line at the end. */
function block(text: string, indent: string): string {
  const hint = /^[ \n]/.test(text) ? "2" : "";
  const end = text.endsWith("\n") ? (text.endsWith("\n\n") || text === "\n" ? "+" : "") : "-";
  const lines = (end === "-" ? text : text.slice(0, -1)).split("\n");
  return `|${hint}${end}\n${lines.map((line) => (line === "" ? "" : indent + line)).join("\n")}`;
}

/** go-yaml: is_printable, which knows no characters beyond the first plane. */
function isPrintable(point: number): boolean {
  if (point === 0x09 || point === 0x0a || (point >= 0x20 && point <= 0x7e)) return true;
  if (point < 0xa0 || point > 0xfffd || point === 0xfeff) return false;
  return point < 0xd800 || point >= 0xe000;
}

const escapes: ReadonlyMap<string, string> = new Map([
  ["\0", String.raw`\0`],
  ["\u0007", String.raw`\a`],
  ["\b", String.raw`\b`],
  ["\t", String.raw`\t`],
  ["\n", String.raw`\n`],
  ["\v", String.raw`\v`],
  ["\f", String.raw`\f`],
  ["\r", String.raw`\r`],
  ["\u001B", String.raw`\e`],
  ['"', String.raw`\"`],
  ["\\", "\\\\"],
  ["\u0085", String.raw`\N`],
  ["\u2028", String.raw`\L`],
  ["\u2029", String.raw`\P`],
]);

function doubleQuoted(text: string): string {
  const escaped = Array.from(text, (character) => {
    const known = escapes.get(character);
    if (known !== undefined) return known;
    const point = character.codePointAt(0) ?? 0;
    if (isPrintable(point)) return character;
    if (point <= 0xff) return `\\x${hex(point, 2)}`;
    return point <= 0xffff ? `\\u${hex(point, 4)}` : `\\U${hex(point, 8)}`;
  });
  return `"${escaped.join("")}"`;
}

function hex(point: number, width: number): string {
  return point.toString(16).toUpperCase().padStart(width, "0");
}

/** Whether a text of one line may stand without quotes, where no brackets are open. */
function isPlain(text: string): boolean {
  if (/^ | $/.test(text) || /^(?:---|\.\.\.)/.test(text)) return false;
  if (/^[#,[\]{}&*!|>'"%@`]/.test(text) || /^[-?:](?: |$)/.test(text)) return false;
  return !/:(?: |$)| #/.test(text);
}

/** What YAML 1.1 or 1.2 reads as something else than a string. */
function resolvesToOther(text: string): boolean {
  return (
    text === "" ||
    /^(?:~|null|Null|NULL|true|True|TRUE|false|False|FALSE|y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF)$/.test(
      text,
    ) ||
    /^[-+]?(?:\.inf|\.Inf|\.INF)$|^(?:\.nan|\.NaN|\.NAN)$/.test(text) ||
    /^[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)$/.test(text) ||
    (/^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(text) && Number.isFinite(Number(text))) ||
    /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/.test(text) ||
    /^\d{4}-\d\d?-\d\d?(?:[Tt ]\d\d?:\d\d?:\d\d?(?:\.\d+)?(?:Z|[-+]\d\d:\d\d)?)?$/.test(text)
  );
}
