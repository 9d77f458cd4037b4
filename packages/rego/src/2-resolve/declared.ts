// Which variables a body declares: left sides of `:=` and symbols of `some`, in everything of the body but its
// comprehensions, which have scopes of their own. OPA: v1/ast/compile.go declaredVars.

import type { Body, CallExpr, Expr, Term } from "../ast.ts";
import { callsBuiltin } from "../terms.ts";
import { vars, type Visitor, walkBody, walkExpr } from "../visit.ts";

export function declaredByBody(body: Body): ReadonlySet<string> {
  const found = new Set<string>();
  walkBody(body, collector(found));
  return found;
}

export function declaredByExpr(expr: Expr): ReadonlySet<string> {
  const found = new Set<string>();
  walkExpr(expr, collector(found));
  return found;
}

function collector(found: Set<string>): Visitor {
  const add = (names: Iterable<string>): void => {
    for (const name of names) found.add(name);
  };
  return {
    expr: (expr) => {
      if (isAssignment(expr)) add(vars(expr.args[0]));
      if (expr.kind !== "some") return;
      for (const symbol of expr.symbols) {
        if (symbol.kind === "call") for (const bound of symbol.args.slice(0, -1)) add(vars(bound));
        else if (symbol.kind === "var") found.add(symbol.name);
      }
    },
    term: (term) => (term.kind.endsWith("comprehension") ? false : undefined),
  };
}

/** `x := y` with its two sides. */
export function isAssignment(expr: Expr): expr is CallExpr & { readonly args: readonly [Term, Term] } {
  return callsBuiltin(expr, "assign") && expr.args.length === 2;
}
