// What Kyverno's metrics call a policy and its rules. Kyverno: pkg/metrics/parsers.go, pkg/metrics/policy_rule.go.

import { gvkOf, isObject, nameOf, namespaceOf, stringAt, valueAt } from "@portcullis/kube";
import type { Json } from "../engine/request.ts";
import type { RuleTree } from "./autogen/rules.ts";
import { listOf } from "./match/filter.ts";
import { compileFailureAction, compilePolicyAction, mayEnforce } from "./policy/action.ts";
import { ruleTrees } from "./policy/policy.ts";
import type { RuleType } from "./result.ts";

export interface PolicyInfo {
  readonly kind: string;
  /** `-` for a ClusterPolicy. */
  readonly namespace: string;
  readonly name: string;
  readonly mode: "enforce" | "audit";
  readonly type: "cluster" | "namespaced";
  readonly background: boolean;
  /** With those of autogen. */
  readonly rules: readonly { readonly name: string; readonly type: string }[];
}

/** Null for what is no ClusterPolicy or Policy. */
export function policyInfo(object: Json): PolicyInfo | null {
  const { group, kind } = gvkOf(object);
  if (group !== "kyverno.io" || (kind !== "ClusterPolicy" && kind !== "Policy")) return null;
  const spec = valueAt(object, "spec");
  const { own, all } = ruleTrees(object);
  const enforces =
    mayEnforce(compilePolicyAction(spec)) ||
    own.some((rule) => mayEnforce(compileFailureAction(valueAt(rule, "validate"))));
  return {
    kind,
    namespace: kind === "Policy" ? namespaceOf(object) || "default" : "-",
    name: nameOf(object),
    mode: enforces ? "enforce" : "audit",
    type: kind === "Policy" ? "namespaced" : "cluster",
    background: valueAt(spec, "background") !== false,
    rules: all.map((rule) => ({ name: stringAt(rule, "name"), type: ruleType(rule) })),
  };
}

/** What a policy's status says of its rules. */
export interface RulesStatus {
  readonly autogen: readonly Json[];
  readonly count: {
    readonly validate: number;
    readonly generate: number;
    readonly mutate: number;
    readonly verifyimages: number;
  };
}

/** Kyverno: pkg/controllers/webhook/utils.go setRuleCount, controller.go updatePolicyStatuses. */
export function rulesStatus(object: Json): RulesStatus {
  const { all } = ruleTrees(object);
  const isGenerated = (rule: Json): boolean => stringAt(rule, "name").startsWith("autogen-");
  const own = all.filter((rule) => !isGenerated(rule));
  const having = (type: string): number => own.filter((rule) => ruleType(rule) === type).length;
  return {
    autogen: all.filter(isGenerated).map(asPrinted),
    count: {
      validate: having("validate"),
      generate: having("generate"),
      mutate: having("mutate"),
      verifyimages: having("imageVerify"),
    },
  };
}

/** As Go prints a rule: of what a rule matches, the resources of its own are there even where it has none. */
function asPrinted(rule: RuleTree): Json {
  const blocks = ["match", "exclude"].flatMap((field) => {
    const block = rule[field];
    return isObject(block) ? [[field, { resources: {}, ...block }] as const] : [];
  });
  return { ...rule, ...Object.fromEntries(blocks) };
}

function ruleType(rule: Json): string {
  for (const type of ["validate", "mutate", "generate"]) {
    const body = valueAt(rule, type);
    if (isObject(body) && Object.keys(body).length > 0) return type;
  }
  return listOf(rule, "verifyImages").length > 0 ? "imageVerify" : "-";
}

/** The type of a rule's result in metrics. */
export function metricType(type: RuleType | ""): string {
  return metricTypes.get(type) ?? "-";
}

const metricTypes: ReadonlyMap<string, string> = new Map([
  ["Validation", "validate"],
  ["Mutation", "mutate"],
  ["Generation", "generate"],
  ["ImageVerify", "imageVerify"],
]);
