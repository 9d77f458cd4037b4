// `portcullis kyverno jp query|parse|function`: JMESPath as Kyverno's policies have it, from the command line.
// Kyverno: cmd/cli/kubectl-kyverno/commands/jp.

import { readFileSync } from "node:fs";
import type { Node } from "@portcullis/jmespath";
import { SearchError, type Value, compile, kyvernoDialect } from "@portcullis/jmespath/kyverno";
import { goJson, isObject, parseYaml } from "@portcullis/kube";
import { Source, formatDiagnostic } from "@portcullis/lang";
import { quote } from "@portcullis/lang/go";
import { CommandFailed, print } from "./exit.ts";
import { goError } from "../load/goerrors.ts";
import { kyvernoEvaluation } from "./world.ts";

export interface QueryFlags {
  readonly compact: boolean;
  readonly unquoted: boolean;
  /** Files with queries. */
  readonly query: readonly string[];
  readonly input: string;
}

/** Evaluates queries over an input. What is not given comes from standard input. */
export function jmesPathQuery(given: readonly string[], flags: QueryFlags): number {
  const queries = [...given, ...flags.query.map(loadFile)];
  if (queries.length === 0 && flags.input === "") {
    throw new CommandFailed("at least one query or input object is required");
  }
  const fromFile = flags.input === "" ? null : parseInput(loadFile(flags.input));
  if (queries.length === 0) queries.push(readTerminal("a jmespath expression"));
  const input = fromFile ?? parseInput(readTerminal("input object"));
  for (const query of queries) printResult(query, evaluate(input.value, query), flags);
  return 0;
}

function loadFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new CommandFailed(`failed open file ${file}: ${goError("open", file, error)}`);
  }
}

function readTerminal(what: string): string {
  print(`Reading from terminal input.\nEnter ${what} and hit Ctrl+D.`);
  return readFileSync(0, "utf8");
}

function parseInput(text: string): { readonly value: unknown } {
  const { value, diagnostics } = parseYaml(new Source("input", text), { dialect: "go" });
  const [problem] = diagnostics;
  if (problem !== undefined) throw new CommandFailed(`error parsing input json: ${formatDiagnostic(problem)}`);
  return { value: value[0]?.value ?? null };
}

function evaluate(input: unknown, query: string): Value {
  const { value: expression, diagnostics } = compile(query, kyvernoDialect);
  if (expression === null) {
    throw new CommandFailed(`failed to compile JMESPath: ${query}, error: ${diagnostics[0]?.message ?? ""}`);
  }
  const { world, budget } = kyvernoEvaluation(() => ({ error: "no cluster is connected" }))();
  const found = expression.search(input, { world, budget });
  if (found instanceof SearchError) throw new CommandFailed(`error evaluating JMESPath expression: ${found.message}`);
  return found;
}

function printResult(query: string, result: Value, { compact, unquoted }: QueryFlags): void {
  print(`# ${query}`);
  if (unquoted && typeof result === "string") print(result);
  else print(compact ? goJson(result) : indented(result, ""));
}

/** JSON with two columns a level, as Go indents it. */
function indented(value: unknown, pad: string): string {
  const inner = `${pad}  `;
  const block = (open: string, items: readonly string[], close: string): string =>
    items.length === 0 ? open + close : `${open}\n${items.map((item) => inner + item).join(",\n")}\n${pad}${close}`;
  if (Array.isArray(value))
    return block(
      "[",
      value.map((item) => indented(item, inner)),
      "]",
    );
  if (!isObject(value)) return goJson(value);
  const keys = Object.keys(value).toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return block(
    "{",
    keys.map((key) => `${goJson(key)}: ${indented(value[key], inner)}`),
    "}",
  );
}

// ── parse

/** Prints the trees of expressions. */
export function jmesPathParse(given: readonly string[], fileNames: readonly string[]): number {
  const expressions = [...given, ...fileNames.map(loadFile)];
  if (expressions.length === 0) expressions.push(readTerminal("a jmespath expression"));
  for (const text of expressions) {
    const { value: expression, diagnostics } = compile(text, kyvernoDialect);
    if (expression === null) {
      const [problem] = diagnostics;
      const at = problem?.span?.start ?? 0;
      throw new CommandFailed(`${problem?.message ?? ""}\n${text}\n${" ".repeat(at)}^`);
    }
    print(`# ${text}\n${nodeText(expression.tree, "")}`);
  }
  return 0;
}

interface Shown {
  readonly name: string;
  readonly value?: string;
  readonly children?: readonly (Node | Shown)[];
}

/** Kyverno leaves the list of children open; its readers are people, and so are ours. */
function nodeText(node: Node | Shown, pad: string): string {
  const { name, value, children = [] } = "kind" in node ? shownNode(node) : node;
  const inner = `${pad}  `;
  let text = `${pad}${name} {\n`;
  if (value !== undefined) text += `${inner}value: ${value}\n`;
  if (children.length > 0) {
    text += `${inner}children: {\n${children.map((child) => nodeText(child, `${inner}  `)).join("")}`;
  }
  return `${text}${pad}}\n`;
}

const comparators = { "==": "tEQ", "!=": "tNE", "<": "tLT", "<=": "tLTE", ">": "tGT", ">=": "tGTE" } as const;

const pairs: Readonly<Record<string, string>> = {
  pipe: "ASTPipe",
  or: "ASTOrExpression",
  and: "ASTAndExpression",
  projection: "ASTProjection",
  "value-projection": "ASTValueProjection",
};

function shownNode(node: Node): Shown {
  switch (node.kind) {
    case "field":
      return { name: "ASTField", value: quote(node.name) };
    case "index":
      return { name: "ASTIndex", value: String(node.index) };
    case "slice":
      return { name: "ASTSlice", value: [node.start, node.stop, node.step].map((part) => part ?? "").join(":") };
    case "literal":
      return { name: "ASTLiteral", value: goSyntax(node.value) };
    case "current":
      return { name: writtenText(node) === "@" ? "ASTCurrentNode" : "ASTIdentity" };
    case "empty":
      return { name: "ASTEmpty" };
    case "subexpression":
      return {
        name: node.right.kind === "index" || node.right.kind === "slice" ? "ASTIndexExpression" : "ASTSubexpression",
        children: [node.left, node.right],
      };
    case "comparison":
      return { name: "ASTComparator", value: comparators[node.operator], children: [node.left, node.right] };
    case "not":
      return { name: "ASTNotExpression", children: [node.operand] };
    case "flatten":
      return { name: "ASTFlatten", children: [node.operand] };
    case "reference":
      return { name: "ASTExpRef", children: [node.operand] };
    case "filter":
      return { name: "ASTFilterProjection", children: [node.left, node.right, node.condition] };
    case "multi-list":
      return { name: "ASTMultiSelectList", children: node.items };
    case "multi-hash":
      return {
        name: "ASTMultiSelectHash",
        children: node.entries.map(({ key, value }) => ({
          name: "ASTKeyValPair",
          value: quote(key),
          children: [value],
        })),
      };
    case "call":
      return { name: "ASTFunctionExpression", value: quote(node.name ?? ""), children: node.arguments };
    case "pipe":
    case "or":
    case "and":
    case "projection":
    case "value-projection":
      return { name: pairs[node.kind] ?? "", children: [node.left, node.right] };
  }
}

function writtenText({ span }: Node): string {
  return span.source.text.slice(span.start, span.end);
}

/** A value as Go writes it with `%#v`. */
function goSyntax(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (typeof value === "string") return quote(value);
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(", ")}}`;
  if (!isObject(value)) return goJson(value);
  const members = Object.keys(value)
    .toSorted()
    .map((key) => `${quote(key)}:${goSyntax(value[key])}`);
  return `map[string]interface {}{${members.join(", ")}}`;
}

// ── function

/** What functions give, where it is not a string. */
const results: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ["add", "divide", "lookup", "modulo", "multiply", "parse_json", "parse_yaml", "subtract", "sum"].map(
      (name) => [name, "any"] as const,
    ),
  ),
  ...Object.fromEntries(
    "equal_fold is_external_url label_match pattern_match regex_match semver_compare time_after time_before time_between to_boolean"
      .split(" ")
      .map((name) => [name, "bool"] as const),
  ),
  compare: "number",
  items: "array",
  object_from_lists: "object",
  round: "number",
  split: "array[string]",
  x509_decode: "object",
};

/** Lists Kyverno's functions, or those that are named. */
export function jmesPathFunction(names: readonly string[]): number {
  const functions = [...kyvernoDialect.functions.values()].filter(({ name }) => name in results || isKyvernos(name));
  const lines = functions.map(({ name, parameters }) => {
    const types = parameters.map((one) => one.join("|")).join(", ");
    return { name, signature: `${name}(${types}) ${results[name] ?? "string"}` };
  });
  for (const { name, signature } of lines.toSorted((a, b) => (a.signature < b.signature ? -1 : 1))) {
    if (names.length === 0 || names.includes(name)) print(`Name: ${name}\n  Signature: ${signature}\n`);
  }
  return 0;
}

const standardNames: ReadonlySet<string> = new Set(
  "abs avg ceil contains ends_with floor join keys length map max max_by merge min min_by not_null reverse sort sort_by starts_with to_array to_string to_number type values".split(
    " ",
  ),
);

function isKyvernos(name: string): boolean {
  return !standardNames.has(name);
}
