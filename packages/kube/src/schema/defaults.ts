// Defaults of a structural schema, filled in as an API server does: nulls that may not be null and have no default go
// first, then every absent (or not nullable null) property with a default gets it, from the outside inwards, so that a
// default object is itself filled in. The input is not changed: what changes is copied on the way, the rest is shared.
// Behaviour from k8s.io/apiextensions-apiserver pkg/apiserver/schema/defaulting (algorithm.go, prunenulls.go).

import { isObject } from "../object.ts";
import { setOwn } from "../own.ts";
import type { Schema } from "./schema.ts";

/** The value with the schema's defaults; the same object when nothing was missing. */
export function applyDefaults(value: unknown, schema: Schema | null): unknown {
  if (schema === null) return value;
  if (Array.isArray(value)) return defaultElements(value, schema);
  return isObject(value) ? defaultMembers(value, schema) : value;
}

function defaultElements(elements: readonly unknown[], schema: Schema): unknown {
  const { items } = schema;
  if (items === null) return elements;
  const filled = elements.map((element) =>
    applyDefaults(isUnwantedNull(element, items) ? (items.default ?? null) : element, items),
  );
  return filled.every((element, index) => element === elements[index]) ? elements : filled;
}

function defaultMembers(value: Readonly<Record<string, unknown>>, schema: Schema): unknown {
  const changes = new Map<string, unknown>();
  for (const [key, property] of schema.properties) {
    if (property.default === undefined) continue;
    if (!Object.hasOwn(value, key) || isUnwantedNull(value[key], property)) changes.set(key, property.default);
  }
  for (const key of new Set([...Object.keys(value), ...changes.keys()])) {
    const property = schema.properties.get(key) ?? schema.additionalProperties?.schema ?? null;
    if (property === null) continue;
    let member = changes.has(key) ? changes.get(key) : value[key];
    if (isUnwantedNull(member, property)) member = property.default ?? null;
    const filled = applyDefaults(member, property);
    if (changes.has(key) || filled !== value[key]) changes.set(key, filled);
  }
  if (changes.size === 0) return value;
  const result: Record<string, unknown> = { ...value };
  for (const [key, member] of changes) setOwn(result, key, member);
  return result;
}

function isUnwantedNull(value: unknown, schema: Schema): boolean {
  return value === null && !schema.nullable;
}

/** The value without nulls where the schema allows none and has no default; shared where nothing changes. */
export function dropUnwantedNulls(value: unknown, schema: Schema | null): unknown {
  if (Array.isArray(value)) {
    const kept = value.map((element: unknown) => dropUnwantedNulls(element, schema?.items ?? null));
    return kept.every((element, index) => element === value[index]) ? value : kept;
  }
  if (!isObject(value)) return value;
  const result: Record<string, unknown> = {};
  let changed = false;
  for (const key of Object.keys(value)) {
    const property = schema?.properties.get(key) ?? schema?.additionalProperties?.schema ?? null;
    const member = value[key];
    if (property !== null && isUnwantedNull(member, property) && property.default === undefined) {
      changed = true;
      continue;
    }
    const kept = dropUnwantedNulls(member, property);
    changed ||= kept !== member;
    setOwn(result, key, kept);
  }
  return changed ? result : value;
}
