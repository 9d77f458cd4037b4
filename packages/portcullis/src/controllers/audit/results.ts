// What the audit found, in memory. Most results of Kyverno's are the same for many objects (a rule that passes says the same
// of every Pod), so such a result is stored once and shared; an object holds a list of references to them. What nobody
// refers to any more is forgotten when the store is swept.

import type { KyvernoDetails, Outcome, PolicyId } from "@portcullis/policy";
import { type AuditedPolicy, unitOf } from "./policies.ts";

/** What one rule says about an object, without the object. */
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
const notAuditableText = "not auditable: the policy looks at who asks, and stored objects do not carry a user";

export interface ResultStore {
  /** What an outcome says; null for what the audit does not report. */
  keep(outcome: Outcome, policy: AuditedPolicy | undefined): Result | null;
  /** Forgets what is not among these. */
  sweep(live: Iterable<readonly Result[]>): void;
}

export function createResultStore(): ResultStore {
  let shared = new Map<string, Result>();
  return {
    keep: (outcome, policy) => {
      const result = resultOf(outcome, policy);
      if (result === null || isSingular(result)) return result;
      const key = keyOf(result);
      const known = shared.get(key);
      if (known === undefined) shared.set(key, result);
      return known ?? result;
    },
    sweep: (live) => {
      const kept = new Map<string, Result>();
      for (const results of live) {
        for (const result of results) if (!isSingular(result)) kept.set(keyOf(result), result);
      }
      shared = kept;
    },
  };
}

/** A violation of Gatekeeper's nearly always names the object, so that looking for another one like it finds none. */
function isSingular({ policy }: Result): boolean {
  return policy.dialect === "gatekeeper";
}

const nothing: readonly string[] = [];
const emptyDetails = "{}";

function resultOf(outcome: Outcome, audited: AuditedPolicy | undefined): Result | null {
  const { policy, rule, result, actionName, message, details, properties } = outcome;
  const isKyvernos = policy.dialect === "kyverno";
  const about = isKyvernos ? (details as KyvernoDetails | null) : null;
  // What a rule generates or mutates is no judgement about the object.
  if (about !== null && about.type !== "Validation" && about.type !== "ImageVerify") return null;
  const asks = audited?.readsRequester === true;
  return {
    policy,
    unit: audited?.unit ?? unitOf(policy),
    rule,
    result: asks ? "skip" : result,
    actionName,
    scoped: properties["scopedActions"]?.split(",") ?? nothing,
    message: asks ? notAuditableText : message,
    details: isKyvernos || asks ? "" : detailsText(details),
    properties: properties["scopedActions"] === undefined ? properties : withoutScoped(properties),
    exceptions: about?.exceptions ?? nothing,
    notAuditable: asks,
  };
}

function detailsText(details: unknown): string {
  if (details === null || details === undefined) return "";
  const text = JSON.stringify(details);
  return text === emptyDetails ? emptyDetails : text;
}

function withoutScoped(properties: Outcome["properties"]): Outcome["properties"] {
  const { scopedActions: _scoped, ...others } = properties;
  return others;
}

/** Two results with one key say the same. */
function keyOf(result: Result): string {
  const { policy, rule, result: said, actionName, scoped, message, details, properties, exceptions } = result;
  return JSON.stringify([policy, rule, said, actionName, scoped, message, details, properties, exceptions]);
}

function isEqual(a: Result, b: Result): boolean {
  if (a === b) return true;
  // Most that differ differ in these.
  if (a.message !== b.message || a.result !== b.result || a.details !== b.details) return false;
  return keyOf(a) === keyOf(b);
}

export function sameResults(a: readonly Result[], b: readonly Result[]): boolean {
  return a.length === b.length && a.every((result, at) => isEqual(result, b[at] as Result));
}

/** Those of the first that are not in the second. */
export function newResults(results: readonly Result[], before: readonly Result[]): readonly Result[] {
  if (before.length === 0) return results;
  const known = new Set(before.map(keyOf));
  return results.filter((result) => !known.has(keyOf(result)));
}
