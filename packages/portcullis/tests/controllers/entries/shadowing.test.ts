// Our decisions beside what a neighbour let in.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ApiError, type ClusterObject, type Informers } from "../../../src/cluster/api.ts";
import { type Comparison, type Shadowing, compareInShadow } from "../../../src/controllers/entries/shadowing.ts";
import type { EntryNote } from "../../../src/server/decided.ts";
import { type FakeCluster, createFakeCluster } from "../../cluster/fake.ts";

const at = "2026-01-01T00:00:00Z";

const configuration: ClusterObject = {
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingWebhookConfiguration",
  metadata: { name: "portcullis", managedFields: [{ manager: "p", time: at }] },
  webhooks: [
    {
      name: "shadow.validation.gatekeeper.sh",
      clientConfig: { url: "https://127.0.0.1/shadow/v1/admit/gatekeeper" },
      matchPolicy: "Equivalent",
      rules: [{ apiGroups: [""], apiVersions: ["*"], operations: ["*"], resources: ["*"], scope: "*" }],
    },
  ],
};

function noteOf(kind: string, name: string): EntryNote {
  const resource = `${kind.toLowerCase()}s`;
  return { dialects: ["gatekeeper"], uid: name, at, group: "", resource, kind, namespace: "default", name };
}

function stored(kind: string, name: string): ClusterObject {
  const managedFields = [{ manager: "m", operation: "Update", time: at }];
  return { apiVersion: "v1", kind, metadata: { name, namespace: "default", uid: name, managedFields } };
}

interface Trial {
  readonly cluster: FakeCluster;
  readonly shadowing: Shadowing;
  readonly compared: Comparison[];
  readonly pass: (ms: number) => void;
}

/** Secrets may not be read. */
async function trial(context: TestContext): Promise<Trial> {
  context.mock.timers.enable({ apis: ["setInterval"] });
  const cluster = createFakeCluster({
    objects: [{ apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } }, configuration],
  });
  const informers: Informers = {
    close: () => cluster.informers.close(),
    watch: (resource, options = {}) => {
      const informer = cluster.informers.watch(resource, options);
      if (resource.resource !== "secrets") return informer;
      const refusal = new ApiError("secrets is forbidden", { status: 403, reason: "Forbidden" });
      setImmediate(() => options.onError?.(refusal));
      return { ...informer, synced: new Promise(() => {}), hasSynced: () => false, get: () => null };
    },
  };
  let nowMs = 0;
  const compared: Comparison[] = [];
  const shadowing = compareInShadow({
    client: cluster.client,
    informers,
    configurationName: "portcullis",
    onCompared: (comparison) => compared.push(comparison),
    onError: () => {},
    nowMs: () => nowMs,
  });
  context.after(() => shadowing.close());
  await cluster.settled();
  const pass = (ms: number): void => {
    nowMs += ms;
    context.mock.timers.tick(1000);
  };
  return { cluster, shadowing, compared, pass };
}

test("what does not appear was refused, but for what we may not read", async (context) => {
  const { cluster, shadowing, compared, pass } = await trial(context);
  const allowed = { allowed: true, message: "" };
  const denied = { allowed: false, message: "no" };
  shadowing.decided(noteOf("Pod", "let-in"), allowed);
  shadowing.decided(noteOf("Pod", "refused"), allowed);
  shadowing.decided(noteOf("Pod", "let-in-though"), denied);
  shadowing.decided(noteOf("Secret", "let-in"), allowed);
  shadowing.decided(noteOf("Event", "let-in"), allowed);
  for (const name of ["let-in", "let-in-though"]) cluster.put(stored("Pod", name));
  for (const kind of ["Secret", "Event"]) cluster.put(stored(kind, "let-in"));
  await cluster.settled();
  pass(9000);
  assert.equal(compared.length, 0);
  pass(2000);
  assert.deepEqual(
    compared.map((one) => [one.kind, one.name, one.ours, one.stored]),
    [
      ["Pod", "let-in", "allow", true],
      ["Pod", "refused", "allow", false],
      ["Pod", "let-in-though", "deny", true],
    ],
  );
});
