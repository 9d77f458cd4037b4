// Floods and deaths on a cluster, on a real kube-apiserver with two replicas behind a balancer: 5,000 objects and 50 policies at
// once, the leader killed in the middle of its audit under load, everybody writing into the same statuses. Afterwards reports
// and statuses are those of a fresh computation, nothing is written at rest, and what is uninstalled stands in nobody's way.
// What happens to the API server and etcd is in `outages.test.ts`, the authority's exchange under load in
// `webhooks.test.ts`, a living neighbour in `neighbours.test.ts`.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { builtinCatalog } from "../packages/kube/src/index.ts";
import { reviewOf } from "../packages/portcullis/src/app/ask.ts";
import { lookForBinaries } from "./binaries.ts";
import { waitFor } from "./control-plane.ts";
import { digitData, kyverno } from "./digits.ts";
import {
  type Fleet,
  admitted,
  atRest,
  configMaps,
  conflictsOf,
  consistent,
  constraints,
  created,
  each,
  enforcedBy,
  flooded,
  leader,
  pod,
  ports,
  refused,
  reportVersions,
  startFleet,
  started,
  uninstalled,
  upTo,
} from "./fleet.ts";
import { type Load, quantile, review, startLoad } from "./pressure.ts";

const { binaries, missing } = lookForBinaries();

suite("faults", { skip: missing }, () => {
  test("of everything around two replicas", { timeout: 500_000 }, async (context) => {
    if (typeof binaries === "string") return;
    const fleet = await startFleet(binaries, context);
    await context.test("a policy is enforced on every replica within five seconds", () => enforcedSoon(fleet));
    await context.test("5,000 objects and 50 policies at once", () => flooded(fleet, 5000));
    await context.test("the leader is killed in the middle of its audit, under load", () => leaderKilled(fleet));
    await context.test("others write into the same objects all the time", () => conflicts(fleet));
    await context.test("nothing is written at rest but Leases", () => atRest(fleet));
    await context.test("uninstalled, the cluster accepts writes", () => uninstalled(fleet));
  });
});

// ── what is tested

/** Within 5 s from the answer of the API server to the first refusal, on each replica. */
async function enforcedSoon(fleet: Fleet): Promise<void> {
  const { product, say } = fleet;
  const path = "/apis/kyverno.io/v1/clusterpolicies";
  const body = reviewOf(pod("default", "probe", { image: "docker.io/bitnami/nginx" }), builtinCatalog());
  await created(product, path, kyverno("no-probe", { kinds: ["Pod"], names: ["probe"] }, { deny: {} }, "Enforce"));
  const startMs = performance.now();
  await Promise.all(
    ports(fleet).map((port) =>
      waitFor("a refusal", 30, async () => (await review(port, body, "/validate/fail")).includes('"allowed":false')),
    ),
  );
  const tookMs = performance.now() - startMs;
  say(`from apply to enforced on both replicas: ${Math.round(tookMs)} ms`);
  assert.ok(tookMs < 5000, `${Math.round(tookMs)} ms`);
}

async function leaderKilled(fleet: Fleet): Promise<void> {
  const { product, balancer, replicas, say } = fleet;
  const holder = await leader(product);
  const name = holder.split("_")[0] ?? "";
  const victim = replicas.get(name);
  assert.ok(victim !== undefined, holder);
  const load = startLoad([() => admitted(product), () => refused(product)]);
  await sleep(1500);
  assert.deepEqual(load.failures().slice(0, 3), [], "before");
  // A new digit for many: the audit has every object before it, and has told of some.
  const before = await reportVersions(product);
  const changing = each(upTo(1000), 16, (at) =>
    product.call("PATCH", `${configMaps}/object-${at}`, { data: digitData(at + 1) }),
  );
  await waitFor("the first new reports", 30, async () => (await reportVersions(product)) !== before);
  victim.child.kill("SIGKILL");
  const killedMs = performance.now();
  replicas.delete(name);
  await changing;
  await waitFor("another leader", 60, async () => (await leader(product)) !== holder);
  const ledMs = performance.now() - killedMs;
  await sleep(Math.max(0, 6000 - ledMs));
  const tookMs = await load.end();
  const late = load.failures().filter(({ atMs }) => atMs - killedMs > 2000);
  assert.deepEqual(late.slice(0, 3), [], `${late.length} failures later than 2 s`);
  say(
    `${load.asked()} requests through the API server, ${load.failures().length} failed within 2 s of the kill, none later; p99 ${Math.round(quantile(tookMs, 0.99))} ms; another leader after ${Math.round(ledMs)} ms`,
  );
  balancer.use(ports(fleet));
  await consistent(product);
  say(`all told ${Math.round(performance.now() - killedMs)} ms after the kill`);
  await started(fleet, "replica-3");
  await enforcedBy(fleet);
  say(`a third replica stands in every status ${Math.round(performance.now() - killedMs)} ms after the kill`);
}

/** Statuses and reports are touched by somebody else as fast as the API server takes it, while all of them have to change. */
async function conflicts(fleet: Fleet): Promise<void> {
  const { product, say } = fleet;
  const some = Array.from({ length: 5 }, (_none, at) => `${constraints}/digit-${at}`);
  const others = [
    "/apis/templates.gatekeeper.sh/v1/constrainttemplates/k8sdigit",
    "/apis/kyverno.io/v1/clusterpolicies/digit-0",
  ];
  const countBefore = conflictsOf(product);
  let count = 0;
  const touch = async (path: string): Promise<string | null> => {
    const annotations = { "example.com/touched": String(count++) };
    const { status, body } = await product.call("PATCH", path, { metadata: { annotations } });
    return status === 200 ? null : body;
  };
  const load: Load = startLoad(
    [...some, ...others].map((path) => () => touch(path)),
    { clients: 7, pauseMs: 0 },
  );
  for (const action of ["dryrun", "warn", "deny"]) {
    // oxlint-disable-next-line no-await-in-loop -- one generation after the other
    await each(some, 5, (path) => product.call("PATCH", path, { spec: { enforcementAction: action } }));
    // oxlint-disable-next-line no-await-in-loop
    await enforcedBy(fleet);
  }
  const tookMs = await load.end();
  await consistent(product);
  const met = conflictsOf(product) - countBefore;
  assert.ok(met > 0, "nobody was in anybody's way");
  say(`${load.asked()} foreign writes, median ${Math.round(quantile(tookMs, 0.5))} ms, ${met} of ours met a conflict`);
}
