// `and`, `or` and `not` of bodies (future.keywords.and/or/not, rego.v2). Operands are single literals, `{ bodies }` or
// `( groups )`. Braces and parentheses also begin terms, so an operand is first tried as a body or group and taken back
// where what follows shows that it was a value; where neither reading is clear, the error says how to write both.
// OPA: parseLogicalOrChain, parseLogicalAndChain, parseLogicalOperand, parseLogicalGroup, parseNotBody.

import { type Span, spanText } from "@portcullis/lang";
import type { Body, Expr, Term } from "../ast.ts";
import { ambiguousWith, expression, logicLiteral, notLiteral, withModifiers } from "./expr.ts";
import { kindText } from "./keyword.ts";
import {
  advance,
  error,
  errorHere,
  hint,
  kindOf,
  nested,
  type Parser,
  type Place,
  peekToSpace,
  spanFrom,
  spanHere,
} from "./state.ts";
import { infix, term } from "./term.ts";
import { valueName } from "./text.ts";

/** One side of `and`/`or`. */
export interface Operand {
  readonly body: Body;
  /** Written in braces. */
  readonly braces: boolean;
  readonly span: Span;
}

export function isLogicActive(p: Parser): boolean {
  return p.keywords.has("and") || p.keywords.has("or");
}

export function atLogicOperator(p: Parser): boolean {
  return p.place.kind === "logical-and" || p.place.kind === "logical-or";
}

/** Whether the current token is `not` in front of a literal, not the beginning of a reference `not.x`. */
export function isNegation(p: Parser): boolean {
  if (p.place.kind !== "not") return false;
  const next = peekToSpace(p);
  return next !== "." && next !== "[";
}

// ── chains

/** At `and` or `or` after the first operand: the whole chain, left-associative, `and` binding tighter. */
function logicChain(p: Parser, first: Operand): Expr | null {
  return nested(p, () => {
    let left: Operand | null = andChain(p, first);
    while (left !== null && p.place.kind === "logical-or") {
      advance(p);
      const operand: Operand | null = logicOperand(p, "or");
      const right: Operand | null = operand === null ? null : andChain(p, operand);
      if (right === null) return null;
      left = joined(p, "or", left, right);
    }
    return left === null ? null : (left.body[0] ?? null);
  });
}

function andChain(p: Parser, first: Operand): Operand | null {
  let left = first;
  while (p.place.kind === "logical-and") {
    advance(p);
    const right = logicOperand(p, "and");
    if (right === null) return null;
    left = joined(p, "and", left, right);
  }
  return left;
}

function joined(p: Parser, operator: "and" | "or", left: Operand, right: Operand): Operand {
  for (const { body } of [left, right]) checkVoid(p, body, operator);
  const span = spanFrom(p, left.span.start);
  return {
    body: [
      logicLiteral(
        operator,
        { left: left.body, leftExplicit: left.braces, right: right.body, rightExplicit: right.braces },
        span,
      ),
    ],
    braces: false,
    span,
  };
}

/** The operand with the chain that follows it and the modifiers of the whole. */
export function logicTail(p: Parser, first: Operand): Expr | null {
  const whole = atLogicOperator(p) ? logicChain(p, first) : (first.body[0] ?? null);
  return whole === null ? null : withModifiers(p, whole);
}

// ── operands

/** `operator` is null while only trying: errors are then taken back, so none is worth wording. */
function logicOperand(p: Parser, operator: "and" | "or" | null): Operand | null {
  if (p.place.kind === "{") return bracedOperand(p, operator);
  const notSpan = isNegation(p) ? spanHere(p) : null;
  if (notSpan !== null) advance(p);
  if (notSpan !== null && p.notBodies && kindOf(p) === "{") {
    const made = notBraces(p, notSpan.start);
    return made === null ? null : single(made);
  }
  if (p.place.kind === "(" && isLogicActive(p) && (notSpan === null || p.notBodies)) {
    const group = logicGroup(p, true, notSpan === null ? "" : "not ");
    if (group === "error") return null;
    if (group !== "value") return notSpan === null ? group : single(negatedGroup(p, group, notSpan.start));
  }
  return plainOperand(p, notSpan);
}

function plainOperand(p: Parser, notSpan: Span | null): Operand | null {
  const expr = expression(p);
  if (expr === null) return null;
  if (notSpan === null) return single(expr);
  if (!p.notBodies) return single({ ...expr, negated: true });
  const span = spanFrom(p, notSpan.start);
  return single(notLiteral([expr], false, span));
}

function single(expr: Expr): Operand {
  return { body: [expr], braces: false, span: expr.span };
}

export function negatedGroup(p: Parser, group: Operand, start: number): Expr {
  return notLiteral(group.body, group.braces, spanFrom(p, start));
}

function bracedOperand(p: Parser, operator: "and" | "or" | null): Operand | null {
  const opening = spanHere(p);
  const body = bracedBody(p, operator === null ? null : (place) => bracesHoldValue(p, place, operator));
  if (body === null) return null;
  const operand = { body, braces: true, span: opening };
  // A caller that only tries takes this error back.
  if (isAmbiguousUnion(body)) ambiguousUnion(p, { opening, body, prefix: "" });
  return operand;
}

/** At `{`: the body in it. Where it is none, `explain` may find out what else it is and say so. */
function bracedBody(p: Parser, explain: ((opening: Place) => boolean) | null): Body | null {
  const opening = p.place;
  advance(p);
  const empty = p.place.kind === "}";
  const body = p.grammar.body(p, "}");
  if (body !== null) {
    advance(p);
    return body;
  }
  // An empty body was reported exactly.
  if (empty || explain === null) return null;
  const failed = p.place;
  p.place = opening;
  if (!explain(opening)) p.place = failed;
  return null;
}

function bracesHoldValue(p: Parser, opening: Place, operator: "and" | "or"): boolean {
  const { start } = opening.token;
  if (infix(p) === null) return false;
  braceLed(p, spanFrom(p, start), operator);
  return true;
}

/** At `{` after `not`: the negated body as a literal. */
export function notBraces(p: Parser, notStart: number): Expr | null {
  const opening = spanHere(p);
  const body = bracedBody(p, () => {
    const value = infix(p);
    if (value === null) return false;
    negatedValue(p, spanFrom(p, opening.start), value);
    return true;
  });
  if (body === null) return null;
  if (isAmbiguousUnion(body)) {
    ambiguousUnion(p, { opening, body, prefix: "not " });
    return null;
  }
  return notLiteral(body, true, spanFrom(p, notStart));
}

/** At `{` that begins a literal: the literal if an `and`/`or` follows the body, `value` and back at `{` if not. */
export function bracedLiteral(p: Parser): Expr | null | "value" {
  const saved = p.place;
  const opening = spanHere(p);
  advance(p);
  const body = p.grammar.body(p, "}");
  if (body !== null) {
    advance(p);
    if (atLogicOperator(p)) {
      if (isAmbiguousUnion(body)) {
        ambiguousUnion(p, { opening, body, prefix: "" });
        return null;
      }
      return logicTail(p, { body, braces: true, span: opening });
    }
  }
  p.place = saved;
  return "value";
}

// ── groups

type Group = Operand | "error" | "value";

/**
 * At `(`: a group of `and`, `or` and `not`; `value`, and back at `(`, where the parentheses hold a term. `operand` says
 * that the parenthesis stands where only an operand can; `prefix` is what was in front of it, for messages.
 */
export function logicGroup(p: Parser, operand: boolean, prefix: string): Group {
  return nested(p, () => newGroup(p, operand, prefix)) ?? "error";
}

function newGroup(p: Parser, operand: boolean, prefix: string): Group {
  const saved = p.place;
  const { start } = saved.token;
  advance(p);
  if (p.place.kind === ")") {
    if (!operand) return backTo(p, saved);
    error(p, start, "empty parenthesized group");
    return "error";
  }
  const first = logicOperand(p, null);
  if (first === null) return backTo(p, saved);
  if (atLogicOperator(p)) {
    const chain = logicTail(p, first);
    return chain === null ? "error" : closed(p, start, [chain]);
  }
  if (p.place.kind === "with" && !first.braces && first.body.length === 1) {
    return groupWithModifiers(p, { saved, operand }, first);
  }
  if (first.braces) return groupOfBraces(p, { saved, prefix }, first);
  return isGroupByItself(first.body) ? closed(p, start, first.body) : backTo(p, saved);
}

function backTo(p: Parser, place: Place): "value" {
  p.place = place;
  return "value";
}

function closed(p: Parser, start: number, body: Body): Group {
  if (p.place.kind !== ")") {
    errorHere(p, "expected ) to close parenthesized group");
    return "error";
  }
  advance(p);
  return { body, braces: false, span: spanFrom(p, start) };
}

interface GroupStart {
  readonly saved: Place;
  readonly operand: boolean;
}

/** `(a with input as x)`. */
function groupWithModifiers(p: Parser, { saved, operand }: GroupStart, first: Operand): Group {
  const withStart = p.place.token.start;
  const expr = first.body[0] === undefined ? null : withModifiers(p, first.body[0]);
  if (expr === null) return "error";
  if (atLogicOperator(p)) {
    ambiguousWith(p, withStart, kindText(p.place.kind));
    return "error";
  }
  const group = closed(p, saved.token.start, [expr]);
  return group === "error" || operand || atLogicOperator(p) ? group : backTo(p, saved);
}

/** `({ … })`: no group, so it must be a value. */
function groupOfBraces(p: Parser, { saved, prefix }: { saved: Place; prefix: string }, first: Operand): Group {
  const braces = spanText(spanFrom(p, first.span.start));
  p.place = saved;
  advance(p);
  const value = term(p);
  p.place = saved;
  if (value !== null) return "value";
  hint(p, `drop the parens to keep the body: \`${prefix}${braces}\``);
  error(p, saved.token.start, "`(...)` in an operand position cannot contain a body");
  return "error";
}

/** Redundant parentheses around a group or a negation. */
function isGroupByItself(body: Body): boolean {
  const [first] = body;
  return body.length === 1 && first !== undefined && (first.kind === "logic" || first.kind === "not" || first.negated);
}

// ── operands that are refused

/** `{ a | b }` as a body: nobody could tell it from a comprehension. The call `or(a, b)` and `(a | b)` are clear. */
function isAmbiguousUnion(body: Body): boolean {
  const [first] = body;
  if (first?.kind !== "call" || !first.infix || first.operator.path.length > 0) return false;
  if (first.operator.head.kind !== "var" || first.operator.head.name !== "or") return false;
  return !spanText(first.span).trim().startsWith("(");
}

interface BracedUnion {
  readonly opening: Span;
  readonly body: Body;
  readonly prefix: string;
}

function ambiguousUnion(p: Parser, { opening, body, prefix }: BracedUnion): void {
  const { start } = opening;
  const braces = spanText(spanFrom(p, start));
  const union = body[0]?.span ?? opening;
  const clear = `${braces.slice(0, union.start - start)}(${spanText(union)})${braces.slice(union.end - start)}`;
  hint(p, `write \`${prefix}(${braces})\` for the comprehension, or \`${prefix}${clear}\` for the set union`);
  const message =
    "ambiguous `{ ... | ... }` operand: read as a body holding a set-union expression, not as a comprehension";
  error(p, start, message);
}

/** An operand that begins with the `{` of a value. */
export function braceLed(p: Parser, operand: Span, operator: string): void {
  hint(p, `wrap the operand to keep the value: \`(${spanText(operand)}) ${operator} ...\``);
  error(p, operand.start, `operand of \`${operator}\` cannot begin with \`{\` unless the braces hold a body`);
}

function negatedValue(p: Parser, operand: Span, value: Term): void {
  const text = spanText(operand);
  hint(p, `write \`not (${text})\` to negate the value, or \`not {${text}}\` for a body holding it`);
  const message = "`{...}` in an operand position must contain expression(s), got: ";
  error(p, operand.start, message + valueName(leading(value)));
}

/** The value that the first character of a term belongs to, through operators. */
function leading(value: Term): Term {
  const [first] = value.kind === "call" && value.infix ? value.args : [];
  return first === undefined ? value : leading(first);
}

/** Built-ins without a result: an operand that only calls them can never fail. */
const voidBuiltins: ReadonlySet<string> = new Set(["print"]);

function checkVoid(p: Parser, body: Body, operator: "and" | "or"): void {
  const names = body.map(voidName);
  const [name] = names;
  const first = body[0];
  if (name === null || name === undefined || first === undefined || names.includes(null)) return;
  hint(
    p,
    `\`${name}\` produces no value and always succeeds, so the operand can never fail; move it out of the operand, or add an expression that can fail`,
  );
  error(p, first.span.start, `operand of \`${operator}\` cannot consist only of calls to \`${name}\``);
}

function voidName(expr: Expr): string | null {
  if (expr.kind !== "call" || expr.negated || expr.operator.path.length > 0) return null;
  const { head } = expr.operator;
  return head.kind === "var" && voidBuiltins.has(head.name) ? head.name : null;
}
