// Names become paths: a variable that is an import or a rule of the package is replaced by `data.…`, unless an argument,
// an assignment or a `some` of a scope around it takes the name. Objects and sets get their canonical order here.
// OPA: v1/ast/compile.go resolveAllRefs.

import { type Diagnostic, errorAt } from "@portcullis/lang";
import type { Body, Comprehension, Expr, Import, Module, RefTerm, Rule, Term, With } from "../ast.ts";
import {
  isComposite,
  isComprehension,
  isRootDocument,
  isRootName,
  isScalar,
  mapMembers,
  refTerm,
  stringTerm,
  varTerm,
} from "../terms.ts";
import { termText } from "../termtext.ts";
import {
  rewriteBody,
  rewriteRule,
  rewriteTerm,
  rewriteWith,
  type Rewriter,
  vars,
  walk,
  type Visitor,
} from "../visit.ts";
import { declaredByBody } from "./declared.ts";

/** What a name means: the path that it stands for. */
type Globals = ReadonlyMap<string, readonly Term[]>;

export function resolveReferences(modules: readonly Module[], errors: Diagnostic[]): readonly Module[] {
  const exports = exportsByPackage(modules);
  return modules.map((module) => {
    const globals = globalsOf(module, exports.get(packageKey(module)) ?? []);
    return { ...module, rules: module.rules.map((rule) => resolveChain(rule, globals, errors)) };
  });
}

/** A query sees its own imports and the rules of the package that it is asked in, if any; here: none. */
export function resolveQuery(query: Body): Body {
  const scope: Scope = { globals: new Map(), taken: [declaredByBody(query)] };
  return resolveBody(query, scope);
}

function exportsByPackage(modules: readonly Module[]): ReadonlyMap<string, readonly string[]> {
  const exports = new Map<string, string[]>();
  for (const module of modules) {
    const key = packageKey(module);
    const names = exports.get(key) ?? [];
    for (const rule of module.rules) {
      const [head] = rule.head.reference;
      if (head?.kind === "var") names.push(head.name);
    }
    exports.set(key, names);
  }
  return exports;
}

function packageKey(module: Module): string {
  return JSON.stringify(module.package.path);
}

function globalsOf(module: Module, exported: readonly string[]): Globals {
  const globals = new Map<string, readonly Term[]>();
  const { path, span } = module.package;
  const [root = "data", ...rest] = path;
  const prefix = [varTerm(root, span), ...rest.map((part) => stringTerm(part, span))];
  for (const name of exported) globals.set(name, [...prefix, stringTerm(name, span)]);
  for (const one of module.imports) {
    const head = one.path.head.kind === "var" ? one.path.head.name : "";
    if (head !== "future" && head !== "rego") globals.set(importName(one), [one.path.head, ...one.path.path]);
  }
  return globals;
}

/** The name under which an import is known: its alias, or the last part of its path. OPA: Import.Name. */
export function importName(one: Import): string {
  if (one.alias !== null) return one.alias;
  const last = one.path.path.at(-1) ?? one.path.head;
  return last.kind === "string" ? last.value : last.kind === "var" ? last.name : "";
}

interface Scope {
  readonly globals: Globals;
  /** Names that mean something local, one set for each scope around. */
  readonly taken: readonly ReadonlySet<string>[];
}

function meaning(name: string, scope: Scope): readonly Term[] | undefined {
  const path = scope.globals.get(name);
  return path === undefined || scope.taken.some((names) => names.has(name)) ? undefined : path;
}

function within(scope: Scope, names: ReadonlySet<string>): Scope {
  return { ...scope, taken: [...scope.taken, names] };
}

function resolveChain(rule: Rule, globals: Globals, errors: Diagnostic[]): Rule {
  return rewriteRule(rule, {
    rule: (link) => {
      const shadowed = (link.head.args ?? []).map(shadowedRoot).find((term) => term !== undefined);
      if (shadowed !== undefined) {
        const text = `args must not shadow ${termText(shadowed)} (use a different variable name)`;
        errors.push(errorAt("rego_compile_error", link.span, text));
        return link;
      }
      const args = (link.head.args ?? []).map(patternVars);
      const scope: Scope = { globals, taken: [...args, declaredByBody(link.body)] };
      return resolveRule(link, scope);
    },
  });
}

function resolveRule(rule: Rule, scope: Scope): Rule {
  const { head } = rule;
  const [name, ...rest] = head.reference;
  const reference = [...(name === undefined ? [] : [name]), ...rest.map((term) => resolveTerm(term, scope))];
  const keyEndsReference = head.key !== null && head.key === head.reference.at(-1);
  const key = head.key === null ? null : keyEndsReference ? (reference.at(-1) ?? null) : resolveTerm(head.key, scope);
  const value = head.value === null ? null : resolveTerm(head.value, scope);
  return { ...rule, head: { ...head, reference, key, value }, body: resolveBody(rule.body, scope) };
}

/** Variables of a pattern: keys of objects, sets, comprehensions and calls bind nothing. */
function patternVars(arg: Term): ReadonlySet<string> {
  const found = new Set<string>();
  const visitor: Visitor = {
    term: (term) => {
      if (term.kind === "var") found.add(term.name);
      if (term.kind === "object") for (const [, value] of term.entries) walk(value, visitor);
      return term.kind === "object" || !mayHoldPattern(term) ? false : undefined;
    },
  };
  walk(arg, visitor);
  return found;
}

function mayHoldPattern(term: Term): boolean {
  return term.kind === "array" || term.kind === "ref" || term.kind === "var";
}

function shadowedRoot(arg: Term): Term | undefined {
  let found: Term | undefined;
  const visitor: Visitor = {
    term: (term) => {
      if (isRoot(term)) found ??= term;
      if (term.kind === "object") for (const [, value] of term.entries) walk(value, visitor);
      // What follows a root document, as in `input.x`, is a part of a reference, which binds nothing.
      if (term.kind === "ref") for (const part of term.path) walk(part, visitor);
      return term.kind === "array" ? undefined : false;
    },
  };
  walk(arg, visitor);
  return found;
}

function isRoot(term: Term): boolean {
  return isRootDocument(term) || (term.kind === "var" && isRootName(term.name));
}

// ── terms

function resolveTerm(term: Term, scope: Scope): Term {
  return rewriteTerm(term, rewriterIn(scope));
}

function resolveBody(body: Body, scope: Scope): Body {
  return rewriteBody(body, rewriterIn(scope));
}

function rewriterIn(scope: Scope): Rewriter {
  const rewriter: Rewriter = {
    operator: (operator) => resolveReference(operator, scope, rewriter),
    expr: (expr, descend) => (expr.kind === "every" ? resolveEvery(expr, scope) : resolveSymbols(expr, descend)),
    term: (term, descend) => {
      if (term.kind === "var") return resolveName(term.name, term, scope);
      if (term.kind === "ref") return resolveReference(term, scope, rewriter);
      if (isComposite(term)) return mapMembers(term, (member) => rewriteTerm(member, rewriter));
      return isComprehension(term) ? resolveComprehension(term, scope) : descend(term);
    },
  };
  return rewriter;
}

function resolveComprehension(term: Comprehension, scope: Scope): Term {
  const inner = within(scope, declaredByBody(term.body));
  const body = resolveBody(term.body, inner);
  if (term.kind !== "object-comprehension") return { ...term, term: resolveTerm(term.term, inner), body };
  return { ...term, key: resolveTerm(term.key, inner), value: resolveTerm(term.value, inner), body };
}

/** Declared variables stay what they are; the collection of `some … in` is resolved. */
function resolveSymbols(expr: Expr, descend: (expr: Expr) => Expr): Expr {
  if (expr.kind === "some" && expr.symbols[0]?.kind !== "call") return expr;
  return descend(expr);
}

/** The names of key and value are taken in the domain, too: OPA resolves it inside their scope. */
function resolveEvery(expr: Expr & { readonly kind: "every" }, scope: Scope): Expr {
  const names = vars(expr.value);
  if (expr.key !== null) for (const name of vars(expr.key)) names.add(name);
  const inner = within(scope, names);
  return {
    ...expr,
    domain: resolveTerm(expr.domain, inner),
    body: resolveBody(expr.body, inner),
    with: expr.with.map((modifier) => resolveWith(modifier, scope)),
  };
}

function resolveWith(modifier: With, scope: Scope): With {
  return rewriteWith(modifier, rewriterIn(scope));
}

function resolveName(name: string, term: Term, scope: Scope): Term {
  const path = meaning(name, scope);
  if (path !== undefined) return pathTerm(path, term);
  return isRootName(name) ? refTerm(term, [], term.span) : term;
}

function resolveReference(ref: RefTerm, scope: Scope, rewriter: Rewriter): RefTerm {
  const path = ref.path.map((part) => (isScalar(part) ? part : rewriteTerm(part, rewriter)));
  if (ref.head.kind !== "var") return { ...ref, head: rewriteTerm(ref.head, rewriter), path };
  const global = meaning(ref.head.name, scope);
  if (global === undefined) return { ...ref, path };
  const start = pathTerm(global, ref.head);
  return { ...ref, head: start.head, path: [...start.path, ...path] };
}

/** A path as a reference at the place of the name that stood for it. */
function pathTerm(path: readonly Term[], at: Term): RefTerm {
  const placed = path.map((term) => ({ ...term, span: at.span }));
  return refTerm(placed[0] as Term, placed.slice(1), at.span);
}
