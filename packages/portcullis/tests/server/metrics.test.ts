// Metrics: Gatekeeper's names, gauges that forget what is gone, and labels that cannot grow for ever.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type SetRecord, createMetrics } from "../../src/server/metrics.ts";
import { addTo, newTally } from "../../src/server/tally.ts";

const empty: SetRecord = {
  digest: "d",
  constraints: [],
  templates: [],
  celTemplates: 0,
  objects: [],
  conflicting: 0,
  kyverno: [],
  broken: 0,
};

test("gauges show the set that is served and forget the one before", async () => {
  const metrics = createMetrics({ process: false });
  metrics.policySet({
    ...empty,
    digest: "one",
    constraints: [{ action: "deny", status: "active", count: 3 }],
    templates: [{ status: "error", count: 1 }],
    celTemplates: 2,
    broken: 1,
  });
  const first = await metrics.text();
  assert.match(first, /^gatekeeper_constraints\{enforcement_action="deny",status="active"\} 3$/m);
  assert.match(first, /^gatekeeper_constraint_templates\{status="error"\} 1$/m);
  assert.match(first, /^gatekeeper_constraint_templates_with_cel 2$/m);
  metrics.policySet({ ...empty, digest: "two" });
  const second = await metrics.text();
  assert.doesNotMatch(second, /^gatekeeper_constraints\{/m);
  assert.doesNotMatch(second, /digest="one"/);
  assert.match(second, /^portcullis_policy_set_info\{digest="two"\} 1$/m);
});

test("after 500 policies, further ones are counted together", async () => {
  const metrics = createMetrics({ process: false });
  for (let number = 0; number < 600; number++) {
    const result = { policy: `K/p${number}`, result: "fail", action: "deny", overran: false, count: 2 } as const;
    metrics.admission({ status: "deny", kyverno: null, dryRun: false, results: [result] }, 0.01);
  }
  const lines = (await metrics.text())
    .split("\n")
    .filter((line) => line.startsWith("portcullis_policy_results_total{"));
  assert.equal(lines.length, 501);
  assert.equal(lines.at(-1), 'portcullis_policy_results_total{policy="other",result="fail",action="deny"} 200');
});

test("the counts of Kyverno's rules stay readable, however many namespaces there are", async () => {
  const metrics = createMetrics({ process: false });
  const about = ["enforce", "cluster", "true", "-", "policy", "Pod"];
  const said = ["create", 'a"b', "fail", "validate", "admission_request", "false"];
  const labels = (namespace: number): string[] => [...about, `ns-${namespace}`, ...said];
  for (let namespace = 0; namespace < 6000; namespace++) {
    const tally = newTally(labels(namespace));
    addTo(tally, 0.02);
    addTo(tally, 60);
    metrics.rules([tally]);
  }
  const lines = (await metrics.text()).split("\n");
  const counts = lines.filter((line) => line.startsWith("kyverno_policy_results_total{"));
  assert.equal(counts.length, 5001);
  const other = counts.at(-1) ?? "";
  assert.match(other, /resource_kind="other",resource_namespace="other".*rule_name="a\\"b".* 2000$/);
  const durations = lines.filter((line) => line.startsWith("kyverno_policy_execution_duration_seconds"));
  assert.equal(durations.length, 36, "one series, and one for what no longer says its kind");
  const bucket = (le: string): string | undefined =>
    durations
      .find((line) => line.includes(`le="${le}"`))
      ?.split(" ")
      .at(-1);
  assert.deepEqual(["0.01", "0.025", "30", "+Inf"].map(bucket), ["0", "5000", "5000", "10000"]);
});

test("overruns, readings and restarts are counted", async () => {
  const metrics = createMetrics({ process: true });
  metrics.overrun("K", "slice");
  metrics.ingested("ConstraintTemplate", "error", 0.02);
  metrics.ingested("Assign", "active", 0.002);
  metrics.ingested("Provider", "error", 0.002);
  metrics.evaluatorRestarted("memory");
  metrics.reloaded(false);
  const text = await metrics.text();
  assert.match(text, /^portcullis_policy_overruns_total\{policy="K",kind="slice"\} 1$/m);
  assert.match(text, /^gatekeeper_mutator_ingestion_count_total\{status="active"\} 1$/m);
  assert.match(text, /^gatekeeper_provider_error_count_total 1$/m);
  assert.match(text, /^gatekeeper_constraint_template_ingestion_count_total\{status="error"\} 1$/m);
  assert.match(
    text,
    /^gatekeeper_constraint_template_ingestion_duration_seconds_bucket\{le="0.02",status="error"\} 1$/m,
  );
  assert.match(text, /^portcullis_evaluator_restarts_total\{reason="memory"\} 1$/m);
  assert.match(text, /^process_cpu_seconds_total /m);
});

test("mutations are counted by how they ended, with how often each object went through the mutators", async () => {
  const metrics = createMetrics({ process: false });
  const record = { status: null, kyverno: null, dryRun: false, results: [] };
  metrics.admission({ ...record, mutation: { status: "success", iterations: [3] } }, 0.004);
  metrics.admission({ ...record, mutation: { status: "error", iterations: [] } }, 0.004);
  metrics.policySet({ ...empty, objects: [{ of: "mutators", status: "active", count: 4 }], conflicting: 2 });
  const text = await metrics.text();
  assert.match(text, /^gatekeeper_mutation_request_count_total\{mutation_status="success"\} 1$/m);
  assert.match(text, /^gatekeeper_mutation_request_count_total\{mutation_status="error"\} 1$/m);
  assert.match(text, /^gatekeeper_mutation_system_iterations_sum\{success="true"\} 3$/m);
  assert.match(text, /^gatekeeper_mutators\{status="active"\} 4$/m);
  assert.match(text, /^gatekeeper_mutator_conflicting_count 2$/m);
});
