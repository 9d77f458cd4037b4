// The request about an object that nobody sent: no operation, no user, no resource. Scans, schedules and the command lines
// of the peers ask so.

import { gvkOf, nameOf, namespaceOf } from "@portcullis/kube";
import type { EvaluationRequest, Json } from "./request.ts";

export function unsentRequest(object: Json, point: EvaluationRequest["point"]): EvaluationRequest {
  return {
    point,
    operation: null,
    kind: gvkOf(object),
    resource: null,
    subResource: "",
    requestKind: null,
    requestResource: null,
    namespace: namespaceOf(object),
    name: nameOf(object),
    uid: "",
    object,
    oldObject: null,
    options: null,
    user: null,
    dryRun: null,
    implied: null,
  };
}
