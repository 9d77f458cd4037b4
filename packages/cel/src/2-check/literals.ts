// What is looked at once an expression has its types. In Kubernetes, regexes, durations and timestamps that are written down
// must be such, and the elements of a literal must have one type, so that none of them is `dyn` beside others that are not;
// but what is given to `format` may be mixed. cel-go: cel/validator.go.

import { Budget } from "@portcullis/lang";
import { compileRegex } from "@portcullis/lang/go";
import type { Call, Constant, Expression, ListLiteral, MapLiteral } from "../ast.ts";
import type { Checked } from "../checked.ts";
import type { Environment } from "../environment.ts";
import type { Issue } from "../issue.ts";
import { CelError } from "../runtime/value.ts";
import * as types from "../types.ts";
import type { Type } from "../types.ts";
import { formatType } from "./format.ts";
import { checkFormatCall } from "./formatcalls.ts";
import { isExactly } from "./substitution.ts";

interface State {
  readonly checked: Checked;
  readonly environment: Environment;
  readonly errors: Issue[];
}

export function checkLiterals(checked: Checked, environment: Environment): readonly Issue[] {
  const errors: Issue[] = [];
  visit({ checked, environment, errors }, checked.expression, false);
  return errors;
}

function report({ checked, errors }: State, { id }: Expression, message: string): void {
  errors.push({ place: checked.places[id] ?? -1, message });
}

/** `mayMix` within a call of `format`. */
function visit(state: State, node: Expression, mayMix: boolean): void {
  const { dialect } = state.environment;
  if (node.kind === "call" && dialect.validatesLiterals) checkArgument(state, node);
  if (node.kind === "call" && node.function === "format") checkFormat(state, node);
  if (dialect.homogeneousLiterals && !mayMix) {
    if (node.kind === "list") checkElements(state, node);
    if (node.kind === "map") checkEntries(state, node);
  }
  const mayMixWithin = mayMix || (node.kind === "call" && node.function === "format");
  for (const part of partsOf(node)) visit(state, part, mayMixWithin);
}

function checkFormat({ checked, errors }: State, node: Call): void {
  const wrong = checkFormatCall(checked, node);
  if (wrong !== null) errors.push({ place: checked.places[wrong.id] ?? -1, message: wrong.message });
}

function partsOf(node: Expression): readonly Expression[] {
  switch (node.kind) {
    case "constant":
    case "name":
      return [];
    case "selection":
      return [node.operand];
    case "call":
      return node.target === null ? node.args : [node.target, ...node.args];
    case "list":
      return node.elements;
    case "map":
      return node.entries.flatMap(({ key, value }) => [key, value]);
    case "struct":
      return node.fields.map(({ value }) => value);
    case "fold":
      return [node.range, node.init, node.condition, node.step, node.result];
  }
}

/** The first argument, as cel-go looks at it: of the function `matches`, too, where it is not the pattern. */
function checkArgument(state: State, node: Call): void {
  const [literal] = node.args;
  if (literal?.kind !== "constant") return;
  const name = node.function;
  const isWrong =
    name === "matches"
      ? !isRegex(literal)
      : (name === "duration" || name === "timestamp") && isRefused(state, node, literal);
  if (isWrong) report(state, literal, `invalid ${name} argument`);
}

function isRegex({ value }: Constant): boolean {
  return typeof value !== "string" || !("error" in compileRegex(value));
}

/** Whether the function itself does not take it. */
function isRefused({ checked, environment }: State, node: Call, { value }: Constant): boolean {
  const reference = checked.references.get(node.id);
  if (reference === undefined || !("overloads" in reference)) return false;
  const overload = environment.functions.get(node.function)?.find(({ id }) => id === reference.overloads[0]);
  return overload?.run([value], new Budget({}, () => 0)) instanceof CelError;
}

function checkElements(state: State, node: ListLiteral): void {
  let first: Type | undefined;
  for (const [at, element] of node.elements.entries()) {
    const type = typeIn(state, element, node.optionals.has(at));
    first ??= type;
    if (!isExactly(first, type)) {
      mismatch(state, element, first, type);
      return;
    }
  }
}

function checkEntries(state: State, node: MapLiteral): void {
  let first: readonly [key: Type, value: Type] | undefined;
  for (const { key, value, optional } of node.entries) {
    const keyType = typeIn(state, key, false);
    const valueType = typeIn(state, value, optional);
    first ??= [keyType, valueType];
    if (!isExactly(first[0], keyType)) mismatch(state, key, first[0], keyType);
    if (!isExactly(first[1], valueType)) mismatch(state, value, first[1], valueType);
  }
}

function typeIn({ checked }: State, node: Expression, optional: boolean): Type {
  const type = checked.types.get(node.id) ?? types.dyn;
  return optional && type.kind === "opaque" ? (type.parameters[0] ?? types.dyn) : type;
}

function mismatch(state: State, node: Expression, expected: Type, actual: Type): void {
  report(state, node, `expected type '${formatType(expected)}' but found '${formatType(actual)}'`);
}
