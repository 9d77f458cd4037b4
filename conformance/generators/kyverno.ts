// Objects that a Kyverno policy has something to say about, made from a seed. The policy itself says what to make: the
// kinds, names, namespaces, labels and annotations that its rules match; the fields that its patterns and patches name,
// with values that fit, that nearly fit and that are of another type; the fields that its JMESPath expressions read, with
// constants that stand in the policy. A Kubernetes object of that kind is the base, so that what the policy does not
// mention looks like something too. For a rule on Pods, some of the objects are controllers with such a Pod as template.

import { isObject, valueAt } from "@portcullis/kube";
import { celFields } from "./celfields.ts";
import { generatePodSpec, generateOfKind } from "./objects.ts";
import { type Random, chance, pick, words } from "./schema.ts";

type Tree = Record<string, unknown>;
type Path = readonly string[];

/** What a policy speaks of. */
export interface PolicyHints {
  readonly kinds: readonly string[];
  /** Trees of the shape of the object: patterns and patches without their anchors. */
  readonly shapes: readonly unknown[];
  /** Fields that expressions read; `[]` stands for each item of a list. */
  readonly fields: readonly Path[];
  /** Constants of the policy. */
  readonly constants: readonly unknown[];
  readonly names: readonly string[];
  readonly namespaces: readonly string[];
  readonly labels: readonly (readonly [string, string])[];
  /** Keys with wildcards in patterns: where several keys of an object fit one, Kyverno takes any. */
  readonly wildKeys: readonly string[];
}

const controllers: Readonly<Record<string, string>> = {
  Deployment: "apps/v1",
  StatefulSet: "apps/v1",
  DaemonSet: "apps/v1",
  ReplicaSet: "apps/v1",
  ReplicationController: "v1",
  Job: "batch/v1",
};

/** What a ClusterPolicy speaks of, rule by rule, taken together. */
export function hintsOf(policy: unknown): PolicyHints {
  const rules = listAt(policy, "spec", "rules");
  const filters = rules.flatMap(filtersOf);
  const texts = rules.flatMap((rule) => stringsIn(rule));
  const lists = rules.flatMap((rule) => listAt(rule, "validate", "foreach").concat(listAt(rule, "mutate", "foreach")));
  return {
    wildKeys: unique(rules.flatMap((rule) => keysIn(shapesOf(rule)).filter((key) => key.includes("*")))),
    kinds: unique(filters.flatMap((filter) => listAt(filter, "kinds").map(String))),
    shapes: rules.flatMap(shapesOf),
    fields: uniquePaths([
      ...texts.flatMap(fieldsIn),
      ...lists.flatMap((each) => elementFields(each)),
      ...rules.flatMap(celFields),
    ]),
    // A value that holds its own variable never ends in Kyverno.
    constants: unique([...texts.flatMap(constantsIn), ...rules.flatMap((rule) => conditionValues(rule))]).filter(
      (value) => !hasVariable(value),
    ),
    names: unique(filters.flatMap((filter) => [...listAt(filter, "names"), valueAt(filter, "name")]).filter(isText)),
    namespaces: unique(filters.flatMap((filter) => listAt(filter, "namespaces")).filter(isText)),
    labels: filters.flatMap((filter) => [
      ...pairsAt(filter, "selector", "matchLabels"),
      ...pairsAt(filter, "annotations"),
      ...listAt(filter, "selector", "matchExpressions").map(
        (one) => [textAt(one, "key"), textOr(listAt(one, "values")[0], "x")] as const,
      ),
    ]),
  };
}

/** One object; `index` makes its name unique. */
export function generateForPolicy(random: Random, hints: PolicyHints, index: number): Tree {
  const selector = hints.kinds.length === 0 || chance(random, 0.02) ? "ConfigMap" : pick(random, hints.kinds);
  const object = generateOfKind(random, { ...kindOf(selector), index });
  const { kind } = object;
  const filled = dress(random, object, hints);
  nameIt(random, filled, hints, index);
  if (kind !== "Pod" || chance(random, 0.6)) return filled;
  return asController(random, filled);
}

// ── reading the policy

function filtersOf(rule: unknown): readonly unknown[] {
  return ["match", "exclude"].flatMap((block) => [
    valueAt(rule, block, "resources"),
    ...["any", "all"].flatMap((group) => listAt(rule, block, group).map((filter) => valueAt(filter, "resources"))),
  ]);
}

function shapesOf(rule: unknown): readonly unknown[] {
  const checks = [valueAt(rule, "validate"), valueAt(rule, "mutate")];
  return checks
    .flatMap((check) =>
      [valueAt(check, "pattern"), valueAt(check, "patchStrategicMerge")].concat(listAt(check, "anyPattern")),
    )
    .filter(isObject)
    .map(withoutAnchors);
}

function withoutAnchors(tree: unknown): unknown {
  if (Array.isArray(tree)) return tree.map(withoutAnchors);
  if (!isObject(tree)) return tree;
  return Object.fromEntries(
    Object.entries(tree)
      .filter(([key]) => !key.includes("{{"))
      .map(([key, value]) => [key.replace(/^[+<=X^]?\((.+)\)$/, "$1"), withoutAnchors(value)]),
  );
}

const objectField = /(?:request\.(?:object|oldObject)|target)((?:\.[\w-]+|\."[^"]+"|\[[^\]]*\])+)/g;

function fieldsIn(text: string): readonly Path[] {
  return [...text.matchAll(objectField)].map(([, path = ""]) => stepsOf(path));
}

function stepsOf(path: string): Path {
  return [...path.matchAll(/\.([\w-]+)|\."([^"]+)"|(\[)/g)].map(([, plain, quoted, list]) =>
    list === undefined ? (plain ?? quoted ?? "") : "[]",
  );
}

/** The fields of the elements of a `foreach`. */
function elementFields(each: unknown): readonly Path[] {
  const [list] = fieldsIn(textAt(each, "list"));
  if (list === undefined) return [];
  const base = list.at(-1) === "[]" ? list : [...list, "[]"];
  return [
    base,
    ...stringsIn(each).flatMap((text) =>
      [...text.matchAll(/element\d*((?:\.[\w-]+|\."[^"]+"|\[[^\]]*\])+)/g)].map(([, path = ""]) =>
        base.concat(stepsOf(path)),
      ),
    ),
  ];
}

function constantsIn(text: string): readonly unknown[] {
  const quoted = [...text.matchAll(/'([^']*)'|"([^"]*)"/g)].map(([, single, double]) => single ?? double ?? "");
  const literals = [...text.matchAll(/`([^`]*)`/g)].map(([, inner = ""]) => {
    try {
      return JSON.parse(inner) as unknown;
    } catch {
      return inner;
    }
  });
  return [...quoted, ...literals.flatMap((literal) => (Array.isArray(literal) ? (literal as unknown[]) : [literal]))];
}

function conditionValues(tree: unknown): readonly unknown[] {
  if (Array.isArray(tree)) return tree.flatMap(conditionValues);
  if (!isObject(tree)) return [];
  const own =
    "operator" in tree ? [tree["value"]].flat().filter((value) => !isObject(value) && !hasVariable(value)) : [];
  return [...own, ...Object.values(tree).flatMap(conditionValues)];
}

function hasVariable(value: unknown): boolean {
  return typeof value === "string" && value.includes("{{");
}

function keysIn(tree: unknown): readonly string[] {
  if (Array.isArray(tree)) return tree.flatMap(keysIn);
  return isObject(tree) ? Object.entries(tree).flatMap(([key, value]) => [key].concat(keysIn(value))) : [];
}

function stringsIn(tree: unknown): readonly string[] {
  if (typeof tree === "string") return [tree];
  if (Array.isArray(tree)) return tree.flatMap(stringsIn);
  return isObject(tree) ? Object.entries(tree).flatMap(([key, value]) => [key].concat(stringsIn(value))) : [];
}

// ── making an object

/** Without a version in the policy, it is the kind's own. */
function kindOf(selector: string): { readonly apiVersion: string | null; readonly kind: string } {
  const parts = selector.split("/").map((part) => (part === "*" ? "" : part.replaceAll(/[*?]/g, "x")));
  const kind = (parts.at(-1) ?? "").split(".")[0] || "Pod";
  const version = parts.at(-2) || "v1";
  const group = parts.at(-3) ?? "";
  if (parts.length === 1) return { apiVersion: null, kind };
  return { apiVersion: group === "" ? version : `${group}/${version}`, kind };
}

function dress(random: Random, object: Tree, hints: PolicyHints): Tree {
  let dressed: unknown = object;
  if (hints.shapes.length > 0 && chance(random, 0.8)) {
    dressed = lay(random, pick(random, hints.shapes), dressed);
  }
  for (const path of hints.fields) {
    if (chance(random, 0.6)) dressed = put(random, dressed, path, hints);
  }
  return isObject(dressed) ? { ...dressed, apiVersion: object["apiVersion"], kind: object["kind"] } : object;
}

/** The shape over the object: each part of it is put there, left away or bent. */
function lay(random: Random, shape: unknown, over: unknown): unknown {
  if (chance(random, 0.08)) return over;
  if (chance(random, 0.03)) return pick<unknown>(random, [null, "", 0, false, [], {}]);
  if (Array.isArray(shape)) {
    const below = Array.isArray(over) && over.length > 0 ? (over as unknown[]) : [undefined];
    return below.map((item) => (shape.length === 0 ? item : lay(random, pick(random, shape as unknown[]), item)));
  }
  if (isObject(shape)) {
    const result: Tree = isObject(over) ? { ...over } : {};
    for (const [key, value] of Object.entries(shape)) {
      if (chance(random, 0.1)) continue;
      const name = /[*?]/.test(key) ? key.replaceAll("*", "x").replaceAll("?", "y") : key;
      const laid = lay(random, value, result[name]);
      if (laid !== undefined) result[name] = laid;
    }
    return result;
  }
  return fitting(random, shape, over);
}

/** A value for the scalar of a pattern. */
function fitting(random: Random, pattern: unknown, over: unknown): unknown {
  if (chance(random, 0.1)) return over;
  if (chance(random, 0.1)) return pick<unknown>(random, [...words, 0, 1, 8080, true, false, null, 1.5, "8080"]);
  if (typeof pattern === "boolean") return chance(random, 0.6) ? pattern : !pattern;
  if (typeof pattern === "number") return chance(random, 0.6) ? pattern : pattern + pick(random, [-1, 1, 0.5]);
  if (typeof pattern !== "string") return pattern;
  const part = pick(random, pattern.split(/[|&]/)).trim();
  const plain = part.replace(/^(>=|<=|!|>|<)\s*/, "");
  const value = plain.replaceAll("*", () => pick(random, ["", "x", "a-b"])).replaceAll("?", "y");
  const asNumber = Number(value);
  return value !== "" && !Number.isNaN(asNumber) && chance(random, 0.5) ? asNumber : value;
}

/** A value at a path, in every item where the path goes through a list. */
function put(random: Random, tree: unknown, [step, ...rest]: Path, hints: PolicyHints): unknown {
  if (step === undefined) return isObject(tree) || Array.isArray(tree) ? tree : leaf(random, tree, hints);
  if (step === "[]") {
    const items: unknown[] = Array.isArray(tree) ? tree : isObject(tree) ? [tree] : [undefined];
    return items.map((item) => (chance(random, 0.8) ? put(random, item, rest, hints) : (item ?? {})));
  }
  if (Array.isArray(tree)) return tree.map((item) => put(random, item, [step, ...rest], hints));
  const below: Tree = isObject(tree) ? tree : {};
  return { ...below, [step]: put(random, below[step], rest, hints) };
}

function leaf(random: Random, over: unknown, { constants }: PolicyHints): unknown {
  if (over !== undefined && chance(random, 0.4)) return over;
  if (constants.length > 0 && chance(random, 0.6)) {
    const constant = pick(random, constants);
    return typeof constant === "string" ? fitting(random, constant, over) : constant;
  }
  return pick<unknown>(random, [...words, 0, 1, 2, 8080, true, false, "2", "1h", "10", "500Mi", [], {}, ["a"], null]);
}

function nameIt(random: Random, object: Tree, hints: PolicyHints, index: number): void {
  const metadata: Tree = isObject(object["metadata"]) ? { ...object["metadata"] } : {};
  const wanted = hints.names.length > 0 && chance(random, 0.5) ? fill(random, pick(random, hints.names)) : "obj";
  metadata["name"] = `${wanted}-${index}`;
  if (hints.namespaces.length > 0 && chance(random, 0.5))
    metadata["namespace"] = fill(random, pick(random, hints.namespaces));
  if (!isText(metadata["namespace"])) delete metadata["namespace"];
  for (const field of ["labels", "annotations"]) metadata[field] = stringMap(random, metadata[field], hints);
  for (const name of ["generateName", "ownerReferences", "deletionTimestamp", "creationTimestamp"]) {
    if (metadata[name] === null || typeof metadata[name] !== (name === "ownerReferences" ? "object" : "string"))
      delete metadata[name];
  }
  object["metadata"] = metadata;
}

/** Labels and annotations are strings wherever an API server is asked; the command line fails on others. */
function stringMap(random: Random, tree: unknown, { labels, wildKeys }: PolicyHints): Tree | undefined {
  const texts = isObject(tree) ? Object.entries(tree).filter(([, value]) => typeof value === "string") : [];
  const family = ([key]: readonly [string, unknown]): string =>
    wildKeys.find((wild) => key.startsWith(wild.slice(0, wild.indexOf("*")))) ?? key;
  const own = [...new Map(texts.map((entry) => [family(entry), entry])).values()];
  const given = labels
    .filter(() => chance(random, 0.5))
    .map(([key, value]) => [fill(random, key), fill(random, value)]);
  const all = [...own, ...given];
  return all.length === 0 ? undefined : (Object.fromEntries(all) as Tree);
}

function fill(random: Random, pattern: string): string {
  return pattern.replaceAll("*", () => pick(random, ["x", "ab"])).replaceAll("?", "y");
}

function asController(random: Random, pod: Tree): Tree {
  const { name, namespace, ...inner } = pod["metadata"] as Tree;
  const template = { metadata: inner, spec: pod["spec"] ?? generatePodSpec(random) };
  const metadata = { name, ...(namespace !== undefined && { namespace }) };
  if (chance(random, 0.2)) {
    const jobTemplate = { spec: { template } };
    return { apiVersion: "batch/v1", kind: "CronJob", metadata, spec: { schedule: "* * * * *", jobTemplate } };
  }
  const kind = pick(random, Object.keys(controllers));
  return { apiVersion: controllers[kind], kind, metadata, spec: { template } };
}

// ── trees

function listAt(tree: unknown, ...path: readonly string[]): readonly unknown[] {
  const value: unknown = valueAt(tree, ...path);
  return Array.isArray(value) ? (value as unknown[]) : [];
}

function pairsAt(tree: unknown, ...path: readonly string[]): readonly (readonly [string, string])[] {
  const value: unknown = valueAt(tree, ...path);
  return isObject(value) ? Object.entries(value).map(([key, one]) => [key, String(one)] as const) : [];
}

function textAt(tree: unknown, field: string): string {
  return textOr(valueAt(tree, field), "");
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value : otherwise;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function unique<T>(values: readonly T[]): readonly T[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}

function uniquePaths(paths: readonly Path[]): readonly Path[] {
  return unique(paths.filter((path) => path.length > 0));
}
