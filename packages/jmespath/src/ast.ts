// The tree of an expression: plain data, one kind per form of the grammar. A projection keeps what is applied to each
// element beside what is projected, as go-jmespath does, because its scope ends where the next pipe begins.

import type { Span } from "@portcullis/lang";
import type { Value } from "./runtime/value.ts";

export type Node =
  | { readonly kind: "field"; readonly span: Span; readonly name: string }
  | { readonly kind: "index"; readonly span: Span; readonly index: number }
  | {
      readonly kind: "slice";
      readonly span: Span;
      readonly start: number | null;
      readonly stop: number | null;
      readonly step: number | null;
    }
  | { readonly kind: "literal"; readonly span: Span; readonly value: Value }
  | { readonly kind: "current"; readonly span: Span }
  | { readonly kind: "subexpression"; readonly span: Span; readonly left: Node; readonly right: Node }
  | { readonly kind: "pipe"; readonly span: Span; readonly left: Node; readonly right: Node }
  | { readonly kind: "or"; readonly span: Span; readonly left: Node; readonly right: Node }
  | { readonly kind: "and"; readonly span: Span; readonly left: Node; readonly right: Node }
  | { readonly kind: "not"; readonly span: Span; readonly operand: Node }
  | {
      readonly kind: "comparison";
      readonly span: Span;
      readonly operator: Comparator;
      readonly left: Node;
      readonly right: Node;
    }
  | { readonly kind: "flatten"; readonly span: Span; readonly operand: Node }
  | { readonly kind: "projection"; readonly span: Span; readonly left: Node; readonly right: Node }
  | { readonly kind: "value-projection"; readonly span: Span; readonly left: Node; readonly right: Node }
  | {
      readonly kind: "filter";
      readonly span: Span;
      readonly left: Node;
      readonly condition: Node;
      readonly right: Node;
    }
  | { readonly kind: "multi-list"; readonly span: Span; readonly items: readonly Node[] }
  | { readonly kind: "multi-hash"; readonly span: Span; readonly entries: readonly Entry[] }
  | { readonly kind: "reference"; readonly span: Span; readonly operand: Node }
  /** `name` is null where what stands before the parenthesis is no name; Go's parser lets that pass. */
  | { readonly kind: "call"; readonly span: Span; readonly name: string | null; readonly arguments: readonly Node[] }
  /** What Go's parser makes of a broken index at the start of an expression; it fails when it is evaluated. */
  | { readonly kind: "empty"; readonly span: Span };

export interface Entry {
  readonly key: string;
  readonly value: Node;
}

export type Comparator = "==" | "!=" | "<" | "<=" | ">" | ">=";

/** The operands of a node, in the order in which they are written. */
export function childrenOf(node: Node): readonly Node[] {
  switch (node.kind) {
    case "field":
    case "index":
    case "slice":
    case "literal":
    case "current":
    case "empty":
      return [];
    case "not":
    case "flatten":
    case "reference":
      return [node.operand];
    case "filter":
      return [node.left, node.condition, node.right];
    case "multi-list":
      return node.items;
    case "multi-hash":
      return node.entries.map((entry) => entry.value);
    case "call":
      return node.arguments;
    case "subexpression":
    case "pipe":
    case "or":
    case "and":
    case "comparison":
    case "projection":
    case "value-projection":
      return [node.left, node.right];
  }
}
