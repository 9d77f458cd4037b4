// What engine tests have in common: requests, a world whose answers are given, and frontends whose policies are plain
// functions.

import { type Answer, Budget, type Need, Suspend, type World } from "@portcullis/lang";
import type { Linked, PolicyFrontend } from "../../src/engine/frontend.ts";
import type { Action, Outcome, PolicyId } from "../../src/engine/outcome.ts";
import type { MutationStage, Policy } from "../../src/engine/policy.ts";
import type { Catalog, EvaluationRequest, Json } from "../../src/engine/request.ts";

export const noCatalog: Catalog = { resourceOf: () => null, schemaOf: () => null };

/** Answers by `kind key`; whatever is not in it is missing. */
export function worldWith(answers: Readonly<Record<string, Answer>> = {}): World {
  return {
    nowMs: 0,
    random: () => () => 0.5,
    host: { digest: () => new Uint8Array(), hmac: () => new Uint8Array(), zone: () => null },
    ask: (needs: readonly Need[]) => {
      const missing = needs.filter((need) => answers[`${need.kind} ${need.key}`] === undefined);
      if (missing.length > 0) throw new Suspend(missing);
      return needs.map((need) => answers[`${need.kind} ${need.key}`] as Answer);
    },
  };
}

export function unlimited(): Budget {
  return new Budget({}, () => 0);
}

export function request(changes: Partial<EvaluationRequest> = {}): EvaluationRequest {
  return {
    point: "webhook",
    operation: "CREATE",
    kind: { group: "", version: "v1", kind: "Pod" },
    resource: { group: "", version: "v1", resource: "pods" },
    subResource: "",
    requestKind: null,
    requestResource: null,
    namespace: "default",
    name: "web",
    uid: "1",
    object: { apiVersion: "v1", kind: "Pod", metadata: { name: "web", namespace: "default" } },
    oldObject: null,
    options: null,
    user: null,
    dryRun: false,
    implied: null,
    ...changes,
  };
}

function id(name: string, dialect = "vap"): PolicyId {
  return { dialect, kind: "Policy", namespace: "", name };
}

export function outcome(name: string, actions: readonly Action[], changes: Partial<Outcome> = {}): Outcome {
  return {
    policy: id(name),
    rule: "",
    result: actions.length === 0 ? "pass" : "fail",
    actions,
    actionName: "",
    message: `${name} says no`,
    details: null,
    properties: {},
    effects: [],
    ...changes,
  };
}

export function policy(name: string, evaluate: Policy["evaluate"], changes: Partial<Policy> = {}): Policy {
  return { id: id(name), scope: {}, reads: [], onError: "deny", evaluate, ...changes };
}

export function stage(
  name: string,
  mutate: MutationStage["mutate"],
  changes: Partial<MutationStage> = {},
): MutationStage {
  return { id: id(name), scope: {}, onError: "deny", rank: 30, reinvoke: false, mutate, ...changes };
}

/** A dialect whose objects are ignored and whose policies are given. */
export function fixedFrontend(linked: Partial<Linked>, dialect: PolicyFrontend["dialect"] = "vap"): PolicyFrontend {
  return {
    dialect,
    owns: () => true,
    read: (object) => ({ unit: object, diagnostics: [] }),
    link: () => ({ policies: [], mutations: [], status: new Map(), effects: [], ...linked }),
    respond: (outcomes) => {
      const denials = outcomes.filter((one) => one.actions.includes("deny"));
      return {
        allowed: denials.length === 0,
        code: denials.length === 0 ? 200 : 422,
        reason: denials.length === 0 ? "" : "Invalid",
        message: denials.map((one) => one.message).join("\n"),
        warnings: outcomes.filter((one) => one.actions.includes("warn")).map((one) => one.message),
      };
    },
  };
}

/** A label that a stage adds. */
export function labelled(object: Json, key: string, value: string): Json {
  const { metadata, ...rest } = object as { readonly metadata: { readonly labels?: object } };
  return { ...rest, metadata: { ...metadata, labels: { ...metadata.labels, [key]: value } } };
}
