// When discovery is asked again because of what definitions say.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { ApiResource, ClusterObject } from "../../src/cluster/api.ts";
import { watchDefinitions } from "../../src/cluster/definitions.ts";
import { type Served, createServed } from "../../src/cluster/served.ts";
import { type FakeCluster, createFakeCluster } from "./fake.ts";
import { served as servedKind } from "./fake-resources.ts";

const widget = servedKind({ group: "example.com", version: "v1", kind: "Widget" });

interface DefinitionOptions {
  readonly isEstablished?: boolean;
  readonly isServed?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
}

function definition({ isEstablished = true, isServed = true, labels = {} }: DefinitionOptions = {}): ClusterObject {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "widgets.example.com", labels },
    spec: {
      group: "example.com",
      names: { kind: "Widget", plural: "widgets" },
      versions: [{ name: "v1", served: isServed }],
    },
    status: { conditions: [{ type: "Established", status: isEstablished ? "True" : "False" }] },
  };
}

interface Trial {
  readonly cluster: FakeCluster;
  readonly served: Served;
  /** How often discovery was asked. */
  readonly asked: () => number;
  /** After how many milliseconds it is worth asking, as was said. */
  readonly waits: number[];
  /** What discovery says, and what happens while it does. */
  readonly discovery: { resources: readonly ApiResource[]; meanwhile: () => Promise<void> };
}

async function trial(context: TestContext): Promise<Trial> {
  const cluster = createFakeCluster();
  const definitions = watchDefinitions(cluster.informers, assert.fail);
  const discovery: Trial["discovery"] = { resources: [], meanwhile: () => Promise.resolve() };
  let asked = 0;
  const waits: number[] = [];
  const client = {
    discover: async () => {
      asked++;
      await discovery.meanwhile();
      return { resources: discovery.resources, failed: [] };
    },
  };
  const served = createServed({ client, definitions, soon: (afterMs) => waits.push(afterMs) });
  context.after(() => {
    served.close();
    definitions.close();
  });
  await definitions.synced;
  return { cluster, served, asked: () => asked, waits, discovery };
}

test("served: discovery is asked once, and again when definitions serve something else", async (context) => {
  const { cluster, served, asked, waits, discovery } = await trial(context);
  assert.equal(served.resources, null);
  assert.deepEqual(await served.ask(), []);
  assert.deepEqual(await served.ask(), []);
  assert.equal(asked(), 1);
  cluster.put(definition({ isEstablished: false }));
  await cluster.settled();
  assert.deepEqual([served.resources, waits], [[], []]);
  cluster.put(definition());
  await cluster.settled();
  assert.deepEqual([served.resources, waits], [null, [500]]);
  discovery.resources = [widget];
  assert.deepEqual(await served.ask(), [widget]);
  cluster.put(definition({ labels: { an: "other" } }));
  await cluster.settled();
  assert.deepEqual(await served.ask(), [widget]);
  assert.equal(asked(), 2);
  cluster.put(definition({ isServed: false }));
  await cluster.settled();
  assert.deepEqual([served.resources, waits], [null, [500, 500]]);
});

test("served: what changes while discovery is asked is asked for once more", async (context) => {
  const { cluster, served, asked, discovery } = await trial(context);
  discovery.meanwhile = async () => {
    cluster.put(definition());
    await cluster.settled();
    discovery.meanwhile = () => Promise.resolve();
  };
  assert.equal(await served.ask(), null);
  discovery.resources = [widget];
  assert.deepEqual(await served.ask(), [widget]);
  assert.equal(asked(), 2);
});

test("served: discovery that is behind is asked again, less and less often, and not for ever", async (context) => {
  const { cluster, served, asked, waits } = await trial(context);
  cluster.put(definition());
  await cluster.settled();
  let nowMs = 0;
  context.mock.method(performance, "now", () => nowMs);
  for (let turn = 0; turn < 10; turn++) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other is the point
    assert.deepEqual(await served.ask(), []);
    // Too early.
    // oxlint-disable-next-line no-await-in-loop
    await served.ask();
    nowMs += 40_000;
  }
  assert.equal(asked(), 7);
  assert.deepEqual(waits, [500, 1010, 2010, 4010, 8010, 16_010, 30_010]);
});
