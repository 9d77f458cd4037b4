// Rows of tests: what passes, what fails, and what Kyverno passes although nothing was tested.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type CheckOptions, type Row, checkResults, objectKey } from "../../../src/kyverno/testfile/check.ts";
import { describeDifference, sameObject } from "../../../src/kyverno/testfile/compare.ts";
import type { CliPolicy } from "../../../src/kyverno/testfile/port.ts";
import type { PolicyResponse } from "../../../src/kyverno/testfile/run.ts";
import { readTestFile } from "../../../src/kyverno/testfile/testfile.ts";
import { type RuleStatus, ruleResult } from "../../../src/kyverno/result.ts";

const policy: CliPolicy = {
  kind: "ClusterPolicy",
  namespace: "",
  name: "p",
  annotations: {},
  process: "background scan",
  phases: new Set(["validate"]),
  rules: [{ name: "r", phase: "validate" }],
  problem: null,
  audits: () => true,
};

const web = { apiVersion: "v1", kind: "Pod", metadata: { name: "web", namespace: "shop" } };

function response(status: RuleStatus | null, annotations: CliPolicy["annotations"] = {}): PolicyResponse {
  const rules = status === null ? [] : [ruleResult({ name: "r", type: "Validation", properties: {} }, status, "said")];
  return {
    policy: { ...policy, annotations },
    phase: "validate",
    namespaceLabels: {},
    given: web,
    object: web,
    patched: web,
    rules,
  };
}

const options: CheckOptions = {
  generated: () => [],
  expected: () => ({ error: "resource with name web not found in manifest" }),
  difference: () => "",
};

function rows(
  result: object,
  responses: readonly PolicyResponse[],
  invalid = new Map<string, string>(),
): readonly Row[] {
  const trigger = new Map([[objectKey(web), { object: web, responses }]]);
  const answers = { trigger, byOperation: new Map(), targets: new Map(), invalid };
  const { results } = readTestFile({ results: [{ policy: "p", rule: "r", resources: ["web"], ...result }] });
  return checkResults(results, answers, options);
}

test("rows: a result that is as expected passes, any other says what it was", () => {
  const [pass] = rows({ result: "fail" }, [response("fail")]);
  assert.equal(pass?.resource, "v1/Pod/shop/web");
  assert.deepEqual([pass?.result, pass?.reason, pass?.message, pass?.counts], ["Pass", "Ok", "said", "pass"]);
  const [fail] = rows({ result: "pass" }, [response("fail")]);
  assert.deepEqual([fail?.result, fail?.reason, fail?.counts], ["Fail", "Want pass, got fail", "fail"]);
});

test("rows: a failure of a policy that is not scored is a warning", () => {
  const unscored = response("fail", { "policies.kyverno.io/scored": "false" });
  assert.equal(rows({ result: "warn" }, [unscored])[0]?.result, "Pass");
});

test("rows: an expected skip counts as one", () => {
  assert.equal(rows({ result: "skip" }, [response("skip")])[0]?.counts, "skip");
});

test("rows: Kyverno passes what no rule matched; the row says that nothing was tested", () => {
  const [row] = rows({ result: "fail" }, [response(null)]);
  assert.deepEqual([row?.result, row?.reason], ["Pass", "Excluded"]);
  assert.equal(row?.vacuous, "no rule matches the object, so that fail was not tested");
});

test("rows: a rule that is not there is named with those that are", () => {
  const [row] = rows({ rule: "x", result: "fail" }, [response("fail")]);
  assert.equal(row?.result, "Pass");
  assert.equal(row?.vacuous, 'the policy has no rule "x"; it has r');
});

test("rows: a policy that is not valid is skipped there, one that is not loaded is not found", () => {
  const [invalid] = rows({ result: "fail" }, [], new Map([["p", "no such operator"]]));
  assert.deepEqual([invalid?.result, invalid?.reason, invalid?.counts], ["Skip", "Invalid Policy", "skip"]);
  assert.equal(invalid?.vacuous, "the policy is not valid: no such operator");
  const [unknown] = rows({ result: "fail" }, []);
  assert.deepEqual([unknown?.result, unknown?.reason, unknown?.counts], ["Fail", "Not found", "fail"]);
});

test("rows: where no object has the name, Kyverno takes all; the rows say so", () => {
  const [row] = rows({ resources: ["wep"], result: "pass" }, [response("pass")]);
  assert.equal(row?.resource, "v1/Pod/shop/web");
  assert.equal(row?.vacuous, "no object is named wep");
});

test("rows: an expected object that is not in its file gives no row, unless the test insists", () => {
  assert.deepEqual(rows({ result: "pass", patchedResources: "f.yaml" }, [response("pass")]), []);
  const [row] = rows({ result: "pass", patchedResources: "f.yaml", failOnMissingResources: true }, [response("pass")]);
  assert.deepEqual([row?.result, row?.reason], ["Fail", "Resource error"]);
});

test("compare: what is empty and what generation adds does not count, anything else does", () => {
  const labels = { "app.kubernetes.io/managed-by": "kyverno", "generate.kyverno.io/rule-name": "r" };
  assert.ok(sameObject({ metadata: { labels }, spec: { a: 1, b: null, c: {}, d: [] } }, { spec: { a: 1 } }));
  assert.ok(!sameObject({ spec: { a: 1 } }, { spec: { a: "1" } }));
  assert.ok(!sameObject({ spec: { a: [1, 2] } }, { spec: { a: [2, 1] } }));
});

test("compare: a difference is told line by line, by its path, of what counts alone (K30)", () => {
  const expected = { metadata: { labels: { team: "store" } }, spec: { a: [1, 2], b: 0.5, c: {} } };
  const actual = {
    metadata: { labels: { team: "shop", "generate.kyverno.io/rule-name": "r" } },
    spec: { a: [1], b: 1 },
  };
  const lines = ['- /metadata/labels/team: "store"', '+ /metadata/labels/team: "shop"', "- /spec/a/1: 2"];
  assert.deepEqual(describeDifference(expected, actual).split("\n"), [...lines, "- /spec/b: 0.5", "+ /spec/b: 1"]);
});
