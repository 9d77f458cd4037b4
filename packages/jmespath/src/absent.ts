// Where the length of a filter is asked: `length(list[?…])`, and `list[?…] | …` with `length(@)` on the right. Read by the
// check, which warns of it, and by the emitter, which makes it 0 for an absent list in dialects that want that.

import type { Node } from "./ast.ts";

type Call = Extract<Node, { kind: "call" }>;
type Filter = Extract<Node, { kind: "filter" }>;

/** The filter in `length(list[?…])`. */
export function measuredFilter(call: Call): Filter | null {
  const [argument] = call.arguments;
  return isLength(call) && argument?.kind === "filter" ? argument : null;
}

/** The right side of `list[?…] | right` with 0 for every `length(@)` that measures the filter; null without one. */
export function withoutLength(pipe: Extract<Node, { kind: "pipe" }>): Node | null {
  if (pipe.left.kind !== "filter") return null;
  const replaced = replaceLength(pipe.right);
  return replaced === pipe.right ? null : replaced;
}

function isLength(node: Node): node is Call {
  return node.kind === "call" && node.name === "length" && node.arguments.length === 1;
}

/** Goes down only where `@` is still what the pipe gave; gives back the very node where nothing changes. */
function replaceLength(node: Node): Node {
  if (isLength(node) && node.arguments[0]?.kind === "current") return { kind: "literal", span: node.span, value: 0 };
  switch (node.kind) {
    case "comparison":
    case "or":
    case "and": {
      const [left, right] = [replaceLength(node.left), replaceLength(node.right)];
      return left === node.left && right === node.right ? node : { ...node, left, right };
    }
    case "subexpression":
    case "pipe":
    case "projection":
    case "value-projection":
    case "filter": {
      const left = replaceLength(node.left);
      return left === node.left ? node : { ...node, left };
    }
    case "not": {
      const operand = replaceLength(node.operand);
      return operand === node.operand ? node : { ...node, operand };
    }
    case "call": {
      const args = node.arguments.map(replaceLength);
      return args.every((one, at) => one === node.arguments[at]) ? node : { ...node, arguments: args };
    }
    case "field":
    case "index":
    case "slice":
    case "literal":
    case "current":
    case "flatten":
    case "multi-list":
    case "multi-hash":
    case "reference":
    case "empty":
      return node;
  }
}
