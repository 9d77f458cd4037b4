// Rules, functions and documents to planned functions. All definitions of one name become one function: a complete rule
// tries its else chains, a partial one gathers what its definitions contribute, a document puts its children over the
// base document. Parameters that are patterns are matched at the start of each definition, as OPA does before the body.
// OPA: v1/topdown/eval.go evalVirtualComplete, evalVirtualPartial, evalFunc, evalTree.leaves.

import type { Rule, Term } from "../ast.ts";
import type { Definition, DocumentChild, FunctionBody, Leaf, Local, Operand, PlannedFunction } from "../ir.ts";
import { format } from "../runtime/format.ts";
import { equals, type Value } from "../runtime/value.ts";
import { nameText } from "../termtext.ts";
import { constantValue } from "./constants.ts";
import { documentFunction, ruleFunction } from "./documents.ts";
import {
  type Frame,
  type KeyPath,
  type PlanContext,
  type Scope,
  add,
  constant,
  deepest,
  depthOf,
  localOperand,
  newFrame,
  newScope,
  site,
} from "./scope.ts";
import { partAt } from "./demand.ts";
import { type RuleNode, isFunction, isGround, isMultiValue, rulePath, rulesOf } from "./tree.ts";
import { guardsFirst, neededReferences } from "./guards.ts";
import { matchPattern } from "./unify.ts";

export function planRule(context: PlanContext, index: number, node: RuleNode, demanded: readonly KeyPath[]): void {
  const frame = newFrame(context, index);
  const rules = rulesOf(node);
  const args: readonly unknown[] = rules.find((rule) => rule.head.args !== null)?.head.args ?? demanded;
  const parameters = args.map(() => newParameter(frame));
  const depth = node.path.length;
  const single = rules.every((rule) => rule.default || !isMultiValue(rule));
  const body =
    single && rules.every(isGround)
      ? complete({ frame, rules, parameters, node })
      : partial({ frame, rules, depth: rules.every(isGround) ? null : depth, parameters, demanded });
  finish(frame, { node, parameters, body, memo: parameters.length > 0 ? "none" : "state" });
}

function newParameter(frame: Frame): Local {
  return frame.depths.push(0) - 1;
}

interface Finished {
  readonly node: RuleNode;
  readonly parameters: readonly Local[];
  readonly body: FunctionBody;
  readonly memo: PlannedFunction["memo"];
}

function finish(frame: Frame, { node, parameters, body, memo }: Finished): void {
  const { context } = frame;
  const path = node.path.map((key) => (typeof key === "string" ? key : format(key)));
  const overlays = [...context.overlays.values()]
    .filter((overlay) => overlay.path.length <= path.length && overlay.path.every((key, at) => key === path[at]))
    .map((overlay) => overlay.index);
  if (body.kind === "document" || overlays.length > 0) context.worldReaders.add(frame.index);
  context.functions[frame.index] = {
    name: documentName(node.path),
    parameters,
    body,
    readsInput: true,
    pure: false,
    memo,
    overlays: isFunction(node) ? [] : overlays,
    path,
    locals: frame.depths.length,
  };
}

/** `data.a["b-c"].d`, as errors name it. */
function documentName(path: readonly Value[]): string {
  const parts = path.map((key) => {
    return typeof key === "string" ? nameText(key) : `[${format(key)}]`;
  });
  return `data${parts.join("")}`;
}

interface CompleteRule {
  readonly frame: Frame;
  readonly rules: readonly Rule[];
  readonly parameters: readonly Local[];
  readonly node: RuleNode;
}

function complete({ frame, rules, parameters, node }: CompleteRule): FunctionBody {
  const firstWins = valuesAgree(rules);
  const chains = rules
    .filter((rule) => !rule.default)
    .map((rule) => chainOf(rule).map((link) => definition(frame, link, parameters, !firstWins)));
  const fallback = rules.find((rule) => rule.default);
  return {
    kind: "complete",
    chains,
    default: fallback === undefined ? null : definition(frame, fallback, parameters, false),
    firstWins,
    what: `${isFunction(node) ? "function" : "rule"} ${documentName(node.path)}`,
  };
}

function chainOf(rule: Rule): readonly Rule[] {
  const chain: Rule[] = [];
  for (let link: Rule | null = rule; link !== null; link = link.else) chain.push(link);
  return chain;
}

/** Whether all definitions give one and the same constant. */
function valuesAgree(rules: readonly Rule[]): boolean {
  let common: Value | undefined;
  for (const rule of rules) {
    if (rule.default) continue;
    for (const link of chainOf(rule)) {
      const value = link.head.value === null ? true : constantValue(link.head.value);
      if (value === undefined || (common !== undefined && !equals(common, value))) return false;
      common = value;
    }
  }
  return true;
}

function definition(frame: Frame, rule: Rule, parameters: readonly Local[], ordered: boolean): Definition {
  const { context } = frame;
  const scope = newScope(frame, ordered);
  const { block } = scope;
  rule.head.args?.forEach((arg, at) => matchPattern(scope, arg, localOperand(parameters[at] as Local)));
  planRuleBody(scope, rule, (leaf) => {
    const value = headValue(leaf, rule.head.value);
    add(leaf, { kind: "result", value, depth: cut(leaf, depthOf(leaf, value)) });
  });
  return { block, site: site(context, rule.span), headSite: site(context, rule.head.span) };
}

function planRuleBody(scope: Scope, rule: Rule, leaf: (scope: Scope) => void): void {
  const { context } = scope.frame;
  const body = guardsFirst(context, rule.body);
  for (const { reference, length } of neededReferences(context, body)) {
    const value = context.value(scope, reference);
    if (length !== null) add(scope, { kind: "test", test: { kind: "array", value, length } });
  }
  context.body(scope, body, leaf);
}

function headValue(scope: Scope, value: Term | null): Operand {
  return value === null ? constant(scope.frame.context, true) : scope.frame.context.value(scope, value);
}

/** Where the search may stop after a success; nowhere earlier when every step of it can be observed. */
function cut(scope: Scope, depth: number): number {
  const { context } = scope.frame;
  return context.prints || context.trace || context.strict ? scope.depth : depth;
}

interface PartialRule {
  readonly frame: Frame;
  readonly rules: readonly Rule[];
  /** How much of the rules' references is the node's own path; null when all of it is. */
  readonly depth: number | null;
  readonly parameters: readonly Local[];
  readonly demanded: readonly KeyPath[];
}

function partial({ frame, rules, depth, parameters, demanded }: PartialRule): FunctionBody {
  const { context } = frame;
  const definitions = rules.map((rule) => {
    const scope = newScope(frame, false);
    const { block } = scope;
    demanded.forEach((path, at) => {
      const part = rule.head.key === null ? undefined : partAt(rule.head.key, path);
      if (part !== undefined) matchPattern(scope, part, localOperand(parameters[at] as Local));
    });
    planRuleBody(scope, rule, (leaf) => add(leaf, contribution(leaf, rule, depth)));
    return { block, site: site(context, rule.span), headSite: site(context, rule.head.span) };
  });
  return { kind: "partial", result: depth === null ? "set" : "object", definitions };
}

function contribution(scope: Scope, rule: Rule, depth: number | null): Leaf {
  const { context } = scope.frame;
  const path =
    depth === null
      ? []
      : rulePath(rule)
          .slice(depth)
          .map((term) => context.value(scope, term));
  const multi = isMultiValue(rule);
  const value = multi ? context.value(scope, rule.head.key as Term) : headValue(scope, rule.head.value);
  const what = !multi ? "value" : depth === null ? "element" : "member";
  return { kind: "contribute", path, value, what, depth: cut(scope, deepest(scope, [...path, value])) };
}

/** The document at a node without rules: its children over the base document. */
export function planDocument(context: PlanContext, index: number, node: RuleNode): void {
  const frame = newFrame(context, index);
  const children: DocumentChild[] = [];
  for (const child of node.children.values()) {
    const key = child.path.at(-1) as Value;
    const isRule = child.rules.length > 0;
    // Functions have no place in documents, and `data.system` is hidden.
    if (isFunction(child) || (node.path.length === 0 && key === "system")) continue;
    children.push({ key, function: (isRule ? ruleFunction : documentFunction)(frame, child), isRule });
  }
  finish(frame, { node, parameters: [], body: { kind: "document", children }, memo: "state" });
}

/** A function whose value is that of a term: an entry point. */
export function planEntry(context: PlanContext, index: number, term: Term): void {
  const frame = newFrame(context, index);
  const scope = newScope(frame, true);
  const { block } = scope;
  const value = context.value(scope, term);
  add(scope, { kind: "result", value, depth: 0 });
  const at = site(context, term.span);
  const chain = [{ block, site: at, headSite: at }];
  const node: RuleNode = { path: [], rules: [], children: new Map() };
  const body: FunctionBody = { kind: "complete", chains: [chain], default: null, firstWins: true, what: "entry" };
  finish(frame, { node, parameters: [], body, memo: "none" });
  const planned = context.functions[index] as PlannedFunction;
  context.functions[index] = { ...planned, overlays: [] };
}
