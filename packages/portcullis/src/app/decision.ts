// What a decision leaves for the decision log, made in the thread that decides, where the object and the outcomes are: what leaves
// this thread is redacted already.

import { createHash } from "node:crypto";
import { nameOf, stringAt } from "@portcullis/kube";
import type { Answered, Decision, EvaluationRequest, Outcome } from "@portcullis/policy";
import type { Decided, DecidingPolicy, Verdict } from "../server/decided.ts";
import type { Endpoint } from "../server/endpoints.ts";
import { type Redact, createRedaction } from "./redaction.ts";
import { policyName } from "./slices.ts";

/** What an operator says of the log's contents; it travels to the evaluators. */
export interface DecisionSettings {
  /** Paths of values that no text may show (redaction.ts). */
  readonly redact: readonly string[];
  /** How users are told: by name, by a hash of it, or not at all. */
  readonly users: "plain" | "hash" | "none";
}

/** One answered request. */
export interface Deciding {
  readonly request: EvaluationRequest;
  readonly what: Endpoint["what"];
  readonly answered: Answered;
  /** Null: no policy was asked. */
  readonly decision: Decision | null;
  readonly policySet: string;
}

const policiesMax = 50;
const messageMax = 1000;
const pathsMax = 100;

/** Throws an Error that says what is wrong with a path. */
export function createDecisions(settings: DecisionSettings): (deciding: Deciding) => Decided {
  const redaction = createRedaction(settings.redact);
  return (deciding) => {
    const { request, what, answered, decision, policySet } = deciding;
    const redact = redaction(request);
    const policies = policiesOf(deciding, redact);
    const mutated = decision?.allowed === true ? decision.patch.slice(0, pathsMax).map(pathOf) : [];
    const { kind } = request;
    return {
      uid: request.uid,
      webhook: what,
      operation: request.operation ?? "",
      group: kind?.group ?? "",
      version: kind?.version ?? "",
      kind: kind?.kind ?? "",
      subresource: request.subResource,
      namespace: request.namespace,
      name: request.name === "" ? nameOf(request.object ?? request.oldObject) : request.name,
      user: userOf(request.user?.username ?? "", settings.users),
      dryRun: request.dryRun ?? false,
      verdict: verdictOf(answered),
      code: answered.code,
      policies: policies.slice(0, policiesMax),
      ...(policies.length > policiesMax && { more: policies.length - policiesMax }),
      ...(policies.length === 0 && answered.message !== "" && { message: shortened(redact(answered.message)) }),
      ...(mutated.length > 0 && { mutated }),
      policySet,
    };
  };
}

function verdictOf({ allowed, code, warnings }: Answered): Verdict {
  if (allowed) return warnings.length === 0 ? "allow" : "warn";
  return code >= 500 ? "error" : "deny";
}

function policiesOf({ decision, what }: Deciding, redact: Redact): readonly DecidingPolicy[] {
  return (decision?.outcomes ?? [])
    .filter((outcome) => isTold(outcome, what))
    .map((one) => decidingPolicy(one, redact));
}

/** What passed said nothing, unless it changed the object. */
function isTold({ policy, result, details }: Outcome, what: Endpoint["what"]): boolean {
  if (result === "skip") return false;
  if (result !== "pass") return true;
  return what === "mutate" && (policy.dialect === "gatekeeper" || stringAt(details, "type") === "Mutation");
}

function decidingPolicy({ policy, rule, result, actionName, message }: Outcome, redact: Redact): DecidingPolicy {
  return {
    policy: policyName(policy),
    ...(rule !== "" && { rule }),
    result,
    ...(actionName !== "" && { action: actionName }),
    ...(message !== "" && { message: shortened(redact(message)) }),
  };
}

function shortened(text: string): string {
  return text.length <= messageMax ? text : `${text.slice(0, messageMax)}…`;
}

function pathOf(operation: unknown): string {
  return stringAt(operation, "path");
}

function userOf(name: string, manner: DecisionSettings["users"]): string {
  if (manner === "none" || name === "") return "";
  return manner === "plain" ? name : createHash("sha256").update(name).digest("hex").slice(0, 16);
}
