// Answers what policies ask for from the objects of data files, as far as those can tell: Namespaces, the inventory,
// ConfigMaps and whatever else Kyverno's policies call the API server for. What files cannot tell is an error that says so,
// and never an empty answer: a list is taken for whole only where there is some object of its kind.

import { guessResource, gvkOf, namespaceOf, stringAt, valueAt } from "@portcullis/kube";
import type { Answer, Need } from "@portcullis/lang";
import { answerFrom, externalDataKind, snapshotOf } from "@portcullis/policy";
import type { ObjectStore } from "./objectstore.ts";

/** As `answerNeeds`, but null instead of an error where the need is of a kind that can be fetched. */
export function answerOrFetch(
  objects: readonly unknown[],
  fetches: ReadonlySet<string>,
): (need: Need) => Answer | null {
  const known = answerNeeds(objects);
  if (fetches.size === 0) return known;
  return (need) => {
    const answer = known(need);
    return "error" in answer && fetches.has(need.kind) ? null : answer;
  };
}

/** With a cluster, files stand in for nothing that can be fetched: what is not among the synchronised objects is fetched. */
export function answerFromCluster(
  store: ObjectStore,
  objects: readonly unknown[],
  fetches: ReadonlySet<string>,
): (need: Need) => Answer | null {
  const known = answerNeeds(objects);
  return (need) => store.answer(need) ?? (fetches.has(need.kind) ? null : known(need));
}

export function answerNeeds(objects: readonly unknown[]): (need: Need) => Answer {
  const snapshot = snapshotOf(objects);
  const standIn = answerFrom({ objects, calls: new Map(), entries: new Map() });
  const resources = new Set(objects.map((object) => guessResource(gvkOf(object).kind)));
  return (need) => {
    switch (need.kind) {
      case "kyverno.apiCall":
        return isAnswerable(need.call, resources) ? standIn(need) : disconnected(need);
      case "kyverno.targets":
        return standIn(need);
      case "kyverno.roles":
        return rolesOf(objects, need) ?? disconnected(need);
      case "object":
        return snapshot.answer(need) ?? standIn(need);
      case externalDataKind:
        return snapshot.answer(need) ?? unasked(need);
      default:
        return snapshot.answer(need) ?? disconnected(need);
    }
  };
}

function unasked({ call }: Need): Answer {
  const name = stringAt(call, "provider");
  return {
    error: `provider ${name} is not asked here, and no ExternalDataAnswers of that name say what it would answer`,
  };
}

function disconnected({ kind, key }: Need): Answer {
  return { error: `${kind} ${key}: no cluster is connected` };
}

/** `/api/v1/…` or `/apis/group/version/…`, of a resource that there is some object of. */
function isAnswerable(call: unknown, resources: ReadonlySet<string>): boolean {
  const [, root = "", ...rest] = stringAt(call, "urlPath").split("?")[0]?.split("/") ?? [];
  const steps = rest.slice(root === "api" ? 1 : 2);
  const resource = steps[0] === "namespaces" && steps.length > 2 ? steps[2] : steps[0];
  return (root === "api" || root === "apis") && resource !== undefined && resources.has(resource);
}

/** What is bound to a user; null when no bindings are known at all. Kyverno: pkg/userinfo/roleRef.go. */
export function rolesOf(objects: readonly unknown[], { call }: Need): Answer | null {
  const bindings = objects.filter((object) => ["RoleBinding", "ClusterRoleBinding"].includes(gvkOf(object).kind));
  if (bindings.length === 0) return null;
  const roles = new Set<string>();
  const clusterRoles = new Set<string>();
  for (const binding of bindings.filter((one) => isBound(one, call))) {
    const isOfCluster = gvkOf(binding).kind === "ClusterRoleBinding";
    const name = stringAt(binding, "roleRef", "name");
    const kind = stringAt(binding, "roleRef", "kind");
    const namespace = namespaceOf(binding);
    if (kind === "Role" && !isOfCluster) roles.add(`${namespace}:${name}`);
    if (kind === "ClusterRole" && (isOfCluster || namespace === stringAt(call, "namespace"))) clusterRoles.add(name);
  }
  return { value: { roles: [...roles].toSorted(), clusterRoles: [...clusterRoles].toSorted() } };
}

function isBound(binding: unknown, call: unknown): boolean {
  const username = stringAt(call, "username");
  const groups = (valueAt(call, "groups") ?? []) as readonly string[];
  return ((valueAt(binding, "subjects") ?? []) as readonly unknown[]).some((subject) => {
    const name = stringAt(subject, "name");
    switch (stringAt(subject, "kind")) {
      case "User":
        return username === name;
      case "Group":
        return groups.includes(name);
      case "ServiceAccount": {
        const namespace = stringAt(subject, "namespace") || namespaceOf(binding);
        return username === `system:serviceaccount:${namespace}:${name}`;
      }
      default:
        return false;
    }
  });
}
