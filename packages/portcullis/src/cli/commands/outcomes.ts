// Outcomes of policies as findings.

import { gvkOf } from "@portcullis/kube";
import type { Decision, Outcome } from "@portcullis/policy";
import type { LoadedObject } from "../load/files.ts";
import type { Finding } from "../output/finding.ts";
import { describeObject, placeOf } from "./decide.ts";

/** What a decision found fault with. */
export function outcomeFindings(one: LoadedObject, { outcomes }: Decision): readonly Finding[] {
  return outcomes
    .filter(({ result }) => result !== "pass" && result !== "skip")
    .map((outcome) => ({
      level: levelOf(outcome),
      rule: ruleName(outcome),
      action: outcome.actionName,
      message: outcome.message,
      object: describeObject(reviewedObject(one.object)),
      place: placeOf(one),
      details: outcome.details,
    }));
}

function reviewedObject(object: unknown): unknown {
  const { request } = object as { readonly request?: { readonly object?: unknown; readonly oldObject?: unknown } };
  return gvkOf(object).kind === "AdmissionReview" ? (request?.object ?? request?.oldObject ?? object) : object;
}

function levelOf({ result, actions }: Outcome): Finding["level"] {
  if (result === "error" || actions.includes("deny")) return "error";
  return actions.includes("warn") ? "warning" : "note";
}

/** `Kind/namespace/name/rule`. */
export function ruleName({ policy, rule }: Pick<Outcome, "policy" | "rule">): string {
  const name = `${policy.kind}/${policy.namespace === "" ? "" : `${policy.namespace}/`}${policy.name}`;
  return rule === "" || rule === policy.name ? name : `${name}/${rule}`;
}
