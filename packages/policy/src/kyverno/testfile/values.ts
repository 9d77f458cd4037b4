// Values for policies, as `--set`, a Values file or a test gives them: variables by dotted name, for all policies, for one
// object of a policy or for one rule; labels of namespaces; and which objects are subresources of which kinds.
// Kyverno: cmd/cli/kubectl-kyverno/variables.

import { type Labels, isObject, labelsOf, nameOf, stringAt, valueAt } from "@portcullis/kube";
import type { Gvk, Json } from "../../engine/request.ts";
import { listAt } from "./testfile.ts";

export type NamedValues = Readonly<Record<string, Json>>;

export interface Variables {
  /** The labels of a namespace; null when nothing is said about it. */
  namespaceLabels(namespace: string): Labels | null;
  /** What stands under `request.operation` for all policies; "" when it is no string. */
  readonly globalOperation: string;
  /** What a policy sees when it looks at an object; `request.operation` is always there. */
  forObject(policy: string, object: string): NamedValues;
  forRule(policy: string, rule: string): NamedValues;
  /** The kind that requests for a subresource are about: a Scale of a Deployment is about the Deployment. */
  parentOf(kind: Gvk): { readonly kind: Gvk; readonly subresource: string } | null;
}

/** `spec` is a decoded ValuesSpec or null; `set` the arguments of `--set`. */
export function readVariables(spec: Json, set: readonly string[] = []): Variables {
  const namespaces = namespacesOf(spec);
  const globals = recordAt(spec, "globalValues");
  const fromFlags = parseSet(set);
  const policies = listAt(spec, "policies");
  const operation = globals["request.operation"];
  const namedIn = (list: readonly Json[], name: string): readonly Json[] =>
    list.filter((item) => stringAt(item, "name") === name);
  return {
    namespaceLabels: (namespace) => namespaces.get(namespace) ?? null,
    globalOperation: typeof operation === "string" ? operation : "",
    forObject: (policy, object) => {
      const own = namedIn(policies, policy).flatMap((one) => namedIn(listAt(one, "resources"), object));
      const values = [globals, ...own.map((one) => recordAt(one, "values")), fromFlags];
      return { "request.operation": "CREATE", ...Object.fromEntries(values.flatMap((one) => Object.entries(one))) };
    },
    forRule: (policy, rule) => ruleValues(namedIn(policies, policy), rule),
    parentOf: (kind) => parentOf(listAt(spec, "subresources"), kind),
  };
}

function recordAt(tree: Json, field: string): NamedValues {
  const value = valueAt(tree, field);
  return isObject(value) ? value : {};
}

/** `namespaces` counts before `namespaceSelector`. */
function namespacesOf(spec: Json): ReadonlyMap<string, Labels> {
  const found = new Map<string, Labels>();
  for (const one of listAt(spec, "namespaceSelector")) {
    const labels = valueAt(one, "labels");
    found.set(stringAt(one, "name"), isObject(labels) ? (labels as Labels) : {});
  }
  for (const one of listAt(spec, "namespaces")) found.set(nameOf(one), labelsOf(one));
  return found;
}

/** Of the first rule with the name, or whose rule for controllers has it. */
function ruleValues(policies: readonly Json[], rule: string): NamedValues {
  for (const policy of policies) {
    for (const one of listAt(policy, "rules")) {
      const name = stringAt(one, "name");
      if (rule !== name && rule !== `autogen-${name}` && rule !== `autogen-cronjob-${name}`) continue;
      // Kyverno never moves on from the first element of these lists.
      const forEach = Object.entries(recordAt(one, "foreachValues")).map(([key, list]): readonly [string, Json] => [
        key,
        Array.isArray(list) ? (list[0] as Json) : undefined,
      ]);
      return { ...recordAt(one, "values"), ...Object.fromEntries(forEach) };
    }
  }
  return {};
}

function parentOf(
  subresources: readonly Json[],
  kind: Gvk,
): { readonly kind: Gvk; readonly subresource: string } | null {
  let found: { readonly kind: Gvk; readonly subresource: string } | null = null;
  for (const one of subresources) {
    const { group, version, kind: name } = resourceKind(valueAt(one, "subresource"));
    if (group !== kind.group || version !== kind.version || name !== kind.kind) continue;
    const [, subresource = ""] = stringAt(one, "subresource", "name").split("/");
    found = { kind: resourceKind(valueAt(one, "parentResource")), subresource };
  }
  return found;
}

function resourceKind(resource: Json): Gvk {
  return {
    group: stringAt(resource, "group"),
    version: stringAt(resource, "version"),
    kind: stringAt(resource, "kind"),
  };
}

/** `name=value`; what is not of this form, and what would change the object, is left out as there. */
function parseSet(set: readonly string[]): NamedValues {
  const found: Record<string, string> = {};
  for (const argument of set) {
    const [name = "", value = "", ...more] = argument.split("=").map((part) => part.trim());
    const isUsable = more.length === 0 && name !== "" && value !== "" && !name.includes("request.object.");
    if (isUsable && !Object.hasOwn(found, name)) found[name] = value;
  }
  return found;
}
