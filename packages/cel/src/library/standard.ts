// The standard library: operators, sizes, conversions, what strings and moments are asked for.
// cel-go: common/stdlib/standard.go.

import type { Budget } from "@portcullis/lang";
import { searchFor } from "@portcullis/lang/go";
import type { Library, Overload } from "../library.ts";
import { sizeOfMap } from "../runtime/container.ts";
import { bareMismatch, operandMismatch } from "../runtime/dispatch.ts";
import { codePoints } from "../runtime/size.ts";
import { CelError, type CelMap, type Tree, TypeValue, type Value } from "../runtime/value.ts";
import { typeOfValue } from "../runtime/valuetype.ts";
import { conversions } from "./conversions.ts";
import { containment, matching, traverses } from "./cost.ts";
import { global, method } from "./declare.ts";
import { regexOf } from "./regex.ts";
import { operators } from "./operators.ts";
import { timeAccessors } from "./timeaccessors.ts";

type List = readonly Value[];
type Strings = readonly [string, string];

const sizeMismatch = { mismatch: operandMismatch("size", new Set(["bytes", "list", "map", "string"])) };

const sizes: readonly Overload[] = [
  ["bytes", "bytes", ([value]: [Uint8Array]) => value.length] as const,
  ["list(<A>)", "list", ([value]: [List]) => value.length] as const,
  ["map(<A>, <B>)", "map", ([value]: [CelMap | Tree]) => sizeOfMap(value)] as const,
  ["string", "string", ([value]: [string]) => codePoints(value)] as const,
].flatMap(([type, name, run]) => [
  global(`size(${type}) -> int`, `size_${name}`, run as (args: [never]) => number, sizeMismatch),
  method(`${type}.size() -> int`, `${name}_size`, run as (args: [never]) => number, sizeMismatch),
]);

const typesOfValues: readonly Overload[] = [
  global("type(<A>) -> type(<A>)", "type", ([value]: [Value]) => new TypeValue(typeOfValue(value))),
  global("dyn(<A>) -> dyn", "to_dyn", ([value]: [Value]) => value),
];

/** Whether a text matches a pattern, or Go's error: ``error parsing regexp: missing closing ): `(` ``. */
const matches = ([text, pattern]: Strings, budget: Budget): Value | CelError => {
  const compiled = regexOf(pattern, budget);
  if ("error" in compiled) return new CelError(compiled.error);
  return compiled.regex.test(text, (steps) => budget.step(steps));
};

function texts(celGo: 26 | 30): readonly Overload[] {
  const bare = { mismatch: bareMismatch };
  const ends = { ...bare, cost: traverses(celGo === 30 ? 1 : 0) };
  const matcher = { mismatch: operandMismatch("matches", new Set(["string"])), regexAt: 1 };
  const matchCost = { ...matcher, cost: matching };
  return [
    method(
      "string.contains(string) -> bool",
      "contains_string",
      ([a, b]: Strings, budget) => {
        return b === "" || searchFor(b, a, (units) => budget.step(units)).next(0) !== -1;
      },
      { ...bare, cost: containment },
    ),
    method("string.endsWith(string) -> bool", "ends_with_string", ([a, b]: Strings) => a.endsWith(b), ends),
    method("string.startsWith(string) -> bool", "starts_with_string", ([a, b]: Strings) => a.startsWith(b), ends),
    global("matches(string, string) -> bool", "matches", matches, celGo === 30 ? matchCost : matcher),
    method("string.matches(string) -> bool", "matches_string", matches, matchCost),
  ];
}

/** The library as a version of cel-go has it. */
export function standardLibrary(celGo: 26 | 30): Library {
  return {
    name: "stdlib",
    overloads: [
      ...operators(celGo),
      ...sizes,
      ...typesOfValues,
      ...conversions(celGo),
      ...texts(celGo),
      ...timeAccessors,
    ],
    macros: [
      "has:1:false",
      "all:2:true",
      "exists:2:true",
      "exists_one:2:true",
      "map:2:true",
      "map:3:true",
      "filter:2:true",
    ],
  };
}
