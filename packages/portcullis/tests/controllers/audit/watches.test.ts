import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { ApiResource } from "../../../src/cluster/api.ts";
import type { AuditedPolicy } from "../../../src/controllers/audit/policies.ts";
import { isSame, metadataKept, pack, takeText, unpack } from "../../../src/controllers/audit/packing.ts";
import { wantedResources } from "../../../src/controllers/audit/watches.ts";
import { builtinResources, served } from "../../cluster/fake-resources.ts";

function wanted(kinds: readonly string[] | undefined, more: readonly ApiResource[] = []): readonly string[] {
  const policy: AuditedPolicy = {
    unit: "one",
    dialect: "gatekeeper",
    scope: kinds === undefined ? {} : { kinds },
    reads: [],
    readsRequester: false,
    fingerprint: "",
  };
  const policies = { units: new Map([["one", policy]]), expanded: [] };
  return wantedResources([...builtinResources(), ...more], policies).map(({ gvk }) => `${gvk.group}/${gvk.kind}`);
}

suite("what the audit watches", () => {
  test("the kinds that policies match, in one version each", () => {
    const old = { ...served({ group: "apps", version: "v1beta1", kind: "Deployment" }), preferred: false };
    assert.deepEqual(wanted(["/Pod", "apps/*"], [old]).toSorted(), [
      "/Pod",
      "apps/ControllerRevision",
      "apps/DaemonSet",
      "apps/Deployment",
      "apps/ReplicaSet",
      "apps/StatefulSet",
    ]);
  });

  test("for any kind everything but what never rests and the reports of this audit", () => {
    const reports = [
      served({ group: "wgpolicyk8s.io", version: "v1alpha2", kind: "PolicyReport" }),
      served({ group: "example.com", version: "v1", kind: "Thing" }),
    ];
    const all = wanted(undefined, reports);
    assert.ok(all.includes("example.com/Thing") && all.includes("/Secret"));
    for (const kind of ["/Event", "events.k8s.io/Event", "coordination.k8s.io/Lease", "wgpolicyk8s.io/PolicyReport"])
      assert.ok(!all.includes(kind), kind);
    assert.deepEqual(wanted(["/Event"]), ["/Event"], "unless a policy names it");
  });

  test("what cannot be watched is left out", () => {
    const mute = { ...served({ group: "example.com", version: "v1", kind: "Thing" }), verbs: ["get"] };
    assert.deepEqual(wanted(["example.com/Thing"], [mute]), []);
  });
});

suite("packed objects", () => {
  const pod = (more: object, status = "Running"): Record<string, unknown> => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "a", namespace: "b", uid: "c", labels: { d: "e" }, ...more },
    status: { phase: status },
  });

  test("come back whole, without managed fields", () => {
    const kept = pack(pod({ resourceVersion: "7", managedFields: [{ manager: "x" }] }));
    const text = takeText(kept) ?? "";
    assert.equal(takeText(kept), null, "it is not kept twice");
    assert.deepEqual(unpack(text, kept), pod({ resourceVersion: "7" }));
    assert.deepEqual(metadataKept(kept), {
      apiVersion: "v1",
      kind: "Pod",
      metadata: pod({ resourceVersion: "7" })["metadata"],
    });
  });

  test("are the same when only what no policy sees has changed", () => {
    const object = pack(pod({ resourceVersion: "7", managedFields: [{ manager: "x" }] }));
    assert.equal(isSame(object, pack(pod({ resourceVersion: "8" }))), true);
    assert.equal(isSame(object, pack(pod({ resourceVersion: "7" }, "Failed"))), false);
  });
});
