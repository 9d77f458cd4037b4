// `f()` where `f` is a rule without arguments stands for the rule's value: OPA evaluates such a call as it evaluates the
// rule. A call without arguments of a function stays, because the type checker has something to say about it.
// OPA: v1/topdown/eval.go evalFunc, which finds no argument to unify.

import type { Expr, Module, RefTerm, Term } from "../ast.ts";
import { rewriteModule, type Rewriter } from "../visit.ts";

/** Modules whose references are resolved, with those calls replaced. */
export function takeCallsForValues(modules: readonly Module[]): readonly Module[] {
  const values = new Set<string>();
  for (const {
    package: { path },
    rules,
  } of modules) {
    for (const { head } of rules) {
      const [name] = head.reference;
      if (head.args === null && head.reference.length === 1 && name?.kind === "var")
        values.add(key([...path, name.name]));
    }
  }
  const rewriter: Rewriter = {
    term: (term, descend) => asValue(descend(term), values),
    expr: (expr, descend) => asValueExpr(descend(expr), values),
  };
  return modules.map((module) => rewriteModule(module, rewriter));
}

function asValue(term: Term, values: ReadonlySet<string>): Term {
  return term.kind === "call" && callsValue(term, values) ? term.operator : term;
}

function asValueExpr(expr: Expr, values: ReadonlySet<string>): Expr {
  if (expr.kind !== "call" || !callsValue(expr, values)) return expr;
  const { operator, negated, with: modifiers, generated, span } = expr;
  return { kind: "term", term: operator, negated, with: modifiers, generated, span };
}

function callsValue(
  { operator, args }: { readonly operator: RefTerm; readonly args: readonly Term[] },
  values: ReadonlySet<string>,
): boolean {
  if (args.length > 0 || operator.head.kind !== "var") return false;
  const path = operator.path.map((part) => (part.kind === "string" ? part.value : ""));
  return values.has(key([operator.head.name, ...path]));
}

function key(path: readonly string[]): string {
  return JSON.stringify(path);
}
