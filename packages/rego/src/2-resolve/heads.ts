// Heads hold only what needs no evaluation: terms of the reference that are neither variables nor scalars, and keys,
// values and arguments with references or comprehensions in them, become variables that the body binds.
// OPA: v1/ast/compile.go rewriteRuleHeadRefs, rewriteRefsInHead.

import type { CallExpr, Module, Rule, Term } from "../ast.ts";
import { appendToBody, generatedEq, isScalar, requiresEvaluation, varTerm } from "../terms.ts";
import { rewriteModule } from "../visit.ts";
import type { Stage } from "./stage.ts";

/** `p[input.x] := 1` becomes `p[y] := 1 if y = input.x`. */
export function bindHeadReferences(modules: readonly Module[], stage: Stage): readonly Module[] {
  return eachLink(modules, (rule) => {
    const { head } = rule;
    const literals: CallExpr[] = [];
    const reference = head.reference.map((term, at) =>
      at === 0 || term.kind === "var" || isScalar(term) ? term : bound(term, literals, stage),
    );
    if (literals.length === 0) return rule;
    const endsReference = head.key !== null && head.key === head.reference.at(-1);
    const key = endsReference ? (reference.at(-1) ?? null) : head.key;
    return { ...rule, head: { ...head, reference, key }, body: appendToBody(rule.body, literals) };
  });
}

/** `p := data.x[y]` becomes `p := z if z = data.x[y]`. */
export function bindHeadTerms(modules: readonly Module[], stage: Stage): readonly Module[] {
  return eachLink(modules, (rule) => {
    const literals: CallExpr[] = [];
    const one = (term: Term): Term => (requiresEvaluation(term) ? bound(term, literals, stage) : term);
    const { head } = rule;
    const key = head.key === null ? null : one(head.key);
    const value = head.value === null ? null : one(head.value);
    const args = head.args === null ? null : head.args.map(one);
    if (literals.length === 0) return rule;
    return { ...rule, head: { ...head, key, value, args }, body: appendToBody(rule.body, literals) };
  });
}

function bound(term: Term, literals: CallExpr[], stage: Stage): Term {
  const variable = varTerm(stage.names.fresh(), term.span);
  literals.push(generatedEq(variable, term, term.span));
  return variable;
}

function eachLink(modules: readonly Module[], change: (rule: Rule) => Rule): readonly Module[] {
  return modules.map((module) => rewriteModule(module, { rule: change }));
}
