// `==` becomes `=`, and references and comprehensions that stand in a call, a composite, or the path of another
// reference become variables bound in front of their literal. What stands directly under `=`, or is a literal of its
// own, stays. The new literals are not negated: `not startswith(input.x, "a")` becomes `y = input.x; not
// startswith(y, "a")`, so that it is undefined, and not true, when `input.x` is undefined; `not input.a == 1` stays
// one literal, which is true then. Policies depend on it. OPA: v1/ast/compile.go rewriteEquals, rewriteDynamics.

import type { Body, CallExpr, Comprehension, Expr, Module, RefTerm, Term } from "../ast.ts";
import type { Names } from "../names.ts";
import {
  callsBuiltin,
  generatedEq,
  isComposite,
  isComprehension,
  mapMembers,
  operatorTerm,
  varTerm,
} from "../terms.ts";
import { rewriteModule } from "../visit.ts";

export function rewriteEquals(modules: readonly Module[]): readonly Module[] {
  return modules.map((module) =>
    rewriteModule(module, {
      expr: (expr, descend) => {
        const inner = descend(expr);
        if (!callsBuiltin(inner, "equal") || inner.args.length !== 2) return inner;
        return { ...inner, operator: operatorTerm("eq", inner.operator.span) };
      },
    }),
  );
}

export function hoistTerms(modules: readonly Module[], names: Names): readonly Module[] {
  return modules.map((module) =>
    rewriteModule(module, { rule: (rule) => ({ ...rule, body: hoistBody(rule.body, names) }) }),
  );
}

export function hoistBody(body: Body, names: Names): Body {
  return body.flatMap((expr) => {
    const support: Expr[] = [];
    const hoist: Hoist = { names, support, from: expr };
    const literal = hoistLiteral(expr, hoist);
    return [...support, literal];
  });
}

interface Hoist {
  readonly names: Names;
  readonly support: Expr[];
  /** The literal whose `with` the new literals share. */
  readonly from: Expr;
}

function hoistLiteral(expr: Expr, hoist: Hoist): Expr {
  const { names } = hoist;
  switch (expr.kind) {
    case "call":
      return hoistCall(expr, hoist);
    case "every":
      return { ...expr, domain: hoistOne(expr.domain, hoist), body: hoistBody(expr.body, names) };
    case "not":
      return { ...expr, body: hoistBody(expr.body, names) };
    case "logic":
      return { ...expr, left: hoistBody(expr.left, names), right: hoistBody(expr.right, names) };
    case "term":
      return { ...expr, term: hoistInTerm(expr.term, hoist) };
    case "some":
      break;
  }
  return expr;
}

function hoistCall(expr: CallExpr, hoist: Hoist): Expr {
  const unifies: boolean = callsBuiltin(expr, "eq");
  if (unifies && expr.args.length !== 2) return expr;
  return { ...expr, args: expr.args.map((arg) => (unifies ? hoistInTerm(arg, hoist) : hoistOne(arg, hoist))) };
}

/** A reference or comprehension stays where it is; what is dynamic in it goes in front. */
function hoistInTerm(term: Term, hoist: Hoist): Term {
  if (term.kind === "ref") return hoistPath(term, hoist);
  return isComprehension(term) ? hoistComprehension(term, hoist) : hoistOne(term, hoist);
}

function hoistOne(term: Term, hoist: Hoist): Term {
  if (term.kind === "ref") return bind(hoistPath(term, hoist), hoist);
  if (isComposite(term)) return mapMembers(term, (member) => hoistOne(member, hoist));
  return isComprehension(term) ? bind(hoistComprehension(term, hoist), hoist) : term;
}

function hoistPath(term: RefTerm, hoist: Hoist): RefTerm {
  return { ...term, path: term.path.map((part) => hoistOne(part, hoist)) };
}

function hoistComprehension(term: Comprehension, hoist: Hoist): Comprehension {
  return { ...term, body: hoistBody(term.body, hoist.names) };
}

function bind(term: Term, { names, support, from }: Hoist): Term {
  const variable = varTerm(names.fresh(), term.span);
  names.standFor(variable.name, term);
  support.push({ ...generatedEq(variable, term, term.span), with: from.with });
  return variable;
}
