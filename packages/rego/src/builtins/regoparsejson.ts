// Trees as OPA writes them in JSON, without places. Absent parts are left out, not null, except where OPA's are not;
// keys of objects and members of sets stand in their order. OPA: v1/ast/policy_json.go, term_json.go.

import { spanText } from "@portcullis/lang";
import { encodeBase64, encodeUtf8, standardBase64 } from "@portcullis/lang/go";
import type { Body, Expr, Head, Import, Module, RefTerm, Rule, Term, With } from "../ast.ts";
import type { PlainObject, Value } from "../runtime/value.ts";
import { objectTerm, refTerms, setTerm } from "../terms.ts";
import { isConstant } from "../visit.ts";

/** The members with a value. */
function object(members: Readonly<Record<string, Value | undefined | false>>): PlainObject {
  return Object.fromEntries(
    Object.entries(members).filter((entry): entry is [string, Value] => entry[1] !== undefined && entry[1] !== false),
  );
}

function unlessEmpty(list: readonly Value[]): readonly Value[] | undefined {
  return list.length === 0 ? undefined : list;
}

export function moduleJson(module: Module): PlainObject {
  const path = module.package.path.map((step, at) => typed(at === 0 ? "var" : "string", step));
  return object({
    package: { path },
    imports: unlessEmpty(module.imports.map(importJson)),
    rules: unlessEmpty(module.rules.map(ruleJson)),
    comments: unlessEmpty(
      module.comments.map(({ text, span }) => {
        const { line, column } = span.source.position(span.start);
        return {
          Text: encodeBase64(encodeUtf8(text), standardBase64),
          Location: { file: span.source.name, row: line, col: column },
        };
      }),
    ),
  });
}

function importJson({ path, alias }: Import): Value {
  return object({ path: termJson(path), alias: alias ?? undefined });
}

function ruleJson(rule: Rule): PlainObject {
  return ruleAs(rule, nameAndKey(rule));
}

/** Links of an else chain have the name and key of the first. */
function ruleAs(rule: Rule, names: Names): PlainObject {
  return object({
    default: rule.default,
    head: headJson(rule.head, names),
    body: rule.bodyless ? [impliedTrue] : bodyJson(rule.body),
    else: rule.else === null ? undefined : ruleAs(rule.else, names),
  });
}

const impliedTrue: Value = { generated: true, index: 0, terms: { type: "boolean", value: true } };

interface Names {
  readonly name?: string | undefined;
  readonly key?: Term | undefined;
}

/**
 * OPA keeps a name and a key beside the reference for tools of the time when it had at most two steps, and what it puts
 * there depends on how the rule was written. OPA: v1/ast/parser.go parseRules, ParsePartialObjectDocRuleFromEqExpr.
 */
function nameAndKey(rule: Rule): Names {
  const { reference, args, value, key } = rule.head;
  const [first, second] = reference;
  const name = first?.kind === "var" ? first.name : undefined;
  if (value === null) return { name: reference.length === 1 ? name : undefined, key: key ?? undefined };
  if (reference.length === 1) return { name };
  if (reference.length > 2 || second === undefined || rule.default) return {};
  const implied = value.kind === "boolean" && spanText(value.span) !== String(value.value);
  const mayHaveKey = args === null;
  if (rule.bodyless) return mayHaveKey && !implied ? { name, key: second } : {};
  const isOpen = second.kind === "ref" || !isConstant(second);
  return { name: implied ? undefined : name, key: mayHaveKey && isOpen ? second : undefined };
}

function headJson({ reference, args, value, assign }: Head, { name, key }: Names): Value {
  return object({
    name,
    ref: reference.map(termJson),
    args: args === null ? undefined : unlessEmpty(args.map(termJson)),
    key: key === undefined ? undefined : termJson(key),
    value: value === null ? undefined : termJson(value),
    assign,
  });
}

// ── literals

function bodyJson(body: Body): readonly Value[] {
  return body.map(exprJson);
}

function exprJson(expr: Expr, index: number): Value {
  return object({
    index,
    terms: termsJson(expr),
    with: unlessEmpty(expr.with.map(withJson)),
    generated: expr.generated,
    negated: expr.negated,
  });
}

function withJson({ target, value }: With): Value {
  return { target: termJson(target), value: termJson(value) };
}

function termsJson(expr: Expr): Value {
  switch (expr.kind) {
    case "term":
      return termJson(expr.term);
    case "call":
      return callJson(expr.operator, expr.args);
    case "some":
      return { symbols: expr.symbols.map(termJson) };
    case "every":
      return {
        key: expr.key === null ? null : termJson(expr.key),
        value: termJson(expr.value),
        domain: termJson(expr.domain),
        body: bodyJson(expr.body),
      };
    case "not":
      return { type: "not", body: bodyJson(expr.body), explicit_body: expr.explicit };
    case "logic":
      break;
  }
  return object({
    type: expr.operator,
    lhs: bodyJson(expr.left),
    rhs: bodyJson(expr.right),
    explicit_lhs: expr.leftExplicit,
    explicit_rhs: expr.rightExplicit,
  });
}

// ── terms

function typed(type: string, value: Value): PlainObject {
  return { type, value };
}

function callJson(operator: RefTerm, args: readonly Term[]): readonly Value[] {
  return [operator, ...args].map(termJson);
}

function termJson(term: Term): PlainObject {
  switch (term.kind) {
    case "null":
      return typed("null", {});
    case "boolean":
    case "number":
    case "string":
      return typed(term.kind, term.value);
    case "var":
      return typed("var", term.name);
    case "ref":
      return typed("ref", refTerms(term).map(termJson));
    case "array":
      return typed("array", term.items.map(termJson));
    case "set":
      return typed("set", setTerm(term.items, term.span).items.map(termJson));
    case "object": {
      const { entries } = objectTerm(term.entries, term.span);
      return typed(
        "object",
        entries.map(([key, value]) => [termJson(key), termJson(value)]),
      );
    }
    case "call":
      return typed("call", callJson(term.operator, term.args));
    case "array-comprehension":
      return typed("arraycomprehension", { term: termJson(term.term), body: bodyJson(term.body) });
    case "set-comprehension":
      return typed("setcomprehension", { term: termJson(term.term), body: bodyJson(term.body) });
    case "object-comprehension":
      return typed("objectcomprehension", {
        key: termJson(term.key),
        value: termJson(term.value),
        body: bodyJson(term.body),
      });
    case "template-string":
      break;
  }
  const parts = term.parts.map((part) => (typeof part === "string" ? typed("string", part) : exprJson(part, 0)));
  return typed("templatestring", { parts, multi_line: term.multiLine });
}
