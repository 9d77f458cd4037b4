// Calls inside terms become literals of their own, in front of the literal that they stand in: `f(g(x)) > 1` is
// `g(x, a); f(a, b); b > 1`. They are not negated even where the literal is, which is why a legacy `not f(input.x)`
// is undefined when `input.x` is: the call stands before the `not`. Collections that a reference starts with, and
// domains of `every`, become variables in the same way. OPA: v1/ast/compile.go rewriteExprTerms.

import type { Body, CallExpr, CallTerm, Comprehension, Expr, Module, RefTerm, Rule, Term, With } from "../ast.ts";
import type { Names } from "../names.ts";
import {
  appendToBody,
  generatedEq,
  isComposite,
  isComprehension,
  mapMembers,
  requiresEvaluation,
  varTerm,
} from "../terms.ts";
import { rewriteBody, rewriteModule, type Rewriter } from "../visit.ts";

export function expandTerms(modules: readonly Module[], names: Names): readonly Module[] {
  return modules.map((module) => rewriteModule(module, { rule: (rule) => expandRule(rule, names) }));
}

function expandRule(rule: Rule, names: Names): Rule {
  const support: Expr[] = [];
  const one = (term: Term): Term => expandTerm(term, support, names);
  const { head } = rule;
  const args = head.args === null ? null : head.args.map(one);
  const endsReference = head.key !== null && head.key === head.reference.at(-1) && head.reference.length > 1;
  const key = head.key === null || endsReference ? head.key : one(head.key);
  const value = head.value === null ? null : one(head.value);
  return { ...rule, head: { ...head, args, key, value }, body: expandBody(appendToBody(rule.body, support), names) };
}

export function expandBody(body: Body, names: Names): Body {
  return body.flatMap((expr) => expandExpr(expr, names));
}

function expandExpr(expr: Expr, names: Names): readonly Expr[] {
  const support: Expr[] = [];
  const modifiers = expr.with.map((modifier) => ({ ...modifier, value: expandTerm(modifier.value, support, names) }));
  const inside: Expr[] = [];
  const one = (term: Term): Term => expandTerm(term, inside, names);
  const expanded = expandLiteral({ ...expr, with: modifiers }, one, names);
  if (expanded.kind === "every") return [...support, ...expandDomain(expanded, modifiers, names)];
  return [...support, ...withModifiers(inside, modifiers), expanded];
}

function expandLiteral(expr: Expr, one: (term: Term) => Term, names: Names): Expr {
  if (expr.kind === "term") return { ...expr, term: one(expr.term) };
  if (expr.kind === "call") return { ...expr, args: expr.args.map(one) };
  if (expr.kind === "logic") {
    return { ...expr, left: expandBody(expr.left, names), right: expandBody(expr.right, names) };
  }
  return expr.kind === "some" ? expr : { ...expr, body: expandBody(expr.body, names) };
}

/** The domain is bound in front, under the same `with`, so that an undefined one ends the body. */
function expandDomain(expr: Expr & { readonly kind: "every" }, modifiers: readonly With[], names: Names): Expr[] {
  const { domain } = expr;
  const variable = varTerm(names.fresh(), domain.span);
  const equality: CallExpr = { ...generatedEq(variable, domain, domain.span), with: modifiers };
  return [...expandExpr(equality, names), { ...expr, domain: variable }];
}

function withModifiers(literals: readonly Expr[], modifiers: readonly With[]): readonly Expr[] {
  return modifiers.length === 0 ? literals : literals.map((literal) => ({ ...literal, with: modifiers }));
}

// ── terms

/** The term without calls; the literals that stand for them are added to `support`. */
function expandTerm(term: Term, support: Expr[], names: Names): Term {
  if (term.kind === "call") return expandCall(term, support, names);
  if (term.kind === "ref") return expandReference(term, support, names);
  if (isComposite(term)) return mapMembers(term, (member) => expandTerm(member, support, names));
  return isComprehension(term) ? expandComprehension(term, names) : term;
}

function expandCall(term: CallTerm, support: Expr[], names: Names): Term {
  const args = term.args.map((arg) => expandTerm(arg, support, names));
  const output = varTerm(names.fresh(), term.span);
  const { operator, infix, span } = term;
  support.push({
    kind: "call",
    operator,
    args: [...args, output],
    infix,
    negated: false,
    with: [],
    generated: true,
    span,
  });
  return output;
}

/** A reference starts with a variable: `f(x)[0]` and `[1, 2][i]` bind their head first. */
function expandReference(term: RefTerm, support: Expr[], names: Names): Term {
  const parts = [term.head, ...term.path].map((part) => {
    const expanded = expandTerm(part, support, names);
    if (part.kind === "call" && expanded.kind === "var") names.standFor(expanded.name, part);
    return expanded;
  });
  const [head, ...path] = parts as [Term, ...Term[]];
  if (!isComposite(head) && !isComprehension(head)) return { ...term, head, path };
  const variable = varTerm(names.fresh(), head.span);
  names.standFor(variable.name, head);
  support.push(generatedEq(variable, head, head.span));
  return { ...term, head: variable, path };
}

function expandComprehension(term: Comprehension, names: Names): Term {
  const support: Expr[] = [];
  const one = (inner: Term): Term => expandTerm(inner, support, names);
  const parts =
    term.kind === "object-comprehension"
      ? { ...term, key: one(term.key), value: one(term.value) }
      : { ...term, term: one(term.term) };
  return { ...parts, body: expandBody(appendToBody(term.body, support), names) };
}

// ── what a comprehension gives out

/** `[x.a | …]` becomes `[y | …; y = x.a]`. OPA: rewriteComprehensionTerms. */
export function bindComprehensions(modules: readonly Module[], names: Names): readonly Module[] {
  return modules.map((module) => rewriteModule(module, comprehensionBinder(names)));
}

export function bindQueryComprehensions(query: Body, names: Names): Body {
  return rewriteBody(query, comprehensionBinder(names));
}

function comprehensionBinder(names: Names): Rewriter {
  return {
    term: (term, descend) => {
      const inner = descend(term);
      if (!isComprehension(inner)) return inner;
      const support: Expr[] = [];
      const one = (part: Term): Term => {
        if (!requiresEvaluation(part)) return part;
        const variable = varTerm(names.fresh(), part.span);
        support.push(generatedEq(variable, part, part.span));
        return variable;
      };
      const parts =
        inner.kind === "object-comprehension"
          ? { ...inner, key: one(inner.key), value: one(inner.value) }
          : { ...inner, term: one(inner.term) };
      return support.length === 0 ? inner : { ...parts, body: appendToBody(inner.body, support) };
    },
  };
}
