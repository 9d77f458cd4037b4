// What happens to the API server and etcd while two replicas guard a cluster: conflicts on every write, etcd that does not answer
// for a minute, watches that are cut while the API server forgets what happened, clients that mean harm, a policy that
// matches everything. Replicas answer meanwhile; afterwards reports and statuses are those of a fresh computation, and nothing
// is written at rest.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { lookForBinaries } from "./binaries.ts";
import { waitFor } from "./control-plane.ts";
import { digitConstraint, digitData, digits, kyverno } from "./digits.ts";
import {
  type Fleet,
  atRest,
  configMaps,
  consistent,
  constraints,
  created,
  each,
  enforcedBy,
  flooded,
  isOurs,
  ports,
  refused,
  refusedBy,
  startFleet,
  uninstalled,
  upTo,
  written,
} from "./fleet.ts";
import { hostile } from "./hostile.ts";
import { quantile, startLoad } from "./pressure.ts";

const { binaries, missing } = lookForBinaries();

const objects = 500;
/** So many are changed while something is wrong. */
const changed = 50;
const refusals = 3;

suite("outages", { skip: missing }, () => {
  test("of the API server and etcd", { timeout: 500_000 }, async (context) => {
    if (typeof binaries === "string") return;
    const fleet = await startFleet(binaries, context);
    await context.test("objects and policies are told of", () => flooded(fleet, objects));
    await context.test("every write meets conflicts at first", () => everyWriteConflicts(fleet));
    await context.test("etcd does not answer for a minute", () => etcdHeld(fleet));
    await context.test("watches are cut, and the API server forgets what happened meanwhile", () => cutOff(fleet));
    await context.test("hostile clients are refused or bounded while others are answered", () =>
      hostile({ ports: ports(fleet), ask: () => refusedBy(ports(fleet)[0] ?? 0), say: fleet.say }),
    );
    await context.test("nothing is written at rest but Leases", () => atRest(fleet));
    await context.test("a policy that matches everything, policies too, starts no storm", () => matchesAll(fleet));
    await context.test("uninstalled, the cluster accepts writes", () => uninstalled(fleet));
  });
});

/** As from somebody who is always faster: each object's first three writes, of every kind but Leases and Events. */
async function everyWriteConflicts(fleet: Fleet): Promise<void> {
  const { product, obstacle, say } = fleet;
  const startMs = performance.now();
  obstacle.conflict(refusals);
  const all = upTo(digits);
  // A new generation, which each replica tells of in the status, and the same results.
  const spec = { match: { excludedNamespaces: ["elsewhere"] } };
  await Promise.all([
    each(all, 8, (at) => product.call("PATCH", `${constraints}/digit-${at}`, { spec })),
    each(upTo(changed), 8, (at) => product.call("PATCH", `${configMaps}/object-${at}`, { data: digitData(at + 5) })),
  ]);
  await enforcedBy(fleet);
  await consistent(product);
  const tookMs = performance.now() - startMs;
  const writes = [...(await obstacle.writes())];
  obstacle.conflict(0);
  const refusedAll = writes.reduce((sum, [, { refused: one }]) => sum + one, 0);
  const passed = writes.map(([, one]) => one.passed);
  const most = writes.toSorted(([, a], [, b]) => b.passed - a.passed).slice(0, 3);
  assert.ok(refusedAll > all.length * refusals, `${refusedAll} refused`);
  assert.ok(Math.max(...passed) <= 20, JSON.stringify(most));
  say(
    `${writes.length} objects, ${refusedAll} writes met a conflict, at most ${Math.max(...passed)} of one object went through; all told after ${Math.round(tookMs)} ms`,
  );
}

async function etcdHeld(fleet: Fleet): Promise<void> {
  const { product, balancer, say } = fleet;
  const load = startLoad([() => refusedBy(balancer.port)], { pauseMs: 100 });
  product.pauseEtcd();
  try {
    await sleep(60_000);
  } finally {
    product.resumeEtcd();
  }
  await waitFor("the API server", 60, async () => (await product.call("GET", "/readyz")).status === 200);
  await waitFor("requests through it", 60, async () => (await refused(product)) === null);
  await sleep(1000);
  await load.end();
  assert.deepEqual(load.failures().slice(0, 3), [], "replicas answer without etcd");
  say(`${load.asked()} reviews answered, none wrong`);
  await changeTold(fleet, 2);
}

/**
 * While replicas are cut off, objects, a policy and a constraint come, change and go; then etcd's history is compacted and the API server
 * restarts, so that whoever wants to go on where it was is told that this is gone (410).
 */
async function cutOff(fleet: Fleet): Promise<void> {
  const { product, balancer, obstacle, replicas, say } = fleet;
  const load = startLoad([() => refusedBy(balancer.port)], { pauseMs: 100 });
  obstacle.cut();
  await each(upTo(changed), 8, (at) =>
    product.call("PATCH", `${configMaps}/object-${at}`, { data: digitData(at + 3) }),
  );
  await each(upTo(objects).slice(-changed), 8, (at) => product.call("DELETE", `${configMaps}/object-${at}`));
  assert.equal((await product.call("DELETE", `${constraints}/digit-0`)).status, 200);
  await created(product, constraints, digitConstraint(0));
  assert.equal((await product.call("DELETE", "/apis/kyverno.io/v1/clusterpolicies/digit-1")).status, 200);
  await product.compactEtcd();
  const startMs = performance.now();
  await product.restartApiServer();
  const awayMs = performance.now() - startMs;
  obstacle.join();
  const joinedMs = performance.now();
  await waitFor("requests through it", 60, async () => (await refused(product)) === null);
  await load.end();
  assert.deepEqual(load.failures().slice(0, 3), [], "replicas answer without an API server");
  const gone = /too old resource version|has been compacted|Expired/;
  const isTold = (): boolean => [...replicas.values()].every(({ log }) => gone.test(log()));
  await waitFor("every replica's log to tell of a watch that is gone", 60, async () => isTold());
  await consistent(product);
  const toldMs = Math.round(performance.now() - joinedMs);
  say(`away for ${Math.round(awayMs)} ms, ${load.asked()} reviews answered, none wrong; told ${toldMs} ms after`);
  await enforcedBy(fleet);
}

/** After a fault: what changes is told, and enforced by every replica. */
async function changeTold(fleet: Fleet, by: number): Promise<void> {
  const { product, say } = fleet;
  const startMs = performance.now();
  await each(upTo(changed), 8, (at) =>
    product.call("PATCH", `${configMaps}/object-${at}`, { data: digitData(at + by) }),
  );
  await consistent(product);
  say(`50 changes told ${Math.round(performance.now() - startMs)} ms after the first, a fresh audit included`);
  await enforcedBy(fleet);
}

/** As with Kyverno, nobody can take it away while it is enforced: the way out is to uninstall (see the next test). */
async function matchesAll({ product, say }: Fleet): Promise<void> {
  const path = "/apis/kyverno.io/v1/clusterpolicies";
  await created(product, path, kyverno("selfish", { kinds: ["*"] }, { deny: {} }, "Enforce"));
  const probe = async (): Promise<string | null> => {
    const { body } = await product.call("DELETE", `${path}/digit-0?dryRun=All`);
    return body.includes("selfish:") ? null : body;
  };
  await waitFor("its refusals", 30, async () => (await probe()) === null);
  const before = product.writes().length;
  const load = startLoad([probe]);
  await sleep(8000);
  const tookMs = await load.end();
  assert.deepEqual(load.failures().slice(0, 3), []);
  const ours = product.writes().slice(before).filter(isOurs);
  const leases = ours.filter(({ objectRef, responseStatus }) => {
    return objectRef?.resource === "leases" && responseStatus?.code === 200;
  });
  assert.ok(leases.length > 0, "Leases are renewed");
  const objections = ours.filter(({ objectRef }) => !["leases", "events"].includes(objectRef?.resource ?? ""));
  say(
    `${load.asked()} refused meanwhile, p99 ${Math.round(quantile(tookMs, 0.99))} ms; ${objections.length} own writes`,
  );
  assert.ok(objections.length < 400, `${objections.length}: ${objections.slice(-5).map(written).join("; ")}`);
}
