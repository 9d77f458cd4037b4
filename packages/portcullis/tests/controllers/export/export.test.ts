import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import type { AuditRun } from "../../../src/controllers/audit/options.ts";
import { createExporter } from "../../../src/controllers/export/connections.ts";
import { readDiskConfig } from "../../../src/controllers/export/disk.ts";
import { audited, namespaceObject, pod } from "../audit/support.ts";

const template = `apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: k8slabel}
spec:
  crd: {spec: {names: {kind: K8sLabel}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    rego: |
      package k8slabel
      violation[{"msg": "no label", "details": {"wanted": "owner"}}] { not input.review.object.metadata.labels.owner }
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sLabel
metadata: {name: owner, annotations: {team: a}}
spec: {match: {kinds: [{apiGroups: [""], kinds: [Pod]}]}}
---
`;

function connection(path: string, more = ""): string {
  return `apiVersion: connection.gatekeeper.sh/v1alpha1
kind: Connection
metadata: {name: audit-connection, namespace: gatekeeper-system}
spec: {driver: disk, config: {path: ${JSON.stringify(path)}, maxAuditResults: 2${more}}}
`;
}

suite("export", () => {
  test("each run is one file of whole messages; the oldest go", async (context) => {
    const folder = mkdtempSync(join(tmpdir(), "portcullis-export-"));
    context.after(() => rmSync(folder, { recursive: true }));
    const { audit, use } = await audited({
      objects: [namespaceObject("default"), pod("a", { tier: "web" })],
      policies: `${template}${connection(folder)}`,
    });
    const exporter = createExporter({ connection: "audit-connection", channel: "violations" }, () => 0);
    const run = (id: string): AuditRun => ({
      id,
      startedMs: 0,
      policies: audit.policies ?? assert.fail(),
      objects: () => audit.objects(),
      constraints: null,
      metadataOf: (key) => audit.metadataOf(key),
    });
    for (const minute of [1, 2, 3]) assert.equal(await exporter.export(run(`2026-01-02T00:0${minute}:00Z`)), null);
    const channel = join(folder, "violations");
    assert.deepEqual(readdirSync(channel).toSorted(), ["2026-01-02T00_02_00Z.log", "2026-01-02T00_03_00Z.log"]);
    const lines = readFileSync(join(channel, "2026-01-02T00_03_00Z.log"), "utf8").trim().split("\n");
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as unknown),
      [
        { id: "2026-01-02T00:03:00Z", message: "audit is started" },
        {
          id: "2026-01-02T00:03:00Z",
          details: { wanted: "owner" },
          eventType: "violation_audited",
          group: "constraints.gatekeeper.sh",
          version: "v1beta1",
          kind: "K8sLabel",
          name: "owner",
          message: "no label",
          enforcementAction: "deny",
          constraintAnnotations: { team: "a" },
          resourceAPIVersion: "v1",
          resourceKind: "Pod",
          resourceNamespace: "default",
          resourceName: "a",
          resourceLabels: { tier: "web" },
        },
        { id: "2026-01-02T00:03:00Z", message: "audit is completed" },
      ],
    );
    await use(template);
    assert.equal(await exporter.export(run("2026-01-02T00:04:00Z")), "connection not found: audit-connection");
    assert.equal(existsSync(channel), false, "what the connection wrote went with it");
    assert.equal(existsSync(folder), true);
  });

  test("a configuration that does not fit is refused in Gatekeeper's words", () => {
    const config = (more: object): unknown => ({ path: "/tmp/x", maxAuditResults: 3, ...more });
    assert.deepEqual(readDiskConfig(config({ closedConnectionTTL: "2m" })), {
      path: "/tmp/x",
      maxAuditResults: 3,
      closedConnectionTtlMs: 120_000,
    });
    assert.equal(readDiskConfig(config({ path: 1 })), "missing or invalid 'path'");
    assert.equal(
      readDiskConfig(config({ path: "/a/../b" })),
      "invalid path: path must not contain '..', dir traversal is not allowed",
    );
    assert.equal(
      readDiskConfig(config({ maxAuditResults: 6 })),
      "maxAuditResults cannot be greater than the maximum allowed audit runs: 5",
    );
    assert.equal(
      readDiskConfig(config({ closedConnectionTTL: "30s" })),
      "closedConnectionTTL 30s is too short, must be at least 1 minute",
    );
  });
});
