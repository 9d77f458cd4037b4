// Policies of a cluster in memory: what is fed to the evaluators, what is written back, and what is not written again.

import assert from "node:assert/strict";
import { test } from "node:test";
import { valueAt } from "@portcullis/kube";
import { inventoryNeed } from "@portcullis/policy";
import { assembleEvaluator } from "../../../src/app/assemble.ts";
import { evaluatorSettings } from "../../../src/app/config.ts";
import type { Change, Report } from "../../../src/app/evaluator.ts";
import { createObjectShare } from "../../../src/app/objectshare.ts";
import { createObjectStore } from "../../../src/app/objectstore.ts";
import { ApiError, type ClusterObject } from "../../../src/cluster/api.ts";
import { createWorkQueue } from "../../../src/cluster/workqueue.ts";
import { ownDefinitions } from "../../../src/controllers/install/crds/own.ts";
import { type ClusterPolicies, startPolicies } from "../../../src/controllers/policies/policies.ts";
import { type FakeCluster, type FakeOptions, createFakeCluster } from "../../cluster/fake.ts";

const templates = { group: "templates.gatekeeper.sh", version: "v1", resource: "constrainttemplates" };
const constraints = { group: "constraints.gatekeeper.sh", version: "v1beta1", resource: "k8sdenied" };
const clusterPolicies = { group: "kyverno.io", version: "v1", resource: "clusterpolicies" };
const crds = { group: "apiextensions.k8s.io", version: "v1", resource: "customresourcedefinitions" };
const denied = { namespace: "", name: "k8sdenied" };

function template(rego = 'violation[{"msg": "no"}] { true }', name = "K8sDenied"): ClusterObject {
  return {
    apiVersion: "templates.gatekeeper.sh/v1",
    kind: "ConstraintTemplate",
    metadata: { name: name.toLowerCase() },
    spec: {
      crd: { spec: { names: { kind: name } } },
      targets: [{ target: "admission.k8s.gatekeeper.sh", rego: `package denied\n${rego}` }],
    },
  };
}

function constraint(name = "all"): ClusterObject {
  return {
    apiVersion: "constraints.gatekeeper.sh/v1beta1",
    kind: "K8sDenied",
    metadata: { name },
    spec: { match: { kinds: [{ apiGroups: [""], kinds: ["Pod"] }] } },
  };
}

function clusterPolicy(validate: unknown): ClusterObject {
  return {
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: "ours" },
    spec: { rules: [{ name: "one", match: { any: [{ resources: { kinds: ["Pod"] } }] }, validate }] },
  };
}

interface Replica {
  readonly policies: ClusterPolicies;
  readonly changes: Pick<Change, "changed" | "removed">[];
  readonly errors: Error[];
  readonly inventory: () => unknown;
  report: Report | null;
}

interface ReplicaOptions {
  readonly id?: string;
  readonly leads?: boolean;
  readonly isAlive?: (id: string) => boolean | null;
  readonly nowMs?: () => number;
}

async function startReplica(cluster: FakeCluster, options: ReplicaOptions = {}): Promise<Replica> {
  const { id = "r1", leads = true, isAlive = () => true } = options;
  const side = { objects: createObjectShare(), join: () => Promise.reject(new Error("not joined")) };
  const evaluator = assembleEvaluator(evaluatorSettings({ cluster: side }));
  const store = createObjectStore();
  let version = 0;
  const changes: Replica["changes"] = [];
  const errors: Error[] = [];
  const policies = startPolicies({
    client: cluster.client,
    informers: cluster.informers,
    objects: side.objects,
    configMap: { namespace: "kyverno", name: "kyverno" },
    target: {
      change: (change) => {
        changes.push(change);
        replica.report = evaluator.prepare({ ...change, version: ++version });
        return Promise.resolve(replica.report);
      },
      publish: () => {
        const change = side.objects.take();
        if (change !== null) store.apply(change);
      },
    },
    id,
    leads: () => leads,
    isAlive,
    isRegistered: () => true,
    nowMs: options.nowMs ?? (() => performance.now()),
    createQueue: ({ work, workers }) =>
      createWorkQueue({ work, workers, retryMs: [1, 5], onError: (_key, error) => errors.push(error) }),
    onError: (error) => errors.push(error),
  });
  const inventory = (): unknown => {
    const answer = store.answer(inventoryNeed);
    return JSON.parse(JSON.stringify(answer !== null && "value" in answer ? answer.value : null)) as unknown;
  };
  const replica: Replica = { policies, changes, errors, inventory, report: null };
  await policies.ready;
  return replica;
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    // oxlint-disable-next-line no-await-in-loop -- until it is so
    if (await isSo()) return;
    // oxlint-disable-next-line no-await-in-loop
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(`not in time: ${what}`);
}

function clusterOf(objects: readonly ClusterObject[] = [], options: FakeOptions = {}): FakeCluster {
  const definitions = ownDefinitions().map((crd) => ({ ...crd, status: { conditions: [established] } }));
  return createFakeCluster({ ...options, objects: [...definitions, ...objects] });
}

const established = { type: "Established", status: "True" };

/** As an API server does soon after a definition was made. */
async function establish(fake: FakeCluster, name: string): Promise<void> {
  const crd = await fake.client.get(crds, { namespace: "", name });
  fake.put({ ...crd, status: { conditions: [established] } });
}

async function statusOf(fake: FakeCluster, ...at: Parameters<FakeCluster["client"]["get"]>): Promise<unknown> {
  return (await fake.client.get(...at))["status"];
}

const crdName = "k8sdenied.constraints.gatekeeper.sh";

test("a template's kind is made, its constraints are fed, and both are told", async (context) => {
  const fake = clusterOf([template()]);
  const replica = await startReplica(fake);
  context.after(() => replica.policies.close());
  await until("the definition", () =>
    fake.client.get(crds, { namespace: "", name: crdName }).then(
      () => true,
      () => false,
    ),
  );
  const crd = await fake.client.get(crds, { namespace: "", name: crdName });
  const uid = valueAt(await fake.client.get(templates, denied), "metadata", "uid");
  assert.deepEqual(valueAt(crd, "metadata", "ownerReferences"), [
    {
      apiVersion: "templates.gatekeeper.sh/v1",
      kind: "ConstraintTemplate",
      name: "k8sdenied",
      uid,
      controller: true,
      blockOwnerDeletion: true,
    },
  ]);
  await establish(fake, crdName);
  fake.put(constraint());
  await until("the constraint's status", async () => {
    return valueAt(await statusOf(fake, constraints, { namespace: "", name: "all" }), "byPod") !== undefined;
  });
  const stored = await fake.client.get(constraints, { namespace: "", name: "all" });
  assert.deepEqual(stored["status"], {
    byPod: [
      {
        id: "r1",
        constraintUID: valueAt(stored, "metadata", "uid"),
        operations: ["audit", "mutation-controller", "mutation-status", "mutation-webhook", "status", "webhook"],
        observedGeneration: 1,
        enforced: true,
      },
    ],
  });
  assert.equal(valueAt(await statusOf(fake, templates, denied), "created"), true);
  assert.deepEqual(replica.errors, []);
  // At rest nothing is written, and statuses make no change of the policies.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const [writes, changes] = [fake.client.calls.count({ writes: true }), replica.changes.length];
  replica.policies.refresh();
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.deepEqual([fake.client.calls.count({ writes: true }), replica.changes.length], [writes, changes]);
});

test("what was there at the start is one change, and a burst is one change", async (context) => {
  const fake = clusterOf([template(), clusterPolicy({ message: "no", deny: {} })]);
  const replica = await startReplica(fake);
  context.after(() => replica.policies.close());
  assert.equal(replica.changes.length, 1);
  assert.deepEqual(replica.changes[0]?.changed.map(({ file }) => file).toSorted(), [
    "clusterpolicy.kyverno.io/ours",
    "constrainttemplate.templates.gatekeeper.sh/k8sdenied",
  ]);
  for (let at = 0; at < 20; at++) fake.put(template(undefined, `K8sMore${at}`));
  await until("the burst", () => replica.changes.length > 1);
  assert.equal(replica.changes[1]?.changed.length, 20);
});

test("a template that breaks says why, and its last good form goes on", async (context) => {
  const fake = clusterOf([template()]);
  const replica = await startReplica(fake);
  context.after(() => replica.policies.close());
  await until("the first status", async () => valueAt(await statusOf(fake, templates, denied), "created") === true);
  fake.put(template('violation[{"msg": m}] { m := nosuch(1) }'));
  await until("the error", async () => valueAt(await statusOf(fake, templates, denied), "created") === false);
  const [entry] = valueAt(await statusOf(fake, templates, denied), "byPod") as readonly unknown[];
  assert.deepEqual(valueAt(entry, "errors"), [
    {
      code: "ingest_error",
      message: "Could not ingest Rego: template:2:30: rego_type_error: undefined function nosuch",
      location: "template:2:30",
    },
  ]);
  assert.equal(valueAt(entry, "observedGeneration"), 2);
  // The definition of its constraints stays, since it is still enforced.
  assert.equal(replica.report?.account?.ensured.length, 1);
  fake.put(template());
  await until("the mending", async () => valueAt(await statusOf(fake, templates, denied), "created") === true);
});

test("with a template go its kind and its constraints, but only when it is really gone", async (context) => {
  const fake = clusterOf([template()]);
  const replica = await startReplica(fake);
  context.after(() => replica.policies.close());
  const isThere = (): Promise<boolean> =>
    fake.client.get(crds, { namespace: "", name: crdName }).then(
      () => true,
      () => false,
    );
  await until("the definition", isThere);
  await establish(fake, crdName);
  fake.put(constraint());
  await until("the constraint", () => replica.policies.feed.get("k8sdenied.constraints.gatekeeper.sh/all") !== null);
  fake.drop(templates, denied);
  await until("the definition's end", async () => !(await isThere()));
  await until(
    "the constraint's end",
    () => replica.policies.feed.get("k8sdenied.constraints.gatekeeper.sh/all") === null,
  );
});

test("replicas keep their own entries, and the leader takes away those of replicas that are gone", async (context) => {
  const fake = clusterOf([template()]);
  const alive = new Set(["r1", "r2"]);
  const isAlive = (id: string): boolean => alive.has(id);
  let nowMs = 0;
  const first = await startReplica(fake, { id: "r1", leads: true, isAlive, nowMs: () => nowMs });
  const second = await startReplica(fake, { id: "r2", leads: false, isAlive });
  context.after(() => Promise.all([first.policies.close(), second.policies.close()]));
  const ids = async (): Promise<string> => {
    const entries = (valueAt(await statusOf(fake, templates, denied), "byPod") ?? []) as readonly unknown[];
    return entries.map((entry) => String(valueAt(entry, "id"))).join();
  };
  await until("both", async () => (await ids()) === "r1,r2");
  await second.policies.close();
  alive.delete("r2");
  first.policies.refresh();
  await new Promise((resolve) => setTimeout(resolve, 50));
  // Its Lease may only be late.
  assert.equal(await ids(), "r1,r2");
  nowMs = 61_000;
  first.policies.refresh();
  await until("the first alone", async () => (await ids()) === "r1");
});

test("somebody who takes our entry away each time starts no loop of writes, and is outlived", async (context) => {
  const fake = clusterOf([template()]);
  let [nowMs, isThere] = [0, true];
  const foreign = { id: "gatekeeper", templateUID: "" };
  // As Gatekeeper's controller of statuses: its own entries alone, at each change.
  const rival = fake.informers.watch(templates);
  rival.onChange((change) => {
    const byPod = valueAt(change.object, "status", "byPod");
    if (
      isThere &&
      change.what !== "removed" &&
      Array.isArray(byPod) &&
      byPod.some((one) => valueAt(one, "id") === "r1")
    )
      fake.put({ ...change.object, status: { byPod: [foreign] } });
  });
  const { policies } = await startReplica(fake, { id: "r1", nowMs: () => nowMs });
  context.after(() => policies.close());
  const patches = (): number => fake.client.calls.count({ verb: "patch", resource: "constrainttemplates" });
  await until("the first entry", () => patches() === 1);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(patches(), 1, "not at once again");
  for (let second = 1; second <= 60; second++) {
    nowMs = second * 1000;
    policies.refresh();
    // oxlint-disable-next-line no-await-in-loop -- one second after the other
    await fake.settled();
    // oxlint-disable-next-line no-await-in-loop
    await fake.settled();
  }
  assert.ok(patches() > 3 && patches() <= 7, `${patches()} in a minute`);
  isThere = false;
  nowMs += 600_000;
  policies.refresh();
  const ours = async (): Promise<boolean> => JSON.stringify(await statusOf(fake, templates, denied)).includes('"r1"');
  await until("our entry", ours);
  rival.close();
});

test("Kyverno's policies are ready or say why not; a conflict is tried again", async (context) => {
  let conflicts = 3;
  const fake = clusterOf([clusterPolicy({ message: "no", deny: {} })], {
    fault: ({ verb }) =>
      verb === "patch" && conflicts-- > 0 ? new ApiError("modified", { status: 409, reason: "Conflict" }) : null,
  });
  const replica = await startReplica(fake);
  context.after(() => replica.policies.close());
  const read = (): Promise<unknown> => statusOf(fake, clusterPolicies, { namespace: "", name: "ours" });
  await until("the status", async () => (await read()) !== undefined);
  const status = await read();
  assert.deepEqual(valueAt(status, "rulecount"), { validate: 1, generate: 0, mutate: 0, verifyimages: 0 });
  assert.equal(valueAt(status, "conditions", 0, "status"), "True");
  assert.equal((valueAt(status, "autogen", "rules") as readonly unknown[]).length, 2);
  fake.put(clusterPolicy({ message: "no", deny: {}, pattern: {} }));
  await until("the reason", async () => valueAt(await read(), "conditions", 0, "status") === "False");
  assert.equal(valueAt(await read(), "conditions", 0, "reason"), "Failed");
  assert.notEqual(valueAt(await read(), "conditions", 0, "message"), "");
});

test("a kind that a policy refers to is synchronised, as long as it does", async (context) => {
  const pod = (name: string): ClusterObject => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default", managedFields: [{ manager: "kubectl" }] },
    spec: {},
  });
  const fake = clusterOf([pod("a")]);
  const replica = await startReplica(fake);
  context.after(() => replica.policies.close());
  assert.deepEqual(replica.inventory(), {});
  fake.put(template('violation[{"msg": m}] { data.inventory.namespace[_]["v1"]["Pod"][m] }'));
  await until("the definition", () =>
    fake.client.get(crds, { namespace: "", name: crdName }).then(
      () => true,
      () => false,
    ),
  );
  await establish(fake, crdName);
  fake.put(constraint());
  await until("the Pod", () => valueAt(replica.inventory(), "namespace", "default", "v1", "Pod", "a") !== undefined);
  const seen = valueAt(replica.inventory(), "namespace", "default", "v1", "Pod", "a");
  assert.equal(valueAt(seen, "metadata", "managedFields"), undefined);
  fake.put(pod("b"));
  await until("another", () => valueAt(replica.inventory(), "namespace", "default", "v1", "Pod", "b") !== undefined);
  fake.drop({ group: "", version: "v1", resource: "pods" }, { namespace: "default", name: "a" });
  await until("its end", () => valueAt(replica.inventory(), "namespace", "default", "v1", "Pod", "a") === undefined);
  fake.drop(constraints, { namespace: "", name: "all" });
  await until("nobody's interest", () => JSON.stringify(replica.inventory()) === "{}");
});

test("a kind that is defined after the policies that refer to it is synchronised when it is served", async (context) => {
  const rego = 'violation[{"msg": m}] { data.inventory.namespace[_]["example.com/v1"]["Widget"][m] }';
  const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: crdName },
    spec: { group: "constraints.gatekeeper.sh", names: { kind: "K8sDenied", plural: "k8sdenied" } },
  };
  const versions = [{ name: "v1beta1", served: true, storage: true }];
  const fake = clusterOf([
    { ...definition, spec: { ...definition.spec, versions }, status: { conditions: [established] } },
    template(rego),
    constraint(),
  ]);
  const replica = await startReplica(fake);
  context.after(() => replica.policies.close());
  assert.deepEqual(replica.inventory(), {});
  const widgets = {
    ...definition,
    metadata: { name: "widgets.example.com" },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { kind: "Widget", plural: "widgets" },
      versions: [{ name: "v1", served: true, storage: true }],
    },
  };
  fake.put(widgets);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await establish(fake, "widgets.example.com");
  fake.put({ apiVersion: "example.com/v1", kind: "Widget", metadata: { name: "a", namespace: "default" } });
  const found = (): unknown => valueAt(replica.inventory(), "namespace", "default", "example.com/v1", "Widget", "a");
  await until("the Widget", () => found() !== undefined);
  fake.drop(crds, { namespace: "", name: "widgets.example.com" });
  await until("its end", () => found() === undefined);
});

test("Kyverno's settings are those of its ConfigMap, from the moment that it is there", async (context) => {
  const fake = clusterOf([clusterPolicy({ message: "no", deny: {} })]);
  const replica = await startReplica(fake);
  context.after(() => replica.policies.close());
  const configMap = (name: string): ClusterObject => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace: "kyverno" },
    data: { resourceFilters: "[Pod,default,*]" },
  });
  fake.put(configMap("another"));
  fake.put(configMap("kyverno"));
  await until("the settings", () => replica.changes.length > 1);
  assert.deepEqual(
    replica.changes[1]?.changed.map(({ file }) => file),
    ["configmap/kyverno/kyverno"],
  );
  assert.deepEqual(replica.report?.problems, []);
});
