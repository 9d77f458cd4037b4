// Lists as sets: order and repetition do not count. cel-go: ext/sets.go.

import type { Budget } from "@portcullis/lang";
import type { Library } from "../library.ts";
import { elementAt } from "../runtime/container.ts";
import { equals } from "../runtime/equality.ts";
import type { Value } from "../runtime/value.ts";
import { sizeAt } from "./cost.ts";
import { type OverloadOptions, global } from "./declare.ts";

type List = readonly Value[];
type Lists = readonly [List, List];

function includes(list: List, element: Value, budget: Budget): boolean {
  budget.step(list.length);
  return list.some((_, at) => equals(element, elementAt(list, at), budget));
}

function contains(list: List, part: List, budget: Budget): boolean {
  return part.every((_, at) => includes(list, elementAt(part, at), budget));
}

function costs(factor: number): OverloadOptions {
  return { cost: (args) => 1 + sizeAt(args, 0) * sizeAt(args, 1) * factor };
}

export const setsLibrary: Library = {
  name: "cel.lib.ext.sets",
  overloads: [
    global(
      "sets.contains(list(<T>), list(<T>)) -> bool",
      "list_sets_contains_list",
      ([a, b]: Lists, budget) => contains(a, b, budget),
      costs(1),
    ),
    global(
      "sets.equivalent(list(<T>), list(<T>)) -> bool",
      "list_sets_equivalent_list",
      ([a, b]: Lists, budget) => contains(a, b, budget) && contains(b, a, budget),
      costs(2),
    ),
    global(
      "sets.intersects(list(<T>), list(<T>)) -> bool",
      "list_sets_intersects_list",
      ([a, b]: Lists, budget) => a.some((_, at) => includes(b, elementAt(a, at), budget)),
      costs(1),
    ),
  ],
};
