import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { valueAt } from "@portcullis/kube";
import fc from "fast-check";
import type { ClusterObject } from "../../../src/cluster/api.ts";
import { clusterPolicy, constraint, template } from "./policies.ts";
import { type Replicas, createReplicas, freshly, partsIn, toldIn, turns } from "./replicas.ts";
import { namespaceObject, pod } from "./support.ts";

const pods = { group: "", version: "v1", resource: "pods" };
const policies = ["owner", "tier"].map(
  (label) => `${template}${constraint("one", label)}${constraint("two", "two")}${clusterPolicy}`,
);
const [first = "", second = ""] = policies;

/** As the API server would make it: each time with another uid. */
function madePod(name: string, life: number, labels: Readonly<Record<string, string>>): ClusterObject {
  const made = pod(name, labels);
  return { ...made, metadata: { ...(made["metadata"] as object), uid: `uid-${name}-${life}` } };
}

function manyPods(count: number): readonly ClusterObject[] {
  return Array.from({ length: count }, (_none, at) => madePod(`p${at}`, 0, at % 2 === 0 ? { owner: "me" } : {}));
}

function owned({ running }: Replicas): readonly string[] {
  return [...running.values()].flatMap(({ audit }) => [...audit.objects()].map(({ name }) => name)).toSorted();
}

suite("an audit over several replicas", () => {
  test("each has a share; what they tell is what one alone would", async () => {
    const objects = [namespaceObject("default"), ...manyPods(60)];
    const replicas = await createReplicas(objects, first);
    for (const name of ["a", "b", "c"]) replicas.start(name);
    await replicas.settle();
    const sizes = [...replicas.running.values()].map(({ audit }) => [...audit.objects()].length);
    assert.equal(owned(replicas).length, 60);
    assert.equal(new Set(owned(replicas)).size, 60);
    assert.ok(Math.min(...sizes) > 8, sizes.join());
    assert.deepEqual(await toldIn(replicas.cluster), await freshly(replicas.cluster, first));
    const evaluations = (): readonly number[] => [...replicas.running.values()].map(({ audit }) => audit.evaluations);
    const before = evaluations();
    const { client } = replicas.cluster;
    const writes = client.calls.count({ writes: true });
    await replicas.settle();
    assert.deepEqual(evaluations(), before);
    assert.equal(client.calls.count({ writes: true }), writes, "nothing is written at rest");
  });

  test("what changes hands is judged by the next, and no Event of it is sent again", async () => {
    const replicas = await createReplicas([namespaceObject("default"), ...manyPods(40)], first);
    for (const name of ["a", "b", "c"]) replicas.start(name);
    await replicas.settle();
    const told = await toldIn(replicas.cluster);
    const { client } = replicas.cluster;
    const reportWrites = (): number => client.calls.count({ writes: true, resource: "policyreports" });
    const writes = reportWrites();
    const share = [...(replicas.running.get("c")?.audit.objects() ?? [])].length;
    const evaluations = (): number =>
      ["a", "b"].reduce((sum, name) => sum + (replicas.running.get(name)?.audit.evaluations ?? 0), 0);
    const before = evaluations();
    for (const { told: events } of replicas.running.values()) events.length = 0;
    replicas.kill("c");
    await replicas.settle();
    assert.equal(evaluations() - before, share, "only the dead replica's share is evaluated");
    replicas.start("d");
    await replicas.settle();
    assert.deepEqual(await toldIn(replicas.cluster), told);
    assert.equal(reportWrites(), writes, "the same reports are not written again");
    assert.deepEqual(
      [...replicas.running.values()].flatMap(({ told: events }) => events),
      [],
    );
    assert.deepEqual([...new Set(await partsIn(replicas.cluster))].toSorted(), ["a", "b", "c", "d"]);
  });

  test("one alone tells nothing in parts, and takes away what it told before", async () => {
    const replicas = await createReplicas([namespaceObject("default"), ...manyPods(10)], first);
    replicas.start("a");
    await replicas.settle();
    assert.deepEqual(await partsIn(replicas.cluster), []);
    replicas.start("b");
    await replicas.settle();
    assert.equal((await partsIn(replicas.cluster)).length, 6, "two constraints and the record of each");
    replicas.kill("a");
    await replicas.settle();
    assert.ok(!(await partsIn(replicas.cluster)).includes("b"));
  });

  test("while objects change hands no status changes, and reports that somebody edits are not taken for superfluous", async () => {
    const replicas = await createReplicas([namespaceObject("default"), ...manyPods(30)], first);
    const { cluster, running } = replicas;
    for (const name of ["a", "b", "c"]) replicas.start(name);
    await replicas.settle();
    const told = await toldIn(cluster);
    const totals: unknown[] = [];
    const constraints = { group: "constraints.gatekeeper.sh", version: "v1beta1", resource: "k8slabel" };
    const informer = cluster.informers.watch(constraints);
    await informer.synced;
    informer.onChange(({ what, object }) => {
      if (what === "changed") totals.push(valueAt(object, "status", "totalViolations"));
    });
    const orphans = [...(running.get("c")?.audit.objects() ?? [])].map(({ uid }) => uid);
    replicas.kill("c");
    for (const name of ["b", "a"]) {
      replicas.look(name);
      // oxlint-disable-next-line no-await-in-loop -- its share is being read when they are edited
      await turns(3);
      for (const uid of orphans) {
        // oxlint-disable-next-line no-await-in-loop
        await replicas.edit(uid);
      }
      // oxlint-disable-next-line no-await-in-loop -- the leader still counts on c when b has c's objects
      await cluster.settled();
      // oxlint-disable-next-line no-await-in-loop
      for (const { audit } of running.values()) await audit.settled();
      assert.deepEqual(replicas.mistakes, []);
    }
    await replicas.settle();
    assert.deepEqual(await toldIn(cluster), told);
    assert.deepEqual(totals, []);
    informer.close();
  });

  test("whatever comes, goes and changes, in whatever order it is seen: in the end all is as one alone would tell", async () => {
    const name = fc.constantFrom("a", "b", "c", "d");
    const at = fc.nat(11);
    const labels = fc.constantFrom({}, { owner: "me" }, { tier: "web" }, { owner: "me", tier: "web", two: "2" });
    const step = fc.oneof(
      fc.record({ what: fc.constant("start" as const), name }),
      fc.record({ what: fc.constant("kill" as const), name }),
      fc.record({ what: fc.constant("look" as const), name }),
      fc.record({ what: fc.constant("put" as const), at, labels }),
      fc.record({ what: fc.constant("drop" as const), at }),
      fc.record({ what: fc.constant("edit" as const), at }),
      fc.record({ what: fc.constant("use" as const), which: fc.nat(1) }),
      fc.record({ what: fc.constant("wait" as const), turns: fc.nat(30) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        await holdsAfter(steps);
      }),
      { numRuns: 40 },
    );
  });
});

type Step =
  | { readonly what: "start" | "kill" | "look"; readonly name: string }
  | { readonly what: "put"; readonly at: number; readonly labels: Readonly<Record<string, string>> }
  | { readonly what: "drop" | "edit"; readonly at: number }
  | { readonly what: "use"; readonly which: number }
  | { readonly what: "wait"; readonly turns: number };

async function holdsAfter(steps: readonly Step[]): Promise<void> {
  const replicas = await createReplicas([namespaceObject("default"), ...manyPods(8)], first);
  const state = { used: first, lives: 0 };
  replicas.start("a");
  for (const step of steps) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await take(replicas, state, step);
  }
  if (replicas.running.size === 0) replicas.start("z");
  await replicas.settle();
  const { cluster } = replicas;
  const names = [...replicas.running.keys()];
  try {
    assert.deepEqual(await toldIn(cluster), await freshly(cluster, state.used));
    assert.deepEqual(replicas.mistakes, []);
    assert.equal(new Set(owned(replicas)).size, owned(replicas).length, "no object is two replicas'");
    if (names.length === 1) assert.ok(!(await partsIn(cluster)).includes(names[0] ?? ""));
    const writes = cluster.client.calls.count({ writes: true });
    await replicas.settle();
    assert.equal(cluster.client.calls.count({ writes: true }), writes);
  } finally {
    for (const name of names) replicas.kill(name);
  }
}

async function take(replicas: Replicas, state: { used: string; lives: number }, step: Step): Promise<void> {
  const { cluster, running } = replicas;
  switch (step.what) {
    case "start":
      if (!running.has(step.name)) replicas.start(step.name);
      break;
    case "kill":
      replicas.kill(step.name);
      break;
    case "look":
      replicas.look(step.name);
      break;
    case "put":
      cluster.put(madePod(`p${step.at}`, ++state.lives, step.labels));
      break;
    case "drop":
      cluster.drop(pods, { namespace: "default", name: `p${step.at}` });
      break;
    case "edit":
      await replicas.edit(`uid-p${step.at}-0`);
      break;
    case "use":
      state.used = step.which === 0 ? first : second;
      await replicas.use(state.used);
      break;
    case "wait":
      await turns(step.turns);
      break;
    default:
      step satisfies never;
  }
}
