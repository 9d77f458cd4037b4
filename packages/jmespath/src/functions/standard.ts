// The functions of the JMESPath specification (jmespath.org, "Built-in Functions"). Arguments have been checked against
// the parameters before they come here. Lists of numbers may hold Decimals, which count as their doubles.

import { parseFloatText, searchFor } from "@portcullis/lang/go";
import { encode } from "../runtime/encode.ts";
import { chargeList } from "../runtime/extent.ts";
import { compareTexts, equal } from "../runtime/order.ts";
import { type Run, SearchError, orNull } from "../runtime/run.ts";
import {
  type Reference,
  type Value,
  type ValueObject,
  isList,
  isObject,
  numberOf,
  setOwn,
  typeName,
} from "../runtime/value.ts";
import type { ArgumentType, JmesFunction } from "./function.ts";

type Evaluate = JmesFunction["evaluate"];

// ── numbers

function ofNumber(compute: (value: number) => number): Evaluate {
  return (_run, value) => compute(doubleOf(value));
}

function doubleOf(value: Value | undefined): number {
  return numberOf(value ?? null) ?? Number.NaN;
}

const sum: Evaluate = ({ budget }, list) => {
  const items = list as readonly Value[];
  budget.step(items.length);
  return items.reduce((total: number, item) => total + doubleOf(item), 0);
};

const average: Evaluate = (run, list) => {
  const { length } = list as readonly Value[];
  return length === 0 ? null : (sum(run, list) as number) / length;
};

const toNumber: Evaluate = (_run, value = null) => {
  if (typeof value !== "string") return numberOf(value) === null ? null : value;
  const parsed = parseFloatText(value);
  return "text" in parsed ? Number(parsed.text) : null;
};

// ── order

/** -1, 0 or 1 for two numbers or two texts. */
function compareItems(left: Value, right: Value): number {
  if (typeof left === "string") return compareTexts(left, right as string);
  return Math.sign(doubleOf(left) - doubleOf(right));
}

function extreme(sign: 1 | -1): Evaluate {
  return ({ budget }, list) => {
    const items = list as readonly Value[];
    budget.step(items.length);
    let best: Value = items[0] ?? null;
    for (const item of items) if (compareItems(item, best) * sign > 0) best = item;
    return best;
  };
}

const sort: Evaluate = ({ budget }, list) => {
  const items = list as readonly Value[];
  budget.step(sortSteps(items.length));
  chargeList(items.length, budget);
  return items.toSorted(compareItems);
};

/** About n log n. */
function sortSteps(length: number): number {
  return length * Math.ceil(Math.log2(length + 1));
}

/** The key of every item; all must be of the first one's type. Go: go-jmespath functions.go jpfMaxBy. */
function keysBy(
  items: readonly Value[],
  reference: Value | undefined,
  run: Run,
  mixed: (type: string) => string,
): Value[] | SearchError {
  const { evaluate } = reference as Reference;
  const keys: Value[] = [];
  let first = "";
  for (const item of items) {
    chargeList(1, run.budget);
    const key = orNull(evaluate(item, run));
    if (key instanceof SearchError) return key;
    const type = numberOf(key) !== null ? "number" : typeof key;
    if (keys.length === 0) {
      if (type !== "number" && type !== "string")
        return new SearchError("invalid-type", "invalid type, must be number of string");
      first = type;
    } else if (type !== first) return new SearchError("invalid-type", mixed(first));
    keys.push(key);
  }
  return keys;
}

function extremeBy(sign: 1 | -1): Evaluate {
  return (run, list, reference) => {
    const items = list as readonly Value[];
    if (items.length <= 1) return items[0] ?? null;
    const keys = keysBy(items, reference, run, (type) => `invalid type, must be ${type}`);
    if (keys instanceof SearchError) return keys;
    let best = 0;
    for (const [at, key] of keys.entries()) if (compareItems(key, keys[best] as Value) * sign > 0) best = at;
    return items[best] ?? null;
  };
}

const sortBy: Evaluate = (run, list, reference) => {
  const items = list as readonly Value[];
  if (items.length <= 1) return items;
  const keys = keysBy(items, reference, run, () => "error in sort_by comparison");
  if (keys instanceof SearchError) return keys;
  run.budget.step(sortSteps(items.length));
  const places = keys.map((_key, at) => at).toSorted((a, b) => compareItems(keys[a] as Value, keys[b] as Value));
  return places.map((at) => items[at] as Value);
};

const map: Evaluate = (run, reference, list) => {
  const { evaluate } = reference as Reference;
  const mapped: Value[] = [];
  for (const item of list as readonly Value[]) {
    chargeList(1, run.budget);
    const outcome = orNull(evaluate(item, run));
    if (outcome instanceof SearchError) return outcome;
    mapped.push(outcome);
  }
  return mapped;
};

// ── texts and lists

const length: Evaluate = ({ budget }, value = null) => {
  if (typeof value === "string") {
    budget.step(value.length >> 3);
    return characters(value);
  }
  return isList(value) ? value.length : Object.keys(value as ValueObject).length;
};

function characters(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    if ((text.codePointAt(at) ?? 0) > 0xffff) at++;
    count++;
  }
  return count;
}

const contains: Evaluate = ({ budget }, subject = null, sought = null) => {
  if (typeof subject === "string") {
    budget.step(subject.length >> 3);
    if (typeof sought !== "string") return false;
    return sought === "" || searchFor(sought, subject, (units) => budget.step(units)).next(0) !== -1;
  }
  return (subject as readonly Value[]).some((item) => equal(item, sought, budget));
};

const join: Evaluate = ({ budget }, glue, list) => {
  const items = list as readonly string[];
  const separator = glue as string;
  budget.output(items.reduce((total, item) => total + item.length + separator.length, 0));
  return items.join(separator);
};

const reverse: Evaluate = ({ budget }, value = null) => {
  chargeList((value as { readonly length: number }).length, budget);
  return typeof value === "string"
    ? Array.from(value).toReversed().join("")
    : (value as readonly Value[]).slice().toReversed();
};

const toArray: Evaluate = (_run, value = null) => (isList(value) ? value : [value]);

const toText: Evaluate = ({ budget }, value = null) =>
  typeof value === "string" ? value : encode(value, budget, "plain");

const notNull: Evaluate = (_run, ...values) => values.find((value) => value !== null) ?? null;

const type: Evaluate = (_run, value = null) => typeName(value) ?? new SearchError("invalid-type", "unknown type");

// ── objects

const keys: Evaluate = ({ budget }, object) => charged(Object.keys(object as ValueObject), budget);

const values: Evaluate = ({ budget }, object) => charged(Object.values(object as ValueObject), budget);

function charged<T extends Value>(list: readonly T[], budget: Run["budget"]): readonly T[] {
  chargeList(list.length, budget);
  return list;
}

const merge: Evaluate = ({ budget }, ...objects) => {
  const merged: Record<string, Value> = {};
  for (const object of objects) {
    // Go does not look at the types of a variadic function's arguments and ends with a panic.
    if (!isObject(object)) return new SearchError("invalid-type", "merge() takes objects only");
    for (const [key, value] of Object.entries(object)) {
      chargeList(1, budget);
      setOwn(merged, key, value);
    }
  }
  return merged;
};

// ── the table

const number: readonly ArgumentType[] = ["number"];
const text: readonly ArgumentType[] = ["string"];
const list: readonly ArgumentType[] = ["array"];
const anything: readonly ArgumentType[] = ["any"];
const expression: readonly ArgumentType[] = ["expref"];
const object: readonly ArgumentType[] = ["object"];
const numbers: readonly ArgumentType[] = ["array[number]"];

export const standardFunctions: readonly JmesFunction[] = [
  { name: "abs", parameters: [number], evaluate: ofNumber(Math.abs) },
  { name: "avg", parameters: [numbers], evaluate: average },
  { name: "ceil", parameters: [number], evaluate: ofNumber(Math.ceil) },
  { name: "contains", parameters: [["array", "string"], anything], evaluate: contains },
  {
    name: "ends_with",
    parameters: [text, text],
    evaluate: (_run, all, end) => (all as string).endsWith(end as string),
  },
  { name: "floor", parameters: [number], evaluate: ofNumber(Math.floor) },
  { name: "join", parameters: [text, ["array[string]"]], evaluate: join },
  { name: "keys", parameters: [object], evaluate: keys },
  { name: "length", parameters: [["string", "array", "object"]], evaluate: length },
  { name: "map", parameters: [expression, list], evaluate: map },
  { name: "max", parameters: [["array[number]", "array[string]"]], evaluate: extreme(1) },
  { name: "max_by", parameters: [list, expression], evaluate: extremeBy(1) },
  { name: "merge", parameters: [object], variadic: true, evaluate: merge },
  { name: "min", parameters: [["array[number]", "array[string]"]], evaluate: extreme(-1) },
  { name: "min_by", parameters: [list, expression], evaluate: extremeBy(-1) },
  { name: "not_null", parameters: [anything], variadic: true, evaluate: notNull },
  { name: "reverse", parameters: [["array", "string"]], evaluate: reverse },
  { name: "sort", parameters: [["array[string]", "array[number]"]], evaluate: sort },
  { name: "sort_by", parameters: [list, expression], evaluate: sortBy },
  {
    name: "starts_with",
    parameters: [text, text],
    evaluate: (_run, all, start) => (all as string).startsWith(start as string),
  },
  { name: "sum", parameters: [numbers], evaluate: sum },
  { name: "to_array", parameters: [anything], evaluate: toArray },
  { name: "to_number", parameters: [anything], evaluate: toNumber },
  { name: "to_string", parameters: [anything], evaluate: toText },
  { name: "type", parameters: [anything], evaluate: type },
  { name: "values", parameters: [object], evaluate: values },
];
