// Selectors and patches of a fake cluster. Server-side apply is an approximation: fields that a manager applied before and
// no longer does are removed, objects are merged, lists are replaced, but for lists of conditions, which merge by type.

import {
  applyJsonPatch,
  applyMergePatch,
  compileLabelSelector,
  isObject,
  labelsOf,
  readJsonPatch,
  readLabelSelector,
  stringAt,
} from "@portcullis/kube";
import { Budget } from "@portcullis/lang";
import { ApiError, type ClusterObject, type ListOptions, type PatchOptions } from "../../src/cluster/api.ts";

const budget = (): Budget => new Budget({}, () => 0);
const invalid = (message: string): ApiError => new ApiError(message, { status: 422, reason: "Invalid" });

export function selects(options: ListOptions): (object: ClusterObject) => boolean {
  const byLabels = labelTest(options.labelSelector ?? "");
  const fields = (options.fieldSelector ?? "").split(",").filter((part) => part !== "");
  return (object) =>
    byLabels(object) &&
    (options.namespace === undefined || stringAt(object, "metadata", "namespace") === options.namespace) &&
    fields.every((part) => {
      const [path = "", operator = "=", value = ""] = part.split(/(!=|==?)/);
      return (stringAt(object, ...path.split(".")) === value) === (operator !== "!=");
    });
}

/** `a=b,c!=d,e,!f,g in (h,i),j notin (k)` */
function labelTest(text: string): (object: ClusterObject) => boolean {
  const parts = text.match(/[^,(]+(\([^)]*\))?/g) ?? [];
  const matchExpressions = parts.map((part) => {
    const set = /^\s*(\S+)\s+(in|notin)\s*\(([^)]*)\)\s*$/.exec(part);
    if (set !== null) {
      const values = (set[3] ?? "").split(",").map((value) => value.trim());
      return { key: set[1], operator: set[2] === "in" ? "In" : "NotIn", values };
    }
    const [key = "", operator, value = ""] = part.trim().split(/\s*(!=|==?)\s*/);
    if (operator !== undefined) return { key, operator: operator === "!=" ? "NotIn" : "In", values: [value] };
    return key.startsWith("!") ? { key: key.slice(1), operator: "DoesNotExist" } : { key, operator: "Exists" };
  });
  const selector = readLabelSelector({ matchExpressions });
  const test = "error" in selector ? selector : compileLabelSelector(selector);
  if ("error" in test) throw new ApiError(test.error, { status: 400, reason: "BadRequest" });
  return (object) => test.matches(labelsOf(object));
}

/** Per object and manager, what it applied last. */
export type Applied = Map<string, unknown>;

interface PatchTarget {
  /** Null when it is not there: only `apply` makes it. */
  readonly object: ClusterObject | null;
  readonly applied: Applied;
}

export function patched({ object, applied }: PatchTarget, patch: unknown, options: PatchOptions): ClusterObject {
  if (options.type === "apply") {
    const manager = options.fieldManager ?? "portcullis";
    const result = merge(without(object ?? {}, applied.get(manager), patch), patch);
    if (options.dryRun !== true) applied.set(manager, patch);
    return result as ClusterObject;
  }
  if (options.type !== "json") return applyMergePatch(object, patch, budget()) as ClusterObject;
  const operations = readJsonPatch(patch);
  if ("error" in operations) throw invalid(operations.error);
  const result = applyJsonPatch(object, operations, {
    negativeIndices: true,
    allowMissingOnRemove: false,
    makeParents: false,
    budget: budget(),
  });
  if ("error" in result) throw invalid(`the server rejected our request due to an error in our request`);
  return result.value as ClusterObject;
}

/** Takes away what was applied before and is no longer. */
function without(object: unknown, before: unknown, now: unknown): unknown {
  if (!isObject(object) || !isObject(before)) return object;
  const kept = Object.entries(object).filter(
    ([key]) => !Object.hasOwn(before, key) || (isObject(now) && Object.hasOwn(now, key)) || isObject(before[key]),
  );
  return Object.fromEntries(
    kept.map(([key, value]) => [key, without(value, before[key], isObject(now) ? now[key] : undefined)]),
  );
}

function merge(object: unknown, patch: unknown, key = ""): unknown {
  if (Array.isArray(object) && Array.isArray(patch) && key === "conditions") {
    const types = new Set(patch.map((one) => stringAt(one, "type")));
    return [
      ...(object as readonly unknown[]).filter((one) => !types.has(stringAt(one, "type"))),
      ...(patch as unknown[]),
    ];
  }
  if (!isObject(patch)) return patch;
  const base = isObject(object) ? object : {};
  return {
    ...base,
    ...Object.fromEntries(Object.entries(patch).map(([name, value]) => [name, merge(base[name], value, name)])),
  };
}
