// What lists and maps hold, whether an expression made them or they came with the input. Elements of input are read through
// `fromInput`, since a Decimal is no value of an expression. cel-go: common/types/map.go, list.go.

import {
  CelError,
  CelMap,
  Double,
  Optional,
  type Tree,
  Uint,
  type Value,
  fromInput,
  isDouble,
  isInt,
  isMap,
  isTree,
} from "./value.ts";
import { goText } from "./gotext.ts";
import { typeName, typeOfValue } from "./valuetype.ts";

export function sizeOfMap(map: CelMap | Tree): number {
  if (map instanceof CelMap) return map.size;
  return Object.keys(map).length;
}

/** Keys and values in the order in which they were put in. */
export function* entriesOf(map: CelMap | Tree): Iterable<readonly [key: Value, value: Value]> {
  if (map instanceof CelMap) yield* map.entries();
  else for (const key of Object.keys(map)) yield [key, fromInput(map[key] as Value)];
}

/** The value of a key; undefined without one. Numbers of any type that are equal are one key. */
export function findKey(map: CelMap | Tree, key: Value): Value | undefined {
  if (map instanceof CelMap) return map.get(key);
  return typeof key === "string" && Object.hasOwn(map, key) ? fromInput(map[key] as Value) : undefined;
}

export function elementAt(list: readonly Value[], at: number): Value {
  return fromInput(list[at] as Value);
}

/** `container[index]`. cel-go: interpreter/attributes.go refQualify. */
export function index(container: Value, key: Value): Value | CelError {
  const found = find(container, key);
  if (found !== undefined) return found;
  return new CelError(Array.isArray(container) ? `index out of bounds: ${goText(key)}` : `no such key: ${goText(key)}`);
}

/** The same where nothing is found: undefined. An index that no list can have is still an error. */
export function find(container: Value, key: Value): Value | CelError | undefined {
  if (typeof key === "object" && isNoKey(key)) {
    return new CelError(`invalid qualifier type: ${qualifierName(key)}`);
  }
  if (Array.isArray(container)) {
    const at = listIndex(key);
    if (at instanceof CelError) return at;
    return at >= 0 && at < container.length ? elementAt(container as readonly Value[], at) : undefined;
  }
  return isMap(container) ? findKey(container, key) : undefined;
}

function isNoKey(key: object | null): boolean {
  return key === null || key instanceof Optional || Array.isArray(key) || isTree(key);
}

/** Go's types of what comes with input. */
function qualifierName(key: object | null): string {
  if (key === null) return "<nil>";
  if (key instanceof Optional) return "*types.Optional";
  return Array.isArray(key) ? "[]interface {}" : "map[string]interface {}";
}

/** Doubles and uints index, too, where they are whole. cel-go: common/types/list.go IndexOrError. */
function listIndex(key: Value): number | CelError {
  if (isInt(key)) return Number(key);
  if (key instanceof Double && Math.abs(key.value) < 2 ** 63) return key.value;
  if (key instanceof Uint && key.value < 2n ** 63n) return Number(key.value);
  if (key instanceof Uint || isDouble(key)) return new CelError(`unsupported index value ${goText(key)} in list`);
  return new CelError(`unsupported index type '${typeName(typeOfValue(key))}' in list`);
}
