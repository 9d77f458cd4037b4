// The first layer of a rule's context: `request` and the names of the service account. At admission it is the
// AdmissionRequest as Go writes it, with `object` and `oldObject` null when there are none. In a background scan and on
// the command line there is less: the object (on DELETE only the old one), the operation, the namespace; who asks only if
// it was said. Kyverno: pkg/engine/policycontext/policy_context.go.

import { isObject, namespaceOf, nameOf } from "@portcullis/kube";
import type { EvaluationRequest, Gvk, Gvr, Json, Operation, UserInfo } from "../../engine/request.ts";
import { createLatest } from "../latest.ts";
import type { Requester } from "../match/filter.ts";
import type { ContextData } from "../scope.ts";

/** The operation as policies see it: a request that nobody made counts as CREATE. */
export function operationOf(request: EvaluationRequest): Operation {
  return request.operation ?? "CREATE";
}

export interface ContextOptions {
  readonly request: EvaluationRequest;
  /** Null when nobody asks. */
  readonly requester: Requester | null;
  /** Whether a policy looks at the roles of the requester, which may have to be fetched. */
  readonly withRoles: boolean;
}

const known = createLatest<EvaluationRequest, ContextData>();

/** Made once for all policies that do not look at roles, since a context is never written into. */
export function contextData(options: ContextOptions): ContextData {
  const { request, requester, withRoles } = options;
  if (withRoles && requester !== null) return newContextData(options);
  return known.get(request) ?? known.set(request, newContextData(options));
}

function newContextData({ request, requester, withRoles }: ContextOptions): ContextData {
  const asked = requester === null ? {} : requesterFields(requester, withRoles);
  const admitted = request.point === "webhook" ? admissionFields(request) : plainFields(request);
  const data: Record<string, Json> = { request: { ...admitted, ...asked } };
  return requester === null ? data : { ...data, ...serviceAccount(requester.user.username) };
}

function admissionFields(request: EvaluationRequest): Record<string, Json> {
  const { subResource, requestKind, requestResource, requestSubResource, name, namespace, dryRun } = request;
  const fields: Record<string, Json> = {
    uid: request.uid,
    kind: kindFields(request.kind),
    resource: resourceFields(request.resource),
    operation: request.operation ?? "",
    object: request.object,
    oldObject: request.oldObject,
    options: request.options,
  };
  if (subResource !== "") fields["subResource"] = subResource;
  if (requestKind !== null) fields["requestKind"] = kindFields(requestKind);
  if (requestResource !== null) fields["requestResource"] = resourceFields(requestResource);
  if (requestSubResource !== undefined && requestSubResource !== "") fields["requestSubResource"] = requestSubResource;
  if (name !== "") fields["name"] = name;
  if (namespace !== "") fields["namespace"] = namespace;
  if (dryRun !== null) fields["dryRun"] = dryRun;
  return fields;
}

function plainFields(request: EvaluationRequest): Record<string, Json> {
  const operation = operationOf(request);
  const deletes = operation === "DELETE";
  const old = request.oldObject ?? (deletes ? {} : null);
  return {
    ...(deletes ? {} : { object: request.object }),
    ...(old === null ? {} : { oldObject: old }),
    namespace: deletes ? "" : namespaceOf(request.object),
    operation,
  };
}

function kindFields(kind: Gvk | null): Json {
  return { group: kind?.group ?? "", version: kind?.version ?? "", kind: kind?.kind ?? "" };
}

function resourceFields(resource: Gvr | null): Json {
  return { group: resource?.group ?? "", version: resource?.version ?? "", resource: resource?.resource ?? "" };
}

function requesterFields(requester: Requester, withRoles: boolean): Record<string, Json> {
  const fields: Record<string, Json> = { userInfo: userFields(requester.user) };
  if (!withRoles) return fields;
  const roles = requester.roles();
  const clusterRoles = requester.clusterRoles();
  if (roles.length > 0) fields["roles"] = roles;
  if (clusterRoles.length > 0) fields["clusterRoles"] = clusterRoles;
  return fields;
}

function userFields({ username, uid, groups, extra }: UserInfo): Json {
  return {
    ...(username === "" ? {} : { username }),
    ...(uid === "" ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(isObject(extra) && Object.keys(extra).length > 0 ? { extra } : {}),
  };
}

/** `system:serviceaccount:<namespace>:<name>`; what is shorter has neither. Kyverno cuts off as many characters unseen. */
function serviceAccount(username: string): Record<string, Json> {
  const [namespace, name] = username.slice("system:serviceaccount:".length).split(":");
  const both = namespace !== undefined && name !== undefined;
  return { serviceAccountName: both ? name : "", serviceAccountNamespace: both ? namespace : "" };
}

/** `Kind/namespace/name` of an object in denials. */
export function resourceText(object: Json): string {
  const kind = isObject(object) && typeof object["kind"] === "string" ? object["kind"] : "";
  return `${kind}/${namespaceOf(object)}/${nameOf(object)}`;
}
