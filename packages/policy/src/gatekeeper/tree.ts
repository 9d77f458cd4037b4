// Reading lists of a JSON tree, the way Gatekeeper reads unstructured objects: what is missing or of another kind is
// nothing, not an error.

import { type JsonRecord, isObject, valueAt } from "@portcullis/kube";
import type { Json } from "../engine/request.ts";

/** An object, or null for everything else. */
export function asRecord(value: Json): JsonRecord | null {
  return isObject(value) ? value : null;
}

/** The array at a path; empty when there is none. */
export function listAt(value: Json, ...path: readonly string[]): readonly Json[] {
  const found = valueAt(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** The strings of the array at a path; empty when there is none. */
export function stringsAt(value: Json, ...path: readonly string[]): readonly string[] {
  return listAt(value, ...path).filter((item) => typeof item === "string");
}
