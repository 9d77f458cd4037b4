// What `authorizer` of a rule in CEL asks: the API server, by a SubjectAccessReview with the user's groups. (Kyverno asks
// about the rule's own kind, whatever the expression names, and leaves the groups out: docs/compatibility.md K41.)

import { goJson, stringAt, valueAt } from "@portcullis/kube";
import type { AuthorizationAnswer, AuthorizationQuestion, Authorize } from "@portcullis/cel/kubernetes";
import type { Json } from "../../engine/request.ts";
import { ask } from "../context/entries.ts";
import { failureOf } from "../failure.ts";
import type { Scope } from "../scope.ts";

const urlPath = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

/** Throws Suspend where nobody has asked yet. */
export function authorizeBy(scope: Scope): Authorize {
  return (question) => {
    const spec = specOf(question);
    const data = [
      { key: "apiVersion", value: "authorization.k8s.io/v1" },
      { key: "kind", value: "SubjectAccessReview" },
      { key: "spec", value: spec },
    ];
    const call = { method: "POST", urlPath, service: null, data, policyNamespace: scope.policyNamespace };
    try {
      return answerOf(ask(scope, { kind: "kyverno.apiCall", key: goJson(call), call }));
    } catch (error) {
      return { allowed: false, reason: "", error: failureOf(error).message };
    }
  };
}

function specOf({ user, verb, about }: AuthorizationQuestion): Json {
  const { username, uid, groups, extra } = user;
  const who = { user: username, uid, groups, extra };
  if ("path" in about) return { ...who, nonResourceAttributes: { path: about.path, verb } };
  const { group, resource, subresource, namespace, name, fieldSelector, labelSelector } = about;
  return {
    ...who,
    resourceAttributes: {
      verb,
      group,
      resource,
      subresource,
      namespace,
      name,
      ...(fieldSelector === "" ? {} : { fieldSelector: { rawSelector: fieldSelector } }),
      ...(labelSelector === "" ? {} : { labelSelector: { rawSelector: labelSelector } }),
    },
  };
}

function answerOf(review: Json): AuthorizationAnswer {
  const status = valueAt(review, "status");
  return {
    allowed: valueAt(status, "allowed") === true,
    reason: stringAt(status, "reason"),
    error: stringAt(status, "evaluationError"),
  };
}
