// Bodies and the literals in them. Literals are separated by `;` or a new line; a literal is `some …`, `every …`, or an
// expression, perhaps negated and modified by `with`. OPA: parseBody, parseQuery, parseLiteral, parseLiteralExpr,
// parseSome, parseEvery, hintMissingInfixKeyword.

import type { Span } from "@portcullis/lang";
import type { Body, CallTerm, EveryExpr, Expr, SomeExpr, Term, VarTerm } from "../ast.ts";
import { ambiguousWith, expression, notLiteral, withModifiers } from "./expr.ts";
import { kindText } from "./keyword.ts";
import type { TokenKind } from "./lexer.ts";
import {
  atLogicOperator,
  bracedLiteral,
  braceLed,
  isLogicActive,
  isNegation,
  logicGroup,
  logicTail,
  negatedGroup,
  notBraces,
} from "./logic.ts";
import {
  advance,
  error,
  errorHere,
  guess,
  hint,
  kindOf,
  nested,
  type Parser,
  type Place,
  spanFrom,
  spanHere,
  takeKeywordOfRef,
  unexpected,
  variableHere,
} from "./state.ts";
import { infix } from "./term.ts";
import { termText } from "./text.ts";

/** A body up to its closing bracket, where the place then is. */
export function body(p: Parser, end: TokenKind): Body | null {
  return nested(p, () => literals(p, end, false));
}

/** A statement that is no rule: literals joined by `;`. */
export function query(p: Parser): Body | null {
  return literals(p, "eof", true);
}

/** `statement`: whatever follows the last literal is the next statement's. */
function literals(p: Parser, end: TokenKind, statement: boolean): Body | null {
  if (p.place.kind === end) {
    errorHere(p, "found empty body");
    return null;
  }
  const made: Expr[] = [];
  for (;;) {
    const expr = literal(p);
    if (expr === null) return null;
    made.push(expr);
    if (p.place.kind === ";") {
      advance(p);
      continue;
    }
    if (statement || p.place.kind === end) return made;
    if (p.place.newline) continue;
    if (p.place.errors === null) {
      hintMissingKeyword(p);
      unexpected(p, `expected \\n or ; or ${end}`);
    }
    return null;
  }
}

/** One literal with its modifiers. */
export function literal(p: Parser): Expr | null {
  const { start } = p.place.token;
  const made = newLiteral(p);
  if (made === null) return null;
  const span = spanFrom(p, start);
  if (made.kind !== "not" || made.explicit) return { ...made, span };
  // What is wrong inside is blamed at the `not`.
  const [inner] = made.body;
  return inner === undefined ? { ...made, span } : { ...made, span, body: [{ ...inner, span }] };
}

function newLiteral(p: Parser): Expr | null {
  if (p.place.kind === "{" && isLogicActive(p)) {
    const braced = bracedLiteral(p);
    if (braced !== "value") return braced;
  }
  if (p.place.kind === "(" && isLogicActive(p)) {
    const group = logicGroup(p, false, "");
    if (group === "error") return null;
    if (group !== "value") return logicTail(p, group);
  }
  if (takeKeywordOfRef(p)) return plainLiteral(p, null);
  const notSpan = isNegation(p) ? spanHere(p) : null;
  if (notSpan !== null) advance(p);
  if (notSpan !== null && p.notBodies && p.place.kind === "{") {
    const made = notBraces(p, notSpan.start);
    return made === null ? null : logicTail(p, { body: [made], braces: false, span: made.span });
  }
  if (p.place.kind !== "some" && p.place.kind !== "every") return plainLiteral(p, notSpan);
  if (notSpan !== null) {
    unexpected(p, `illegal negation of '${p.place.kind}'`);
    return null;
  }
  return p.place.kind === "some" ? some(p) : every(p);
}

/** An expression, negated if `notSpan` is there, and the `and`/`or` chain that it may begin. */
function plainLiteral(p: Parser, notSpan: Span | null): Expr | null {
  const saved = p.place;
  if (notSpan !== null && p.notBodies && p.place.kind === "(") {
    const group = logicGroup(p, true, "not ");
    if (group === "error") return null;
    if (group !== "value") {
      const made = negatedGroup(p, group, notSpan.start);
      return logicTail(p, { body: [made], braces: false, span: made.span });
    }
  }
  const bare = expression(p);
  if (bare === null) return null;
  const withStart = p.place.kind === "with" ? p.place.token.start : null;
  const modified = withModifiers(p, bare);
  if (modified === null) return null;
  hintEvery(p, bare, saved);
  const whole = notSpan === null ? modified : negated(p, modified, notSpan.start);
  if (!atLogicOperator(p)) return whole;
  const operator = kindText(p.place.kind);
  if (withStart !== null) {
    ambiguousWith(p, withStart, operator);
    return null;
  }
  if (notSpan === null && saved.kind === "{") {
    if (bare.kind === "term" && bare.term.kind === "object" && bare.term.entries.length === 0) {
      error(p, bare.span.start, "found empty body");
    } else {
      braceLed(p, bare.span, operator);
    }
    return null;
  }
  return logicTail(p, { body: [whole], braces: false, span: whole.span });
}

/** Its modifiers belong to the whole literal. */
function negated(p: Parser, expr: Expr, start: number): Expr {
  if (!p.notBodies) return { ...expr, negated: true };
  return { ...notLiteral([{ ...expr, with: [] }], false, spanFrom(p, start)), with: expr.with };
}

// ── some and every

/** `some x, y` or `some x in xs`. */
function some(p: Parser): Expr | null {
  const saved = p.place;
  const span = spanHere(p);
  advance(p);
  const declared = infix(p);
  if (declared?.kind === "call") return someIn(p, declared, span);
  p.place = saved;
  hintIn(p, saved);
  const symbols: VarTerm[] = [];
  do {
    advance(p);
    if (p.place.kind !== "identifier") {
      unexpected(p, "expected var");
      return null;
    }
    symbols.push(variableHere(p));
    advance(p);
  } while (kindOf(p) === ",");
  return someLiteral(symbols, span);
}

function someIn(p: Parser, call: CallTerm, span: Span): Expr | null {
  const problem = memberProblem(call, "expected `x in xs` or `x, y in xs` expression");
  if (problem === null) return withModifiers(p, someLiteral([call], span));
  unexpected(p, problem);
  return null;
}

function someLiteral(symbols: readonly Term[], span: Span): SomeExpr {
  return { kind: "some", symbols, negated: false, with: [], generated: false, span };
}

/** What is wrong with a call that should be `x in xs` or `k, v in xs`. */
function memberProblem({ operator, args }: CallTerm, other: string): string | null {
  const name = termText(operator);
  if (name !== "internal.member_2" && name !== "internal.member_3") return other;
  return args.length === (name === "internal.member_2" ? 2 : 3) ? null : "illegal domain";
}

/** `every x in xs { … }`, `every k, v in xs { … }`. */
function every(p: Parser): Expr | null {
  const span = spanHere(p);
  advance(p);
  const declared = infix(p);
  if (declared === null) return null;
  const note = "expected `x[, y] in xs { ... }` expression";
  const problem = declared.kind === "call" ? (memberProblem(declared, note) ?? notVariables(declared)) : note;
  const found = declared.kind === "call" ? everyParts(declared) : null;
  if (problem !== null || found === null) {
    unexpected(p, problem ?? note);
    return null;
  }
  if (p.place.kind !== "{") {
    unexpected(p, "missing body");
    return null;
  }
  advance(p);
  const inner = body(p, "}");
  if (inner === null) return null;
  advance(p);
  const plain = { negated: false, with: [], generated: false } as const;
  return withModifiers(p, { kind: "every", ...found, body: inner, ...plain, span });
}

function notVariables({ args }: CallTerm): string | null {
  const [first, second] = args;
  if (args.length === 3 && first?.kind !== "var") return "expected key to be a variable";
  return (args.length === 3 ? second : first)?.kind === "var" ? null : "expected value to be a variable";
}

function everyParts({ args }: CallTerm): Pick<EveryExpr, "key" | "value" | "domain"> | null {
  const [key, value, domain] = args.length === 3 ? args : [undefined, ...args];
  return value === undefined || domain === undefined ? null : { key: key ?? null, value, domain };
}

// ── hints at keywords that were not imported

/** OPA: the keywords are imports of v0 only; v1 has them. */
function hintEvery(p: Parser, expr: Expr, saved: Place): void {
  if (p.version !== "v0" || expr.kind !== "term" || expr.term.kind !== "var" || expr.term.name !== "every") return;
  const here = p.place;
  p.place = saved;
  const found = guess(p, () => every(p));
  p.place = here;
  if (found?.kind === "every") hint(p, "`import future.keywords.every` for `every x in xs { ... }` expressions");
}

function hintIn(p: Parser, saved: Place): void {
  if (p.version !== "v0") return;
  const found = guess(p, () => {
    advance(p);
    return infix(p);
  });
  p.place = saved;
  if (isMembership(found)) hint(p, "`import future.keywords.in` for `some x in xs` expressions");
}

function isMembership(term: Term | null): boolean {
  return term?.kind === "call" && /^internal\.member_[23]$/.test(termText(term.operator));
}

const examples: ReadonlyMap<string, string> = new Map([
  ["in", "x in xs"],
  ["and", "x and y"],
  ["or", "x or y"],
]);

/** A literal followed by a plain name `in`, `and` or `or`, or by the comma of `k, v in xs`. */
function hintMissingKeyword(p: Parser): void {
  // Something more specific was hinted at already.
  if (p.place.hints.length > 0) return;
  const keyword = missingKeyword(p);
  const example = keyword === null ? undefined : examples.get(keyword);
  if (example !== undefined && p.options.opa !== "1.17")
    hint(p, `\`import future.keywords.${keyword}\` for \`${example}\` expressions`);
}

function missingKeyword(p: Parser): string | null {
  if (p.place.kind === "identifier") return p.place.token.text;
  if (p.place.kind !== ",") return null;
  const found = guess(p, () => {
    advance(p);
    return infix(p);
  });
  return isMembership(found) ? "in" : null;
}
