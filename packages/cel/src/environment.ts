// What an expression may name: variables, functions, types and macros. An environment is made once, of libraries, and is
// shared; `extend` gives one with more. cel-go: cel/env.go, checker/env.go.

import type { Dialect } from "./dialect.ts";
import type { Library, Overload, StructType } from "./library.ts";
import { messages } from "./messages.ts";
import * as types from "./types.ts";
import type { Type } from "./types.ts";

export interface Environment {
  readonly dialect: Dialect;
  /** Names are looked for in this namespace and those around it. Empty in Kubernetes. */
  readonly container: string;
  readonly variables: ReadonlyMap<string, Type>;
  /** By name, in order of declaration. */
  readonly functions: ReadonlyMap<string, readonly Overload[]>;
  readonly structs: ReadonlyMap<string, StructType>;
  /** Types by the names that stand for them in expressions. */
  readonly typeNames: ReadonlyMap<string, Type>;
  /** Signatures: `map:2:true`. */
  readonly macros: ReadonlySet<string>;
  extend(more: Extension): Environment;
}

interface Extension {
  readonly libraries?: readonly Library[];
  readonly variables?: Readonly<Record<string, Type>>;
  readonly structs?: readonly StructType[];
}

export interface EnvironmentOptions extends Extension {
  readonly libraries: readonly Library[];
  readonly dialect: Dialect;
  readonly container?: string;
}

const a = types.parameter("A");

const standardTypeNames: ReadonlyMap<string, Type> = new Map<string, Type>([
  ["bool", types.bool],
  ["bytes", types.bytes],
  ["double", types.double],
  ["int", types.int],
  ["list", types.listOf(a)],
  ["map", types.mapOf(a, types.parameter("B"))],
  ["null_type", types.nullType],
  ["string", types.string],
  ["type", types.typeOf(null)],
  ["uint", types.uint],
]);

export function createEnvironment(options: EnvironmentOptions): Environment {
  const { dialect, container = "" } = options;
  const messageTypes = Array.from(messages.values(), ({ name, type }) => [name, type] as const);
  const bare = environmentOf({
    dialect,
    container,
    variables: new Map(),
    functions: new Map(),
    structs: messages,
    typeNames: new Map([...standardTypeNames, ...messageTypes]),
    macros: new Set(),
  });
  return bare.extend(options);
}

function environmentOf(parts: Omit<Environment, "extend">): Environment {
  return { ...parts, extend: (more) => environmentOf(extended(parts, more)) };
}

function extended(parts: Omit<Environment, "extend">, more: Extension): Omit<Environment, "extend"> {
  const libraries = more.libraries ?? [];
  const structs = [...libraries.flatMap((library) => library.structs ?? []), ...(more.structs ?? [])];
  const structNames = structs.map(({ name }) => [name, types.struct(name)] as const);
  const typeNames = libraries.flatMap((library) => Object.entries(library.typeNames ?? {}));
  return {
    ...parts,
    variables: withMore(parts.variables, Object.entries(more.variables ?? {})),
    functions: libraries.length === 0 ? parts.functions : withOverloads(parts.functions, libraries),
    structs: withMore(
      parts.structs,
      structs.map((one) => [one.name, one] as const),
    ),
    typeNames: withMore(parts.typeNames, [...typeNames, ...structNames]),
    macros:
      libraries.length === 0
        ? parts.macros
        : new Set([...parts.macros, ...libraries.flatMap((one) => one.macros ?? [])]),
  };
}

function withMore<T>(before: ReadonlyMap<string, T>, more: readonly (readonly [string, T])[]): ReadonlyMap<string, T> {
  const map = new Map(before);
  for (const [name, one] of more) map.set(name, one);
  return map;
}

/** One of the same id takes the place of the former. */
function withOverloads(
  before: ReadonlyMap<string, readonly Overload[]>,
  libraries: readonly Library[],
): ReadonlyMap<string, readonly Overload[]> {
  const functions = new Map(before);
  for (const overload of libraries.flatMap(({ overloads }) => overloads)) {
    const known = functions.get(overload.function) ?? [];
    const at = known.findIndex(({ id }) => id === overload.id);
    functions.set(overload.function, at < 0 ? [...known, overload] : known.with(at, overload));
  }
  return functions;
}
