import assert from "node:assert/strict";
import { test } from "node:test";
import { type LogLine, logRun } from "../../../src/controllers/audit/runs.ts";
import { audited, namespaceObject, pod } from "./support.ts";

const quoting = `apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: k8slabel}
spec:
  crd: {spec: {names: {kind: K8sLabel}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    rego: |
      package k8slabel
      violation[{"msg": sprintf("it has %v", [had]), "details": {"has": had}}] {
        had := input.review.object.data
      }
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sLabel
metadata: {name: quoting}
spec: {match: {kinds: [{apiGroups: [""], kinds: [ConfigMap, Secret]}]}}
---
`;

test("each violation is a line of the log, which quotes nothing of a Secret", async () => {
  const metadata = { name: "a", namespace: "default" };
  const data = { word: "c2VjcmV0" };
  const { audit } = await audited({
    objects: [
      namespaceObject("default"),
      pod("a"),
      { apiVersion: "v1", kind: "ConfigMap", metadata, data },
      { apiVersion: "v1", kind: "Secret", metadata, data },
    ],
    policies: quoting,
  });
  const lines: LogLine[] = [];
  const run = {
    id: "2026-01-02T00:00:00Z",
    startedMs: 0,
    policies: audit.policies ?? assert.fail(),
    objects: () => audit.objects(),
    constraints: null,
    metadataOf: (key: string) => audit.metadataOf(key),
  };
  await logRun(run, 1000, (some) => {
    lines.push(...some);
    return Promise.resolve();
  });
  assert.deepEqual(
    lines.map(({ fields, text }) => [fields["event_type"], fields["resource_kind"] ?? "", fields["details"], text]),
    [
      ["audit_started", "", undefined, "auditing constraints and violations"],
      ["violation_audited", "ConfigMap", { has: data }, 'it has {"word": "c2VjcmV0"}'],
      ["violation_audited", "Secret", "[redacted]", "[redacted]"],
      ["audit_finished", "", undefined, "auditing is complete"],
    ],
  );
});
