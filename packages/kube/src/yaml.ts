// YAML and JSON with Go's meaning and with positions. A text is cut into documents as Kubernetes cuts it, each document
// goes through js-yaml's event parser (which only finds where things stand), and our own builder gives the events the
// values that Go's readers would give them. Positions are not kept while reading: a document remembers only its range
// and is parsed again when somebody asks where something stands, so that the common case costs nothing for it.
// One broken document does not hide the others: every document yields a value or a diagnostic with line and column.

import { Decimal, type Diagnostic, type Out, type Severity, type Source, errorAt, spanOf } from "@portcullis/lang";
import { YAMLException } from "js-yaml";
import { type BuildOptions, type Built, type JsonTree, YamlProblem, buildDocuments } from "./yaml/build.ts";
import { type Document, TextDocument } from "./yaml/document.ts";
import { countIndicators, eventsOf, positionOf } from "./yaml/events.ts";
import { readPlainDocument } from "./yaml/plain.ts";
import { type YamlDialect, doubleValue } from "./yaml/scalar.ts";
import { type Chunk, isReadableJson, jsonValuesMax, looksLikeJson, splitDocuments } from "./yaml/split.ts";

export type { JsonObject, JsonTree } from "./yaml/build.ts";
export type { Document, Path, ScalarOrigin } from "./yaml/document.ts";
export type { YamlDialect } from "./yaml/scalar.ts";

export interface YamlOptions {
  readonly dialect: YamlDialect;
  /** A key that stands twice gives a warning; in v3 it is an error always. JSON is not looked at. */
  readonly tellsDuplicates?: boolean;
  /** The text is one that no line reader has read: it adds a line end to a block scalar that the end cuts off. */
  readonly isRaw?: boolean;
}

/**
 * A longer document is not read as YAML. An API server takes requests of 3 MB, and the events of a document take twenty
 * times its size; lists of objects that are longer can be written as JSON, or as one document for each object.
 */
const documentMax = 16 * 1024 * 1024;

/** An event takes two hundred bytes. The lists that kubectl prints have some forty thousand values in a million characters. */
const valuesMax = 1_000_000;

const shorter = "write a long list as JSON, or as one document for each object";

/** Reads all documents of a text; those that are broken become diagnostics. Empty documents have the value null. */
export function parseYaml(source: Source, options: YamlOptions): Out<readonly Document[]> {
  const diagnostics: Diagnostic[] = [];
  const documents: Document[] = [];
  const whole: Chunk = { start: 0, end: source.text.length, json: null };
  const split = options.dialect === "go" ? splitDocuments(source) : { chunks: [whole], diagnostics: [] };
  for (const chunk of split.chunks) readChunk({ source, options, chunk, documents, diagnostics });
  return { value: documents, diagnostics: [...diagnostics, ...split.diagnostics] };
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
  if (chunk.json !== null) {
    const tree = chunk.json.value as JsonTree;
    const value = chunk.json.plain ? tree : goNumbers(tree);
    documents.push(new TextDocument(value, { source, start: chunk.start, end: chunk.end, index: 0 }, 0));
    return;
  }
  const unreadable = unreadableAs(text, source, chunk);
  if (unreadable !== null) {
    diagnostics.push(unreadable);
    return;
  }
  const strict = options.tellsDuplicates ?? false;
  // Where the reader of lines is not used before v2, what it would add is missing as in v3.
  const cutsOff = options.dialect === "yaml.v3" || (options.isRaw === true && chunk.end === source.text.length);
  const isOpen = cutsOff && !text.endsWith("\n");
  const plain = options.dialect === "go" && !isOpen ? readPlainDocument(text, strict) : null;
  if (plain !== null) {
    documents.push(
      new TextDocument(plain.value, { source, start: chunk.start, end: chunk.end, index: 0 }, plain.start),
    );
    return;
  }
  const report = (problem: YamlProblem, severity: Severity) => {
    const at = chunk.start + problem.offset;
    diagnostics.push({ ...errorAt("yaml-value", spanOf(source, at, at), problem.message, problem.hint), severity });
  };
  const reportDuplicate = (problem: YamlProblem): void => {
    report(problem, options.dialect === "go" ? "warning" : "error");
  };
  try {
    const built = readEvents(text, { dialect: options.dialect, strict, isOpen, report: reportDuplicate });
    // Go's Unmarshal reads the first document of what the line reader cut out.
    const taken = options.dialect === "go" ? built.slice(0, 1) : built;
    const { start, end } = chunk;
    for (const [index, one] of taken.entries())
      documents.push(new TextDocument(one.value, { source, start, end, index }, one.start));
    if (built.length === 0) documents.push(new TextDocument(null, { source, start, end, index: 0 }, 0));
  } catch (error) {
    if (error instanceof YamlProblem) report(error, "error");
    else if (error instanceof YAMLException) diagnostics.push(syntaxError(source, chunk, error));
    else throw error;
  }
}

/** What keeps a text from being parsed at all. */
function unreadableAs(text: string, source: Source, chunk: Chunk): Diagnostic | null {
  const nul = text.indexOf("\0");
  if (nul !== -1) {
    const at = chunk.start + nul;
    return errorAt("yaml-syntax", spanOf(source, at, at), "null byte is not allowed in input");
  }
  if (text.length <= documentMax) return null;
  if (looksLikeJson(text, 0) && !isReadableJson(text)) {
    const message = `a JSON document of more than ${jsonValuesMax} values`;
    return errorAt("yaml-syntax", spanOf(source, chunk.start, chunk.start), message, "divide it into several files");
  }
  const broken = looksLikeJson(text, 0) ? jsonProblem(text) : null;
  if (broken !== null) {
    const at = chunk.start + broken.offset;
    return errorAt("yaml-syntax", spanOf(source, at, at), `not valid JSON: ${broken.message}`);
  }
  const message = `a YAML document of ${text.length} characters; at most ${documentMax} are read`;
  const hint = shorter;
  return errorAt("yaml-syntax", spanOf(source, chunk.start, chunk.start), message, hint);
}

/** Where a text stops being JSON; V8's messages name the offset unless it is the end. */
function jsonProblem(text: string): { readonly offset: number; readonly message: string } | null {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    const message = error instanceof Error ? error.message : "";
    const position = /^(.*?) in JSON at position (\d+)/.exec(message);
    if (position !== null) return { offset: Number(position[2]), message: position[1] ?? "" };
    return { offset: text.trimEnd().length, message: "it ends too early" };
  }
}

/** Throws YamlProblem, YAMLException. */
function readEvents(text: string, options: BuildOptions): Built[] {
  const values = text.length > valuesMax ? countIndicators(text) : 0;
  if (values > valuesMax)
    throw new YamlProblem(0, `a YAML document of about ${values} values; at most ${valuesMax} are read`, shorter);
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

function syntaxError(source: Source, chunk: Chunk, error: YAMLException): Diagnostic {
  const at = Math.min(source.text.length, chunk.start + (positionOf(error) ?? 0));
  return errorAt("yaml-syntax", spanOf(source, at, at), error.reason, hintFor(error.reason, source, at));
}

function hintFor(reason: string, source: Source, at: number): string | undefined {
  const line = source.line(source.position(at).line).slice(0, 1000);
  if (/^[ ]*\t/.test(line) || reason.includes("tab character")) return "indent with spaces; YAML forbids tabs there";
  if (reason.includes("bad indentation")) return "line it up with its neighbours; a value with `: ` in it needs quotes";
  if (/^\s*[\w.-]+:\S/.test(line)) return "put a space after the colon";
  if (reason.includes("end of the stream") && /^\s*[^\s#].*: .*: /.test(line))
    return "quote a value that contains `: `";
  if (reason.includes("flow collection")) return "close the [ or { that was opened, or quote the text";
  if (reason.includes("multiline key")) return "a key needs a colon and a space after it on the same line";
  return /[:\s]\{\{/.test(line) ? "this looks like a template; render it first" : undefined;
}
