// Rules that look like queries: `p = 1`, `p[1]`, `f(x) = y`, `p.q.r`. The parser reads them as plain bodies; in a module
// a body of one suitable literal is such a rule, anything else is an error.
// OPA: v1/ast/parser_ext.go ParseRuleFromBody, ParseRuleFromExpr, parseCompleteRuleFromEq and what they call.

import type { Span } from "@portcullis/lang";
import type { Body, CallExpr, Head, Term } from "../ast.ts";
import { ruleWithoutBody, type WrittenRule } from "./rule.ts";
import { referenceText, valueName } from "./text.ts";

/** The rule, or what is wrong with the body as one. `isBuiltin` tells names that no call may define. */
export function ruleFromBody(body: Body, isBuiltin: (name: string) => boolean): WrittenRule | string {
  const [expr] = body;
  if (expr === undefined || body.length !== 1) return "multiple expressions cannot be used for rule head";
  if (expr.with.length > 0) return "expressions using with keyword cannot be used for rule head";
  if (expr.negated) return "negated expressions cannot be used for rule head";
  if (expr.kind === "some") return "'some' declarations cannot be used for rule head";
  if (expr.kind === "term") return ruleFromTerm(expr.term);
  if (expr.kind !== "call") return "expression cannot be used for rule head";
  const name = referenceText([expr.operator.head, ...expr.operator.path]);
  if (name === "eq" || name === "assign") return ruleFromEquality(expr, name === "assign");
  if (isBuiltin(name)) return "rule name conflicts with built-in function";
  return ruleFromCall(expr);
}

/** `p.q.r` is true, `p[x]` and `p.x` a set with x. */
function ruleFromTerm(term: Term): WrittenRule | string {
  if (term.kind !== "ref") return `${valueName(term)} cannot be used for rule name`;
  const [name, key] = [term.head, term.path[0]];
  if (key === undefined) return "refs cannot be used for rule head";
  if (name.kind !== "var") return `invalid rule head: ${referenceText([name, ...term.path])}`;
  const { span } = term;
  if (term.path.length === 1) {
    return ruleWithoutBody(headOf({ reference: [name], key, span }), { span, impliedValue: false });
  }
  const value = { kind: "boolean", value: true, span } as const;
  return ruleWithoutBody(headOf({ reference: [name, ...term.path], value, span }), { span, impliedValue: true });
}

function headOf(parts: Partial<Head> & Pick<Head, "reference" | "span">): Head {
  return { args: null, key: null, value: null, assign: false, ...parts };
}

function ruleFromEquality({ args, span }: CallExpr, assign: boolean): WrittenRule | string {
  const [left, value] = args;
  if (left === undefined || value === undefined) return "assignment requires two operands";
  const made = equalityHead(left, { value, assign, span });
  return typeof made === "string" ? made : ruleWithoutBody(made, { span, impliedValue: false });
}

interface Definition {
  readonly value: Term;
  readonly assign: boolean;
  readonly span: Span;
}

function equalityHead(left: Term, definition: Definition): Head | string {
  if (left.kind === "var") return headOf({ reference: [left], ...definition });
  if (left.kind === "call" && left.operator.head.kind === "var") {
    const reference = [left.operator.head, ...left.operator.path];
    return headOf({ reference, args: left.args, ...definition });
  }
  if (left.kind !== "ref") return `${valueName(left)} cannot be used for rule name`;
  const reference = [left.head, ...left.path];
  if (left.head.kind !== "var") return `invalid rule head: ${referenceText(reference)}`;
  return headOf({ reference, key: left.path.at(-1) ?? null, ...definition });
}

/** `f(x)`: a function that is true. */
function ruleFromCall({ operator, args }: CallExpr): WrittenRule | string {
  if (args.length === 0) return "rule argument list must take at least one argument";
  const reference = [operator.head, ...operator.path];
  if (operator.head.kind !== "var") return `invalid rule head: ${referenceText(reference)}`;
  const { span } = operator;
  const value = { kind: "boolean", value: true, span } as const;
  return ruleWithoutBody(headOf({ reference, args, value, span }), { span, impliedValue: false });
}

/** Whether a statement is only the name of a keyword that was not imported. */
export function bareName(body: Body): string | null {
  const [expr] = body;
  return body.length === 1 && expr?.kind === "term" && expr.term.kind === "var" ? expr.term.name : null;
}
