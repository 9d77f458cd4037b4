// Lists, maps and structs that an expression writes. The first error among their parts is what comes of it.
// cel-go: interpreter/interpretable.go evalList, evalMap, evalObj.

import { goText } from "./gotext.ts";
import { valueOfStruct } from "./message.ts";
import { type Evaluate, type Part, costsBehind } from "./state.ts";
import { typeName, typeOfValue } from "./valuetype.ts";
import { CelError, CelMap, Optional, type Value } from "./value.ts";

const bytesPerElement = 8;
const bytesPerEntry = 64;

/** An element that a fold makes: its place in the list, and a value such as a moment. */
const bytesPerTurn = 64;

export function listOf(elements: readonly Part[], optionals: ReadonlySet<number>): Evaluate {
  const behind = costsBehind(elements);
  return (state) => {
    state.budget.output((elements.length + 2) * bytesPerElement);
    const list: Value[] = [];
    for (const [at, { run }] of elements.entries()) {
      const value = run(state);
      if (value instanceof CelError) {
        state.refund(behind[at] as number);
        return value;
      }
      if (!optionals.has(at)) list.push(value);
      else if (!(value instanceof Optional)) return notOptional("element", value);
      else if (value.value !== undefined) list.push(value.value);
    }
    return list;
  };
}

interface Entry {
  readonly key: Part;
  readonly value: Part;
  readonly optional: boolean;
}

export function mapOf(entries: readonly Entry[]): Evaluate {
  const behind = costsBehind(entries.flatMap(({ key, value }) => [key, value]));
  return (state) => {
    state.budget.output((entries.length + 1) * bytesPerEntry);
    const map = new CelMap();
    for (const [at, entry] of entries.entries()) {
      const key = entry.key.run(state);
      const value = key instanceof CelError ? key : entry.value.run(state);
      if (key instanceof CelError || value instanceof CelError) {
        state.refund(behind[key instanceof CelError ? 2 * at : 2 * at + 1] as number);
        return value;
      }
      if (!entry.optional) map.set(key, value);
      else if (!(value instanceof Optional)) return notOptional("entry", value);
      else if (value.value !== undefined) map.set(key, value.value);
      else map.delete(key);
    }
    return map;
  };
}

interface Field {
  readonly name: string;
  readonly value: Evaluate;
  readonly optional: boolean;
}

export function structOf(type: string, fields: readonly Field[]): Evaluate {
  return (state) => {
    const tree = Object.create(null) as Record<string, Value>;
    for (const { name, value: run, optional } of fields) {
      const value = run(state);
      if (value instanceof CelError) return value;
      if (!optional) tree[name] = value;
      else if (!(value instanceof Optional)) return notOptional("field", value);
      else if (value.value !== undefined) tree[name] = value.value;
    }
    return valueOfStruct(type, tree);
  };
}

function notOptional(what: string, value: Value): CelError {
  return new CelError(
    `cannot initialize optional ${what} from non-optional value of type ${typeName(typeOfValue(value))}`,
  );
}

// ── accumulators that grow in place, as long as no turn fails

export const newMap: Evaluate = () => new CelMap();

/** Adds the elements of a list to the list in `slot`. */
export function append(slot: number, added: Evaluate): Evaluate {
  return (state) => {
    const list = state.locals[slot] as Value[];
    const more = added(state);
    if (more instanceof CelError) return more;
    for (const element of more as readonly Value[]) {
      state.budget.output(bytesPerTurn);
      list.push(element);
    }
    return list;
  };
}

/** Puts a key with its value, or the entries of a map, into the map in `slot`. No key may be there twice. */
export function insert(slot: number, args: readonly Evaluate[]): Evaluate {
  return (state) => {
    const map = state.locals[slot] as CelMap;
    const values: Value[] = [];
    for (const arg of args) {
      const value = arg(state);
      if (value instanceof CelError) return value;
      values.push(value);
    }
    const entries =
      values.length === 1 ? (values[0] as CelMap).entries() : [values as unknown as readonly [Value, Value]];
    for (const [key, value] of entries) {
      state.budget.output(bytesPerEntry);
      if (map.has(key)) return new CelError(`insert failed: key ${goText(key)} already exists`);
      map.set(key, value);
    }
    return map;
  };
}
