// A tree as a short text, so that expected results of parsing can be read and compared line by line.

import { numberText } from "@portcullis/lang";
import type { Body, Expr, Module, Rule, Term } from "../../src/ast.ts";

export function moduleText(module: Module): string {
  const imports = module.imports.map(
    ({ path, alias }) => `import ${termText(path)}${alias === null ? "" : ` as ${alias}`}`,
  );
  return [`package ${module.package.path.join("/")}`, ...imports, ...module.rules.map(ruleText)].join("\n");
}

function ruleText(rule: Rule): string {
  const { head } = rule;
  const args = head.args === null ? "" : `(${list(head.args)})`;
  const kind = head.value === null ? ` contains ${text(head.key)}` : ` ${head.assign ? ":=" : "="} ${text(head.value)}`;
  const flags = `${rule.default ? "default " : ""}${rule.bodyless ? "bodyless " : ""}`;
  const notes = rule.annotations.map(({ scope, values }) => ` @${scope}${JSON.stringify(values)}`).join("");
  const next = rule.else === null ? "" : `\n  else ${ruleText(rule.else)}`;
  return `rule ${flags}${list(head.reference)}${args}${kind} ${bodyText(rule.body)}${notes}${next}`;
}

export function bodyText(body: Body): string {
  return `{${body.map(exprText).join("; ")}}`;
}

function exprText(expr: Expr): string {
  const modifiers = expr.with.map(({ target, value }) => ` with ${termText(target)} as ${termText(value)}`).join("");
  return `${expr.negated ? "!" : ""}${operandText(expr)}${modifiers}`;
}

function operandText(expr: Expr): string {
  switch (expr.kind) {
    case "term":
      return termText(expr.term);
    case "call":
      return callText(expr.operator, expr.args);
    case "some":
      return `some ${list(expr.symbols)}`;
    case "every":
      return `every ${text(expr.key)}, ${termText(expr.value)} in ${termText(expr.domain)} ${bodyText(expr.body)}`;
    case "not":
      return `not${expr.explicit ? " explicit" : ""} ${bodyText(expr.body)}`;
    case "logic":
      break;
  }
  const left = `${bodyText(expr.left)}${expr.leftExplicit ? "*" : ""}`;
  return `${expr.operator}(${left}, ${bodyText(expr.right)}${expr.rightExplicit ? "*" : ""})`;
}

function callText(operator: Term, args: readonly Term[]): string {
  return `${termText(operator)}(${list(args)})`;
}

function list(terms: readonly Term[]): string {
  return terms.map(termText).join(", ");
}

function text(term: Term | null): string {
  return term === null ? "-" : termText(term);
}

function termText(term: Term): string {
  switch (term.kind) {
    case "null":
      return "null";
    case "boolean":
      return String(term.value);
    case "number":
      return numberText(term.value);
    case "string":
      return JSON.stringify(term.value);
    case "var":
      return term.name;
    case "ref":
      return `${termText(term.head)}${term.path.map((step) => `[${termText(step)}]`).join("")}`;
    case "array":
      return `[${list(term.items)}]`;
    case "set":
      return `set{${list(term.items)}}`;
    case "object":
      return `{${term.entries.map(([key, value]) => `${termText(key)}: ${termText(value)}`).join(", ")}}`;
    case "array-comprehension":
      return `[${termText(term.term)} | ${bodyText(term.body)}]`;
    case "set-comprehension":
      return `set{${termText(term.term)} | ${bodyText(term.body)}}`;
    case "object-comprehension":
      return `{${termText(term.key)}: ${termText(term.value)} | ${bodyText(term.body)}}`;
    case "call":
      return callText(term.operator, term.args);
    case "template-string":
      break;
  }
  const parts = term.parts.map((part) => (typeof part === "string" ? JSON.stringify(part) : exprText(part)));
  return `$${term.multiLine ? "raw" : ""}(${parts.join(" ")})`;
}
