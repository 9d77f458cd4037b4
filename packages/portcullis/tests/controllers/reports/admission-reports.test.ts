// What requests found, as reports on a cluster: gathered, renewed with the object, found for objects that were mutated before
// they had a uid, and without the results of policies that are gone.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type ClusterObject, isNotFound } from "../../../src/cluster/api.ts";
import { createWorkQueue } from "../../../src/cluster/workqueue.ts";
import { createAdmissionReports, sweepAdmissionReports } from "../../../src/controllers/reports/admission-reports.ts";
import type { KyvernoFound, ReportedRule } from "../../../src/server/metrics.ts";
import { type FakeCluster, createFakeCluster } from "../../cluster/fake.ts";

const reports = { group: "wgpolicyk8s.io", version: "v1alpha2", resource: "policyreports" };
const where = { namespace: "shop", name: "uid-web-admission" };
const kinds = ["PolicyReport", "ClusterPolicyReport"].map((kind) => ({
  group: reports.group,
  version: reports.version,
  kind,
  namespaced: kind === "PolicyReport",
}));
const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };

function rule(policy: string, more: Partial<ReportedRule> = {}): ReportedRule {
  return {
    policy: { group: "kyverno.io", version: "v1", kind: "ClusterPolicy", namespace: "", name: policy, uid: "" },
    rule: "r",
    result: "pass",
    message: "validation rule 'r' passed.",
    exceptions: [],
    annotations: {},
    properties: {},
    ...more,
  };
}

function found(reported: readonly ReportedRule[], uid = "uid-web"): KyvernoFound {
  const subject = { group: "", version: "v1", kind: "Pod", resource: "pods", namespace: "shop", name: "web", uid };
  return { subject: { ...subject, username: "me" }, blocked: false, rules: [], applied: [], reported };
}

interface Running {
  readonly cluster: FakeCluster;
  readonly tell: (...all: readonly KyvernoFound[]) => Promise<void>;
  readonly read: () => Promise<ClusterObject | null>;
  seconds: number;
}

function running(objects: readonly ClusterObject[] = []): Running {
  const cluster = createFakeCluster({ objects: [namespace, ...objects], kinds });
  const { client } = cluster;
  const read = async (): Promise<ClusterObject | null> => {
    try {
      return await client.get(reports, where);
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  };
  const state = {
    cluster,
    read,
    seconds: 1000,
    tell: async (...all: readonly KyvernoFound[]) => {
      let idle: () => Promise<void> = () => Promise.resolve();
      const told = createAdmissionReports({
        client,
        api: "wgpolicyk8s.io",
        allowed: new Set(["pass", "fail", "error", "warn", "skip"]),
        createQueue: (work) => {
          const queue = createWorkQueue({ work });
          idle = () => queue.idle();
          return queue;
        },
        epochMs: () => state.seconds * 1000,
        settleMs: 0,
      });
      for (const one of all) told.add(one);
      await idle();
      await told.close();
    },
  };
  return state;
}

function policies(report: ClusterObject | null): readonly unknown[] {
  return ((report?.["results"] ?? []) as readonly { readonly policy: string }[]).map(({ policy }) => policy);
}

test("results of several webhooks are one report, owned by the object", async () => {
  const { tell, read } = running();
  await tell(found([rule("a", { properties: { team: "x" } })]), found([rule("b", { result: "fail", message: "no" })]));
  const report = await read();
  assert.deepEqual(report?.["summary"], { pass: 1, fail: 1, warn: 0, error: 0, skip: 0 });
  assert.deepEqual(report?.["scope"], {
    apiVersion: "v1",
    kind: "Pod",
    name: "web",
    namespace: "shop",
    uid: "uid-web",
  });
  const [first] = (report?.["results"] ?? []) as readonly unknown[];
  assert.deepEqual(first, {
    source: "kyverno",
    policy: "a",
    rule: "r",
    result: "pass",
    message: "validation rule 'r' passed.",
    scored: true,
    properties: { process: "admission review", team: "x" },
    timestamp: { seconds: 1000, nanos: 0 },
  });
});

test("another replica's results of the same request stay, those of an earlier state go, and the same is not written", async () => {
  const all = running();
  await all.tell(found([rule("a")]));
  all.seconds += 2;
  await all.tell(found([rule("b")]));
  assert.deepEqual(policies(await all.read()), ["a", "b"]);
  const version = JSON.stringify((await all.read())?.["metadata"]);
  await all.tell(found([rule("b")]));
  assert.equal(JSON.stringify((await all.read())?.["metadata"]), version);
  all.seconds += 100;
  await all.tell(found([rule("b")]));
  assert.deepEqual(policies(await all.read()), ["b"]);
});

test("an object that was mutated before it was stored is found by its name; one that was refused has no report", async () => {
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "web", namespace: "shop", uid: "uid-web" } };
  const stored = running([pod]);
  await stored.tell(found([rule("mutates")], ""));
  assert.deepEqual(policies(await stored.read()), ["mutates"]);
  const refused = running();
  await refused.tell(found([rule("mutates")], ""));
  assert.equal(await refused.read(), null);
});

test("results of policies that are gone leave their reports, and empty reports go", async () => {
  const { tell, read, cluster } = running();
  await tell(found([rule("a"), rule("b")]));
  const sweep = (served: readonly string[]): Promise<void> =>
    sweepAdmissionReports({
      client: cluster.client,
      api: "wgpolicyk8s.io",
      isServed: (policy) => served.includes(policy),
    });
  await sweep(["b"]);
  assert.deepEqual(policies(await read()), ["b"]);
  await sweep([]);
  assert.equal(await read(), null);
});
