// Kyverno in the webhook: its own paths and the joined ones, what it says of its own policies, what data files answer, and
// its metrics; over HTTPS and with threads where that matters.

import assert from "node:assert/strict";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { reviewOf } from "../../src/app/ask.ts";
import { clockMs } from "../../src/app/clock.ts";
import { createLogger } from "../../src/app/log.ts";
import { serve } from "../../src/app/serve.ts";
import { endpointAt } from "../../src/server/endpoints.ts";
import { send } from "../server/client.ts";
import { type Response, asker, catalog, objectOf } from "./asker.ts";

const examples = fileURLToPath(new URL("../../../../examples/", import.meta.url));

function patchOf({ patch = "" }: Response): unknown {
  return JSON.parse(Buffer.from(patch, "base64").toString());
}

function labelled(name: string, label: string, spec = ""): string {
  return `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: ${name}}
spec:
  validationFailureAction: Enforce
  ${spec}
  rules:
  - name: has-${label}
    match: {any: [{resources: {kinds: [Pod]}}]}
    validate: {message: "${label} is missing", pattern: {metadata: {labels: {${label}: "?*"}}}}
---`;
}

const pod = (name = "web", labels: Readonly<Record<string, string>> = {}, container: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "medstack", labels },
  spec: { containers: [{ name: "web", image: "munta/nginx", ...container }] },
});

const failing = labelled("wants-team", "team");
const ignoring = labelled("wants-cost", "cost", "webhookConfiguration: {failurePolicy: Ignore}");

function blocked(...policies: readonly string[]): string {
  const lines = policies.map(
    (name) =>
      `wants-${name}:\n  has-${name}: 'validation error: ${name} is missing. rule has-${name} failed at path /metadata/labels/${name}/'\n`,
  );
  return `\n\nresource Pod/medstack/web was blocked due to the following policies \n\n${lines.join("")}`;
}

// ── paths

test("a policy belongs to the path of its failure policy, and to all without one", () => {
  const { ask } = asker(failing + ignoring);
  const message = (path: string): unknown => ask(path, pod()).status?.["message"];
  assert.equal(message("/validate/fail?timeout=10s"), blocked("team"));
  assert.equal(message("/validate/ignore?timeout=10s"), blocked("cost"));
  assert.equal(message("/validate"), blocked("cost", "team"));
  assert.equal(message("/validate/ignore/finegrained/wants-cost?timeout=10s"), blocked("cost"));
  assert.equal(message("/validate/fail/finegrained/wants-cost"), undefined);
  assert.equal(message("/v1/admit?dialect=kyverno"), blocked("cost", "team"));
  assert.equal(
    message("/validate/fail/finegrained/nothing"),
    'failed to fetch policy with key: key /nothing: clusterpolicy.kyverno.io "nothing" not found',
  );
});

test("Kyverno's answers have the fields that Kyverno gives", () => {
  const { ask } = asker(failing);
  const denied = { metadata: {}, status: "Failure", message: blocked("team") };
  for (const path of ["/validate/fail", "/v1/admit"]) {
    assert.deepEqual(ask(path, pod()), { uid: "u", allowed: false, status: denied });
  }
  assert.deepEqual(ask("/validate/fail", pod("web", { team: "a" })), { uid: "u", allowed: true });
  assert.deepEqual(ask("/v1/admit", pod("web", { team: "a" })), {
    uid: "u",
    allowed: true,
    status: { metadata: {}, code: 200 },
  });
});

// ── both dialects

const template = `
apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: k8sdeny}
spec:
  crd: {spec: {names: {kind: K8sDeny}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    rego: |
      package deny
      violation[{"msg": "by gatekeeper"}] { input.review.object.metadata.name == "web" }
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sDeny
metadata: {name: no-web}
spec: {enforcementAction: ACTION}
---`;

const mutators = `
apiVersion: mutations.gatekeeper.sh/v1
kind: AssignMetadata
metadata: {name: team}
spec:
  match: {kinds: [{apiGroups: [""], kinds: ["Pod"]}]}
  location: metadata.labels.team
  parameters: {assign: {value: shop}}
---
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: copy-team}
spec:
  rules:
  - name: copy
    match: {any: [{resources: {kinds: [Pod]}}]}
    mutate: {patchStrategicMerge: {metadata: {labels: {+(owner): "{{ request.object.metadata.labels.team }}"}}}}
---
`;

test("one denial is exactly its dialect's; two are one under 403, Gatekeeper's lines first", () => {
  const both = asker(template.replace("ACTION", "deny") + failing);
  assert.deepEqual(both.ask("/v1/admit", pod()).status, {
    metadata: {},
    reason: "Forbidden",
    message: `[no-web] by gatekeeper\n\n${blocked("team")}`,
    code: 403,
  });
  assert.deepEqual(both.ask("/v1/admit", pod("web", { team: "a" })).status, {
    metadata: {},
    reason: "Forbidden",
    message: "[no-web] by gatekeeper",
    code: 403,
  });
  assert.equal(both.ask("/v1/admit?dialect=gatekeeper", pod()).status?.["message"], "[no-web] by gatekeeper");
  const warns = asker(template.replace("ACTION", "warn") + failing.replace("Enforce", "Audit\n  emitWarning: true"));
  const { allowed, warnings } = warns.ask("/v1/admit", pod());
  assert.deepEqual(
    [allowed, warnings],
    [
      true,
      [
        "[no-web] by gatekeeper",
        "policy wants-team.has-team: validation error: team is missing. rule has-team failed at path /metadata/labels/team/",
      ],
    ],
  );
});

test("Gatekeeper's mutators and Kyverno's make one patch, each seeing what came before", () => {
  const { ask } = asker(mutators);
  const joined = ask("/v1/mutate", pod());
  assert.deepEqual([joined.allowed, joined.patchType, joined.status], [true, "JSONPatch", { metadata: {}, code: 200 }]);
  assert.deepEqual(patchOf(joined), [
    { op: "add", path: "/metadata/labels/team", value: "shop" },
    { op: "add", path: "/metadata/labels/owner", value: "shop" },
  ]);
  const alone = ask("/mutate/fail", pod("web", { team: "own" }));
  assert.deepEqual(Object.keys(alone), ["uid", "allowed", "patch", "patchType"]);
  assert.deepEqual(patchOf(alone), [{ op: "add", path: "/metadata/labels/owner", value: "own" }]);
  assert.deepEqual(ask("/mutate/ignore", pod("web", { team: "own" })), { uid: "u", allowed: true });
  assert.deepEqual(ask("/mutate/fail", pod("web", { team: "own", owner: "x" })), { uid: "u", allowed: true });
});

test("a mutation that fails is refused in Kyverno's words, without a patch", () => {
  const { ask } = asker(mutators);
  const response = ask("/mutate/fail", pod());
  assert.equal(response.allowed, false);
  assert.match(
    String(response.status?.["message"]),
    /^mutation policy copy-team error: failed to apply policy copy-team rules \[copy: variable substitution failed: /,
  );
  assert.equal(response.patch, undefined);
});

// ── policies that are stored

test("a policy of Kyverno's is checked before it is stored, with its warnings", () => {
  const { ask, evaluator } = asker(failing);
  const policy = objectOf(failing.replace("Enforce", "enforce"));
  const path =
    "spec.validationFailureAction: Validation failure actions enforce/audit are deprecated, use Enforce/Audit instead.";
  const kind =
    "kyverno.io/v1 ClusterPolicy is deprecated and will be removed in a future release; migrate to ValidatingPolicy, MutatingPolicy, GeneratingPolicy or ImageValidatingPolicy (policies.kyverno.io), see https://kyverno.io/docs/guides/migration-to-cel/";
  for (const asked of ["/policyvalidate", "/v1/admit"]) {
    const { allowed, warnings } = ask(asked, policy);
    assert.deepEqual([allowed, warnings], [true, [path, kind, path]], asked);
  }
  const broken = objectOf(failing.replace('"?*"', '"{{ nowhere }}"'));
  const { allowed, status } = ask("/policyvalidate", broken);
  assert.equal(allowed, false);
  assert.match(String(status?.["message"]), /variable nowhere must match/);
  assert.equal(ask("/v1/admit", broken).status?.["message"], status?.["message"]);
  const unbuilt = { apiVersion: "policies.kyverno.io/v1", kind: "ValidatingPolicy", metadata: { name: "v" }, spec: {} };
  assert.equal(ask("/v1/admit", unbuilt).allowed, false, "a kind without an engine is never accepted in silence");
  const body = reviewOf(policy, catalog);
  const endpoint = endpointAt("/v1/admit");
  assert.ok(endpoint !== null);
  const quick = evaluator.answer({ version: 1, body, deadlineMs: clockMs() + 5000, lane: "fast", endpoint });
  assert.equal(quick.kind, "slow", "compiling is not done where others wait");
});

test("what a policy leaves open is said when it is applied", () => {
  const { ask } = asker(failing);
  const policy = objectOf(
    failing.replace(
      /pattern: .*/,
      'deny: {conditions: {any: [{key: "{{ request.object.spec.initContainers[?a] | length(@) }}", operator: GreaterThan, value: 0}]}}}',
    ),
  );
  const { warnings = [] } = ask("/policyvalidate", policy);
  assert.ok(
    warnings.some((warning) => warning.includes("the length of this filter is 0 where its list is absent")),
    warnings.join("\n"),
  );
});

// ── data

const needy = (context: string, key: string): string => `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: needy}
spec:
  validationFailureAction: Enforce
  rules:
  - name: asks
    match: {any: [{resources: {kinds: [Pod]}}]}
    context: [${context}]
    validate: {message: refused, deny: {conditions: {any: [{key: "${key}", operator: Equals, value: "yes"}]}}}
`;

const settings = `
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: ops}
data: {closed: "yes"}
`;

test("a ConfigMap comes from data files, and one that is not there is an error", () => {
  const policy = needy("{name: cm, configMap: {name: settings, namespace: ops}}", "{{ cm.data.closed }}");
  assert.match(String(asker(policy, settings).ask("/v1/admit", pod()).status?.["message"]), /asks: refused/);
  const missing = String(asker(policy).ask("/v1/admit", pod()).status?.["message"]);
  assert.match(missing, /failed to retrieve config map for context entry cm: .*configmaps "settings" not found/s);
});

test("a list from the API server is taken from data files only where there is such a kind in them", () => {
  const policy = needy(
    '{name: all, apiCall: {urlPath: "/api/v1/namespaces/ops/configmaps", jmesPath: "items[0].data.closed"}}',
    "{{ all }}",
  );
  assert.match(String(asker(policy, settings).ask("/v1/admit", pod()).status?.["message"]), /asks: refused/);
  assert.match(String(asker(policy).ask("/v1/admit", pod()).status?.["message"]), /no cluster is connected/);
});

test("roles come from bindings in data files", () => {
  const policy = failing
    .replace("rules:", "background: false\n  rules:")
    .replace("match: {any:", 'exclude: {any: [{clusterRoles: ["admins"]}]}\n    match: {any:');
  const binding = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: b}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: admins}
subjects: [{kind: Group, name: "system:masters", apiGroup: rbac.authorization.k8s.io}]
`;
  assert.equal(asker(policy, binding).ask("/v1/admit", pod()).allowed, true);
  assert.equal(asker(policy, binding).ask("/v1/admit", pod(), { userInfo: { username: "jane" } }).allowed, false);
  assert.match(String(asker(policy).ask("/v1/admit", pod()).status?.["message"]), /no cluster is connected/);
});

// ── metrics

test("Kyverno's metrics count rules, requests and policies, over HTTPS", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "portcullis-test-"));
  for (const name of ["kyverno", "repos"]) {
    // oxlint-disable-next-line no-await-in-loop -- two folders
    await cp(join(examples, name, "policies"), join(folder, name), { recursive: true });
  }
  const serving = await serve({ policies: [folder], port: 0, workers: 1, logger: createLogger("nowhere") });
  t.after(async () => {
    await serving.close();
    await rm(folder, { recursive: true });
  });
  const post = async (path: string, object: unknown): Promise<Response> => {
    const { text } = await send(`${serving.url}${path}`, { body: reviewOf(object, catalog), ca: serving.ca ?? "" });
    return (JSON.parse(text) as { response: Response }).response;
  };
  const root = pod("root", {}, { securityContext: { runAsUser: 0 } });
  const { status, allowed } = await post("/v1/admit", root);
  assert.equal(allowed, false);
  assert.match(
    String(status?.["message"]),
    /^\[enforce-image-repository\] container <web> .*\]\n\n\n\nresource Pod\/medstack\/root was blocked due to the following policies \n\ndisallow-root-containers:\n {2}disallow-root-uid: Containers must not run as root \(UID 0\)\.\n$/,
  );
  assert.equal((await post("/mutate/fail", root)).allowed, true);
  const read = async (): Promise<string> =>
    (await send(`${serving.url}/metrics`, { method: "GET", ca: serving.ca ?? "" })).text;
  const metrics = await read();
  const has = (line: string): void => assert.ok(metrics.includes(line), `${line}\n${metrics}`);
  const about = 'resource_kind="Pod",resource_namespace="medstack",resource_request_operation="create"';
  const policy = (mode: string, name: string): string =>
    `policy_validation_mode="${mode}",policy_type="cluster",policy_background_mode="true",policy_namespace="-",policy_name="${name}"`;
  const rest = 'rule_execution_cause="admission_request",dry_run="false"';
  const failed = `${policy("enforce", "disallow-root-containers")},${about},rule_name="disallow-root-uid",rule_result="fail",rule_type="validate",${rest}`;
  has(`kyverno_policy_results_total{${failed}} 1\n`);
  const timed = failed.replace('resource_namespace="medstack"', 'resource_namespace=""');
  has(`kyverno_policy_execution_duration_seconds_bucket{${timed},le="+Inf"} 1\n`);
  has(`kyverno_policy_execution_duration_seconds_count{${timed}} 1\n`);
  has(`kyverno_policy_results_total{${policy("audit", "add-default-security-context")},${about},rule_name="`);
  for (const [isAllowed, webhook] of [
    ["false", "Validating"],
    ["true", "Mutating"],
  ]) {
    const labels = `{${about},request_allowed="${isAllowed}",request_webhook="${webhook}WebhookConfiguration"}`;
    has(`kyverno_admission_requests_total${labels} 1\n`);
    has(`kyverno_admission_review_duration_seconds_count${labels} 1\n`);
  }
  has('kyverno_info{version="v1.19.1"} 1');
  has(
    `kyverno_policy_rule_info_total{${policy("enforce", "disallow-root-containers")},status_ready="true",rule_name="autogen-disallow-root-uid",rule_type="validate"} 1`,
  );
  has(`kyverno_policy_changes_total{${policy("enforce", "disallow-root-containers")},policy_change_type="created"} 1`);
  has('gatekeeper_validation_request_count_total{admission_status="deny",admission_dryrun="false"} 1');
  await rm(join(folder, "kyverno", "disallow-root-containers.yaml"));
  await writeFile(join(folder, "more.yaml"), failing);
  await serving.reload();
  const later = await read();
  assert.ok(later.includes('policy_name="disallow-root-containers",policy_change_type="deleted"} 1'));
  assert.ok(later.includes('policy_name="wants-team",policy_change_type="created"} 1'));
  assert.ok(!/rule_info_total\{[^}]*disallow-root-containers/.test(later));
});
