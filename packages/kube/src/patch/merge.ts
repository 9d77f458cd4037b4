// JSON merge patches (RFC 7386): objects merge by key, null removes, everything else replaces. The document is not
// written to; what does not change is shared with the result.

import { type Budget, LimitError } from "@portcullis/lang";
import { isObject } from "../object.ts";
import { setOwn } from "../own.ts";

/** The patched document. Throws LimitError. */
export function applyMergePatch(document: unknown, patch: unknown, budget: Budget, depth = 0): unknown {
  budget.step();
  if (depth > budget.depthMax) throw new LimitError("depth");
  if (!isObject(patch)) return patch;
  const merged: Record<string, unknown> = isObject(document) ? { ...document } : {};
  for (const key of Object.keys(patch)) {
    if (patch[key] === null) delete merged[key];
    else
      setOwn(
        merged,
        key,
        applyMergePatch(Object.hasOwn(merged, key) ? merged[key] : undefined, patch[key], budget, depth + 1),
      );
  }
  return merged;
}
