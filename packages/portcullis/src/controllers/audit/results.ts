// What the audit found, in memory. Most results are the same for many objects (a rule that passes says the same of every
// Pod), so a result is stored once and shared; an object holds a list of references to them. What nobody refers to any
// more is forgotten when the store is swept.

import type { KyvernoDetails, Outcome, PolicyId } from "@portcullis/policy";
import { type AuditedPolicy, unitOf } from "./policies.ts";

/** What one rule says about an object, without the object. Never written again. */
export interface Result {
  readonly policy: PolicyId;
  /** The policy of the set that said it. */
  readonly unit: string;
  readonly rule: string;
  readonly result: Outcome["result"];
  /** The users' word: deny, dryrun, scoped, Enforce, Audit. */
  readonly actionName: string;
  /** What a scoped action stands for here. */
  readonly scoped: readonly string[];
  readonly message: string;
  /** JSON text, "" for none. */
  readonly details: string;
  readonly properties: Readonly<Record<string, string>>;
  /** `namespace/name` of those that made a rule skip. */
  readonly exceptions: readonly string[];
  /** The policy looks at who asks: nothing that is stored can tell. */
  readonly notAuditable: boolean;
}

/** Said of what an audit cannot decide, because stored objects carry no user. */
export const notAuditableText = "not auditable: the policy looks at who asks, and stored objects do not carry a user";

export interface ResultStore {
  /** The shared form of an outcome; null for what the audit does not report. */
  share(outcome: Outcome, policy: AuditedPolicy | undefined): Result | null;
  /** Forgets what is not among these. */
  sweep(live: Iterable<readonly Result[]>): void;
  readonly size: number;
}

export function createResultStore(): ResultStore {
  let known = new Map<string, Result>();
  const keys = new WeakMap<Result, string>();
  return {
    share: (outcome, policy) => {
      const result = resultOf(outcome, policy);
      if (result === null) return null;
      const key = keyOf(result);
      const shared = known.get(key);
      if (shared !== undefined) return shared;
      known.set(key, result);
      keys.set(result, key);
      return result;
    },
    sweep: (live) => {
      const kept = new Map<string, Result>();
      for (const results of live) for (const result of results) kept.set(keys.get(result) ?? keyOf(result), result);
      known = kept;
    },
    get size() {
      return known.size;
    },
  };
}

function resultOf(outcome: Outcome, audited: AuditedPolicy | undefined): Result | null {
  const { policy, rule, result, actionName, message, details, properties } = outcome;
  const isKyvernos = policy.dialect === "kyverno";
  const about = isKyvernos ? (details as KyvernoDetails | null) : null;
  // What a rule generates or mutates is no judgement about the object.
  if (about !== null && about.type !== "Validation" && about.type !== "ImageVerify") return null;
  const { scopedActions = "", ...others } = properties;
  const asks = audited?.readsRequester === true;
  return {
    policy,
    unit: unitOf(policy),
    rule,
    result: asks ? "skip" : result,
    actionName,
    scoped: scopedActions === "" ? [] : scopedActions.split(","),
    message: asks ? notAuditableText : message,
    details: isKyvernos || asks || details === null || details === undefined ? "" : JSON.stringify(details),
    properties: others,
    exceptions: about?.exceptions ?? [],
    notAuditable: asks,
  };
}

/** Two results with one key are the same. */
function keyOf(result: Result): string {
  const { policy, rule, result: said, actionName, scoped, message, details, properties, exceptions } = result;
  return JSON.stringify([policy, rule, said, actionName, scoped, message, details, properties, exceptions]);
}

/** Whether two objects' results are the same, whatever their order was made of. */
export function sameResults(a: readonly Result[], b: readonly Result[]): boolean {
  return a.length === b.length && a.every((result, at) => result === b[at]);
}
