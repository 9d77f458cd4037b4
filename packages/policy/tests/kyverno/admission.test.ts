// What a webhook answers: denials, warnings and patches in Kyverno's words, and what it asks of the cluster.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Answer, Need } from "@portcullis/lang";
import { valueAt } from "@portcullis/kube";
import type { Json } from "../../src/engine/request.ts";
import { type SetOptions, admission, decide, documents, policySet } from "./decide.ts";

function set(text: string, options?: SetOptions) {
  return policySet(documents(text), options);
}

function pod(name: string, container: string, more = ""): Json {
  return documents(`
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: default}
spec: {containers: [{name: c, image: "nginx:1.27"${container === "" ? "" : `, securityContext: ${container}`}}]${more}}`)[0];
}

const noRoot = `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: disallow-root}
spec:
  validationFailureAction: Enforce
  rules:
  - name: no-uid-0
    match: {any: [{resources: {kinds: [Pod]}}]}
    exclude: {any: [{resources: {namespaces: [kube-system, kyverno]}}]}
    validate:
      message: "Containers must not run as root (UID 0)."
      deny:
        conditions:
          any:
          - {key: "{{ request.object.spec.containers[?securityContext.runAsUser == \`0\`] | length(@) }}", operator: GreaterThan, value: 0}
          - {key: "{{ request.object.spec.initContainers[?securityContext.runAsUser == \`0\`] | length(@) }}", operator: GreaterThan, value: 0}
`;

const blocked = (kind: string, name: string, rule: string): string =>
  `\n\nresource ${kind}/default/${name} was blocked due to the following policies \n\n` +
  `disallow-root:\n  ${rule}: Containers must not run as root (UID 0).\n`;

test("a root container is denied, an init container too, and a template of one", () => {
  const policies = set(noRoot);
  const root = decide(policies, admission(pod("root", "{runAsUser: 0}")));
  assert.deepEqual([root.allowed, root.message], [false, blocked("Pod", "root", "no-uid-0")]);
  const init = pod("init", "", ", initContainers: [{name: i, image: x, securityContext: {runAsUser: 0}}]");
  assert.equal(decide(policies, admission(init)).message, blocked("Pod", "init", "no-uid-0"));
  const [deployment] = documents(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: dep, namespace: default}
spec: {template: {spec: {containers: [{name: c, image: x, securityContext: {runAsUser: 0}}]}}}`);
  assert.equal(decide(policies, admission(deployment)).message, blocked("Deployment", "dep", "autogen-no-uid-0"));
});

test("a Pod without init containers is let in, where Kyverno counts null", () => {
  const decision = decide(set(noRoot), admission(pod("safe", "{runAsNonRoot: true, runAsUser: 1000}")));
  assert.deepEqual([decision.allowed, decision.message, decision.warnings], [true, "", []]);
});

test("excluded namespaces are not looked at", () => {
  const [object] = documents(
    "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: kube-system}, spec: {containers: [{name: c, securityContext: {runAsUser: 0}}]}}",
  );
  assert.equal(decide(set(noRoot), admission(object)).allowed, true);
});

test("a dry run gives no effect, and is decided as any other", () => {
  const generates = `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: network}
spec:
  rules:
  - name: default-deny
    match: {any: [{resources: {kinds: [Pod]}}]}
    generate: {apiVersion: v1, kind: ConfigMap, name: made, namespace: default, data: {data: {a: b}}}
`;
  const policies = set(`${noRoot}---${generates}`);
  const safe = pod("safe", "{runAsNonRoot: true, runAsUser: 1000}");
  assert.equal(decide(policies, admission(safe)).effects.length, 1);
  const dry = decide(policies, admission(safe, { dryRun: true }));
  assert.deepEqual([dry.allowed, dry.effects], [true, []]);
  const denied = decide(policies, admission(pod("root", "{runAsUser: 0}"), { dryRun: true }));
  assert.deepEqual([denied.message, denied.effects], [blocked("Pod", "root", "no-uid-0"), []]);
});

const rule = (name: string, more: string): string =>
  `  - {name: ${name}, match: {any: [{resources: {kinds: [Pod]}}]}, validate: {message: "${name} says no", ${more}}}`;

test("a denial lists all that did not pass of policies that may deny, sorted; others are silent", () => {
  const policies = set(`
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: mixed}
spec:
  rules:
${rule("r10", "failureAction: Audit, deny: {}")}
${rule("r2", "failureAction: Enforce, deny: {}")}
${rule("passes", "failureAction: Enforce, deny: {conditions: {any: [{key: a, operator: Equals, value: b}]}}")}
${rule("broken", 'deny: {conditions: {any: [{key: "{{ request.object.none }}", operator: Equals, value: b}]}}')}
---
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: audits}
spec:
  rules:
${rule("r", "deny: {}")}
`);
  const decision = decide(policies, admission(pod("a", "")));
  const why =
    "failed to check deny conditions: failed to substitute variables in condition key: failed to resolve " +
    'request.object.none at path : JMESPath query failed: Unknown key "none" in path';
  assert.equal(
    decision.message,
    `\n\nresource Pod/default/a was blocked due to the following policies \n\nmixed:\n  broken: '${why}'\n  r2: r2 says no\n  r10: r10 says no\n`,
  );
});

test("what fails and does not deny is a warning, where Kyverno gives one", () => {
  const policies = set(`
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: enforcing}
spec:
  failurePolicy: Ignore
  rules:
${rule("audited", "failureAction: Audit, deny: {}")}
${rule("enforced", "failureAction: Enforce, deny: {conditions: {any: [{key: a, operator: Equals, value: b}]}}")}
---
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: silent}
spec:
  rules:
${rule("r", "deny: {}")}
---
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: telling}
spec:
  emitWarning: true
  rules:
${rule("r", "deny: {}")}
`);
  const decision = decide(policies, admission(pod("a", "")));
  assert.deepEqual(
    [decision.allowed, decision.warnings],
    [true, ["policy enforcing.audited: audited says no", "policy telling.r: r says no"]],
  );
});

test("overrides of the failure action go by the namespace and its labels", () => {
  const policies = set(`
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p}
spec:
  rules:
  - name: r
    match: {any: [{resources: {kinds: [Pod]}}]}
    validate:
      message: m
      failureAction: Audit
      failureActionOverrides: [{action: Enforce, namespaces: ["pr*"], namespaceSelector: {matchLabels: {tier: gold}}}]
      deny: {}
`);
  const answer = (labels: Json) => (): Answer => ({ value: { metadata: { labels } } });
  const [object] = documents("{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: prod}, spec: {}}");
  assert.equal(decide(policies, admission(object), answer({ tier: "gold" })).allowed, false);
  assert.equal(decide(policies, admission(object), answer({ tier: "tin" })).allowed, true);
  assert.equal(decide(policies, admission(pod("a", "")), answer({ tier: "gold" })).allowed, true);
});

const defaults = `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: add-defaults}
spec:
  rules:
  - name: run-as-non-root
    match: {any: [{resources: {kinds: [Pod]}}]}
    mutate:
      patchStrategicMerge:
        spec:
          securityContext: {+(runAsNonRoot): true, +(runAsUser): 1000}
          containers: [{(name): "*", securityContext: {+(readOnlyRootFilesystem): true, +(capabilities): {drop: [ALL]}}}]
`;

test("a mutation sets what is missing and leaves what the user set, which the validation then sees", () => {
  const policies = set(`${defaults}---${noRoot}`);
  const plain = decide(policies, admission(pod("plain", "")));
  assert.equal(plain.allowed, true);
  assert.deepEqual(valueAt(plain.object, "spec", "securityContext"), { runAsNonRoot: true, runAsUser: 1000 });
  assert.deepEqual(valueAt(plain.object, "spec", "containers", 0, "securityContext"), {
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  });
  const root = decide(policies, admission(pod("root", "{runAsUser: 0}")));
  assert.deepEqual([root.allowed, root.message], [false, blocked("Pod", "root", "no-uid-0")]);
  assert.equal(valueAt(root.object, "spec", "containers", 0, "securityContext", "runAsUser"), 0);
});

test("a mutation that fails denies with its rules, or is ignored", () => {
  const policy = (failurePolicy: string): string => `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: broken}
spec:
  failurePolicy: ${failurePolicy}
  rules:
  - {name: r, match: {any: [{resources: {kinds: [Pod]}}]}, mutate: {patchStrategicMerge: {metadata: {labels: {a: "{{ request.object.none }}"}}}}}
  - {name: s, match: {any: [{resources: {kinds: [Pod]}}]}, mutate: {patchStrategicMerge: {metadata: {labels: {b: c}}}}}
`;
  const why =
    "variable substitution failed: failed to resolve request.object.none at path " +
    '/mutate/patchStrategicMerge/metadata/labels/a: JMESPath query failed: Unknown key "none" in path';
  const failing = decide(set(policy("Fail")), admission(pod("a", "")));
  assert.equal(failing.allowed, false);
  assert.equal(failing.message, `mutation policy broken error: failed to apply policy broken rules [r: ${why}]`);
  const ignoring = decide(set(policy("Ignore")), admission(pod("a", "")));
  assert.deepEqual([ignoring.allowed, ignoring.patch], [true, []]);
  assert.deepEqual(ignoring.warnings, [`policy broken.r: ${why}`]);
});

// ── what is asked of the cluster

function asking(text: string, answer: (need: Need) => Answer, namespace = "prod") {
  const [object] = documents(
    `{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: ${namespace}}, data: {}}`,
  );
  const needs: Need[] = [];
  const decision = decide(set(text), admission(object), (need) => {
    needs.push(need);
    return answer(need);
  });
  return { needs, messages: decision.outcomes.map(({ result, message }) => `${result}: ${message}`) };
}

function contextPolicy(kind: string, entry: string, message = "{{ x }}!"): string {
  return `
apiVersion: kyverno.io/v1
kind: ${kind}
metadata: {name: p${kind === "Policy" ? ", namespace: prod" : ""}}
spec:
  rules:
  - name: r
    match: {any: [{resources: {kinds: [ConfigMap]}}]}
    context: [{name: x, ${entry}}]
    validate: {deny: {conditions: {any: [{key: "${message}", operator: NotEquals, value: "", message: "${message}"}]}}}
`;
}

test("a ConfigMap is asked for by name, and only where it is used", () => {
  const entry = 'configMap: {name: "{{ request.object.metadata.name }}-cfg", namespace: conf}';
  const value = { data: { k: "v" }, metadata: { name: "a-cfg" } };
  const { needs, messages } = asking(contextPolicy("ClusterPolicy", entry, "{{ x.data }}!"), () => ({ value }));
  assert.deepEqual(
    needs.map(({ key }) => key),
    ["v1/ConfigMap/conf/a-cfg"],
  );
  assert.deepEqual(messages, ['fail: {"k":"v"}!']);
  assert.deepEqual(asking(contextPolicy("ClusterPolicy", entry, "none"), () => ({ error: "no" })).needs, []);
});

test("a namespaced policy reads no ConfigMap and calls no path outside its namespace", () => {
  const lead =
    "error: failed to check deny conditions: failed to substitute variables in condition key: failed to resolve x at path : ";
  const foreign = asking(
    contextPolicy("Policy", "configMap: {name: c, namespace: kube-system}", "{{ x.data }}"),
    () => ({
      value: {},
    }),
  );
  assert.deepEqual(foreign.needs, []);
  assert.deepEqual(foreign.messages, [
    `${lead.replace("resolve x", "resolve x.data")}failed to retrieve config map for context entry x: context entry x: configMap namespace "kube-system" is different from policy namespace "prod"`,
  ]);
  for (const [path, why] of [
    [
      "/api/v1/namespaces/kube-system/secrets",
      "path /api/v1/namespaces/kube-system/secrets refers to namespace kube-system, which is different from the policy namespace prod",
    ],
    [
      "/api/v1/namespaces/prod/../kube-system/secrets",
      "path /api/v1/namespaces/kube-system/secrets refers to namespace kube-system, which is different from the policy namespace prod",
    ],
    [
      "/api/v1/namespaces/prod/%2e%2e/kube-system/secrets",
      "path /api/v1/namespaces/kube-system/secrets refers to namespace kube-system, which is different from the policy namespace prod",
    ],
    [
      "/api/v1/nodes",
      "path /api/v1/nodes does not contain a namespace segment, which is required for namespaced policies",
    ],
  ]) {
    const { needs, messages } = asking(contextPolicy("Policy", `apiCall: {urlPath: "${path}"}`), () => ({ value: {} }));
    assert.deepEqual([needs, messages], [[], [`${lead}failed to fetch data for APICall: ${why}`]]);
  }
});

test("an API call is asked for once, with the namespace that asks, transformed, and replaced by its default", () => {
  const entry = 'apiCall: {urlPath: "/api/v1/namespaces/prod/pods", jmesPath: "items | length(@)", default: 7}';
  const given = asking(contextPolicy("Policy", entry), () => ({ value: { items: [1, 2, 3] } }));
  assert.deepEqual(given.messages, ["fail: 3!"]);
  assert.deepEqual(
    given.needs.map(({ kind, call }) => [kind, valueAt(call, "method"), valueAt(call, "policyNamespace")]),
    [["kyverno.apiCall", "GET", "prod"]],
  );
  assert.deepEqual(asking(contextPolicy("Policy", entry), () => ({ error: "gone" })).messages, ["fail: 7!"]);
});

test("shared entries are for cluster policies, and come by projection", () => {
  const { needs, messages } = asking(contextPolicy("ClusterPolicy", "globalReference: {name: all.names}"), () => ({
    value: ["a"],
  }));
  assert.deepEqual(
    [needs.map(({ kind, key }) => `${kind} ${key}`), messages],
    [["kyverno.globalContext all.names"], ['fail: ["a"]!']],
  );
});

test("the roles of a requester are asked for only where a policy looks at them", () => {
  const policy = (match: string): string => `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p}
spec:
  background: false
  rules:
  - {name: r, match: {any: [{resources: {kinds: [Pod]}, ${match}}]}, validate: {message: m, deny: {}}}
`;
  const user = { username: "jane", uid: "", groups: ["dev"], extra: {} };
  const keys: string[] = [];
  const answer = ({ kind, key }: Need): Answer => {
    keys.push(`${kind} ${key}`);
    return { value: { roles: ["prod:edit"], clusterRoles: [] } };
  };
  const byRole = decide(set(policy('roles: ["prod:edit"]')), admission(pod("a", ""), { user }), answer);
  assert.deepEqual([byRole.outcomes.length, new Set(keys)], [1, new Set(['kyverno.roles ["default","jane","dev"]'])]);
  keys.length = 0;
  decide(set(policy("subjects: [{kind: User, name: jane}]")), admission(pod("a", ""), { user }), answer);
  assert.deepEqual(keys, []);
});

// ── settings

test("filtered objects and excluded requesters see no policy", () => {
  const requester = { usernames: ["ja*"], groups: [], roles: [], clusterRoles: [] };
  const object = admission(pod("a", "{runAsUser: 0}"));
  assert.equal(decide(set(noRoot, { settings: { excluded: requester } }), object).allowed, true);
  const jane = { ...requester, usernames: ["jane"] };
  assert.equal(decide(set(noRoot, { settings: { excluded: requester, included: jane } }), object).allowed, false);
});

test("an error in an element's preconditions is an error, which Kyverno takes for a skip", () => {
  const text = `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p}
spec:
  rules:
  - name: r
    match: {any: [{resources: {kinds: [Pod]}}]}
    validate:
      message: m
      foreach:
      - list: request.object.spec.containers
        preconditions: {all: [{key: "{{ element.nothing }}", operator: NotEquals, value: bar}]}
        deny: {}
`;
  const results = (peerAnswers: boolean) =>
    decide(set(text, { settings: { peerAnswers } }), admission(pod("a", ""))).outcomes.map(({ result }) => result);
  assert.deepEqual([results(false), results(true)], [["error"], []]);
});
