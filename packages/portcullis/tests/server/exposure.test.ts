// What the ConfigMap kyverno-metrics lets be seen.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { exposed, readExposure } from "../../src/server/exposure.ts";

const text = `# HELP kyverno_admission_requests_total requests
# TYPE kyverno_admission_requests_total counter
kyverno_admission_requests_total{resource_kind="Pod",resource_namespace="a",request_allowed="true"} 2
kyverno_admission_requests_total{resource_kind="Pod",resource_namespace="b",request_allowed="true"} 3
kyverno_admission_requests_total{resource_kind="Pod",resource_namespace="",request_allowed="true"} 5
# TYPE kyverno_d_seconds histogram
kyverno_d_seconds_bucket{resource_namespace="a",le="0.005"} 1
kyverno_d_seconds_bucket{resource_namespace="a",le="0.01"} 2
kyverno_d_seconds_bucket{resource_namespace="a",le="+Inf"} 3
kyverno_d_seconds_sum{resource_namespace="a"} 0.5
kyverno_d_seconds_count{resource_namespace="a"} 3
kyverno_policy_changes_total{policy_namespace="a",policy_name="x \\"b\\", c"} 1
kyverno_info{version="v"} 1
gatekeeper_sync{kind="Pod",resource_namespace="a"} 9`;

const seen = (data: Readonly<Record<string, string>>): readonly string[] =>
  exposed(text, readExposure(data)).split("\n");

suite("kyverno-metrics", () => {
  test("without settings, or with none that can be read, everything is seen as it is", () => {
    assert.equal(exposed(text, readExposure({})), text);
    assert.equal(exposed(text, readExposure(null)), text);
    assert.equal(exposed(text, readExposure({ namespaces: "{", metricsExposure: "x", bucketBoundaries: "a,b" })), text);
  });

  test("namespaces are excluded or included; what has none is seen; others' metrics are", () => {
    const excluded = seen({ namespaces: '{"exclude":["a"],"include":[]}' }).join("\n");
    assert.doesNotMatch(excluded, /kyverno_.*namespace="a"/);
    assert.match(excluded, /resource_namespace="b"/);
    assert.match(excluded, /resource_namespace="",/);
    assert.match(excluded, /gatekeeper_sync\{kind="Pod",resource_namespace="a"\} 9/);
    assert.doesNotMatch(seen({ namespaces: '{"include":["a"]}' }).join("\n"), /resource_namespace="b"/);
  });

  test("series that differ in a disabled label are added up", () => {
    const exposure = { kyverno_admission_requests: { disabledLabelDimensions: ["resource_namespace"] } };
    const lines = seen({ metricsExposure: JSON.stringify(exposure) });
    assert.deepEqual(
      lines.filter((line) => line.startsWith("kyverno_admission_requests_total")),
      ['kyverno_admission_requests_total{resource_kind="Pod",request_allowed="true"} 10'],
    );
  });

  test("a metric that is disabled is gone with its description, and buckets are those that are wished for", () => {
    const exposure = {
      kyverno_admission_requests: { enabled: false },
      kyverno_d_seconds: { bucketBoundaries: [0.01] },
    };
    const joined = seen({ metricsExposure: JSON.stringify(exposure), bucketBoundaries: "0.005, 0.01" }).join("\n");
    assert.doesNotMatch(joined, /kyverno_admission_requests/);
    assert.doesNotMatch(joined, /le="0.005"/);
    assert.match(joined, /le="0.01"\} 2\n.*le="\+Inf"\} 3/);
  });
});
