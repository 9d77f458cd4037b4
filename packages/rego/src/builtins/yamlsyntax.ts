// What go-yaml says about a text that is no YAML. js-yaml found the place and has its own words for it; the commonest
// complaints are translated, with go-yaml's way of counting lines (a parser error counts from zero and is silent about
// line zero; a scanner error counts from one but is silent about the first). What has no counterpart keeps js-yaml's words.
// Go: go.yaml.in/yaml/v3 decode.go parser.fail, scannerc.go, parserc.go.

import { YAMLException } from "js-yaml";

interface Complaint {
  readonly text: string;
  /** 0-based. */
  readonly line: number;
  readonly by: "scanner" | "parser";
}

/** A text that cannot be read; the message is go-yaml's where it can be. */
export class YamlError extends Error {}

export interface Parsed<T> {
  readonly value: T;
  /** The text that js-yaml could read, with the same lines. */
  readonly source: string;
}

/**
 * What js-yaml makes of a text. It wants the end of a flow collection, and all lines of a quoted text, indented, which libyaml
 * does not: such a line is moved to the right and read again. Throws YamlError.
 */
export function parsed<T>(text: string, parse: (source: string) => T): Parsed<T> {
  let source = text.replace(/^\ufeff/, "");
  for (let repairs = 0; ; repairs++) {
    try {
      return { value: parse(source), source };
    } catch (error) {
      if (!(error instanceof YAMLException)) throw error;
      const at = (error.mark as { readonly position?: number } | undefined)?.position ?? 0;
      if (error.reason !== "deficient indentation" || repairs >= 200) {
        throw new YamlError(syntaxMessage(error.reason, source, at));
      }
      const lineStart = source.lastIndexOf("\n", at - 1) + 1;
      source = `${source.slice(0, lineStart)}  ${source.slice(lineStart)}`;
    }
  }
}

/** The message for js-yaml's reason at an offset of the source. */
function syntaxMessage(reason: string, source: string, at: number): string {
  const line = lineOf(source, at);
  const complaint = translate(reason, source, at);
  if (complaint === null) return `yaml: line ${line + 1}: ${reason}`;
  if (complaint.line === 0) return `yaml: ${complaint.text}`;
  return `yaml: line ${complaint.by === "scanner" ? complaint.line + 1 : complaint.line}: ${complaint.text}`;
}

function lineOf(source: string, at: number): number {
  return source.slice(0, at).split("\n").length - 1;
}

function translate(reason: string, source: string, at: number): Complaint | null {
  const line = lineOf(source, at);
  const simple = simpleReasons.get(reason);
  if (simple !== undefined) return { text: simple, line, by: "scanner" };
  switch (reason) {
    case "unexpected end of the stream within a double quoted scalar":
    case "unexpected end of the stream within a single quoted scalar": {
      const quote = Math.max(source.lastIndexOf('"'), source.lastIndexOf("'"));
      return { text: "found unexpected end of stream", line: lineOf(source, quote) || lastLine(source), by: "scanner" };
    }
    case "unexpected end of the stream within a flow collection":
      return /[[{,:]\s*$/.test(source) ? noContent(lastLine(source)) : unclosed(source, source.length);
    case "missed comma between flow collection entries":
      return unclosed(source, at);
    case "bad indentation of a mapping entry":
      return badEntry(source, at, line);
    case "end of the stream or a document separator is expected":
      return unexpectedContent(source, line);
    case "can not read a block mapping entry; a multiline key may not be an implicit key":
      return { text: "could not find expected ':'", line: Math.max(0, line - 1), by: "scanner" };
    default:
      return null;
  }
}

const simpleReasons: ReadonlyMap<string, string> = new Map([
  ["tab characters must not be used in indentation", "found a tab character that violates indentation"],
  ["unknown escape sequence", "found unknown escape character"],
  [
    "name of an alias node must contain at least one character",
    "did not find expected alphabetic or numeric character",
  ],
  ["alias node should not have any properties", "did not find expected alphabetic or numeric character"],
  ["a line break is expected", "did not find expected comment or line break"],
  [
    "name of an anchor node must contain at least one character",
    "did not find expected alphabetic or numeric character",
  ],
]);

function noContent(line: number): Complaint {
  return { text: "did not find expected node content", line, by: "parser" };
}

/** go-yaml sees a line end after the last line. */
function lastLine(source: string): number {
  return lineOf(source, source.trimEnd().length) + 1;
}

/** Names what would close the innermost flow collection; brackets in quotes only make the guess worse. */
function unclosed(source: string, at: number): Complaint {
  const open: number[] = [];
  for (let next = 0; next < at; next++) {
    if ("[{".includes(source.charAt(next))) open.push(next);
    else if ("]}".includes(source.charAt(next))) open.pop();
  }
  const opener = open.at(-1) ?? 0;
  const close = source[opener] === "{" ? "}" : "]";
  const line = lineOf(source, opener) || (at < source.length ? lineOf(source, at) : lastLine(source));
  return { text: `did not find expected ',' or '${close}'`, line, by: "parser" };
}

function badEntry(source: string, at: number, line: number): Complaint {
  const character = source.charAt(at);
  if ("@`%".includes(character)) return { text: "found character that cannot start any token", line, by: "scanner" };
  if ("]}".includes(character)) return noContent(line);
  if (character === ",") return noContent(line);
  const rest = source.slice(at).split("\n", 1)[0] ?? "";
  if (/^\?(?:\s|$)/.test(rest)) return { text: "mapping keys are not allowed in this context", line, by: "scanner" };
  if (/^-(?:\s|$)/.test(rest)) {
    return { text: "block sequence entries are not allowed in this context", line, by: "scanner" };
  }
  if (/:(?:\s|$)/.test(rest)) return { text: "mapping values are not allowed in this context", line, by: "scanner" };
  return { text: "did not find expected key", line, by: "parser" };
}

function unexpectedContent(source: string, line: number): Complaint {
  const first = /\S[^\n]*/.exec(source)?.[0] ?? "";
  if (first.startsWith("- ")) return { text: "did not find expected '-' indicator", line, by: "parser" };
  if (/:(?:\s|$)/.test(first)) return { text: "did not find expected <document start>", line, by: "parser" };
  return { text: "mapping values are not allowed in this context", line, by: "scanner" };
}
