// An object whose numbers are all doubles, as Go's JSON reads them into `any` (kyverno's command line does so).

import { Decimal } from "@portcullis/lang";
import { type Value, doubleOf, isTree } from "../runtime/value.ts";

/** A copy, where there is anything to change. */
export function inDoubles(tree: Value): Value {
  if (typeof tree === "number") return doubleOf(tree);
  if (tree instanceof Decimal) return doubleOf(tree.double);
  if (Array.isArray(tree)) {
    const list = tree as readonly Value[];
    const copy = list.map(inDoubles);
    return copy.some((element, at) => element !== list[at]) ? copy : list;
  }
  if (!isTree(tree)) return tree;
  const entries = Object.entries(tree).map(([key, value]): [string, Value] => [key, inDoubles(value)]);
  return entries.some(([key, value]) => value !== tree[key]) ? Object.fromEntries(entries) : tree;
}
