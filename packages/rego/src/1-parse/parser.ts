// From text to Module or Body. A text is a sequence of statements: package, imports, rules, and plain bodies, which in a
// module are rules too (`p = 1`). Each kind is tried in this order; one that fails without an error gives way to the
// next, one that fails with an error ends the parse, so there is one syntax error per text, with OPA's words and place.
// What parses is then assembled, checked for what v1 demands, and given its annotations.
// OPA: v1/ast/parser.go Parse, v1/ast/parser_ext.go parseModule, ParseBodyWithOpts.

import { type Diagnostic, errorAt, type Out, type Source, spanOf } from "@portcullis/lang";
import type { Body, Import, Module, Package, RegoVersion, Rule } from "../ast.ts";
import type { RegoText } from "../program.ts";
import { attachAnnotations, type Block, readAnnotations } from "./annotation.ts";
import { body, literal, query } from "./body.ts";
import { bareName, ruleFromBody } from "./bodyrule.ts";
import { tooDeepIn } from "./depth.ts";
import { initialKeywords } from "./keyword.ts";
import { textStart } from "./lexer.ts";
import { keywordAsName, rules, type WrittenRule } from "./rule.ts";
import { isBuiltinName } from "./reserved.ts";
import { applyImport, importStatement, packageStatement } from "./statement.ts";
import {
  advance,
  diagnosticsOf,
  maximumErrors,
  type ParseOptions,
  type Parser,
  type Place,
  unexpected,
} from "./state.ts";
import { infix, term } from "./term.ts";
import { checkVersion1 } from "./version1.ts";

export type { ParseOptions } from "./state.ts";

type Statement =
  | { readonly kind: "package"; readonly package: Package }
  | { readonly kind: "import"; readonly import: Import }
  | { readonly kind: "rule"; readonly rule: WrittenRule }
  | { readonly kind: "body"; readonly body: Body };

/** Parses a module. With an error the value is null and the diagnostics say why. */
export function parseModule(text: RegoText, options: ParseOptions = {}): Out<Module | null> {
  const p = newParser(text, options);
  const statements = readStatements(p, false);
  const comments = [...p.comments.values()].toSorted((a, b) => a.span.start - b.span.start);
  const read = p.options.annotations ? readAnnotations(p.source, comments) : { annotations: [], diagnostics: [] };
  const syntax = [...diagnosticsOf(p), ...read.diagnostics];
  if (syntax.length > 0) return { value: null, diagnostics: syntax };
  const { module, diagnostics } = assemble(p, statements, read.annotations);
  return { value: diagnostics.length > 0 || module === null ? null : { ...module, comments }, diagnostics };
}

/** Parses a query: literals separated by `;` or new lines, without rules. */
export function parseQuery(text: RegoText, options: ParseOptions = {}): Out<Body | null> {
  const p = newParser(text, options);
  const statements = readStatements(p, true);
  const diagnostics = diagnosticsOf(p);
  const literals = statements.flatMap((statement) => (statement.kind === "body" ? statement.body : []));
  for (const statement of statements) {
    if (statement.kind !== "package" && statement.kind !== "import") continue;
    const { span } = statement.kind === "package" ? statement.package : statement.import;
    const kind = statement.kind === "package" ? "Package" : "Import";
    diagnostics.push(errorAt("rego_parse_error", span, `expected body but got *ast.${kind}`));
  }
  const deep = tooDeepIn(literals);
  if (deep !== null) diagnostics.push(deep);
  return { value: diagnostics.length > 0 ? null : literals, diagnostics };
}

function newParser({ source, version }: RegoText, { annotations = true, opa = "1.22" }: ParseOptions): Parser {
  const p: Parser = {
    source,
    text: source.text,
    version,
    options: { annotations, opa },
    grammar: { literal, body, term, infix, element: (parser) => infix(parser, false) },
    place: firstPlace(source),
    keywords: initialKeywords(version),
    notBodies: false,
    terms: new Map(),
    comments: new Map(),
    wildcards: new Map(),
    wildcardCount: 0,
    depth: 0,
    guessing: false,
  };
  advance(p);
  return p;
}

/** Before the first token. */
function firstPlace({ text }: Source): Place {
  const start = textStart(text);
  const token = { kind: "whitespace", start, end: start, text: "", errors: [] } as const;
  return { token, kind: "whitespace", lastEnd: 0, newline: false, errors: null, hints: [] };
}

// ── statements

function readStatements(p: Parser, isQuery: boolean): Statement[] {
  const statements: Statement[] = [];
  while (p.place.kind !== "eof") {
    const before = p.place;
    const made = nextStatements(p, isQuery);
    if (made === null) break;
    statements.push(...made);
    p.terms.clear();
    if (p.place === before) break;
  }
  return statements;
}

/** The statements at this place; null where there is none. */
function nextStatements(p: Parser, isQuery: boolean): Statement[] | null {
  if (!isQuery && keywordAsName(p, false)) return null;
  const saved = p.place;
  const path = pathStatement(p);
  if (path !== null) return path;
  // Any error so far ends the parse here, also one of a statement before; in OPA 1.17 before every statement.
  const looks = saved.kind === "package" || saved.kind === "import" || p.options.opa === "1.17";
  if (looks && p.place.errors !== null) return null;
  p.place = saved;
  if (!isQuery) {
    const made = rules(p);
    if (made !== null) return made.map((rule) => ({ kind: "rule", rule }));
    if (p.place.errors !== null) return null;
    p.place = saved;
  }
  const literals = query(p);
  return literals === null ? null : [{ kind: "body", body: literals }];
}

function pathStatement(p: Parser): Statement[] | null {
  const made = packageOrImport(p);
  if (made === null) return null;
  if (p.place.kind === "minus") {
    // It belongs to no path, and must not become the sign of what follows.
    unexpected(p);
    return null;
  }
  if (made.kind === "import") applyImport(p, made.import);
  return [made];
}

function packageOrImport(p: Parser): (Statement & { readonly kind: "package" | "import" }) | null {
  if (p.place.kind === "package") {
    const made = packageStatement(p);
    return made === null ? null : { kind: "package", package: made };
  }
  if (p.place.kind !== "import") return null;
  const made = importStatement(p);
  return made === null ? null : { kind: "import", import: made };
}

// ── the module

interface Assembled {
  readonly module: Module | null;
  readonly diagnostics: readonly Diagnostic[];
}

function assemble(p: Parser, statements: readonly Statement[], annotations: readonly Block[]): Assembled {
  const [first] = statements;
  if (first === undefined) {
    // An annotation is something, but no package.
    const [block] = annotations;
    const message = block === undefined ? "empty module" : "package expected";
    return { module: null, diagnostics: [errorAt("rego_parse_error", block?.span ?? startOf(p.source), message)] };
  }
  const diagnostics: Diagnostic[] = [];
  if (first.kind !== "package")
    diagnostics.push(errorAt("rego_parse_error", spanOfStatement(first), "package expected"));
  const imports = statements.flatMap((statement) => (statement.kind === "import" ? [statement.import] : []));
  const version = effectiveVersion(p, imports);
  const hints = version === "v0" && p.options.opa !== "1.17";
  const written = writtenRules(hints, statements, diagnostics);
  if (version === "v1") for (const rule of written) diagnostics.push(...checkVersion1(rule));
  if (first.kind !== "package" || diagnostics.length > 0) return { module: null, diagnostics };
  const plain = written.map(({ rule }) => rule);
  const deep = tooDeepIn(plain);
  if (deep !== null) return { module: null, diagnostics: [deep] };
  const attached = attachAnnotations({ package: first.package, imports, rules: plain, annotations });
  const module = {
    source: p.source,
    version: p.version,
    package: first.package,
    imports,
    comments: [],
    ...attached.value,
  };
  return { module, diagnostics: attached.diagnostics };
}

/** The rules in order; problems are added to the diagnostics, with a hint where an import may be missing. */
function writtenRules(hints: boolean, statements: readonly Statement[], diagnostics: Diagnostic[]): WrittenRule[] {
  const made: WrittenRule[] = [];
  for (const [index, statement] of statements.entries()) {
    if (index === 0 || statement.kind === "import") continue;
    if (diagnostics.length >= maximumErrors) break;
    const result = statement.kind === "rule" ? statement.rule : ruleOrProblem(statement);
    if (typeof result !== "string") {
      made.push(result);
      continue;
    }
    const keyword = hints ? missingKeyword(statement, statements[index + 1]) : null;
    const hint =
      keyword === null ? "" : ` (hint: \`import future.keywords.${keyword}\` for \`${examples[keyword]}\` rules)`;
    diagnostics.push(errorAt("rego_parse_error", spanOfStatement(statement), result + hint));
  }
  return made;
}

function ruleOrProblem(statement: Statement & { readonly kind: "package" | "body" }): WrittenRule | string {
  return statement.kind === "package" ? "unexpected package" : ruleFromBody(statement.body, isBuiltinName);
}

const examples = { if: "p if { ... }", contains: "p contains x" };

/** The head keyword that a v0 text uses without importing it: `p if { … }` is then `p` and a rule called `if`. */
function missingKeyword(statement: Statement, next: Statement | undefined): "if" | "contains" | null {
  if (statement.kind !== "body") return null;
  const own = headKeyword(statement);
  if (own !== null || next === undefined) return own;
  const { source, start } = spanOfStatement(statement);
  const between = source.text.slice(start, spanOfStatement(next).start);
  return between.includes("\n") ? null : headKeyword(next);
}

function headKeyword(statement: Statement): "if" | "contains" | null {
  const name =
    statement.kind === "body" ? bareName(statement.body) : statement.kind === "rule" ? nameOf(statement.rule.rule) : "";
  return name === "if" || name === "contains" ? name : null;
}

function nameOf({ head }: Rule): string {
  const [name] = head.reference;
  return name?.kind === "var" ? name.name : "";
}

function spanOfStatement(statement: Statement): { source: Source; start: number; end: number } {
  switch (statement.kind) {
    case "package":
      return statement.package.span;
    case "import":
      return statement.import.span;
    case "rule":
      return statement.rule.rule.span;
    case "body":
      break;
  }
  const [first] = statement.body;
  if (first === undefined) throw new RangeError("a body has at least one literal");
  return first.span;
}

function startOf(source: Source): { source: Source; start: number; end: number } {
  return spanOf(source, 0, 0);
}

/** `import rego.v1` and `rego.v2` make a v0 text one of v1. */
function effectiveVersion(p: Parser, imports: readonly Import[]): RegoVersion {
  const raised = imports.some(({ path: { head, path } }) => {
    const [step] = path;
    const isVersion = step?.kind === "string" && (step.value === "v1" || step.value === "v2");
    return head.kind === "var" && head.name === "rego" && path.length === 1 && isVersion;
  });
  return raised ? "v1" : p.version;
}
