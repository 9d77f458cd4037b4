// Go's text/template language as a tree: text, actions in double braces with pipelines of commands, and the blocks if, range,
// with, define, block. `{{-` and `-}}` trim the text beside them. Go: text/template/parse.

import { utf8Length } from "@portcullis/lang/go";

export class TemplateError extends Error {}

type Operand =
  | { readonly kind: "dot" | "nil" }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "integer"; readonly value: bigint }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "function"; readonly name: string }
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "pipeline"; readonly pipeline: Pipeline };

/** An operand with the fields that are read from it: `$x.a.b`, `.a`, `(…).c`. */
export interface Argument {
  readonly operand: Operand;
  readonly fields: readonly string[];
  readonly text: string;
  /** Where Go says it is, as `line:column`; of fields in a row it names the second. */
  readonly place: string;
}

export interface Command {
  readonly args: readonly Argument[];
  readonly text: string;
  readonly place: string;
}

export interface Pipeline {
  /** Variables that it declares (`:=`) or assigns (`=`); two in a range. */
  readonly variables: readonly string[];
  readonly declares: boolean;
  readonly commands: readonly Command[];
}

export type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly pipeline: Pipeline }
  | {
      readonly kind: "if" | "with" | "range";
      readonly pipeline: Pipeline;
      readonly body: Nodes;
      readonly otherwise: Nodes;
    }
  | { readonly kind: "template"; readonly name: string; readonly pipeline: Pipeline | null }
  | { readonly kind: "break" | "continue" };

export type Nodes = readonly Node[];

export interface Template {
  readonly main: Nodes;
  readonly defined: ReadonlyMap<string, Nodes>;
}

interface Parser {
  readonly source: string;
  readonly pieces: readonly Piece[];
  at: number;
  readonly defined: Map<string, Nodes>;
  readonly functions: ReadonlySet<string>;
  loops: number;
}

interface Piece {
  readonly action: boolean;
  readonly text: string;
  /** In the template. */
  readonly offset: number;
}

/** Throws TemplateError with Go's text. */
export function parseTemplate(text: string, functions: ReadonlySet<string>): Template {
  const parser: Parser = { source: text, pieces: piecesOf(text), at: 0, defined: new Map(), functions, loops: 0 };
  const { nodes, end } = parseNodes(parser);
  if (end !== null) throw failAt(parser, parser.pieces[parser.at - 1], `unexpected {{${end}}}`);
  return { main: nodes, defined: parser.defined };
}

function fail(source: string, offset: number, message: string): TemplateError {
  const line = source.slice(0, offset).split("\n").length;
  return new TemplateError(`template: template:${line}: ${message}`);
}

/** Without a piece, at the last one. */
function failAt(parser: Parser, piece: Piece | undefined, message: string): TemplateError {
  return fail(parser.source, (piece ?? parser.pieces.at(-1))?.offset ?? 0, message);
}

/** Text and actions in turn; comments are gone, trimming is done. */
function piecesOf(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let trim = false;
  const addText = (raw: string, offset: number, trimRight: boolean): void => {
    const left = trim ? raw.trimStart() : raw;
    const kept = trimRight ? left.trimEnd() : left;
    if (kept !== "") pieces.push({ action: false, text: kept, offset });
  };
  for (let open = text.indexOf("{{"); open !== -1; open = text.indexOf("{{", at)) {
    addText(text.slice(at, open), at, /^-[ \t\r\n]/.test(text.slice(open + 2, open + 4)));
    const match = matchAt(comment, text, open) ?? matchAt(action, text, open);
    if (match === null) throw fail(text, open, "unclosed action");
    const body = (match[1] ?? "").replace(/^-(?=[ \t\r\n])/, "");
    trim = /[ \t\r\n/]-$/.test(body);
    const inner = (trim ? body.slice(0, -1) : body).trim();
    if (!inner.startsWith("/*")) pieces.push({ action: true, text: inner, offset: open });
    at = open + match[0].length;
  }
  addText(text.slice(at), at, false);
  return pieces;
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

const comment = /\{\{(-?[ \t\r\n]*\/\*[\s\S]*?\*\/[ \t\r\n]*-?)\}\}/y;
/** An action up to its closing braces, which do not count inside quotes. No two alternatives begin alike. */
const action = /\{\{((?:"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\\n]|\\.)*'|[^"'`}]|\}(?!\}))*)\}\}/y;

/** Nodes up to the keyword that ends the block (`end`, `else …`), or to the end of the text. */
function parseNodes(parser: Parser): { readonly nodes: Nodes; readonly end: string | null } {
  const nodes: Node[] = [];
  while (parser.at < parser.pieces.length) {
    const piece = parser.pieces[parser.at++] as Piece;
    if (!piece.action) {
      nodes.push({ kind: "text", text: piece.text });
      continue;
    }
    const keyword = /^(?:end|else|if|with|range|define|block|template|break|continue)\b/.exec(piece.text)?.[0] ?? "";
    if (keyword === "end" || keyword === "else") return { nodes, end: piece.text };
    const node = parseAction(parser, piece, keyword);
    if (node !== null) nodes.push(node);
  }
  return { nodes, end: null };
}

function parseAction(parser: Parser, piece: Piece, keyword: string): Node | null {
  const rest = piece.text.slice(keyword.length).trim();
  switch (keyword) {
    case "if":
    case "with":
    case "range":
      return parseBlock(parser, piece, keyword, rest);
    case "break":
    case "continue":
      if (parser.loops === 0) throw failAt(parser, piece, `{{${keyword}}} outside {{range}}`);
      return { kind: keyword };
    case "define":
    case "block":
    case "template":
      return parseNamed(parser, piece, keyword, rest);
    default:
      return { kind: "action", pipeline: parsePipeline(parser, piece, rest) };
  }
}

function parseBlock(parser: Parser, piece: Piece, kind: "if" | "with" | "range", text: string): Node {
  const pipeline = parsePipeline(parser, piece, text);
  if (kind === "range") parser.loops++;
  const { nodes: body, end } = parseNodes(parser);
  if (kind === "range") parser.loops--;
  if (end === null) throw failAt(parser, undefined, "unexpected EOF");
  const chained = /^else\s+(if|with)\b/.exec(end);
  if (chained !== null && chained[1] === kind) {
    return {
      kind,
      pipeline,
      body,
      otherwise: [parseBlock(parser, piece, kind, end.slice(chained[0].length).trimStart())],
    };
  }
  if (end === "end") return { kind, pipeline, body, otherwise: [] };
  const otherwise = parseNodes(parser);
  if (otherwise.end !== "end") throw failAt(parser, undefined, "unexpected EOF");
  return { kind, pipeline, body, otherwise: otherwise.nodes };
}

function parseNamed(parser: Parser, piece: Piece, keyword: "define" | "block" | "template", text: string): Node | null {
  const match = /^(?:"(?:[^"\\]|\\.)*"|`[^`]*`)/.exec(text);
  if (match === null) throw failAt(parser, piece, `unexpected "${text}" in ${keyword} clause`);
  const name = unquote(match[0]);
  const argument = text.slice(match[0].length).trimStart();
  const pipeline = argument === "" ? null : parsePipeline(parser, piece, argument);
  if (keyword !== "template") {
    const { nodes, end } = parseNodes(parser);
    if (end !== "end") throw failAt(parser, undefined, "unexpected EOF");
    parser.defined.set(name, nodes);
    if (keyword === "define") return null;
  }
  return { kind: "template", name, pipeline };
}

// ── pipelines

interface Tokens {
  readonly parser: Parser;
  readonly piece: Piece;
  readonly tokens: readonly string[];
  /** Where each begins in the template. */
  readonly offsets: readonly number[];
  at: number;
}

const token =
  /\s*("(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\\n]|\\.)+'|:=|=|\||,|\(|\)|\$[A-Za-z0-9_]*|[+-]?(?:0[xX][\da-fA-F_]+|\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)|\.[A-Za-z_][A-Za-z0-9_]*|\.|[A-Za-z_][A-Za-z0-9_]*)/y;

function parsePipeline(parser: Parser, piece: Piece, text: string): Pipeline {
  const tokens: string[] = [];
  const offsets: number[] = [];
  const start = parser.source.indexOf(text, piece.offset);
  token.lastIndex = 0;
  // A space before a field makes it an argument of its own; without one it belongs to what stands before it.
  for (let end = 0; end < text.trimEnd().length;) {
    token.lastIndex = end;
    const match = token.exec(text);
    if (match === null) throw failAt(parser, piece, `unexpected "${text.slice(end).trim().charAt(0)}" in operand`);
    const spaced = match[0].length > (match[1] ?? "").length;
    tokens.push(spaced && (match[1] ?? "").startsWith(".") ? ` ${match[1]}` : (match[1] ?? ""));
    end = token.lastIndex;
    offsets.push(start + end - (match[1] ?? "").length);
  }
  const reader: Tokens = { parser, piece, tokens, offsets, at: 0 };
  const pipeline = readPipeline(reader);
  if (reader.at < tokens.length) throw failAt(parser, piece, `unexpected "${tokens[reader.at]}" in command`);
  return pipeline;
}

function readPipeline(reader: Tokens): Pipeline {
  const declared = readVariables(reader);
  const commands: Command[] = [];
  commands.push(readCommand(reader));
  for (let next = reader.tokens[reader.at]; next === "|"; next = reader.tokens[reader.at]) {
    reader.at++;
    commands.push(readCommand(reader));
  }
  return { ...declared, commands };
}

function readVariables(reader: Tokens): { readonly variables: readonly string[]; readonly declares: boolean } {
  const { tokens, at } = reader;
  const names: string[] = [];
  for (let next = at; tokens[next]?.startsWith("$") === true; next++) {
    names.push(tokens[next] as string);
    const after = tokens[next + 1];
    if (after === ":=" || after === "=") {
      reader.at = next + 2;
      return { variables: names, declares: after === ":=" };
    }
    if (after !== ",") break;
    next++;
  }
  return { variables: [], declares: false };
}

function readCommand(reader: Tokens): Command {
  const from = reader.at;
  const args: Argument[] = [];
  for (let next = reader.tokens[reader.at]; next !== undefined && next !== "|" && next !== ")";) {
    args.push(readArgument(reader));
    next = reader.tokens[reader.at];
  }
  const text = args.map((arg) => arg.text).join(" ");
  if (args.length === 0)
    throw failAt(reader.parser, reader.piece, from === 0 ? "missing value for command" : "unexpected | in operand");
  return { args, text, place: placeOf(reader, from) };
}

function readArgument(reader: Tokens): Argument {
  const from = reader.at;
  const first = (reader.tokens[reader.at++] ?? "").trim();
  const fields: string[] = [];
  const operand = readOperand(reader, first, fields);
  // Only what follows without a space is a field of this operand.
  for (
    let next = reader.tokens[reader.at];
    next !== undefined && /^\.[A-Za-z_]/.test(next);
    next = reader.tokens[reader.at]
  ) {
    fields.push(next.slice(1));
    reader.at++;
  }
  const text = reader.tokens
    .slice(from, reader.at)
    .map((part) => part.trim())
    .join("");
  return { operand, fields, text, place: placeOf(reader, fields.length > 0 && reader.at > from + 1 ? from + 1 : from) };
}

/** Go counts columns in bytes, from zero. */
function placeOf({ parser, offsets }: Tokens, at: number): string {
  const lines = parser.source.slice(0, offsets[at]).split("\n");
  return `${lines.length}:${utf8Length(lines.at(-1) ?? "")}`;
}

function readOperand(reader: Tokens, text: string, fields: string[]): Operand {
  if (text === ".") return { kind: "dot" };
  if (text.startsWith(".") && !/^\.\d/.test(text)) {
    fields.push(text.slice(1));
    return { kind: "dot" };
  }
  if (text === "(") {
    const pipeline = readPipeline(reader);
    if (reader.tokens[reader.at++] !== ")") throw failAt(reader.parser, reader.piece, "unclosed left paren");
    return { kind: "pipeline", pipeline };
  }
  if (text.startsWith("$")) return { kind: "variable", name: text };
  if (/^["`]/.test(text)) return { kind: "string", value: unquote(text) };
  if (text.startsWith("'"))
    return { kind: "integer", value: BigInt(unquote(`"${text.slice(1, -1)}"`).codePointAt(0) ?? 0) };
  if (/^[+-]?[\d.]/.test(text)) return numberOperand(text.replaceAll("_", ""));
  if (text === "true" || text === "false") return { kind: "boolean", value: text === "true" };
  if (text === "nil") return { kind: "nil" };
  if (!/^[A-Za-z_]/.test(text)) throw failAt(reader.parser, reader.piece, `unexpected "${text}" in operand`);
  if (!reader.parser.functions.has(text)) throw failAt(reader.parser, reader.piece, `function "${text}" not defined`);
  return { kind: "function", name: text };
}

function numberOperand(text: string): Operand {
  if (/^[+-]?(?:0[xX][\da-fA-F]+|\d+)$/.test(text)) {
    const magnitude = BigInt(text.replace(/^[+-]/, ""));
    return { kind: "integer", value: text.startsWith("-") ? -magnitude : magnitude };
  }
  return { kind: "float", value: Number(text) };
}

function unquote(text: string): string {
  if (text.startsWith("`")) return text.slice(1, -1);
  try {
    return JSON.parse(text.replaceAll("\\'", "'").replace(/\\x([\da-fA-F]{2})/g, "\\u00$1")) as string;
  } catch {
    return text.slice(1, -1);
  }
}
