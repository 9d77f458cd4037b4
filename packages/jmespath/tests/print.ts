// A tree as text that parses to the same tree again: parentheses around every operand, which leave no trace in a tree.

import type { Node } from "../src/index.ts";

export function print(node: Node): string {
  switch (node.kind) {
    case "field":
      return JSON.stringify(node.name);
    case "literal":
      return `\`${JSON.stringify(node.value).replaceAll("`", "\\`")}\``;
    case "current":
      return "@";
    case "not":
      return `!(${print(node.operand)})`;
    case "reference":
      return `&(${print(node.operand)})`;
    case "pipe":
      return `(${print(node.left)}) | (${print(node.right)})`;
    case "or":
      return `(${print(node.left)}) || (${print(node.right)})`;
    case "and":
      return `(${print(node.left)}) && (${print(node.right)})`;
    case "comparison":
      return `(${print(node.left)}) ${node.operator} (${print(node.right)})`;
    case "multi-list":
      return `[${node.items.map(print).join(", ")}]`;
    case "multi-hash":
      return `{${node.entries.map(({ key, value }) => `${JSON.stringify(key)}: ${print(value)}`).join(", ")}}`;
    case "call":
      return `${node.name ?? ""}(${node.arguments.map(print).join(", ")})`;
    case "subexpression":
      return printSubexpression(node.left, node.right);
    case "projection":
      return printProjection(node.left, node.right);
    case "value-projection":
      return `${operand(node.left)}.*${projected(node.right)}`;
    case "filter":
      return `${operand(node.left)}[?${print(node.condition)}]${projected(node.right)}`;
    case "index":
    case "slice":
    case "flatten":
    case "empty":
      throw new Error(`${node.kind} never stands alone`);
  }
}

function printSubexpression(left: Node, right: Node): string {
  if (right.kind === "index") return `${operand(left)}[${right.index}]`;
  if (right.kind === "slice") {
    return `${operand(left)}[${right.start ?? ""}:${right.stop ?? ""}:${right.step ?? ""}]`;
  }
  return `${operand(left)}.${print(right)}`;
}

function printProjection(left: Node, right: Node): string {
  if (left.kind === "flatten") return `${operand(left.operand)}[]${projected(right)}`;
  if (left.kind === "subexpression" && left.right.kind === "slice") return `${print(left)}${projected(right)}`;
  return `${operand(left)}[*]${projected(right)}`;
}

/** What stands before a dot or a bracket. */
function operand(node: Node): string {
  return node.kind === "field" || node.kind === "current" ? print(node) : `(${print(node)})`;
}

/** What a projection applies: a path that begins at the element. */
function projected(node: Node): string {
  if (node.kind === "current") return "";
  const text = path(node);
  return text.startsWith("@") ? text.slice(1) : `.${text}`;
}

/** The same without parentheses, which cannot stand behind a dot. */
function path(node: Node): string {
  if (node.kind === "subexpression") {
    const printed = printSubexpression(current(node), node.right);
    return `${path(node.left)}${printed.slice(1)}`;
  }
  if (node.kind === "projection" && node.left.kind === "flatten") return print(node);
  if (node.kind === "projection" || node.kind === "value-projection" || node.kind === "filter") {
    const slice = node.kind === "projection" && node.left.kind === "subexpression" && node.left.right.kind === "slice";
    const printed = slice ? projected(node.right) : print({ ...node, left: current(node) }).slice(1);
    return `${path(node.left)}${printed}`;
  }
  return print(node);
}

function current({ span }: Node): Node {
  return { kind: "current", span };
}
