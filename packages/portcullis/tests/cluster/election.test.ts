// Leaders and shards on a cluster in memory, with times of milliseconds.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { stringAt, valueAt } from "@portcullis/kube";
import { ApiError } from "../../src/cluster/api.ts";
import { type ElectionOptions, createElection } from "../../src/cluster/election.ts";
import { leases } from "../../src/cluster/lease.ts";
import { createMembership, memberLabel, ownerOf } from "../../src/cluster/shards.ts";
import { type FakeCluster, type FakeOptions, createFakeCluster } from "./fake.ts";
import { until } from "./scripted.ts";

const where = { namespace: "portcullis", name: "leader" };

function elector(
  context: TestContext,
  { client }: FakeCluster,
  options: Partial<ElectionOptions> & { readonly identity: string },
): ReturnType<typeof createElection> {
  const election = createElection({ client, ...where, leaseMs: 1000, renewMs: 600, retryMs: 5, ...options });
  context.after(() => election.close());
  return election;
}

test("election: of two one leads; the Lease says who, since when and how often it changed", async (context) => {
  const cluster = createFakeCluster();
  const [one, two] = ["one", "two"].map((identity) => elector(context, cluster, { identity }));
  await until(() => one?.isLeader === true || two?.isLeader === true);
  await until(() => cluster.client.calls.count({ verb: "update" }) > 3);
  assert.notEqual(one?.isLeader, two?.isLeader);
  const lease = await cluster.client.get(leases, where);
  assert.equal(stringAt(lease, "spec", "holderIdentity"), one?.isLeader === true ? "one" : "two");
  assert.equal(valueAt(lease, "spec", "leaseDurationSeconds"), 1);
  assert.match(stringAt(lease, "spec", "renewTime"), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  const [leader, other] = one?.isLeader === true ? [one, two] : [two, one];
  const heard: boolean[] = [];
  leader?.onChange((isLeader) => heard.push(isLeader));
  await leader?.close();
  assert.equal(stringAt(await cluster.client.get(leases, where), "spec", "holderIdentity"), "");
  await until(() => other?.isLeader === true);
  assert.deepEqual(heard, [true, false]);
  assert.equal(valueAt(await cluster.client.get(leases, where), "spec", "leaseTransitions"), 1);
});

test("election: never two at the same time, whoever's writes fail", async (context) => {
  let broken: string | null = null;
  const failing: FakeOptions["fault"] = ({ verb }) =>
    broken === verb ? new ApiError("etcd is gone", { status: 500, reason: "InternalError" }) : null;
  const cluster = createFakeCluster({ fault: failing });
  const electors = ["one", "two", "three"].map((identity) =>
    elector(context, cluster, { identity, leaseMs: 1000, renewMs: 50 }),
  );
  const leaders = (): number => electors.filter(({ isLeader }) => isLeader).length;
  for (const election of electors) election.onChange(() => assert.ok(leaders() <= 1));
  await until(() => leaders() === 1);
  broken = "update";
  await until(() => leaders() === 0);
  broken = null;
  await until(() => leaders() === 1);
});

test("election: a dead holder's Lease is taken after its time, a live one's is not", async (context) => {
  const cluster = createFakeCluster();
  const spec = { holderIdentity: "dead", leaseDurationSeconds: 1, renewTime: "2000-01-01T00:00:00.000000Z" };
  const put = (renewTime: string): unknown =>
    cluster.put({ apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: where, spec: { ...spec, renewTime } });
  put(spec.renewTime);
  const election = elector(context, cluster, { identity: "one" });
  for (let renewal = 0; renewal < 5; renewal++) {
    const reads = cluster.client.calls.count({ verb: "get" });
    put(`2000-01-01T00:00:0${renewal}.000000Z`);
    await until(() => cluster.client.calls.count({ verb: "get" }) > reads + 1);
    assert.equal(election.isLeader, false);
  }
  await until(() => election.isLeader);
  assert.equal(valueAt(await cluster.client.get(leases, where), "spec", "leaseTransitions"), 1);
});

test("shards: members see each other come and go, and share every key", async () => {
  const cluster = createFakeCluster();
  const start = (identity: string): ReturnType<typeof createMembership> =>
    createMembership({ ...cluster, namespace: "portcullis", group: "audit", identity, leaseMs: 1000, renewMs: 5 });
  const [one, two] = [start("pod-1"), start("pod-2")];
  await until(() => one.members.length === 2 && two.members.length === 2);
  const keys = Array.from({ length: 200 }, (_, index) => `default/pod-${index}`);
  for (const key of keys) assert.notEqual(one.owns(key), two.owns(key));
  const share = keys.filter((key) => one.owns(key)).length;
  assert.ok(share > 60 && share < 140, String(share));
  const heard: string[] = [];
  two.onChange((members) => heard.push(members.join()));
  await one.close();
  await until(() => two.members.length === 1);
  assert.deepEqual(heard, ["pod-2"]);
  assert.ok(keys.every((key) => two.owns(key)));
  await two.close();
  for await (const page of cluster.client.list(leases, { labelSelector: `${memberLabel}=audit` }))
    assert.deepEqual(page, []);
});

test("shards: a member that stopped without a word is gone after its time", async () => {
  const cluster = createFakeCluster();
  cluster.put({
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { namespace: "portcullis", name: "audit-dead", labels: { [memberLabel]: "audit" } },
    spec: { holderIdentity: "dead", leaseDurationSeconds: 1, renewTime: "2000-01-01T00:00:00.000000Z" },
  });
  const live = createMembership({
    ...cluster,
    namespace: "portcullis",
    group: "audit",
    identity: "live",
    leaseMs: 20,
    renewMs: 40,
  });
  await live.joined;
  assert.deepEqual(live.members, ["dead", "live"]);
  await until(() => live.members.length === 1);
  await until(() => cluster.client.calls.count({ verb: "delete", resource: "leases" }) === 1);
  await live.close();
});

test("shards: while nobody can renew nobody is held dead", async () => {
  let isBroken = false;
  const fault: FakeOptions["fault"] = ({ verb }) =>
    isBroken && verb === "update" ? new ApiError("etcd is gone", { status: 500, reason: "InternalError" }) : null;
  const cluster = createFakeCluster({ fault });
  const start = (identity: string, renewMs: number): ReturnType<typeof createMembership> =>
    createMembership({ ...cluster, namespace: "portcullis", group: "audit", identity, leaseMs: 1000, renewMs });
  const [quick, slow] = [start("quick", 5), start("slow", 300)];
  await until(() => quick.members.length === 2 && slow.members.length === 2);
  const heard: string[] = [];
  quick.onChange((members) => heard.push(members.join()));
  isBroken = true;
  await new Promise((resolve) => setTimeout(resolve, 1300));
  isBroken = false;
  const renewals = cluster.client.calls.count({ verb: "update", status: 200 });
  await until(() => cluster.client.calls.count({ verb: "update", status: 200 }) > renewals + 100);
  assert.deepEqual(heard, []);
  await Promise.all([quick.close(), slow.close()]);
});

test("shards: who comes or goes moves only its own keys, in whatever order members are named", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 6 }),
      fc.string(),
      fc.nat(),
      (members, key, index) => {
        const owner = ownerOf(members, key);
        assert.ok(owner !== null && members.includes(owner));
        assert.equal(ownerOf(members.toReversed(), key), owner);
        const gone = members[index % members.length];
        const rest = members.filter((member) => member !== gone);
        if (gone !== owner) assert.equal(ownerOf(rest, key), owner);
      },
    ),
  );
});
