// What a replica that leads tells of writes that nobody let through, on a clock that the test moves.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { ClusterObject } from "../../../src/cluster/api.ts";
import { type Records, createRecords } from "../../../src/controllers/entries/records.ts";
import { type UncheckedWatch, watchUnchecked } from "../../../src/controllers/entries/unchecked.ts";
import { type FakeCluster, createFakeCluster } from "../../cluster/fake.ts";

const startMs = Date.UTC(2026, 5, 1);

function at(seconds: number): string {
  return `${new Date(startMs + seconds * 1000).toISOString().slice(0, 19)}Z`;
}

function written(name: string, seconds: number): Readonly<Record<string, unknown>> {
  const time = at(seconds);
  return { name, creationTimestamp: time, managedFields: [{ manager: "m", operation: "Update", time }] };
}

const configuration: ClusterObject = {
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingWebhookConfiguration",
  metadata: written("portcullis", -86_400),
  webhooks: [
    {
      name: "validation.gatekeeper.sh",
      clientConfig: { url: "https://127.0.0.1/v1/admit/gatekeeper" },
      matchPolicy: "Equivalent",
      rules: [{ apiGroups: [""], apiVersions: ["*"], operations: ["*"], resources: ["pods"], scope: "*" }],
    },
  ],
};

/** Who led before, and renewed a minute ago for the last time. */
const lease: ClusterObject = {
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  metadata: { name: "portcullis", namespace: "portcullis" },
  spec: { holderIdentity: "before", leaseDurationSeconds: 8, renewTime: at(-60).replace("Z", ".000000Z") },
};

interface Trial {
  readonly cluster: FakeCluster;
  readonly records: Records;
  readonly watch: UncheckedWatch;
  readonly unchecked: string[];
  readonly clock: { seconds: number };
  /** A Pod is written; `isAsked`: by our leave. */
  write(name: string, isAsked: boolean): Promise<void>;
  /** Time passes, in which whoever waits for judgement is judged. */
  pass(seconds: number): Promise<void>;
}

async function trial(context: TestContext): Promise<Trial> {
  context.mock.timers.enable({ apis: ["setInterval"] });
  const clock = { seconds: 0 };
  const clocks = { epochMs: () => startMs + clock.seconds * 1000, steadyMs: () => clock.seconds * 1000 };
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } };
  const cluster = createFakeCluster({ objects: [namespace, configuration, lease] });
  const records = createRecords("we", clocks);
  const unchecked: string[] = [];
  const watch = watchUnchecked({
    client: cluster.client,
    informers: cluster.informers,
    namespace: "portcullis",
    configurationName: "portcullis",
    records,
    identity: "we",
    clocks,
    onUnchecked: ({ name }) => unchecked.push(name),
    onUnknown: () => unchecked.push("?"),
    onError: assert.fail,
  });
  context.after(() => watch.close());
  await watch.known;
  const pass = async (seconds: number): Promise<void> => {
    clock.seconds += seconds;
    context.mock.timers.tick(2000);
    await cluster.settled();
  };
  const write = async (name: string, isAsked: boolean): Promise<void> => {
    const metadata = { ...written(name, clock.seconds), namespace: "default", uid: name };
    const about = { uid: name, at: at(clock.seconds), group: "", resource: "pods", kind: "Pod" };
    if (isAsked) records.note({ dialects: ["gatekeeper"], ...about, namespace: "default", name });
    cluster.put({ apiVersion: "v1", kind: "Pod", metadata });
    await cluster.settled();
    await pass(2);
  };
  return { cluster, records, watch, unchecked, clock, write, pass };
}

test("who leads again goes on from where he stopped", async (context) => {
  const { cluster, watch, unchecked, clock, write, pass } = await trial(context);
  watch.lead(true);
  await cluster.settled();
  clock.seconds = 100;
  await write("asked", true);
  await write("not-asked", false);
  assert.deepEqual(unchecked, ["not-asked"]);
  await pass(600);
  // The API server was away for a moment: nobody else has led.
  watch.lead(false);
  await pass(2);
  watch.lead(true);
  await cluster.settled();
  await write("later", true);
  await write("not-asked-later", false);
  assert.deepEqual(unchecked, ["not-asked", "not-asked-later"]);
});

test("of a kind that is shown later, what was let through long ago is not told", async (context) => {
  const { cluster, watch, unchecked, clock, write, pass } = await trial(context);
  watch.lead(true);
  await cluster.settled();
  const configMap = (name: string): ClusterObject => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { ...written(name, clock.seconds), namespace: "default", uid: name },
  });
  clock.seconds = -10;
  cluster.put(configMap("while-nobody-was-there"));
  clock.seconds = 100;
  cluster.put(configMap("let-through"));
  await write("let-through-too", true);
  clock.seconds = 700;
  cluster.put(configMap("not-asked"));
  // The configuration is as old as before: ConfigMaps were asked about all the time.
  const [webhook] = configuration["webhooks"] as readonly { readonly rules: readonly object[] }[];
  const rules = webhook?.rules.map((rule) => ({ ...rule, resources: ["pods", "configmaps"] }));
  cluster.put({ ...configuration, webhooks: [{ ...webhook, rules }] });
  await cluster.settled();
  await pass(2);
  assert.deepEqual(unchecked.toSorted(), ["not-asked", "while-nobody-was-there"]);
});
