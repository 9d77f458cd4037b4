// Locals of a rule: its arguments first, which its whole else chain shares; then comprehensions of the head, each in a
// scope of its own; then the body; last the head again, which sees what the body declared.
// OPA: v1/ast/compile.go rewriteLocalVars, rewriteLocalVarsInRule.

import type { Body, Head, Module, Rule, Term, VarTerm } from "../ast.ts";
import { isComprehension, isScalar, objectTerm, setTerm, varTerm } from "../terms.ts";
import { compareStrings } from "../runtime/compare.ts";
import { rewriteRule, rewriteTerm, type Rewriter, vars, walkBody } from "../visit.ts";
import { declaredByBody } from "./declared.ts";
import { type Locals, renameComprehension, renameInBody, renameTerm } from "./locals.ts";
import { inScope, insert, newScopes, renamedTo, type Scopes } from "./scopes.ts";
import { compileError, type Stage } from "./stage.ts";

export function renameLocals(modules: readonly Module[], stage: Stage): readonly Module[] {
  return modules.map((module) => ({ ...module, rules: module.rules.map((rule) => renameChain(rule, stage)) }));
}

export function renameQuery(query: Body, stage: Stage): Body {
  return renameInBody(localsOf(stage, newScopes(stage.names)), query, new Set());
}

function localsOf(stage: Stage, scopes: Scopes): Locals {
  return { stage, scopes, unused: { reported: false, failed: false } };
}

function renameChain(rule: Rule, stage: Stage): Rule {
  const argumentScopes = newScopes(stage.names);
  const args = rule.head.args === null ? null : rule.head.args.map((arg) => renameArgument(arg, argumentScopes, stage));
  const first: Rule = { ...rule, head: { ...rule.head, args } };
  return rewriteRule(first, { rule: (link) => renameLink(link, argumentScopes, stage) });
}

/** Variables of a pattern; keys of objects are no pattern. */
function renameArgument(arg: Term, scopes: Scopes, stage: Stage): Term {
  const rewriter: Rewriter = {
    term: (term, descend) => {
      if (term.kind === "var") return nameArgument(term, scopes, stage);
      if (term.kind === "object") {
        const entries = term.entries.map(([key, value]) => [key, rewriteTerm(value, rewriter)] as const);
        return { ...term, entries };
      }
      if (term.kind === "call") stage.errors.push(compileError(term.span, "rule arguments cannot contain calls"));
      return term.kind === "ref" || term.kind === "array" ? descend(term) : term;
    },
  };
  return rewriteTerm(arg, rewriter);
}

function nameArgument(term: VarTerm, scopes: Scopes, stage: Stage): VarTerm {
  const known = renamedTo(scopes, term.name);
  if (known !== undefined) return varTerm(known, term.span);
  const fresh = stage.names.fresh();
  insert(scopes, term.name, fresh, "argument");
  return varTerm(fresh, term.span);
}

function renameLink(link: Rule, argumentScopes: Scopes, stage: Stage): Rule {
  const scopes = newScopes(stage.names, argumentScopes);
  const locals = localsOf(stage, scopes);
  const head = mayHaveVars(link.head) ? renameNested(link.head, stage) : link.head;
  renameBuiltinNames(link, scopes, stage);
  const body = renameInBody(locals, link.body, headVars(head));
  return { ...link, head: renameHead(head, scopes), body };
}

/** Whether anything in the head is more than a scalar. OPA: headMayHaveVars. */
function mayHaveVars(head: Head): boolean {
  const terms = [...(head.args ?? []), head.key, head.value, ...head.reference.slice(1)];
  return terms.some((term) => term !== null && !isScalar(term));
}

function headVars(head: Head): ReadonlySet<string> {
  const found = new Set<string>();
  for (const term of [...head.reference.slice(1), head.key, head.value]) {
    if (term !== null) for (const name of vars(term)) found.add(name);
  }
  return found;
}

/** Comprehensions and template strings of the head, before the body can give their variables a name. */
function renameNested(head: Head, stage: Stage): Head {
  const rewriter: Rewriter = {
    term: (term, descend) => {
      if (isComprehension(term)) {
        return renameComprehension(localsOf(stage, newScopes(stage.names)), term);
      }
      if (term.kind !== "template-string") return descend(term);
      const locals = localsOf(stage, newScopes(stage.names));
      return inScope(locals.scopes, () => renameTerm(locals, term));
    },
  };
  return mapHead(head, (term) => rewriteTerm(term, rewriter));
}

/** What the body declared has new names in the head, too. OPA: rewriteHeadVarLocalTransform. */
function renameHead(head: Head, scopes: Scopes): Head {
  const rewriter: Rewriter = {
    term: (term, descend) => {
      if (term.kind === "object" || term.kind === "set") {
        const inner = descend(term);
        if (inner.kind === "object") return objectTerm(inner.entries, inner.span);
        return inner.kind === "set" ? setTerm(inner.items, inner.span) : inner;
      }
      if (term.kind !== "var") return descend(term);
      const renamed = renamedTo(scopes, term.name);
      return renamed === undefined || renamed === term.name ? term : varTerm(renamed, term.span);
    },
  };
  return mapHead(head, (term) => rewriteTerm(term, rewriter));
}

/** The key stays the very term that ends the reference where it was; the name of the rule stays. */
function mapHead(head: Head, one: (term: Term) => Term): Head {
  const reference = head.reference.map((term, at) => (at === 0 ? term : one(term)));
  const endsReference = head.key !== null && head.reference.length > 1 && head.key === head.reference.at(-1);
  const key = head.key === null ? null : endsReference ? (reference.at(-1) ?? null) : one(head.key);
  const args = head.args === null ? null : head.args.map(one);
  return { ...head, reference, key, args, value: head.value === null ? null : one(head.value) };
}

/**
 * A variable with the name of a built-in gets another name, or later stages would take it for the function. Operators,
 * closures and `with`, where it may be the function, keep it. OPA: rewriteLocalVarsInRule, issue 3729.
 */
function renameBuiltinNames(link: Rule, scopes: Scopes, stage: Stage): void {
  const mentioned = [...vars(link.body, { skipCallHeads: true, skipClosures: true })];
  const shadowing = mentioned.filter((name) => stage.environment.builtin(name) !== undefined);
  if (shadowing.length === 0 || stage.environment.opa === "1.17") return;
  const declared = declaredByBody(link.body);
  const inWith = namesInWith(link.body);
  for (const name of shadowing.toSorted(compareStrings)) {
    if (declared.has(name) || inWith.has(name) || renamedTo(scopes, name) !== undefined) continue;
    insert(scopes, name, stage.names.fresh(), "seen");
  }
}

function namesInWith(body: Body): ReadonlySet<string> {
  const found = new Set<string>();
  walkBody(body, {
    with: (modifier): void => {
      for (const term of [modifier.target, modifier.value]) for (const name of vars(term)) found.add(name);
    },
  });
  return found;
}
