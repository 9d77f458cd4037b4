// `print` calls are erased, or kept with each argument in a set of at most one value, so that an undefined argument
// prints as `<undefined>` and does not end the rule. OPA: v1/ast/compile.go rewritePrintCalls, erasePrintCalls.

import type { Body, CallExpr, Expr, Module, Rule, Term } from "../ast.ts";
import { arityOf } from "../environment.ts";
import { type Arity, outputsOfBody, reservedNames, safetyOptions, varsOfTerms } from "../outputs.ts";
import { compareStrings } from "../runtime/compare.ts";
import type { RuleNode } from "../ruletree.ts";
import { callsBuiltin, generatedEq, isComprehension, isGeneratedName, operatorTerm, varTerm } from "../terms.ts";
import { rewriteBody, rewriteExpr, rewriteModule, type Rewriter, rewriteTerm, rewriteTerms, vars } from "../visit.ts";
import { compileError, shownName, type Stage } from "./stage.ts";

export function rewritePrints(modules: readonly Module[], stage: Stage, tree: RuleNode): readonly Module[] {
  const arity = arityOf(stage.environment, tree);
  const one = (rule: Rule): Rule => {
    if (!stage.environment.print) return eraseInRule(rule);
    const args = varsOfTerms(rule.head.args ?? []);
    return printsInRule(rule, args.union(reservedNames), { stage, arity });
  };
  return modules.map((module) => rewriteModule(module, { rule: one }));
}

export function rewriteQueryPrints(query: Body, stage: Stage, tree: RuleNode): Body {
  if (!stage.environment.print) return eraseInBody(query);
  return printsInBody(query, reservedNames, { stage, arity: arityOf(stage.environment, tree) });
}

// ── erased

const eraser: Rewriter = { body: eraseInBody };

function eraseInRule(rule: Rule): Rule {
  const { head } = rule;
  const one = (term: Term): Term => rewriteTerm(term, eraser);
  const key = head.key === null || head.key === head.reference.at(-1) ? head.key : one(head.key);
  const value = head.value === null ? null : one(head.value);
  const args = head.args === null ? null : rewriteTerms(head.args, eraser);
  const body = eraseInBody(rule.body);
  if (key === head.key && value === head.value && args === head.args && body === rule.body) return rule;
  return { ...rule, head: { ...head, args, key, value }, body };
}

function eraseInBody(body: Body): Body {
  const kept = body.filter((expr) => !callsBuiltin(expr, "print"));
  const [first] = body;
  if (kept.length === 0 && first !== undefined) {
    const { span } = first;
    const term: Term = { kind: "boolean", value: true, span };
    return [{ kind: "term", term, negated: false, with: [], generated: false, span }];
  }
  const erased = kept.map((expr) => rewriteExpr(expr, eraser));
  return erased.length === body.length && erased.every((expr, at) => expr === body[at]) ? body : erased;
}

// ── kept

interface Prints {
  readonly stage: Stage;
  readonly arity: Arity;
}

type Safe = ReadonlySet<string>;

function printsInRule(rule: Rule, safe: Safe, prints: Prints): Rule {
  const rewriter: Rewriter = { body: (body) => printsInBody(body, safe, prints) };
  const { head } = rule;
  const value = head.value === null ? null : rewriteTerm(head.value, rewriter);
  const key = head.key === null || head.key === head.reference.at(-1) ? head.key : rewriteTerm(head.key, rewriter);
  const args = head.args === null ? null : rewriteTerms(head.args, rewriter);
  return { ...rule, head: { ...head, args, key, value }, body: rewriteBody(rule.body, rewriter) };
}

/** A literal's own bodies see what the literals before it bind. */
function printsInBody(body: Body, known: Safe, prints: Prints): Body {
  return body.map((expr, at) => {
    const before = body.slice(0, at);
    let safe: Safe | null = null;
    const safeHere = (): Safe => (safe ??= outputsOfBody(before, prints.arity, known).union(known));
    const nested: Rewriter = {
      body: (inner) => printsInBody(inner, withEveryVars(safeHere(), expr), prints),
      term: (term, descend) => (isComprehension(term) || mayHoldBody(term) ? descend(term) : term),
    };
    const rewritten = rewriteExpr(expr, nested);
    return callsBuiltin(rewritten, "print")
      ? capturePrint(rewritten, safeHere().union(generatedIn(before)), prints)
      : rewritten;
  });
}

function mayHoldBody(term: Term): boolean {
  return term.kind !== "var" && term.kind !== "string" && term.kind !== "number";
}

function withEveryVars(safe: Safe, expr: Expr): Safe {
  if (expr.kind !== "every") return safe;
  return safe.union(vars(expr.value)).union(expr.key === null ? new Set<string>() : vars(expr.key));
}

function generatedIn(body: Body): Safe {
  return new Set([...vars(body)].filter(isGeneratedName));
}

function capturePrint(expr: CallExpr, safe: Safe, { stage }: Prints): Expr {
  const items = expr.args.map((arg): Term => {
    const unsafe = vars(arg, safetyOptions).difference(safe);
    for (const name of [...unsafe].toSorted(compareStrings)) {
      stage.errors.push(compileError(arg.span, `var ${shownName(name, stage)} is undeclared`));
    }
    const variable = varTerm(stage.names.fresh(), arg.span);
    const capture = { ...generatedEq(variable, arg, arg.span), generated: false };
    return { kind: "set-comprehension", term: variable, body: [capture], span: arg.span };
  });
  const { span } = expr;
  return { ...expr, operator: operatorTerm("internal.print", span), args: [{ kind: "array", items, span }] };
}
