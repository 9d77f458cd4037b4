// A Config's excluded Namespaces, where decisions are made: what Gatekeeper's webhook, audit or mutation leave alone, no
// policy of this dialect is asked about, wherever the question comes from. Gatekeeper: pkg/webhook/common.go
// skipExcludedNamespace, pkg/audit/manager.go.

import type { Linked } from "../../engine/frontend.ts";
import type { MutationStage, Policy } from "../../engine/policy.ts";
import type { EvaluationRequest } from "../../engine/request.ts";
import { type Config, type Process, excludesRequest } from "./config.ts";

export function excluding(linked: Linked, config: Config): Linked {
  const { derive } = linked;
  return {
    ...linked,
    policies: linked.policies.map((policy) => validating(policy, config)),
    mutations: linked.mutations.map((stage) => mutating(stage, config)),
    ...(derive === undefined
      ? {}
      : {
          derive: (request, evaluation) =>
            excludesRequest(config, processOf(request), request) ? [] : derive(request, evaluation),
        }),
  };
}

/** The command line answers as the webhook would. */
function processOf({ point }: EvaluationRequest): Process {
  return point === "audit" ? "audit" : "webhook";
}

function validating(policy: Policy, config: Config): Policy {
  return {
    ...policy,
    // What an ExpansionTemplate makes is excluded with what it is made from.
    evaluate: (request, evaluation) =>
      request.implied === null && excludesRequest(config, processOf(request), request)
        ? []
        : policy.evaluate(request, evaluation),
  };
}

function mutating(stage: MutationStage, config: Config): MutationStage {
  return {
    ...stage,
    mutate: (request, evaluation) =>
      excludesRequest(config, "mutation-webhook", request)
        ? { object: request.object, outcomes: [] }
        : stage.mutate(request, evaluation),
  };
}
