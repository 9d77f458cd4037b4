// patchStrategicMerge: the patch's anchors are settled against the object, then the two are merged as kustomize merges
// them. A patch whose conditions do not hold is merged as an empty one, which still tidies lists that merge by keys.
// Behaviour from Kyverno pkg/engine/mutate/patch/strategicMergePatch.go.

import type { Budget } from "@portcullis/lang";
import type { Json } from "../../engine/request.ts";
import { deepEqual } from "../pattern/govalue.ts";
import { mergeNodes } from "./merge.ts";
import { MergeError, type Node, nodeOf, treeOf } from "./node.ts";
import { preparePatch } from "./preprocess.ts";

export type PatchResult = { readonly object: Json } | { readonly error: string };

/**
 * The merged object, the very same when nothing changes, or what stands behind `failed to patch resource: `. Neither
 * tree is written to. Throws LimitError.
 */
export function applyStrategicMerge(object: Json, patch: Json, budget: Budget): PatchResult {
  try {
    const merged = merge(object, patch, budget);
    return { object: deepEqual(merged, object, "int64", budget) ? object : merged };
  } catch (error) {
    if (error instanceof MergeError) return { error: error.message };
    throw error;
  }
}

function merge(object: Json, patch: Json, budget: Budget): Json {
  const dest = nodeOf(object, budget);
  const origin = prepared(dest, patch, budget);
  const merged = mergeNodes({ dest, origin }, { shape: null, keys: null, budget, depth: 0 });
  if (merged === null) throw new MergeError("filter cannot create or delete objects");
  return treeOf(merged);
}

/** The patch that is left when its anchors are settled; the object is only looked at. */
function prepared(object: Node, patch: Json, budget: Budget): Node {
  const node = nodeOf(patch, budget);
  try {
    return preparePatch(node, object, budget) ? node : nodeOf({}, budget);
  } catch (error) {
    if (error instanceof MergeError) throw new MergeError(`failed to preProcess rule: ${error.message}`);
    throw error;
  }
}
