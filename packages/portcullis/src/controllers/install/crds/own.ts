// Every CustomResourceDefinition that the product needs to be given policies in both dialects and to report about them.

import type { JsonRecord } from "@portcullis/kube";
import { customResourceDefinition } from "./crd.ts";
import { gatekeeperKinds } from "./gatekeeper.ts";
import { celKinds } from "./kyverno-cel.ts";
import { kyvernoKinds } from "./kyverno.ts";
import { auditPartKind } from "./portcullis.ts";
import { reportKinds } from "./reports.ts";

/** In the order of their names. */
export function ownDefinitions(): readonly JsonRecord[] {
  return [...gatekeeperKinds, ...kyvernoKinds, ...celKinds, ...reportKinds, auditPartKind]
    .map((row) => customResourceDefinition(row))
    .toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

function nameOf(definition: JsonRecord): string {
  return String((definition["metadata"] as JsonRecord)["name"]);
}
