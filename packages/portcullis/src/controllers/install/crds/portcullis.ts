// Our own kind: what one replica's audit found, in its own namespace, for the one that leads (controllers/reports/audit-parts.ts).

import { type KindRow, list, object, text, texts, uncounted, flag, whole } from "./crd.ts";

const violation = object({
  group: text,
  version: text,
  kind: text,
  name: text,
  namespace: text,
  message: text,
  enforcementAction: text,
  enforcementActions: texts,
});

export const auditPartKind: KindRow = {
  group: "portcullis.dev",
  kind: "AuditPart",
  namespaced: true,
  versions: [
    {
      name: "v1alpha1",
      schema: object(
        {
          replica: text,
          members: texts,
          ready: flag,
          constraint: object({ kind: text, name: text, uid: text, generation: uncounted }),
          counts: list(object({ action: text, count: whole }, { required: ["action", "count"] })),
          notAuditable: whole,
          violations: list(violation),
        },
        { required: ["replica"] },
      ),
    },
  ],
  columns: [
    "Replica:string:.replica",
    "Kind:string:.constraint.kind",
    "Constraint:string:.constraint.name",
    "Violations:string:.counts[*].count",
    "Ready:boolean:.ready",
    "Age:date:.metadata.creationTimestamp",
  ],
};
