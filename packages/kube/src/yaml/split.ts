// One text into documents. Kubernetes cuts a stream by lines, before any YAML is parsed: a line that begins with `---`
// ends a document, and only spaces or a comment may follow on it. A text that begins with `{` is first read as a stream
// of JSON values; if the first or second of them does not parse, the rest is YAML after all. `gator verify` gives the
// whole text to the YAML parser instead.
// Behaviour from k8s.io/apimachinery pkg/util/yaml YAMLReader.Read and YAMLOrJSONDecoder.Decode.

import { type Diagnostic, type Source, errorAt, needsDecimals, parseJson, spanOf, valuesIn } from "@portcullis/lang";

/** Half-open offsets of one document in the source. */
export interface Chunk {
  readonly start: number;
  readonly end: number;
  /** The tree of a document that was read as JSON, null for YAML. `plain`: every number is as Go would read it. */
  readonly json: { readonly value: unknown; readonly plain: boolean } | null;
}

export interface Split {
  readonly chunks: readonly Chunk[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Documents as Kubernetes' YAMLReader cuts them, with JSON streams recognised. */
export function splitDocuments(source: Source): Split {
  const { text } = source;
  const chunks: Chunk[] = [];
  const at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  const rest = looksLikeJson(text, at) ? splitJson(text, at, chunks) : 0;
  const diagnostics = rest === null ? [] : splitLines(source, rest, chunks);
  return { chunks, diagnostics };
}

export function looksLikeJson(text: string, at: number): boolean {
  return text[skipSpace(text, at)] === "{";
}

/** Takes JSON values from the front; where the YAML begins, or null when all was JSON. */
function splitJson(text: string, from: number, chunks: Chunk[]): number | null {
  let at = from;
  while (true) {
    const start = skipSpace(text, at);
    if (start >= text.length) return null;
    const last = chunks.length === 0 ? parse(text.slice(start)) : null;
    if (last !== null) {
      chunks.push({ start, end: text.length, json: last });
      return null;
    }
    const end = jsonValueEnd(text, start);
    const json = end === null ? null : parse(text.slice(start, end));
    if (end === null || json === null) {
      if (chunks.length <= 1) return lineAfterSpace(text, at);
      // A stream of several JSON values stays JSON: the broken one is reported, and nothing behind it is read.
      chunks.push({ start, end: end ?? text.length, json: null });
      return null;
    }
    chunks.push({ start, end, json });
    at = end;
  }
}

/** The decoder drops white space up to and with the first line end before it reads on as YAML. */
function lineAfterSpace(text: string, at: number): number {
  const start = skipSpace(text, at);
  const newline = text.indexOf("\n", at);
  return newline !== -1 && newline < start ? newline + 1 : start;
}

/** Of a file of 64 MiB; lists of Kubernetes objects have half as many. */
export const jsonValuesMax = 8_000_000;

/** Whether the tree of a JSON text is one that memory has room for. */
export function isReadableJson(text: string): boolean {
  return text.length <= jsonValuesMax || valuesIn(text) <= jsonValuesMax;
}

function parse(text: string): Chunk["json"] {
  if (!isReadableJson(text)) return null;
  try {
    const plain = !needsDecimals(text);
    return { value: plain ? (JSON.parse(text) as unknown) : parseJson(text), plain };
  } catch {
    return null;
  }
}

/** The offset behind an object or array that begins at `start`, found by brackets outside strings. */
function jsonValueEnd(text: string, start: number): number | null {
  const interesting = /["{}[\]]/g;
  interesting.lastIndex = start;
  let depth = 0;
  for (let match = interesting.exec(text); match !== null; match = interesting.exec(text)) {
    const [character] = match;
    if (character === '"') {
      const end = stringEnd(text, match.index + 1);
      if (end === null) return null;
      interesting.lastIndex = end;
    } else if (character === "{" || character === "[") depth++;
    else if (--depth <= 0) return interesting.lastIndex;
    if (depth === 0) return null;
  }
  return null;
}

function stringEnd(text: string, from: number): number | null {
  for (let at = text.indexOf('"', from); at !== -1; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text[at - 1 - slashes] === "\\") slashes++;
    if (slashes % 2 === 0) return at + 1;
  }
  return null;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && " \t\r\n\v\f\u0085\u00a0".includes(text.charAt(at))) at++;
  return at;
}

function splitLines(source: Source, from: number, chunks: Chunk[]): Diagnostic[] {
  const { text } = source;
  const separator = /^---[^\n]*(?:\n|$)/gm;
  separator.lastIndex = from;
  let start = from;
  for (let match = separator.exec(text); match !== null; match = separator.exec(text)) {
    const [line] = match;
    const follows = line.slice(3).trim();
    if (follows !== "" && !follows.startsWith("#")) return [separatorError(source, match.index, follows)];
    // The first separator with nothing before it belongs to the document that follows, as in the reader.
    if (match.index === start) continue;
    chunks.push({ start, end: match.index, json: null });
    start = match.index + line.length;
  }
  if (start < text.length) chunks.push({ start, end: text.length, json: null });
  return [];
}

function separatorError(source: Source, at: number, follows: string): Diagnostic {
  return errorAt(
    "yaml-syntax",
    spanOf(source, at, at + 3 + follows.length),
    `invalid Yaml document separator: ${follows}`,
    "only spaces or a comment may follow --- on its line; put the document on the next line",
  );
}
