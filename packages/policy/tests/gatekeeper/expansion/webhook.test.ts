// What the webhook and the audit do with what an object will make.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Answer } from "@portcullis/lang";
import { admissionProblems } from "../../../src/engine/engine.ts";
import type { Decision } from "../../../src/engine/outcome.ts";
import type { EvaluationRequest, Json } from "../../../src/engine/request.ts";
import { namespaceNeed } from "../../../src/gatekeeper/review.ts";
import { request, unlimited, worldWith } from "../../engine/world.ts";
import { constraint, objectsIn, policySet, template } from "../load.ts";

const tell = template(
  "Tell",
  `package tell
violation[{"msg": msg}] {
  r := input.review
  msg := sprintf("%v %v/%v %v by %v, old %v", [
    r.kind.kind, object.get(r, "namespace", ""), r.name, r.operation, object.get(r.userInfo, "username", "nobody"),
    [kind | kind := r.oldObject.kind] ])
}`,
);

const ofPods = (name: string, spec = "") => constraint("Tell", name, `{match: {kinds: [{kinds: [Pod]}]${spec}}}`);

const expansion = (name: string, from: string, to: string, more = "") => `
---
apiVersion: expansion.gatekeeper.sh/v1alpha1
kind: ExpansionTemplate
metadata: {name: ${name}}
spec:
  applyTo: [{groups: [${from.includes("/") ? from.split("/")[0] : '""'}], versions: [v1], kinds: [${from.split("/").at(-1)}]}]
  templateSource: spec.template
  generatedGVK: {group: "${to.includes("/") ? to.split("/")[0] : ""}", version: v1, kind: ${to.split("/").at(-1)}}
  ${more}
`;

const deployments = expansion("deployments", "apps/Deployment", "Pod");

const deployment: Json = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: "default" },
  spec: { template: { spec: { containers: [] } } },
};

const jane = { username: "jane", uid: "", groups: [], extra: null };

const world: Readonly<Record<string, Answer>> = {
  [`object ${namespaceNeed("default").key}`]: {
    value: { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } },
  },
};

function decide(policies: string, changes: Partial<EvaluationRequest> = {}): Decision {
  const kind = { group: "apps", version: "v1", kind: "Deployment" };
  const asked = request({ kind, object: deployment, user: jane, ...changes });
  const decision = policySet(policies).evaluate(asked, worldWith(world), unlimited(), { phases: ["validate"] });
  assert.ok("allowed" in decision, "suspended");
  return decision;
}

test("what an object will make is judged, as a review that nobody sent, with the request's operation", () => {
  const { allowed, code, message } = decide(tell + ofPods("pods") + deployments);
  assert.equal(allowed, false);
  assert.equal(code, 403);
  assert.equal(message, "[pods] [Implied by deployments] Pod default/web-pod CREATE by nobody, old []");
});

test("on DELETE the old object is expanded, and made the old object of the implied review", () => {
  const { message } = decide(tell + ofPods("pods") + deployments, {
    operation: "DELETE",
    object: null,
    oldObject: deployment,
  });
  assert.equal(message, '[pods] [Implied by deployments] Pod default/web-pod DELETE by nobody, old ["Pod"]');
});

test("an ExpansionTemplate's action stands in the place of the constraint's", () => {
  const policies = (action: string) =>
    tell + ofPods("pods") + expansion("e", "apps/Deployment", "Pod", `enforcementAction: ${action}`);
  const warned = decide(policies("warn"));
  assert.deepEqual([warned.allowed, warned.code, warned.warnings.length], [true, 299, 1]);
  const silent = decide(policies("dryrun"));
  assert.deepEqual([silent.allowed, silent.code, silent.outcomes[0]?.actionName], [true, 200, "dryrun"]);
  const unknown = decide(policies("nonsense"));
  assert.deepEqual([unknown.allowed, unknown.outcomes[0]?.actionName], [true, "nonsense"]);
});

test("source says whether a constraint is about objects or about what they make", () => {
  const of = (source: string) => tell + ofPods("pods", `, source: ${source}`) + deployments;
  assert.equal(decide(of("Generated")).allowed, false);
  assert.equal(decide(of("Original")).allowed, true);
  assert.equal(decide(of("All")).allowed, false);
});

test("expansion goes on: a CronJob makes a Job, and that a Pod", () => {
  const object: Json = {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name: "nightly", namespace: "default" },
    spec: { template: { spec: { template: { spec: {} } } } },
  };
  const { message } = decide(
    tell + ofPods("pods") + expansion("jobs", "batch/CronJob", "batch/Job") + expansion("pods", "batch/Job", "Pod"),
    { kind: { group: "batch", version: "v1", kind: "CronJob" }, object },
  );
  assert.equal(message, "[pods] [Implied by pods] Pod default/nightly-job-pod CREATE by nobody, old []");
});

const labelled = template(
  "Labelled",
  'package labelled\nviolation[{"msg": "no team"}] { not input.review.object.metadata.labels.team }',
);
const team = (match: string) => `
---
apiVersion: mutations.gatekeeper.sh/v1
kind: AssignMetadata
metadata: {name: team}
spec:
  match: ${match}
  location: metadata.labels.team
  parameters: {assign: {value: shop}}
`;

test("mutators with the right source change what is made before it is judged", () => {
  const policies = labelled + constraint("Labelled", "team", "{match: {kinds: [{kinds: [Pod]}]}}") + deployments;
  assert.equal(decide(policies).message, "[team] [Implied by deployments] no team");
  assert.equal(decide(policies + team("{source: Generated}")).allowed, true);
  assert.equal(decide(policies + team("{}")).allowed, true);
  assert.equal(decide(policies + team("{source: Original}")).allowed, false);
});

test("an object that cannot be expanded is an error, whatever constraints say", () => {
  const object = { ...(deployment as object), spec: {} };
  const { allowed, code, message } = decide(tell + constraint("Tell", "all", "{}") + deployments, { object });
  assert.equal(allowed, false);
  assert.equal(code, 500);
  assert.equal(message, 'unable to expand object: could not find source field "spec.template" in resource web');
});

test("templates in a cycle are told so and take no part", () => {
  const policies =
    tell +
    ofPods("pods") +
    deployments +
    expansion("a", "g/A", "g/B") +
    expansion("b", "g/B", "g/C") +
    expansion("c", "g/C", "g/A");
  const { status } = policySet(policies);
  const told = [...status].map(([key, [found]]) => `${key}: ${found?.message}`);
  assert.deepEqual(
    told,
    ["a", "b", "c"].map((name) => `ExpansionTemplate//${name}: template forms expansion cycle`),
  );
  assert.equal(decide(policies).allowed, false);
  const object = { apiVersion: "g/v1", kind: "A", metadata: { name: "a" }, spec: { template: {} } };
  const kind = { group: "g", version: "v1", kind: "A" };
  assert.equal(decide(policies, { kind, object, namespace: "" }).allowed, true);
});

test("a template that applies to what it makes is refused with its place", () => {
  const [source] = objectsIn(expansion("self", "apps/Deployment", "apps/Deployment"));
  assert.ok(source !== undefined);
  const [problem] = admissionProblems(policySet(""), source);
  const text = "ExpansionTemplate self generates GVK apps/v1, Kind=Deployment, but also applies to that same GVK";
  assert.equal(problem?.message, text);
  assert.equal(problem?.severity, "error");
});

test("the audit expands too", () => {
  const { outcomes } = decide(tell + ofPods("pods") + deployments, { point: "audit", operation: null, user: null });
  assert.deepEqual(
    outcomes.map(({ message }) => message),
    ["[Implied by deployments] Pod default/web-pod  by nobody, old []"],
  );
});
