// What the webhook answers about Gatekeeper's own objects, about the label that takes a Namespace out of its sight, and in
// the log: the evaluator of the product without threads and connections.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { builtinCatalog, parseYaml } from "@portcullis/kube";
import { Source } from "@portcullis/lang";
import { reviewOf } from "../../src/app/ask.ts";
import { assembleEvaluator } from "../../src/app/assemble.ts";
import { clockMs } from "../../src/app/clock.ts";
import { type EvaluatorSettings, evaluatorSettings } from "../../src/app/config.ts";
import type { Evaluator, Question } from "../../src/app/evaluator.ts";
import { admitEndpoint, labelEndpoint } from "../../src/server/endpoints.ts";
import { createLogger, logViolations } from "../../src/app/log.ts";
import type { AdmissionRecord } from "../../src/server/metrics.ts";

const catalog = builtinCatalog();
const repos = fileURLToPath(new URL("../../../../examples/repos/policies/", import.meta.url));
const template = readFileSync(join(repos, "template.yaml"), "utf8");
const constraint = readFileSync(join(repos, "constraint.yaml"), "utf8");

function evaluatorOf(settings: EvaluatorSettings = evaluatorSettings(), ...more: readonly string[]): Evaluator {
  const evaluator = assembleEvaluator(settings);
  const texts = [template, constraint, ...more];
  const changed = texts.map((text, at) => ({ file: `${at}.yaml`, role: "policies" as const, text, lastGood: null }));
  evaluator.prepare({ version: 1, changed, removed: [] });
  return evaluator;
}

function objectOf(text: string): unknown {
  return parseYaml(new Source("test.yaml", text), { dialect: "go" }).value[0]?.value;
}

interface Asked extends Partial<Pick<Question, "lane" | "endpoint">> {
  readonly operation?: "CREATE" | "UPDATE" | "DELETE";
  readonly request?: Readonly<Record<string, unknown>>;
}

function resultOf(evaluator: Evaluator, object: unknown, asked: Asked = {}) {
  const { lane = "slow", endpoint = admitEndpoint, operation, request } = asked;
  const review = JSON.parse(reviewOf(object, catalog, operation)) as { request: Record<string, unknown> };
  Object.assign(review.request, request);
  const body = JSON.stringify(review);
  return evaluator.answer({ version: 1, body, deadlineMs: clockMs() + 5000, lane, endpoint });
}

/** `allowed code reason: message` of the answer. */
function answerOf(evaluator: Evaluator, object: unknown, asked: Asked = {}): string {
  const result = resultOf(evaluator, object, asked);
  if (result.kind !== "reply") return result.kind;
  const { response } = JSON.parse(result.reply.body) as {
    response: { allowed: boolean; status: { code: number; reason?: string; message?: string } };
  };
  const { code, reason, message = "" } = response.status;
  return `${response.allowed ? "allowed" : "refused"} ${code}${reason === undefined ? "" : ` ${reason}`}: ${message}`;
}

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "mcs" },
  spec: { containers: [{ name: "web", image: "munta/nginx" }] },
};

const admin = (namespace: string) => ({
  request: { userInfo: { username: `system:serviceaccount:${namespace}:gatekeeper-admin` } },
});

test("Gatekeeper's administrator is not judged, in the namespace that the setting names", () => {
  const usual = evaluatorOf();
  assert.equal(answerOf(usual, pod, admin("gatekeeper-system")), "allowed 200: Gatekeeper does not self-manage");
  assert.match(answerOf(usual, pod, admin("other")), /^refused 403 Forbidden: \[enforce-image-repository\]/);
  const moved = evaluatorOf(evaluatorSettings({ gatekeeperNamespace: "other" }));
  assert.match(answerOf(moved, pod, admin("other")), /^allowed 200/);
});

const mutilated = (from: string, to: string): unknown => objectOf(constraint.replace(from, to));
const longName = "n".repeat(64);

const admissions: readonly (readonly [string, unknown, string])[] = [
  ["a template", objectOf(template), "allowed 200: "],
  ["a constraint", objectOf(constraint), "allowed 200: "],
  [
    "a constraint with an unknown field",
    mutilated("match:", "matc:"),
    "refused 422: invalid Constraint: unknown fields: [spec.matc]",
  ],
  [
    "a constraint that is against the schema",
    mutilated('namespaces: ["medstack", "mcs"]', "namespaces: mcs"),
    'refused 422: schema validation failed: [].spec.match.namespaces: Invalid value: "string": spec.match.namespaces in body must be of type array: "string"',
  ],
  [
    "a constraint without its template",
    mutilated("kind: K8sAllowedRepos", "kind: NoSuch"),
    'refused 422: missing ConstraintTemplate: template "nosuch" not found',
  ],
  [
    "an enforcement action that nobody knows",
    mutilated("spec:", "spec:\n  enforcementAction: block"),
    'refused 500: unrecognized enforcementAction: "block" is not within the supported list [deny dryrun warn scoped]',
  ],
  [
    "scoped without actions",
    mutilated("spec:", "spec:\n  enforcementAction: scoped"),
    "refused 500: error fetching scopedEnforcementActions: scopedEnforcementActions is required",
  ],
  [
    "a name of 64 characters",
    mutilated("name: enforce-image-repository", `name: ${longName}`),
    "refused 500: resource cannot have metadata.name larger than 63 char; length: 64",
  ],
  [
    "* beside another operation",
    objectOf(template.replace("rego: |", 'operations: ["*", CREATE]\n      rego: |')),
    "refused 500: if '*' is present, must not specify other operations",
  ],
  [
    "a template whose name is not its kind",
    objectOf(template.replace("name: k8sallowedrepos", "name: other")),
    `refused 422: invalid ConstraintTemplate: the ConstraintTemplate's name "other" is not equal to the lowercase of CRD's Kind: "k8sallowedrepos"`,
  ],
  [
    "a template whose Rego is wrong, with the place",
    objectOf(template.replaceAll("startswith(", "startwith(")),
    "refused 422: template:14:28: rego_type_error: undefined function startwith",
  ],
  [
    "a status object, however long its name",
    { apiVersion: "status.gatekeeper.sh/v1beta1", kind: "ConstraintPodStatus", metadata: { name: longName } },
    "allowed 200: ",
  ],
];

for (const [what, object, expected] of admissions) {
  test(`admission of ${what}: ${expected.slice(0, 60)}`, () => {
    assert.equal(answerOf(evaluatorOf(), object), expected);
  });
}

test("a policy is compiled in the slow lane, is never counted, and may always be deleted", () => {
  const evaluator = evaluatorOf();
  assert.equal(answerOf(evaluator, objectOf(template), { lane: "fast" }), "slow");
  const result = resultOf(evaluator, mutilated("match:", "matc:"));
  assert.ok(result.kind === "reply" && result.reply.record === null);
  for (const object of [mutilated("kind: K8sAllowedRepos", "kind: NoSuch"), objectOf(template)]) {
    assert.equal(answerOf(evaluator, object, { lane: "fast", operation: "DELETE" }), "allowed 200: ");
  }
});

test("a constraint with an unknown action is admitted where the setting says so", () => {
  const lenient = evaluatorOf(evaluatorSettings({ allowUnknownEnforcement: true }));
  assert.equal(answerOf(lenient, mutilated("spec:", "spec:\n  enforcementAction: block")), "allowed 200: ");
  assert.match(answerOf(lenient, mutilated("match:", "matc:")), /^refused 422: invalid Constraint: unknown fields/);
});

test("only exempt Namespaces may have the label that takes them out of sight", () => {
  const exempt = { names: ["kube-system"], prefixes: ["infra-"], suffixes: ["-ops"] };
  const evaluator = evaluatorOf(evaluatorSettings({ exempt }));
  const label = (name: string, labels: Readonly<Record<string, string>>, asked: Asked = {}) =>
    answerOf(
      evaluator,
      { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } },
      { lane: "fast", endpoint: labelEndpoint, ...asked },
    );
  const ignore = "admission.gatekeeper.sh/ignore";
  assert.equal(
    label("team", { [ignore]: "" }),
    `refused 403 Forbidden: Only exempt namespace can have the ${ignore} label`,
  );
  assert.equal(label("team", { a: "b" }), `allowed 200: Namespace is not setting the ${ignore} label`);
  for (const name of ["kube-system", "infra-dns", "team-ops"]) {
    assert.equal(label(name, { [ignore]: "" }), `allowed 200: Namespace ${name} is allowed to set ${ignore}`);
  }
  assert.equal(label("team", { [ignore]: "" }, { operation: "DELETE" }), "allowed 200: Delete is always allowed");
  assert.equal(answerOf(evaluator, pod, { endpoint: labelEndpoint }), "allowed 200: Not a namespace");
});

test("violations are logged with Gatekeeper's keys", () => {
  const scoped = constraint
    .replace("name: enforce-image-repository", "name: scoped")
    .replace(
      "spec:",
      'spec:\n  enforcementAction: scoped\n  scopedEnforcementActions: [{action: warn, enforcementPoints: [{name: "*"}]}]',
    );
  const evaluator = evaluatorOf(evaluatorSettings({ logDenies: true }), scoped);
  const result = resultOf(evaluator, pod, { request: { name: "", userInfo: { username: "jane" } } });
  assert.ok(result.kind === "reply");
  const record = result.reply.record as AdmissionRecord;
  const lines = violationLines(record);
  const message =
    'container <web> has an invalid image repo <munta/nginx>, allowed repos are ["xxx.dkr.ecr.ca-central-1.amazonaws.com/", "docker.io/bitnami/"]';
  const first = {
    hookType: "validation",
    semantic: true,
    process: "admission",
    details: {},
    event_type: "violation",
    constraint_name: "enforce-image-repository",
    constraint_group: "constraints.gatekeeper.sh",
    constraint_api_version: "v1beta1",
    constraint_kind: "K8sAllowedRepos",
    constraint_action: "deny",
    constraint_enforcement_actions: [],
    resource_group: "",
    resource_api_version: "v1",
    resource_kind: "Pod",
    resource_namespace: "mcs",
    resource_name: "web",
    request_username: "jane",
    msg: `denied admission: ${message}`,
  };
  const second = {
    ...first,
    constraint_name: "scoped",
    constraint_action: "scoped",
    constraint_enforcement_actions: ["warn"],
  };
  assert.deepEqual(lines, [first, second]);
});

test("what policies say of a Secret is not logged", () => {
  const record = resultOf(evaluatorOf(evaluatorSettings({ logDenies: true })), pod, {});
  assert.ok(record.kind === "reply");
  const { violations } = record.reply.record as AdmissionRecord;
  assert.ok(violations !== undefined);
  const subject = { ...violations.subject, group: "", kind: "Secret" };
  const [line] = violationLines({
    ...(record.reply.record as AdmissionRecord),
    violations: { ...violations, subject },
  });
  assert.equal(line?.["msg"], "denied admission: [redacted]");
  assert.equal(line["details"], "[redacted]");
});

test("a reply says whether it may quote a Secret, for whoever would log it", () => {
  const evaluator = evaluatorOf(evaluatorSettings({}));
  const quotes = (kind: string): unknown => {
    const result = resultOf(evaluator, { apiVersion: "v1", kind, metadata: { name: "a", namespace: "mcs" } }, {});
    return result.kind === "reply" && result.reply.quotesSecret;
  };
  assert.deepEqual([quotes("ConfigMap"), quotes("Secret")], [undefined, true]);
});

function violationLines(record: AdmissionRecord): readonly Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger("nowhere");
  logger.info = (line: unknown, msg?: unknown) => {
    lines.push({ ...(line as object), msg });
  };
  logViolations(logger, record);
  return lines;
}
