// The fields of a policy's spec and rules, as Kyverno's types check them: everything that is wrong is said at once.
// Kyverno: api/kyverno/v1 Validate of ClusterPolicy, Spec, Rule, MatchResources, ResourceDescription, UserInfo.

import {
  type FieldError,
  annotationsOf,
  compileLabelSelector,
  forbidden,
  goJson,
  invalid,
  isObject,
  nameOf,
  readLabelSelector,
  required,
  stringAt,
  valueAt,
} from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import type { RuleTree } from "../autogen/rules.ts";
import { listOf, strings } from "../match/filter.ts";
import { containsWildcard, matchesWildcard } from "../pattern/wildcard.ts";
import { isClusterKind } from "./clusterkinds.ts";
import { generateErrors } from "./generatefields.ts";
import { printedBlock, printedResources, printedRule, printedSelector } from "./printed.ts";
import { podSecurityErrors } from "../validate/podsecurity/controls.ts";

export interface FieldOptions {
  /** Whether the policy belongs to a namespace. */
  readonly namespaced: boolean;
  readonly namespace: string;
  /** Whether kinds are known, as in a cluster. */
  readonly knowsKinds: boolean;
}

/** `rules` are the policy's own. */
export function fieldErrors(policy: Json, rules: readonly RuleTree[], options: FieldOptions): readonly FieldError[] {
  const spec = valueAt(policy, "spec");
  return [
    ...annotationErrors(policy),
    ...nameErrors(policy),
    ...specErrors(spec, rules, options),
    ...duplicateNames(rules),
    ...rules.flatMap((rule, at) => ruleErrors(rule, `spec.rules[${at}]`, options)),
    ...overrideErrors(spec, options),
  ];
}

function annotationErrors(policy: Json): readonly FieldError[] {
  if (annotationsOf(policy)["pod-policies.kyverno.io/autogen-controllers"] !== "all") return [];
  const text = "Autogen annotation does not support 'all' anymore, remove the annotation or set it to a valid value";
  return [forbidden("metadata.annotations", text)];
}

function nameErrors(policy: Json): readonly FieldError[] {
  const name = nameOf(policy);
  return name.length <= 63
    ? []
    : [{ type: "Too long", field: "name", value: name, detail: "may not be more than 63 bytes" }];
}

function specErrors(spec: Json, rules: readonly RuleTree[], _options: FieldOptions): readonly FieldError[] {
  const errors: FieldError[] = [];
  const webhook = valueAt(spec, "webhookConfiguration");
  const moved = (field: string, to: string): FieldError =>
    forbidden(`spec.${field}`, `remove the deprecated field and use spec.${to} instead`);
  const isSet = (tree: Json, field: string): boolean => (valueAt(tree, field) ?? null) !== null;
  if (isSet(spec, "webhookTimeoutSeconds") && isSet(webhook, "timeoutSeconds")) {
    errors.push(moved("webhookTimeoutSeconds", "webhookConfiguration.timeoutSeconds"));
  }
  if (isSet(spec, "failurePolicy") && isSet(webhook, "failurePolicy")) {
    errors.push(moved("failurePolicy", "webhookConfiguration.failurePolicy"));
  }
  if (isSet(spec, "generateExistingOnPolicyUpdate")) {
    errors.push(moved("generateExistingOnPolicyUpdate", "generate[*].generateExisting"));
  }
  for (const [at, rule] of rules.entries()) {
    const mutate = rule["mutate"];
    const asked =
      valueAt(spec, "mutateExistingOnPolicyUpdate") === true ||
      valueAt(mutate, "mutateExistingOnPolicyUpdate") === true;
    if (!isObject(mutate) || !asked || listOf(mutate, "targets").length > 0) continue;
    const text = `rules[${at}].mutate.targets has to be specified when mutateExistingOnPolicyUpdate is set`;
    errors.push(forbidden("spec.mutateExistingOnPolicyUpdate", text));
  }
  for (const [field, value] of [
    ["spec.webhookTimeoutSeconds", valueAt(spec, "webhookTimeoutSeconds")],
    ["spec.webhookConfiguration.timeoutSeconds", valueAt(webhook, "timeoutSeconds")],
  ] as const) {
    if (typeof value === "number" && (value < 1 || value > 30)) {
      errors.push(invalid(field, value, "the timeout value must be between 1 and 30 seconds"));
    }
  }
  return errors;
}

function overrideErrors(spec: Json, { namespaced }: FieldOptions): readonly FieldError[] {
  if (!namespaced || listOf(spec, "validationFailureActionOverrides").length === 0) return [];
  const text = "Use of validationFailureActionOverrides is supported only with ClusterPolicy";
  return [forbidden("spec.validationFailureActionOverrides", text)];
}

function duplicateNames(rules: readonly RuleTree[]): readonly FieldError[] {
  const names = new Set<string>();
  return rules.flatMap((rule, at) => {
    const name = stringAt(rule, "name");
    const known = names.has(name);
    names.add(name);
    return known ? [invalid(`spec.rules[${at}].name`, printedRule(rule), `Duplicate rule name: '${name}'`)] : [];
  });
}

// ── rules

function ruleErrors(rule: RuleTree, field: string, options: FieldOptions): readonly FieldError[] {
  return [
    ...typeErrors(rule, field),
    ...emptySetErrors(rule, field),
    ...blockErrors(rule["match"], `${field}.match`, options),
    ...blockErrors(rule["exclude"], `${field}.exclude`, options),
    ...targetErrors(rule, field, options),
    ...podSecurityErrors(valueAt(rule, "validate", "podSecurity"), `${field}.podSecurity`),
    ...generateErrors(rule["generate"], field, options),
  ];
}

function isFilled(tree: Json): boolean {
  return isObject(tree) && Object.keys(tree).length > 0;
}

function typeErrors(rule: RuleTree, field: string): readonly FieldError[] {
  const name = stringAt(rule, "name");
  const images = listOf(rule, "verifyImages").some(isFilled);
  const count = ["mutate", "validate", "generate"].filter((what) => isFilled(rule[what])).length + (images ? 1 : 0);
  const errors: FieldError[] = [];
  if (count === 0) {
    const text = `No operation defined in the rule '${name}'.(supported operations: mutate,validate,generate,verifyImages)`;
    errors.push(invalid(field, printedRule(rule), text));
  } else if (count > 1) {
    const text = `Multiple operations defined in the rule '${name}', only one operation (mutate,validate,generate,verifyImages) is allowed per rule`;
    errors.push(invalid(field, printedRule(rule), text));
  }
  if (isObject(rule["imageExtractors"]) && !images) {
    const text = `Invalid rule spec for rule '${name}', imageExtractors can only be defined for verifyImages rule`;
    errors.push(invalid(`${field}.imageExtractors`, printedRule(rule), text));
  }
  return errors;
}

function targetErrors(rule: RuleTree, field: string, { namespaced, namespace }: FieldOptions): readonly FieldError[] {
  if (!namespaced) return [];
  return listOf(rule["mutate"], "targets").flatMap((target, at) => {
    const other = stringAt(target, "namespace");
    if (other === "" || other === namespace) return [];
    const text = "This field can be ignored or should have value of the namespace where the policy is being created";
    return [invalid(`${field}.targets[${at}].namespace`, other, text)];
  });
}

// ── match and exclude

export function blockErrors(block: Json, field: string, options: FieldOptions): readonly FieldError[] {
  if (!isObject(block)) return [];
  const any = listOf(block, "any");
  const all = listOf(block, "all");
  const both =
    any.length > 0 && all.length > 0 ? [invalid(field, printedBlock(block), "Can't specify any and all together")] : [];
  const each = (filters: readonly Json[], group: string): readonly FieldError[] =>
    filters.flatMap((filter, at) => filterErrors(filter, `${field}.${group}[${at}]`, options));
  return [...both, ...each(any, "any"), ...each(all, "all"), ...filterErrors(block, field, options)];
}

/** For those whom nobody asks: a filter must not look at users. */
export function userErrors(block: Json, field: string): readonly FieldError[] {
  return ["any", "all"].flatMap((how) =>
    listOf(block, how).flatMap((filter, at) =>
      ["roles", "clusterRoles", "subjects"]
        .filter((users) => listOf(filter, users).length > 0)
        .map((users) => forbidden(`${field}.${how}[${at}].${users}`, "Usage of user info is forbidden")),
    ),
  );
}

function filterErrors(filter: Json, field: string, options: FieldOptions): readonly FieldError[] {
  return [
    ...listOf(filter, "subjects").flatMap((subject, at) => subjectErrors(subject, `${field}.subjects[${at}]`)),
    ...strings(filter, "roles").flatMap((role, at) => {
      if (role.split(":").length === 2) return [];
      return [invalid(`${field}.roles[${at}]`, role, "Role is expected to be in namespace:name format")];
    }),
    ...resourceErrors(valueAt(filter, "resources"), field, options),
  ];
}

function subjectErrors(subject: Json, field: string): readonly FieldError[] {
  const kind = stringAt(subject, "kind");
  const errors: FieldError[] = [];
  if (kind === "") errors.push(required(`${field}.kind`, ""));
  else if (!["User", "Group", "ServiceAccount"].includes(kind)) {
    errors.push(invalid(`${field}.kind`, kind, "kind must be 'User', 'Group', or 'ServiceAccount'"));
  }
  if (stringAt(subject, "name") === "") errors.push(required(`${field}.name`, ""));
  if (kind === "ServiceAccount" && stringAt(subject, "namespace") === "") {
    errors.push(required(`${field}.namespace`, "namespace is required when Kind is ServiceAccount"));
  }
  return errors;
}

function resourceErrors(resources: Json, field: string, options: FieldOptions): readonly FieldError[] {
  if (!isObject(resources)) return [];
  const errors: FieldError[] = [];
  if (stringAt(resources, "name") !== "" && strings(resources, "names").length > 0) {
    errors.push(invalid(field, printedResources(resources), "Both name and names can not be specified together"));
  }
  errors.push(...selectorErrors(resources["selector"], `${field}.selector`));
  if (!options.namespaced) return errors;
  if (strings(resources, "namespaces").length > 0) {
    errors.push(forbidden(`${field}.namespaces`, "Filtering namespaces not allowed in namespaced policies"));
  }
  for (const [at, kind] of strings(resources, "kinds").entries()) {
    if (!options.knowsKinds || !isClusterKind(kind)) continue;
    errors.push(forbidden(`${field}.kinds[${at}]`, `Cluster wide resource '${kind}' not allowed in namespaced policy`));
  }
  return errors;
}

function selectorErrors(tree: Json, field: string): readonly FieldError[] {
  if (!isObject(tree)) return [];
  const selector = readLabelSelector(tree);
  if ("error" in selector) return [invalid(field, printedSelector(tree), selector.error)];
  if (selector.matchLabels.some((label) => label.some((part) => containsWildcard(part)))) return [];
  const compiled = compileLabelSelector(selector);
  if ("error" in compiled) return [invalid(field, printedSelector(tree), compiled.error)];
  if (selector.matchLabels.length + selector.matchExpressions.length > 0) return [];
  return [invalid(field, printedSelector(tree), "The requirements are not specified in selector")];
}

// ── a match that its exclude takes away

function emptySetErrors(rule: RuleTree, field: string): readonly FieldError[] {
  return matchesNothing(rule["match"], rule["exclude"])
    ? [invalid(field, printedRule(rule), "Rule is matching an empty set")]
    : [];
}

function matchesNothing(match: Json, exclude: Json): boolean {
  if (!isObject(exclude) || listOf(exclude, "all").length > 0 || listOf(match, "all").length > 0) return false;
  const any = listOf(match, "any");
  if (any.length > 0 && listOf(exclude, "any").length > 0) {
    const excluded = new Set(listOf(exclude, "any").map((filter) => goJson(filter)));
    return any.some((filter) => excluded.has(goJson(filter)));
  }
  if (Object.keys(exclude).length === 0) return false;
  return coversFlat(match, exclude);
}

/** The flat forms: whether everything that is matched is excluded. Kyverno: ValidateMatchExcludeConflict. */
function coversFlat(match: Json, exclude: Json): boolean {
  const matched = valueAt(match, "resources");
  const excluded = valueAt(exclude, "resources");
  const covers = (from: Json, of: Json, name: string): boolean => {
    const taken = new Set(listOf(of, name).map((item) => goJson(item)));
    const wanted = listOf(from, name).map((item) => goJson(item));
    return taken.size === 0 || (wanted.length > 0 && wanted.every((item) => taken.has(item)));
  };
  if (!["roles", "clusterRoles", "subjects"].every((name) => covers(match, exclude, name))) return false;
  const name = stringAt(excluded, "name");
  if (name !== "" && !matchesWildcard(name, stringAt(matched, "name"))) return false;
  const names = strings(excluded, "names");
  if (names.length > 0) {
    return strings(matched, "names").some((one) => names.some((pattern) => matchesWildcard(pattern, one)));
  }
  if (!["namespaces", "kinds"].every((list) => covers(matched, excluded, list))) return false;
  if (
    !["selector", "namespaceSelector"].every((list) => coversSelector(valueAt(matched, list), valueAt(excluded, list)))
  ) {
    return false;
  }
  return goJson(valueAt(matched, "annotations") ?? null) === goJson(valueAt(excluded, "annotations") ?? null);
}

function coversSelector(matched: Json, excluded: Json): boolean {
  const isThere = isObject(matched);
  if (isThere !== isObject(excluded)) return false;
  if (!isThere || !isObject(excluded)) return true;
  const taken = new Set(listOf(excluded, "matchExpressions").map((item) => goJson(item)));
  const wanted = listOf(matched, "matchExpressions").map((item) => goJson(item));
  if (taken.size > 0 && !(wanted.length > 0 && wanted.every((item) => taken.has(item)))) return false;
  const labels = excluded["matchLabels"];
  if (!isFilled(labels)) return true;
  const own = matched["matchLabels"];
  return isObject(own) && isFilled(own) && Object.entries(own).every(([key, value]) => stringAt(labels, key) === value);
}
