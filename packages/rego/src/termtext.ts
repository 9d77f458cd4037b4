// The text of terms and literals as OPA prints them in its messages: wildcards as `_`, strings quoted as Go quotes
// them, calls in prefix form, keys of references in brackets where they are no plain names.
// OPA: v1/ast/term_appenders.go, policy_appenders.go.

import { numberText } from "@portcullis/lang";
import { quote } from "@portcullis/lang/go";
import type { Body, Expr, NotExpr, Term, With } from "./ast.ts";
import { dottedName, isEquality, refTerms } from "./terms.ts";
import { isWildcard } from "./visit.ts";

export function termText(term: Term): string {
  switch (term.kind) {
    case "null":
      return "null";
    case "boolean":
      return String(term.value);
    case "number":
      return numberText(term.value);
    case "string":
      return quote(term.value);
    case "var":
      return isWildcard(term.name) ? "_" : term.name;
    case "ref":
      return refText(refTerms(term));
    case "array":
      return `[${list(term.items)}]`;
    case "set":
      return term.items.length === 0 ? "set()" : `{${list(term.items)}}`;
    case "object":
      return `{${term.entries.map(([key, value]) => `${termText(key)}: ${termText(value)}`).join(", ")}}`;
    case "array-comprehension":
      return `[${comprehensionTerm(term.term)} | ${bodyText(term.body)}]`;
    case "set-comprehension":
      return `{${comprehensionTerm(term.term)} | ${bodyText(term.body)}}`;
    case "object-comprehension":
      return `{${comprehensionTerm(term.key)}: ${comprehensionTerm(term.value)} | ${bodyText(term.body)}}`;
    case "call":
      return `${termText(term.operator)}(${list(term.args)})`;
    case "template-string":
      break;
  }
  return `$"${term.parts.map(partText).join("")}"`;
}

/** The text of a path of terms: `data.a["b-c"][x]`. */
export function refText(terms: readonly Term[]): string {
  const [head, ...path] = terms;
  if (head === undefined) return "";
  const start = head.kind === "string" ? head.value : termText(head);
  if (head.kind === "var" && namespaces.has(head.name) && path.every((part) => part.kind === "string")) {
    return [start, ...path.map((part) => (part.kind === "string" ? part.value : ""))].join(".");
  }
  return start + path.map(keyText).join("");
}

/** Built-ins keep their dotted name even where a part is a keyword. */
const namespaces: ReadonlySet<string> = new Set(["internal"]);

function keyText(term: Term): string {
  return term.kind === "string" ? nameText(term.value) : `[${termText(term)}]`;
}

/** A constant step of a reference: `.name`, or in brackets where it is no plain name. */
export function nameText(value: string): string {
  if (plainName.test(value) && !keywords.has(value)) return `.${value}`;
  return needsEscapes.test(value) ? `[${quote(value)}]` : `["${value}"]`;
}

const plainName = /^[A-Za-z_][A-Za-z0-9_]*$/;

const needsEscapes = /[\\\p{Cc}]/u;

const keywords: ReadonlySet<string> = new Set([
  "not",
  "package",
  "import",
  "as",
  "default",
  "else",
  "with",
  "null",
  "true",
  "false",
  "some",
  "if",
  "contains",
  "in",
  "every",
]);

export function exprText(expr: Expr): string {
  const negation = expr.negated ? "not " : "";
  const modifiers = expr.with.map((modifier) => ` ${withText(modifier)}`).join("");
  return negation + literalText(expr) + modifiers;
}

function bodyText(body: Body): string {
  return body.map(exprText).join("; ");
}

/** What a message calls the kind of a term: `cannot assign to ref`. OPA: ValueName. */
export function kindName(term: Term): string {
  return term.kind.replace("-", "");
}

function literalText(expr: Expr): string {
  switch (expr.kind) {
    case "term":
      return termText(expr.term);
    case "call":
      if (isEquality(expr)) return `${termText(expr.args[0])} = ${termText(expr.args[1])}`;
      return `${termText(expr.operator)}(${list(expr.args)})`;
    case "some":
      return `some ${list(expr.symbols)}`;
    case "every": {
      const key = expr.key === null ? "" : `${termText(expr.key)}, `;
      return `every ${key}${termText(expr.value)} in ${termText(expr.domain)} { ${bodyText(expr.body)} }`;
    }
    case "not":
      return `not ${notBodyText(expr)}`;
    case "logic":
      break;
  }
  const left = operandText(expr.left, expr.leftExplicit);
  return `${left} ${expr.operator} ${operandText(expr.right, expr.rightExplicit)}`;
}

/** `and`, `or` and `with` bind less than `not`. */
function notBodyText({ body, explicit }: NotExpr): string {
  if (explicit || body.length !== 1) return `{${bodyText(body)}}`;
  const [only] = body;
  return only?.kind === "logic" || (only?.with.length ?? 0) > 0 ? `(${bodyText(body)})` : bodyText(body);
}

function operandText(body: Body, explicit: boolean): string {
  return explicit || body.length !== 1 ? `{ ${bodyText(body)} }` : bodyText(body);
}

function withText(modifier: With): string {
  return `with ${termText(modifier.target)} as ${termText(modifier.value)}`;
}

/** Operators inside a comprehension's head are printed infix, so that they cannot be taken for its bar. */
function comprehensionTerm(term: Term): string {
  if (term.kind !== "call" || term.args.length !== 2) return termText(term);
  const symbol = infix.get(dottedName(term.operator) ?? "");
  if (symbol === undefined) return termText(term);
  const [left, right] = term.args as readonly [Term, Term];
  return `(${comprehensionTerm(left)} ${symbol} ${comprehensionTerm(right)})`;
}

const infix: ReadonlyMap<string, string> = new Map([
  ["assign", ":="],
  ["eq", "="],
  ["equal", "=="],
  ["neq", "!="],
  ["lt", "<"],
  ["lte", "<="],
  ["gt", ">"],
  ["gte", ">="],
  ["plus", "+"],
  ["minus", "-"],
  ["mul", "*"],
  ["div", "/"],
  ["rem", "%"],
  ["and", "&"],
  ["or", "|"],
]);

function partText(part: string | Expr): string {
  if (typeof part !== "string") return `{${exprText(part)}}`;
  return quote(part).slice(1, -1).replaceAll("{", "\\{");
}

function list(terms: readonly Term[]): string {
  return terms.map(termText).join(", ");
}
