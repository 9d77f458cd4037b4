// What Gatekeeper's mutating webhook answers: what it does not look at at all, and what it says of a request that it
// looked at. An error is 500, which the API server takes as its webhook configuration says (Ignore by default).
// Gatekeeper: pkg/webhook/mutation.go Handle, mutateRequest.

import type { Answered, Decision } from "../../engine/outcome.ts";
import type { PolicySet } from "../../engine/policyset.ts";
import type { EvaluationRequest } from "../../engine/request.ts";
import { excludedText } from "../admission.ts";
import { configOf, excludesRequest } from "../configuration/config.ts";
import { isGatekeepers } from "./stage.ts";

/** The answer when no mutator has to be asked; null when they have to. `namespace` is where Gatekeeper is installed. */
export function mutationAdmission(request: EvaluationRequest, set: PolicySet, namespace: string): Answered | null {
  if (request.user?.username === `system:serviceaccount:${namespace}:gatekeeper-admin`) {
    return allowed("Gatekeeper does not self-manage");
  }
  if (request.operation !== "CREATE" && request.operation !== "UPDATE") {
    return allowed("Mutating only on create or update");
  }
  if (isGatekeepers(request)) return allowed("Not mutating gatekeeper resources");
  const config = configOf(set, namespace);
  return config !== null && excludesRequest(config, "mutation-webhook", request) ? allowed(excludedText) : null;
}

/** The answer to a request whose mutators were asked; the patch goes beside it. */
export function mutationAnswer({ allowed: isAllowed, code, message, patch }: Decision): Answered {
  if (!isAllowed) return { allowed: false, code, reason: "", message, warnings: [] };
  return allowed(patch.length === 0 ? "Resource was not mutated" : "");
}

function allowed(message: string): Answered {
  return { allowed: true, code: 200, reason: "", message, warnings: [] };
}
