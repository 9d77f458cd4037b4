// `portcullis kyverno create …`: files for Kyverno's command line and cluster, from flags. Kyverno writes Test, Values and
// UserInfo without apiVersion and kind, which its own `test` then refuses; here they are in the form that is read.
// Kyverno: cmd/cli/kubectl-kyverno/commands/create.

import { writeFileSync } from "node:fs";
import { CommandFailed, write } from "./exit.ts";
import { goError } from "../load/goerrors.ts";

type Flags = Readonly<Record<string, unknown>>;

/** Makes one kind of file and writes it where `--output` says. */
export function create(what: string, flags: unknown): number {
  const own = flags as Flags;
  const make = makers[what];
  if (make === undefined) throw new CommandFailed(`unknown kind ${what}`);
  const text = make(own);
  const path = textAt(own, "output");
  if (path === "") write(text);
  else {
    try {
      writeFileSync(path, text);
    } catch (error) {
      throw new CommandFailed(goError("open", path, error));
    }
  }
  return 0;
}

const makers: Readonly<Record<string, (flags: Flags) => string>> = {
  test: testFile,
  exception: exceptionFile,
  values: valuesFile,
  "user-info": userInfoFile,
  "metrics-config": metricsConfigFile,
  "cluster-role": clusterRoleFile,
};

function textAt(flags: Flags, name: string): string {
  const value = flags[name];
  return typeof value === "string" ? value : "";
}

function listAt(flags: Flags, name: string): readonly string[] {
  const value = flags[name];
  return Array.isArray(value) ? value.map(String) : [];
}

/** A YAML list, or nothing. */
function list(items: readonly string[], indent: string): string {
  return items.map((item) => `${indent}- ${item}\n`).join("");
}

function head(kind: string, name: string): string {
  return `apiVersion: cli.kyverno.io/v1alpha1\nkind: ${kind}\nmetadata:\n  name: ${name}\n`;
}

function testFile(flags: Flags): string {
  const results = ["pass", "fail", "skip"].flatMap((result) =>
    listAt(flags, result).flatMap((text) => {
      const [policy = "", rule = "", resource = "", namespace = "", kind = "", patched, ...more] = text.split(",");
      const count = text.split(",").length;
      if (count < 5 || more.length > 0) return [];
      const name = namespace === "" ? resource : `${namespace}/${resource}`;
      const file = patched === undefined ? "" : `    patchedResources: ${patched}\n`;
      return [
        `  - policy: ${policy}\n    rule: ${rule}\n    resources:\n      - ${name}\n    kind: ${kind}\n${file}    result: ${result}\n`,
      ];
    }),
  );
  const values = textAt(flags, "values");
  return [
    head("Test", textAt(flags, "name")),
    `\n# list of policy files\npolicies:\n${list(listAt(flags, "policy"), "  ")}`,
    `\n# list of resource files\nresources:\n${list(listAt(flags, "resource"), "  ")}`,
    values === "" ? "" : `\n# variables file (optional)\nvariables: ${values}\n`,
    `\n# list of expected results\nresults:\n${results.join("")}`,
  ].join("");
}

function exceptionFile(flags: Flags): string {
  const blocks = (["any", "all"] as const).map((how) => {
    const filters = listAt(flags, how).flatMap(filterOf);
    return filters.length === 0 ? "" : `    ${how}:\n${filters.join("")}`;
  });
  const exceptions = listAt(flags, "policyRules").flatMap((text) => {
    const [policy, ...rules] = text.split(",");
    return rules.length === 0 ? [] : [`    - policyName: ${policy}\n      ruleNames:\n${list(rules, "        ")}`];
  });
  const spec = `spec:\n  background: ${textAt(flags, "background") !== "false"}\n  match:\n${blocks.join("")}`;
  const named = exceptions.length === 0 ? "" : `  exceptions:\n${exceptions.join("")}`;
  const metadata = `metadata:\n  name: ${textAt(flags, "name")}\n  namespace: ${textAt(flags, "namespace") || "default"}\n`;
  return `apiVersion: kyverno.io/v2\nkind: PolicyException\n${metadata}${spec}${named}`;
}

/** `kind=Pod,name=a,namespace=b,operation=CREATE`; what is not of this form is left out. */
function filterOf(text: string): readonly string[] {
  const pairs = text.split(",").map((part) => part.split("="));
  if (pairs.some((pair) => pair.length !== 2)) return [];
  const fields = ["kind", "name", "namespace", "operation"].flatMap((field) => {
    const values = pairs.filter(([key]) => key === field).map(([, value = ""]) => value);
    return values.length === 0 ? [] : [`          ${field}s:\n${list(values, "            ")}`];
  });
  return [`      - resources:\n${fields.join("")}`];
}

function valuesFile(flags: Flags): string {
  const policies = (["rule", "resource"] as const).flatMap((what) =>
    listAt(flags, what).flatMap((text) => {
      const [policy, name, ...values] = text.split(",");
      if (name === undefined) return [];
      const lines = pairLines(values, "          ");
      return [`  - name: ${policy}\n    ${what}s:\n      - name: ${name}\n        values:\n${lines}`];
    }),
  );
  const selectors = listAt(flags, "nsSelector").flatMap((text) => {
    const [name, ...labels] = text.split(",");
    return labels.length === 0 ? [] : [`  - name: ${name}\n    labels:\n${pairLines(labels, "      ")}`];
  });
  return [
    head("Values", "values"),
    `\n# list of policy values\npolicies:\n${policies.join("")}`,
    `\n# list of global values\nglobalValues:\n${pairLines(listAt(flags, "global"), "  ")}`,
    `\n# list of namespace selectors\nnamespaceSelector:\n${selectors.join("")}`,
  ].join("");
}

/** `key=value` as lines, keys in order; what is not of this form is left out. */
function pairLines(texts: readonly string[], indent: string): string {
  const pairs = texts.flatMap((text): readonly (readonly [string, string])[] => {
    const [key = "", value = "", ...more] = text.split("=");
    return key === "" || value === "" || more.length > 0 ? [] : [[key, value]];
  });
  return [...new Map(pairs)]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${indent}${key}: ${value}\n`)
    .join("");
}

function userInfoFile(flags: Flags): string {
  return [
    head("UserInfo", "user-info"),
    `\n# list of roles\nroles:\n${list(listAt(flags, "role"), "  ")}`,
    `\n# list of cluster roles\nclusterRoles:\n${list(listAt(flags, "clusterRole"), "  ")}`,
    `\nuserInfo:\n  # user name\n  username: ${textAt(flags, "username")}\n`,
    `\n  # list of groups\n  groups:\n${list(listAt(flags, "group"), "    ")}`,
  ].join("");
}

function metricsConfigFile(flags: Flags): string {
  const parts = ["include", "exclude"].flatMap((field) => {
    const names = listAt(flags, field);
    return names.length === 0 ? [] : [[field, names] as const];
  });
  const json = JSON.stringify(Object.fromEntries(parts), null, 2).replaceAll("\n", "\n    ");
  const metadata = `metadata:\n  name: ${textAt(flags, "name")}\n  namespace: ${textAt(flags, "namespace")}\n`;
  return `apiVersion: v1\nkind: ConfigMap\n${metadata}data:\n  namespaces: |\n    ${json}\n`;
}

function clusterRoleFile(flags: Flags): string {
  const given = listAt(flags, "verbs");
  const verbs = given[0] === "all" ? ["create", "get", "update", "delete", "list", "watch"] : given;
  const controllers = listAt(flags, "controllers");
  const labels = (controllers.length === 0 ? ["background-controller"] : controllers)
    .map((controller) => `      rbac.kyverno.io/aggregate-to-${controller}: "true"\n`)
    .join("");
  const metadata = `metadata:\n  name: kyverno-${textAt(flags, "name")}-permission\n  labels:\n${labels}`;
  const rule = [
    `  - apiGroups: ["${textAt(flags, "apiGroups")}"]`,
    `    resources: ["${listAt(flags, "resources").join(",")}"]`,
    `    verbs: [${verbs.map((verb) => `"${verb}"`).join(", ")}]`,
  ].join("\n");
  return `apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\n${metadata}rules:\n${rule}`;
}
