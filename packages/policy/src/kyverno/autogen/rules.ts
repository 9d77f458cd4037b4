// Rules for Pods, made again for the controllers that make Pods: `autogen-<rule>` for those with `spec.template`, and
// `autogen-cronjob-<rule>` one level deeper. Patterns and patches are put below the template; in every text
// `request.object.spec` and its like get the longer path. Kyverno does this to the text of the whole rule; here it is done
// string by string, which is the same, because what is replaced never spans two strings.
// Kyverno: pkg/autogen/v1/{autogen,rule}.go.

import { byCodePoints, isObject, stringAt, valueAt } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import { listOf, strings } from "../match/filter.ts";
import { containsKind } from "../match/kinds.ts";
import { referencesIn } from "../referencetext.ts";

export type RuleTree = Readonly<Record<string, Json>>;

export interface GeneratedRule {
  readonly rule: RuleTree;
  readonly of: "template" | "cronjob";
}

/** The rules that the named controllers add to a policy, in Kyverno's order. */
export function generateRules(rules: readonly RuleTree[], controllers: ReadonlySet<string>): readonly GeneratedRule[] {
  const named = [...controllers].join(",");
  const withoutCronJob = [...controllers]
    .filter((name) => name !== "CronJob")
    .toSorted(byCodePoints)
    .join(",");
  const withCronJob = named.includes("CronJob") || named.includes("all");
  return rules.flatMap((rule): readonly GeneratedRule[] => {
    const template = forTemplates(rule, withoutCronJob);
    const cronJob = withCronJob ? forCronJobs(rule, named) : null;
    return [
      ...(template === null ? [] : [{ rule: relocated(template, "spec.template"), of: "template" } as const]),
      ...(cronJob === null
        ? []
        : [{ rule: relocated(cronJob, "spec.jobTemplate.spec.template"), of: "cronjob" } as const]),
    ];
  });
}

export function isGeneratedName(name: string): boolean {
  return name.startsWith("autogen-");
}

const groupVersions: Readonly<Record<string, string>> = {
  DaemonSet: "apps/v1/DaemonSet",
  Deployment: "apps/v1/Deployment",
  Job: "batch/v1/Job",
  StatefulSet: "apps/v1/StatefulSet",
  ReplicaSet: "apps/v1/ReplicaSet",
  ReplicationController: "v1/ReplicationController",
  CronJob: "batch/v1/CronJob",
  Pod: "v1/Pod",
};

const templated = new Set(["DaemonSet", "Deployment", "Job", "StatefulSet", "ReplicaSet", "ReplicationController"]);

function forTemplates(rule: RuleTree, controllers: string): RuleTree | null {
  const name = stringAt(rule, "name");
  if (isGeneratedName(name) || controllers === "") return null;
  const matched = kindsOf(valueAt(rule, "match"));
  const excluded = kindsOf(valueAt(rule, "exclude"));
  if (!containsKind(matched, "Pod") || (excluded.length > 0 && !containsKind(excluded, "Pod"))) return null;
  const known = controllers.split(",").filter((controller) => templated.has(controller));
  const kinds = controllers === "all" ? [...templated] : known.length > 0 ? known : controllers.split(",");
  const only = { kinds: kinds.toSorted(byCodePoints), containing: "Pod" };
  return generateRule(rule, { name: ruleName("autogen", name), key: "template", shift: "spec/template", only });
}

function forCronJobs(rule: RuleTree, controllers: string): RuleTree | null {
  const name = ruleName("autogen-cronjob", stringAt(rule, "name"));
  const template = forTemplates(rule, controllers);
  if (template === null) return null;
  const only = { kinds: ["CronJob"], containing: null };
  return generateRule(template, { name, key: "jobTemplate", shift: "spec/jobTemplate/spec/template", only });
}

/** Go cuts bytes; names are ASCII. */
function ruleName(prefix: string, name: string): string {
  return `${prefix}-${name}`.slice(0, 63);
}

function kindsOf(block: Json): readonly string[] {
  const filters = [...listOf(block, "all"), ...listOf(block, "any")];
  return [
    ...strings(valueAt(block, "resources"), "kinds"),
    ...filters.flatMap((filter) => strings(valueAt(filter, "resources"), "kinds")),
  ];
}

interface Generating {
  readonly name: string;
  /** What patterns are put below, beside `spec`. */
  readonly key: string;
  /** How references in messages are moved. */
  readonly shift: string;
  readonly only: KindChange;
}

interface KindChange {
  readonly kinds: readonly string[];
  /** Only filters with this kind change; null: all do. */
  readonly containing: string | null;
}

function generateRule(rule: RuleTree, generating: Generating): RuleTree | null {
  const { key, shift, only } = generating;
  const moved: RuleTree = {
    ...rule,
    name: generating.name,
    match: withKinds(valueAt(rule, "match"), only, true),
    ...(isObject(rule["exclude"]) ? { exclude: withKinds(rule["exclude"], only, false) } : {}),
  };
  const mutate = valueAt(rule, "mutate");
  if (isObject(mutate)) {
    const patched = generateMutate(mutate, key);
    if (patched !== null) return { ...moved, mutate: patched };
  }
  const validate = valueAt(rule, "validate");
  if (isObject(validate)) {
    const checked = generateValidate(validate, key, shift);
    if (checked !== null) return { ...moved, validate: checked };
  }
  return Array.isArray(rule["verifyImages"]) ? moved : null;
}

/** The block with the kinds of controllers in place of its own. The flat form always gets them in `match`. */
function withKinds(block: Json, change: KindChange, always: boolean): Json {
  if (!isObject(block)) return block;
  const kinds = change.kinds.map((kind) => (Object.hasOwn(groupVersions, kind) ? groupVersions[kind] : kind));
  const changed = (filter: Json): Json => {
    const resources = valueAt(filter, "resources");
    const applies = change.containing === null || containsKind(strings(resources, "kinds"), change.containing);
    if (!applies || !isObject(filter)) return filter;
    return { ...filter, resources: { ...(isObject(resources) ? resources : {}), kinds } };
  };
  if (listOf(block, "any").length > 0) return { ...block, any: listOf(block, "any").map(changed) };
  if (listOf(block, "all").length > 0) return { ...block, all: listOf(block, "all").map(changed) };
  const resources = block["resources"];
  if (!always && strings(resources, "kinds").length === 0) return block;
  return { ...block, resources: { ...(isObject(resources) ? resources : {}), kinds } };
}

function below(key: string, tree: Json): Json {
  return { spec: { [key]: tree } };
}

function generateMutate(mutate: RuleTree, key: string): Json {
  const patch = mutate["patchStrategicMerge"];
  if (patch !== undefined && patch !== null) return { patchStrategicMerge: below(key, patch) };
  const foreach = listOf(mutate, "foreach");
  if (foreach.length === 0) return null;
  return { foreach: foreach.map((each) => generateLoop(each, key)) };
}

function generateLoop(each: Json, key: string): Json {
  const patchStrategicMerge = below(key, valueAt(each, "patchStrategicMerge") ?? null);
  return { ...kept(each, ["list", "context", "preconditions"]), patchStrategicMerge };
}

const common = ["failureAction", "failureActionOverrides", "allowExistingViolations"];

function generateValidate(validate: RuleTree, key: string, shift: string): Json {
  const message = (pivot: string): RuleTree => {
    const text = stringAt(validate, "message");
    return text === "" ? {} : { message: shiftReferences(text, shift, pivot) };
  };
  const base = kept(validate, common);
  const { pattern, deny, podSecurity, anyPattern, foreach, cel } = validate;
  if (pattern !== undefined && pattern !== null)
    return { ...base, ...message("pattern"), pattern: below(key, pattern) };
  if (isObject(deny)) return { ...base, ...message("deny"), deny };
  if (isObject(podSecurity)) {
    return { ...base, ...message("podSecurity"), podSecurity: kept(podSecurity, ["level", "version", "exclude"]) };
  }
  if (anyPattern !== undefined && anyPattern !== null) {
    const patterns = listOf(validate, "anyPattern").map((one) => below(key, one));
    return { ...base, ...message("anyPattern"), anyPattern: patterns.length === 0 ? null : patterns };
  }
  if (Array.isArray(foreach) && foreach.length > 0) return { ...base, ...message("pattern"), foreach };
  return isObject(cel) ? validate : null;
}

function kept(tree: Json, fields: readonly string[]): RuleTree {
  const entries = fields.map((field) => [field, valueAt(tree, field)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined && value !== null));
}

// ── texts

/** References in a message that lead into the pattern lead one level deeper. Kyverno: FindAndShiftReferences. */
function shiftReferences(text: string, shift: string, pivotName: string): string {
  let value = text;
  let pivot = pivotName;
  for (const found of referencesIn(text)) {
    const at = found.indexOf(pivot);
    if (pivot === "anyPattern" && at !== -1) {
      const index = found.slice(at + pivot.length + 1).split("/")[0] ?? "";
      pivot = `${pivot}/${index}`;
    }
    value = value.replace(found, () => found.replaceAll(pivot, `${pivot}/${shift}`));
  }
  return value;
}

/** The rule with `request.object.spec` and its like leading to the Pod's template. */
function relocated(rule: RuleTree, path: string): RuleTree {
  const isCel = isObject(valueAt(rule, "validate", "cel"));
  const prefix = isCel ? "" : "request.";
  const replacements = ["spec", "metadata"].flatMap((field) =>
    ["object", "oldObject"].map(
      (object) => [`${prefix}${object}.${field}`, `${prefix}${object}.${path}.${field}`] as const,
    ),
  );
  return mapStrings(rule, (text) => {
    if (!text.includes("bject.")) return text;
    return replacements.reduce((value, [from, to]) => value.replaceAll(from, to), text);
  }) as RuleTree;
}

/** The tree with its texts and keys changed; what has none that changes stays as it is. */
function mapStrings(tree: Json, change: (text: string) => string): Json {
  if (typeof tree === "string") return change(tree);
  if (Array.isArray(tree)) {
    const items = tree.map((item: Json) => mapStrings(item, change));
    return items.some((item, at) => item !== tree[at]) ? items : tree;
  }
  if (!isObject(tree)) return tree;
  let changed = false;
  const entries = Object.keys(tree).map((key): readonly [string, Json] => {
    const entry = [change(key), mapStrings(tree[key], change)] as const;
    changed ||= entry[0] !== key || entry[1] !== tree[key];
    return entry;
  });
  return changed ? Object.fromEntries(entries) : tree;
}
