// What a name stands for. Variables of folds are in scopes, the innermost first; then come variables, types and numbers of
// enums, each looked for in the container and in the namespaces around it. cel-go 0.26 looks for a name in one place after the
// other, in the scopes and outside in each; 0.30 looks for variables of folds first, without the container, and then outside.
// cel-go: checker/env.go, common/containers/container.go.

import type { Environment } from "../environment.ts";
import { enums, messages } from "../messages.ts";
import { TypeValue, type Value } from "../runtime/value.ts";
import * as types from "../types.ts";
import type { Type } from "../types.ts";
import { createSubstitution, substitute } from "./substitution.ts";

export interface Scope {
  readonly variables: ReadonlyMap<string, Type>;
  readonly outer: Scope | null;
}

export interface Found {
  readonly name: string;
  readonly type: Type;
  /** Of what is no variable. */
  readonly value?: Value;
}

/** The full names that a name may have, the longest first. */
function candidates(container: string, name: string): readonly string[] {
  if (name.startsWith(".")) return [name.slice(1)];
  const names: string[] = [];
  for (let space = container; space !== ""; space = space.slice(0, Math.max(0, space.lastIndexOf(".")))) {
    names.push(`${space}.${name}`);
  }
  return [...names, name];
}

export function findFunction({ container, functions }: Environment, name: string): string | undefined {
  return candidates(container, name).find((candidate) => functions.has(candidate));
}

/** The parts of a qualified name; one part for a plain name. */
export function findName(environment: Environment, scope: Scope | null, parts: readonly string[]): Found | undefined {
  const name = parts.join(".");
  const all = candidates(environment.container, name);
  if (environment.dialect.celGo < 30) {
    for (const candidate of all) {
      const found = findLocal(scope, candidate) ?? findGlobal(environment, candidate);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  const [first = ""] = parts;
  const absolute = first.startsWith(".");
  const local = findLocal(scope, absolute ? first.slice(1) : first);
  // What is selected of a variable of a fold is no qualified name.
  if (local !== undefined && !absolute) return parts.length === 1 ? local : undefined;
  for (const candidate of all) {
    const found = findGlobal(environment, candidate);
    if (found !== undefined) return local === undefined ? found : { ...found, name: `.${found.name}` };
  }
  return undefined;
}

/** What stands before the braces of a struct. */
export function findTypeName(environment: Environment, scope: Scope | null, name: string): Found | undefined {
  if (environment.dialect.celGo < 30) return findName(environment, scope, [name]);
  for (const candidate of candidates(environment.container, name)) {
    const type = environment.typeNames.get(candidate);
    if (type !== undefined) return { name: candidate, type: types.typeOf(erased(type)) };
  }
  return undefined;
}

function findLocal(scope: Scope | null, name: string): Found | undefined {
  for (let one = scope; one !== null; one = one.outer) {
    const type = one.variables.get(name);
    if (type !== undefined) return { name, type };
  }
  return undefined;
}

function findGlobal(environment: Environment, name: string): Found | undefined {
  const type = environment.variables.get(name);
  if (type !== undefined) return { name, type };
  const number = enums.get(name);
  return findType(environment, name) ?? (number === undefined ? undefined : { name, type: types.int, value: number });
}

function findType({ typeNames }: Environment, name: string): Found | undefined {
  const type = typeNames.get(name);
  return type === undefined ? undefined : { name, type: types.typeOf(type), value: new TypeValue(erased(type)) };
}

/** As a value, a type has no parameters that are open. */
const erased = (type: Type): Type => substitute(createSubstitution(), type, true);

/** The message whose fields a well-known type has: `google.protobuf.Int64Value` for a wrapper of int. */
export function messageName(type: Type): string | undefined {
  switch (type.kind) {
    case "any":
      return "google.protobuf.Any";
    case "timestamp":
      return "google.protobuf.Timestamp";
    case "duration":
      return "google.protobuf.Duration";
    case "dyn":
      return "google.protobuf.Value";
    case "null":
      return "google.protobuf.NullValue";
    case "list":
      return type.element.kind === "dyn" ? "google.protobuf.ListValue" : undefined;
    case "map":
      return type.key.kind === "string" && type.value.kind === "dyn" ? "google.protobuf.Struct" : undefined;
    case "bool":
    case "bytes":
    case "double":
    case "int":
    case "string":
    case "uint":
      return type.nullable === true ? wrapperNames[type.kind] : undefined;
    default:
      return undefined;
  }
}

const wrapperNames: Readonly<Record<"bool" | "bytes" | "double" | "int" | "string" | "uint", string>> = {
  bool: "google.protobuf.BoolValue",
  bytes: "google.protobuf.BytesValue",
  double: "google.protobuf.DoubleValue",
  int: "google.protobuf.Int64Value",
  string: "google.protobuf.StringValue",
  uint: "google.protobuf.UInt64Value",
};

/** The type of a field; undefined if there is no such struct, null if it has no such field. */
export function fieldOf({ structs }: Environment, struct: string, field: string): Type | null | undefined {
  const found = structs.get(struct) ?? messages.get(struct);
  if (found === undefined) return undefined;
  return Object.hasOwn(found.fields, field) ? (found.fields[field] ?? null) : null;
}
