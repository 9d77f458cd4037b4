// Phase 3: the checked tree as closures, one for each node, which close over those of its parts. A policy's expression is
// small and is often evaluated only a few times, so that making JavaScript's source of it would cost more than it saves
// (docs/decisions/0007).
//
// What a node costs in cel-go's model is known here, but for calls: the costs of all that is surely evaluated together are
// added up and charged at once, where the evaluation enters: at the root, in an operand that `&&` may not reach, in a
// branch of a conditional, in a turn of a fold. cel-go: interpreter/planner.go, interpreter/runtimecost.go.

import type { Call, Expression, ListLiteral, MapLiteral, Name, Selection, StructLiteral } from "../ast.ts";
import type { Checked } from "../checked.ts";
import type { Environment } from "../environment.ts";
import { callOf } from "../runtime/call.ts";
import { equals } from "../runtime/equality.ts";
import { and, conditional, or } from "../runtime/logic.ts";
import { listOf, mapOf, structOf } from "../runtime/make.ts";
import { has, index, select, selectOptional } from "../runtime/select.ts";
import { sizeOf } from "../runtime/size.ts";
import type { Evaluate } from "../runtime/state.ts";
import { CelError, type Value } from "../runtime/value.ts";
import { convertedConstant } from "./constants.ts";
import { emitFold } from "./fold.ts";

/** A node as code, with what it costs at least, which whoever evaluates it has charged. */
export interface Emitted {
  readonly run: Evaluate;
  readonly cost: number;
  /** What it always comes to; undefined where that is not known. */
  readonly constant?: Value;
  /** Whether further selections belong to the same path: a variable, and what is selected of it. */
  readonly isPath?: boolean;
}

/** Where a node stands: names of folds with their slots, and which accumulator may be added to in place. */
export interface Scope {
  readonly slots: ReadonlyMap<string, number>;
  readonly depth: number;
  readonly builder: string | null;
}

export interface Emitter {
  readonly checked: Checked;
  readonly environment: Environment;
  emit(node: Expression, scope: Scope): Emitted;
}

const costs: Readonly<Record<"read" | "list" | "map" | "struct", number>> = { read: 1, list: 10, map: 30, struct: 40 };

/** The whole expression; what it costs is charged in it. */
export function emitClosures(checked: Checked, environment: Environment): Evaluate {
  const emitter: Emitter = { checked, environment, emit: (node, scope) => emitNode(emitter, node, scope) };
  return charged(emitter.emit(checked.expression, { slots: new Map(), depth: 0, builder: null }));
}

/** What is evaluated on its own charges its cost. */
export function charged({ run, cost }: Emitted): Evaluate {
  if (cost === 0) return run;
  return (state) => {
    state.charge(cost);
    return run(state);
  };
}

export function constantly(value: Value): Emitted {
  return { run: () => value, cost: 0, constant: value };
}

function emitNode(emitter: Emitter, node: Expression, scope: Scope): Emitted {
  switch (node.kind) {
    case "constant":
      return constantly(node.value);
    case "name":
      return emitName(emitter, node, scope);
    case "selection":
      return emitSelection(emitter, node, scope);
    case "call":
      return emitCall(emitter, node, scope);
    case "list":
      return emitList(emitter, node, scope);
    case "map":
      return emitMap(emitter, node, scope);
    case "struct":
      return emitStruct(emitter, node, scope);
    case "fold":
      return emitFold(emitter, node, scope);
  }
}

function emitName({ checked }: Emitter, { id, name: written }: Name, { slots }: Scope): Emitted {
  const reference = checked.references.get(id);
  const isValue = reference !== undefined && "value" in reference && reference.value !== undefined;
  if (isValue) return constantly(reference.value);
  const name = reference !== undefined && "name" in reference ? reference.name : written;
  const slot = slots.get(name);
  if (slot !== undefined) {
    return { run: (state) => state.locals[slot] as Value | CelError, cost: costs.read, isPath: true };
  }
  // With a dot before it, it is not one of a fold.
  const variable = name.startsWith(".") ? name.slice(1) : name;
  const missing = new CelError(`no such attribute(s): ${variable}`);
  return { run: (state) => state.read(variable) ?? missing, cost: costs.read, isPath: true };
}

function emitSelection(emitter: Emitter, node: Selection, scope: Scope): Emitted {
  const operand = emitter.emit(node.operand, scope);
  const { run } = operand;
  const { field } = node;
  // Asking whether there is something is free in Kubernetes.
  if (node.tests) return { run: (state) => has(run(state), field), cost: pathCost(operand) - costs.read };
  return { run: (state) => select(run(state), field), cost: pathCost(operand), isPath: true };
}

/** The cost of one more step. A path that begins at a computed value costs one more. */
function pathCost({ cost, isPath }: Emitted): number {
  return cost + (isPath === true ? costs.read : 2 * costs.read);
}

// ── calls

function emitCall(emitter: Emitter, node: Call, scope: Scope): Emitted {
  const args = [...(node.target === null ? [] : [node.target]), ...node.args];
  switch (node.function) {
    case "_&&_":
      return emitLogic(emitter, args, scope, "and");
    case "_||_":
      return emitLogic(emitter, args, scope, "or");
    case "_?_:_":
      return emitConditional(emitter, args, scope);
    case "_==_":
      return emitEquality(emitter, args, scope, true);
    case "_!=_":
      return emitEquality(emitter, args, scope, false);
    case "_[_]":
      return emitIndex(emitter, args, scope, index);
    case "_?._":
    case "_[?_]":
      return emitIndex(emitter, args, scope, selectOptional);
    case "@not_strictly_false":
      return emitNotFalse(emitter, args, scope);
    default:
      return emitFunction(emitter, node, args, scope);
  }
}

function emitLogic(emitter: Emitter, args: readonly Expression[], scope: Scope, which: "and" | "or"): Emitted {
  const [first, ...rest] = args.map((arg) => emitter.emit(arg, scope)) as [Emitted, ...Emitted[]];
  const terms = [first.run, ...rest.map(charged)];
  return { run: which === "and" ? and(terms) : or(terms), cost: first.cost };
}

function emitConditional(emitter: Emitter, args: readonly Expression[], scope: Scope): Emitted {
  const [condition, yes, no] = args.map((arg) => emitter.emit(arg, scope)) as [Emitted, Emitted, Emitted];
  return { run: conditional(condition.run, charged(yes), charged(no)), cost: condition.cost, isPath: true };
}

function emitEquality(emitter: Emitter, args: readonly Expression[], scope: Scope, wanted: boolean): Emitted {
  const [left, right] = args.map((arg) => emitter.emit(arg, scope)) as [Emitted, Emitted];
  const { run: a } = left;
  const { run: b } = right;
  return {
    run: (state) => {
      const x = a(state);
      if (x instanceof CelError) return x;
      const y = b(state);
      if (y instanceof CelError) return y;
      state.charge(Math.ceil(Math.min(sizeOf(x), sizeOf(y)) / 10));
      return equals(x, y, state.budget) === wanted;
    },
    cost: left.cost + right.cost,
  };
}

function emitIndex(emitter: Emitter, args: readonly Expression[], scope: Scope, read: typeof index): Emitted {
  const [operand, key] = args.map((arg) => emitter.emit(arg, scope)) as [Emitted, Emitted];
  const { run } = operand;
  const { run: runKey } = key;
  return {
    run: (state) => {
      const value = run(state);
      if (value instanceof CelError) return value;
      const at = runKey(state);
      return at instanceof CelError ? at : read(value, at);
    },
    cost: pathCost(operand) + key.cost,
    isPath: true,
  };
}

/** Whether a fold goes on: an error may yet be absorbed. */
function emitNotFalse(emitter: Emitter, args: readonly Expression[], scope: Scope): Emitted {
  const [arg] = args.map((one) => emitter.emit(one, scope)) as [Emitted];
  const { run } = arg;
  return { run: (state) => run(state) !== false, cost: arg.cost + 1 };
}

function emitFunction(emitter: Emitter, node: Call, args: readonly Expression[], scope: Scope): Emitted {
  const reference = emitter.checked.references.get(node.id);
  const all = emitter.environment.functions.get(node.function) ?? [];
  const ids = reference !== undefined && "overloads" in reference ? reference.overloads : [];
  const [only] = ids;
  const one = ids.length === 1 ? all.find(({ id }) => id === only) : undefined;
  const emitted = args.map((arg) => emitter.emit(arg, scope));
  const constant = convertedConstant(emitter.environment, node, emitted[0]?.constant);
  if (constant !== undefined) return constantly(constant);
  return {
    run: callOf(
      node.function,
      one === undefined ? all : [one],
      emitted.map(({ run }) => run),
      one !== undefined,
    ),
    cost: emitted.reduce((sum, { cost }) => sum + cost, 0),
  };
}

// ── literals

function emitList(emitter: Emitter, node: ListLiteral, scope: Scope): Emitted {
  const elements = node.elements.map((element) => emitter.emit(element, scope));
  const constants = elements.map(({ constant }) => constant);
  if (node.optionals.size === 0 && constants.every((one) => one !== undefined)) return constantly(constants);
  return {
    run: listOf(
      elements.map(({ run }) => run),
      node.optionals,
    ),
    cost: elements.reduce((sum, { cost }) => sum + cost, costs.list),
  };
}

function emitMap(emitter: Emitter, node: MapLiteral, scope: Scope): Emitted {
  const entries = node.entries.map(({ key, value, optional }) => ({
    key: emitter.emit(key, scope),
    value: emitter.emit(value, scope),
    optional,
  }));
  const run = mapOf(entries.map(({ key, value, optional }) => ({ key: key.run, value: value.run, optional })));
  const isConstant = entries.every(
    ({ key, value, optional }) => !optional && key.constant !== undefined && value.constant !== undefined,
  );
  const cost = entries.reduce((sum, { key, value }) => sum + key.cost + value.cost, 0);
  return { run, cost: isConstant ? cost : cost + costs.map };
}

function emitStruct(emitter: Emitter, node: StructLiteral, scope: Scope): Emitted {
  const fields = node.fields.map(({ name, value, optional }) => ({
    name,
    value: emitter.emit(value, scope),
    optional,
  }));
  return {
    run: structOf(fields.map(({ name, value, optional }) => ({ name, value: value.run, optional }))),
    cost: fields.reduce((sum, { value }) => sum + value.cost, costs.struct),
  };
}
