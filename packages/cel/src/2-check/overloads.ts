// Which overloads of a function fit the types of the arguments. More than one may, where a type is only known at run time; the
// type is then that of all results if they agree, and `dyn` otherwise. Each overload that fits may bind type parameters of
// the arguments, before the next is looked at. cel-go: checker/checker.go resolveOverload.

import type { Call } from "../ast.ts";
import type { Overload } from "../library.ts";
import * as types from "../types.ts";
import type { Type } from "../types.ts";
import { formatSignature, formatType } from "./format.ts";
import { type State, freshParameter, report, typeOfNode } from "./state.ts";
import { createSubstitution, isAssignable, isAssignableList, isExactly, partsOf, substitute } from "./substitution.ts";

export interface Resolution {
  readonly overloads: readonly string[];
  readonly type: Type;
}

/** Null after an error. */
export function resolveOverload(state: State, node: Call): Resolution | null {
  const args = node.target === null ? node.args : [node.target, ...node.args];
  const given = args.map((arg) => typeOfNode(state, arg));
  const isMember = node.target !== null;
  const all = (state.environment.functions.get(node.function) ?? []).filter(({ member }) => member === isMember);
  if (node.function === "_&&_" || node.function === "_||_") return resolveLogic(state, node, all);
  const fitting: string[] = [];
  let type: Type | null = null;
  for (const overload of all) {
    const { parameters, result } = instantiate(state, overload);
    if (!isAssignableList(state.substitution, given, parameters)) continue;
    fitting.push(overload.id);
    const found = substitute(state.substitution, result, false);
    if (type === null) type = found;
    else if (type.kind !== "dyn" && type.kind !== "any" && !isExactly(found, type)) type = types.dyn;
  }
  if (type !== null) return { overloads: fitting, type };
  const shown = given.map((one) => substitute(state.substitution, one, true));
  const signature = formatSignature(shown, isMember);
  report(state, node.id, `found no matching overload for '${node.function}' applied to '${signature}'`);
  return null;
}

/** Operands that are no bools are told of one by one. */
function resolveLogic(state: State, node: Call, [overload]: readonly Overload[]): Resolution | null {
  const { length } = state.errors;
  for (const arg of node.args) {
    const type = typeOfNode(state, arg);
    if (!isAssignable(state.substitution, type, types.bool)) {
      report(state, arg.id, `expected type 'bool' but found '${formatType(type)}'`);
    }
  }
  return state.errors.length > length
    ? null
    : { overloads: overload === undefined ? [] : [overload.id], type: types.bool };
}

/** With type parameters that no other call has. */
function instantiate(state: State, overload: Overload): Pick<Overload, "parameters" | "result"> {
  const { parameters, result } = overload;
  const names = new Set<string>();
  for (const type of [result, ...parameters]) collectParameters(type, names);
  if (names.size === 0) return overload;
  const fresh = createSubstitution();
  for (const name of names) fresh.bound.set(name, freshParameter(state));
  return {
    parameters: parameters.map((type) => substitute(fresh, type, false)),
    result: substitute(fresh, result, false),
  };
}

function collectParameters(type: Type, names: Set<string>): void {
  if (type.kind === "parameter") names.add(type.name);
  for (const part of partsOf(type)) collectParameters(part, names);
}
