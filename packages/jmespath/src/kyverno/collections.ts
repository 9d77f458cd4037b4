// Functions on objects and lists, and Kyverno's versions of the standard ones where Go's behaviour shows: orders that are
// random in Go are by code points here. Kyverno: pkg/engine/jmespath/functions.go; Go: go-jmespath functions.go.

import { parseFloatText } from "@portcullis/lang/go";
import type { JmesFunction } from "../functions/function.ts";
import { encode } from "../runtime/encode.ts";
import { goFloatText } from "../runtime/gotext.ts";
import { equal, sortedKeys } from "../runtime/order.ts";
import {
  GoInteger,
  ObjectList,
  Reference,
  type Value,
  type ValueList,
  type ValueObject,
  isList,
  isObject,
  numberOf,
  setOwn,
} from "../runtime/value.ts";
import { argumentError, functionError, libraryError } from "./failure.ts";
import { float32Text } from "./gofloat.ts";
import { anything, list, object, objectOrList, text, textOrNumber } from "./signature.ts";

type Evaluate = JmesFunction["evaluate"];

const labelMatch: Evaluate = ({ budget }, wanted, found) => {
  const [labels, candidate] = [wanted as ValueObject, found as ValueObject];
  return Object.entries(labels).every(
    ([key, value]) => Object.hasOwn(candidate, key) && equal(candidate[key] as Value, value, budget),
  );
};

const lookup: Evaluate = (_run, subject = null, key = null) => {
  if (isObject(subject)) {
    if (typeof key !== "string") return argumentError("lookup", 2, "String");
    return Object.hasOwn(subject, key) ? (subject[key] as Value) : null;
  }
  if (subject instanceof ObjectList) return argumentError("lookup", 1, "Object or Array");
  const place = numberOf(key);
  if (place === null) return argumentError("lookup", 2, "Number");
  const problem = integerProblem(place);
  if (problem !== null) return functionError("lookup", `argument #2: ${problem}`);
  return place < 0 ? null : ((subject as ValueList)[place] ?? null);
};

/** Kyverno: intNumber. */
function integerProblem(value: number): string | null {
  if (!Number.isInteger(value)) return `expected an integer number but got: ${goFloatText(value)}`;
  if (Math.abs(value) < 2 ** 63 || value === -(2 ** 63)) return null;
  return `number is outside the range of integer numbers: ${goFloatText(value)}`;
}

const items: Evaluate = ({ budget }, subject = null, keyName = null, valueName = null) => {
  if (subject instanceof ObjectList) return argumentError("items", 1, "Object or Array");
  const entries: (readonly [Value, Value])[] = isList(subject)
    ? subject.map((value, at) => [at, value] as const)
    : sortedKeys(subject as ValueObject).map((key) => [key, (subject as ValueObject)[key] as Value] as const);
  budget.output(entries.length * 64);
  const result = new ObjectList();
  for (const [key, value] of entries) {
    const item: Record<string, Value> = {};
    setOwn(item, keyName as string, key);
    setOwn(item, valueName as string, value);
    result.push(item);
  }
  return result;
};

const objectFromLists: Evaluate = ({ budget }, keys, values) => {
  if (keys instanceof ObjectList) return argumentError("object_from_lists", 1, "Array");
  if (values instanceof ObjectList) return argumentError("object_from_lists", 2, "Array");
  const made: Record<string, Value> = {};
  for (const [at, key] of (keys as ValueList).entries()) {
    budget.step();
    const name = keyText(key);
    if (name === null) return argumentError("object_from_lists", 1, "StringArray");
    setOwn(made, name, (values as ValueList)[at] ?? null);
  }
  return made;
};

/** Kyverno: ifaceToString. */
function keyText(value: Value): string | null {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return String(value);
  if (value instanceof GoInteger) return String(value.value);
  const number = numberOf(value);
  return number === null ? null : float32Text(number);
}

// ── standard functions as Go has them

const keys: Evaluate = ({ budget }, subject) => {
  const sorted = sortedKeys(subject as ValueObject);
  budget.step(sorted.length);
  return sorted;
};

const values: Evaluate = ({ budget }, subject) => {
  const sorted = sortedKeys(subject as ValueObject);
  budget.step(sorted.length);
  return sorted.map((key) => (subject as ValueObject)[key] as Value);
};

/** Of nothing, Go's mean is not a number. */
const average: Evaluate = ({ budget }, numbers) => {
  const all = numbers as ValueList;
  budget.step(all.length);
  return all.reduce((total: number, one) => total + (numberOf(one) ?? 0), 0) / all.length;
};

/** What `items()` gives is no list of Go's engine here, so it is wrapped. */
const toArray: Evaluate = (_run, value = null) => (isList(value) && !(value instanceof ObjectList) ? value : [value]);

const toNumber: Evaluate = (_run, value = null) => {
  if (typeof value === "string") return parseFloat64(value);
  if (value instanceof GoInteger || value instanceof Reference || value instanceof ObjectList) {
    return libraryError("unknown type");
  }
  return numberOf(value) === null ? null : value;
};

/** Go: strconv.ParseFloat; null where it fails. */
function parseFloat64(source: string): number | null {
  const special = /^([+-]?)(?:inf(?:inity)?|(nan))$/i.exec(source);
  if (special !== null) {
    if (special[2] !== undefined) return special[1] === "" ? Number.NaN : null;
    return special[1] === "-" ? -Infinity : Infinity;
  }
  const parsed = parseFloatText(source);
  return "text" in parsed ? Number(parsed.text) : null;
}

const toText: Evaluate = ({ budget }, value = null) =>
  typeof value === "string" ? value : encode(value, budget, "go");

export const collectionFunctions: readonly JmesFunction[] = [
  { name: "label_match", parameters: [object, object], evaluate: labelMatch },
  { name: "lookup", parameters: [objectOrList, textOrNumber], evaluate: lookup },
  { name: "items", parameters: [objectOrList, text, text], evaluate: items },
  { name: "object_from_lists", parameters: [list, list], evaluate: objectFromLists },
  { name: "keys", parameters: [object], evaluate: keys },
  { name: "values", parameters: [object], evaluate: values },
  { name: "avg", parameters: [["array[number]"]], evaluate: average },
  { name: "to_array", parameters: [anything], evaluate: toArray },
  { name: "to_number", parameters: [anything], evaluate: toNumber },
  { name: "to_string", parameters: [anything], evaluate: toText },
];
