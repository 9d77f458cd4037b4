// patchesJson6902: a text of YAML or JSON with RFC 6902 operations. Text that starts with a bracket is taken for JSON.
// Recent texts are remembered with their operations, so that a patch without variables is read once.
// Behaviour from Kyverno pkg/engine/mutate/patch/{patchJSON6902,patchesUtils}.go.

import { type Budget, Source, chargeJson, parseJson } from "@portcullis/lang";
import { type JsonPatchOperation, applyJsonPatch as applyOperations, parseYaml, readJsonPatch } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import { deepEqual } from "../pattern/govalue.ts";
import type { PatchResult } from "./strategic.ts";

/**
 * The patched object, the very same when nothing changes, or what stands behind `failed to patch resource: `. The object
 * is not written to. Throws LimitError.
 */
export function applyJsonPatch(object: Json, patch: string, budget: Budget): PatchResult {
  const operations = operationsOf(patch, budget);
  if ("error" in operations) return operations;
  const result = applyOperations(object, operations, {
    negativeIndices: true,
    allowMissingOnRemove: true,
    makeParents: true,
    budget,
  });
  if ("error" in result) return result;
  return { object: deepEqual(result.value, object, "int64", budget) ? object : result.value };
}

type Operations = readonly JsonPatchOperation[] | { readonly error: string };

/** Texts remembered; when there are more, the memory starts again. */
const remembered = 512;
const longestRemembered = 16_384;
const memory = new Map<string, Operations>();

/** The operations of a text, or what Kyverno says is wrong with it. */
export function operationsOf(text: string, budget: Budget): Operations {
  const known = memory.get(text);
  if (known !== undefined) return known;
  chargeJson(text, budget);
  const operations = readOperations(text);
  if (text.length <= longestRemembered) {
    if (memory.size >= remembered) memory.clear();
    memory.set(text, operations);
  }
  return operations;
}

function readOperations(text: string): Operations {
  const tree = text.startsWith("[") || text === "" ? readJson(text) : readYaml(text);
  if ("error" in tree) return tree;
  const operations = readJsonPatch(tree.value);
  return "error" in operations ? { error: `failed to decode patches: ${operations.error}` } : operations;
}

type Tree = { readonly value: Json } | { readonly error: string };

function readJson(text: string): Tree {
  try {
    return { value: parseJson(text) };
  } catch {
    return { error: "failed to decode patches: invalid state detected" };
  }
}

/** The first document of a text. */
function readYaml(text: string): Tree {
  const { value, diagnostics } = parseYaml(new Source("patchesJson6902", text), { dialect: "go", isRaw: true });
  const [problem] = diagnostics;
  if (problem !== undefined) return { error: `failed to convert patchesJSON6902 to JSON: ${problem.message}` };
  return { value: value?.[0]?.value ?? null };
}
