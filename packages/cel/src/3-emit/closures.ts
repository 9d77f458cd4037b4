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
import { and, conditional, or, orOptional, orValue } from "../runtime/logic.ts";
import { listOf, mapOf, structOf } from "../runtime/make.ts";
import { has, index, select, selectOptional } from "../runtime/select.ts";
import { reading, sizeOf } from "../runtime/size.ts";
import type { Evaluate } from "../runtime/state.ts";
import { goTypeName } from "../runtime/gotypename.ts";
import { CelError, CelMap, Opaque, Optional, Uint, type Value, isDouble, isInt } from "../runtime/value.ts";
import { ConstantFailed, convertedConstant, withPattern } from "./constants.ts";
import { type Binding, type Emitted, type Emitter, type Scope, charged, constantly, partCost } from "./emitted.ts";
import { emitFold } from "./fold.ts";

const costs: Readonly<Record<"read" | "list" | "map" | "struct", number>> = { read: 1, list: 10, map: 30, struct: 40 };

/** The whole expression; what it costs is charged in it. */
export function emitClosures(checked: Checked, environment: Environment): Evaluate {
  const emitter: Emitter = { checked, environment, emit: (node, scope) => emitNode(emitter, node, scope) };
  return charged(emitter.emit(checked.expression, { slots: new Map(), depth: 0, builder: null }));
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
  if (slot !== undefined) return { run: readLocal(slot), cost: costs.read, whole: costs.read };
  // With a dot before it, it is not one of a fold.
  const variable = name.startsWith(".") ? name.slice(1) : name;
  const missing = new CelError(`no such attribute(s): ${variable}`);
  const run: Evaluate = (state) => {
    const value = state.read(variable);
    return value === undefined ? missing : value;
  };
  return { run, cost: costs.read, whole: costs.read };
}

function readLocal(slot: number | Binding): Evaluate {
  if (typeof slot === "number") return (state) => state.locals[slot] as Value | CelError;
  const { slot: at, init } = slot;
  return (state) => {
    const known = state.locals[at];
    if (known !== undefined) return known;
    return (state.locals[at] = init(state));
  };
}

function emitSelection(emitter: Emitter, node: Selection, scope: Scope): Emitted {
  const operand = emitter.emit(node.operand, scope);
  const { run } = operand;
  const { field } = node;
  const path = stepCosts(operand);
  // Of a question whether something is there only the steps to it cost, in Kubernetes.
  if (node.tests) return { run: emitTest(run, field), cost: path.cost - costs.read };
  return {
    run: (state) => {
      const value = run(state);
      const found = isNone(value) ? value : select(value, field);
      // What an error leaves of a path is not looked at, and a step that an optional does not find costs nothing.
      if (value instanceof CelError || isNone(found)) state.refund(costs.read);
      return found;
    },
    ...path,
  };
}

function emitTest(run: Evaluate, field: string): Evaluate {
  return (state) => {
    const value = run(state);
    const found = has(value, field);
    if (value instanceof CelError || (found === false && value instanceof Optional)) state.refund(costs.read);
    return found;
  };
}

function isNone(value: Value | CelError): boolean {
  return value instanceof Optional && value.value === undefined;
}

/** The costs of a path that is one step longer. One that begins at a computed value is read as a whole, too. */
function stepCosts({ cost, whole }: Emitted): Required<Pick<Emitted, "cost" | "whole">> {
  if (whole === undefined) return { cost: cost + 2 * costs.read, whole: costs.read };
  return { cost: cost + costs.read, whole };
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
  const branch = (one: Emitted): Evaluate => charged({ run: one.run, cost: partCost(one) });
  return { run: conditional(condition.run, branch(yes), branch(no)), cost: condition.cost, whole: 0 };
}

function emitEquality(emitter: Emitter, args: readonly Expression[], scope: Scope, wanted: boolean): Emitted {
  const [left, right] = args.map((arg) => emitter.emit(arg, scope)) as [Emitted, Emitted];
  const { run: a } = left;
  const { run: b } = right;
  const readsBoth = emitter.environment.dialect.celGo === 26;
  return {
    run: (state) => {
      const x = a(state);
      if (x instanceof CelError && !readsBoth) {
        state.refund(right.cost);
        return x;
      }
      const y = b(state);
      state.budget.step(reading(x) + reading(y) + 1);
      state.charge(wanted && x instanceof Opaque ? 1 : Math.ceil(Math.min(sizeOfOperand(x), sizeOfOperand(y)) / 10));
      if (x instanceof CelError) return x;
      if (y instanceof CelError) return y;
      return equals(x, y, state.budget) === wanted;
    },
    cost: left.cost + right.cost,
  };
}

/** What failed has the size of a scalar. */
function sizeOfOperand(value: Value | CelError): number {
  return value instanceof CelError ? 1 : sizeOf(value);
}

function emitIndex(emitter: Emitter, args: readonly Expression[], scope: Scope, read: typeof index): Emitted {
  const [operand, key] = args.map((arg) => emitter.emit(arg, scope)) as [Emitted, Emitted];
  const { run } = operand;
  const { run: runKey } = key;
  const path = stepCosts(operand);
  const keyCost = partCost(key);
  if (key.constant !== undefined && !isKey(key.constant)) {
    throw new ConstantFailed(`invalid qualifier type: ${goTypeName(key.constant)}`);
  }
  return {
    run: (state) => {
      const value = run(state);
      if (value instanceof CelError || isNone(value)) {
        state.refund(costs.read + keyCost);
        return value;
      }
      const at = runKey(state);
      if (at instanceof CelError) {
        if (read === selectOptional) state.refund(costs.read);
        return at;
      }
      state.budget.step(reading(at) + 1);
      const found = read(value, at);
      if (isNone(found) || (found instanceof CelError && read === selectOptional)) state.refund(costs.read);
      return found;
    },
    cost: path.cost + keyCost,
    whole: path.whole,
  };
}

function isKey(value: Value): boolean {
  return (
    typeof value === "string" || typeof value === "boolean" || isInt(value) || isDouble(value) || value instanceof Uint
  );
}

/** `or` and `orValue` of an optional: the other is looked at only where there is none. */
function emitOptionalOr(emitter: Emitter, args: readonly Expression[], scope: Scope, unwraps: boolean): Emitted {
  const [first, second] = args.map((arg) => emitter.emit(arg, scope)) as [Emitted, Emitted];
  const { orValueOfAnything } = emitter.environment.dialect;
  const run = unwraps ? orValue(first.run, charged(second), orValueOfAnything) : orOptional(first.run, charged(second));
  return { run, cost: first.cost };
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
  if (node.target !== null && args.length === 2 && isOptionalOr(node.function, ids)) {
    return emitOptionalOr(emitter, args, scope, node.function === "orValue");
  }
  const emitted = args.map((arg) => emitter.emit(arg, scope));
  const overloads = withPattern(
    one === undefined ? all : [one],
    emitted.map((arg) => arg.constant),
  );
  const constant = convertedConstant(emitter.environment, node, emitted[0]?.constant);
  if (constant !== undefined) return constantly(constant);
  const set = node.function === "@in" && one?.id === "in_list" ? emitted[1]?.constant : undefined;
  // cel-go does not even look at what it might find there.
  if (Array.isArray(set) && set.length === 0) return constantly(false);
  return {
    run: callOf(node.function, overloads, emitted, {
      resolved: one !== undefined,
      readsBoth: emitter.environment.dialect.celGo === 26,
      isFree: isConstantSet(set),
    }),
    cost: emitted.reduce((sum, { cost }) => sum + cost, 0),
  };
}

/** cel-go looks for a scalar in a constant list as in a map's keys, which costs nothing. */
function isConstantSet(list: Value | undefined): boolean {
  return Array.isArray(list) && (list as readonly Value[]).every(isKey);
}

/** Whether the types leave no other function that it could be. cel-go: cel/library.go evalOptionalOr. */
function isOptionalOr(name: string, ids: readonly string[]): boolean {
  if (name === "or") return ids.every((id) => id === "optional_or_optional");
  return name === "orValue" && ids.every((id) => id === "optional_orValue_value");
}

// ── literals

function emitList(emitter: Emitter, node: ListLiteral, scope: Scope): Emitted {
  const elements = node.elements.map((element) => emitter.emit(element, scope));
  const constants = elements.map(({ constant }) => constant);
  if (node.optionals.size === 0 && constants.every((one) => one !== undefined)) return constantly(constants);
  return {
    run: listOf(elements, node.optionals),
    cost: elements.reduce((sum, { cost }) => sum + cost, costs.list),
  };
}

function emitMap(emitter: Emitter, node: MapLiteral, scope: Scope): Emitted {
  const entries = node.entries.map(({ key, value, optional }) => ({
    key: emitter.emit(key, scope),
    value: emitter.emit(value, scope),
    optional,
  }));
  const constant = new CelMap();
  for (const { key, value, optional } of entries) {
    if (optional || key.constant === undefined || value.constant === undefined) {
      return {
        run: mapOf(entries),
        cost: entries.reduce((sum, entry) => sum + entry.key.cost + entry.value.cost, costs.map),
      };
    }
    constant.set(key.constant, value.constant);
  }
  return constantly(constant);
}

function emitStruct(emitter: Emitter, node: StructLiteral, scope: Scope): Emitted {
  const reference = emitter.checked.references.get(node.id);
  const fields = node.fields.map(({ name, value, optional }) => ({
    name,
    value: emitter.emit(value, scope),
    optional,
  }));
  return {
    run: structOf(
      // The checker has one name for messages that are of one type.
      reference !== undefined && "name" in reference ? reference.name : node.type,
      fields.map(({ name, value, optional }) => ({ name, value: value.run, optional })),
    ),
    cost: fields.reduce((sum, { value }) => sum + value.cost, costs.struct),
  };
}
