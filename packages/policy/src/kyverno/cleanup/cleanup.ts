// CleanupPolicy and ClusterCleanupPolicy: on a schedule, objects that match and for which conditions hold are deleted. Each
// object is asked about on its own, with it as `target` in the context, and comes out as a `delete` effect. Nobody asks, so
// that what names users matches nothing. Kyverno: api/kyverno/v2 CleanupPolicySpec, pkg/controllers/cleanup/controller.go,
// pkg/utils/match/match.go.

import { gvkOf, isObject, nameOf, namespaceOf, stringAt, valueAt } from "@portcullis/kube";
import type { Profile } from "../../engine/frontend.ts";
import type { Outcome } from "../../engine/outcome.ts";
import type { Policy } from "../../engine/policy.ts";
import type { Evaluation, EvaluationRequest, Json } from "../../engine/request.ts";
import { type Conditions, checkConditions, compileConditions } from "../condition/conditions.ts";
import { type SourcedEntry, addEntries, compileEntries } from "../context/entries.ts";
import { imagesEntry } from "../context/images.ts";
import { failureOf } from "../failure.ts";
import { type GlobalEntries, worldWithEntries } from "../globalcontext.ts";
import { type Filter, compileFilter, listOf } from "../match/filter.ts";
import { matchesKind, scopeKinds } from "../match/kinds.ts";
import type { RuleStatus } from "../result.ts";
import { Scope } from "../scope.ts";
import { type KyvernoSettings, isFiltered } from "../settings.ts";
import { type Subject, candidateOf, subjectOf } from "../subject.ts";
import { compileTemplate } from "../template.ts";

export interface CompiledCleanup {
  readonly unit: "cleanup";
  readonly kind: "CleanupPolicy" | "ClusterCleanupPolicy";
  /** "" for a ClusterCleanupPolicy. */
  readonly namespace: string;
  readonly name: string;
  readonly schedule: string;
  readonly match: Group;
  /** Null when there is none. */
  readonly exclude: Group | null;
  readonly context: readonly SourcedEntry[];
  readonly conditions: Conditions | null;
  /** `Foreground`, `Background`, `Orphan`, or "" for the kind's own way. */
  readonly propagation: string;
}

interface Group {
  readonly any: readonly Filter[];
  readonly all: readonly Filter[];
}

export function compileCleanup(object: Json, peerAnswers: boolean): CompiledCleanup {
  const spec = valueAt(object, "spec");
  const kind = stringAt(object, "kind") === "CleanupPolicy" ? "CleanupPolicy" : "ClusterCleanupPolicy";
  const exclude = valueAt(spec, "exclude");
  return {
    unit: "cleanup",
    kind,
    namespace: kind === "CleanupPolicy" ? namespaceOf(object) || "default" : "",
    name: nameOf(object),
    schedule: stringAt(spec, "schedule"),
    match: compileGroup(valueAt(spec, "match")),
    exclude: isObject(exclude) ? compileGroup(exclude) : null,
    context: compileEntries(valueAt(spec, "context")),
    conditions: compileConditions(filledConditions(valueAt(spec, "conditions")), compileTemplate, {
      peerAnswers,
    }),
    propagation: stringAt(spec, "deletionPropagationPolicy"),
  };
}

/** An empty `any` counts as none here. */
function filledConditions(tree: Json): Json {
  if (!isObject(tree) || listOf(tree, "any").length > 0) return tree;
  const { any: _none, ...rest } = tree;
  return rest;
}

function compileGroup(tree: Json): Group {
  const compiled = (field: string): readonly Filter[] =>
    listOf(tree, field).map((filter) => compileFilter(filter, "exception"));
  return { any: compiled("any"), all: compiled("all") };
}

export interface LinkedCleanup {
  readonly cleanup: CompiledCleanup;
  readonly settings: KyvernoSettings;
  readonly profile: Profile;
  readonly globals?: GlobalEntries;
}

/** The policy as the engine asks it about objects, with the point `schedule`. */
export function cleanupPolicy(linked: LinkedCleanup): Policy {
  const { kind, namespace, name, schedule, match } = linked.cleanup;
  const id = { dialect: "kyverno", kind, namespace, name };
  // Only objects of kinds that are named somewhere are looked at, whatever the filters without kinds would take.
  const selectors = [...match.any, ...match.all].flatMap((filter) => filter.kinds);
  const kinds = scopeKinds(selectors);
  return {
    id,
    scope: kinds === null ? {} : { kinds: [...new Set(kinds)].toSorted() },
    admission: [],
    reads: [],
    schedule,
    onError: "allow",
    evaluate: (request, evaluation) => {
      if (request.point !== "schedule" || !matchesKind(selectors, gvkOf(request.object), "")) return [];
      const { status, message } = judgeCleanup(linked, request, evaluation);
      return status === "fail" ? [] : [outcomeOf(linked.cleanup, id, { status, message, object: request.object })];
    },
  };
}

interface Judged {
  /** `pass`: the object goes; `fail`: it stays. */
  readonly status: RuleStatus;
  readonly message: string;
}

function outcomeOf(
  { name, propagation }: CompiledCleanup,
  policy: Outcome["policy"],
  { status, message, object }: Judged & { readonly object: Json },
): Outcome {
  const target = { ...gvkOf(object), namespace: namespaceOf(object), name: nameOf(object) };
  const uid = stringAt(object, "metadata", "uid");
  const ref = uid === "" ? target : { ...target, uid };
  return {
    policy,
    rule: name,
    result: status === "pass" ? "pass" : "error",
    actions: ["record"],
    actionName: "Delete",
    message,
    details: null,
    properties: {},
    effects: status === "pass" ? [{ kind: "delete", target: ref, propagation }] : [],
  };
}

/** Whether an object is to be deleted, in the words of Kyverno's command line. Throws Suspend, LimitError. */
export function judgeCleanup(linked: LinkedCleanup, request: EvaluationRequest, evaluation: Evaluation): Judged {
  const { cleanup, settings, profile } = linked;
  const { object } = request;
  const subject = subjectOf(request, evaluation, profile);
  const stays: Judged = { status: "fail", message: "resource did not match" };
  try {
    if (object === null || !isMatched(cleanup, subject) || isKept(settings, subject)) return stays;
    const scope = scopeFor(linked, request, evaluation);
    if (!checkConditions(cleanup.conditions, scope).met) return stays;
    return { status: "pass", message: "resource matched" };
  } catch (error) {
    return { status: "error", message: failureOf(error).message };
  }
}

/** Objects that an operator has taken out of everything. */
function isKept(settings: KyvernoSettings, { object, gvk, subresource }: Subject): boolean {
  return isFiltered(settings, { gvk, subresource, namespace: namespaceOf(object), name: nameOf(object) });
}

function isMatched({ namespace, match, exclude }: CompiledCleanup, subject: Subject): boolean {
  if (namespace !== "" && namespaceOf(subject.object) !== namespace) return false;
  // Where nothing is said, everything is meant: an empty `exclude` keeps every object.
  return takes(match, subject) && !(exclude !== null && takes(exclude, subject));
}

function takes({ any, all }: Group, subject: Subject): boolean {
  const candidate = candidateOf(subject.object, subject);
  const test = (filter: Filter): boolean =>
    (filter.describes || filter.namesUsers) &&
    filter.matchesObject(candidate, subject.asking) &&
    filter.matchesUser(null);
  return any.length > 0 ? any.some(test) : all.every(test);
}

function scopeFor(linked: LinkedCleanup, request: EvaluationRequest, given: Evaluation): Scope {
  const { cleanup, settings, profile, globals } = linked;
  const evaluation = globals === undefined ? given : { ...given, world: worldWithEntries(given, globals) };
  const { object } = request;
  const scope = new Scope({
    request,
    evaluation,
    profile,
    policyNamespace: cleanup.namespace,
    data: { request: { namespace: namespaceOf(object) }, target: object },
    peerAnswers: settings.peerAnswers,
  });
  scope.addEntries([imagesEntry(object, settings)]);
  addEntries(scope, cleanup.context, settings.given?.leavesOut ?? new Set());
  scope.checkpoint();
  return scope;
}
