// Template strings become calls of internal.template_string with a list: strings as they are, and each expression as
// a set of at most one value, so that an undefined one is an empty set and not the end of the rule.
// OPA: v1/ast/compile.go rewriteTemplateStrings.

import type { Body, Expr, Module, Rule, TemplateStringTerm, Term } from "../ast.ts";
import { arityOf, type Environment } from "../environment.ts";
import { type Arity, outputsOfBody, reservedNames, safetyOptions, varsOfTerms } from "../outputs.ts";
import { compareStrings } from "../runtime/compare.ts";
import { findNode, type RuleNode } from "../ruletree.ts";
import {
  generatedEq,
  isComprehension,
  isEmptyBody,
  isGround,
  isScalar,
  operatorTerm,
  refTerms,
  setTerm,
  stringTerm,
  varTerm,
} from "../terms.ts";
import { rewriteBody, rewriteModule, type Rewriter, rewriteTerm, vars, walk } from "../visit.ts";
import { compileError, shownName, type Stage } from "./stage.ts";

interface Templates {
  readonly stage: Stage;
  readonly tree: RuleNode;
  readonly arity: Arity;
}

type Safe = ReadonlySet<string>;

export function rewriteTemplates(modules: readonly Module[], stage: Stage, tree: RuleNode): readonly Module[] {
  const templates = templatesIn(stage, tree);
  return modules.map((module) => rewriteModule(module, { rule: (rule) => rewriteRule(rule, templates) }));
}

export function rewriteQueryTemplates(query: Body, stage: Stage, tree: RuleNode): Body {
  if (!query.some(hasTemplate)) return query;
  return templatesInBody(query, reservedNames, templatesIn(stage, tree)).body;
}

function templatesIn(stage: Stage, tree: RuleNode): Templates {
  return { stage, tree, arity: arityOf(stage.environment satisfies Environment, tree) };
}

function rewriteRule(rule: Rule, templates: Templates): Rule {
  if (!hasTemplate(rule.head) && !hasTemplate(rule.body)) return rule;
  const args = varsOfTerms(rule.head.args ?? [], { skipTemplateStrings: true });
  const { body, safe } = templatesInBody(rule.body, args.union(reservedNames), templates);
  const one = (term: Term): Term => rewriteTerm(term, rewriterWith(safe, templates));
  const { head } = rule;
  const key = head.key === null || head.key === head.reference.at(-1) ? head.key : one(head.key);
  const value = head.value === null ? null : one(head.value);
  const patterns = head.args === null ? null : head.args.map(one);
  return { ...rule, head: { ...head, args: patterns, key, value }, body };
}

function hasTemplate(node: Parameters<typeof walk>[0]): boolean {
  let found = false;
  walk(node, {
    term: (term) => {
      found ||= term.kind === "template-string";
      return found ? false : undefined;
    },
  });
  return found;
}

function templatesInBody(body: Body, known: Safe, templates: Templates): { readonly body: Body; readonly safe: Safe } {
  const safe = outputsOfBody(body, templates.arity, known).union(known);
  return { body: rewriteBody(body, { ...rewriterWith(safe, templates), body: (b, descend) => descend(b) }), safe };
}

/** Bodies of comprehensions and of `every` see their own outputs, too. */
function rewriterWith(safe: Safe, templates: Templates): Rewriter {
  const rewriter: Rewriter = {
    expr: (expr, descend) => {
      if (expr.kind !== "every") return descend(expr);
      const names = vars(expr.value).union(expr.key === null ? new Set<string>() : vars(expr.key));
      const { body } = templatesInBody(expr.body, safe.union(names), templates);
      return { ...expr, domain: rewriteTerm(expr.domain, rewriter), body };
    },
    term: (term, descend) => {
      if (term.kind === "template-string") return templateCall(term, safe, templates);
      if (!isComprehension(term)) return descend(term);
      const inner = templatesInBody(term.body, safe, templates);
      const own = rewriterWith(inner.safe, templates);
      if (term.kind !== "object-comprehension") return { ...term, term: rewriteTerm(term.term, own), body: inner.body };
      const key = rewriteTerm(term.key, own);
      return { ...term, key, value: rewriteTerm(term.value, own), body: inner.body };
    },
  };
  return rewriter;
}

function templateCall(term: TemplateStringTerm, safe: Safe, templates: Templates): Term {
  const { span } = term;
  const parts = term.parts.flatMap((part) => {
    if (typeof part === "string") return [stringTerm(part, span)];
    const made = partTerm(part, safe, templates);
    return made === null ? [] : [made];
  });
  const items = term.parts.length === 0 ? [stringTerm("", span)] : parts;
  const list: Term = { kind: "array", items, span };
  return { kind: "call", operator: operatorTerm("internal.template_string", span), args: [list], infix: false, span };
}

/** `{x | x = expression}`, or `{expression}` where it cannot be undefined. */
function partTerm(expr: Expr, safe: Safe, templates: Templates): Term | null {
  const { stage } = templates;
  const term = expressionTerm(expr, stage);
  if (term === null) return null;
  if (term.kind === "var" || (term.kind === "ref" && isAlwaysDefined(refTerms(term), templates.tree))) {
    return setTerm([term], term.span);
  }
  const inner = rewriteTerm(term, rewriterWith(safe, templates));
  const unsafe = vars(term, safetyOptions).difference(safe);
  for (const name of [...unsafe].toSorted(compareStrings)) {
    stage.errors.push(compileError(term.span, `var ${shownName(name, stage)} is undeclared`));
  }
  const variable = varTerm(stage.names.fresh(), term.span);
  const capture = { ...generatedEq(variable, inner, term.span), generated: false, with: expr.with };
  return { kind: "set-comprehension", term: variable, body: [capture], span: term.span };
}

function expressionTerm(expr: Expr, stage: Stage): Term | null {
  if (expr.kind === "term") return expr.term;
  if (expr.kind !== "call") {
    stage.errors.push(compileError(expr.span, `unexpected template-string expression type: ${expr.kind}`));
    return null;
  }
  const { operator, args, infix, span } = expr;
  const head = operator.head.kind === "var" && operator.path.length === 0 ? operator.head.name : "";
  if (stage.environment.builtin(head)?.relation === true) {
    const text = `illegal call to relation built-in '${head}' that may cause multiple outputs`;
    stage.errors.push(compileError(span, text));
    return null;
  }
  return { kind: "call", operator, args, infix, span };
}

/**
 * Whether a rule always has a value: it has a default, is a set (possibly empty), or is one constant.
 * OPA: isRefToKnownDefinedRule.
 */
function isAlwaysDefined(path: readonly Term[], tree: RuleNode): boolean {
  const rules = path.length < 2 ? [] : (findNode(tree, path)?.rules ?? []);
  const first = rules[0]?.rule;
  if (first === undefined || first.head.args !== null) return false;
  if (first.default || first.head.value === null) return true;
  if (rules.length > 1) return rules.some(({ rule }) => rule.default);
  return isEmptyBody(first.body) && (isScalar(first.head.value) || isConstantComposite(first.head.value));
}

function isConstantComposite(term: Term): boolean {
  return (term.kind === "array" || term.kind === "object" || term.kind === "set") && isGround(term);
}
