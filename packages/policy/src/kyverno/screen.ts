// Requests that no policy of Kyverno's sees, because its operator took them out: by the object, with resource filters, or by
// who asks. Every policy meets the same request, so that what the filters say is remembered for it. A scan looks at what
// filters take out all the same. Kyverno: pkg/config/config.go ToFilter, IsExcluded, pkg/webhooks/handlers/filter.go,
// pkg/engine/internal/match.go; cmd/reports-controller --skipResourceFilters.

import { nameOf, namespaceOf } from "@portcullis/kube";
import type { EvaluationRequest } from "../engine/request.ts";
import { createLatest } from "./latest.ts";
import { type KyvernoSettings, isFiltered, namesRequester } from "./settings.ts";
import type { Subject } from "./subject.ts";

/** Whether the request is taken out. Throws Suspend, when roles decide and are not known. */
export type Screen = (subject: Subject, request: EvaluationRequest) => boolean;

export function createScreen(settings: KyvernoSettings): Screen {
  const filtered = createLatest<EvaluationRequest, boolean>();
  const filters = settings.resourceFilters.length > 0;
  return (subject, request) => {
    if (filters && request.point !== "audit") {
      const known = filtered.get(request);
      const isOut = known ?? isFilteredOut(settings, subject, request);
      if (known === undefined) filtered.set(request, isOut);
      if (isOut) return true;
    }
    return isExcluded(settings, subject, request);
  };
}

function isFilteredOut(
  settings: KyvernoSettings,
  { object, oldObject, gvk, subresource }: Subject,
  { point, namespace, name }: EvaluationRequest,
): boolean {
  // What a subresource takes, such as the options of an exec, has no name of its own.
  if (point === "webhook" && isFiltered(settings, { gvk, subresource, namespace, name })) return true;
  return [object, oldObject].some(
    (one) => one !== null && isFiltered(settings, { gvk, subresource, namespace: namespaceOf(one), name: nameOf(one) }),
  );
}

/** Requesters that an operator has taken out, at admission. */
function isExcluded({ excluded, included }: KyvernoSettings, { asking }: Subject, request: EvaluationRequest): boolean {
  if (request.point !== "webhook" || asking.user === null) return false;
  const { user, roles, clusterRoles } = asking.user;
  const requester = { username: user.username, groups: user.groups, roles, clusterRoles };
  return namesRequester(excluded, requester) && !namesRequester(included, requester);
}
