// What hinders a policy from being used, with the place of each mistake.

import { isObject, valueAt } from "@portcullis/kube";
import { type Diagnostic, errorAt } from "@portcullis/lang";
import type { ReadFrom } from "../../engine/frontend.ts";
import type { Json } from "../../engine/request.ts";

/** Errors as Kyverno's admission reports them. */
export function checkPolicy(object: Json, from: ReadFrom): readonly Diagnostic[] {
  const rules = valueAt(object, "spec", "rules");
  if (Array.isArray(rules) && rules.every((rule: Json) => isObject(rule))) return [];
  return [errorAt("policy", from.locate?.(["spec"]) ?? null, "spec.rules must be a list of rules")];
}
