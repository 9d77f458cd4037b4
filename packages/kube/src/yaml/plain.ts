// Documents as people and tools write most of them, in one pass over their lines: block mappings and sequences, scalars on
// one line, block scalars, short flow lists. No events are made, which takes a fraction of the time of the whole language.
// Whatever is not certainly of this kind (tabs, anchors, tags, scalars over several lines, anything that is wrong) is left
// to the event parser: this reader never decides that a text is broken, and where it gives a tree it is the one that the
// event parser gives, which a test holds for generated documents and for damaged ones.

import { CHOMPING_MODE, EVENT_ID, SCALAR_STYLE, getScalarValue } from "js-yaml";
import { setOwn } from "../own.ts";
import type { Built, JsonObject, JsonTree } from "./build.ts";
import { NotFinite, resolvePlain } from "./scalar.ts";

/** Printable characters that are neither white space of some standard nor halves of others, and line feeds. */
const unusual =
  /[^\n\x20-\x7e\u00a1-\u1fff\u2010-\u2027\u2030-\u205e\u2070-\ud7ff\ue000-\ufdcf\ufdf0-\ufefe\uff01-\uffef]/;

const depthMax = 100;
const keyMax = 1000;

/** The place in a text: the line with content that is read next. */
interface Cursor {
  readonly text: string;
  /** Equal keys are not for this reader, which would not report them. */
  readonly strict: boolean;
  /** Where its content begins; -1 behind the last line. */
  at: number;
  /** The column of the content; -1 behind the last line. */
  indent: number;
  depth: number;
}

/** Ends the reading: the event parser has to see the text. */
class NotPlain extends Error {}

const notPlain = new NotPlain();

/** The tree of a text with one document, by the dialect `go`; null where the event parser has to say. */
export function readPlainDocument(text: string, strict: boolean): Built | null {
  if (unusual.test(text)) return null;
  const cursor: Cursor = { text, strict, at: 0, indent: 0, depth: 0 };
  try {
    nextLine(cursor, text.startsWith("---") ? afterMarker(text) : 0);
    if (cursor.at < 0) return null;
    const start = cursor.at;
    const value = readNode(cursor);
    return cursor.at < 0 ? { value, start } : null;
  } catch (error) {
    if (error === notPlain) return null;
    throw error;
  }
}

function afterMarker(text: string): number {
  const end = lineEnd(text, 0);
  if (text.slice(3, end).trim() !== "") throw notPlain;
  return end + 1;
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end === -1 ? text.length : end;
}

/** Goes to the first line with content at or behind an offset that begins a line. */
function nextLine(cursor: Cursor, from: number): void {
  const { text } = cursor;
  let start = from;
  while (start < text.length) {
    let at = start;
    while (text.charCodeAt(at) === 0x20) at++;
    const first = text.charCodeAt(at);
    if (first !== 0x0a && first !== 0x23 && at < text.length) {
      if (at === start && (text.startsWith("---", at) || text.startsWith("...", at))) throw notPlain;
      cursor.at = at;
      cursor.indent = at - start;
      return;
    }
    if (at >= text.length) break;
    start = lineEnd(text, at) + 1;
  }
  cursor.at = -1;
  cursor.indent = -1;
}

// ── collections

function readNode(cursor: Cursor): JsonTree {
  if (++cursor.depth > depthMax) throw notPlain;
  const value = isEntry(cursor.text, cursor.at)
    ? readSequence(cursor, cursor.indent)
    : readMapping(cursor, cursor.indent);
  cursor.depth--;
  return value;
}

/** Whether a `-` with something behind it, or nothing, begins at an offset. */
function isEntry(text: string, at: number): boolean {
  if (text.charCodeAt(at) !== 0x2d) return false;
  const after = text.charCodeAt(at + 1);
  return after === 0x20 || after === 0x0a || at + 1 >= text.length;
}

function readMapping(cursor: Cursor, indent: number): JsonObject {
  const { text } = cursor;
  const target: JsonObject = {};
  while (cursor.indent === indent) {
    const { at } = cursor;
    if (isEntry(text, at)) throw notPlain;
    const colon = keyEnd(text, at);
    if (colon === -1) throw notPlain;
    const key = keyText(text, at, colon);
    if (cursor.strict && Object.hasOwn(target, key)) throw notPlain;
    setOwn(target, key, readMember(cursor, colon + 1, indent));
  }
  if (cursor.indent > indent) throw notPlain;
  return target;
}

function readMember(cursor: Cursor, from: number, indent: number): JsonTree {
  const at = contentAt(cursor.text, from);
  if (at !== -1) return readScalar(cursor, at, indent);
  nextLine(cursor, lineEnd(cursor.text, from) + 1);
  if (cursor.indent > indent) return readNode(cursor);
  return cursor.indent === indent && isEntry(cursor.text, cursor.at) ? readNode(cursor) : null;
}

function readSequence(cursor: Cursor, indent: number): JsonTree[] {
  const { text } = cursor;
  const target: JsonTree[] = [];
  while (cursor.indent === indent && isEntry(text, cursor.at)) {
    const at = contentAt(text, cursor.at + 1);
    if (at === -1) {
      nextLine(cursor, lineEnd(text, cursor.at) + 1);
      target.push(cursor.indent > indent ? readNode(cursor) : null);
    } else if (isEntry(text, at) || keyEnd(text, at) !== -1) {
      cursor.indent += at - cursor.at;
      cursor.at = at;
      target.push(readNode(cursor));
    } else target.push(readScalar(cursor, at, indent));
  }
  if (cursor.indent > indent) throw notPlain;
  return target;
}

/** Where something stands in the rest of a line; -1 for nothing but blanks and a comment. */
function contentAt(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) === 0x20) at++;
  const first = text.charCodeAt(at);
  return first === 0x0a || first === 0x23 || at >= text.length ? -1 : at;
}

// ── keys

/** The colon behind a key that begins at an offset; -1 where none does. */
function keyEnd(text: string, at: number): number {
  const first = text.charCodeAt(at);
  if (first === 0x22 || first === 0x27) {
    const colon = text.indexOf(first === 0x22 ? '"' : "'", at + 1) + 1;
    if (colon === 0 || text.charCodeAt(colon) !== 0x3a || !endsWord(text, colon + 1)) return -1;
    return /[\\\n]/.test(text.slice(at, colon)) ? -1 : colon;
  }
  if (isIndicator(first)) return -1;
  for (let i = at; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x0a) return -1;
    if (code === 0x3a && endsWord(text, i + 1)) return i;
    if (code === 0x23 && text.charCodeAt(i - 1) === 0x20) return -1;
  }
  return -1;
}

/** Whether a line ends at an offset or a blank stands there. */
function endsWord(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 0x20 || code === 0x0a || at >= text.length;
}

/** Characters that begin something else than a plain scalar, or might. */
const indicators: readonly boolean[] = Array.from({ length: 128 }, (_, code) =>
  "?:,[]{}#&*!|>'\"%@`".includes(String.fromCharCode(code)),
);

function isIndicator(code: number): boolean {
  return indicators[code] === true;
}

function keyText(text: string, at: number, colon: number): string {
  if (colon - at > keyMax || text.charCodeAt(colon - 1) === 0x20) throw notPlain;
  const first = text.charCodeAt(at);
  if (first === 0x22 || first === 0x27) return text.slice(at + 1, colon - 1);
  const key = text.slice(at, colon);
  // Other values than strings become keys by rules of their own, and `<<` merges.
  if (key === "<<" || typeof resolvePlain(key, "go") !== "string") throw notPlain;
  return key;
}

// ── scalars

/** The scalar that begins at an offset, in a collection of this indentation. Goes to the line behind it. */
function readScalar(cursor: Cursor, at: number, indent: number): JsonTree {
  const { text } = cursor;
  const first = text.charCodeAt(at);
  if (first === 0x7c || first === 0x3e) return readBlockScalar(cursor, at, indent);
  let value: JsonTree;
  let end: number;
  if (first === 0x22 || first === 0x27 || first === 0x5b || first === 0x7b) {
    end = first === 0x5b ? listEnd(text, at) : first === 0x7b ? at + 2 : quotedEnd(text, at);
    if (first === 0x7b && text.charCodeAt(at + 1) !== 0x7d) throw notPlain;
    if (!endsWord(text, end) || contentAt(text, end) !== -1) throw notPlain;
    value = first === 0x5b ? listOf(text, at, end) : first === 0x7b ? {} : quotedText(text, at, end);
  } else {
    end = plainEnd(text, at);
    value = plainValue(text.slice(at, end));
  }
  nextLine(cursor, lineEnd(text, end) + 1);
  if (cursor.indent > indent) throw notPlain;
  return value;
}

/** Where a plain scalar ends that fills its line. */
function plainEnd(text: string, at: number): number {
  if (isIndicator(text.charCodeAt(at)) || isEntry(text, at)) throw notPlain;
  let end = at;
  for (let i = at; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x0a || (code === 0x23 && text.charCodeAt(i - 1) === 0x20)) break;
    if (code === 0x3a && endsWord(text, i + 1)) throw notPlain;
    if (code !== 0x20) end = i + 1;
  }
  return end;
}

function plainValue(text: string): JsonTree {
  const value = resolvePlain(text, "go");
  if (value instanceof NotFinite) throw notPlain;
  return value;
}

/** The offset behind the quote that closes what a quote opens. */
function quotedEnd(text: string, at: number): number {
  const quote = text.charCodeAt(at);
  for (let i = at + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x0a) break;
    if (code === 0x5c && quote === 0x22) i++;
    else if (code === quote) {
      if (quote === 0x22 || text.charCodeAt(i + 1) !== quote) return i + 1;
      i++;
    }
  }
  throw notPlain;
}

function quotedText(text: string, at: number, end: number): string {
  const content = text.slice(at + 1, end - 1);
  if (text.charCodeAt(at) === 0x27) return content.includes("'") ? content.replaceAll("''", "'") : content;
  if (!content.includes("\\")) return content;
  if (/\\[^"\\nt]/.test(content.replaceAll("\\\\", ""))) throw notPlain;
  return content.replace(/\\(["\\nt])/g, (_, code: string) => (code === "n" ? "\n" : code === "t" ? "\t" : code));
}

// ── flow lists

const listItem = /(?:"[^"\\\n]*"|'[^'\n]*'|[A-Za-z0-9_./][A-Za-z0-9_./-]*)(?= *[,\]])/y;

/** The offset behind a list of quoted texts and words on one line. */
function listEnd(text: string, at: number): number {
  let next = skipBlanks(text, at + 1);
  if (text.charCodeAt(next) === 0x5d) return next + 1;
  for (;;) {
    listItem.lastIndex = next;
    if (!listItem.test(text)) throw notPlain;
    next = skipBlanks(text, listItem.lastIndex);
    if (text.charCodeAt(next) === 0x5d) return next + 1;
    next = skipBlanks(text, next + 1);
  }
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) === 0x20) at++;
  return at;
}

const listItems = /"([^"]*)"|'([^']*)'|([A-Za-z0-9_./][A-Za-z0-9_./-]*)/g;

function listOf(text: string, at: number, end: number): JsonTree[] {
  return [...text.slice(at + 1, end - 1).matchAll(listItems)].map(
    ([, double, single, plain = ""]) => double ?? single ?? plainValue(plain),
  );
}

// ── block scalars

function readBlockScalar(cursor: Cursor, at: number, indent: number): string {
  const { text } = cursor;
  const header = /[|>]([-+]?) *\n/y;
  header.lastIndex = at;
  const chomping = header.exec(text)?.[1];
  if (chomping === undefined) throw notPlain;
  const start = header.lastIndex;
  const { contentIndent, end } = blockExtent(text, start, indent);
  const value = getScalarValue(text, {
    type: EVENT_ID.SCALAR,
    valueStart: start,
    valueEnd: end,
    anchorStart: -1,
    anchorEnd: -1,
    tagStart: -1,
    tagEnd: -1,
    style: text.charCodeAt(at) === 0x7c ? SCALAR_STYLE.LITERAL_BLOCK : SCALAR_STYLE.FOLDED_BLOCK,
    chomping: chomping === "" ? CHOMPING_MODE.CLIP : chomping === "-" ? CHOMPING_MODE.STRIP : CHOMPING_MODE.KEEP,
    indent: contentIndent,
    fast: false,
  });
  nextLine(cursor, end);
  if (cursor.indent > indent) throw notPlain;
  return value;
}

interface BlockExtent {
  /** The column of the first line that is not blank. */
  readonly contentIndent: number;
  /** Where the first line begins that is no part of it. */
  readonly end: number;
}

function blockExtent(text: string, start: number, indent: number): BlockExtent {
  let contentIndent = -1;
  let line = start;
  while (line < text.length) {
    const at = skipBlanks(text, line);
    // Blanks at the end of the file, and lines of blanks before the content, have rules of their own.
    if (at >= text.length || (contentIndent === -1 && at > line && text.charCodeAt(at) === 0x0a)) throw notPlain;
    if (text.charCodeAt(at) !== 0x0a) {
      if (contentIndent === -1) contentIndent = at - line;
      if (at - line < contentIndent) break;
    }
    line = lineEnd(text, at) + 1;
  }
  if (contentIndent <= indent) throw notPlain;
  return { contentIndent, end: Math.min(line, text.length) };
}
