// Sets. OPA: v1/topdown/sets.go, binary.go.

import { compare } from "../runtime/compare.ts";
import { RegoSet, type Value } from "../runtime/value.ts";
import { t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError } from "./builtin.ts";

const anySet = t.set(t.any);

type Combine = (call: BuiltinCall, a: RegoSet, b: RegoSet) => RegoSet;

/** Checks that both operands are sets, left first. */
function onSets(combine: Combine): (call: BuiltinCall, a: Value, b: Value) => Value | undefined {
  return (call, a, b) => {
    if (!(a instanceof RegoSet)) return operandError(call, 1, a, "set");
    if (!(b instanceof RegoSet)) return operandError(call, 2, b, "set");
    return combine(call, a, b);
  };
}

/** The members of `a` that are not in `b`. */
export function difference(call: BuiltinCall, a: RegoSet, b: RegoSet): RegoSet {
  if (b.size === 0) return a;
  call.budget.step(a.size);
  return RegoSet.of(a.items.filter((item) => !b.has(item)));
}

function intersect(call: BuiltinCall, a: RegoSet, b: RegoSet): RegoSet {
  const [small, large] = a.size <= b.size ? [a, b] : [b, a];
  call.budget.step(small.size);
  return RegoSet.of(small.items.filter((item) => large.has(item)));
}

function unite(call: BuiltinCall, a: RegoSet, b: RegoSet): RegoSet {
  if (a.size === 0) return b;
  if (b.size === 0) return a;
  call.budget.output((a.size + b.size) * 8);
  call.budget.step(a.size + b.size);
  const result = RegoSet.of(a.items);
  for (const item of b.items) result.add(item);
  return result;
}

/** The sets in a set, in Rego's order. Undefined after reporting. */
function setsOperand(call: BuiltinCall, value: Value): readonly RegoSet[] | undefined {
  if (!(value instanceof RegoSet)) return operandError(call, 1, value, "set");
  const members = value.sorted(compare);
  const wrong = members.find((member) => !(member instanceof RegoSet));
  return wrong === undefined ? (members as readonly RegoSet[]) : operandError(call, 1, wrong, "set");
}

function union(call: BuiltinCall, value: Value): Value | undefined {
  const sets = setsOperand(call, value);
  if (sets === undefined) return undefined;
  const result = new RegoSet();
  for (const set of sets) {
    call.budget.output(set.size * 8);
    call.budget.step(set.size);
    for (const item of set.items) result.add(item);
  }
  return result;
}

function intersection(call: BuiltinCall, value: Value): Value | undefined {
  const sets = setsOperand(call, value);
  if (sets === undefined) return undefined;
  const [first = new RegoSet(), ...rest] = sets;
  return rest.reduce((result, set) => intersect(call, result, set), first);
}

export const setBuiltins: readonly Builtin[] = [
  { name: "and", infix: "&", type: t.function([anySet, anySet], anySet), evaluate: onSets(intersect) },
  { name: "or", infix: "|", type: t.function([anySet, anySet], anySet), evaluate: onSets(unite) },
  { name: "set_diff", deprecated: true, type: t.function([anySet, anySet], anySet), evaluate: onSets(difference) },
  { name: "intersection", type: t.function([t.set(anySet)], anySet), evaluate: intersection },
  { name: "union", type: t.function([t.set(anySet)], anySet), evaluate: union },
];
