// What the macros of two variables are made of: maps that grow by a key. cel-go: ext/comprehensions.go.

import type { Budget } from "@portcullis/lang";
import type { Library } from "../library.ts";
import { entriesOf, findKey } from "../runtime/container.ts";
import { goText } from "../runtime/gotext.ts";
import { CelError, CelMap, type Tree, type Value } from "../runtime/value.ts";
import { global } from "./declare.ts";

type Entries = Iterable<readonly [key: Value, value: Value]>;

/** A map with more entries, none of which may be there yet. */
function insert(map: CelMap | Tree, added: Entries, budget: Budget): Value | CelError {
  const larger = new CelMap();
  for (const [key, value] of entriesOf(map)) {
    budget.output(16);
    larger.set(key, value);
  }
  for (const [key, value] of added) {
    budget.output(16);
    if (findKey(larger, key) !== undefined) return new CelError(`insert failed: key ${goText(key)} already exists`);
    larger.set(key, value);
  }
  return larger;
}

export const comprehensionsLibrary: Library = {
  name: "cel.lib.ext.comprev2",
  overloads: [
    global(
      "cel.@mapInsert(map(<K>, <V>), <K>, <V>) -> map(<K>, <V>)",
      "@mapInsert_map_key_value",
      ([map, key, value]: [CelMap | Tree, Value, Value], budget) => insert(map, [[key, value]], budget),
    ),
    global(
      "cel.@mapInsert(map(<K>, <V>), map(<K>, <V>)) -> map(<K>, <V>)",
      "@mapInsert_map_map",
      ([map, added]: [CelMap | Tree, CelMap | Tree], budget) => insert(map, entriesOf(added), budget),
    ),
  ],
  macros: [
    "all:3:true",
    "exists:3:true",
    "existsOne:3:true",
    "exists_one:3:true",
    "transformList:3:true",
    "transformList:4:true",
    "transformMap:3:true",
    "transformMap:4:true",
    "transformMapEntry:3:true",
    "transformMapEntry:4:true",
  ],
};
