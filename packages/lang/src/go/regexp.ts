// What Go's regexp does with matches: splitting, replacing with `$1` templates, quoting. Go: regexp/regexp.go.

import { createPieces } from "../pieces.ts";
import type { Step } from "./automaton.ts";
import type { MatchOffsets, Regex } from "./re2.ts";

/** The pieces between the matches. Go: Regexp.Split with -1. */
export function splitByRegex(regex: Regex, text: string, step: Step): readonly string[] {
  if (regex.pattern !== "" && text === "") return [""];
  const pieces: string[] = [];
  let begin = 0;
  let end = 0;
  for (const [start = 0, stop = 0] of regex.findAll(text, -1, step)) {
    end = start;
    if (stop !== 0) pieces.push(text.slice(begin, end));
    begin = stop;
  }
  if (end !== text.length) pieces.push(text.slice(begin));
  return pieces;
}

export interface Replacing {
  readonly text: string;
  readonly template: string;
  readonly step: Step;
  /** Told how many characters are about to be made; may throw to stop. */
  readonly output: (characters: number) => void;
}

/** The text with every match replaced by the template. Go: Regexp.ReplaceAllString. */
export function replaceByRegex(regex: Regex, { text, template, step, output }: Replacing): string {
  const parts = parseTemplate(template, regex.names);
  const result = createPieces();
  let copied = 0;
  for (const match of regex.findAll(text, -1, step)) {
    const [start = 0, end = 0] = match;
    const inserted = parts.map((part) => (typeof part === "string" ? part : groupText(text, match, part))).join("");
    output(start - copied + inserted.length);
    result.add(text.slice(copied, start));
    result.add(inserted);
    copied = end;
  }
  result.add(text.slice(copied));
  return result.text();
}

/** The text of a group; empty when it took no part or does not exist. */
export function groupText(text: string, match: MatchOffsets, group: number): string {
  const start = match[2 * group] ?? -1;
  return start < 0 ? "" : text.slice(start, match[2 * group + 1]);
}

/** Text, or the number of a group; -1 for a group that the pattern does not have. */
type Part = string | number;

/** `$name`, `${name}`, `$1`, `$$`; any other dollar stands for itself. Go: Regexp.Expand, extract. */
function parseTemplate(template: string, names: Readonly<Record<string, number>>): readonly Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const match of template.matchAll(reference)) {
    if (match.index > at) parts.push(template.slice(at, match.index));
    at = match.index + match[0].length;
    const name = match[1] ?? match[2];
    parts.push(name === undefined ? "$" : groupNumber(name, names));
  }
  parts.push(template.slice(at));
  return parts;
}

const reference = /\$(?:\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+)|\$)/gu;

function groupNumber(name: string, names: Readonly<Record<string, number>>): number {
  if (/^(?:0|[1-9]\d{0,7})$/.test(name)) return Number(name);
  return Object.hasOwn(names, name) ? (names[name] ?? -1) : -1;
}

/** The text with every character escaped that means something in a pattern. Go: regexp.QuoteMeta. */
export function quoteMeta(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, String.raw`\$&`);
}
