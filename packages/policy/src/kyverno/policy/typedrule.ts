// A rule as Kyverno's types have it, where its schema leaves a field open: conditions, and loops in loops. They read
// themselves with Go's decoder, so that names of fields may differ in case there, and nowhere else; unknown fields are
// dropped, and what is of a wrong type makes the whole policy unreadable.
// Kyverno: api/kyverno/v1 wrappers.go, common_types.go.

import { type JsonRecord, isObject } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import type { RuleTree } from "../autogen/rules.ts";
import { DecodeError, type Shape, type Struct, decodePart } from "../decode.ts";
import { Mistake, type Steps } from "./mistake.ts";

/** A policy that is none: it cannot be read, and nothing else is looked at. */
export class Unreadable extends Mistake {}

const struct = (name: string, fields: Struct["fields"]): Struct => ({ name, package: "v1", fields });
const strings: Shape = { list: "string" };

const conditionList: Shape = {
  list: struct("Condition", {
    key: "any",
    operator: { text: "v1.ConditionOperator" },
    value: "any",
    message: "string",
  }),
};
const anyAll = struct("AnyAllConditions", { any: conditionList, all: conditionList });
const conditions: Shape = { first: [conditionList, anyAll], refusal: "failed to unmarshal Conditions" };

const service = struct("ServiceCall", {
  url: "string",
  headers: { list: struct("HTTPHeader", { key: "string", value: "string" }) },
  caBundle: "string",
});
const credentials = struct("ImageRegistryCredentials", {
  allowInsecureRegistry: "boolean",
  providers: { list: { text: "v1.ImageRegistryCredentialsProvidersType" } },
  secrets: strings,
});
const entries: Shape = {
  list: struct("ContextEntry", {
    name: "string",
    configMap: struct("ConfigMapReference", { name: "string", namespace: "string" }),
    apiCall: struct("ContextAPICall", {
      urlPath: "string",
      method: { text: "v1.Method" },
      data: { list: struct("RequestData", { key: "string", value: "any" }) },
      service,
      default: "any",
      jmesPath: "string",
    }),
    imageRegistry: struct("ImageRegistry", {
      reference: "string",
      jmesPath: "string",
      imageRegistryCredentials: credentials,
    }),
    variable: struct("Variable", { value: "any", jmesPath: "string", default: "any" }),
    globalReference: struct("GlobalContextEntryReference", { name: "string", jmesPath: "string" }),
  }),
};

const validations: Shape = {
  list: struct("ForEachValidation", {
    list: "string",
    elementScope: "boolean",
    context: entries,
    preconditions: anyAll,
    pattern: "any",
    anyPattern: "any",
    deny: struct("Deny", { conditions }),
    get foreach() {
      return validations;
    },
  }),
};

const mutations: Shape = {
  list: struct("ForEachMutation", {
    list: "string",
    order: { text: "v1.ForeachOrder" },
    context: entries,
    preconditions: anyAll,
    patchStrategicMerge: "any",
    patchesJson6902: "string",
    get foreach() {
      return mutations;
    },
  }),
};

/** `steps` lead to the rule. Throws Unreadable. */
export function typedRule(rule: RuleTree, steps: Steps): RuleTree {
  const open = (tree: JsonRecord, field: string, shape: Shape, ...at: Steps): JsonRecord => {
    const value = tree[field] ?? null;
    return value === null ? {} : { [field]: decoded(value, shape, [...steps, ...at, field]) };
  };
  const deny = (tree: JsonRecord, ...at: Steps): JsonRecord =>
    within(tree, "deny", (one) => open(one, "conditions", conditions, ...at, "deny"));
  return {
    ...rule,
    ...open(rule, "preconditions", conditions),
    ...within(rule, "validate", (tree) => ({
      ...deny(tree, "validate"),
      ...eachOf(tree, "foreach", (loop, at) => ({
        ...deny(loop, "validate", "foreach", at),
        ...open(loop, "foreach", validations, "validate", "foreach", at),
      })),
    })),
    ...within(rule, "mutate", (tree) => ({
      ...eachOf(tree, "targets", (target, at) => open(target, "preconditions", conditions, "mutate", "targets", at)),
      ...eachOf(tree, "foreach", (loop, at) => open(loop, "foreach", mutations, "mutate", "foreach", at)),
    })),
  };
}

function decoded(value: Json, shape: Shape, steps: Steps): Json {
  const path = steps.filter((step) => typeof step === "string");
  try {
    return decodePart(value, shape, shape === mutations ? "ForEachMutation" : "ForEachValidation", path);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new Unreadable(error.message, steps);
  }
}

/**
 * The command line takes no field that nobody knows, and no other spelling, in the preconditions of loops, which the
 * schema leaves open though it names their fields. Throws Unreadable.
 */
export function checkLoopConditions(rule: RuleTree, steps: Steps): void {
  for (const kind of ["validate", "mutate", "generate"]) {
    const tree = rule[kind];
    if (!isObject(tree)) continue;
    eachOf(tree, "foreach", (loop, at) => {
      const names = isObject(loop["preconditions"]) ? Object.keys(loop["preconditions"]) : [];
      const unknown = names.find((name) => name !== "any" && name !== "all");
      if (unknown === undefined) return {};
      throw new Unreadable(`unknown field ${JSON.stringify(unknown)}`, [
        ...steps,
        kind,
        "foreach",
        at,
        "preconditions",
      ]);
    });
  }
}

function within(tree: JsonRecord, field: string, change: (value: JsonRecord) => JsonRecord): JsonRecord {
  const value = tree[field];
  return isObject(value) ? { [field]: { ...value, ...change(value) } } : {};
}

function eachOf(tree: JsonRecord, field: string, change: (item: JsonRecord, at: number) => JsonRecord): JsonRecord {
  const list = tree[field];
  if (!Array.isArray(list)) return {};
  const changed = (item: Json, at: number): Json => (isObject(item) ? { ...item, ...change(item, at) } : item);
  return { [field]: (list as readonly Json[]).map(changed) };
}
