// Making, comparing and asking about terms. Objects and sets are kept in Rego's order and without duplicates, as OPA
// keeps them from the parser on: the order in which their members are hoisted, and so the order in which a body tries
// its alternatives, depends on it.

import { compareNumbers, type Span } from "@portcullis/lang";
import type {
  ArrayTerm,
  Body,
  CallExpr,
  Comprehension,
  Expr,
  ObjectTerm,
  RefTerm,
  Scalar,
  SetTerm,
  StringTerm,
  Term,
  VarTerm,
} from "./ast.ts";
import { compareStrings } from "./runtime/compare.ts";
import { isConstant } from "./visit.ts";

export function varTerm(name: string, span: Span): VarTerm {
  return { kind: "var", name, span };
}

export function stringTerm(value: string, span: Span): StringTerm {
  return { kind: "string", value, span };
}

export function refTerm(head: Term, path: readonly Term[], span: Span): RefTerm {
  return { kind: "ref", head, path, span };
}

/** All terms of a reference, the head first. */
export function refTerms(ref: RefTerm): readonly Term[] {
  return [ref.head, ...ref.path];
}

export function objectTerm(entries: readonly (readonly [Term, Term])[], span: Span): ObjectTerm {
  return { kind: "object", entries: canonicalEntries(entries), span };
}

export function setTerm(items: readonly Term[], span: Span): SetTerm {
  if (items.length < 2) return { kind: "set", items, span };
  const sorted = items.toSorted(compareTerms);
  const distinct = sorted.filter((item, at) => at === 0 || compareTerms(sorted[at - 1] as Term, item) !== 0);
  return { kind: "set", items: distinct, span };
}

export function isComposite(term: Term): term is ArrayTerm | ObjectTerm | SetTerm {
  return term.kind === "array" || term.kind === "object" || term.kind === "set";
}

/** The same collection of other members. */
export function mapMembers(term: ArrayTerm | ObjectTerm | SetTerm, one: (member: Term) => Term): Term {
  if (term.kind === "array") return { ...term, items: term.items.map(one) };
  if (term.kind === "set") return setTerm(term.items.map(one), term.span);
  return objectTerm(
    term.entries.map(([key, value]) => [one(key), one(value)] as const),
    term.span,
  );
}

/** Sorted by key; of equal keys the last one stands, as in OPA's object literal. */
function canonicalEntries(entries: readonly (readonly [Term, Term])[]): readonly (readonly [Term, Term])[] {
  if (entries.length < 2) return entries;
  const sorted = entries.toSorted((a, b) => compareTerms(a[0], b[0]));
  return sorted.filter((entry, at) => {
    const next = sorted[at + 1];
    return next === undefined || compareTerms(entry[0], next[0]) !== 0;
  });
}

/** `operator(args…)` as a literal that a rewrite makes. */
function generatedCall(operator: RefTerm, args: readonly Term[], span: Span): CallExpr {
  return { kind: "call", operator, args, infix: false, negated: false, with: [], generated: true, span };
}

/** `left = right`, made by a rewrite. */
export function generatedEq(left: Term, right: Term, span: Span): CallExpr {
  return generatedCall(operatorTerm("eq", span), [left, right], span);
}

/** The reference that names a built-in: `internal.print`. */
export function operatorTerm(name: string, span: Span): RefTerm {
  const [head = "", ...path] = name.split(".");
  return refTerm(
    varTerm(head, span),
    path.map((part) => stringTerm(part, span)),
    span,
  );
}

// ── questions

export function isScalar(term: Term): term is Scalar {
  return term.kind === "null" || term.kind === "boolean" || term.kind === "number" || term.kind === "string";
}

/** No variable in it, heads of references aside. OPA: Value.IsGround. */
export function isGround(term: Term): boolean {
  switch (term.kind) {
    case "var":
      return false;
    case "ref":
      return term.path.every(isGround);
    case "array":
    case "set":
      return term.items.every(isGround);
    case "object":
      return term.entries.every(([key, value]) => isGround(key) && isGround(value));
    case "call":
      return term.args.every(isGround);
    case "array-comprehension":
    case "set-comprehension":
    case "object-comprehension":
    case "template-string":
      return false;
    case "null":
    case "boolean":
    case "number":
    case "string":
      return true;
  }
  return false;
}

/** The first terms of a rule's reference, up to the first that is not ground. OPA: Ref.GroundPrefix. */
export function groundPrefix(reference: readonly Term[]): readonly Term[] {
  const at = reference.findIndex((term, index) => index > 0 && !isGround(term));
  return at === -1 ? reference : reference.slice(0, at);
}

/** OPA: Ref.ConstantPrefix. */
export function constantPrefix(reference: readonly Term[]): readonly Term[] {
  const at = reference.findIndex((term, index) => index > 0 && !isConstant(term));
  return at === -1 ? reference : reference.slice(0, at);
}

/** Whether the term needs a literal of its own before a head or a comprehension may give it out. OPA: requiresEval. */
export function requiresEvaluation(term: Term): boolean {
  switch (term.kind) {
    case "array":
    case "set":
      return term.items.some(requiresEvaluation);
    case "object":
      return term.entries.some(([key, value]) => requiresEvaluation(key) || requiresEvaluation(value));
    case "var":
    case "null":
    case "boolean":
    case "number":
    case "string":
      return false;
    case "ref":
    case "call":
    case "array-comprehension":
    case "set-comprehension":
    case "object-comprehension":
    case "template-string":
      break;
  }
  return true;
}

export function isComprehension(term: Term): term is Comprehension {
  return (
    term.kind === "array-comprehension" || term.kind === "set-comprehension" || term.kind === "object-comprehension"
  );
}

/** `input` or `data` alone. */
export function isRootDocument(term: Term): term is RefTerm {
  return term.kind === "ref" && term.path.length === 0 && term.head.kind === "var" && isRootName(term.head.name);
}

export function isRootName(name: string): boolean {
  return name === "input" || name === "data";
}

/** Made by a rewrite or standing for a variable of the user's; neither is printed. OPA: Var.IsGenerated. */
export function isGeneratedName(name: string): boolean {
  return name.startsWith("__local");
}

/** Whether a literal calls the built-in `name`, which no rule shadows. */
export function callsBuiltin(expr: Expr, name: string): expr is CallExpr {
  return (
    expr.kind === "call" &&
    expr.operator.head.kind === "var" &&
    (expr.operator.path.length === 0 ? expr.operator.head.name === name : dottedName(expr.operator) === name)
  );
}

/** `x = y` with its two sides; a call of `eq` with more or fewer is no equality. */
export function isEquality(expr: Expr): expr is CallExpr & { readonly args: readonly [Term, Term] } {
  return callsBuiltin(expr, "eq") && expr.args.length === 2;
}

/** `time.now_ns`, `count`; null for a reference with other terms in it. */
export function dottedName(ref: RefTerm): string | null {
  if (ref.head.kind !== "var") return null;
  let name = ref.head.name;
  for (const term of ref.path) {
    if (term.kind !== "string") return null;
    name += `.${term.value}`;
  }
  return name;
}

/** A body that is the one literal `true`: a rule without a body. */
export function isEmptyBody(body: Body): boolean {
  const [first] = body;
  return (
    body.length === 1 && first?.kind === "term" && first.term.kind === "boolean" && first.term.value && !first.negated
  );
}

/** The body with more literals; an empty body is replaced by them. OPA: appendToBody. */
export function appendToBody(body: Body, literals: readonly Expr[]): Body {
  if (literals.length === 0) return body;
  return isEmptyBody(body) ? literals : [...body, ...literals];
}

// ── order

const rank: { readonly [K in Term["kind"]]: number } = {
  null: 0,
  boolean: 1,
  number: 2,
  string: 3,
  "template-string": 4,
  var: 5,
  ref: 6,
  array: 7,
  object: 8,
  set: 9,
  "array-comprehension": 10,
  "object-comprehension": 11,
  "set-comprehension": 12,
  call: 13,
};

/** The order of terms; 0 when they are the same text. OPA: v1/ast/compare.go. */
export function compareTerms(a: Term, b: Term): number {
  if (a === b) return 0;
  if (a.kind === "string" && b.kind === "string") return compareStrings(a.value, b.value);
  if (a.kind === "var" && b.kind === "var") return compareStrings(a.name, b.name);
  if (a.kind === "number" && b.kind === "number") return compareNumbers(a.value, b.value);
  if (a.kind === "boolean" && b.kind === "boolean") return Number(a.value) - Number(b.value);
  if (a.kind !== b.kind) return rank[a.kind] - rank[b.kind];
  return compareLists(parts(a), parts(b)) || compareBodies(a, b);
}

export function sameTerms(a: Term, b: Term): boolean {
  return compareTerms(a, b) === 0;
}

export function compareLists(a: readonly Term[], b: readonly Term[]): number {
  for (let at = 0; at < a.length && at < b.length; at++) {
    const order = compareTerms(a[at] as Term, b[at] as Term);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function parts(term: Term): readonly Term[] {
  switch (term.kind) {
    case "ref":
      return refTerms(term);
    case "array":
    case "set":
      return term.items;
    case "object":
      return term.entries.flat();
    case "call":
      return [term.operator, ...term.args];
    case "array-comprehension":
    case "set-comprehension":
      return [term.term];
    case "object-comprehension":
      return [term.key, term.value];
    case "var":
    case "template-string":
    case "null":
    case "boolean":
    case "number":
    case "string":
      break;
  }
  return [];
}

/** Comprehensions and template strings with equal terms are ordered by where they stand: only equality matters. */
function compareBodies(a: Term, b: Term): number {
  return isComprehension(a) || a.kind === "template-string" ? a.span.start - b.span.start : 0;
}
