// `with` replaces input, base documents, whole rules, functions and built-ins; anything else is an error here. A value
// that has to be evaluated is bound in front of the literal. OPA: v1/ast/compile.go rewriteWithModifiers, validateWith.

import { type Diagnostic, errorAt } from "@portcullis/lang";
import type { Body, Expr, Module, RefTerm, Term, With } from "../ast.ts";
import type { Builtin } from "../builtins/builtin.ts";
import { childAt, findNode, type RuleNode } from "../ruletree.ts";
import { dottedName, generatedEq, operatorTerm, refTerms, requiresEvaluation, varTerm } from "../terms.ts";
import { termText } from "../termtext.ts";
import { rewriteBody, rewriteModule, type Rewriter } from "../visit.ts";
import { compileError, type Stage } from "./stage.ts";

export function bindWithValues(modules: readonly Module[], stage: Stage, tree: RuleNode): readonly Module[] {
  return modules.map((module) => rewriteModule(module, withBinder(stage, tree)));
}

export function bindQueryWithValues(query: Body, stage: Stage, tree: RuleNode): Body {
  return rewriteBody(query, withBinder(stage, tree));
}

function withBinder(stage: Stage, tree: RuleNode): Rewriter {
  return {
    // One error for a body is enough: OPA gives up on it.
    body: (body, descend) => {
      const errors = stage.errors.length;
      return descend(body).flatMap((expr) => (stage.errors.length > errors ? [expr] : bindLiteral(expr, stage, tree)));
    },
  };
}

function bindLiteral(expr: Expr, stage: Stage, tree: RuleNode): readonly Expr[] {
  if (expr.with.length === 0) return [expr];
  const support: Expr[] = [];
  const errors = stage.errors.length;
  const modifiers = expr.with.map((modifier) => {
    if (stage.errors.length > errors) return modifier;
    const { target, value, evaluate } = checkWith(modifier, stage, tree);
    if (!evaluate) return { ...modifier, target, value };
    const variable = varTerm(stage.names.fresh(), value.span);
    support.push(generatedEq(variable, value, value.span));
    return { ...modifier, target, value: variable };
  });
  return [...support, { ...expr, with: modifiers }];
}

interface CheckedWith {
  readonly target: Term;
  readonly value: Term;
  readonly evaluate: boolean;
}

function checkWith(modifier: With, stage: Stage, tree: RuleNode): CheckedWith {
  const value = asOperator(modifier.value, stage);
  const target = asOperator(modifier.target, stage);
  const evaluate = requiresEvaluation(value);
  const root = target.kind === "ref" && target.head.kind === "var" ? target.head.name : "";
  if (target.kind === "ref" && root === "data")
    return { target, value, evaluate: checkData(target, { value, stage, tree }) };
  if (root === "input") return { target, value, evaluate };
  const builtin = builtinNamed(target, stage);
  if (builtin === undefined) {
    const text = "with keyword target must reference existing input, data, or a function";
    stage.errors.push(errorAt("rego_type_error", target.span, text));
    return { target, value, evaluate: false };
  }
  const error = builtinTargetError(builtin, target);
  if (error !== undefined) stage.errors.push(error);
  return { target, value, evaluate: error === undefined && !isFunctionValue(value, stage, tree) && evaluate };
}

/** Built-ins named in a `with` become references, as operators are. */
function asOperator(term: Term, stage: Stage): Term {
  if (term.kind !== "var" || stage.environment.builtin(term.name) === undefined) return term;
  return operatorTerm(term.name, term.span);
}

function builtinNamed(term: Term, stage: Stage): Builtin | undefined {
  const name = term.kind === "ref" ? dottedName(term) : null;
  return name === null ? undefined : stage.environment.builtin(name);
}

/** Whether the value is to be evaluated: a function, which may only be named, is not. */
function checkData(
  target: RefTerm,
  { value, stage, tree }: { readonly value: Term; readonly stage: Stage; readonly tree: RuleNode },
): boolean {
  const path = refTerms(target);
  let node: RuleNode | undefined = tree;
  for (const term of path.slice(0, -1)) {
    const next: RuleNode | undefined = node === undefined ? undefined : childAt(node, term);
    if (next === undefined) break;
    if (next.rules.length > 0) {
      const text = "with keyword cannot partially replace virtual document(s)";
      stage.errors.push(compileError(target.span, text));
      return false;
    }
    node = next;
  }
  const last = path.at(-1);
  const replaced = node === undefined || last === undefined ? undefined : childAt(node, last);
  const replacesFunction = replaced?.rules.some(({ rule }) => isFunction(rule.head.args)) === true;
  if (replacesFunction && isFunctionValue(value, stage, tree)) return false;
  const named = value.kind === "ref" ? findNode(tree, refTerms(value)) : undefined;
  if (named?.rules.some(({ rule }) => isFunction(rule.head.args)) === true) return false;
  return requiresEvaluation(value);
}

function isFunction(args: readonly Term[] | null): boolean {
  return args !== null && args.length > 0;
}

function isFunctionValue(value: Term, stage: Stage, tree: RuleNode): boolean {
  if (value.kind === "ref" && findNode(tree, refTerms(value)) !== undefined) return true;
  return builtinNamed(value, stage) !== undefined;
}

function builtinTargetError(builtin: Builtin, target: Term): Diagnostic | undefined {
  const prefix = "with keyword replacing built-in function:";
  const { name } = builtin;
  if (name === "eq" || name === "rego.metadata.chain" || name === "rego.metadata.rule") {
    return compileError(target.span, `${prefix} replacement of "${name}" invalid`);
  }
  if (name.startsWith("internal.")) {
    return compileError(target.span, `${prefix} replacement of internal function "${termText(target)}" invalid`);
  }
  if (builtin.relation === true) return compileError(target.span, `${prefix} target must not be a relation`);
  if (builtin.type.result === null) {
    return compileError(target.span, `${prefix} target must not be a void function`);
  }
  return undefined;
}
