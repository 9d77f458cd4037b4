// A policy against a request. Validation asks the rules in order, each with the context put back after the one before, and
// stops early where the policy applies one rule only. What rules say becomes outcomes: whether one denies depends on the
// failure action that counts for its rule and, for errors, on the policy's failure policy; a policy that only audits never
// denies. Kyverno: pkg/engine/{validation,mutation}.go, pkg/webhooks/resource/validation.

import { namespaceOf, valueAt } from "@portcullis/kube";
import type { Profile } from "../engine/frontend.ts";
import type { Action, Outcome } from "../engine/outcome.ts";
import type { Policy } from "../engine/policy.ts";
import type { Evaluation, EvaluationRequest, Json } from "../engine/request.ts";
import { imagesEntry } from "./context/images.ts";
import { contextData } from "./context/request.ts";
import { type PolicyException, exempts } from "./exceptions.ts";
import { type GlobalEntries, worldWithEntries } from "./globalcontext.ts";
import { admissionRules } from "./admissionrules.ts";
import type { CompiledPolicy } from "./policy/policy.ts";
import { actionFor } from "./policy/action.ts";
import type { CompiledRule } from "./policy/rule.ts";
import { type RuleResult, type RuleType, ruleError } from "./result.ts";
import { type RuleHandler, invokeRule, putValues } from "./rulerun.ts";
import { Scope } from "./scope.ts";
import type { Screen } from "./screen.ts";
import type { KyvernoSettings } from "./settings.ts";
import { type Subject, requesterOf, subjectOf } from "./subject.ts";
import { checkCel } from "./validate/cel.ts";
import { checkRule } from "./validate/check.ts";
import { checkStandards } from "./validate/standards.ts";

/** A policy with everything that decides together with it. */
export interface LinkedPolicy {
  readonly policy: CompiledPolicy;
  readonly exceptions: readonly PolicyException[];
  readonly settings: KyvernoSettings;
  readonly profile: Profile;
  /** GlobalContextEntries; none when absent. */
  readonly globals?: GlobalEntries;
  /** Requests that are taken out; none when absent. */
  readonly isScreened?: Screen;
}

/** The validating side of a policy. */
export function validationPolicy(linked: LinkedPolicy): Policy {
  const { policy } = linked;
  return {
    id: { dialect: "kyverno", kind: policy.kind, namespace: ownNamespace(policy), name: policy.name },
    scope: policy.scope,
    admission: admissionRules(policy, "validate"),
    reads: [],
    onError: policy.enforces ? policy.onError : "allow",
    failurePolicy: policy.onError === "deny" ? "Fail" : "Ignore",
    ...(policy.timeoutMs === null ? {} : { timeoutMs: policy.timeoutMs }),
    evaluate: (request, evaluation) => validateRequest(linked, request, evaluation),
  };
}

function ownNamespace({ kind, namespace }: CompiledPolicy): string {
  return kind === "Policy" ? namespace : "";
}

const nothing: readonly Outcome[] = [];

/** What the rules of a policy that validate say of a request. Throws Suspend, LimitError. */
export function validateRequest(
  linked: LinkedPolicy,
  request: EvaluationRequest,
  evaluation: Evaluation,
): readonly Outcome[] {
  const started = start(linked, request, evaluation);
  if (started === null) return [];
  const { policy } = linked;
  let results: RuleResult[] | null = null;
  for (const rule of policy.rulesFor(started.subject.gvk.kind)) {
    const handler = validationHandler(rule);
    if (handler === null) continue;
    const result = runRule(linked, started, rule, handler);
    if (result === null) continue;
    if (results === null) results = [result];
    else results.push(result);
    if (policy.appliesOne && (result.status === "pass" || result.status === "fail")) break;
  }
  return results === null ? nothing : results.map((result) => outcomeOf(linked, started, result));
}

/** A policy's run over one request. */
export interface Started {
  readonly scope: Scope;
  readonly subject: Subject;
}

/** Null where the policy has nothing to do with the request. Throws Suspend. */
export function start(linked: LinkedPolicy, request: EvaluationRequest, given: Evaluation): Started | null {
  const { policy, settings, profile, globals } = linked;
  const evaluation = globals === undefined ? given : { ...given, world: worldWithEntries(given, globals) };
  if (request.point === "webhook" && !policy.admission) return null;
  if (request.point === "audit" && !policy.background) return null;
  const asked = subjectOf(request, evaluation, profile);
  if (!isInNamespace(policy, asked) || (linked.isScreened?.(asked, request) ?? false)) return null;
  const scope = scopeOf(linked, request, evaluation);
  const { given: values } = settings;
  if (values === undefined) return { scope, subject: asked };
  putValues(scope, values.forPolicy(policy.name, request));
  // Values may have changed the object itself.
  const object = asked.object === null ? null : valueAt(scope.data, "request", "object");
  return { scope, subject: { ...asked, object } };
}

function isInNamespace({ kind, namespace }: CompiledPolicy, { object, oldObject }: Subject): boolean {
  if (kind !== "Policy") return true;
  return [object, oldObject].every((one) => one === null || namespaceOf(one) === namespace);
}

function scopeOf(
  { policy, settings, profile }: LinkedPolicy,
  request: EvaluationRequest,
  evaluation: Evaluation,
): Scope {
  const requester = requesterOf(request, evaluation);
  const scope = new Scope({
    request,
    evaluation,
    profile,
    policyNamespace: ownNamespace(policy),
    entry: imagesEntry(request.operation === "DELETE" ? null : request.object, settings),
    data: contextData({ request, requester, withRoles: policy.readsRoles }),
    sizeMax: settings.maxContextSize,
    peerAnswers: settings.peerAnswers,
  });
  scope.checkpoint();
  return scope;
}

const none: readonly PolicyException[] = [];

/** One rule, with the exceptions that name it. */
export function runRule(
  { policy, exceptions, settings }: LinkedPolicy,
  { scope, subject }: Started,
  rule: CompiledRule,
  handler: { readonly type: RuleType; readonly handle: RuleHandler },
): RuleResult | null {
  const key = policy.kind === "Policy" ? `${policy.namespace}/${policy.name}` : policy.name;
  const named = exceptions.length === 0 ? none : exceptions.filter((exception) => exempts(exception, key, rule.name));
  return invokeRule({ policy, rule, type: handler.type, scope, subject, settings, exceptions: named }, handler.handle);
}

// ── what rules do

interface Handler {
  readonly type: RuleType;
  readonly handle: RuleHandler;
}

const handlers = new WeakMap<CompiledRule, Handler | null>();

/** Null for rules that validation leaves alone; made once for each rule. */
function validationHandler(rule: CompiledRule): Handler | null {
  const known = handlers.get(rule);
  if (known !== undefined) return known;
  const handler = handlerOf(rule);
  handlers.set(rule, handler);
  return handler;
}

function handlerOf({ does }: CompiledRule): Handler | null {
  switch (does.what) {
    case "validate":
      return {
        type: "Validation",
        handle: (run) => skippedByException(run) ?? checkRule(run, does.check, does.allowExistingViolations),
      };
    case "podSecurity":
      return {
        type: "Validation",
        handle: (run) => checkStandards(run, does.standards, does.allowExistingViolations),
      };
    case "cel":
      return { type: "Validation", handle: (run) => skippedByException(run) ?? checkCel(run, does.cel) };
    case "unsupported":
      return unsupported(does.type, does.field);
    default:
      return null;
  }
}

/** A rule that is not built says so: nothing passes unseen. */
function unsupported(type: RuleType, field: string): Handler {
  return { type, handle: ({ id }) => ruleError(id, `${field} is not supported yet`) };
}

/** The skip that exceptions give, with Kyverno's missing space. */
export function skippedByException({ exceptions, id }: Parameters<RuleHandler>[0]): RuleResult | null {
  if (exceptions.length === 0) return null;
  const keys = exceptions.map(({ key }) => key);
  return {
    rule: id.name,
    type: id.type,
    status: "skip",
    message: `rule is skipped due to policy exceptions${keys.join(", ")}`,
    properties: id.properties,
    effects: [],
    exceptions: keys,
  };
}

// ── outcomes

/** What an outcome of this dialect has in its details. */
export interface KyvernoDetails {
  readonly type: RuleType;
  /** Whether the policy may deny, so that a denial lists it. */
  readonly enforces: boolean;
  readonly exceptions: readonly string[];
  readonly podSecurity?: Json;
}

export function outcomeOf({ policy }: LinkedPolicy, { subject }: Started, result: RuleResult): Outcome {
  const object = subject.object ?? subject.oldObject;
  const rule = ruleNamed(policy, subject.gvk.kind, result.rule);
  const action =
    rule === null
      ? (policy.failureAction.own ?? "Audit")
      : actionFor(rule.failureAction, policy.failureAction, {
          namespace: namespaceOf(object),
          namespaceLabels: subject.asking.namespaceLabels,
        });
  const { podSecurity, type, exceptions } = result;
  const { enforces } = policy;
  const details: KyvernoDetails =
    podSecurity === undefined ? { type, enforces, exceptions } : { type, enforces, exceptions, podSecurity };
  return {
    policy: { dialect: "kyverno", kind: policy.kind, namespace: ownNamespace(policy), name: policy.name },
    rule: result.rule,
    result: result.status,
    actions: actionsOf(policy, result, action === "Enforce"),
    actionName: action,
    message: result.message,
    details,
    properties: result.properties,
    effects: result.effects,
  };
}

function ruleNamed(policy: CompiledPolicy, kind: string, name: string): CompiledRule | null {
  return (
    policy.rulesFor(kind).find((rule) => rule.name === name) ?? policy.rules.find((rule) => rule.name === name) ?? null
  );
}

function actionsOf(policy: CompiledPolicy, { status, type }: RuleResult, enforced: boolean): readonly Action[] {
  const mutates = type === "Mutation";
  const asked = mutates || policy.enforces;
  if (status === "fail" && enforced && !mutates) return ["deny"];
  if (status === "error" && asked && policy.onError === "deny") return ["deny"];
  const isBad = status === "fail" || status === "error" || status === "warn";
  const warns = mutates
    ? isBad || (policy.emitsWarnings && status !== "skip")
    : isBad && (asked || policy.emitsWarnings);
  return warns ? ["warn", "record"] : ["record"];
}
