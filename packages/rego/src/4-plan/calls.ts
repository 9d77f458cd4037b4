// Calls of functions and built-ins. A call with one argument more than declared unifies that argument with the result
// (`count(xs, n)`); a built-in that is a relation has several results, which are scanned. A function that some `with`
// replaces is called through its slot in the state. OPA: v1/topdown/eval.go evalCall.

import type { Span } from "@portcullis/lang";
import type { CallExpr, RefTerm, Term } from "../ast.ts";
import type { Builtin } from "../builtins/builtin.ts";
import type { Expression, Operand } from "../ir.ts";
import { termText } from "../termtext.ts";
import { constantValue } from "./constants.ts";
import { ruleFunction } from "./documents.ts";
import { type PlanContext, type Scope, add, builtinIndex, defined, newLocal, scan, site, unbound } from "./scope.ts";
import { type RuleNode, childOf } from "./tree.ts";
import { isKnown, matchPattern, unify } from "./unify.ts";

export type Callee =
  /** A rule without arguments: a call of it, which passes the type check where its type is not known, is its value. */
  | { readonly kind: "value"; readonly arity: 0; readonly name: string }
  | { readonly kind: "function"; readonly node: RuleNode; readonly arity: number; readonly name: string }
  | { readonly kind: "builtin"; readonly builtin: Builtin; readonly arity: number; readonly name: string };

/** What an operator names; undefined when there is no such function. */
export function calleeOf(context: PlanContext, operator: RefTerm): Callee | undefined {
  const path = operatorPath(operator);
  if (path === undefined) return undefined;
  const dotted = path.join(".");
  if (path[0] !== "data") {
    const builtin = context.lookup(dotted);
    return builtin && { kind: "builtin", builtin, arity: builtin.type.args.length, name: dotted };
  }
  let node: RuleNode | undefined = context.tree;
  for (const key of path.slice(1)) node = node && childOf(node, key);
  if (node === undefined || node.rules.length === 0) return undefined;
  const args = node.rules.find((rule) => rule.head.args !== null)?.head.args;
  const name = mockKey(path);
  return args ? { kind: "function", node, arity: args.length, name } : { kind: "value", arity: 0, name };
}

/** `["data", "a", "f"]`, `["io", "jwt", "decode"]`. */
function operatorPath(operator: Term): readonly string[] | undefined {
  if (operator.kind === "var") return [operator.name];
  if (operator.kind !== "ref" || operator.head.kind !== "var") return undefined;
  const path = operator.path.map(constantValue);
  return path.every((part) => typeof part === "string") ? [operator.head.name, ...path] : undefined;
}

/** The key under which a replaced function is known. */
export function mockKey(path: readonly string[]): string {
  return path[0] === "data" ? JSON.stringify(path) : path.join(".");
}

/** The value of a call in a term. */
export function callValue(scope: Scope, operator: RefTerm, args: readonly Term[], span: Span): Expression {
  const callee = calleeOf(scope.frame.context, operator);
  if (callee === undefined) return { kind: "undefined" };
  if (callee.kind === "value") return scope.frame.context.value(scope, operator);
  return relation(scope, callee, call(scope, callee, args, span));
}

type Function = Exclude<Callee, { readonly kind: "value" }>;

function call(scope: Scope, callee: Function, args: readonly Term[], span: Span): Expression {
  const { context } = scope.frame;
  if (callee.kind === "builtin") checkOperands(scope, callee.name, args, span);
  const operands = args.map((arg) => context.value(scope, arg));
  const mock = context.mocks.get(callee.name) ?? null;
  // What replaces it may read the input.
  if (mock !== null) context.inputReaders.add(scope.frame.index);
  if (callee.kind === "function") {
    return {
      kind: "call",
      function: ruleFunction(scope.frame, callee.node),
      args: operands,
      state: scope.state,
      mock,
    };
  }
  if (callee.builtin.nondeterministic === true) context.worldReaders.add(scope.frame.index);
  return {
    kind: "builtin",
    builtin: builtinIndex(context, callee.builtin),
    args: operands,
    state: scope.state,
    site: site(context, span),
    mock,
  };
}

/** OPA: v1/topdown/errors.go unevaluatedOperandErr. */
function checkOperands(scope: Scope, name: string, args: readonly Term[], span: Span): void {
  const at = args.findIndex((arg) => arg.kind !== "ref" && !isKnown(scope, arg));
  if (at === -1) return;
  const operand = termText(args[at] as Term);
  unbound(scope, `built-in function ${name} called with operand ${at + 1} that requires evaluation: ${operand}`, span);
}

/** A relation's call gives the list of its results: one after the other is the value. */
function relation(scope: Scope, callee: Callee, value: Expression): Expression {
  if (callee.kind !== "builtin" || callee.builtin.relation !== true) return value;
  return scan(scope, defined(scope, value)).value;
}

/** Plans a call that stands as a literal. */
export function planCall(scope: Scope, expr: CallExpr): void {
  const { context } = scope.frame;
  const callee = calleeOf(context, expr.operator);
  if (callee === undefined) {
    add(scope, { kind: "test", test: { kind: "never" } });
    return;
  }
  const { args } = expr;
  const [first, second] = args as [Term, Term];
  if (callee.kind === "builtin" && args.length === 2 && !context.mocks.has(callee.name)) {
    if (callee.name === "eq" || callee.name === "assign" || callee.name === "equal") {
      unify(scope, first, second);
      return;
    }
    if (callee.name === "neq") {
      const left = context.value(scope, first);
      const right = context.value(scope, second);
      add(scope, { kind: "test", test: { kind: "equal", left, right, negated: true } });
      return;
    }
  }
  if (callee.name === "internal.print") planPrint(scope, expr);
  else planResult(scope, expr, callee);
}

function planResult(scope: Scope, expr: CallExpr, callee: Callee): void {
  const { args } = expr;
  if (callee.kind === "value") {
    const value = scope.frame.context.value(scope, expr.operator);
    const [output] = args;
    if (output === undefined) add(scope, { kind: "test", test: { kind: "true", value } });
    else unifyOutput(scope, output, value);
    return;
  }
  const isVoid = callee.kind === "builtin" && callee.builtin.type.result === null;
  if (isVoid) {
    const value = call(scope, callee, args, expr.span);
    add(scope, { kind: "let", local: newLocal(scope, scope.depth), value, total: true });
  } else if (args.length > callee.arity) {
    const output = args[callee.arity] as Term;
    const value = relation(scope, callee, call(scope, callee, args.slice(0, callee.arity), expr.span));
    unifyOutput(scope, output, defined(scope, value));
  } else {
    const value = relation(scope, callee, call(scope, callee, args, expr.span));
    add(scope, { kind: "test", test: { kind: "true", value } });
  }
}

function unifyOutput(scope: Scope, output: Term, value: Operand): void {
  if (output.kind === "ref" && !isKnown(scope, output)) {
    const other = scope.frame.context.value(scope, output);
    add(scope, { kind: "test", test: { kind: "equal", left: other, right: value, negated: false } });
  } else {
    matchPattern(scope, output, value);
  }
}

function planPrint(scope: Scope, expr: CallExpr): void {
  const { context } = scope.frame;
  for (const arg of expr.args) {
    const value = context.value(scope, arg);
    add(scope, { kind: "print", value, site: site(context, expr.span), state: scope.state });
  }
}
