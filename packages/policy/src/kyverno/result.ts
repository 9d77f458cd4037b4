// What one rule says about one request. Kyverno's RuleResponse: pkg/engine/api/ruleresponse.go.

import type { Effect } from "../engine/outcome.ts";
import type { Json } from "../engine/request.ts";

export type RuleStatus = "pass" | "fail" | "warn" | "error" | "skip";

/** As in reports and metrics. */
export type RuleType = "Validation" | "Mutation" | "Generation" | "ImageVerify" | "Deletion";

export interface RuleResult {
  readonly rule: string;
  readonly type: RuleType;
  readonly status: RuleStatus;
  readonly message: string;
  /** `reportProperties` with variables resolved, and what the handler adds. */
  readonly properties: Readonly<Record<string, string>>;
  /** What the rule wants to exist: generated objects, patches of existing ones. */
  readonly effects: readonly Effect[];
  /** `namespace/name` of the exceptions that made the rule skip. */
  readonly exceptions: readonly string[];
  /** The object after a mutate rule; undefined for other rules. */
  readonly patched?: Json;
  /** The checks of a podSecurity rule. */
  readonly podSecurity?: PodSecurityReport;
}

export interface PodSecurityReport {
  readonly level: string;
  readonly version: string;
  readonly checks: readonly PodSecurityCheck[];
}

export interface PodSecurityCheck {
  readonly id: string;
  readonly allowed: boolean;
  readonly reason: string;
  readonly detail: string;
  readonly images: readonly string[];
}

/** What names a rule in its results. */
export interface RuleId {
  readonly name: string;
  readonly type: RuleType;
  readonly properties: Readonly<Record<string, string>>;
}

export function ruleResult({ name, type, properties }: RuleId, status: RuleStatus, message: string): RuleResult {
  return { rule: name, type, status, message, properties, effects: [], exceptions: [] };
}

/** `message: cause`, as Kyverno reports an error with its cause. */
export function ruleError(id: RuleId, message: string, cause?: string): RuleResult {
  return ruleResult(id, "error", cause === undefined ? message : `${message}: ${cause}`);
}
