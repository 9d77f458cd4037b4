// Policies with mistakes: those of a library with something taken away, put elsewhere or put in, by a seed. Most of what
// Kyverno's admission refuses is a fragment in the wrong place, so fragments are the field's own.

import { gvkOf, isObject, valueAt } from "@portcullis/kube";

type Steps = readonly (string | number)[];
type Tree = Record<string | number, unknown>;

/** Values that stand in for others. */
const values: readonly unknown[] = [
  "*",
  "Pod",
  "",
  "{{ element.name }}",
  "{{ request.userInfo.username }}",
  "{{ foo }}",
  "{{ request.object.metadata.name | }}",
  "{{ request.operation }}",
  "Equals",
  "request.object.status.phase",
  "{{serviceAccountName}}",
  "$(./../a)",
  "{{images.containers.*.name}}",
  "v1/Node",
  "Pod/exec",
  5,
  true,
  null,
  [],
  {},
  { metadata: { labels: { a: 1 } } },
  { "^(spec)": {} },
  { "+(a)": "b" },
];

/** Fields that are put into objects where they may or may not belong. */
const fields: readonly (readonly [string, unknown])[] = [
  ["mutate", { patchStrategicMerge: { metadata: { "+(labels)": { a: "b" } } } }],
  ["generate", { apiVersion: "v1", kind: "ConfigMap", name: "x", namespace: "there", data: {} }],
  ["preconditions", { all: [{ key: "{{request.operation}}", operator: "Equals", value: "CREAT" }] }],
  ["exclude", { any: [{ resources: { kinds: ["Pod"] } }] }],
  ["context", [{ name: "request", variable: { value: 1 } }]],
  ["context", [{ name: "x", configMap: { name: "a" } }]],
  ["context", [{ name: "x", apiCall: { urlPath: "/api" } }]],
  ["celPreconditions", [{ name: "a", expression: "true" }]],
  ["roles", ["a"]],
  ["subjects", [{ kind: "User", name: "a" }]],
  ["namespaces", ["a"]],
  ["foreach", []],
  ["deny", {}],
  ["message", "{{ request.object.foo }}"],
  ["targets", [{ apiVersion: "v1", kind: "ConfigMap", name: "x", namespace: "there" }]],
  ["mutateExistingOnPolicyUpdate", true],
  ["admission", false],
  ["background", true],
  ["background", false],
  [
    "validationFailureActionOverrides",
    [
      { action: "enforce", namespaces: ["a*"] },
      { action: "audit", namespaces: ["ab"] },
    ],
  ],
  ["webhookTimeoutSeconds", 31],
  ["synchronize", true],
  ["clone", { name: "a", namespace: "b" }],
  ["selector", { matchLabels: {} }],
  ["kinds", ["*"]],
  ["kinds", ["Pod", "*"]],
  ["patchesJson6902", "- op: add\n  path: a\n  value: 1\n"],
  ["patchesJson6902", "- op: foo\n  path: /a\n"],
  ["list", "request.object.spec.containers[]"],
  ["namespace", "other"],
];

/** One or two changes of a policy. */
export function variantOf(policy: unknown, random: () => number): unknown {
  const variant = structuredClone(policy) as Tree;
  const pick = <Item>(list: readonly Item[]): Item => list[Math.floor(random() * list.length)] as Item;
  for (let edits = 1 + Math.floor(random() * 2); edits > 0; edits--) {
    const places = placesIn(variant["spec"], ["spec"]);
    const place = pick(places);
    const parent = valueIn(variant, place.slice(0, -1)) as Tree;
    const last = place.at(-1) as string | number;
    const how = random();
    if (how < 0.3 && Array.isArray(parent)) parent.splice(Number(last), 1);
    else if (how < 0.3) delete parent[last];
    else if (how < 0.6) parent[last] = structuredClone(pick(values));
    else {
      const target = pick([["spec"], ...places].map((one) => valueIn(variant, one)).filter(isObject)) as
        | Tree
        | undefined;
      if (target === undefined) continue;
      const [field, value] = pick(fields);
      target[field] = structuredClone(value);
    }
  }
  if (gvkOf(variant).kind === "ClusterPolicy" && random() < 0.1) {
    variant["kind"] = "Policy";
    (variant["metadata"] as Tree)["namespace"] = "default";
  }
  return variant;
}

function valueIn(tree: unknown, path: Steps): unknown {
  return path.reduce<unknown>(
    (value, step) => (Array.isArray(value) ? value[Number(step)] : valueAt(value, String(step))),
    tree,
  );
}

function placesIn(tree: unknown, path: Steps): readonly Steps[] {
  const below = Array.isArray(tree) ? [...tree.keys()] : isObject(tree) ? Object.keys(tree) : [];
  return [path, ...below.flatMap((step) => placesIn((tree as Tree)[step], [...path, step]))];
}
