// Context entries of a rule, as Kyverno's admission checks them. Kyverno: pkg/validation/policy/validate.go validateRuleContext.

import { imageInfo } from "../context/imagereference.ts";
import { isObject, stringAt, valueAt } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import type { RuleTree } from "../autogen/rules.ts";
import { listOf } from "../match/filter.ts";
import { compileQuery } from "../query.ts";
import { findVariables } from "../template.ts";
import { Mistake, type Steps } from "./mistake.ts";

const predefined = ["images", "request", "serviceAccountName", "serviceAccountNamespace", "element", "elementIndex"];

const sources = ["configMap", "apiCall", "globalReference", "imageRegistry", "variable"];

/** Throws Mistake. */
export function checkContext(rule: RuleTree, namespaced: boolean, steps: Steps): void {
  const entries = listOf(rule, "context");
  const cel = valueAt(rule, "validate", "cel");
  if (entries.length > 0 && isObject(cel) && Object.keys(cel).length > 0) {
    throw new Mistake("context variables are not supported for CEL expressions in validate rules", steps);
  }
  for (const [at, entry] of entries.entries()) checkEntry(entry, namespaced, [...steps, at]);
}

function checkEntry(entry: Json, namespaced: boolean, steps: Steps): void {
  const refuse = (text: string): never => {
    throw new Mistake(text, steps);
  };
  const name = stringAt(entry, "name");
  if (name === "") refuse("a name is required for context entries");
  const taken = predefined.find((one) => name === one || name.startsWith(`${one}.`));
  if (taken !== undefined) refuse(`entry name ${name} is invalid as it conflicts with a pre-defined variable ${taken}`);
  const given = sources.filter((source) => isObject(valueAt(entry, source)));
  const [source] = given;
  if (source === undefined || given.length > 1) {
    refuse("exactly one of configMap or apiCall or imageRegistry or variable is required for context entries");
    return;
  }
  if (source === "globalReference" && namespaced) refuse("globalReference is not allowed in namespaced policies");
  checks[source]?.(valueAt(entry, source), refuse);
}

type Refuse = (text: string) => void;

const checks: Readonly<Record<string, (tree: Json, refuse: Refuse) => void>> = {
  configMap: (tree, refuse) => {
    if (stringAt(tree, "name") === "") refuse("a name is required for configMap context entry");
    if (stringAt(tree, "namespace") === "") refuse("a namespace is required for configMap context entry");
  },
  apiCall: (tree, refuse) => {
    if (stringAt(tree, "urlPath") !== "" && isObject(valueAt(tree, "service"))) {
      refuse("a URLPath cannot be used for service API calls");
    }
    checkPath(tree, refuse);
  },
  globalReference: (tree, refuse) => {
    if (stringAt(tree, "name") === "") refuse("a name is required for globalReference context entry");
    checkPath(tree, refuse);
  },
  imageRegistry: (tree, refuse) => {
    const reference = stringAt(tree, "reference");
    if (reference === "") refuse("a ref is required for imageRegistry context entry");
    if (findVariables(reference).length === 0) {
      const info = imageInfo(reference, { defaultRegistry: "docker.io", enableDefaultRegistryMutation: true });
      if ("error" in info) refuse(`bad image: ${reference}: ${info.error.split(": ").at(-1)}`);
    }
    checkPath(tree, refuse);
  },
  variable: (tree, refuse) => {
    checkPath(tree, refuse);
    const path = stringAt(tree, "jmesPath");
    if ((valueAt(tree, "value") ?? null) === null && path === "") {
      refuse("a variable must define a value or a jmesPath expression");
    }
    if ((valueAt(tree, "default") ?? null) !== null && path === "") {
      refuse("a variable must define a default value only when a jmesPath expression is defined");
    }
  },
};

/** A query with variables cannot be checked before they have values. */
function checkPath(tree: Json, refuse: Refuse): void {
  const path = stringAt(tree, "jmesPath");
  if (path === "" || findVariables(path).length > 0) return;
  const { problem } = compileQuery(path);
  if (problem !== null) refuse(`failed to parse JMESPath ${path}: ${problem}`);
}
