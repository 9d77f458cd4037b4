// Phase 2: the type of every node, and what its names and functions stand for. Types are inferred from the leaves up. Where an
// empty literal or a generic function leaves a type open, a type parameter stands for it, until a comparison binds it or, at
// the end, `dyn` takes its place. An error gives the type `error`, which fits everything, so that one mistake is told once.
//
// The tree is made anew where it says more afterwards: a qualified name that is a variable is a name, a function of a
// namespace has no receiver. cel-go: checker/checker.go.

import type { Call, Expression, Fold, ListLiteral, MapLiteral, Selection, StructLiteral } from "../ast.ts";
import type { Parsed } from "../ast.ts";
import type { Checked } from "../checked.ts";
import type { Environment } from "../environment.ts";
import type { Issue } from "../issue.ts";
import * as types from "../types.ts";
import type { Type } from "../types.ts";
import { declaredName, formatType } from "./format.ts";
import { checkLiterals } from "./literals.ts";
import { type Found, type Scope, fieldOf, findFunction, findName, findTypeName, messageName } from "./names.ts";
import { resolveOverload } from "./overloads.ts";
import { type State, createState, freshParameter, report, typeOfNode } from "./state.ts";
import { isTooLarge } from "./size.ts";
import { TooManySteps, isAssignable, isDyn, mostGeneral, substitute } from "./substitution.ts";

export interface Check {
  /** Null if there are issues. */
  readonly checked: Checked | null;
  readonly issues: readonly Issue[];
}

export function check(parsed: Parsed, environment: Environment): Check {
  const { places } = parsed;
  const state = createState(environment, places);
  try {
    return finish(state, checkNode(state, parsed.expression));
  } catch (error) {
    if (!(error instanceof TooManySteps)) throw error;
    return {
      checked: null,
      issues: [...state.errors, { place: -1, message: "the types of the expression are too large" }],
    };
  }
}

function finish(state: State, expression: Expression): Check {
  const { environment, places } = state;
  if (state.errors.length > 0) return { checked: null, issues: state.errors };
  const final = new Map<number, Type>();
  for (const [id, type] of state.types) final.set(id, substitute(state.substitution, type, true));
  const result = final.get(expression.id) ?? types.errorType;
  const checked: Checked = { expression, types: final, references: state.references, places, result };
  const issues = checkLiterals(checked, environment);
  return { checked: issues.length > 0 ? null : checked, issues };
}

function set<T extends Expression>(state: State, node: T, type: Type): T {
  if (isTooLarge(type)) throw new TooManySteps();
  state.types.set(node.id, type);
  return node;
}

function undeclared(state: State, id: number, name: string): void {
  report(state, id, `undeclared reference to '${name}' (in container '${state.environment.container}')`);
}

function mismatch(state: State, id: number, expected: Type, actual: Type): void {
  report(state, id, `expected type '${formatType(expected)}' but found '${formatType(actual)}'`);
}

function checkNode(state: State, node: Expression): Expression {
  switch (node.kind) {
    case "constant":
      return set(state, node, { kind: node.type });
    case "name": {
      const found = findName(state.environment, state.scope, [node.name]);
      if (found !== undefined) return asName(state, node.id, found);
      undeclared(state, node.id, node.name);
      return set(state, node, types.errorType);
    }
    case "selection":
      return checkSelection(state, node);
    case "call":
      return node.function === "_?._" ? checkOptionalSelection(state, node) : checkCall(state, node);
    case "list":
      return checkList(state, node);
    case "map":
      return checkMap(state, node);
    case "struct":
      return checkStruct(state, node);
    case "fold":
      return checkFold(state, node);
  }
}

function asName(state: State, id: number, found: Found): Expression {
  const { name, type, value } = found;
  state.references.set(id, value === undefined ? { name } : { name, value });
  return set(state, { kind: "name", id, name }, type);
}

/** The parts of `a.b.c`; undefined for what is no qualified name. */
function qualifiedName(node: Expression): readonly string[] | undefined {
  const parts: string[] = [];
  let part = node;
  for (; part.kind === "selection" && !part.tests; part = part.operand) parts.push(part.field);
  return part.kind === "name" ? [...parts, part.name].toReversed() : undefined;
}

function checkSelection(state: State, node: Selection): Expression {
  const parts = qualifiedName(node);
  const found = parts === undefined ? undefined : findName(state.environment, state.scope, parts);
  if (found !== undefined) return asName(state, node.id, found);
  const operand = checkNode(state, node.operand);
  const type = fieldType(state, { id: node.id, operand, field: node.field, optional: false });
  const result = node.tests ? types.bool : substitute(state.substitution, type, false);
  return set(state, { ...node, operand }, result);
}

function checkOptionalSelection(state: State, node: Call): Expression {
  const [operandNode, field] = node.args;
  if (operandNode === undefined || field?.kind !== "constant" || typeof field.value !== "string") return node;
  const operand = checkNode(state, operandNode);
  const type = fieldType(state, { id: node.id, operand, field: field.value, optional: true });
  state.references.set(node.id, { overloads: ["select_optional_field"] });
  return set(state, { ...node, args: [operand, field] }, substitute(state.substitution, type, false));
}

interface Field {
  readonly id: number;
  readonly operand: Expression;
  readonly field: string;
  readonly optional: boolean;
}

/** What is selected of an optional is optional. */
function fieldType(state: State, { id, operand, field, optional }: Field): Type {
  const operandType = substitute(state.substitution, typeOfNode(state, operand), false);
  const inner = unwrap(operandType);
  const type = selectedType(state, id, inner ?? operandType, field);
  return optional || inner !== undefined ? types.optionalOf(type) : type;
}

/** What an optional is of; undefined for other types. */
function unwrap(type: Type): Type | undefined {
  return type.kind === "opaque" && type.name === "optional_type" ? type.parameters[0] : undefined;
}

function selectedType(state: State, id: number, type: Type, field: string): Type {
  switch (type.kind) {
    case "map":
      return type.value;
    case "struct":
      return structField(state, id, type.name, field) ?? types.errorType;
    case "parameter":
      isAssignable(state.substitution, types.dyn, type);
      return types.dyn;
    default:
      if (!isDyn(type) && type.kind !== "error") {
        report(state, id, `type '${formatType(type)}' does not support field selection`);
      }
      return types.dyn;
  }
}

function structField(state: State, id: number, struct: string, field: string): Type | undefined {
  const type = fieldOf(state.environment, struct, field);
  if (type === undefined) report(state, id, `unexpected failed resolution of '${struct}'`);
  if (type === null) report(state, id, `undefined field '${field}'`);
  return type ?? undefined;
}

function checkCall(state: State, node: Call): Expression {
  const { environment } = state;
  const args = node.args.map((arg) => checkNode(state, arg));
  // `a.b.c()` is the function `a.b.c`, or `c` of `a.b`.
  const prefix = node.target === null ? [] : qualifiedName(node.target);
  const full = prefix === undefined ? undefined : findFunction(environment, [...prefix, node.function].join("."));
  if (full !== undefined) return resolve(state, { ...node, function: full, target: null, args });
  const target = node.target === null ? null : checkNode(state, node.target);
  const method = target === null ? undefined : findFunction(environment, node.function);
  if (method !== undefined) return resolve(state, { ...node, function: method, target, args });
  undeclared(state, node.id, node.function);
  return set(state, { ...node, target, args }, types.errorType);
}

function resolve(state: State, node: Call): Expression {
  const resolution = resolveOverload(state, node);
  if (resolution === null) return set(state, node, types.errorType);
  state.references.set(node.id, { overloads: resolution.overloads });
  return set(state, node, resolution.type);
}

/** The type of the value of an optional element or entry. */
function optionalValue(state: State, node: Expression): Type {
  const type = typeOfNode(state, node);
  const inner = unwrap(type);
  if (inner === undefined && !isDyn(type)) mismatch(state, node.id, types.optionalOf(type), type);
  return inner ?? type;
}

/** The more general of the types of elements; any type where they differ. See also ./literals.ts. */
function join(state: State, previous: Type | null, current: Type): Type {
  if (previous === null) return current;
  return isAssignable(state.substitution, previous, current) ? mostGeneral(previous, current) : types.dyn;
}

function checkList(state: State, node: ListLiteral): Expression {
  let type: Type | null = null;
  const elements = node.elements.map((element, at) => {
    const checked = checkNode(state, element);
    const found = node.optionals.has(at) ? optionalValue(state, checked) : typeOfNode(state, checked);
    type = join(state, type, found);
    return checked;
  });
  return set(state, { ...node, elements }, types.listOf(type ?? freshParameter(state)));
}

function checkMap(state: State, node: MapLiteral): Expression {
  let keyType: Type | null = null;
  let valueType: Type | null = null;
  const entries = node.entries.map((entry) => {
    const key = checkNode(state, entry.key);
    keyType = join(state, keyType, typeOfNode(state, key));
    const value = checkNode(state, entry.value);
    const found = entry.optional ? optionalValue(state, value) : typeOfNode(state, value);
    valueType = join(state, valueType, found);
    return { ...entry, key, value };
  });
  const type = types.mapOf(keyType ?? freshParameter(state), valueType ?? freshParameter(state));
  return set(state, { ...node, entries }, type);
}

function checkStruct(state: State, node: StructLiteral): Expression {
  const found = findTypeName(state.environment, state.scope, node.type);
  if (found === undefined) {
    undeclared(state, node.id, node.type);
    return set(state, node, types.errorType);
  }
  const { name } = found;
  state.references.set(node.id, { name });
  const type = structType(state, node.id, found);
  const fieldsOf = (type === undefined ? undefined : messageName(type)) ?? name;
  const fields = node.fields.map((field) => {
    const value = checkNode(state, field.value);
    const wanted = structField(state, field.id, fieldsOf, field.name) ?? types.errorType;
    const actual = field.optional ? optionalValue(state, value) : typeOfNode(state, value);
    if (!isAssignable(state.substitution, wanted, actual)) {
      const is = `'${formatType(wanted)}' but provided type is '${formatType(actual)}'`;
      report(state, field.id, `expected type of field '${field.name}' is ${is}`);
    }
    return { ...field, value };
  });
  return set(state, { ...node, type: name, fields }, type ?? types.errorType);
}

function structType(state: State, id: number, { type }: Found): Type | undefined {
  if (type.kind === "error") return undefined;
  if (type.kind !== "type") {
    report(state, id, `'${declaredName(type)}' is not a type`);
    return undefined;
  }
  const struct = type.of ?? types.typeOf(null);
  if (messageName(struct) !== undefined || struct.kind === "struct") return struct;
  report(state, id, `'${declaredName(struct)}' is not a message type`);
  return undefined;
}

function checkFold(state: State, node: Fold): Expression {
  const range = checkNode(state, node.range);
  const init = checkNode(state, node.init);
  const accumulator = typeOfNode(state, init);
  const outer = state.scope;
  const around: Scope = { variables: new Map([[node.accumulator, accumulator]]), outer };
  const [first, second] = variableTypes(state, range, node.variable2 !== null);
  const variables = new Map([[node.variable, first]]);
  if (node.variable2 !== null) variables.set(node.variable2, second);
  state.scope = { variables, outer: around };
  const condition = checkNode(state, node.condition);
  assertType(state, condition, types.bool);
  const step = checkNode(state, node.step);
  assertType(state, step, accumulator);
  state.scope = around;
  const result = checkNode(state, node.result);
  state.scope = outer;
  const type = substitute(state.substitution, typeOfNode(state, result), false);
  return set(state, { ...node, range, init, condition, step, result }, type);
}

/** Of an element or key; with two variables of an index or key, and of a value. */
function variableTypes(state: State, range: Expression, both: boolean): readonly [first: Type, second: Type] {
  const type = substitute(state.substitution, typeOfNode(state, range), false);
  switch (type.kind) {
    case "list":
      return both ? [types.int, type.element] : [type.element, types.errorType];
    case "map":
      return [type.key, type.value];
    case "dyn":
    case "error":
    case "parameter":
      isAssignable(state.substitution, types.dyn, type);
      return [types.dyn, types.dyn];
    default: {
      const message = `expression of type '${formatType(type)}' cannot be range of a comprehension`;
      report(state, range.id, `${message} (must be list, map, or dynamic)`);
      return [types.errorType, types.errorType];
    }
  }
}

function assertType(state: State, node: Expression, wanted: Type): void {
  const actual = typeOfNode(state, node);
  if (!isAssignable(state.substitution, wanted, actual)) mismatch(state, node.id, wanted, actual);
}
