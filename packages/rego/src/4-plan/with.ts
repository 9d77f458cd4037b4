// `with` modifiers. All values are computed in the state outside; then one new state replaces input, documents and
// functions together, and the literal runs in it. Targets are constants, so the plan knows every document and function
// that can ever be replaced. OPA: v1/topdown/eval.go evalWith.

import type { Term, With } from "../ast.ts";
import type { Builtin } from "../builtins/builtin.ts";
import type { Operand, Replacement, With as WithStatement } from "../ir.ts";
import { format } from "../runtime/format.ts";
import type { Node } from "../visit.ts";
import { walk } from "../visit.ts";
import { calleeOf, mockKey } from "./calls.ts";
import { constantValue } from "./constants.ts";
import { ruleFunction } from "./documents.ts";
import { type PlanContext, type Scope, add, builtinIndex, constant, site } from "./scope.ts";
import { type RuleNode, childOf, isFunction } from "./tree.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

export function planWith(scope: Scope, modifiers: readonly With[]): void {
  const { context } = scope.frame;
  const result: Mutable<WithStatement> = {
    kind: "with",
    state: scope.frame.states++,
    from: scope.state,
    input: [],
    data: [],
    mocks: [],
  };
  for (const modifier of modifiers) planModifier(scope, modifier, result);
  // A path into the input is merged with the input there is.
  if (result.input.some(({ path }) => path.length > 0)) context.inputReaders.add(scope.frame.index);
  add(scope, result);
  scope.state = result.state;
}

function planModifier(scope: Scope, modifier: With, into: Mutable<WithStatement>): void {
  const { context } = scope.frame;
  const path = targetPath(modifier.target);
  const [root, ...rest] = path;
  const name = mockKey(path.map(String));
  const mock = context.mocks.get(name);
  if (mock !== undefined) {
    into.mocks.push({ mock, by: replacement(scope, modifier) });
    return;
  }
  const value = context.value(scope, modifier.value);
  const keys: Operand[] = rest.map((key) => constant(context, key));
  if (root === "input") {
    into.input.push({ path: keys, value });
  } else {
    const overlay = context.overlays.get(format(rest))?.index ?? -1;
    into.data.push({ path: keys, value, overlay });
  }
}

function replacement(scope: Scope, { value, span }: With): Replacement {
  const { context } = scope.frame;
  const term: Term = value.kind === "var" ? { kind: "ref", head: value, path: [], span: value.span } : value;
  const bound = value.kind === "var" && scope.bound.has(value.name);
  const callee = term.kind === "ref" && !bound ? calleeOf(context, term) : undefined;
  if (callee?.kind === "function") return { kind: "function", function: ruleFunction(scope.frame, callee.node) };
  if (callee?.kind === "builtin") {
    return { kind: "builtin", builtin: builtinIndex(context, callee.builtin), site: site(context, span) };
  }
  return { kind: "value", value: context.value(scope, value) };
}

/** The root name and the constants after it. */
function targetPath(target: Term): readonly (string | number)[] {
  if (target.kind === "var") return [target.name];
  if (target.kind !== "ref" || target.head.kind !== "var") return [];
  return [target.head.name, ...target.path.map((part) => constantValue(part) as string)];
}

export interface WithTargets {
  readonly overlays: PlanContext["overlays"];
  readonly mocks: PlanContext["mocks"];
}

/** Everything that some `with` of the program replaces. */
export function findTargets(
  nodes: readonly Node[],
  tree: RuleNode,
  lookup: (name: string) => Builtin | undefined,
): WithTargets {
  const overlays = new Map<string, { index: number; path: readonly string[] }>();
  const mocks = new Map<string, number>();
  const note = (modifier: With): void => {
    const path = targetPath(modifier.target).map(String);
    if (path[0] === "input") return;
    if (isMockable(path, tree, lookup)) {
      const name = mockKey(path);
      if (!mocks.has(name)) mocks.set(name, mocks.size);
    } else if (path[0] === "data") {
      const key = format(path.slice(1));
      if (!overlays.has(key)) overlays.set(key, { index: overlays.size, path: path.slice(1) });
    }
  };
  for (const node of nodes) walk(node, { with: note });
  return { overlays, mocks };
}

function isMockable(path: readonly string[], tree: RuleNode, lookup: (name: string) => Builtin | undefined): boolean {
  if (path[0] !== "data") return lookup(path.join(".")) !== undefined;
  let node: RuleNode | undefined = tree;
  for (const key of path.slice(1)) node = node && childOf(node, key);
  return node !== undefined && isFunction(node);
}
