// The webhook under load: a Pod review of about 7 KB against the library's policies, Gatekeeper's own manager beside
// ours, and a bare Node HTTPS server that parses and allows as the floor. Each is measured alone, at 8 connections;
// answers are compared first. p99 is taken at half of our own saturated rate.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startControlPlane } from "../e2e/control-plane.ts";
import type { Bench, Row } from "./bench.ts";
import { startManager } from "./gatekeeper-manager.ts";
import { type PolicyFile, libraryPolicies } from "./library.ts";
import { peer } from "./peers.ts";
import { generatePods } from "./pods.ts";
import { type Measured, measureBare, measureOurs, measurePeer, reviewOf, webhookRows } from "./webhook.ts";

export const gatekeeperWebhook: Bench = {
  name: "gatekeeper-webhook",
  measures: "reviews of 7 KB Pods against the library's policies over HTTPS, 8 connections",
  run,
};

async function run(): Promise<readonly Row[]> {
  const policies = libraryPolicies();
  if (policies === null) throw new Error("the gatekeeper-library is not in $CONFORMANCE_DIR");
  const folder = mkdtempSync(join(tmpdir(), "portcullis-bench-"));
  const bodies = generatePods({ count: 64, seed: 7 }).map(reviewOf);
  try {
    const bare = await measureBare(folder, bodies);
    const theirs = await measureManager(policies, bodies);
    const ours = await measureOurs(folder, { policies, bodies, expected: theirs?.answers ?? null });
    return webhookRows(ours, theirs, bare, bodies);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureManager(policies: readonly PolicyFile[], bodies: readonly string[]): Promise<Measured | null> {
  const [program, etcd, apiserver] = [peer("gatekeeper"), peer("etcd"), peer("kube-apiserver")];
  const crds = resolve(
    process.env["CONFORMANCE_DIR"] ?? join(import.meta.dirname, "../../shared/conformance"),
    "gatekeeper/charts/gatekeeper/crds",
  );
  if (program === null || etcd === null || apiserver === null || !existsSync(crds)) return null;
  const controlPlane = await startControlPlane(etcd, apiserver);
  try {
    for (let team = 0; team < 5; team++) {
      // oxlint-disable-next-line no-await-in-loop
      await controlPlane.call("POST", "/api/v1/namespaces", {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: `team-${team}` },
      });
    }
    const manager = await startManager({ program, controlPlane, crds, policies });
    const target = { port: manager.port, path: "/v1/admit?timeout=10s", bodies };
    const measured = await measurePeer(target, manager.pid);
    await manager.stop();
    return measured;
  } finally {
    await controlPlane.stop();
  }
}
