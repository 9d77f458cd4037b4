// Functions of the plan by what they compute. A rule or document is planned when it is first referred to, and put on the
// waiting list instead of planned at once, so that a chain of ten thousand rules does not nest ten thousand deep.

import { format } from "../runtime/format.ts";
import type { Frame, KeyPath, PlanContext } from "./scope.ts";
import type { RuleNode } from "./tree.ts";

/**
 * The function that computes what the rules at a node define. With `demanded` it has a parameter for each of those parts
 * of the keys, and may leave out keys in which they are different.
 */
export function ruleFunction(frame: Frame, node: RuleNode, demanded: readonly KeyPath[] = []): number {
  const { context } = frame;
  const key = `rule ${pathText(node)} ${format(demanded)}`;
  return functionFor(frame, key, (index) => context.rule(context, index, node, demanded));
}

/** The function that computes the document at a node that holds no rules itself. */
export function documentFunction(frame: Frame, node: RuleNode): number {
  const { context } = frame;
  return functionFor(frame, `document ${pathText(node)}`, (index) => context.document(context, index, node));
}

function pathText(node: RuleNode): string {
  return format(node.path);
}

function functionFor(frame: Frame, key: string, plan: (index: number) => void): number {
  const { context } = frame;
  let index = context.functionIndex.get(key);
  if (index === undefined) {
    index = reserve(context);
    context.functionIndex.set(key, index);
    const reserved = index;
    context.waiting.push(() => plan(reserved));
  }
  noteCall(context, frame.index, index);
  return index;
}

/** A number for a function that is planned later. */
export function reserve(context: PlanContext): number {
  return context.functions.push(null) - 1;
}

function noteCall(context: PlanContext, from: number, to: number): void {
  const known = context.calls.get(from);
  if (known === undefined) context.calls.set(from, new Set([to]));
  else known.add(to);
}
