// Mutation under load: a Pod review of about 7 KB against fifty mutators, Gatekeeper's own manager beside ours, on its path
// `/v1/mutate`. The object that each patch makes is compared first. Each is measured alone, at 8 connections.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bench, Row } from "./bench.ts";
import { measureManager } from "./gatekeeper-manager.ts";
import { fiftyMutators } from "./mutators.ts";
import { generatePods } from "./pods.ts";
import { measureBare, measureOurs, reviewOf, webhookRows } from "./webhook.ts";

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
    const theirs = await measureManager({ policies: fiftyMutators(), serves: "mutation", path, bodies });
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
