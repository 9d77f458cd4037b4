// Generated objects through the real `kyverno apply` and through ours, policy by policy: equal rows with equal messages,
// and equal objects after mutation and generation. Deviations that we chose are switched off; what they are is shown in
// packages/policy/tests/kyverno/deviations.test.ts. A sample runs each time; ALL=1 takes every policy of the library whose
// rules are built, with 200 objects each (COUNT=n for another number). The seed is printed; SEED=n runs one again.
//
// Needs kyverno in $PEERS_DIR and the library in $CONFORMANCE_DIR, and says so loudly where one is not there. Where
// Kyverno itself panics (exit code 2) there is nothing to compare.

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { test } from "node:test";
import { peer } from "../../bench/peers.ts";
import { seededRandom } from "../../bench/random.ts";
import { askKyverno, askPortcullis, comparablePolicies, difference, writeObjects } from "./kyverno.ts";

const dataDir = process.env["CONFORMANCE_DIR"] ?? "../shared/conformance";
const kyverno = peer("kyverno");
const library = existsSync(join(dataDir, "kyverno-policies"));
const absent =
  kyverno === null ? "kyverno is not in $PEERS_DIR" : library ? false : "the library is not in $CONFORMANCE_DIR";
if (absent !== false) process.stderr.write(`NOT RUN: generated objects through kyverno apply: ${absent}\n`);

const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e6));
const takesAll = process.env["ALL"] === "1";
const count = Number(process.env["COUNT"] ?? (takesAll ? 200 : 40));

for (const [at, policy] of chosen().entries()) {
  const name = relative(dataDir, policy);
  test(`${count} generated objects: kyverno and portcullis agree about ${name} (SEED=${seed})`, async (run) => {
    const folder = mkdtempSync(join(tmpdir(), "portcullis-differential-"));
    try {
      const objects = join(folder, "objects.yaml");
      writeObjects(policy, seed + at, count, objects);
      const theirs = await askKyverno(kyverno ?? "", policy, objects);
      const ours = askPortcullis(policy, objects, { asPeer: true });
      if ("error" in theirs) {
        run.skip(`kyverno: ${theirs.error.split("\n")[0]}`);
        return;
      }
      const differing = [...difference(theirs.rows, ours.rows), ...difference(theirs.objects, ours.objects)];
      assert.deepEqual(differing.slice(0, 6), [], `SEED=${seed}: ${differing.length} lines differ`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

/** All policies, or a few by the seed. */
function chosen(): readonly string[] {
  if (absent !== false) return [];
  const all = comparablePolicies(dataDir);
  if (takesAll) return all;
  const random = seededRandom(seed);
  return Array.from({ length: 4 }, () => all[Math.floor(random() * all.length)] ?? "");
}
