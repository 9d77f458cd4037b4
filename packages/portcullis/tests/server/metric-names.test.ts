// docs/metrics.md against what is served: every name that it says is here is served once everything has happened, every other one
// is not, and nothing is served under a peer's or our own name that it does not list.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { createMetrics } from "../../src/server/metrics.ts";
import { addTo, newTally } from "../../src/server/tally.ts";

const document = readFileSync(join(import.meta.dirname, "../../../../docs/metrics.md"), "utf8");
const listed = [...document.matchAll(/^\| `([a-z_]+)` \| (.*) \|$/gm)].map(([, name = "", here = ""]) => ({
  name,
  here,
}));

/** All that can happen has happened once. */
async function served(): Promise<ReadonlySet<string>> {
  const metrics = createMetrics({ process: false });
  const tally = newTally(Array.from({ length: 13 }, () => "x"));
  addTo(tally, 0.1);
  metrics.rules([tally]);
  metrics.audited({
    startedSeconds: 1,
    endedSeconds: 2,
    violations: { deny: 1 },
    objects: 1,
    notAuditable: 0,
    evaluations: 1,
    eventsDropped: 0,
  });
  metrics.sync.follow(() => ({ objects: new Map([["Pod", 2]]), watched: 1, intended: 2 }));
  metrics.traffic.follow({ queries: () => [{ verb: "get", resource: "pods", count: 3 }], eventsDropped: () => 4 });
  const text = await metrics.text();
  return new Set([...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name = ""]) => name));
}

suite("docs/metrics.md", () => {
  test("says of each peer's metric whether it is here", async () => {
    const names = await served();
    const ofPeers = listed.filter(({ name }) => !name.startsWith("portcullis_"));
    assert.ok(ofPeers.length > 55, String(ofPeers.length));
    for (const { name, here } of ofPeers) {
      assert.match(here, /^(?:yes|no: )/, name);
      assert.equal(names.has(name), here.startsWith("yes"), `${name}: ${here}`);
    }
  });

  test("lists all that is served", async () => {
    const known = new Set(listed.map(({ name }) => name));
    const unlisted = [...(await served())].filter((name) => !known.has(name));
    assert.deepEqual(unlisted, []);
  });
});

test("what is held and asked is read when somebody reads", async () => {
  const metrics = createMetrics({ process: false });
  let pods = 1;
  metrics.sync.follow(() => ({ objects: new Map([["Pod", pods]]), watched: 3, intended: 4 }));
  metrics.traffic.follow({ queries: () => [{ verb: "list", resource: "pods", count: pods }], eventsDropped: () => 0 });
  metrics.sync.took(0.00015);
  pods = 7;
  const text = await metrics.text();
  assert.match(text, /^gatekeeper_sync\{kind="Pod",status="active"\} 7$/m);
  assert.match(text, /^gatekeeper_sync\{kind="Pod",status="error"\} 0$/m);
  assert.match(text, /^gatekeeper_sync_duration_seconds_bucket\{le="0.0002"\} 1$/m);
  assert.match(text, /^gatekeeper_watch_manager_intended_watch_gvk 4$/m);
  assert.match(
    text,
    /^kyverno_client_queries_total\{operation="list",client_type="dynamic",resource_kind="pods",resource_namespace=""\} 7$/m,
  );
  const again = await metrics.text();
  assert.match(again, /^kyverno_client_queries_total\{.*\} 7$/m, "it is no sum of readings");
});
