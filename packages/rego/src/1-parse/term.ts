// Terms. Operators bind, from loose to tight: `in`; comparisons; `|`; `&`; `+ -`; `* / %`; and each level is a loop
// over the next one. Below them a term is a value or a name, and what is written against it without a space (`.a`,
// `[b]`, `(c)`) makes a reference or a call of it. A side that does not parse leaves its error and gives back what was
// read so far, as in OPA, so that the caller's complaint follows. OPA: parseTermIn … parseTermFactor, parseTerm,
// parseTermFinish, parseRef, parseCall.

import { type Span, spanOf } from "@portcullis/lang";
import type { CallTerm, RefTerm, Term } from "../ast.ts";
import { array, setOrObject, termList } from "./collection.ts";
import { kindText } from "./keyword.ts";
import type { TokenKind } from "./lexer.ts";
import { number, string, templateString } from "./scalar.ts";
import {
  advance,
  advanceToSpace,
  error,
  errorHere,
  isRefKeyword,
  kindOf,
  nested,
  type Parser,
  peekToSpace,
  remembered,
  spanFrom,
  spanHere,
  takeAsName,
  takeKeywordOfRef,
  unexpected,
  variableHere,
} from "./state.ts";
import { valueName } from "./text.ts";

// ── operators

/** A term with operators. `key, value in xs` is one where `pairs`; in lists the comma is the list's. */
export function infix(p: Parser, pairs = true): Term | null {
  let left = relation(p);
  while (left !== null) {
    const pair: Term | null = pairs && p.place.kind === "," ? pairMembership(p, left) : null;
    if (pair !== null) {
      if (p.place.kind !== "in") return pair;
      left = pair;
    }
    takeKeywordOfRef(p);
    if (p.place.kind !== "in") return left;
    const operator = namedOperator(p, "member_2");
    const right = relation(p);
    if (right === null) return left;
    left = operatorCall(p, operator, [left, right]);
    if (kindOf(p) !== "in") return left;
  }
  return null;
}

/** The rest of `key, value in xs` from its comma on; null and back at the comma when that is not what follows. */
function pairMembership(p: Parser, key: Term): Term | null {
  const saved = p.place;
  advance(p);
  const value = relation(p);
  if (value !== null && p.place.kind === "in") {
    const operator = namedOperator(p, "member_3");
    const domain = relation(p);
    if (domain !== null) return operatorCall(p, operator, [key, value, domain]);
  }
  p.place = saved;
  return null;
}

type Level = (p: Parser) => Term | null;

function level(operators: readonly TokenKind[], operand: Level): Level {
  const kinds = new Set(operators);
  return (p) => {
    let left = operand(p);
    while (left !== null && kinds.has(p.place.kind)) {
      const operator = operatorHere(p);
      const right = operand(p);
      if (right === null) return left;
      left = operatorCall(p, operator, [left, right]);
    }
    return left;
  };
}

const factor = level(["mul", "div", "rem"], term);
const arithmetic = level(["plus", "minus"], factor);
const intersection = level(["and"], arithmetic);
const union = level(["or"], intersection);
const relation = level(["equal", "neq", "lt", "gt", "lte", "gte"], union);

/** The operator at the current token as the built-in that it calls, and on to its right side. */
export function operatorHere(p: Parser): RefTerm {
  const span = spanHere(p);
  const operator = builtin(kindText(p.place.kind), span);
  advance(p);
  return operator;
}

function namedOperator(p: Parser, name: "member_2" | "member_3"): RefTerm {
  const span = spanHere(p);
  advance(p);
  const head = { kind: "var", name: "internal", span } as const;
  return { kind: "ref", head, path: [{ kind: "string", value: name, span }], span };
}

function builtin(name: string, span: Span): RefTerm {
  return { kind: "ref", head: { kind: "var", name, span }, path: [], span };
}

function operatorCall(p: Parser, operator: RefTerm, args: readonly [Term, ...Term[]]): CallTerm {
  return { kind: "call", operator, args, infix: true, span: spanFrom(p, args[0].span.start) };
}

// ── terms

/** A term without operators around it; remembered, so that coming back to it costs nothing. */
export function term(p: Parser): Term | null {
  return remembered(p, () => nested(p, () => newTerm(p)));
}

function newTerm(p: Parser): Term | null {
  // `and(x, y)` and `or(x, y)` are calls of the set built-ins even where the words are keywords.
  const { kind } = p.place;
  if ((kind === "logical-and" || kind === "logical-or") && peekToSpace(p) === "(") takeAsName(p);
  return p.place.kind === "minus" ? negative(p) : finished(p, primary(p));
}

function primary(p: Parser): Term | null {
  const production = primaries.get(p.place.kind);
  if (production !== undefined) return production(p);
  unexpected(p);
  return null;
}

const primaries: ReadonlyMap<TokenKind, Level> = new Map<TokenKind, Level>([
  ["null", (p) => ({ kind: "null", span: spanHere(p) })],
  ["true", (p) => ({ kind: "boolean", value: true, span: spanHere(p) })],
  ["false", (p) => ({ kind: "boolean", value: false, span: spanHere(p) })],
  [".", number],
  ["number", number],
  ["string", string],
  ["template-string-part", (p) => templateString(p, false)],
  ["template-string-end", (p) => templateString(p, false)],
  ["raw-template-string-part", (p) => templateString(p, true)],
  ["raw-template-string-end", (p) => templateString(p, true)],
  ["identifier", variableHere],
  ["contains", variableHere],
  ["[", array],
  ["{", setOrObject],
  ["(", parenthesized],
]);

function parenthesized(p: Parser): Term | null {
  advance(p);
  const inner = infix(p);
  if (inner === null || p.place.kind === ")") return inner;
  errorHere(p, "non-terminated expression");
  return null;
}

/** `-1` is a number, `-x` is `minus(0, x)`. */
function negative(p: Parser): Term | null {
  const saved = p.place;
  const span = spanHere(p);
  advance(p);
  if (p.place.kind !== "identifier" && p.place.kind !== "contains") {
    p.place = saved;
    return finished(p, number(p));
  }
  const operand = finished(p, variableHere(p));
  if (operand === null) return null;
  const zero = { kind: "number", value: 0, span } as const;
  return operatorCall(p, builtin("minus", span), [zero, operand]);
}

/** What follows the last token of a value or name. */
function finished(p: Parser, head: Term | null): Term | null {
  if (head === null) return null;
  advanceToSpace(p);
  if (isRefStart(p.place.kind)) return reference(p, head);
  if (p.place.kind === "whitespace") advance(p);
  return rootOrSame(head);
}

export function isRefStart(kind: TokenKind): boolean {
  return kind === "(" || kind === "." || kind === "[";
}

/** The documents `input` and `data` are references even when nothing follows. */
export function rootOrSame(head: Term): Term {
  if (head.kind !== "var" || (head.name !== "input" && head.name !== "data")) return head;
  return { kind: "ref", head, path: [], span: head.span };
}

const refHeads: ReadonlySet<Term["kind"]> = new Set<Term["kind"]>([
  "var",
  "array",
  "object",
  "set",
  "array-comprehension",
  "object-comprehension",
  "set-comprehension",
  "call",
]);

/** At `.`, `[` or `(` right behind the head. */
export function reference(p: Parser, head: Term): Term | null {
  return nested(p, () => newReference(p, head));
}

function newReference(p: Parser, head: Term): Term | null {
  if (!refHeads.has(head.kind)) error(p, head.span.start, `illegal ref (head cannot be ${valueName(head)})`);
  const { start } = head.span;
  const path: Term[] = [];
  while (p.place.kind === "." || p.place.kind === "[") {
    const step = p.place.kind === "." ? dotStep(p) : bracketStep(p);
    if (step === null) return null;
    path.push(step);
  }
  if (kindOf(p) === "(") {
    return finishedCall(p, { kind: "ref", head, path, span: spanOf(p.source, start, p.place.token.start) });
  }
  const span = spanFrom(p, start);
  if (kindOf(p) === "whitespace") advance(p);
  return { kind: "ref", head, path, span };
}

function dotStep(p: Parser): Term | null {
  advanceToSpace(p);
  if (p.place.kind !== "identifier" && !isRefKeyword(p)) {
    unexpected(p, "expected identifier");
    return null;
  }
  const step: Term = { kind: "string", value: p.place.token.text, span: spanHere(p) };
  advanceToSpace(p);
  return step;
}

function bracketStep(p: Parser): Term | null {
  advance(p);
  const step = infix(p);
  if (step === null) return null;
  if (p.place.kind !== "]") {
    unexpected(p, "expected [");
    return null;
  }
  advanceToSpace(p);
  return step;
}

function finishedCall(p: Parser, operator: RefTerm): Term | null {
  const made = call(p, operator);
  if (made === null) return null;
  if (p.place.kind === "whitespace") advance(p);
  else if (p.place.kind === "." || p.place.kind === "[") return reference(p, made);
  return made;
}

/** At `(`; the place is then behind `)`. */
function call(p: Parser, operator: RefTerm): Term | null {
  advance(p);
  const args = termList(p, ")", []);
  if (args === null) return null;
  const span = spanOf(p.source, operator.span.start, p.place.token.end);
  advanceToSpace(p);
  const { head, path } = operator;
  if (args.length === 0 && path.length === 0 && head.kind === "var" && head.name === "set") {
    return { kind: "set", items: [], span };
  }
  return { kind: "call", operator, args, infix: false, span };
}
