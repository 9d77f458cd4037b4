// The corpus of mutation cases: mutators, an object, and what Gatekeeper 3.23.1's own packages answered. One case is one
// line of JSON in cases/; `want` has the error of each mutator that Gatekeeper refuses or finds in conflict, and the
// mutated object (absent: it stayed as it was) or the error.

import { readFileSync, readdirSync } from "node:fs";
import { gvkOf, namespaceOf } from "@portcullis/kube";
import { type Answer, type Need, parseJson } from "@portcullis/lang";
import { createEngine } from "../../../src/engine/engine.ts";
import type { Profile } from "../../../src/engine/frontend.ts";
import type { Decision } from "../../../src/engine/outcome.ts";
import type { PolicySet } from "../../../src/engine/policyset.ts";
import type { EvaluationRequest, Gvk, Json } from "../../../src/engine/request.ts";
import { gatekeeperFrontend } from "../../../src/gatekeeper/frontend.ts";
import { noCatalog, request, unlimited, worldWith } from "../../engine/world.ts";
import { gatorOptions } from "../load.ts";

export interface MutationCase {
  readonly file: string;
  readonly name: string;
  readonly mutators: readonly Json[];
  readonly object?: Json;
  /** Of the request; the object's own when absent. */
  readonly namespace?: string;
  readonly namespaceObject?: Json;
  readonly username?: string;
  /** Empty: nobody asked. */
  readonly operation?: string;
  /** ProviderResponses by provider, or `{error}` where the request fails. */
  readonly providers?: Readonly<Record<string, { readonly error?: string }>>;
  readonly annotations?: boolean;
  readonly want: {
    readonly status?: Readonly<Record<string, string>>;
    readonly object?: Json;
    readonly error?: string;
  };
}

export function mutationCases(): readonly MutationCase[] {
  const folder = new URL("cases/", import.meta.url);
  return readdirSync(folder)
    .filter((file) => file.endsWith(".jsonl"))
    .toSorted()
    .flatMap((file) =>
      readFileSync(new URL(file, folder), "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => Object.assign(parseJson(line) as Omit<MutationCase, "file">, { file })),
    );
}

export function setOf(one: MutationCase, profile: Profile, mutators = one.mutators): PolicySet {
  const options = { load: gatorOptions.load, mutationAnnotations: one.annotations ?? false };
  const engine = createEngine({ frontends: [gatekeeperFrontend(options)], catalog: noCatalog, profile });
  return engine.policySet(mutators.map((object, at) => ({ object, file: `${at}.yaml` })));
}

export function mutateCase(one: MutationCase, set: PolicySet, object = one.object): Decision {
  const decision = set.evaluate(requestOf(one, object), worldOf(one), unlimited(), { phases: ["mutate"] });
  if ("needs" in decision) throw new Error("a need stayed open although every need was answered");
  return decision;
}

function requestOf(one: MutationCase, object: Json): EvaluationRequest {
  const kind: Gvk = gvkOf(object);
  const operation = (one.operation ?? "CREATE") || null;
  return request({
    kind,
    resource: null,
    operation: operation as EvaluationRequest["operation"],
    namespace: one.namespace ?? namespaceOf(object),
    object,
    user: { username: one.username ?? "", uid: "", groups: [], extra: null },
  });
}

function worldOf({ namespaceObject, providers = {} }: MutationCase): ReturnType<typeof worldWith> {
  const answer = ({ kind, call }: Need): Answer => {
    if (kind !== "external_data")
      return namespaceObject === undefined ? { error: "not found" } : { value: namespaceObject };
    const provider = providers[(call as { readonly provider: string }).provider];
    if (provider?.error !== undefined) return { error: provider.error };
    return { value: provider ?? null };
  };
  return { ...worldWith(), random: () => () => 0, ask: (needs) => needs.map(answer) };
}
