// Values that may be absent. `or` and `orValue` look at their second argument only where the first has none, which is code of
// its own in phase 3. cel-go: cel/library.go optionalLib.

import type { Budget } from "@portcullis/lang";
import type { Dialect } from "../dialect.ts";
import type { Library, Overload } from "../library.ts";
import { elementAt, find, sizeOfMap } from "../runtime/container.ts";
import { bareMismatch } from "../runtime/dispatch.ts";
import { goText } from "../runtime/gotext.ts";
import { secondsOf } from "../runtime/timestamp.ts";
import { CelError, Double, Duration, Optional, Timestamp, Uint, type Value, isMap } from "../runtime/value.ts";
import * as types from "../types.ts";
import { global, method } from "./declare.ts";

type List = readonly Value[];

const none = new Optional(undefined);

/** Empty, zero or null. cel-go: traits.Zeroer. */
function isZero(value: Value): boolean {
  if (value === null || value === false || value === 0 || value === "") return true;
  if (typeof value !== "object") return false;
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length === 0;
  if (isMap(value)) return sizeOfMap(value) === 0;
  if (value instanceof Uint) return value.value === 0n;
  if (value instanceof Double) return value.value === 0;
  if (value instanceof Duration) return value.nanoseconds === 0n;
  return value instanceof Timestamp && secondsOf(value) === firstSecond && value.nanoseconds % 1_000_000_000n === 0n;
}

/** The first of January of the year 1. */
const firstSecond = -62_135_596_800n;

function valueOf(optional: Optional): Value | CelError {
  return optional.value ?? (optional.value === null ? null : new CelError("optional.none() dereference"));
}

function unwrap([list]: [List], budget: Budget): Value | CelError {
  const values: Value[] = [];
  for (let at = 0; at < list.length; at++) {
    budget.output(8);
    const element = elementAt(list, at);
    if (!(element instanceof Optional)) return new CelError(`value ${goText(element)} is not optional`);
    if (element.value !== undefined) values.push(element.value);
  }
  return values;
}

/** `container[?key]`, also of an optional container. */
function optionalIndex([container, key]: [Value, Value]): Value | CelError {
  const inner = container instanceof Optional ? container.value : container;
  if (inner === undefined) return none;
  const found = find(inner, key);
  return found === undefined ? none : found instanceof CelError ? found : new Optional(found);
}

const index: readonly Overload[] = [
  global("_?._(dyn, string) -> optional_type(<V>)", "select_optional_field", optionalIndex),
  global("_[?_](list(<V>), int) -> optional_type(<V>)", "list_optindex_optional_int", optionalIndex),
  global(
    "_[?_](optional_type(list(<V>)), int) -> optional_type(<V>)",
    "optional_list_optindex_optional_int",
    optionalIndex,
  ),
  global("_[?_](map(<K>, <V>), <K>) -> optional_type(<V>)", "map_optindex_optional_value", optionalIndex),
  global(
    "_[?_](optional_type(map(<K>, <V>)), <K>) -> optional_type(<V>)",
    "optional_map_optindex_optional_value",
    optionalIndex,
  ),
  global("_[_](optional_type(list(<V>)), int) -> optional_type(<V>)", "optional_list_index_int", optionalIndex),
  global("_[_](optional_type(map(<K>, <V>)), <K>) -> optional_type(<V>)", "optional_map_index_value", optionalIndex),
];

const makers: readonly Overload[] = [
  global("optional.of(<V>) -> optional_type(<V>)", "optional_of", ([value]: [Value]) => new Optional(value)),
  global("optional.ofNonZeroValue(<V>) -> optional_type(<V>)", "optional_ofNonZeroValue", ([value]: [Value]) =>
    isZero(value) ? none : new Optional(value),
  ),
  global("optional.none() -> optional_type(<V>)", "optional_none", () => none),
  method("optional_type(<V>).value() -> <V>", "optional_value", ([optional]: [Optional]) => valueOf(optional)),
  method(
    "optional_type(<V>).hasValue() -> bool",
    "optional_hasValue",
    ([optional]: [Optional]) => optional.value !== undefined,
  ),
];

/** Where the first is no optional, cel-go 0.26 gives it back as it is. */
function choices(anything: boolean): readonly Overload[] {
  const takes = anything ? { takes: () => true } : { mismatch: bareMismatch };
  return [
    method(
      "optional_type(<V>).or(optional_type(<V>)) -> optional_type(<V>)",
      "optional_or_optional",
      ([first, second]: [Value, Value]) => (first instanceof Optional && first.value === undefined ? second : first),
      takes,
    ),
    method(
      "optional_type(<V>).orValue(<V>) -> <V>",
      "optional_orValue_value",
      ([first, second]: [Value, Value]) =>
        first instanceof Optional ? (first.value === undefined ? second : first.value) : first,
      takes,
    ),
  ];
}

const lists: readonly Overload[] = [
  method("list(<V>).last() -> optional_type(<V>)", "list_last", ([list]: [List]) =>
    list.length === 0 ? none : new Optional(elementAt(list, list.length - 1)),
  ),
  method("list(<V>).first() -> optional_type(<V>)", "list_first", ([list]: [List]) =>
    list.length === 0 ? none : new Optional(elementAt(list, 0)),
  ),
  global("optional.unwrap(list(optional_type(<V>))) -> list(<V>)", "optional_unwrap", unwrap),
  method("list(optional_type(<V>)).unwrapOpt() -> list(<V>)", "optional_unwrapOpt", unwrap),
];

export function optionalsLibrary({ celGo, orValueOfAnything }: Dialect): Library {
  return {
    name: "cel.lib.optional",
    overloads: [...makers, ...choices(orValueOfAnything), ...index, ...lists],
    // The type that stands for all optionals had no parameter at first.
    typeNames: { optional_type: celGo === 26 ? types.opaque("optional_type") : types.optionalOf(types.dyn) },
    macros: ["optMap:2:true", "optFlatMap:2:true"],
  };
}
