// What a policy is asked about: the object and the old one, the operation, who asks, and the kind that the request is for.
// A subject is made once per request and policy run; rules match it, and a rule that forgives existing violations asks
// again about the old object as if somebody created it. Kyverno: pkg/engine/engine.go matches.

import {
  type Labels,
  annotationsOf,
  generateNameOf,
  gvkOf,
  isObject,
  labelsOf,
  nameOf,
  namespaceOf,
} from "@portcullis/kube";
import { type Need, Suspend } from "@portcullis/lang";
import type { Profile } from "../engine/frontend.ts";
import type { Evaluation, EvaluationRequest, Gvk, Json, UserInfo } from "../engine/request.ts";
import { operationOf } from "./context/request.ts";
import { Failure } from "./failure.ts";
import { createLatest } from "./latest.ts";
import type { Asking, Candidate, Requester } from "./match/filter.ts";
import type { Match } from "./match/match.ts";

export interface Subject {
  /** Null on DELETE. */
  readonly object: Json;
  readonly oldObject: Json;
  /** As policies see it. */
  readonly operation: string;
  readonly gvk: Gvk;
  readonly subresource: string;
  readonly asking: Asking;
}

interface Known {
  readonly world: Evaluation["world"];
  readonly catalog: Evaluation["catalog"];
  readonly profile: Profile;
  readonly subject: Subject;
}

const subjects = createLatest<EvaluationRequest, Known>();

/** Made once for all policies that see the same world. */
export function subjectOf(request: EvaluationRequest, evaluation: Evaluation, profile: Profile): Subject {
  const { world, catalog } = evaluation;
  const known = subjects.get(request);
  if (known?.world === world && known.catalog === catalog && known.profile === profile) return known.subject;
  const subject = newSubject(request, evaluation, profile);
  subjects.set(request, { world, catalog, profile, subject });
  return subject;
}

function newSubject(request: EvaluationRequest, evaluation: Evaluation, profile: Profile): Subject {
  const operation = operationOf(request);
  const object = operation === "DELETE" ? null : request.object;
  const own = gvkOf(object ?? request.oldObject);
  const namespace = namespaceOf(object ?? request.oldObject) || request.namespace;
  return {
    object,
    oldObject: request.oldObject,
    operation,
    gvk: topLevelKind(request, evaluation) ?? own,
    subresource: request.subResource,
    asking: {
      operation,
      user: requesterOf(request, evaluation),
      namespaceLabels: () => namespaceLabels(namespace, evaluation, profile),
    },
  };
}

/** A request to a subresource may hold another kind (`PodExecOptions`); policies name the kind that it belongs to. */
function topLevelKind({ kind, resource, subResource }: EvaluationRequest, { catalog }: Evaluation): Gvk | null {
  if (subResource === "" || resource === null) return kind;
  return catalog.kindOf?.(resource) ?? kind;
}

/** Whether a rule applies; on DELETE the old object is what it applies to. Throws Suspend, Failure. */
export function isMatched(match: Match, subject: Subject, policyNamespace: string): boolean {
  const object = subject.object ?? subject.oldObject;
  if (object === null) return false;
  if (policyNamespace !== "" && policyNamespace !== namespaceOf(object)) return false;
  return match.matches(candidateOf(object, subject), subject.asking);
}

const candidates = createLatest<object, Candidate>();

/** The object as filters see it, made once for each. */
export function candidateOf(object: Json, { gvk, subresource }: Pick<Subject, "gvk" | "subresource">): Candidate {
  const known = isObject(object) ? candidates.get(object) : undefined;
  if (known !== undefined && known.gvk === gvk && known.subresource === subresource) return known;
  const candidate: Candidate = {
    gvk,
    subresource,
    kind: gvkOf(object).kind,
    name: nameOf(object) || generateNameOf(object),
    namespace: namespaceOf(object),
    labels: labelsOf(object),
    annotations: annotationsOf(object),
  };
  if (isObject(object)) candidates.set(object, candidate);
  return candidate;
}

// ── the namespace

/** Asks for a Namespace by name. */
function namespaceNeed(name: string): Need {
  const call = { group: "", version: "v1", kind: "Namespace", namespace: "", name };
  return { kind: "object", key: `v1/Namespace//${name}`, call };
}

/** A Namespace as rules in CEL see it. Kyverno's command line knows only its name. Throws Suspend, Failure. */
export function namespaceObject(name: string, { world }: Evaluation, profile: Profile): Json {
  const unknown = { metadata: { name }, spec: {}, status: {} };
  if (profile === "kyverno-cli") return unknown;
  const need = namespaceNeed(name);
  const [answer] = world.ask([need]);
  if (answer === undefined) throw new Suspend([need]);
  if ("error" in answer) throw new Failure(answer.error);
  return isObject(answer.value) ? { ...unknown, ...answer.value } : unknown;
}

function namespaceLabels(name: string, evaluation: Evaluation, profile: Profile): Labels {
  if (name === "") return {};
  const need = namespaceNeed(name);
  const [answer] = evaluation.world.ask([need]);
  if (answer === undefined) throw new Suspend([need]);
  if ("value" in answer) return labelsOf(answer.value);
  // Kyverno's command line knows only the labels that a values file gives.
  if (profile === "kyverno-cli") return {};
  throw new Failure(`failed to create policy context: ${answer.error}`);
}

// ── who asks

/** Null where nobody asks: a scan, or the command line without a user. */
export function requesterOf(request: EvaluationRequest, evaluation: Evaluation): Requester | null {
  const { user } = request;
  if (user === null || isNobody(user)) return null;
  const bindings = (): Bindings => bindingsOf(user, request.namespace, evaluation);
  return {
    user,
    roles: () => user.roles ?? bindings().roles,
    clusterRoles: () => user.clusterRoles ?? bindings().clusterRoles,
  };
}

function isNobody({ username, uid, groups, roles, clusterRoles }: UserInfo): boolean {
  const none = (list: readonly string[] | undefined): boolean => list === undefined || list.length === 0;
  return username === "" && uid === "" && none(groups) && none(roles) && none(clusterRoles);
}

interface Bindings {
  readonly roles: readonly string[];
  readonly clusterRoles: readonly string[];
}

/**
 * The roles that are bound to a user, from the bindings of the cluster: its RoleBindings to ClusterRoles count in the
 * request's namespace only. Throws Suspend.
 */
function bindingsOf({ username, groups }: UserInfo, namespace: string, { world }: Evaluation): Bindings {
  const call = { username, groups, namespace };
  const need: Need = { kind: "kyverno.roles", key: JSON.stringify([namespace, username, ...groups]), call };
  const [answer] = world.ask([need]);
  if (answer === undefined) throw new Suspend([need]);
  if ("error" in answer) throw new Failure(`failed to get the roles of the user: ${answer.error}`);
  return answer.value as Bindings;
}
