// How one write of an object is known, by whoever is asked about it and by whoever sees it stored: the object's uid, and when it was
// written last other than through a subresource. An API server notes that time among the managed fields before it asks
// webhooks, so that both see the same one; writes of statuses, scales and bindings, which are other requests, leave it alone.

import { isObject, nameOf, namespaceOf, stringAt } from "@portcullis/kube";
import type { EvaluationRequest } from "@portcullis/policy";
import type { EntryNote } from "../../server/decided.ts";
import type { Endpoint } from "../../server/endpoints.ts";

/** The last write of an object. */
export interface Write {
  /** RFC 3339, in whole seconds, on the clock of the API server. */
  readonly at: string;
  /** In which version it was sent; "" where nobody noted it. */
  readonly apiVersion: string;
  /** Who is said to have sent it. */
  readonly manager: string;
}

export function lastWrite(object: unknown): Write {
  let last: Write | null = null;
  for (const entry of managedFields(object)) {
    const at = stringAt(entry, "time");
    if (stringAt(entry, "subresource") !== "" || (last !== null && at <= last.at)) continue;
    last = { at, apiVersion: stringAt(entry, "apiVersion"), manager: stringAt(entry, "manager") };
  }
  return last ?? { at: stringAt(object, "metadata", "creationTimestamp"), apiVersion: "", manager: "" };
}

function managedFields(object: unknown): readonly unknown[] {
  const metadata = isObject(object) ? object["metadata"] : null;
  const fields = isObject(metadata) ? metadata["managedFields"] : null;
  return Array.isArray(fields) ? (fields as readonly unknown[]) : [];
}

/** The write that an answered request leads to when it is let through; null where none can be recognised. */
export function noteOf(request: EvaluationRequest, { what, dialect }: Endpoint): EntryNote | null {
  const { operation, object, resource, kind, subResource } = request;
  if (what !== "validate" || resource === null || kind === null) return null;
  if ((operation !== "CREATE" && operation !== "UPDATE") || request.dryRun === true || subResource !== "") return null;
  const uid = stringAt(object, "metadata", "uid");
  if (uid === "") return null;
  return {
    dialects: dialect === null ? ["gatekeeper", "kyverno"] : [dialect],
    uid,
    at: lastWrite(object).at,
    group: resource.group,
    resource: resource.resource,
    kind: kind.kind,
    namespace: namespaceOf(object),
    name: nameOf(object),
  };
}
