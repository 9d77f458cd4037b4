// Parts of a policy as Kyverno prints them in its refusals: as Go's encoding/json writes its types. Fields stand in the order
// of the types, what is empty is left out unless the type keeps it, structs that are no pointers are there though empty,
// and what no type has is dropped. Raw JSON (patterns, patches, values) keeps its shape, with sorted keys.
// Kyverno: api/kyverno/v1.

import { Printed, goJson, isObject } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";

type Type = "raw" | { readonly list: Type } | { readonly record: readonly Field[] };

/** `kept`: printed though absent; `there`: printed unless absent or null; `filled`: printed unless empty. */
type Field = readonly [name: string, type: Type, when: "kept" | "there" | "filled"];

const filled = (...names: readonly string[]): readonly Field[] => names.map((name) => [name, "raw", "filled"]);
const kept = (...names: readonly string[]): readonly Field[] => names.map((name) => [name, "raw", "kept"]);
const there = (...names: readonly string[]): readonly Field[] => names.map((name) => [name, "raw", "there"]);
const record = (...fields: readonly (Field | readonly Field[])[]): Type => ({
  record: fields.flatMap((one) => (isField(one) ? [one] : one)),
});

function isField(one: Field | readonly Field[]): one is Field {
  return typeof one[0] === "string";
}

const condition = record(there("key"), filled("operator"), there("value"), filled("message"));
const anyAll = record(["any", { list: condition }, "filled"], ["all", { list: condition }, "filled"]);
const selector = record(filled("matchLabels"), [
  "matchExpressions",
  { list: record(kept("key", "operator"), filled("values")) },
  "filled",
]);

const resources = record(
  filled("kinds", "name", "names", "namespaces", "annotations"),
  ["selector", selector, "there"],
  ["namespaceSelector", selector, "there"],
  filled("operations"),
);
const subject = record(kept("kind"), filled("apiGroup"), kept("name"), filled("namespace"));
const users: readonly Field[] = [...filled("roles", "clusterRoles"), ["subjects", { list: subject }, "filled"]];
const filter = record(users, ["resources", resources, "kept"]);
const block = record(["any", { list: filter }, "filled"], ["all", { list: filter }, "filled"], users, [
  "resources",
  resources,
  "kept",
]);

const entry = record(
  kept("name"),
  ["configMap", record(kept("name"), filled("namespace")), "there"],
  [
    "apiCall",
    record(
      kept("urlPath"),
      filled("method", "data"),
      ["service", record(kept("url"), filled("headers"), kept("caBundle")), "there"],
      there("default"),
      filled("jmesPath"),
    ),
    "there",
  ],
  ["imageRegistry", record(kept("reference"), filled("jmesPath"), there("imageRegistryCredentials")), "there"],
  ["variable", record(there("value"), filled("jmesPath"), there("default")), "there"],
  ["globalReference", record(kept("name"), filled("jmesPath")), "there"],
);
const context: Field = ["context", { list: entry }, "filled"];
const preconditions: Field = ["preconditions", anyAll, "there"];
const deny: Field = ["deny", record(["conditions", anyAll, "there"]), "there"];
const place = filled("apiVersion", "kind", "namespace", "name", "uid");

const mutationLoop: Type = record(
  filled("list"),
  there("order"),
  context,
  preconditions,
  there("patchStrategicMerge"),
  filled("patchesJson6902"),
  [
    "foreach",
    {
      get list() {
        return mutationLoop;
      },
    },
    "there",
  ],
);

const mutate = record(
  there("mutateExistingOnPolicyUpdate"),
  ["targets", { list: record(place, ["selector", selector, "there"], context, preconditions) }, "filled"],
  there("patchStrategicMerge"),
  filled("patchesJson6902"),
  ["foreach", { list: mutationLoop }, "filled"],
);

const validationLoop: Type = record(
  filled("list"),
  there("elementScope"),
  context,
  preconditions,
  there("pattern", "anyPattern"),
  deny,
  [
    "foreach",
    {
      get list() {
        return validationLoop;
      },
    },
    "there",
  ],
);

const validate = record(
  there("failureAction"),
  filled("failureActionOverrides"),
  there("allowExistingViolations"),
  filled("message"),
  there("manifests"),
  ["foreach", { list: validationLoop }, "filled"],
  there("pattern", "anyPattern"),
  deny,
  ["podSecurity", record(filled("level", "version", "exclude")), "there"],
  [
    "cel",
    record(
      there("generate"),
      filled("expressions"),
      there("paramKind", "paramRef"),
      filled("auditAnnotations", "variables"),
    ),
    "there",
  ],
  there("assert"),
);

const generated: readonly Field[] = [
  ...place,
  ...there("data"),
  ["clone", record(filled("namespace", "name")), "kept"],
  ["cloneList", record(filled("namespace", "kinds"), ["selector", selector, "there"]), "kept"],
];
const generate = record(there("generateExisting"), filled("synchronize", "orphanDownstreamOnPolicyDelete"), generated, [
  "foreach",
  { list: record(filled("list"), context, preconditions, generated) },
  "filled",
]);

const rule = record(
  kept("name"),
  context,
  filled("reportProperties"),
  ["match", block, "kept"],
  ["exclude", block, "there"],
  filled("imageExtractors"),
  preconditions,
  filled("celPreconditions"),
  ["mutate", mutate, "there"],
  ["validate", validate, "there"],
  ["generate", generate, "there"],
  filled("verifyImages"),
  there("skipBackgroundRequests"),
);

const grouped = record(["any", { list: filter }, "filled"], ["all", { list: filter }, "filled"]);

/** The spec of a cleanup policy. Kyverno: api/kyverno/v2. */
const cleanup = record(
  context,
  ["match", grouped, "kept"],
  ["exclude", grouped, "there"],
  kept("schedule"),
  ["conditions", anyAll, "there"],
  there("deletionPropagationPolicy"),
);

export const printedCleanup = (tree: Json): Printed => new Printed(text(tree, cleanup));
export const printedContext = (tree: Json): Printed => new Printed(text(tree, { list: entry }));
export const printedRule = (tree: Json): Printed => new Printed(text(tree, rule));
export const printedBlock = (tree: Json): Printed => new Printed(text(tree, block));
export const printedResources = (tree: Json): Printed => new Printed(text(tree, resources));
export const printedSelector = (tree: Json): Printed => new Printed(text(tree, selector));

function text(value: Json, type: Type): string {
  if (type === "raw") return goJson(value);
  if ("list" in type) {
    const items = Array.isArray(value) ? (value as readonly Json[]) : [];
    return `[${items.map((item) => text(item, type.list)).join(",")}]`;
  }
  // The old form of conditions, and what is no record at all.
  if (!isObject(value)) return Array.isArray(value) ? text(value, { list: condition }) : goJson(value ?? {});
  const members = type.record.flatMap(([name, inner, when]) => {
    const member = value[name] ?? null;
    if (member === null && when !== "kept") return [];
    if (when === "filled" && isEmpty(member)) return [];
    const shown = member === null ? (inner === "raw" ? '""' : text({}, inner)) : text(member, inner);
    return [`${goJson(name)}:${shown}`];
  });
  return `{${members.join(",")}}`;
}

function isEmpty(value: Json): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (isObject(value)) return Object.keys(value).length === 0;
  return value === "" || value === false || value === 0;
}
