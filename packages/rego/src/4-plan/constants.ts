// Terms that are constants: scalars, and arrays, sets and objects of constants.

import type { Term } from "../ast.ts";
import { RegoObject, RegoSet, type Value } from "../runtime/value.ts";
import { objectOf } from "../runtime/objects.ts";

/** The value of a term without variables, references and calls; else undefined. */
export function constantValue(term: Term): Value | undefined {
  switch (term.kind) {
    case "null":
      return null;
    case "boolean":
    case "number":
    case "string":
      return term.value;
    case "array":
      return constantItems(term.items);
    case "set": {
      const items = constantItems(term.items);
      return items === undefined ? undefined : RegoSet.of(items);
    }
    case "object":
      return constantObject(term.entries);
    case "var":
    case "ref":
    case "call":
    case "array-comprehension":
    case "set-comprehension":
    case "object-comprehension":
    case "template-string":
      return undefined;
    default:
      return term satisfies never;
  }
}

function constantItems(terms: readonly Term[]): readonly Value[] | undefined {
  const values: Value[] = [];
  for (const term of terms) {
    const value = constantValue(term);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}

function constantObject(entries: readonly (readonly [Term, Term])[]): Value | undefined {
  const pairs: (readonly [Value, Value])[] = [];
  for (const [keyTerm, valueTerm] of entries) {
    const key = constantValue(keyTerm);
    const value = constantValue(valueTerm);
    if (key === undefined || value === undefined) return undefined;
    pairs.push([key, value]);
  }
  // Keys that are equal but written differently (1 and 1.0) are one key, with the first text and the last value.
  return objectOf(RegoObject.of(pairs).entries());
}
