// Makes nodes, and gives them numbers and places. The numbers are given out in the order of cel-go's, in which a node of a
// macro gets its number after its parts. cel-go: parser/helper.go.

import type { Constant, ConstantType, Expression, MapEntry, Name } from "../ast.ts";
import type { Value } from "../runtime/value.ts";

export interface Nodes {
  /** By number; -1 without a place. Numbers begin at 1. */
  readonly places: number[];
}

export const createNodes = (): Nodes => ({ places: [-1] });

export function newId({ places }: Nodes, place: number): number {
  places.push(place);
  return places.length - 1;
}

/** Gives back the number of a call that was a macro. */
export function dropId({ places }: Nodes, id: number): void {
  if (id === places.length - 1) places.pop();
  else places[id] = -1;
}

export const constant = (id: number, type: ConstantType, value: Value): Constant => ({
  kind: "constant",
  id,
  type,
  value,
});

export const name = (id: number, text: string): Name => ({ kind: "name", id, name: text });

export function call(id: number, operator: string, args: readonly Expression[]): Expression {
  return { kind: "call", id, function: operator, target: null, args };
}

export function memberCall(id: number, method: string, target: Expression, args: readonly Expression[]): Expression {
  return { kind: "call", id, function: method, target, args };
}

/** A chain of `&&` or `||` as a balanced tree. cel-go: parser/helper.go logicManager. */
export function balance(operator: string, terms: readonly Expression[], ids: readonly number[]): Expression {
  const between = (low: number, high: number): Expression => {
    const middle = (low + high + 1) >> 1;
    const left = middle === low ? terms[middle] : between(low, middle - 1);
    const right = middle === high ? terms[middle + 1] : between(middle + 1, high);
    return call(ids[middle] ?? 0, operator, [left as Expression, right as Expression]);
  };
  return ids.length === 0 ? (terms[0] as Expression) : between(0, ids.length - 1);
}

/** The same with numbers of its own, at the same places; entries of maps and structs are at `place`. */
export function copy(nodes: Nodes, place: number, from: Expression): Expression {
  const again = (part: Expression): Expression => copy(nodes, place, part);
  const id = newId(nodes, nodes.places[from.id] ?? -1);
  switch (from.kind) {
    case "constant":
    case "name":
      return { ...from, id };
    case "selection":
      return { ...from, id, operand: again(from.operand) };
    case "call": {
      const args = from.args.map(again);
      return { ...from, id, args, target: from.target === null ? null : again(from.target) };
    }
    case "list":
      return { ...from, id, elements: from.elements.map(again) };
    case "map":
      return {
        ...from,
        id,
        entries: from.entries.map((entry): MapEntry => {
          const entryId = newId(nodes, place);
          return { ...entry, id: entryId, key: again(entry.key), value: again(entry.value) };
        }),
      };
    case "struct":
      return {
        ...from,
        id,
        fields: from.fields.map((field) => {
          const fieldId = newId(nodes, place);
          return { ...field, id: fieldId, value: again(field.value) };
        }),
      };
    case "fold": {
      const range = again(from.range);
      const init = again(from.init);
      const condition = again(from.condition);
      const step = again(from.step);
      return { ...from, id, range, init, condition, step, result: again(from.result) };
    }
  }
}
