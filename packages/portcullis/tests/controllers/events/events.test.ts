import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { valueAt } from "@portcullis/kube";
import { ApiError, type ClusterObject } from "../../../src/cluster/api.ts";
import type { ObjectResults } from "../../../src/controllers/audit/auditor.ts";
import type { PolicyObject } from "../../../src/controllers/audit/policies.ts";
import type { Result } from "../../../src/controllers/audit/results.ts";
import type { Violation } from "../../../src/controllers/audit/runs.ts";
import { admissionEvents, auditEvent } from "../../../src/controllers/events/gatekeeper.ts";
import { kyvernoEvent, scanEvents } from "../../../src/controllers/events/kyverno.ts";
import { type OutgoingEvent, createRecorder } from "../../../src/controllers/events/recorder.ts";

const now = Date.UTC(2026, 0, 2);

function result(policy: Result["policy"], more: Partial<Result>): Result {
  return {
    policy,
    unit: "",
    rule: "",
    result: "fail",
    actionName: "deny",
    scoped: [],
    message: "bad",
    details: "",
    properties: {},
    exceptions: [],
    notAuditable: false,
    ...more,
  };
}

const pod: ObjectResults = {
  key: "/pods team/web",
  group: "",
  version: "v1",
  kind: "Pod",
  namespace: "team",
  name: "web",
  uid: "uid-web",
  results: [],
  sinceSeconds: 0,
};

function policyObject(id: PolicyObject["id"], group: string, version: string): PolicyObject {
  return { id, group, version, uid: "uid-policy", generation: 1, annotations: {}, reported: true, mode: "audit" };
}

const constraintId = { dialect: "gatekeeper", kind: "K8sFoo", namespace: "", name: "foo" };
const violation: Violation = {
  object: pod,
  result: result(constraintId, {}),
  constraint: policyObject(constraintId, "constraints.gatekeeper.sh", "v1beta1"),
  message: "bad",
  labels: {},
  resourceVersion: "7",
};

suite("events", () => {
  test("a violation that the audit found is told in our namespace, in Gatekeeper's words", () => {
    const { event, resource } = auditEvent(violation, { namespace: "portcullis", involvedNamespace: false }, now);
    assert.deepEqual(resource, { group: "", version: "v1", resource: "events" });
    assert.equal(event["reason"], "AuditViolation");
    assert.equal(event["message"], "Resource Namespace: team, Constraint: foo, Message: bad");
    assert.deepEqual(event["involvedObject"], {
      kind: "Pod",
      namespace: "portcullis",
      name: "web",
      uid: "Pod/team/web/K8sFoo//foo",
    });
    assert.deepEqual(event["source"], { component: "gatekeeper-audit" });
    assert.equal(valueAt(event, "metadata", "annotations", "auditTimestamp"), "2026-01-02T00:00:00Z");
    assert.equal(valueAt(event, "metadata", "annotations", "resource_name"), "web");
  });

  test("or in the namespace of the object, about the object itself", () => {
    const { event } = auditEvent(violation, { namespace: "portcullis", involvedNamespace: true }, now);
    assert.equal(event["message"], "Constraint: foo, Message: bad");
    const involved = { kind: "Pod", namespace: "team", name: "web", uid: "uid-web", resourceVersion: "7" };
    assert.deepEqual(event["involvedObject"], involved);
    assert.equal(valueAt(event, "metadata", "namespace"), "team");
  });

  test("at admission each action that holds has its reason", () => {
    const constraint = { group: "constraints.gatekeeper.sh", version: "v1beta1", kind: "K8sFoo", name: "foo" };
    const told = admissionEvents(
      {
        involved: { kind: "Pod", namespace: "team", name: "web", uid: "", resourceVersion: "" },
        group: "",
        version: "v1",
        constraint: { ...constraint, action: "scoped", actions: ["deny", "warn", "dryrun"] },
        message: "bad",
        username: "alice",
      },
      { namespace: "portcullis", involvedNamespace: false },
      now,
    );
    assert.deepEqual(
      told.map(({ event }) => `${String(event["reason"])}: ${String(event["message"])}`),
      [
        'FailedAdmission: Admission webhook "validation.gatekeeper.sh" denied request, Resource Namespace: team, Constraint: foo, Message: bad',
        'WarningAdmission: Admission webhook "validation.gatekeeper.sh" raised a warning for this request, Resource Namespace: team, Constraint: foo, Message: bad',
        "DryrunViolation: Dryrun violation, Resource Namespace: team, Constraint: foo, Message: bad",
      ],
    );
  });

  test("Kyverno tells the object and the policy of a failure, and exceptions of their use", () => {
    const id = { dialect: "kyverno", kind: "ClusterPolicy", namespace: "", name: "tier" };
    const results = [
      result(id, { rule: "has-tier", message: "no tier" }),
      result(id, { rule: "other", result: "skip", exceptions: ["team/allowed"] }),
      result(id, { rule: "fine", result: "pass" }),
    ];
    const tier = policyObject(id, "kyverno.io", "v1");
    const all = scanEvents(pod, tier, results, { omit: new Set(), successes: false });
    assert.deepEqual(
      all.map(({ regarding, reason, note }) => `${regarding.kind} ${regarding.name}: ${reason}: ${note}`),
      [
        "Pod web: PolicyViolation: policy tier/has-tier fail: no tier",
        "ClusterPolicy tier: PolicyViolation: Pod team/web: [has-tier] fail; no tier",
        "PolicyException allowed: PolicySkipped: resource Pod/team/web was skipped from policy rule tier/other",
        "ClusterPolicy tier: PolicySkipped: resource Pod/team/web was skipped from rule other due to policy exceptions team/allowed",
      ],
    );
    const some = scanEvents(pod, tier, results, { omit: new Set(["PolicySkipped"]), successes: true });
    assert.equal(some.length, 2);
    const [ofPod, ofPolicy] = all.map((one) => kyvernoEvent(one, "kyverno-scan", now).event);
    assert.equal(valueAt(ofPod, "metadata", "namespace"), "team");
    assert.equal(valueAt(ofPolicy, "metadata", "namespace"), "default");
    assert.equal(valueAt(ofPod, "type"), "Warning");
    assert.equal(valueAt(ofPod, "eventTime"), "2026-01-02T00:00:00.000000Z");
  });

  test("a note is at most 1024 bytes", () => {
    const told = {
      regarding: { apiVersion: "v1", kind: "Pod", name: "web" },
      reason: "PolicyViolation",
      action: "None",
      note: `${"x".repeat(1020)}ééé`,
    } as const;
    const { note } = kyvernoEvent(told, "kyverno-scan", now).event;
    assert.equal(note, `${"x".repeat(1020)}...`);
  });
});

suite("recorder", () => {
  const outgoing = (key: string): OutgoingEvent => ({
    resource: { group: "", version: "v1", resource: "events" },
    event: { metadata: { name: key } },
    key,
  });

  test("what was said a while ago is not said again; what fails is tried again, and counted in the end", async () => {
    const sent: string[] = [];
    let refusals = 1;
    let nowMs = 0;
    const recorder = createRecorder({
      client: {
        create: (_resource, event): Promise<ClusterObject> => {
          const name = String(valueAt(event, "metadata", "name"));
          if (name === "refused") return Promise.reject(new ApiError("no", { status: 422, reason: "Invalid" }));
          if (name === "late" && refusals-- > 0)
            return Promise.reject(new ApiError("busy", { status: 500, reason: "InternalError" }));
          sent.push(name);
          return Promise.resolve(event);
        },
      },
      nowMs: () => nowMs,
      rate: 10_000,
      queuedMax: 3,
      quietMs: 1000,
      onError: () => undefined,
    });
    for (const key of ["one", "one", "late", "refused"]) recorder.send(outgoing(key));
    await recorder.idle();
    assert.deepEqual(sent, ["one", "late"]);
    assert.equal(recorder.dropped, 1);
    for (nowMs of [600, 1200]) recorder.send(outgoing("one"));
    await recorder.idle();
    assert.deepEqual(sent, ["one", "late", "one"], "said again all the time, it is told once in a while");
    for (let at = 0; at < 10; at++) recorder.send(outgoing(`many-${at}`));
    await recorder.idle();
    assert.equal(recorder.dropped, 1 + 6, "one is on its way, three wait");
    recorder.close();
  });

  test("while the API server is away Events wait for it, and nobody waits for them at the end", async () => {
    const sent: string[] = [];
    let asked = 0;
    let isAway = true;
    const recorder = createRecorder({
      client: {
        create: (_resource, event): Promise<ClusterObject> => {
          if (++asked === 8) isAway = false;
          if (isAway)
            return Promise.reject(
              new ApiError("away", { status: [0, 429, 503][asked % 3] ?? 0, reason: "Unreachable" }),
            );
          sent.push(String(valueAt(event, "metadata", "name")));
          return Promise.resolve(event);
        },
      },
      nowMs: () => 0,
      rate: 10_000,
      retryMs: [1, 2],
      onError: assert.fail,
    });
    for (const key of ["one", "two"]) recorder.send(outgoing(key));
    await recorder.idle();
    assert.deepEqual([sent, asked, recorder.dropped], [["one", "two"], 9, 0]);
    isAway = true;
    recorder.send(outgoing("three"));
    recorder.close();
    await recorder.idle();
    assert.deepEqual(sent, ["one", "two"]);
  });
});
