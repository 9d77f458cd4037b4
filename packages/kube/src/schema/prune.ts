// Fields that a structural schema does not name. An API server drops them; Gatekeeper refuses a constraint that has any.
// `x-kubernetes-preserve-unknown-fields` keeps everything below it, except inside properties that are specified again.
// Behaviour from k8s.io/apiextensions-apiserver pkg/apiserver/schema/pruning/algorithm.go.

import { byCodePoints } from "../fielderror.ts";
import { isObject } from "../object.ts";
import type { Schema } from "./schema.ts";

const metaFields: ReadonlySet<string> = new Set(["apiVersion", "kind", "metadata"]);

export interface UnknownField {
  /** As printed: `spec.items[0].x`. */
  readonly text: string;
  readonly path: readonly (string | number)[];
}

interface Walk {
  readonly found: UnknownField[];
  /** Null: only look. */
  readonly remove: ((holder: Record<string, unknown>, key: string) => void) | null;
  readonly path: (string | number)[];
}

/** The fields of a value that the schema does not name, sorted. For the root of a resource its own fields are known. */
export function unknownFields(value: unknown, schema: Schema | null, isResourceRoot: boolean): readonly UnknownField[] {
  return walkRoot(value, schema, isResourceRoot, null);
}

/** Removes the fields that the schema does not name, in place, and says which they were. */
export function prune(value: unknown, schema: Schema | null, isResourceRoot: boolean): readonly UnknownField[] {
  return walkRoot(value, schema, isResourceRoot, (holder, key) => {
    delete holder[key];
  });
}

function walkRoot(value: unknown, schema: Schema | null, isResourceRoot: boolean, remove: Walk["remove"]) {
  const walk: Walk = { found: [], remove, path: [] };
  visit(walk, value, schema, isResourceRoot || (schema?.embeddedResource ?? false));
  return walk.found.toSorted((a, b) => byCodePoints(a.text, b.text));
}

function visit(walk: Walk, value: unknown, schema: Schema | null, isResource: boolean): void {
  if (schema !== null && schema.preserveUnknownFields === true) keep(walk, value, schema, isResource);
  else if (Array.isArray(value))
    visitElements(walk, value, (element) => visitChild(walk, element, schema?.items ?? null));
  else if (isObject(value)) visitMembers(walk, value, schema, isResource);
}

function visitChild(walk: Walk, value: unknown, schema: Schema | null): void {
  visit(walk, value, schema, schema?.embeddedResource ?? false);
}

function visitMembers(
  walk: Walk,
  value: Readonly<Record<string, unknown>>,
  schema: Schema | null,
  isResource: boolean,
) {
  for (const key of Object.keys(value)) {
    if (isResource && metaFields.has(key)) continue;
    const next = schema === null ? undefined : memberSchema(schema, key);
    if (next === undefined) {
      if (schema === null || !metaFields.has(key) || walk.path.length > 0) record(walk, key);
      walk.remove?.(value, key);
      continue;
    }
    walk.path.push(key);
    visitChild(walk, value[key], next);
    walk.path.pop();
  }
}

/** Below a schema that keeps unknown fields only what is specified again is looked at. */
function keep(walk: Walk, value: unknown, schema: Schema | null, isResource: boolean): void {
  if (schema === null) return;
  if (Array.isArray(value)) {
    const { items } = schema;
    visitElements(walk, value, (element) => keep(walk, element, items, items?.embeddedResource ?? false));
    return;
  }
  if (!isObject(value)) return;
  for (const key of Object.keys(value)) {
    const next = memberSchema(schema, key);
    if (next === undefined || (isResource && metaFields.has(key))) continue;
    walk.path.push(key);
    visitChild(walk, value[key], next);
    walk.path.pop();
  }
}

function visitElements(walk: Walk, elements: readonly unknown[], visitOne: (element: unknown) => void): void {
  for (const [index, element] of elements.entries()) {
    walk.path.push(index);
    visitOne(element);
    walk.path.pop();
  }
}

/** Undefined: not specified; null: specified without a schema. */
function memberSchema(schema: Schema, key: string): Schema | null | undefined {
  const property = schema.properties.get(key);
  if (property !== undefined) return property;
  return schema.additionalProperties === null ? undefined : schema.additionalProperties.schema;
}

function record(walk: Walk, key: string): void {
  const path = [...walk.path, key];
  walk.found.push({ text: pathText(path), path });
}

/** `spec.items[0].x`. */
export function pathText(path: readonly (string | number)[]): string {
  let text = "";
  for (const step of path) text += typeof step === "number" ? `[${step}]` : text === "" ? step : `.${step}`;
  return text;
}
