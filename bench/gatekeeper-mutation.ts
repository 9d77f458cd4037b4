// Mutation under load: a Pod review of about 7 KB against fifty mutators, Gatekeeper's own manager beside ours, on its path
// `/v1/mutate`. The object that each patch makes is compared first. Each is measured alone, at 8 connections.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startControlPlane } from "../e2e/control-plane.ts";
import type { Bench, Row } from "./bench.ts";
import { startManager } from "./gatekeeper-manager.ts";
import { fiftyMutators } from "./mutators.ts";
import { peer } from "./peers.ts";
import { generatePods } from "./pods.ts";
import { type Measured, measureBare, measureOurs, measurePeer, reviewOf, webhookRows } from "./webhook.ts";

export const gatekeeperMutation: Bench = {
  name: "gatekeeper-mutation",
  measures: "reviews of 7 KB Pods against 50 mutators over HTTPS, 8 connections",
  run,
};

const path = "/v1/mutate?timeout=10s";

async function run(): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-bench-"));
  const bodies = generatePods({ count: 64, seed: 7 }).map(reviewOf);
  try {
    const bare = await measureBare(folder, bodies);
    const theirs = await measureManager(bodies);
    const ours = await measureOurs(folder, {
      policies: fiftyMutators(),
      bodies,
      expected: theirs?.answers ?? null,
      path,
    });
    return webhookRows(ours, theirs, bare, bodies);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureManager(bodies: readonly string[]): Promise<Measured | null> {
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
    const policies = fiftyMutators();
    const manager = await startManager({ program, controlPlane, crds, policies, serves: "mutation" });
    try {
      return await measurePeer({ port: manager.port, path, bodies }, manager.pid);
    } finally {
      await manager.stop();
    }
  } finally {
    await controlPlane.stop();
  }
}
