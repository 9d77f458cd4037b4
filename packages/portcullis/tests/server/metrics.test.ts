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

test("ten thousand namespaces, kinds, policies and operations stay a few megabytes, and nothing is left uncounted", async () => {
  const metrics = createMetrics({ process: false });
  const many = 10_000;
  for (let at = 0; at < many; at++) {
    const kyverno = {
      kind: `Kind${at % 400}`,
      namespace: `ns-${at % 450}`,
      operation: at % 2 === 0 ? "create" : `made-up-${at}`,
      allowed: true,
      webhook: "ValidatingWebhookConfiguration",
    } as const;
    const result = { policy: `K/p${at}`, result: "fail", action: `a-${at}`, overran: false, count: 1 } as const;
    metrics.admission({ status: "deny", kyverno, dryRun: false, results: [result] }, 0.01);
    const labels = ["enforce", "cluster", "true", "-", `p-${at}`, `Kind${at}`, `ns-${at}`];
    const tally = newTally([...labels, "create", `rule-${at}`, "fail", "validate", "admission_request", "false"]);
    addTo(tally, 0.01);
    metrics.rules([tally]);
    metrics.rules([{ ...tally, labels: tally.labels.with(4, `q-${at}`) }]);
  }
  const policies = Array.from({ length: many }, (_none, at) => ({
    namespace: `ns-${at}`,
    name: `p-${at}`,
    mode: "enforce",
    type: "namespaced",
    background: true,
    ready: true,
    rules: [{ name: "r", type: "validate" }],
    digest: "d",
  }));
  metrics.policySet({ ...empty, kyverno: policies });
  metrics.policySet({ ...empty });
  metrics.policySet({ ...empty, kyverno: policies });
  metrics.traffic.follow({
    queries: () => Array.from({ length: many }, (_none, at) => ({ verb: "list", resource: `things-${at}`, count: 1 })),
    eventsDropped: () => 0,
  });
  metrics.sync.follow(() => ({
    objects: new Map(Array.from({ length: many }, (_none, at) => [`Kind${at}`, 1])),
    watched: 0,
    intended: 0,
  }));
  const text = await metrics.text();
  assert.ok(text.length < 16 * 1024 * 1024, `${text.length} bytes`);
  const series = (name: string): readonly string[] => text.split("\n").filter((line) => line.startsWith(`${name}{`));
  const told = {
    kyverno_admission_requests_total: [1002, many],
    kyverno_policy_results_total: [10_001, 2 * many],
    kyverno_policy_rule_info_total: [5001, 5001],
    kyverno_policy_changes_total: [2002, 3 * many],
    kyverno_client_queries_total: [501, many],
    gatekeeper_sync: [1002, many],
  };
  for (const [name, [count, sum]] of Object.entries(told)) {
    assert.equal(series(name).length, count, name);
    assert.equal(
      series(name).reduce((total, line) => total + Number(line.split(" ").at(-1)), 0),
      sum,
      name,
    );
  }
  assert.ok(series("portcullis_policy_results_total").length <= 1000);
  assert.doesNotMatch(text, /made-up/);
});
