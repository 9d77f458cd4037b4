import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { JudgedObject } from "../../../src/controllers/audit/auditor.ts";
import type { Result } from "../../../src/controllers/audit/results.ts";
import { constraintResults, cutMessage } from "../../../src/controllers/reports/constraint-status.ts";

function result(message: string, more: Partial<Result> = {}): Result {
  return {
    policy: { dialect: "gatekeeper", kind: "K8sFoo", namespace: "", name: "foo" },
    unit: "gatekeeper/K8sFoo",
    rule: "",
    result: "fail",
    actionName: "deny",
    scoped: [],
    message,
    details: "",
    properties: {},
    exceptions: [],
    notAuditable: false,
    ...more,
  };
}

function object(kind: string, namespace: string, name: string, ...results: readonly Result[]): JudgedObject {
  const key = `/${kind} ${namespace}/${name}`;
  return { key, group: "", version: "v1", kind, namespace, name, uid: name, results, heads: results, sinceSeconds: 0 };
}

const foo = new Set(["gatekeeper/K8sFoo//foo"]);

suite("constraint status", () => {
  test("of all violations the smallest are kept, and stand from the largest to the smallest", () => {
    const objects = ["d", "a", "c", "b"].map((name) => object("Pod", "default", name, result(`bad ${name}`)));
    const found = constraintResults([...objects, object("Node", "", "z", result("bad node"))], foo, 3);
    const { total, violations } = found.get("gatekeeper/K8sFoo//foo") ?? { total: 0, violations: [] };
    assert.equal(total, 5);
    assert.deepEqual(
      violations.map(({ kind, name }) => `${kind}/${name}`),
      ["Pod/b", "Pod/a", "Node/z"],
    );
  });

  test("several violations of one object are ordered by their messages; none is kept twice or lost", () => {
    const one = object("Pod", "default", "a", result("2"), result("1"), result("3"));
    const { violations } = constraintResults([one], foo, 20).get("gatekeeper/K8sFoo//foo") ?? { violations: [] };
    assert.deepEqual(
      violations.map(({ message }) => message),
      ["3", "2", "1"],
    );
  });

  test("a limit of 0 keeps the count", () => {
    const found = constraintResults([object("Pod", "default", "a", result("1"))], foo, 0);
    assert.deepEqual(found.get("gatekeeper/K8sFoo//foo"), {
      total: 1,
      actions: { deny: 1 },
      violations: [],
      notAuditable: 0,
    });
  });

  test("scoped actions stand beside the word; skips and passes are no violations", () => {
    const scoped = result("1", { actionName: "scoped", scoped: ["deny", "warn"] });
    const skipped = result("2", { result: "skip", notAuditable: true });
    const found = constraintResults([object("Pod", "", "a", scoped, skipped)], foo, 20).get("gatekeeper/K8sFoo//foo");
    assert.equal(found?.total, 1);
    assert.equal(found.notAuditable, 1);
    assert.deepEqual(found.violations, [
      {
        group: "",
        version: "v1",
        kind: "Pod",
        name: "a",
        message: "1",
        enforcementAction: "scoped",
        enforcementActions: ["deny", "warn"],
      },
    ]);
  });

  test("messages are cut at 256 bytes, as Go cuts and writes them", () => {
    assert.equal(cutMessage("x".repeat(256)), "x".repeat(256));
    assert.equal(cutMessage("x".repeat(257)), `${"x".repeat(253)}...`);
    assert.equal(cutMessage(`${"x".repeat(252)}éé${"x".repeat(9)}`), `${"x".repeat(252)}\uFFFD...`);
    assert.equal(cutMessage(`${"x".repeat(251)}€${"x".repeat(9)}`), `${"x".repeat(251)}\uFFFD\uFFFD...`);
    assert.equal(cutMessage("é".repeat(128)), "é".repeat(128));
  });
});
