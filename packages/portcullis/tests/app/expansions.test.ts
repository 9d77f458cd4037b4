// What an API server has to ask about when objects are judged before they are made.

import assert from "node:assert/strict";
import { test } from "node:test";
import { withExpanded } from "../../src/app/expansions.ts";

const expansion = (from: readonly [string, string], to: readonly [string, string]): unknown => ({
  apiVersion: "expansion.gatekeeper.sh/v1",
  kind: "ExpansionTemplate",
  metadata: { name: from[1].toLowerCase() },
  spec: {
    applyTo: [{ groups: [from[0]], versions: ["v1"], kinds: [from[1]] }],
    generatedGVK: { group: to[0], version: "v1", kind: to[1] },
  },
});
const sources = [
  expansion(["batch", "CronJob"], ["batch", "Job"]),
  expansion(["batch", "Job"], ["", "Pod"]),
  expansion(["", "Pod"], ["batch", "CronJob"]),
  expansion(["apps", "Deployment"], ["example.com", "Other"]),
];

test("who judges Pods is asked about Jobs and CronJobs, and about nothing else", () => {
  const { scope } = withExpanded(sources.slice(0, 2))({ scope: { kinds: ["/Pod"] } });
  assert.deepEqual(scope.kinds, ["/Pod", "batch/Job", "batch/CronJob"]);
  assert.deepEqual(withExpanded(sources)({ scope: { kinds: ["*/Pod", "/Secret"] } }).scope.kinds, [
    "*/Pod",
    "/Secret",
    "batch/Job",
    "batch/CronJob",
    "/Pod",
  ]);
  assert.deepEqual(withExpanded(sources)({ scope: { kinds: ["/Secret"] } }).scope.kinds, ["/Secret"]);
  assert.deepEqual(withExpanded(sources)({ scope: {} }).scope, {});
});

test("operations that a template names hold for what is expanded, too", () => {
  const rule = { group: "", version: "*", kind: "Pod", subresource: null, operations: ["DELETE"] } as const;
  const { admission } = withExpanded(sources.slice(1, 2))({ scope: { kinds: ["/Pod"] }, admission: [rule] });
  assert.deepEqual(admission, [rule, { ...rule, group: "batch", kind: "Job" }]);
});
