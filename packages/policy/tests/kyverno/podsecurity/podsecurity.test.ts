// podSecurity rules against answers of Kyverno 1.19.1 (cases.yaml), and what must hold of every Pod and every exclusion.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { fieldErrorText, isObject, parseYaml } from "@portcullis/kube";
import { Budget, Source } from "@portcullis/lang";
import {
  type PodSecurityInput,
  type PodSecurityResult,
  checkPodSecurity,
  compilePodSecurity,
  podSecurityProperties,
} from "../../../src/kyverno/validate/podsecurity/check.ts";
import { podSecurityErrors } from "../../../src/kyverno/validate/podsecurity/controls.ts";

interface Case {
  readonly name: string;
  readonly podSecurity: unknown;
  readonly object: unknown;
  readonly status: string;
  readonly message: string;
  readonly properties?: Readonly<Record<string, string>>;
}

function check(
  podSecurity: unknown,
  object: unknown,
  exceptions: PodSecurityInput["exceptions"] = [],
): PodSecurityResult {
  return checkPodSecurity({
    rule: compilePodSecurity(podSecurity),
    ruleName: "r",
    object,
    exceptions,
    registry: { defaultRegistry: "docker.io", enableDefaultRegistryMutation: true },
    budget: new Budget({}, () => 0),
  });
}

/** The findings of a message in the order of the alphabet: Kyverno has them in any order once there are exclusions. */
function sorted(message: string): readonly string[] {
  return message.split(/(?=\(Forbidden reason)/).toSorted();
}

const cases = casesIn(readFileSync(join(import.meta.dirname, "cases.yaml"), "utf8"));

function casesIn(text: string): readonly Case[] {
  const { value, diagnostics } = parseYaml(new Source("cases.yaml", text), { dialect: "go" });
  assert.deepEqual(diagnostics, []);
  return (value?.[0]?.value ?? []) as unknown as readonly Case[];
}

for (const { name, podSecurity, object, status, message, properties } of cases) {
  test(`as Kyverno: ${name}`, () => {
    const result = check(podSecurity, object);
    assert.equal(result.status, status);
    const ordered = isObject(podSecurity) && podSecurity["exclude"] === undefined;
    if (ordered) assert.equal(result.message, message);
    else assert.deepEqual(sorted(result.message), sorted(message));
    if (properties === undefined) return;
    const { controls, controlsJSON } = podSecurityProperties(result.report ?? { level: "", version: "", checks: [] });
    assert.deepEqual({ controls, controlsJSON }, properties);
  });
}

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  spec: { hostPID: true, hostIPC: true, containers: [{ name: "c", image: "nginx" }] },
};

test("exceptions exempt controls, and the rule is skipped once none is violated", () => {
  const first = { key: "ns/first", podSecurity: [{ controlName: "Host Namespaces", restrictedField: "spec.hostPID" }] };
  const second = { key: "ns/second", podSecurity: [{ controlName: "Host Namespaces" }] };
  const fail = check({ level: "baseline" }, pod, [first]);
  assert.equal(fail.status, "fail");
  assert.match(fail.message, /field error list: \[spec\.hostIPC is forbidden, forbidden values found: true\]\)$/);
  const skip = check({ level: "baseline" }, pod, [first, second]);
  assert.equal(skip.status, "skip");
  assert.equal(skip.message, "rule is skipped due to policy exceptions ns/first, ns/second");
});

test("a kind without a Pod, and a version that is none, are errors", () => {
  const service = check({ level: "baseline" }, { kind: "Service" });
  assert.equal(service.message, "Error while getting new resource: could not find correct resource type");
  const version = check({ level: "baseline", version: "1.24" }, pod);
  assert.equal(version.message, 'failed to parse pod security api version: must be "latest" or "v1.x"');
});

test("hosts of probes are checked since 1.34, but by no control", () => {
  const probing = { kind: "Pod", spec: { containers: [{ name: "c", livenessProbe: { httpGet: { host: "h" } } }] } };
  const exclude = [{ controlName: "Host Ports", images: ["*"] }];
  const { message } = check({ level: "baseline", exclude }, probing);
  assert.match(message, /\(Forbidden reason: probe or lifecycle host, field error list: \[\]\)$/);
});

test("annotations are named in the order of their keys", () => {
  const prefix = "container.apparmor.security.beta.kubernetes.io";
  const annotations = { [`${prefix}/b`]: "bad", [`${prefix}/a`]: "worse" };
  const { message } = check({ level: "baseline" }, { kind: "Pod", metadata: { annotations }, spec: {} });
  const found = [...message.matchAll(/annotations\[\S+\/(\w)\] is forbidden, forbidden values found: (\w+)/g)];
  assert.deepEqual(
    found.map(([, key, value]) => [key, value]),
    [
      ["a", "worse"],
      ["b", "bad"],
    ],
  );
});

test("a policy's exclusions are judged with their place", () => {
  const exclude = [
    { controlName: "Capabilities" },
    { controlName: "Sysctls", images: ["*"], values: ["x"] },
    { controlName: "Volume Types", restrictedField: "spec.volumes[*].nfs" },
  ];
  const texts = podSecurityErrors({ level: "baseline", exclude }, "podSecurity").map(fieldErrorText);
  const at = "podSecurity.exclude";
  const name = "exclude.images must";
  assert.deepEqual(texts, [
    `${at}[0].controlName: Invalid value: "Capabilities": ${name} be specified for the container level control`,
    `${at}[1].controlName: Invalid value: "Sysctls": ${name} not be specified for the pod level control`,
    `${at}[1].restrictedField: Forbidden: restrictedField is required`,
    `${at}[2].values: Forbidden: values is required`,
    `${at}[2].controlName: Invalid value: "Volume Types": Invalid control name defined at the given level`,
  ]);
});

const anyContext = fc.record(
  {
    privileged: fc.boolean(),
    runAsNonRoot: fc.boolean(),
    runAsUser: fc.constantFrom(0, 1),
    allowPrivilegeEscalation: fc.boolean(),
    capabilities: fc.record({ add: fc.subarray(["CHOWN", "SYS_TIME"]), drop: fc.subarray(["ALL"]) }),
    seccompProfile: fc.record({ type: fc.constantFrom("Localhost", "Unconfined") }),
  },
  { requiredKeys: [] },
);
const anyContainer = fc.record({
  name: fc.constantFrom("a", "b"),
  image: fc.constantFrom("nginx", "redis"),
  securityContext: anyContext,
});
const anyPod = fc.record({
  kind: fc.constant("Pod"),
  spec: fc.record({ hostPID: fc.boolean(), containers: fc.array(anyContainer, { minLength: 1, maxLength: 3 }) }),
});
const anyExclusion = fc.record({
  controlName: fc.constantFrom(
    "Capabilities",
    "Seccomp",
    "Host Namespaces",
    "Running as Non-root",
    "Privilege Escalation",
  ),
  images: fc.subarray(["ngin*", "redis"]),
});

test("an exclusion never adds a violation, and restricted allows nothing that baseline forbids", () => {
  const ids = (result: PodSecurityResult): readonly string[] => result.report?.checks.map(({ id }) => id) ?? [];
  fc.assert(
    fc.property(anyPod, fc.array(anyExclusion, { maxLength: 3 }), (object, exclude) => {
      const restricted = new Set(ids(check({ level: "restricted" }, object)));
      for (const level of ["baseline", "restricted"]) {
        for (const id of ids(check({ level, exclude }, object))) assert.ok(restricted.has(id), id);
      }
    }),
  );
});
