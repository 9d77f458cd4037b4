// An answered request as it is, before anything is made of it for metrics, the log, Events and reports; and what of that is
// wanted.

import { nameOf } from "@portcullis/kube";
import type { Decision, EvaluationRequest, MutationEvent, StatsEntry } from "@portcullis/policy";
import type { KyvernoRequest, Subject } from "../server/metrics.ts";
import type { Served } from "./served.ts";

export interface Recorded {
  readonly served: Served;
  readonly request: EvaluationRequest;
  readonly decision: Decision;
  /** Dialects whose policies were asked. */
  readonly asked: readonly string[];
  readonly webhook: KyvernoRequest["webhook"];
  readonly traces?: readonly string[];
  readonly stats?: readonly StatsEntry[];
  /** What Gatekeeper's mutators told, where they were asked. */
  readonly mutations?: readonly MutationEvent[];
}

/** What a record tells beside what it counts. */
export interface Telling {
  readonly violations: boolean;
  readonly mutations: boolean;
  /** How long each template took. */
  readonly stats: boolean;
  /** What Kyverno's rules found, for Events. */
  readonly kyverno: boolean;
  /** What only requests tell of Kyverno's rules, for reports. */
  readonly reports: boolean;
}

export function isDenied({ outcomes }: Decision, dialect: string): boolean {
  return outcomes.some(({ policy, actions }) => policy.dialect === dialect && actions.includes("deny"));
}

export function subjectOf({ kind, namespace, name, object, oldObject, user }: EvaluationRequest): Subject {
  const isNamespace = kind?.kind === "Namespace" && kind.group === "";
  return {
    group: kind?.group ?? "",
    version: kind?.version ?? "",
    kind: kind?.kind ?? "",
    namespace: isNamespace ? "" : namespace,
    name: name === "" ? nameOf(object ?? oldObject) : name,
    username: user?.username ?? "",
  };
}
