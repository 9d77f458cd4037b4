// Kyverno's statuses: a condition Ready for whoever waits for it, and what became of a policy's rules. A kind whose engine is
// not there is said to be not ready, with the reason. Kyverno: api/kyverno/v1/policy_status.go, pkg/controllers/webhook.

import { stringAt, valueAt } from "@portcullis/kube";
import type { RulesStatus } from "@portcullis/policy";
import type { Found } from "../../app/compose.ts";

type Tree = Readonly<Record<string, unknown>>;

export interface ConditionReport {
  readonly what: "policy" | "entry" | "cleanup" | "unbuilt";
  readonly status: unknown;
  /** Errors only. */
  readonly found: readonly Found[];
  readonly rules: RulesStatus | null;
  /** RFC 3339, in seconds. */
  readonly now: string;
  /** Of a GlobalContextEntry: when its call was answered last; null: not known. */
  readonly refreshed: string | null;
}

/** The part of the status that is ours. */
export function conditionStatus({ what, status, found, rules, now, refreshed }: ConditionReport): Tree {
  if (what === "unbuilt") return { conditionStatus: unbuiltStatus(status, found, now) };
  const isReady = found.length === 0;
  const message = isReady ? "Ready" : found.map(textOf).join("; ");
  const ready = condition(valueAt(status, "conditions"), { type: "Ready", isTrue: isReady, message, now });
  if (what !== "policy") return { conditions: [ready], ...(refreshed !== null && { lastRefreshTime: refreshed }) };
  return {
    conditions: [ready],
    autogen: rules === null || rules.autogen.length === 0 ? {} : { rules: rules.autogen },
    rulecount: rules?.count ?? { validate: 0, generate: 0, mutate: 0, verifyimages: 0 },
    validatingadmissionpolicy: { generated: false, message: "" },
  };
}

function textOf({ code, message, location }: Found): string {
  // Kyverno's texts speak for themselves; those of its policies' own languages have a place.
  return location === "" || code === "policy" ? message : `${location}: ${message}`;
}

/** Kyverno: api/policies.kyverno.io conditions.go; the types of conditions are its own. */
function unbuiltStatus(status: unknown, found: readonly Found[], now: string): Tree {
  const message = found.map(textOf).join("; ") || "this kind of policy is not supported yet: nobody enforces it";
  const known = valueAt(status, "conditionStatus", "conditions");
  return {
    ready: false,
    message,
    conditions: [condition(known, { type: "PolicyCached", isTrue: false, message, now })],
  };
}

interface Wanted {
  readonly type: string;
  readonly isTrue: boolean;
  readonly message: string;
  readonly now: string;
}

/** The time is that of the last change of the status, as with every condition of Kubernetes. */
function condition(known: unknown, { type, isTrue, message, now }: Wanted): Tree {
  const status = isTrue ? "True" : "False";
  const all = Array.isArray(known) ? (known as readonly unknown[]) : [];
  const before = all.find((one) => stringAt(one, "type") === type);
  const isSame = before !== undefined && stringAt(before, "status") === status;
  return {
    type,
    status,
    reason: isTrue ? "Succeeded" : "Failed",
    message,
    lastTransitionTime: isSame ? stringAt(before, "lastTransitionTime") || now : now,
  };
}
