// Rules that ask for what is not built: signatures of manifests and images, data of image registries. Such a
// rule gives an error result whenever it applies, so that nothing passes by it unseen; whoever stores or loads the policy is
// told beforehand, and its status says not Ready.

import { isObject, stringAt, valueAt } from "@portcullis/kube";
import { type Diagnostic, warningAt } from "@portcullis/lang";
import type { ReadFrom } from "../../engine/frontend.ts";
import type { Json } from "../../engine/request.ts";
import { listOf } from "../match/filter.ts";

export const unbuiltCode = "unsupported-rule";

type Steps = readonly (string | number)[];

interface Unbuilt {
  /** As results name it. */
  readonly field: string;
  readonly path: Steps;
}

/** Warnings of a ClusterPolicy or Policy. */
export function unbuiltWarnings(policy: Json, { locate }: ReadFrom): readonly Diagnostic[] {
  const spec = valueAt(policy, "spec");
  if (listOf(valueAt(spec, "webhookConfiguration"), "matchConditions").length > 0) {
    const path = ["spec", "webhookConfiguration", "matchConditions"];
    const text = "webhookConfiguration.matchConditions is not supported yet: every rule gives an error result";
    return [warningAt(unbuiltCode, locate?.(path) ?? null, text)];
  }
  return listOf(spec, "rules").flatMap((rule, at) =>
    unbuiltIn(rule, ["spec", "rules", at]).map(({ field, path }) => {
      const text = `rule ${stringAt(rule, "name")}: ${field} is not supported yet: the rule gives an error result`;
      return warningAt(unbuiltCode, locate?.(path) ?? null, text);
    }),
  );
}

function unbuiltIn(rule: Json, path: Steps): readonly Unbuilt[] {
  const validate = valueAt(rule, "validate");
  const found: Unbuilt[] = [];
  if (listOf(valueAt(validate, "manifests"), "attestors").length > 0) {
    found.push({ field: "validate.manifests", path: [...path, "validate", "manifests"] });
  }
  if (listOf(rule, "verifyImages").length > 0) found.push({ field: "verifyImages", path: [...path, "verifyImages"] });
  return [...found, ...registryEntries(rule, path)];
}

/** Context entries may stand in a rule, in what it loops over and in its targets. */
function registryEntries(tree: Json, path: Steps): readonly Unbuilt[] {
  if (Array.isArray(tree)) {
    return (tree as readonly Json[]).flatMap((item, at) => registryEntries(item, [...path, at]));
  }
  if (!isObject(tree)) return [];
  const own = listOf(tree, "context").flatMap((entry, at) =>
    isObject(valueAt(entry, "imageRegistry"))
      ? [{ field: "imageRegistry", path: [...path, "context", at, "imageRegistry"] }]
      : [],
  );
  const nested = ["validate", "mutate", "generate", "foreach", "targets"].flatMap((field) =>
    registryEntries(tree[field], [...path, field]),
  );
  return [...own, ...nested];
}
