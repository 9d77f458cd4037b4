// The operations of a JSON patch, read and checked before any of them is applied.
// Behaviour and texts from evanphx/json-patch v5 DecodePatch; RFC 6902.

import { goJson } from "../fielderror.ts";
import { isObject } from "../object.ts";

export interface JsonPatchOperation {
  readonly op: "add" | "remove" | "replace" | "move" | "copy" | "test";
  /** A JSON pointer, as written. */
  readonly path: string;
  /** Of `move` and `copy`; "" for others. */
  readonly from: string;
  /** Undefined where there is none. */
  readonly value: unknown;
}

/** The operations of a JSON tree, or what is wrong with the first that is not one. */
export function readJsonPatch(tree: unknown): readonly JsonPatchOperation[] | { readonly error: string } {
  if (tree === null) return [];
  if (!Array.isArray(tree)) return { error: wrongType(tree, "jsonpatch.Patch") };
  const operations: JsonPatchOperation[] = [];
  for (const item of tree as readonly unknown[]) {
    if (!isObject(item) && item !== null) return { error: wrongType(item, "jsonpatch.Operation") };
  }
  for (const item of tree as readonly unknown[]) {
    const operation = readOperation(isObject(item) ? item : {});
    if (typeof operation === "string") return { error: `invalid operation ${goJson(item)}: ${operation}` };
    operations.push(operation);
  }
  return operations;
}

function wrongType(value: unknown, type: string): string {
  const kind = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
  const name = isObject(value) || kind !== "object" ? kind : "number";
  return `json: cannot unmarshal ${name} into Go value of type ${type}`;
}

/** The operation, or why it is none. */
function readOperation(item: Readonly<Record<string, unknown>>): JsonPatchOperation | string {
  const { op, value } = item;
  switch (op) {
    case "add":
    case "replace":
      if (!Object.hasOwn(item, "value"))
        return "failed to decode 'value': operation, missing value field: missing value";
      break;
    case "move":
    case "copy": {
      const from = pointerProblem(item["from"], "operation, missing from field");
      if (from !== null) return `failed to decode 'from': ${from}`;
      break;
    }
    case "remove":
    case "test":
      break;
    default:
      return "unsupported operation";
  }
  const path = pointerProblem(item["path"], "operation missing path field");
  if (path !== null) return `failed to decode 'path': ${path}`;
  const from = typeof item["from"] === "string" ? item["from"] : "";
  return { op, path: item["path"] as string, from, value };
}

function pointerProblem(pointer: unknown, missing: string): string | null {
  if (typeof pointer === "string") return null;
  return pointer === undefined || pointer === null ? `${missing}: missing value` : wrongType(pointer, "string");
}
