// What an operator sets for Kyverno's policies in the webhook: its flags, its ConfigMap among policies and data, and what
// its webhooks are asked beside policies.

import assert from "node:assert/strict";
import { test } from "node:test";
import { asker, objectOf } from "./asker.ts";

const wantsTeam = `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: wants-team}
spec:
  rules:
  - name: has-team
    match: {any: [{resources: {kinds: [Pod, ConfigMap]}}]}
    validate: {failureAction: Enforce, message: "team is missing", pattern: {metadata: {labels: {team: "?*"}}}}
---`;

const exception = `
apiVersion: kyverno.io/v2
kind: PolicyException
metadata: {name: let-in, namespace: exceptions}
spec:
  exceptions: [{policyName: wants-team, ruleNames: ["*"]}]
  match: {any: [{resources: {kinds: [Pod]}}]}
---`;

const pod = objectOf("{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {}}");

test("exceptions count only where they are switched on and in the namespace that is named", () => {
  const isAllowed = (enablePolicyException: boolean, exceptionNamespace?: string): boolean => {
    const flags = { enablePolicyException, ...(exceptionNamespace !== undefined && { exceptionNamespace }) };
    return asker(wantsTeam + exception, "", flags).ask("/validate", pod).allowed;
  };
  assert.equal(asker(wantsTeam + exception).ask("/validate", pod).allowed, false);
  assert.equal(isAllowed(false, "*"), false);
  assert.equal(isAllowed(true), false);
  assert.equal(isAllowed(true, "other"), false);
  assert.equal(isAllowed(true, "exceptions"), true);
  assert.equal(isAllowed(true, "*"), true);
});

test("whoever stores an exception that does not count is told so first, in Kyverno's words", () => {
  const warned = (flags: Parameters<typeof asker>[2]): string | undefined =>
    asker(wantsTeam, "", flags).ask("/exceptionvalidate", objectOf(exception.replace("---", ""))).warnings?.[0];
  assert.equal(warned({}), "PolicyException resources would not be processed until it is enabled.");
  assert.equal(warned({ enablePolicyException: true }), "The exceptionNamespace flag is not set");
  assert.equal(
    warned({ enablePolicyException: true, exceptionNamespace: "other" }),
    "PolicyException resource namespace must match the defined namespace.",
  );
  assert.match(warned({ enablePolicyException: true, exceptionNamespace: "*" }) ?? "", /^kyverno\.io\/v2 PolicyExc/);
  const { problems } = asker(wantsTeam + exception);
  assert.deepEqual(
    problems.map(({ severity, text }) => `${severity} ${text}`),
    [
      "warning policies.yaml:13:11: unused-exception: PolicyException resources would not be processed until it is enabled.",
    ],
  );
});

test("an exception that Kyverno's admission refuses is refused with its text", () => {
  const { ask } = asker(wantsTeam);
  const message = (spec: string): unknown =>
    ask(
      "/exceptionvalidate",
      objectOf(`{apiVersion: kyverno.io/v2, kind: PolicyException, metadata: {name: a, namespace: b}, spec: ${spec}}`),
    ).status?.["message"];
  const match = "match: {any: [{resources: {kinds: [Pod]}}]}";
  assert.equal(
    message(`{${match}, exceptions: [{policyName: "", ruleNames: [a]}]}`),
    "spec.exceptions[0].policyName: Required value: An exception requires a policy name",
  );
  assert.equal(
    message("{match: {any: [{subjects: [{kind: User, name: a}]}]}, exceptions: [{policyName: p, ruleNames: [a]}]}"),
    "spec.match.any[0].subjects: Forbidden: Usage of user info is forbidden",
  );
  assert.equal(
    message(`{${match}, exceptions: [{policyName: p, ruleNames: [a]}], podSecurity: [{controlName: Capabilities}]}`),
    'spec.podSecurity[0].controlName: Invalid value: "Capabilities": exclude.images must be specified for the container level control',
  );
});

const settings = `
apiVersion: v1
kind: ConfigMap
metadata: {name: kyverno, namespace: kyverno}
data: {resourceFilters: "[Pod,shop,*]", excludeUsernames: "system:kube-*"}
`;

test("Kyverno's ConfigMap counts among policies and among data, and for Kyverno's policies alone", () => {
  for (const [policies, data] of [
    [wantsTeam + settings, ""],
    [wantsTeam, settings],
  ] as const) {
    const { ask } = asker(policies, data);
    assert.equal(ask("/validate", pod).allowed, true);
    assert.equal(ask("/v1/admit", pod).allowed, true);
  }
  const other = asker(wantsTeam, settings, { configMap: "kyverno/other" });
  assert.equal(other.ask("/validate", pod).allowed, false);
  const elsewhere = objectOf("{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: other}, spec: {}}");
  const { ask } = asker(wantsTeam, settings);
  assert.equal(ask("/validate", elsewhere).allowed, false);
  const userInfo = { username: "system:kube-scheduler", groups: [] };
  assert.equal(ask("/validate", elsewhere, { userInfo }).allowed, true);
});

test("what Kyverno made is changed by Kyverno alone, where that was asked for", () => {
  const made = objectOf(
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop, labels: {app.kubernetes.io/managed-by: kyverno}}}",
  );
  const userInfo = { username: "jane", groups: [] };
  const { ask } = asker("", "", { protectManagedResources: true, ownNamespace: "portcullis" });
  const ours = { username: "system:serviceaccount:portcullis:portcullis", groups: [] };
  assert.equal(ask("/validate/fail", made, { userInfo: ours }).allowed, true);
  for (const path of ["/validate/fail", "/mutate/ignore"]) {
    assert.deepEqual(ask(path, made, { userInfo }), {
      uid: "u",
      allowed: false,
      status: {
        metadata: {},
        status: "Failure",
        message: "A kyverno managed resource can only be modified by kyverno",
      },
    });
    const itself = { username: "system:serviceaccount:kyverno:kyverno-background-controller", groups: [] };
    assert.equal(ask(path, made, { userInfo: itself }).allowed, true);
  }
  const emptying = {
    operation: "DELETE",
    object: null,
    oldObject: made,
    userInfo: { username: "system:serviceaccount:kube-system:namespace-controller" },
  };
  assert.equal(ask("/validate/fail", made, emptying).allowed, true);
  assert.equal(asker("").ask("/validate/fail", made, { userInfo }).allowed, true);
});

test("Kyverno's other webhooks are answered: its heartbeat, times to live, the defaults of policies", () => {
  const { ask } = asker(wantsTeam);
  const lease = objectOf(
    "{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: kyverno-health, namespace: kyverno}}",
  );
  const beat = ask("/verifymutate", lease);
  const patch = JSON.parse(Buffer.from(beat.patch ?? "", "base64").toString()) as readonly { value: string }[];
  assert.match(patch[0]?.value ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.deepEqual(patch, [
    { op: "replace", path: "/metadata/annotations/kyverno.io~1last-request-time", value: patch[0]?.value },
  ]);
  assert.deepEqual(ask("/verifymutate", pod), { uid: "u", allowed: true });
  const lives = (label: string): readonly string[] | undefined =>
    ask(
      "/verifyttl",
      objectOf(`{apiVersion: v1, kind: Pod, metadata: {name: a, labels: {cleanup.kyverno.io/ttl: "${label}"}}}`),
    ).warnings;
  assert.equal(lives("2d"), undefined);
  assert.deepEqual(lives("soon"), [
    'cleanup.kyverno.io/ttl label value cannot be parsed as any recognizable format (parsing time "soon" as "2006-01-02": cannot parse "soon" as "2006")',
  ]);
  assert.deepEqual(ask("/policymutate", objectOf(wantsTeam.replace("---", ""))), { uid: "u", allowed: true });
});
