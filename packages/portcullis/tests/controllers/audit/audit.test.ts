import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { stringAt, valueAt } from "@portcullis/kube";
import { ApiError } from "../../../src/cluster/api.ts";
import { clusterPolicy, constraint, template } from "./policies.ts";
import { audited, namespaceObject, pod } from "./support.ts";

const pods = [pod("a"), pod("b", { owner: "me" }), pod("c", { owner: "me", tier: "web" })];

suite("audit", () => {
  test("a constraint's status has the count and the violations, from the largest", async () => {
    const { get, writes, settle } = await audited({
      objects: [namespaceObject("default"), ...pods, pod("d")],
      policies: `${template}${constraint("owner", "owner")}`,
      settings: { violationsLimit: 1, reports: null },
    });
    assert.deepEqual(valueAt(await get("k8slabel", "owner"), "status"), {
      auditTimestamp: "2026-01-02T00:00:00Z",
      totalViolations: 2,
      violations: [
        {
          group: "",
          version: "v1",
          kind: "Pod",
          name: "a",
          namespace: "default",
          message: "<a> has no label owner",
          enforcementAction: "deny",
        },
      ],
    });
    const before = writes();
    await settle();
    assert.equal(writes(), before);
  });

  test("only what changed is evaluated again, and only what differs is written", async () => {
    const { cluster, audit, get, writes, settle, use } = await audited({
      objects: [namespaceObject("default"), ...pods],
      policies: `${template}${constraint("owner", "owner")}${clusterPolicy}`,
    });
    assert.equal(audit.evaluations, 3);
    const written = writes();
    cluster.put(pod("a", { other: "x" }));
    await settle();
    assert.equal(audit.evaluations, 4);
    assert.equal(writes(), written, "the results are the same");
    cluster.put(pod("a", { owner: "me" }));
    await settle();
    assert.equal(valueAt(await get("k8slabel", "owner"), "status", "totalViolations"), 0);
    assert.equal(valueAt(await get("k8slabel", "owner"), "status", "violations"), undefined);
    assert.equal(writes(), written + 2, "the status and the report of the Pod");
    await use(`${template}${constraint("owner", "owner")}${clusterPolicy}`);
    assert.equal(audit.evaluations, 5, "the same policies cost nothing");
    await use(`${template}${constraint("owner", "tier")}${clusterPolicy}`);
    assert.equal(audit.evaluations, 8, "a changed constraint is held against every Pod once");
    assert.equal(valueAt(await get("k8slabel", "owner"), "status", "totalViolations"), 2);
  });

  test("what changes while statuses are being written is judged after that", { timeout: 20_000 }, async () => {
    let refusals = 0;
    const { cluster, get } = await audited({
      objects: [namespaceObject("default"), ...pods],
      policies: `${template}${constraint("owner", "owner")}`,
      settings: { reports: null },
      fault: ({ verb, resource }) => {
        if (verb !== "patch" || resource.resource !== "k8slabel" || refusals === 0) return null;
        // Each is waited for before the next attempt, longer than changes are gathered.
        if (--refusals === 1) cluster.put(pod("c"));
        return new ApiError("it was changed", { status: 409, reason: "Conflict" });
      },
    });
    refusals = 4;
    cluster.put(pod("b"));
    const total = async (): Promise<unknown> => valueAt(await get("k8slabel", "owner"), "status", "totalViolations");
    while ((await total()) !== 3) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  test("what others note on a policy costs no evaluation", async () => {
    const policies = `${template}${constraint("owner", "owner")}${clusterPolicy}`;
    const { audit, writes, use } = await audited({ objects: [namespaceObject("default"), ...pods], policies });
    const [evaluations, written] = [audit.evaluations, writes()];
    const noted = policies
      .replace("{name: owner}", "{name: owner, annotations: {example.com/noted: yesterday}}")
      .replace("annotations: {", "annotations: {example.com/noted: yesterday, ");
    assert.notEqual(noted, policies);
    await use(noted);
    assert.deepEqual([audit.evaluations, writes()], [evaluations, written]);
    await use(noted.replace("severity: high", "severity: low"));
    assert.equal(audit.evaluations, evaluations, "reports say it by themselves");
    assert.ok(writes() > written);
  });

  test("each object with results has one report for both dialects, in Kyverno's layout", async () => {
    const { get, use, cluster, settle } = await audited({
      objects: [namespaceObject("default"), ...pods],
      policies: `${template}${constraint("owner", "owner")}${clusterPolicy}`,
    });
    const report = await get("policyreports", "uid-a", "default");
    assert.deepEqual(valueAt(report, "metadata", "ownerReferences"), [
      { apiVersion: "v1", kind: "Pod", name: "a", uid: "uid-a" },
    ]);
    assert.equal(valueAt(report, "metadata", "labels", "app.kubernetes.io/managed-by"), "kyverno");
    assert.deepEqual(valueAt(report, "scope"), {
      apiVersion: "v1",
      kind: "Pod",
      name: "a",
      namespace: "default",
      uid: "uid-a",
    });
    assert.deepEqual(valueAt(report, "summary"), { pass: 0, fail: 2, warn: 0, error: 0, skip: 0 });
    const timestamp = { seconds: Date.UTC(2026, 0, 2) / 1000, nanos: 0 };
    assert.deepEqual(valueAt(report, "results"), [
      {
        source: "gatekeeper",
        policy: "K8sLabel/owner",
        result: "fail",
        message: "<a> has no label owner",
        scored: true,
        properties: { process: "audit", enforcementAction: "deny" },
        timestamp,
      },
      {
        source: "kyverno",
        policy: "tier",
        rule: "has-tier",
        result: "fail",
        message: "validation error: every Pod has a tier. rule has-tier failed at path /metadata/labels/tier/",
        scored: true,
        severity: "high",
        category: "Test",
        properties: { process: "background scan" },
        timestamp,
      },
    ]);
    assert.deepEqual(valueAt(await get("policyreports", "uid-c", "default"), "summary"), {
      pass: 1,
      fail: 0,
      warn: 0,
      error: 0,
      skip: 0,
    });
    await use(`${template}${constraint("owner", "owner")}${clusterPolicy.replace("high", "low")}`);
    const [, again] = valueAt(await get("policyreports", "uid-a", "default"), "results") as readonly unknown[];
    assert.equal(valueAt(again, "severity"), "low");
    cluster.drop({ group: "", version: "v1", resource: "pods" }, { namespace: "default", name: "a" });
    await settle();
    assert.equal(await get("policyreports", "uid-a", "default"), null);
    await use(template);
    assert.equal(await get("policyreports", "uid-c", "default"), null);
  });

  test("an audit that starts again finds its reports and writes nothing", async () => {
    const policies = `${template}${constraint("owner", "owner")}${clusterPolicy}`;
    const first = await audited({ objects: [namespaceObject("default"), ...pods], policies });
    await first.audit.close();
    const stored: Record<string, unknown>[] = [];
    for (const name of ["uid-a", "uid-b", "uid-c"])
      stored.push((await first.get("policyreports", name, "default")) ?? {});
    const [a, b, c] = stored;
    const edited = { ...b, results: [] };
    const stale = { ...c, metadata: { ...(c?.["metadata"] as object), name: "uid-of-nobody", uid: "x" } };
    const second = await audited({
      objects: [namespaceObject("default"), ...pods, a ?? {}, edited, c ?? {}, stale],
      policies,
    });
    const { calls } = second.cluster.client;
    assert.equal(calls.count({ writes: true, resource: "policyreports", verb: "create" }), 0);
    assert.equal(calls.count({ writes: true, resource: "policyreports", verb: "patch" }), 1, "the edited one");
    assert.equal(calls.count({ writes: true, resource: "policyreports", verb: "delete" }), 1, "the one of nobody");
  });

  test("a report of somebody else is left alone", async () => {
    const foreign = {
      apiVersion: "wgpolicyk8s.io/v1alpha2",
      kind: "PolicyReport",
      metadata: { name: "uid-a", namespace: "default" },
      results: [],
    };
    const { get } = await audited({
      objects: [namespaceObject("default"), pod("a"), foreign],
      policies: clusterPolicy,
    });
    assert.deepEqual(valueAt(await get("policyreports", "uid-a", "default"), "results"), []);
  });

  test("a Namespace's labels decide anew about what is in it", async () => {
    const policies = `${template}${constraint("owner", "owner", ", namespaceSelector: {matchLabels: {watched: 'yes'}}")}`;
    const { cluster, audit, get, settle } = await audited({ objects: [namespaceObject("default"), ...pods], policies });
    assert.equal(valueAt(await get("k8slabel", "owner"), "status", "totalViolations"), 0);
    cluster.put(namespaceObject("default", { watched: "yes" }));
    await settle();
    assert.equal(valueAt(await get("k8slabel", "owner"), "status", "totalViolations"), 1);
    assert.equal(audit.evaluations, 6);
  });

  test("a policy on who asks is not auditable: no violation, and it says so", async () => {
    const onUsers = template
      .replaceAll("k8slabel", "k8suser")
      .replaceAll("K8sLabel", "K8sUser")
      .replace(
        "not input.review.object.metadata.labels[input.parameters.label]",
        'not input.review.userInfo.username == "x"',
      );
    const policies = `${onUsers}${constraint("who", "owner").replaceAll("K8sLabel", "K8sUser")}`;
    const { get } = await audited({ objects: [namespaceObject("default"), pod("a")], policies });
    const status = valueAt(await get("k8suser", "who"), "status");
    assert.equal(valueAt(status, "totalViolations"), 0);
    assert.equal(valueAt(status, "notAuditable"), 1);
    const report = await get("policyreports", "uid-a", "default");
    const [result] = valueAt(report, "results") as readonly unknown[];
    assert.equal(stringAt(result, "result"), "skip");
    assert.match(stringAt(result, "message"), /^not auditable: /);
  });

  test("Config takes namespaces out of Gatekeeper's audit and not out of Kyverno's", async () => {
    const config = `apiVersion: config.gatekeeper.sh/v1alpha1
kind: Config
metadata: {name: config, namespace: gatekeeper-system}
spec: {match: [{excludedNamespaces: ["def*"], processes: [audit]}]}
`;
    const policies = `${template}${constraint("owner", "owner")}${clusterPolicy}---\n${config}`;
    const { get } = await audited({ objects: [namespaceObject("default"), pod("a")], policies });
    assert.equal(valueAt(await get("k8slabel", "owner"), "status", "totalViolations"), 0);
    assert.deepEqual(valueAt(await get("policyreports", "uid-a", "default"), "summary", "fail"), 1);
  });

  test("a rescan finds what a watch has lost, and what somebody wrote into a status", async () => {
    const { cluster, audit, get } = await audited({
      objects: [namespaceObject("default"), pod("a")],
      policies: `${template}${constraint("owner", "owner")}`,
      settings: { reports: null, rescanMs: 0 },
      deaf: (object) => stringAt(object, "metadata", "name") === "b",
    });
    cluster.put(pod("b"));
    await cluster.client.patch(
      { group: "constraints.gatekeeper.sh", version: "v1beta1", resource: "k8slabel" },
      { namespace: "", name: "owner" },
      { status: { totalViolations: 7 } },
      { type: "merge", subresource: "status" },
    );
    await audit.settled();
    assert.equal(valueAt(await get("k8slabel", "owner"), "status", "totalViolations"), 7);
    await audit.rescan();
    await audit.settled();
    assert.equal(valueAt(await get("k8slabel", "owner"), "status", "totalViolations"), 2);
  });

  test("policies that could not be followed at first are not forgotten", async () => {
    const objects = [namespaceObject("default"), pod("a")];
    const { cluster, audit, get, use } = await audited({ objects, policies: template, settings: { reports: null } });
    const { discover } = cluster.client;
    let failures = 1;
    cluster.client.discover = (refresh) => (failures-- > 0 ? Promise.reject(new Error("away")) : discover(refresh));
    await use(`${template}${constraint("owner", "owner")}`);
    await audit.settled();
    assert.equal(valueAt(await get("k8slabel", "owner"), "status", "totalViolations"), 1);
  });

  test("a run that begins while newer policies are followed does not bring the older ones back", async () => {
    const objects = [namespaceObject("default"), pod("a")];
    const { cluster, audit, use } = await audited({
      objects,
      policies: template,
      settings: { reports: null, intervalMs: 20 },
    });
    const newer = audit.policies?.set ?? assert.fail();
    await use(`${template}${constraint("owner", "owner")}`);
    const { discover } = cluster.client;
    const gate = Promise.withResolvers<void>();
    let isHeld = false;
    let runs = 0;
    cluster.client.discover = async (refresh) => {
      if (refresh === true) runs++;
      else if (isHeld) await gate.promise;
      return discover(refresh);
    };
    const until = async (isSo: () => boolean): Promise<void> => {
      while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1));
    };
    // Between two runs, so that the next one begins while these are followed.
    const before = runs;
    await until(() => runs > before);
    await audit.settled();
    isHeld = true;
    audit.setPolicies(newer);
    const held = runs;
    await until(() => runs > held);
    await new Promise((resolve) => setTimeout(resolve, 1));
    gate.resolve();
    await audit.settled();
    assert.equal(audit.policies?.objects.size, 0, "the constraint is gone");
    await audit.close();
  });

  test("a kind that may not be read keeps no other waiting", async () => {
    const everything = constraint("owner", "owner").replace("kinds: [Pod]", "kinds: [Pod, Secret]");
    const { get } = await audited({
      objects: [namespaceObject("default"), pod("a")],
      policies: `${template}${everything}`,
      settings: { reports: null },
      forbidden: "secrets",
    });
    assert.equal(valueAt(await get("k8slabel", "owner"), "status", "totalViolations"), 1);
  });

  test("what an object will make is judged with it", async () => {
    const expansion = `apiVersion: expansion.gatekeeper.sh/v1alpha1
kind: ExpansionTemplate
metadata: {name: expand-deployments}
spec:
  applyTo: [{groups: [apps], kinds: [Deployment], versions: [v1]}]
  templateSource: spec.template
  generatedGVK: {kind: Pod, group: "", version: v1}
  enforcementAction: warn
---
`;
    const spec = { template: { metadata: { labels: { tier: "web" } }, spec: { containers: [] } } };
    const metadata = { name: "web", namespace: "default", uid: "uid-web" };
    const { cluster, get, settle } = await audited({
      objects: [namespaceObject("default"), { apiVersion: "apps/v1", kind: "Deployment", metadata, spec }],
      policies: `${template}${constraint("owner", "owner")}${expansion}`,
      settings: { reports: null },
    });
    const [violation] = valueAt(await get("k8slabel", "owner"), "status", "violations") as readonly unknown[];
    assert.equal(stringAt(violation, "kind"), "Deployment");
    assert.equal(stringAt(violation, "enforcementAction"), "warn");
    assert.equal(stringAt(violation, "message"), "[Implied by expand-deployments] <web-pod> has no label owner");
    const labels = { tier: "web", owner: "me" };
    const mended = { template: { metadata: { labels }, spec: { containers: [] } } };
    cluster.put({ apiVersion: "apps/v1", kind: "Deployment", metadata, spec: mended });
    await settle();
    assert.equal(valueAt(await get("k8slabel", "owner"), "status", "totalViolations"), 0);
  });

  test("a policy that looks at other objects is asked again when those change", async () => {
    const unique = template.replace(
      "not input.review.object.metadata.labels[input.parameters.label]",
      `other := data.inventory.namespace[_]["v1"]["ConfigMap"][_]
        other.metadata.labels.taken == input.review.object.metadata.name`,
    );
    const config = (labels: object): Record<string, unknown> => ({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "c", namespace: "default", labels },
    });
    const { cluster, get, settle } = await audited({
      objects: [namespaceObject("default"), pod("a"), config({})],
      policies: `${unique}${constraint("owner", "owner")}`,
      settings: { reports: null },
    });
    assert.equal(valueAt(await get("k8slabel", "owner"), "status", "totalViolations"), 0);
    cluster.put(config({ taken: "a" }));
    await settle();
    assert.equal(valueAt(await get("k8slabel", "owner"), "status", "totalViolations"), 1);
  });

  test("a refused write is tried again", async () => {
    let refusals = 2;
    const { get, settle } = await audited({
      objects: [namespaceObject("default"), pod("a")],
      policies: `${template}${constraint("owner", "owner")}${clusterPolicy}`,
      fault: ({ verb }) =>
        (verb === "create" || verb === "patch") && refusals-- > 0
          ? new ApiError("too busy", { status: 500, reason: "InternalError" })
          : null,
    });
    await settle();
    assert.equal(valueAt(await get("k8slabel", "owner"), "status", "totalViolations"), 1);
    assert.deepEqual(valueAt(await get("policyreports", "uid-a", "default"), "summary", "fail"), 2);
  });
});
