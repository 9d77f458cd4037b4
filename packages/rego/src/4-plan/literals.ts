// Bodies and literals. Bodies come ordered for safety, so each literal is planned where it stands; the leaf says what
// happens when all of them held. A literal with `with` runs in a state of its own, and so does nothing after it.

import type { Body, EveryExpr, Expr, Term } from "../ast.ts";
import type { Block, Operand } from "../ir.ts";
import { planCall } from "./calls.ts";
import { constantValue } from "./constants.ts";
import { referenceValue, rootDocument } from "./references.ts";
import { type Scope, add, innerScope, localOperand, newLocal, scan, site, visible } from "./scope.ts";
import { matchPattern } from "./unify.ts";
import { planWith } from "./with.ts";

export function planBody(scope: Scope, body: Body, leaf: (scope: Scope) => void): void {
  const { trace } = scope.frame.context;
  body.forEach((expr, at) => planLiteral(scope, expr, trace ? writtenAfter(body, at) : expr));
  leaf(scope);
}

function writtenAfter(body: Body, at: number): Expr {
  return body.find((expr, index) => index >= at && !expr.generated) ?? (body[at] as Expr);
}

/** `written` is the literal of the user that this one is, or was hoisted from: that one fails with it. */
function planLiteral(scope: Scope, expr: Expr, written: Expr): void {
  const { context } = scope.frame;
  const traced = context.trace && expr === written;
  const at = context.trace ? site(context, written.span) : 0;
  if (context.trace) add(scope, { kind: "literal", site: at, visible: visible(scope) });
  const outside = scope.state;
  scope.frame.span = written.span;
  if (expr.with.length > 0) planWith(scope, expr.with);
  if (expr.negated) {
    const inner = innerScope(scope, false);
    const { block } = inner;
    planExpr(inner, expr);
    add(inner, { kind: "succeed" });
    add(scope, { kind: "not", block });
  } else {
    planExpr(scope, expr);
  }
  scope.state = outside;
  if (traced) add(scope, { kind: "held", site: at, visible: visible(scope) });
}

function planExpr(scope: Scope, expr: Expr): void {
  switch (expr.kind) {
    case "term":
      planTermLiteral(scope, expr.term);
      break;
    case "call":
      planCall(scope, expr);
      break;
    case "some":
      planSome(scope, expr.symbols);
      break;
    case "every":
      planEvery(scope, expr);
      break;
    case "not":
      add(scope, { kind: "not", block: testBlock(scope, expr.body) });
      break;
    case "logic": {
      const blocks = [testBlock(scope, expr.left), testBlock(scope, expr.right)];
      if (expr.operator === "or") add(scope, { kind: "some", blocks });
      else for (const block of blocks) add(scope, { kind: "some", blocks: [block] });
    }
  }
}

/** A body whose only question is whether it has a solution. */
function testBlock(scope: Scope, body: Body): Block {
  const inner = innerScope(scope, false);
  const { block } = inner;
  planBody(inner, body, (leaf) => add(leaf, { kind: "succeed" }));
  return block;
}

function planTermLiteral(scope: Scope, term: Term): void {
  const { context } = scope.frame;
  const value = constantValue(term);
  if (value === false) {
    add(scope, { kind: "test", test: { kind: "never" } });
  } else if (value !== undefined) {
    // It holds.
  } else if (term.kind === "ref") {
    add(scope, { kind: "test", test: { kind: "true", value: referenceValue(scope, term) } });
  } else if (term.kind === "var" && !scope.bound.has(term.name)) {
    const root = rootDocument(scope, term.name);
    if (root !== undefined) add(scope, { kind: "test", test: { kind: "true", value: root } });
  } else {
    add(scope, { kind: "test", test: { kind: "true", value: context.value(scope, term) } });
  }
}

/** `some x` declares only; `some k, v in xs` scans. Phase 2 rewrites both, as a rule. */
function planSome(scope: Scope, symbols: readonly Term[]): void {
  const [symbol] = symbols;
  if (symbol?.kind !== "call") return;
  const terms = symbol.args as [Term, Term, Term?];
  const [key, value, domain] = terms.length === 3 ? terms : [null, ...(terms as [Term, Term])];
  const element = scan(scope, scope.frame.context.value(scope, domain as Term));
  if (key !== null) matchPattern(scope, key, element.key);
  matchPattern(scope, value, element.value);
}

function planEvery(scope: Scope, expr: EveryExpr): void {
  const source = scope.frame.context.value(scope, expr.domain);
  add(scope, { kind: "test", test: { kind: "collection", value: source } });
  const inner = innerScope(scope, false);
  inner.depth++;
  const key = newLocal(inner, inner.depth);
  const value = newLocal(inner, inner.depth);
  const { block } = inner;
  const element = { key: localOperand(key), value: localOperand(value) };
  const isBound = (term: Term | null): boolean => term?.kind === "var" && scope.bound.has(term.name);
  if (isBound(expr.key) || isBound(expr.value)) planCounterexample(inner, expr, element);
  else {
    matchElement(inner, expr, element);
    planBody(inner, expr.body, (leaf) => add(leaf, { kind: "succeed" }));
  }
  add(scope, { kind: "every", source, key, value, block });
}

interface Element {
  readonly key: Operand;
  readonly value: Operand;
}

function matchElement(scope: Scope, expr: EveryExpr, { key, value }: Element): void {
  if (expr.key !== null) matchPattern(scope, expr.key, key);
  matchPattern(scope, expr.value, value);
}

/** Where the domain binds a variable of `every` itself (`every x in input[x]`), elements that do not fit are passed over. */
function planCounterexample(scope: Scope, expr: EveryExpr, element: Element): void {
  const inner = innerScope(scope, false);
  const { block } = inner;
  matchElement(inner, expr, element);
  add(inner, { kind: "not", block: testBlock(inner, expr.body) });
  add(inner, { kind: "succeed" });
  add(scope, { kind: "not", block });
  add(scope, { kind: "succeed" });
}
