// The webhook under load: a Pod review of about 7 KB against the library's policies, Gatekeeper's own manager beside
// ours, and a bare Node HTTPS server that parses and allows as the floor. Each is measured alone, at 8 connections;
// answers are compared first. p99 is taken at half of our own saturated rate.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bench, Row } from "./bench.ts";
import { measureManager } from "./gatekeeper-manager.ts";
import { libraryPolicies } from "./library.ts";
import { generatePods } from "./pods.ts";
import { measureBare, measureOurs, reviewOf, webhookRows } from "./webhook.ts";

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
    const theirs = await measureManager({ policies, path: "/v1/admit?timeout=10s", bodies });
    const ours = await measureOurs(folder, { policies, bodies, expected: theirs?.answers ?? null });
    return webhookRows(ours, theirs, bare, bodies);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
