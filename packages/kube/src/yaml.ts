// YAML and JSON with Go's meaning and with positions. A text is cut into documents as Kubernetes cuts it, each document
// goes through js-yaml's event parser (which only finds where things stand), and our own builder gives the events the
// values that Go's readers would give them. Positions are not kept while reading: a document remembers only its range
// and is parsed again when somebody asks where something stands, so that the common case costs nothing for it.
// One broken document does not hide the others: every document yields a value or a diagnostic with line and column.

import { Decimal, type Diagnostic, type Out, type Source, type Span, errorAt, spanOf } from "@portcullis/lang";
import { type Event, YAMLException, parseEvents } from "js-yaml";
import { type BuildOptions, type Built, type JsonTree, YamlProblem, buildDocuments } from "./yaml/build.ts";
import { type LocatedNode, findNearest, findNode, locateDocument, scalarMap } from "./yaml/locate.ts";
import { type YamlDialect, doubleValue } from "./yaml/scalar.ts";
import { type Chunk, splitDocuments } from "./yaml/split.ts";

export type { JsonObject, JsonTree } from "./yaml/build.ts";
export type { YamlDialect } from "./yaml/scalar.ts";

export interface YamlOptions {
  readonly dialect: YamlDialect;
  /** Duplicate keys are errors (v3 has them as errors always). */
  readonly strict?: boolean;
}

export type Path = readonly (string | number)[];

/** Where a scalar's value stands in the file. */
export interface ScalarOrigin {
  /** Of the content: of a block scalar the lines below its header, of a quoted one what is between the quotes. */
  readonly span: Span;
  /** The offset in the file of an offset in the value. */
  offsetOf(valueOffset: number): number;
}

export interface Document {
  readonly value: JsonTree;
  /** The document without its separators. */
  readonly span: Span;
  /** The span of the value at a path, or of the nearest enclosing value that exists. */
  positionOf(path: Path): Span;
  /** The span of the key of the value at a path; null at the root, in sequences and for absent paths. */
  keyPositionOf(path: Path): Span | null;
  /** For a string at a path: its content's place in the file; null when there is no scalar. */
  scalarOrigin(path: Path): ScalarOrigin | null;
}

/** Deeper nesting is refused; Kubernetes objects have a dozen levels. */
const maxDepth = 1000;

/** Reads all documents of a text; those that are broken become diagnostics. Empty documents have the value null. */
export function parseYaml(source: Source, options: YamlOptions): Out<readonly Document[]> {
  const diagnostics: Diagnostic[] = [];
  const documents: Document[] = [];
  const whole: Chunk = { start: 0, end: source.text.length, json: null };
  const split = options.dialect === "go" ? splitDocuments(source) : { chunks: [whole], diagnostics: [] };
  for (const chunk of split.chunks) readChunk({ source, options, chunk, documents, diagnostics });
  diagnostics.push(...split.diagnostics);
  return { value: documents, diagnostics };
}

interface Reading {
  readonly source: Source;
  readonly options: YamlOptions;
  readonly chunk: Chunk;
  readonly documents: Document[];
  readonly diagnostics: Diagnostic[];
}

function readChunk(reading: Reading): void {
  const { source, chunk, documents, diagnostics, options } = reading;
  const text = source.text.slice(chunk.start, chunk.end);
  if (chunk.json !== null && options.strict !== true) {
    const tree = chunk.json.value as JsonTree;
    const value = chunk.json.plain ? tree : goNumbers(tree);
    documents.push(documentOf(source, chunk, value, { index: 0, start: 0 }));
    return;
  }
  const report = (problem: YamlProblem) => {
    const at = chunk.start + problem.offset;
    diagnostics.push(errorAt("yaml-value", spanOf(source, at, at), problem.message, problem.hint));
  };
  try {
    const built = readEvents(text, { dialect: options.dialect, strict: options.strict ?? false, report });
    // Go's Unmarshal reads the first document of what the line reader cut out.
    const taken = options.dialect === "go" ? built.slice(0, 1) : built;
    for (const [index, { value, start }] of taken.entries())
      documents.push(documentOf(source, chunk, value, { index, start }));
    if (built.length === 0) documents.push(documentOf(source, chunk, null, { index: 0, start: 0 }));
  } catch (error) {
    if (error instanceof YamlProblem) report(error);
    else if (error instanceof YAMLException) diagnostics.push(syntaxError(source, chunk, error));
    else throw error;
  }
}

function readEvents(text: string, options: BuildOptions): Built[] {
  const { events, text: parsed } = eventsOf(text);
  return buildDocuments(parsed, events, options);
}

/** JSON numbers as Go reads them: integers exactly, everything else as a double. Changes the tree in place. */
function goNumbers(tree: JsonTree): JsonTree {
  if (typeof tree !== "object" || tree === null) return tree === 0 ? 0 : tree;
  if (tree instanceof Decimal) return /^-?\d+$/.test(tree.text) ? tree : doubleValue(Number(tree.text));
  if (Array.isArray(tree)) {
    for (let i = 0; i < tree.length; i++) {
      const element = tree[i];
      if (typeof element === "object" || typeof element === "number") tree[i] = goNumbers(element);
    }
    return tree;
  }
  for (const key of Object.keys(tree)) {
    const member = tree[key];
    // Only numbers are replaced; a key that would reach a prototype holds its own value already.
    if (member instanceof Decimal) tree[key] = goNumbers(member);
    else if (typeof member === "object" && member !== null) goNumbers(member);
  }
  return tree;
}

interface Parsed {
  readonly events: readonly Event[];
  /** The text, in which line ends may have become spaces. */
  readonly text: string;
}

/** A flow collection may be closed at the parent's indentation; js-yaml refuses it, libyaml does not. */
function eventsOf(original: string): Parsed {
  let text = original;
  for (let repairs = 0; ; repairs++) {
    try {
      return { events: parseEvents(text, { maxDepth }), text };
    } catch (error) {
      const joined = error instanceof YAMLException && repairs < 200 ? joinLine(text, error) : null;
      if (joined === null) throw error;
      text = joined;
    }
  }
}

/** Joins the line at which an indentation is deficient to the line before it, without moving any offset. */
function joinLine(text: string, error: YAMLException): string | null {
  const at = positionOf(error);
  if (error.reason !== "deficient indentation" || at === null) return null;
  const newline = text.lastIndexOf("\n", at - 1);
  if (newline === -1 || !/^[ \t]*$/.test(text.slice(newline + 1, at))) return null;
  const lineStart = text.lastIndexOf("\n", newline - 1) + 1;
  const line = withoutComment(text.slice(lineStart, newline));
  return line === null ? null : `${text.slice(0, lineStart)}${line} ${text.slice(newline + 1)}`;
}

/** The line with its comment blanked out; null where quotes make it unsure what is a comment. */
function withoutComment(line: string): string | null {
  const at = line.search(/(?<=^|\s)#/);
  if (at === -1) return line;
  const quotes = line.slice(0, at).match(/["']/g)?.length ?? 0;
  return quotes % 2 === 0 ? line.slice(0, at).padEnd(line.length) : null;
}

function positionOf(error: YAMLException): number | null {
  return (error.mark as { readonly position?: number } | undefined)?.position ?? null;
}

function syntaxError(source: Source, chunk: Chunk, error: YAMLException): Diagnostic {
  const at = Math.min(source.text.length, chunk.start + (positionOf(error) ?? 0));
  return errorAt("yaml-syntax", spanOf(source, at, at), error.reason, hintFor(error.reason, source, at));
}

function hintFor(reason: string, source: Source, at: number): string | undefined {
  const line = source.line(source.position(at).line);
  if (/^[ ]*\t/.test(line) || reason.includes("tab character")) return "indent with spaces; YAML forbids tabs there";
  if (reason.includes("bad indentation")) return "line it up with its neighbours; a value with `: ` in it needs quotes";
  if (/^\s*[\w.-]+:\S/.test(line)) return "put a space after the colon";
  if (reason.includes("end of the stream") && /^\s*[^\s#].*: .*: /.test(line))
    return "quote a value that contains `: `";
  if (reason.includes("flow collection")) return "close the [ or { that was opened, or quote the text";
  if (reason.includes("multiline key")) return "a key needs a colon and a space after it on the same line";
  return /[:\s]\{\{/.test(line) ? "this looks like a template; render it first" : undefined;
}

function documentOf(
  source: Source,
  chunk: Chunk,
  value: JsonTree,
  at: { readonly index: number; readonly start: number },
): Document {
  let located: { readonly text: string; readonly root: LocatedNode | null } | null = null;
  const locate = () => {
    if (located === null) {
      const { events, text } = eventsOf(source.text.slice(chunk.start, chunk.end));
      located = { text, root: locateDocument(text, events, at.index) };
    }
    return located;
  };
  const span = spanOf(source, chunk.start + at.start, chunk.end);
  const inFile = (start: number, end: number) => spanOf(source, chunk.start + start, chunk.start + end);
  return {
    value,
    span,
    positionOf(path) {
      const { root } = locate();
      const node = root === null ? null : findNearest(root, path);
      return node === null ? span : inFile(node.start, node.end);
    },
    keyPositionOf(path) {
      const { root } = locate();
      const node = root === null ? null : findNode(root, path);
      return node === null || node.keyStart < 0 ? null : inFile(node.keyStart, node.keyEnd);
    },
    scalarOrigin(path) {
      const { root, text } = locate();
      const scalar = root === null ? null : (findNode(root, path)?.scalar ?? null);
      if (scalar === null || scalar.valueStart < 0) return null;
      const map = scalarMap(text, scalar);
      return {
        span: inFile(scalar.valueStart, scalar.valueEnd),
        offsetOf: (offset) => chunk.start + map(offset),
      };
    },
  };
}
