// What a template sees as `input.review`, and what a constraint is matched against. Gatekeeper marshals an
// AdmissionRequest, so the keys are those that Go writes: name, namespace, subResource, requestKind, requestResource
// and dryRun only when they are set; kind, resource, object, oldObject, options and userInfo always; and its driver adds
// `namespaceObject`, which is `{}` and not null when no Namespace is known. On DELETE the object is the old object.
// Gatekeeper: pkg/target/{target,matcher}.go, pkg/webhook/policy.go; frameworks: drivers/rego/driver.go Query.
//
// It is made once for a request, lazily, and shared by all templates. Objects stay the trees that they are.

import { type Labels, generateNameOf, gvkOf, isObject, labelsOf, nameOf, namespaceOf } from "@portcullis/kube";
import { type Need, Suspend } from "@portcullis/lang";
import type { PlainObject, Value } from "@portcullis/rego";
import type { Profile } from "../engine/frontend.ts";
import type { Evaluation, EvaluationRequest, Gvk, Gvr, Json, UserInfo } from "../engine/request.ts";

export interface Review {
  /** `input.review`. */
  readonly value: Value;
  /** The object and the old object, those that are there: a constraint has to match one of them. */
  readonly candidates: readonly Candidate[];
  readonly namespace: KnownNamespace | null;
  readonly source: "Original" | "Generated";
}

/** One object as `match` sees it. */
export interface Candidate {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
  readonly generateName: string;
  readonly namespace: string;
  readonly labels: Labels;
  /** A Namespace of the core group: its name and labels stand for those of the namespace that it is. */
  readonly isNamespace: boolean;
  /** Gatekeeper's text when the object cannot be read at all. */
  readonly unreadable: string | null;
}

export interface KnownNamespace {
  readonly name: string;
  readonly labels: Labels;
  readonly object: Json;
}

/** DELETE without oldObject, which only API servers before 1.15 send. */
export const missingOldObject = "oldObject cannot be nil for DELETE operations";

/** The review of a request, made once per evaluation. Throws Suspend when the Namespace has to be fetched. */
export function reviewOf(request: EvaluationRequest, evaluation: Evaluation, profile: Profile): Review {
  const known = evaluation.shared.get(request);
  if (known !== undefined) return known as Review;
  const review = makeReview(request, evaluation, profile);
  evaluation.shared.set(request, review);
  return review;
}

function makeReview(request: EvaluationRequest, evaluation: Evaluation, profile: Profile): Review {
  const object = request.operation === "DELETE" ? request.oldObject : request.object;
  const namespaceName = isNamespaceKind(request.kind) ? "" : request.namespace;
  const namespace = namespaceFor(request, namespaceName, { evaluation, profile });
  const candidates = [...new Set([object, request.oldObject])].flatMap((one) => (one === null ? [] : [candidate(one)]));
  // gator never hands a Namespace that it found to the driver; one that a suite gives is meant for it.
  const isHidden = profile === "gator" && request.namespaceObject === undefined;
  const namespaceObject = isHidden || namespace === null ? {} : namespace.object;
  // The webhook takes the namespace from requests about Namespaces; gator leaves a review as it stands in its file.
  const shownName = profile === "gator" ? request.namespace : namespaceName;
  return {
    value: reviewValue(request, { object, namespaceName: shownName, namespaceObject }),
    candidates,
    namespace,
    source: request.implied === null ? "Original" : "Generated",
  };
}

interface ReviewParts {
  readonly object: Json;
  readonly namespaceName: string;
  readonly namespaceObject: Json;
}

function reviewValue(request: EvaluationRequest, { object, namespaceName, namespaceObject }: ReviewParts): Value {
  const value: Record<string, Json> = {
    uid: request.uid,
    kind: gvkValue(request.kind),
    resource: gvrValue(request.resource),
    operation: request.operation ?? "",
    userInfo: userValue(request.user),
    object,
    oldObject: request.oldObject,
    options: request.options,
    namespaceObject,
  };
  if (request.subResource !== "") value["subResource"] = request.subResource;
  if (request.requestKind !== null) value["requestKind"] = gvkValue(request.requestKind);
  if (request.requestResource !== null) value["requestResource"] = gvrValue(request.requestResource);
  const { requestSubResource } = request;
  if (requestSubResource !== undefined && requestSubResource !== "") value["requestSubResource"] = requestSubResource;
  if (request.name !== "") value["name"] = request.name;
  if (namespaceName !== "") value["namespace"] = namespaceName;
  if (request.dryRun !== null) value["dryRun"] = request.dryRun;
  return value as PlainObject;
}

function gvkValue(kind: Gvk | null): Json {
  return { group: kind?.group ?? "", version: kind?.version ?? "", kind: kind?.kind ?? "" };
}

function gvrValue(resource: Gvr | null): Json {
  return { group: resource?.group ?? "", version: resource?.version ?? "", resource: resource?.resource ?? "" };
}

function userValue(user: UserInfo | null): Json {
  const value: Record<string, Json> = {};
  if (user === null) return value;
  if (user.username !== "") value["username"] = user.username;
  if (user.uid !== "") value["uid"] = user.uid;
  if (user.groups.length > 0) value["groups"] = user.groups;
  if (isObject(user.extra) && Object.keys(user.extra).length > 0) value["extra"] = user.extra;
  return value;
}

// ── the Namespace

/** Asks for a Namespace by name. The empty name is asked only for gator, which gives cluster-scoped objects an empty one. */
export function namespaceNeed(name: string): Need {
  const call = { group: "", version: "v1", kind: "Namespace", namespace: "", name };
  return { kind: "object", key: `v1/Namespace//${name}`, call };
}

interface Looking {
  readonly evaluation: Evaluation;
  readonly profile: Profile;
}

/** The Namespace that came with a request, or the one of a name. Null when it is not known. Throws Suspend. */
export function namespaceFor(
  { namespaceObject }: EvaluationRequest,
  name: string,
  { evaluation, profile }: Looking,
): KnownNamespace | null {
  return namespaceObject === undefined ? lookUpNamespace(name, evaluation, profile) : knownNamespace(namespaceObject);
}

/** Null when it is not known. Throws Suspend when it has to be fetched. */
function lookUpNamespace(name: string, evaluation: Evaluation, profile: Profile): KnownNamespace | null {
  if (name === "" && profile !== "gator") return null;
  const [answer] = evaluation.world.ask([namespaceNeed(name)]);
  if (answer === undefined) throw new Suspend([namespaceNeed(name)]);
  return "value" in answer ? knownNamespace(answer.value) : null;
}

function knownNamespace(object: Json): KnownNamespace | null {
  return isObject(object) ? { name: nameOf(object), labels: labelsOf(object), object } : null;
}

// ── objects

export function candidate(object: Json): Candidate {
  const { group, kind } = gvkOf(object);
  const unreadable =
    kind === "" ? `invalid request object: failed to unmarshal gkReview object ${JSON.stringify(object)}` : null;
  return {
    group,
    kind,
    name: nameOf(object),
    generateName: generateNameOf(object),
    namespace: namespaceOf(object),
    labels: labelsOf(object),
    isNamespace: kind === "Namespace" && group === "",
    unreadable,
  };
}

function isNamespaceKind(kind: Gvk | null): boolean {
  return kind !== null && kind.kind === "Namespace" && kind.group === "";
}
