// Calls whose overload the types do not tell: the first overload whose parameters the values fit runs. Where none fits, the
// error names the function and the types of the arguments; operators and a few functions, which cel-go binds to a trait of
// the first argument instead of to overloads, have texts of their own. cel-go: common/decls/decls.go Bindings,
// MaybeNoSuchOverload; interpreter/interpretable.go evalUnary, evalBinary.

import type { Overload } from "../library.ts";
import type { Type } from "../types.ts";
import { CelError, type Value } from "./value.ts";
import { matchesType, typeName, typeOfValue } from "./valuetype.ts";

/** Finds the overload that takes the values. The list is not empty; `name` is the function's. */
export function dispatch(
  name: string,
  overloads: readonly Overload[],
  arity: number,
): (values: readonly Value[]) => Overload | CelError {
  const candidates = overloads.filter(({ parameters }) => parameters.length === arity);
  const [only] = candidates;
  if (only !== undefined && candidates.length === 1) {
    return (values) => (takes(only, values) ? only : noSuchOverload(name, only, values));
  }
  return (values) =>
    candidates.find((overload) => takes(overload, values)) ?? noSuchOverload(name, overloads[0], values);
}

function takes(overload: Overload, values: readonly Value[]): boolean {
  if (overload.takes !== undefined) return overload.takes(values);
  const { parameters } = overload;
  for (let at = 0; at < parameters.length; at++) {
    if (!matchesType(parameters[at] as Type, values[at] as Value)) return false;
  }
  return true;
}

/** The error where the values fit no overload of the function. */
function noSuchOverload(name: string, overload: Overload | undefined, values: readonly Value[]): CelError {
  if (overload?.mismatch !== undefined) return overload.mismatch(values);
  return new CelError(`no such overload: ${name}(${values.map((value) => typeName(typeOfValue(value))).join(", ")})`);
}

/** What a function says that cel-go binds to a trait: without it the function is named, with it nothing. */
export function operandMismatch(name: string, operands: ReadonlySet<string>): (args: readonly Value[]) => CelError {
  return ([first]) => {
    const type = typeName(typeOfValue(first as Value));
    return operands.has(type) || receivers.has(type) ? bareMismatch() : new CelError(`no such overload: ${name}`);
  };
}

/** These look for a method of theirs, and find none. */
const receivers = new Set(["string", "google.protobuf.Timestamp", "google.protobuf.Duration"]);

export function bareMismatch(): CelError {
  return mismatch;
}

const mismatch = new CelError("no such overload");
