// What a function is: a name, the types of its arguments, and its implementation. Types are checked once, here, before the
// implementation sees its arguments; the texts of the errors are go-jmespath's or our own, by dialect.
// Go: go-jmespath functions.go resolveArgs, typeCheck.

import type { Budget } from "@portcullis/lang";
import { goText } from "../runtime/gotext.ts";
import { type Outcome, type Run, SearchError } from "../runtime/run.ts";
import { ObjectList, Reference, type Value, isList, isObject, numberOf } from "../runtime/value.ts";

export type ArgumentType =
  | "number"
  | "string"
  | "boolean"
  | "array"
  | "object"
  | "array[number]"
  | "array[string]"
  | "expref"
  | "any";

export interface JmesFunction {
  readonly name: string;
  /** The types that each argument may have. */
  readonly parameters: readonly (readonly ArgumentType[])[];
  /** The last parameter may be given more than once. */
  readonly variadic?: true;
  /** Called with arguments whose number and types have been checked. */
  readonly evaluate: (run: Run, ...args: readonly Value[]) => Outcome;
}

export type Engine = "specification" | "go-jmespath";

/** Whether so many arguments fit. In Go a function without parameters takes any number. */
export function arityFits({ parameters, variadic }: JmesFunction, count: number, engine: Engine): boolean {
  if (variadic === true) return count >= parameters.length;
  return count === parameters.length || (engine === "go-jmespath" && parameters.length === 0);
}

export function arityError(fn: JmesFunction, count: number, engine: Engine): SearchError {
  if (engine === "go-jmespath") {
    return new SearchError("invalid-arity", fn.variadic === true ? "Invalid arity." : "incorrect number of args");
  }
  const wanted = fn.parameters.length;
  const least = fn.variadic === true ? "at least " : "";
  const text = `${fn.name}() takes ${least}${wanted} argument${wanted === 1 ? "" : "s"}, not ${count}`;
  return new SearchError("invalid-arity", text);
}

export function unknownFunction(name: string): SearchError {
  return new SearchError("unknown-function", `unknown function: ${name}`);
}

/** The first argument of a wrong type; null when all are right. */
export function typeError(
  fn: JmesFunction,
  args: readonly Value[],
  engine: Engine,
  budget: Budget,
): SearchError | null {
  const { parameters } = fn;
  // Go does not look at the arguments of a variadic function.
  if (fn.variadic === true && engine === "go-jmespath") return null;
  for (const [at, value] of args.entries()) {
    const types = parameters[Math.min(at, parameters.length - 1)];
    if (types === undefined || types.some((type) => hasType(value, type))) continue;
    if (engine === "go-jmespath") return new SearchError("invalid-type", goTypeText(value, types, budget));
    const found = value instanceof Reference ? "an expression" : describe(value);
    return new SearchError("invalid-type", `argument ${at + 1} of ${fn.name}() is ${found}, not ${types.join(" or ")}`);
  }
  return null;
}

function goTypeText(value: Value, types: readonly ArgumentType[], budget: Budget): string {
  const names = types.map((type) => `"${type}"`).join(", ");
  return `Invalid type for: ${goText(value, budget)}, expected: []jmespath.JpType{${names}}`;
}

function describe(value: Value): string {
  if (value === null) return "null";
  return isList(value) ? "array" : numberOf(value) === null ? typeof value : "number";
}

function hasType(value: Value, type: ArgumentType): boolean {
  switch (type) {
    case "any":
      return true;
    case "number":
      return numberOf(value) !== null;
    case "string":
      return typeof value === "string";
    case "boolean":
      return typeof value === "boolean";
    case "array":
      return isList(value);
    case "object":
      return isObject(value);
    case "expref":
      return value instanceof Reference;
    case "array[number]":
      return isPlainList(value) && value.every((item) => numberOf(item) !== null);
    case "array[string]":
      return isPlainList(value) && value.every((item) => typeof item === "string");
  }
}

function isPlainList(value: Value): value is readonly Value[] {
  return isList(value) && !(value instanceof ObjectList);
}
