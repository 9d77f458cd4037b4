// References. The head gives a value or a place in the rule tree; the path then goes down: constants and bound variables
// are lookups, an unbound variable is a scan that binds it. Below `data` the path first walks the rule tree: a node with
// rules is a call, a node without any is a base document, and where the key is only known at run time the node's own
// dispatch chooses the child. OPA: v1/topdown/eval.go evalTree, evalTerm.

import type { RefTerm, Term } from "../ast.ts";
import type { Expression, Operand } from "../ir.ts";
import { callValue } from "./calls.ts";
import { constantValue } from "./constants.ts";
import { demandOf, isPartialObject, isSetOfKeys } from "./demand.ts";
import { documentFunction, ruleFunction } from "./documents.ts";
import { type Scope, constant, defined, scan } from "./scope.ts";
import { type RuleNode, childOf, isFunction } from "./tree.ts";
import { isKnown, matchPattern } from "./unify.ts";

/** `input` or `data` as a whole; undefined for other names. */
export function rootDocument(scope: Scope, name: string): Expression | undefined {
  if (name === "input") return input(scope);
  return name === "data" ? dataReference(scope, []) : undefined;
}

export function referenceValue(scope: Scope, term: RefTerm): Expression {
  const { head, path } = term;
  if (head.kind === "var" && !scope.bound.has(head.name)) {
    if (head.name === "input") return descend(scope, input(scope), path);
    if (head.name === "data") return dataReference(scope, path);
    // Only what the reference gives could bind it.
    return descend(scope, { kind: "undefined" }, path);
  }
  if (head.kind === "call") return descend(scope, callValue(scope, head.operator, head.args, head.span), path);
  return descend(scope, scope.frame.context.value(scope, head), path);
}

function input(scope: Scope): Expression {
  scope.frame.context.inputReaders.add(scope.frame.index);
  return { kind: "input", state: scope.state };
}

/** Goes down from a value. */
function descend(scope: Scope, from: Expression, path: readonly Term[]): Expression {
  let base = from;
  let keys: Operand[] = [];
  for (const term of path) {
    if (isKnown(scope, term)) {
      keys.push(scope.frame.context.value(scope, term));
    } else {
      const source = defined(scope, pathOf(base, keys));
      const element = scan(scope, source);
      matchPattern(scope, term, element.key);
      base = element.value;
      keys = [];
    }
  }
  return pathOf(base, keys);
}

function pathOf(base: Expression, keys: readonly Operand[]): Expression {
  if (keys.length === 0) return base;
  return base.kind === "path"
    ? { kind: "path", base: base.base, keys: [...base.keys, ...keys] }
    : { kind: "path", base, keys };
}

function dataReference(scope: Scope, path: readonly Term[]): Expression {
  let node: RuleNode = scope.frame.context.tree;
  for (let at = 0; at < path.length; at++) {
    const term = path[at] as Term;
    const key = constantValue(term);
    if (key === undefined) return dynamicChild(scope, node, path.slice(at));
    const child = childOf(node, key);
    if (child === undefined) return baseDocument(scope, node, path.slice(at));
    node = child;
    if (node.rules.length > 0) return ruleReference(scope, node, path.slice(at + 1));
  }
  return documentCall(scope, node);
}

function baseDocument(scope: Scope, node: RuleNode, rest: readonly Term[]): Expression {
  scope.frame.context.worldReaders.add(scope.frame.index);
  const keys = node.path.map((key) => constant(scope.frame.context, key));
  return descend(scope, pathOf({ kind: "data", state: scope.state }, keys), rest);
}

function ruleReference(scope: Scope, node: RuleNode, rest: readonly Term[]): Expression {
  // A function is no document; a reference to one is undefined.
  if (isFunction(node)) return descend(scope, { kind: "undefined" }, rest);
  const [key] = rest;
  const demand = key !== undefined && isSetOfKeys(node) ? demandOf(scope, key) : [];
  const index = ruleFunction(
    scope.frame,
    node,
    demand.map(({ path }) => path),
  );
  const args = demand.map(({ value }) => value);
  const call = { kind: "call", function: index, args, state: scope.state, mock: null } as const;
  if (key === undefined || !isPartialObject(node) || !isKnown(scope, key)) return descend(scope, call, rest);
  return descend(scope, { ...call, oneKey: true }, rest);
}

function documentCall(scope: Scope, node: RuleNode): Expression {
  return { kind: "call", function: documentFunction(scope.frame, node), args: [], state: scope.state, mock: null };
}

/** `data.a[x]` where rules lie below `data.a`. */
function dynamicChild(scope: Scope, node: RuleNode, path: readonly Term[]): Expression {
  const [term, ...rest] = path as [Term, ...Term[]];
  const document = documentFunction(scope.frame, node);
  scope.frame.context.worldReaders.add(scope.frame.index);
  const { state } = scope;
  let key: Operand;
  if (isKnown(scope, term)) {
    key = scope.frame.context.value(scope, term);
  } else {
    const keys = defined(scope, { kind: "children", document, state });
    key = scan(scope, keys).value;
    matchPattern(scope, term, key);
  }
  return descend(scope, { kind: "child", document, key, state }, rest);
}
