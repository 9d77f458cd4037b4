// Kinds that say what Gatekeeper keeps and tells, and nothing about a verdict: SyncSet (which objects policies see in
// `data.inventory`) and Connection (where violations are exported to). Here they are only read; whoever keeps and exports
// takes them from the set. Gatekeeper: apis/syncset/v1alpha1, apis/connection/v1alpha1.

import { gvkOf, nameOf, namespaceOf, stringAt } from "@portcullis/kube";
import { type Diagnostic, errorAt } from "@portcullis/lang";
import type { ReadFrom } from "../../engine/frontend.ts";
import type { Json } from "../../engine/request.ts";
import { servedKind, strictProblems, unservedKind } from "../strict.ts";

export const syncSetGroup = "syncset.gatekeeper.sh";
export const connectionGroup = "connection.gatekeeper.sh";

export interface BystanderUnit {
  readonly unit: "bystander";
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly strict: readonly Diagnostic[];
}

const text = { type: "string" };

const syncSet = servedKind(
  { kind: "SyncSet", versions: ["v1alpha1"], code: "syncset" },
  {
    type: "object",
    properties: {
      gvks: {
        type: "array",
        items: { type: "object", properties: { group: text, version: text, kind: text } },
      },
    },
  },
);

const connection = servedKind(
  { kind: "Connection", versions: ["v1alpha1"], code: "connection" },
  {
    type: "object",
    required: ["config", "driver"],
    properties: { driver: text, config: { "x-kubernetes-preserve-unknown-fields": true } },
  },
);

export function readBystander(
  object: Json,
  from: ReadFrom,
): { readonly unit: BystanderUnit | null; readonly diagnostics: readonly Diagnostic[] } {
  const { group } = gvkOf(object);
  const served = group === syncSetGroup ? syncSet : connection;
  const other = unservedKind(object, from, served);
  if (other !== null) return { unit: null, diagnostics: [other] };
  const unit: BystanderUnit = {
    unit: "bystander",
    kind: served.kind,
    name: nameOf(object),
    namespace: namespaceOf(object),
    strict: strictProblems(object, from, served),
  };
  return { unit, diagnostics: group === connectionGroup ? driverProblems(object, from) : [] };
}

/** Gatekeeper: pkg/export/system.go. */
function driverProblems(object: Json, { locate }: ReadFrom): readonly Diagnostic[] {
  const driver = stringAt(object, "spec", "driver");
  if (drivers.has(driver) || driver === "") return [];
  return [errorAt("connection", locate?.(["spec", "driver"]) ?? null, `driver ${driver} is not supported`)];
}

const drivers: ReadonlySet<string> = new Set(["disk", "dapr"]);
