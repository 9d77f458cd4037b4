// The tree of rules: a node for every package and every ground prefix of a rule's reference. A reference into `data`
// walks it as far as its elements are constants. Rules whose reference goes on with variables (`p[x].y := 1`) gather
// everything below their node into one object, as OPA's index does. OPA: v1/ast/compile.go NewRuleTree, buildRuleIndices.

import type { Module, Rule, Term } from "../ast.ts";
import { format } from "../runtime/format.ts";
import type { Value } from "../runtime/value.ts";
import { constantValue } from "./constants.ts";

export interface RuleNode {
  /** The constants from `data` (left out) to here; strings, but for rules such as `p[1] := 2`. */
  readonly path: readonly Value[];
  readonly rules: Rule[];
  readonly children: Map<string, RuleNode>;
}

export function buildTree(modules: readonly Module[]): RuleNode {
  const root: RuleNode = { path: [], rules: [], children: new Map() };
  for (const module of modules) {
    insert(root, module.package.path.slice(1));
    for (const rule of module.rules) insert(root, groundPrefix(rule)).rules.push(rule);
  }
  return root;
}

function insert(root: RuleNode, path: readonly Value[]): RuleNode {
  let node = root;
  for (const key of path) {
    const text = format(key);
    let child = node.children.get(text);
    if (child === undefined) {
      child = { path: [...node.path, key], rules: [], children: new Map() };
      node.children.set(text, child);
    }
    node = child;
  }
  return node;
}

export function childOf(node: RuleNode, key: Value): RuleNode | undefined {
  return node.children.get(format(key));
}

/** The terms of a rule's reference after `data`. */
export function rulePath(rule: Rule): readonly Term[] {
  return rule.head.reference.slice(1);
}

function groundPrefix(rule: Rule): readonly Value[] {
  const path: Value[] = [];
  for (const term of rulePath(rule)) {
    const value = constantValue(term);
    if (value === undefined) break;
    path.push(value);
  }
  return path;
}

export function isGround(rule: Rule): boolean {
  return groundPrefix(rule).length === rulePath(rule).length;
}

/** A rule that makes a set: `p contains x`. */
export function isMultiValue(rule: Rule): boolean {
  return rule.head.key !== null && rule.head.value === null;
}

/**
 * The rules that together define the document at a node: its own, and where one of them has variables in its reference
 * also all below, but for defaults: OPA never comes to `default r.a := 1` beside `r[x] := y`.
 */
export function rulesOf(node: RuleNode): readonly Rule[] {
  return node.rules.every(isGround) ? node.rules : below(node).filter((rule) => !rule.default);
}

function below(node: RuleNode): readonly Rule[] {
  return [...node.rules, ...[...node.children.values()].flatMap(below)];
}

/** Whether the node holds a function: no document has it. */
export function isFunction(node: RuleNode): boolean {
  return node.rules.some((rule) => rule.head.args !== null);
}
