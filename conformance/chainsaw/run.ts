// A test from its first step to an empty cluster: a namespace of its own, steps in their order until one fails, then what
// each step wants done in the end, and everything that was made is taken away again, the last first.

import type { ClusterObject } from "../../packages/portcullis/src/cluster/api.ts";
import { type Bindings, fill } from "./expression.ts";
import { type Reference, createObjects } from "./objects.ts";
import { type Surroundings, operate } from "./operations.ts";
import type { Binding, ChainsawTest, Operation, Step } from "./test.ts";
import type { TestCluster } from "./cluster.ts";

/** Rejects with the step and the reason when the test fails. */
export async function runTest(test: ChainsawTest, cluster: TestCluster): Promise<void> {
  const { client } = cluster;
  const namespace = test.namespace === "" ? await cluster.createNamespace() : test.namespace;
  const objects = createObjects(client, namespace);
  const made: Reference[] = [];
  const known: readonly (readonly [string, unknown])[] = [
    ["namespace", namespace],
    ["test", { metadata: test.metadata }],
  ];
  const bindings = bind(new Map(known), test.bindings);
  const around: Surroundings = {
    objects,
    folder: test.folder,
    isTemplate: test.isTemplate,
    bindings,
    env: { ...cluster.env, NAMESPACE: namespace },
    timeouts: cluster.timeouts,
    onCreated: (where) => made.push(where),
  };
  try {
    if (test.namespace !== "") await ensureNamespace(objects, test.namespace, made);
    await runSteps(test.steps, around);
  } finally {
    await takeAway(made.toReversed(), cluster);
    if (test.namespace === "") await cluster.endNamespace(namespace);
    await cluster.clear();
  }
}

async function ensureNamespace(
  objects: ReturnType<typeof createObjects>,
  name: string,
  made: Reference[],
): Promise<void> {
  const object: ClusterObject = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
  const { where } = await objects.placed(object);
  if ((await objects.get(where)) !== null) return;
  await objects.create(object);
  made.push(where);
}

async function runSteps(steps: readonly Step[], around: Surroundings): Promise<void> {
  const ends: (() => Promise<void>)[] = [];
  try {
    for (const [at, step] of steps.entries()) {
      const bindings = bind(around.bindings, step.bindings);
      ends.push(() => runAll(step.cleanup, { ...around, bindings }));
      // oxlint-disable-next-line no-await-in-loop -- one step after the other
      await runStep(step, { ...around, bindings }).catch((error: unknown) => {
        throw new Error(`step ${at + 1} (${step.name}): ${(error as Error).message}`);
      });
    }
  } finally {
    // oxlint-disable-next-line no-await-in-loop -- the last first
    for (const end of ends.toReversed()) await end();
  }
}

async function runStep(step: Step, around: Surroundings): Promise<void> {
  try {
    await runAll(step.try, around);
  } finally {
    await runAll(step.finally, around);
  }
}

async function runAll(operations: readonly Operation[], around: Surroundings): Promise<void> {
  let { bindings } = around;
  for (const operation of operations) {
    // oxlint-disable-next-line no-await-in-loop -- in their order
    const added = await operate(operation, { ...around, bindings });
    bindings = new Map([...bindings, ...added]);
  }
}

function bind(bindings: Bindings, added: readonly Binding[]): Bindings {
  const all = new Map(bindings);
  for (const { name, value } of added) all.set(name, fill(value, all));
  return all;
}

async function takeAway(made: readonly Reference[], { client, timeouts, ended }: TestCluster): Promise<void> {
  const objects = createObjects(client, "");
  for (const where of made) {
    // A policy that was taken away just now may refuse for a moment; none may disturb the next test.
    // oxlint-disable-next-line no-await-in-loop -- the last first
    await ended(async () => {
      await objects.remove(where).catch(() => {});
      return (await objects.get(where)) === null;
    }, timeouts.deleteMs);
  }
}
