// Declared variables get names of their own, so that after this stage a name means one variable wherever it stands:
// arguments, `:=`, `some`, keys and values of `every`, and what comprehensions, `every`, `not {…}` and the braces of
// `and`/`or` declare for themselves. `:=` becomes `=`, `some x` goes away, `some k, v in xs` becomes `v = xs[k]`.
// Scopes are kept as OPA keeps them, so that "assigned above" means the same. OPA: v1/ast/compile.go rewriteLocalVars.

import type {
  Body,
  CallExpr,
  Comprehension,
  EveryExpr,
  Expr,
  LogicExpr,
  NotExpr,
  SomeExpr,
  TemplateStringTerm,
  Term,
  VarTerm,
  With,
} from "../ast.ts";
import { outputsOfEquality } from "../outputs.ts";
import {
  callsBuiltin,
  isComposite,
  isComprehension,
  isEquality,
  isGeneratedName,
  isRootDocument,
  isScalar,
  mapMembers,
  operatorTerm,
  refTerm,
  varTerm,
} from "../terms.ts";
import { compareStrings } from "../runtime/compare.ts";
import { kindName, termText } from "../termtext.ts";
import { isWildcard, rewriteExpr, rewriteTerm, type Rewriter, vars } from "../visit.ts";
import { declaredByExpr, isAssignment } from "./declared.ts";
import {
  anyOccurrence,
  declare,
  declaredHere,
  innermost,
  inScope,
  insert,
  occurrenceHere,
  renamedTo,
  type Scopes,
} from "./scopes.ts";
import { compileError, type Stage } from "./stage.ts";

export interface Locals {
  readonly scopes: Scopes;
  readonly stage: Stage;
  /** "declared var x unused": none is reported once there is one, or an error. */
  readonly unused: { reported: boolean; failed: boolean };
}

const assignInNegated = "cannot assign vars inside negated expression";

/** `used` are the variables that what stands around the body reads: a comprehension's term, a rule's head. */
export function renameInBody(locals: Locals, body: Body, used: ReadonlySet<string>): Body {
  const renamed: Expr[] = [];
  for (const expr of body) {
    const one = renameLiteral(locals, expr);
    if (one !== null) renamed.push(one);
  }
  const first = body[0];
  if (renamed.length === 0 && first !== undefined) {
    const { span } = first;
    const term: Term = { kind: "boolean", value: true, span };
    renamed.push({ kind: "term", term, negated: false, with: [], generated: false, span });
  }
  reportUnused(locals, body, renamed, used);
  return renamed;
}

function renameLiteral(locals: Locals, expr: Expr): Expr | null {
  switch (expr.kind) {
    case "call":
      return callsBuiltin(expr, "assign") ? renameAssignment(locals, expr) : renameTerms(locals, expr);
    case "some":
      return renameSome(locals, expr);
    case "every":
      return renameEvery(locals, expr);
    case "not":
      return renameNot(locals, expr);
    case "logic":
      return renameLogic(locals, expr);
    case "term":
      break;
  }
  return renameTerms(locals, expr);
}

interface Place {
  readonly span: Expr["span"] | null;
}

function fail(locals: Locals, term: Place, message: string): void {
  locals.stage.errors.push(compileError(term.span, message));
  locals.unused.failed = true;
}

// ── declarations

function renameAssignment(locals: Locals, expr: CallExpr): Expr {
  if (expr.negated) {
    fail(locals, expr, assignInNegated);
    return expr;
  }
  if (!isAssignment(expr)) return expr;
  const errors = locals.stage.errors.length;
  const right = renameTerm(locals, expr.args[1]);
  const modifiers = expr.with.map((modifier) => ({ ...modifier, value: renameTerm(locals, modifier.value) }));
  const left = declareIn(locals, expr.args[0]);
  const assigned: CallExpr = { ...expr, args: [left, right], with: modifiers };
  if (locals.stage.errors.length > errors) return assigned;
  const unified: CallExpr = { ...assigned, operator: operatorTerm("eq", expr.operator.span) };
  // OPA 1.17 also binds the right side from the left.
  return locals.stage.environment.opa === "1.17" ? unified : { ...unified, assignment: true };
}

/** The left side of `:=`: variables, and arrays and objects of them. */
function declareIn(locals: Locals, term: Term): Term {
  if (term.kind === "var") return declareVariable(locals, term, "assigned");
  if (term.kind === "array") return { ...term, items: term.items.map((item) => declareIn(locals, item)) };
  if (term.kind === "object") {
    return { ...term, entries: term.entries.map(([key, value]) => [key, declareIn(locals, value)] as const) };
  }
  if (isRootDocument(term) && term.head.kind === "var") return declareVariable(locals, term.head, "assigned");
  fail(locals, term, `cannot assign to ${kindName(term)}`);
  return term;
}

function declareVariable(locals: Locals, term: VarTerm, how: "assigned" | "declared", at: Place = term): VarTerm {
  const fresh = declare(locals.scopes, term.name, how);
  if (typeof fresh === "string") return varTerm(fresh, term.span);
  fail(locals, at, fresh.error);
  return term;
}

function renameSome(locals: Locals, expr: SomeExpr): Expr | null {
  for (const symbol of expr.symbols) {
    if (symbol.kind === "call") return renameSomeIn(locals, expr, symbol.args);
    if (symbol.kind !== "var") continue;
    const errors = locals.stage.errors.length;
    declareVariable(locals, symbol, "declared", expr);
    if (locals.stage.errors.length > errors) return null;
  }
  return null;
}

/** `some k, v in xs` is `v = xs[k]` with its new variables declared. */
function renameSomeIn(locals: Locals, expr: SomeExpr, args: readonly Term[]): Expr | null {
  const container = args.at(-1) as Term;
  const value = args.at(-2) as Term;
  const key = args.length === 3 ? (args[0] as Term) : varTerm(locals.stage.names.fresh(), value.span);
  if (locals.stage.environment.opa !== "1.17" && boundInDomain(locals, expr, { key, value, container })) return null;
  const member =
    container.kind === "ref"
      ? refTerm(container.head, [...container.path, key], container.span)
      : refTerm(container, [key], container.span);
  const { negated, with: modifiers, generated, span } = expr;
  const operator = operatorTerm("eq", span);
  const equality: CallExpr = {
    kind: "call",
    operator,
    args: [value, member],
    infix: true,
    negated,
    with: modifiers,
    generated,
    span,
  };
  if (!isEquality(equality)) return null;
  for (const name of [...outputsOfEquality(equality, vars(container))].toSorted(compareStrings)) {
    const errors = locals.stage.errors.length;
    declareVariable(locals, varTerm(name, span), "declared", expr);
    if (locals.stage.errors.length > errors) return null;
  }
  return renameTerms(locals, equality);
}

/** A variable that `some … in` binds may not stand in its own collection. */
function boundInDomain(
  locals: Locals,
  expr: SomeExpr,
  parts: { readonly key: Term; readonly value: Term; readonly container: Term },
): boolean {
  const options = { skipRefHeads: true, skipObjectKeys: true, skipClosures: true };
  const bound = vars(parts.key, options).union(vars(parts.value, options));
  const both = [...bound.intersection(vars(parts.container, { skipClosures: true }))].filter(
    (name) => !isWildcard(name),
  );
  for (const name of both.toSorted(compareStrings)) fail(locals, expr, `var ${name} assigned before`);
  return both.length > 0;
}

// ── literals with bodies

function renameEvery(locals: Locals, expr: EveryExpr): Expr | null {
  const domain = renameTerm(locals, expr.domain);
  return inScope(locals.scopes, () => {
    const errors = locals.stage.errors.length;
    const key =
      expr.key === null ? varTerm(locals.stage.names.fresh(), expr.value.span) : everyVariable(locals, expr.key);
    if (locals.stage.errors.length > errors) return null;
    const value = everyVariable(locals, expr.value);
    if (locals.stage.errors.length > errors) return null;
    const body = renameInBody(locals, expr.body, new Set());
    const modifiers = expr.with.map((modifier) => renameWith(locals, modifier));
    return seenAgain(locals, { ...expr, key, value, domain, body, with: modifiers });
  });
}

/**
 * OPA looks at the whole literal again once it has seen its body: a variable that was read before it was declared there, in
 * the domain or in `x := {y | y = x}`, is then the declared one.
 */
function seenAgain(locals: Locals, expr: EveryExpr): Expr {
  const isDeclared = (name: string): boolean => declaredHere(locals.scopes, name);
  if (!vars(expr).values().some(isDeclared)) return expr;
  return rewriteExpr(expr, {
    term: (term, descend) => (term.kind === "var" ? renameVariable(locals.scopes, term) : descend(term)),
  });
}

/** OPA's parser forgets where an `every` stands, so that the error about its variables has no place. */
function everyVariable(locals: Locals, term: Term): Term {
  return term.kind !== "var" || isWildcard(term.name)
    ? term
    : declareVariable(locals, term, "declared", { span: null });
}

function renameNot(locals: Locals, expr: NotExpr): Expr {
  const rename = (): NotExpr => ({
    ...expr,
    body: renameOperand(locals, expr.body, expr.explicit, assignInNegated),
    with: expr.with.map((modifier) => renameWith(locals, modifier)),
  });
  return rename();
}

function renameLogic(locals: Locals, expr: LogicExpr): Expr {
  const text = `cannot assign vars inside implicit ${expr.operator} operand`;
  const left = renameOperand(locals, expr.left, expr.leftExplicit, text);
  const right = renameOperand(locals, expr.right, expr.rightExplicit, text);
  return { ...expr, left, right, with: expr.with.map((modifier) => renameWith(locals, modifier)) };
}

/** Braces make a scope; without them the literals belong to the scope around, and may not assign. */
function renameOperand(locals: Locals, body: Body, explicit: boolean, assignError: string): Body {
  if (explicit) return inScope(locals.scopes, () => renameInBody(locals, body, new Set()));
  return body.map((expr) => {
    if (callsBuiltin(expr, "assign")) {
      fail(locals, expr, assignError);
      return expr;
    }
    return renameLiteral(locals, expr) ?? expr;
  });
}

// ── terms

function renameTerms(locals: Locals, expr: Expr): Expr {
  const modifiers = expr.with.map((modifier) => renameWith(locals, modifier));
  if (expr.kind === "term") return { ...expr, term: renameTerm(locals, expr.term), with: modifiers };
  if (expr.kind !== "call") return expr;
  const operator = renameTerm(locals, expr.operator);
  const args = expr.args.map((arg) => renameTerm(locals, arg));
  return { ...expr, operator: operator.kind === "ref" ? operator : expr.operator, args, with: modifiers };
}

/** In a target, `input` is the document even where a variable took its name. */
function renameWith(locals: Locals, modifier: With): With {
  const { target } = modifier;
  const value = renameTerm(locals, modifier.value);
  if (target.kind !== "ref") return { ...modifier, target: renameTerm(locals, target), value };
  const keepHead = target.head.kind === "var" && target.head.name === "input";
  const head = keepHead ? target.head : renameTerm(locals, target.head);
  return { ...modifier, target: { ...target, head, path: target.path.map((part) => renameTerm(locals, part)) }, value };
}

export function renameTerm(locals: Locals, term: Term): Term {
  return isScalar(term) ? term : rewriteTerm(term, renamer(locals));
}

function renamer(locals: Locals): Rewriter {
  const { scopes } = locals;
  const one = (term: Term): Term => renameTerm(locals, term);
  return {
    term: (term, descend) => {
      if (term.kind === "var") return renameVariable(scopes, term);
      if (isComposite(term)) return mapMembers(term, one);
      if (isComprehension(term)) return renameComprehension(locals, term);
      if (term.kind === "template-string") return renameTemplate(locals, term);
      if (isRootDocument(term)) return renameRoot(scopes, term);
      if (term.kind === "call") rejectShadowedFunction(locals, term);
      return descend(term);
    },
  };
}

function renameTemplate(locals: Locals, term: TemplateStringTerm): Term {
  const parts = term.parts.map((part) => (typeof part === "string" ? part : renameTerms(locals, part)));
  return { ...term, parts };
}

function renameVariable(scopes: Scopes, term: VarTerm): VarTerm {
  const renamed = renamedTo(scopes, term.name);
  if (renamed !== undefined) return renamed === term.name ? term : varTerm(renamed, term.span);
  if (occurrenceHere(scopes, term.name) === undefined) insert(scopes, term.name, term.name, "seen");
  return term;
}

/** `input` alone is the document unless something took its name. */
function renameRoot(scopes: Scopes, term: Term): Term {
  const name = term.kind === "ref" && term.head.kind === "var" ? term.head.name : "";
  const how = anyOccurrence(scopes, name);
  const renamed = how === undefined || how === "seen" ? undefined : renamedTo(scopes, name);
  return renamed === undefined ? term : varTerm(renamed, term.span);
}

function rejectShadowedFunction(locals: Locals, term: Term & { readonly kind: "call" }): void {
  for (const name of vars(term.operator)) {
    const renamed = renamedTo(locals.scopes, name);
    if (renamed === undefined || renamed === name) continue;
    fail(locals, term, `called function ${termText(term.operator)} shadowed`);
  }
}

export function renameComprehension(locals: Locals, term: Comprehension): Term {
  const used = term.kind === "object-comprehension" ? vars(term.key).union(vars(term.value)) : vars(term.term);
  return inScope(locals.scopes, (): Term => {
    const body = renameInBody(locals, term.body, used);
    if (term.kind !== "object-comprehension") return { ...term, term: renameTerm(locals, term.term), body };
    const key = renameTerm(locals, term.key);
    return { ...term, key, value: renameTerm(locals, term.value), body };
  });
}

// ── declared and not used

/** `some x` of which neither the body nor what stands around it makes use. OPA: checkUnusedDeclaredVars. */
function reportUnused(locals: Locals, body: Body, renamed: Body, used: ReadonlySet<string>): void {
  if (locals.unused.reported || locals.unused.failed) return;
  const scope = innermost(locals.scopes);
  const written = new Map<string, string>();
  for (const [name, how] of scope.occurrence) {
    if (how === "declared") written.set(scope.renamed.get(name) ?? name, name);
  }
  if (written.size === 0) return;
  const inUse = vars(renamed);
  for (const name of used) inUse.add(renamedTo(locals.scopes, name) ?? name);
  for (const fresh of [...written.keys()].toSorted(compareStrings)) {
    const name = written.get(fresh) ?? fresh;
    if (inUse.has(fresh) || used.has(fresh) || isGeneratedName(name)) continue;
    const place = body.find((expr) => declaredByExpr(expr).has(name)) ?? body[0];
    if (place === undefined) continue;
    locals.stage.recoverable.push(compileError(place.span, `declared var ${name} unused`));
    locals.unused.reported = true;
  }
}
