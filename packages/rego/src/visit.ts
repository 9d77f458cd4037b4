// Walking and rebuilding the tree. Every phase needs the same three things, so they are written once here: `walk` shows
// each node to a visitor from the outside in and in the order of the source; `rewrite` rebuilds a tree with hooks that
// decide when to descend, and gives the same object back where nothing changed, so that a phase costs what it touches;
// `vars` collects variable names with the exceptions that OPA's safety check makes (OPA: v1/ast/visit.go VarVisitor).
// The parser bounds the depth of what it makes, so plain recursion is safe; `else` chains, which it does not bound,
// are loops.

import type { Body, Expr, Head, Module, RefTerm, Rule, Term, With } from "./ast.ts";

/** Anything that can be walked or rewritten. */
export type Node = Module | Rule | Head | Body | Expr | With | Term;

/** Called before the children of a node; `false` leaves them out. */
export interface Visitor {
  readonly rule?: (rule: Rule) => false | void;
  readonly head?: (head: Head) => false | void;
  readonly body?: (body: Body) => false | void;
  readonly expr?: (expr: Expr) => false | void;
  readonly with?: (modifier: With) => false | void;
  /** Operators of calls and heads of references come here too, as the terms that they are. */
  readonly term?: (term: Term) => false | void;
}

/** Shows a node and everything below it, outside in, in the order of the source. */
export function walk(node: Node, visitor: Visitor): void {
  if (isBody(node)) walkBody(node, visitor);
  else if ("rules" in node) for (const rule of node.rules) walkRule(rule, visitor);
  else if ("reference" in node) walkHead(node, visitor);
  else if ("target" in node) walkWith(node, visitor);
  else if (node.kind === "rule") walkRule(node, visitor);
  else if (isExpr(node)) walkExpr(node, visitor);
  else walkTerm(node, visitor);
}

/** A rule with its whole `else` chain. */
function walkRule(rule: Rule, visitor: Visitor): void {
  for (let link: Rule | null = rule; link !== null; link = link.else) {
    if (visitor.rule?.(link) === false) continue;
    walkHead(link.head, visitor);
    walkBody(link.body, visitor);
  }
}

/** Reference, arguments, key (only where it is not the reference's last term) and value. */
function walkHead(head: Head, visitor: Visitor): void {
  if (visitor.head?.(head) === false) return;
  walkTerms(head.reference, visitor);
  if (head.args !== null) walkTerms(head.args, visitor);
  if (head.key !== null && head.key !== head.reference.at(-1)) walkTerm(head.key, visitor);
  if (head.value !== null) walkTerm(head.value, visitor);
}

export function walkBody(body: Body, visitor: Visitor): void {
  if (visitor.body?.(body) === false) return;
  for (const expr of body) walkExpr(expr, visitor);
}

export function walkExpr(expr: Expr, visitor: Visitor): void {
  if (visitor.expr?.(expr) === false) return;
  switch (expr.kind) {
    case "term":
      walkTerm(expr.term, visitor);
      break;
    case "call":
      walkTerm(expr.operator, visitor);
      walkTerms(expr.args, visitor);
      break;
    case "some":
      walkTerms(expr.symbols, visitor);
      break;
    case "every":
      if (expr.key !== null) walkTerm(expr.key, visitor);
      walkTerm(expr.value, visitor);
      walkTerm(expr.domain, visitor);
      walkBody(expr.body, visitor);
      break;
    case "not":
      walkBody(expr.body, visitor);
      break;
    case "logic":
      walkBody(expr.left, visitor);
      walkBody(expr.right, visitor);
      break;
  }
  for (const modifier of expr.with) walkWith(modifier, visitor);
}

function walkWith(modifier: With, visitor: Visitor): void {
  if (visitor.with?.(modifier) === false) return;
  walkTerm(modifier.target, visitor);
  walkTerm(modifier.value, visitor);
}

export function walkTerm(term: Term, visitor: Visitor): void {
  if (visitor.term?.(term) === false) return;
  switch (term.kind) {
    case "null":
    case "boolean":
    case "number":
    case "string":
    case "var":
      return;
    case "ref":
      walkTerm(term.head, visitor);
      walkTerms(term.path, visitor);
      return;
    case "array":
    case "set":
      walkTerms(term.items, visitor);
      return;
    case "object":
      for (const entry of term.entries) walkTerms(entry, visitor);
      return;
    case "array-comprehension":
    case "set-comprehension":
      walkTerm(term.term, visitor);
      walkBody(term.body, visitor);
      return;
    case "object-comprehension":
      walkTerm(term.key, visitor);
      walkTerm(term.value, visitor);
      walkBody(term.body, visitor);
      return;
    case "call":
      walkTerm(term.operator, visitor);
      walkTerms(term.args, visitor);
      return;
    case "template-string":
      for (const part of term.parts) if (typeof part !== "string") walkExpr(part, visitor);
  }
}

function walkTerms(terms: readonly Term[], visitor: Visitor): void {
  for (const term of terms) walkTerm(term, visitor);
}

function isBody(node: Node): node is Body {
  return Array.isArray(node);
}

/** Tells a literal from a term: both have kinds `term` and `call`. */
function isExpr(node: Expr | Term): node is Expr {
  return "negated" in node;
}

// ── rewriting

/**
 * Hooks that replace nodes. A hook is given the node and `descend`, which rebuilds the node's children with the same
 * hooks; so `descend` first rewrites from the inside out, last from the outside in, and never leaves the node alone.
 * A kind without a hook is only descended into.
 */
export interface Rewriter {
  readonly rule?: (rule: Rule, descend: (rule: Rule) => Rule) => Rule;
  readonly head?: (head: Head, descend: (head: Head) => Head) => Head;
  readonly body?: (body: Body, descend: (body: Body) => Body) => Body;
  readonly expr?: (expr: Expr, descend: (expr: Expr) => Expr) => Expr;
  readonly with?: (modifier: With, descend: (modifier: With) => With) => With;
  readonly term?: (term: Term, descend: (term: Term) => Term) => Term;
  /**
   * Operators of calls, which must stay references. Without it they are descended into like any reference (their head
   * and path go through `term`, the reference itself does not).
   */
  readonly operator?: (operator: RefTerm, descend: (operator: RefTerm) => RefTerm) => RefTerm;
}

/** A rebuilt module; the same object where no hook changed anything. */
export function rewriteModule(module: Module, rewriter: Rewriter): Module {
  const rules = mapSame(module.rules, (rule) => rewriteRule(rule, rewriter));
  return rules === module.rules ? module : { ...module, rules };
}

/** A rule with its whole `else` chain; the hook sees each link, with `descend` rebuilding head and body only. */
export function rewriteRule(rule: Rule, rewriter: Rewriter): Rule {
  const links: Rule[] = [];
  for (let link: Rule | null = rule; link !== null; link = link.else) links.push(link);
  let chain: Rule | null = null;
  for (const link of links.toReversed()) {
    const done: Rule =
      rewriter.rule === undefined ? ruleParts(link, rewriter) : rewriter.rule(link, (r) => ruleParts(r, rewriter));
    chain = done.else === chain ? done : { ...done, else: chain };
  }
  return chain ?? rule;
}

function ruleParts(rule: Rule, rewriter: Rewriter): Rule {
  const head = rewriteHead(rule.head, rewriter);
  const body = rewriteBody(rule.body, rewriter);
  return head === rule.head && body === rule.body ? rule : { ...rule, head, body };
}

export function rewriteHead(head: Head, rewriter: Rewriter): Head {
  return rewriter.head === undefined ? headParts(head, rewriter) : rewriter.head(head, (h) => headParts(h, rewriter));
}

function headParts(head: Head, rewriter: Rewriter): Head {
  const reference = rewriteTerms(head.reference, rewriter);
  const args = head.args === null ? null : rewriteTerms(head.args, rewriter);
  const key = headKey(head, reference, rewriter);
  const value = head.value === null ? null : rewriteTerm(head.value, rewriter);
  if (reference === head.reference && args === head.args && key === head.key && value === head.value) return head;
  return { ...head, reference, args, key, value };
}

/** The key stays the very term that ends the reference where it was. */
function headKey(head: Head, reference: readonly Term[], rewriter: Rewriter): Term | null {
  if (head.key === null) return null;
  if (head.key === head.reference.at(-1)) return reference.at(-1) ?? head.key;
  return rewriteTerm(head.key, rewriter);
}

export function rewriteBody(body: Body, rewriter: Rewriter): Body {
  return rewriter.body === undefined ? bodyParts(body, rewriter) : rewriter.body(body, (b) => bodyParts(b, rewriter));
}

function bodyParts(body: Body, rewriter: Rewriter): Body {
  return mapSame(body, (expr) => rewriteExpr(expr, rewriter));
}

export function rewriteExpr(expr: Expr, rewriter: Rewriter): Expr {
  return rewriter.expr === undefined ? exprParts(expr, rewriter) : rewriter.expr(expr, (e) => exprParts(e, rewriter));
}

function exprParts(expr: Expr, rewriter: Rewriter): Expr {
  const modifiers = mapSame(expr.with, (modifier) => rewriteWith(modifier, rewriter));
  const inner = exprOperands(expr, rewriter);
  return modifiers === expr.with ? inner : { ...inner, with: modifiers };
}

function exprOperands(expr: Expr, rewriter: Rewriter): Expr {
  switch (expr.kind) {
    case "term":
      return replaced(expr, { term: rewriteTerm(expr.term, rewriter) });
    case "call":
      return replaced(expr, {
        operator: rewriteOperator(expr.operator, rewriter),
        args: rewriteTerms(expr.args, rewriter),
      });
    case "some":
      return replaced(expr, { symbols: rewriteTerms(expr.symbols, rewriter) });
    case "every":
      return replaced(expr, {
        key: expr.key === null ? null : rewriteTerm(expr.key, rewriter),
        value: rewriteTerm(expr.value, rewriter),
        domain: rewriteTerm(expr.domain, rewriter),
        body: rewriteBody(expr.body, rewriter),
      });
    case "not":
      return replaced(expr, { body: rewriteBody(expr.body, rewriter) });
    case "logic":
      break;
  }
  return replaced(expr, { left: rewriteBody(expr.left, rewriter), right: rewriteBody(expr.right, rewriter) });
}

export function rewriteWith(modifier: With, rewriter: Rewriter): With {
  return rewriter.with === undefined
    ? withParts(modifier, rewriter)
    : rewriter.with(modifier, (m) => withParts(m, rewriter));
}

function withParts(modifier: With, rewriter: Rewriter): With {
  return replaced(modifier, {
    target: rewriteTerm(modifier.target, rewriter),
    value: rewriteTerm(modifier.value, rewriter),
  });
}

export function rewriteTerm(term: Term, rewriter: Rewriter): Term {
  return rewriter.term === undefined ? termParts(term, rewriter) : rewriter.term(term, (x) => termParts(x, rewriter));
}

export function rewriteTerms(terms: readonly Term[], rewriter: Rewriter): readonly Term[] {
  return mapSame(terms, (term) => rewriteTerm(term, rewriter));
}

function rewriteOperator(operator: RefTerm, rewriter: Rewriter): RefTerm {
  return rewriter.operator === undefined
    ? refParts(operator, rewriter)
    : rewriter.operator(operator, (o) => refParts(o, rewriter));
}

function refParts(ref: RefTerm, rewriter: Rewriter): RefTerm {
  return replaced(ref, { head: rewriteTerm(ref.head, rewriter), path: rewriteTerms(ref.path, rewriter) });
}

function termParts(term: Term, rewriter: Rewriter): Term {
  switch (term.kind) {
    case "null":
    case "boolean":
    case "number":
    case "string":
    case "var":
      return term;
    case "ref":
      return refParts(term, rewriter);
    case "array":
    case "set":
      return replaced(term, { items: rewriteTerms(term.items, rewriter) });
    case "object":
      return replaced(term, { entries: mapSame(term.entries, (entry) => rewriteEntry(entry, rewriter)) });
    case "array-comprehension":
    case "set-comprehension":
      return replaced(term, { term: rewriteTerm(term.term, rewriter), body: rewriteBody(term.body, rewriter) });
    case "object-comprehension":
      return replaced(term, {
        key: rewriteTerm(term.key, rewriter),
        value: rewriteTerm(term.value, rewriter),
        body: rewriteBody(term.body, rewriter),
      });
    case "call":
      return replaced(term, {
        operator: rewriteOperator(term.operator, rewriter),
        args: rewriteTerms(term.args, rewriter),
      });
    case "template-string":
      break;
  }
  return replaced(term, {
    parts: mapSame(term.parts, (part) => (typeof part === "string" ? part : rewriteExpr(part, rewriter))),
  });
}

type Entry = readonly [key: Term, value: Term];

function rewriteEntry(entry: Entry, rewriter: Rewriter): Entry {
  const key = rewriteTerm(entry[0], rewriter);
  const value = rewriteTerm(entry[1], rewriter);
  return key === entry[0] && value === entry[1] ? entry : [key, value];
}

/** The node with some parts exchanged, or the node itself when they are the parts that it has. */
function replaced<T extends object>(node: T, parts: Partial<T>): T {
  for (const name of Object.keys(parts) as (keyof T)[]) {
    if (node[name] !== parts[name]) return { ...node, ...parts };
  }
  return node;
}

/** `map`, but the same array when every element came back as it was. */
function mapSame<T>(items: readonly T[], change: (item: T) => T): readonly T[] {
  let made: T[] | null = null;
  for (const [index, item] of items.entries()) {
    const next = change(item);
    if (made !== null) made.push(next);
    else if (next !== item) made = [...items.slice(0, index), next];
  }
  return made ?? items;
}

// ── variables

/** What `vars` leaves out; nothing by default. OPA: v1/ast/visit.go VarVisitorParams. */
export interface VarsOptions {
  /** The first term of a reference: `a` in `a[b]`, also `input` and `data`; and of an operator: `f` in `f(x)`. */
  readonly skipRefHeads?: boolean;
  /** The first term of a call's operator only, and of references that are targets and values of `with`. */
  readonly skipCallHeads?: boolean;
  /** Comprehensions, template strings, `not` blocks, `and`/`or`, and of `every` all but its domain. */
  readonly skipClosures?: boolean;
  readonly skipObjectKeys?: boolean;
  readonly skipSets?: boolean;
  readonly skipWithTargets?: boolean;
  readonly skipTemplateStrings?: boolean;
  /** `$0`, `$1`, … made from `_`. */
  readonly skipWildcards?: boolean;
}

/** Names of variables in order of first appearance. */
export function vars(node: Node, options: VarsOptions = {}): Set<string> {
  const found = new Set<string>();
  const visitor: Visitor = {
    term: (term) => varsOfTerm(term, { found, options, visitor }),
    expr: (expr) => varsOfExpr(expr, { found, options, visitor }),
    with: (modifier) => varsOfWith(modifier, { options, visitor }),
  };
  walk(node, visitor);
  return found;
}

interface VarsState {
  readonly found: Set<string>;
  readonly options: VarsOptions;
  readonly visitor: Visitor;
}

function varsOfTerm(term: Term, { found, options, visitor }: VarsState): false | void {
  switch (term.kind) {
    case "var":
      if (options.skipWildcards !== true || !isWildcard(term.name)) found.add(term.name);
      return;
    case "ref":
      if (options.skipRefHeads !== true) return;
      walkTerms(term.path, visitor);
      return false;
    case "call":
      if (options.skipCallHeads !== true) return;
      walkTerms(term.operator.path, visitor);
      walkTerms(term.args, visitor);
      return false;
    case "object":
      if (options.skipObjectKeys !== true) return;
      for (const [, value] of term.entries) walkTerm(value, visitor);
      return false;
    case "set":
      return options.skipSets === true ? false : undefined;
    case "template-string":
      return options.skipClosures === true || options.skipTemplateStrings === true ? false : undefined;
    case "array-comprehension":
    case "set-comprehension":
    case "object-comprehension":
      return options.skipClosures === true ? false : undefined;
    case "null":
    case "boolean":
    case "number":
    case "string":
    case "array":
      return;
  }
}

function varsOfExpr(expr: Expr, { options, visitor }: VarsState): false | void {
  if (expr.kind === "call" && options.skipCallHeads === true) {
    walkTerms(expr.operator.path, visitor);
    walkTerms(expr.args, visitor);
  } else if (options.skipClosures !== true) {
    return;
  } else if (expr.kind === "every") {
    // OPA leaves out the literal's `with` here too.
    walkTerm(expr.domain, visitor);
    return false;
  } else if (expr.kind !== "not" && expr.kind !== "logic") {
    return;
  }
  for (const modifier of expr.with) walkWith(modifier, visitor);
  return false;
}

function varsOfWith(modifier: With, { options, visitor }: Omit<VarsState, "found">): false | void {
  if (options.skipWithTargets === true) {
    walkTerm(modifier.value, visitor);
    return false;
  }
  if (options.skipCallHeads !== true) return;
  if (modifier.target.kind === "ref") walkTerms(modifier.target.path, visitor);
  if (modifier.value.kind === "ref") walkTerms(modifier.value.path, visitor);
  else walkTerm(modifier.value, visitor);
  return false;
}

/** Whether a variable was written `_`. */
export function isWildcard(name: string): boolean {
  return name.startsWith("$");
}

/** Whether a term is a constant: no variable, reference, call, comprehension or template string in it. */
export function isConstant(term: Term): boolean {
  let constant = true;
  walkTerm(term, {
    term: (part) => {
      constant &&= constantKinds.has(part.kind);
      return constant ? undefined : false;
    },
  });
  return constant;
}

const constantKinds: ReadonlySet<Term["kind"]> = new Set([
  "null",
  "boolean",
  "number",
  "string",
  "array",
  "set",
  "object",
]);
