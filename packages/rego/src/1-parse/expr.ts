// What literals are made of: an expression (a term, a call, `x := y`, `x = y`) and its `with` modifiers.
// OPA: parseExpr, parseWith, attachWith.

import type { Span } from "@portcullis/lang";
import type { Body, CallExpr, Expr, LogicExpr, NotExpr, Term, TermExpr, With } from "../ast.ts";
import { advance, hint, kindOf, error, type Parser, spanFrom, unexpected } from "./state.ts";
import { infix, operatorHere, term } from "./term.ts";

/** A term, or two with `:=` or `=` between them. */
export function expression(p: Parser): TermExpr | CallExpr | null {
  const { start } = p.place.token;
  const left = infix(p);
  if (left === null) return null;
  if (p.place.kind === "assign" || p.place.kind === "eq") {
    const operator = operatorHere(p);
    const right = infix(p);
    if (right === null) return null;
    return { ...plain, kind: "call", operator, args: [left, right], infix: true, span: spanFrom(p, start) };
  }
  return literalOf(left, spanFrom(p, start));
}

const plain = { negated: false, with: [], generated: false } as const;

/** A term as a literal; a call as a literal is one with the same operator and arguments. */
function literalOf(value: Term, span: Span): TermExpr | CallExpr {
  if (value.kind !== "call") return { ...plain, kind: "term", term: value, span };
  return { ...plain, kind: "call", operator: value.operator, args: value.args, infix: value.infix, span };
}

/** `explicit`: the body was written in braces. */
export function notLiteral(body: Body, explicit: boolean, span: Span): NotExpr {
  return { ...plain, kind: "not", explicit, body, span };
}

type Sides = Pick<LogicExpr, "left" | "leftExplicit" | "right" | "rightExplicit">;

export function logicLiteral(operator: "and" | "or", sides: Sides, span: Span): LogicExpr {
  return { ...plain, kind: "logic", operator, ...sides, span };
}

/** At `with`: one or more modifiers. Null after an error. */
function modifiers(p: Parser): With[] | null {
  const made: With[] = [];
  while (p.place.kind === "with") {
    const modifier = oneModifier(p);
    if (modifier === null) return null;
    made.push(modifier);
  }
  return made;
}

function oneModifier(p: Parser): With | null {
  const { start } = p.place.token;
  advance(p);
  if (kindOf(p) !== "identifier") {
    unexpected(p, "expected ident");
    return null;
  }
  const target = term(p);
  if (target === null) return null;
  if (target.kind !== "ref" && target.kind !== "var") unexpected(p, "expected with target path");
  if (kindOf(p) !== "as") {
    unexpected(p, "expected as keyword");
    return null;
  }
  advance(p);
  const value = infix(p);
  return value === null ? null : { target, value, span: spanFrom(p, start) };
}

/** The literal with the modifiers that follow it, if any. Null after an error in them. */
export function withModifiers(p: Parser, expr: Expr): Expr | null {
  if (p.place.kind !== "with") return expr;
  const made = modifiers(p);
  return made === null ? null : { ...expr, with: made };
}

/** `with` stands on an operand of `and`/`or`, where it could mean either. */
export function ambiguousWith(p: Parser, offset: number, operator: string): void {
  hint(
    p,
    `Wrap the operand in \`(...)\` or \`{...}\` to scope, or move \`with\` after the \`${operator}\` expression to apply it to the whole expression`,
  );
  error(p, offset, `\`with\` modifier is not allowed on operand of \`${operator}\``);
}
