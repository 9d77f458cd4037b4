// A rule with the defaults that the schema of policies fills in: an API server does it before a policy is stored, and
// Kyverno's command line when it loads one. They change no answer, and are seen where a refusal prints a rule.
// Kyverno: config/crds/kyverno/kyverno.io_clusterpolicies.yaml.

import { type JsonRecord, isObject } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import type { RuleTree } from "../autogen/rules.ts";

/** `version` is the policy's: v2beta1 has fewer fields. */
export function ruleWithDefaults(rule: RuleTree, version: string): RuleTree {
  const validate = version === "v2beta1" ? {} : { allowExistingViolations: true };
  return {
    ...entriesIn(rule),
    ...within(rule, "validate", (tree) => ({ ...validate, ...loopsIn(tree), ...within(tree, "cel", generated) })),
    ...within(rule, "mutate", (tree) => ({ ...loopsIn(tree), ...eachOf(tree, "targets", entriesIn) })),
    ...within(rule, "generate", loopsIn),
    ...eachOf(rule, "verifyImages", (image) => ({ ...imageDefaults, ...image })),
    skipBackgroundRequests: rule["skipBackgroundRequests"] ?? true,
  };
}

const imageDefaults = { mutateDigest: true, required: true, useCache: true, verifyDigest: true };

const generated = (cel: JsonRecord): JsonRecord => ({ generate: false, ...cel });

function loopsIn(tree: JsonRecord): JsonRecord {
  return { ...tree, ...eachOf(tree, "foreach", entriesIn) };
}

/** Context entries, whose calls are GET where nothing else is said. */
function entriesIn(tree: JsonRecord): JsonRecord {
  const call = (entry: JsonRecord): JsonRecord => ({
    ...entry,
    ...within(entry, "apiCall", (one) => ({ method: "GET", ...one })),
  });
  return { ...tree, ...eachOf(tree, "context", call) };
}

function within(tree: JsonRecord, field: string, change: (value: JsonRecord) => JsonRecord): JsonRecord {
  const value = tree[field];
  return isObject(value) ? { [field]: change(value) } : {};
}

function eachOf(tree: JsonRecord, field: string, change: (value: JsonRecord) => JsonRecord): JsonRecord {
  const list = tree[field];
  if (!Array.isArray(list)) return {};
  return { [field]: (list as readonly Json[]).map((one) => (isObject(one) ? change(one) : one)) };
}
