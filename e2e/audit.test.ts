// The audit of `portcullis run` on a real kube-apiserver and etcd: what was there before a policy appears in its status and in
// reports, in the words of the walkthroughs and soon; what changes moves them; and while nothing changes nothing is written.

import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { get } from "node:http";
import { join, resolve } from "node:path";
import { suite, test } from "node:test";
import { ownDefinitions } from "../packages/portcullis/src/controllers/install/crds/own.ts";
import { lookForBinaries } from "./binaries.ts";
import { type ControlPlane, freePort, saysSoon, startControlPlane, stopProcess, waitFor } from "./control-plane.ts";

const repository = resolve(import.meta.dirname, "..");
const { binaries, missing } = lookForBinaries();

interface Cluster extends ControlPlane {
  readonly kubectl: (...args: readonly string[]) => string;
  /** As `kubectl apply -f -`. */
  readonly apply: (...objects: readonly unknown[]) => string;
  readonly applyText: (text: string) => string;
  readonly metricsPort: number;
  readonly exports: string;
}

suite("the audit of a cluster", { skip: missing }, () => {
  test("statuses, reports, Events, exports", { timeout: 330_000 }, async (context) => {
    if (typeof binaries === "string") return;
    const cluster = await startCluster(binaries);
    const replicas: ChildProcess[] = [];
    context.after(async () => {
      await Promise.all(replicas.map(stopProcess));
      await cluster.stop();
    });
    for (const name of ["repos", "registries"])
      cluster.kubectl("apply", "-f", join(repository, "examples", name, "namespaces.yaml"));
    cluster.apply(pod("medstack", "web", "munta/nginx"), pod("production", "app", "munta/nginx", "quay.io/x/y"));
    replicas.push(startReplica(cluster, "replica-1"));
    await context.test("A4: a Pod that was there before the constraint stands in its status", () => a4(cluster));
    await context.test("B1: each violation is a line, the init container's too", () => b1(cluster));
    await context.test("C5: with Audit the results stand in reports", () => c5(cluster));
    await context.test("what changes is told within ten seconds", () => toldSoon(cluster));
    await context.test("violations are told in metrics, Events and files", () => toldElsewhere(cluster));
    await context.test("portcullis audit finds the same, and what other policies would break", () => once(cluster));
    await context.test("nothing is written while nothing changes", () => quietAtRest(cluster));
    await context.test("another replica finds what the first one left, and writes nothing", async () => {
      const before = versions(cluster);
      await Promise.all(replicas.map(stopProcess));
      replicas.push(startReplica(cluster, "replica-2"));
      await runAgain(cluster);
      assert.equal(versions(cluster), before);
    });
    await context.test("what goes takes its report with it", () => goneIsGone(cluster));
  });
});

// ── what is tested

async function a4(cluster: Cluster): Promise<void> {
  const repos = join(repository, "examples/repos/policies");
  cluster.kubectl("apply", "-f", join(repos, "template.yaml"));
  const applied = (): string => cluster.kubectl("apply", "-f", join(repos, "constraint.yaml"));
  await saysSoon("the constraint's kind", applied, "created");
  const described = (): string => cluster.kubectl("describe", "k8sallowedrepos", "enforce-image-repository");
  await saysSoon("the violation", described, "Total Violations:  1");
  const text = described();
  const violation = text.slice(text.indexOf("  Total Violations:")).split("\nEvents:")[0];
  assert.equal(
    violation,
    `  Total Violations:  1
  Violations:
    Enforcement Action:  deny
    Group:               
    Kind:                Pod
    Message:             container <web> has an invalid image repo <munta/nginx>, allowed repos are ["xxx.dkr.ecr.ca-central-1.amazonaws.com/", "docker.io/bitnami/"]
    Name:                web
    Namespace:           medstack
    Version:             v1`,
  );
  assert.match(text, /\n {2}Audit Timestamp: {2}20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ\n/);
  assert.match(text, /\n {2}By Pod:\n/, "what others write is still there");
}

async function b1(cluster: Cluster): Promise<void> {
  const registries = join(repository, "examples/registries/policies");
  cluster.kubectl("apply", "-f", join(registries, "template.yaml"));
  const applied = (): string => cluster.kubectl("apply", "-f", join(registries, "constraint.yaml"));
  await saysSoon("the constraint's kind", applied, "created");
  const path = String.raw`jsonpath={range .status.violations[*]}{.namespace}/{.name}: {.message}{"\n"}{end}`;
  const read = (): string =>
    cluster.kubectl(
      "get",
      "k8sallowedregistries.constraints.gatekeeper.sh",
      "allow-only-trusted-registries",
      "-o",
      path,
    );
  await saysSoon("both lines", read, "\n");
  assert.equal(
    read(),
    [
      "production/app: initContainer 'init' image 'quay.io/x/y' not in allowed registries",
      "production/app: container 'main' image 'munta/nginx' not in allowed registries",
    ].join("\n"),
  );
  const listed = cluster.kubectl("get", "constraints").split("\n");
  assert.match(listed.find((line) => line.includes("allow-only-trusted-registries")) ?? "", /dryrun +2$/);
}

async function c5(cluster: Cluster): Promise<void> {
  const text = readFileSync(join(repository, "examples/kyverno/policies/disallow-root-containers.yaml"), "utf8");
  const policy = text.replace("validationFailureAction: Enforce", "validationFailureAction: Audit");
  cluster.kubectl("delete", "clusterpolicy", "disallow-root-containers", "--ignore-not-found");
  assert.match(cluster.applyText(policy), /created/);
  const created = cluster.apply(rootPod);
  assert.match(created, /created/, "nothing is refused");
  const read = (): string => cluster.kubectl("get", "policyreport,clusterpolicyreport", "-A");
  await saysSoon("the report of the root Pod", read, "nginx-root");
  const uid = cluster.kubectl("-n", "default", "get", "pod", "nginx-root", "-o", "jsonpath={.metadata.uid}");
  const report = JSON.parse(cluster.kubectl("-n", "default", "get", "policyreport", uid, "-o", "json")) as Report;
  assert.deepEqual(report.summary, { error: 0, fail: 1, pass: 0, skip: 0, warn: 0 });
  assert.equal(report.metadata.labels["app.kubernetes.io/managed-by"], "kyverno");
  assert.deepEqual(report.scope, { apiVersion: "v1", kind: "Pod", name: "nginx-root", namespace: "default", uid });
  const [{ timestamp, ...result } = { timestamp: null }] = report.results;
  assert.ok(timestamp !== null);
  assert.deepEqual(result, {
    source: "kyverno",
    policy: "disallow-root-containers",
    rule: "disallow-root-uid",
    result: "fail",
    scored: true,
    message: "Containers must not run as root (UID 0).",
    properties: { process: "background scan" },
  });
}

interface Report {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly scope: unknown;
  readonly summary: unknown;
  readonly results: readonly { readonly timestamp: unknown }[];
}

async function toldSoon(cluster: Cluster): Promise<void> {
  const uid = cluster.kubectl("-n", "default", "get", "pod", "nginx-root", "-o", "jsonpath={.metadata.uid}");
  const count = (): string =>
    cluster.kubectl("get", "k8sallowedrepos", "enforce-image-repository", "-o", "jsonpath={.status.totalViolations}");
  const startMs = performance.now();
  cluster.kubectl("-n", "medstack", "delete", "pod", "web", "--force", "--grace-period=0");
  cluster.kubectl("-n", "default", "delete", "pod", "nginx-root", "--force", "--grace-period=0");
  await saysSoon("no violation", count, "0");
  await saysSoon("no report", () => cluster.kubectl("-n", "default", "get", "policyreport", uid), "not found");
  const tookMs = performance.now() - startMs;
  assert.ok(tookMs < 10_000, `from change to report ${Math.round(tookMs)} ms`);
  cluster.apply(pod("medstack", "web", "munta/nginx"), rootPod);
  await saysSoon("the violation again", count, "1");
}

async function toldElsewhere(cluster: Cluster): Promise<void> {
  await runAgain(cluster);
  const metrics = await textOf(cluster.metricsPort);
  assert.match(metrics, /^gatekeeper_violations\{enforcement_action="deny"\} 1$/m);
  assert.match(metrics, /^gatekeeper_violations\{enforcement_action="dryrun"\} 2$/m);
  assert.match(metrics, /^kyverno_policy_results_total\{.*rule_execution_cause="background_scan".*\} \d+$/m);
  const event = (): string =>
    cluster.kubectl(
      "-n",
      "portcullis",
      "get",
      "events",
      "-o",
      "jsonpath={range .items[*]}{.reason}: {.message}{'\\n'}{end}",
    );
  await saysSoon(
    "Gatekeeper's Event",
    event,
    "AuditViolation: Resource Namespace: medstack, Constraint: enforce-image-repository, Message: container <web> has",
  );
  const scanned = (): string =>
    cluster.kubectl(
      "-n",
      "default",
      "get",
      "events",
      "-o",
      "jsonpath={range .items[*]}{.reason}: {.message}{'\\n'}{end}",
    );
  await saysSoon(
    "Kyverno's Event",
    scanned,
    "PolicyViolation: policy disallow-root-containers/disallow-root-uid fail: Containers must not run as root (UID 0).",
  );
  const connection = {
    apiVersion: "connection.gatekeeper.sh/v1alpha1",
    kind: "Connection",
    metadata: { name: "audit-connection", namespace: "portcullis" },
    spec: { driver: "disk", config: { path: cluster.exports, maxAuditResults: 2 } },
  };
  cluster.apply(connection);
  const folder = join(cluster.exports, "audit-channel");
  const logs = (): readonly string[] =>
    existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".log")) : [];
  await waitFor("an exported run", 60, async () => logs().length > 0);
  const lines = readFileSync(join(folder, logs()[0] ?? ""), "utf8")
    .trim()
    .split("\n");
  const messages = lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  assert.equal(messages[0]?.["message"], "audit is started");
  assert.equal(messages.at(-1)?.["message"], "audit is completed");
  assert.equal(messages.filter(({ eventType }) => eventType === "violation_audited").length, 3);
}

function once(cluster: Cluster): void {
  const main = join(repository, "packages/portcullis/src/cli/main.ts");
  const audit = (...args: readonly string[]): { readonly status: number | null; readonly stdout: string } =>
    spawnSync(process.execPath, [main, "audit", "--kubeconfig", cluster.kubeconfig, ...args], { encoding: "utf8" });
  const own = audit("-o", "json");
  assert.equal(own.status, 1);
  const { findings } = JSON.parse(own.stdout) as { readonly findings: readonly Found[] };
  assert.deepEqual(
    findings
      .flatMap(({ rule, object }) => (object === null ? [] : [`${rule} ${object.namespace}/${object.name}`]))
      .toSorted(),
    [
      "ClusterPolicy/disallow-root-containers/disallow-root-uid default/nginx-root",
      "K8sAllowedRegistries/allow-only-trusted-registries production/app",
      "K8sAllowedRegistries/allow-only-trusted-registries production/app",
      "K8sAllowedRepos/enforce-image-repository medstack/web",
    ],
  );
  const others = audit("--policies", join(repository, "examples/kyverno/policies/disallow-root-containers.yaml"));
  assert.equal(others.status, 1);
  assert.match(others.stdout, /v1\/Pod default\/nginx-root .*Containers must not run as root/);
  assert.match(others.stdout, /\n1 results against policies: \d+ objects, 1 policies\n/);
}

interface Found {
  readonly rule: string;
  readonly object: { readonly namespace: string; readonly name: string } | null;
}

/** Waits for two ends of a run: what was changed before is in the second. */
async function runAgain(cluster: Cluster): Promise<void> {
  const ended = async (): Promise<string> =>
    /^gatekeeper_audit_last_run_end_time (\d+)$/m.exec(await textOf(cluster.metricsPort))?.[1] ?? "";
  let last = "";
  let ends = 0;
  await waitFor("two runs of the audit", 90, async () => {
    const now = await ended();
    if (now !== last && now !== "") ends++;
    last = now;
    return ends > 2;
  });
}

async function quietAtRest(cluster: Cluster): Promise<void> {
  let before = await writes(cluster);
  let sinceMs = performance.now();
  await waitFor("thirty seconds without a write", 120, async () => {
    const now = await writes(cluster);
    if (now !== before) sinceMs = performance.now();
    before = now;
    return performance.now() - sinceMs > 30_000;
  });
}

/** How many writes but those of Leases and Events the API server has taken. */
async function writes(cluster: Cluster): Promise<number> {
  const { body } = await cluster.call("GET", "/metrics");
  return body
    .split("\n")
    .filter((line) => line.startsWith("apiserver_request_total{"))
    .filter((line) => !/verb="(GET|LIST|WATCH|CONNECT)"|resource="(leases|events)"/.test(line))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

function versions(cluster: Cluster): string {
  const path = "jsonpath={range .items[*]}{.metadata.name} {.metadata.resourceVersion}{'\\n'}{end}";
  return cluster.kubectl("get", "policyreports,clusterpolicyreports", "-A", "-o", path);
}

async function goneIsGone(cluster: Cluster): Promise<void> {
  cluster.kubectl("delete", "clusterpolicy", "disallow-root-containers");
  cluster.kubectl("delete", "k8sallowedrepos,k8sallowedregistries", "--all");
  await saysSoon(
    "no report",
    () => cluster.kubectl("get", "policyreport,clusterpolicyreport", "-A"),
    "No resources found",
  );
}

// ── objects and programs

function pod(namespace: string, name: string, image: string, initImage?: string): unknown {
  const init = initImage === undefined ? {} : { initContainers: [{ name: "init", image: initImage }] };
  const spec = { ...init, containers: [{ name: name === "web" ? "web" : "main", image }] };
  return { apiVersion: "v1", kind: "Pod", metadata: { name, namespace }, spec };
}

const rootPod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "nginx-root", namespace: "default" },
  spec: { containers: [{ name: "nginx-root", image: "nginx:1.27", securityContext: { runAsUser: 0 } }] },
};

async function startCluster(
  programs: Exclude<ReturnType<typeof lookForBinaries>["binaries"], string>,
): Promise<Cluster> {
  const plane = await startControlPlane(programs.etcd, programs["kube-apiserver"]);
  const kubectl = (args: readonly string[], input?: string): string => {
    const all = ["--kubeconfig", plane.kubeconfig, ...args];
    const { stdout, stderr } = spawnSync(programs.kubectl, all, { encoding: "utf8", input });
    return `${stdout}${stderr}`.trim();
  };
  for (const definition of ownDefinitions()) {
    const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    // oxlint-disable-next-line no-await-in-loop -- one after the other is fast enough
    const { status, body } = await plane.call("POST", path, definition);
    assert.equal(status, 201, body);
  }
  const exports = join(plane.folder, "exports");
  mkdirSync(exports);
  const cluster = {
    ...plane,
    kubectl: (...args: readonly string[]) => kubectl(args),
    apply: (...objects: readonly unknown[]) =>
      kubectl(["apply", "-f", "-"], objects.map((object) => JSON.stringify(object)).join("\n---\n")),
    applyText: (text: string) => kubectl(["apply", "-f", "-"], text),
    metricsPort: await freePort(),
    exports,
  };
  await saysSoon("the kinds of reports", () => cluster.kubectl("get", "policyreports"), "No resources");
  await saysSoon("the kind of templates", () => cluster.kubectl("get", "constrainttemplates"), "No resources");
  return cluster;
}

function startReplica({ kubeconfig, metricsPort }: Cluster, name: string): ChildProcess {
  const main = join(repository, "packages/portcullis/src/cli/main.ts");
  const audit = ["--audit-interval", "3", "--emit-audit-events", "--enable-violation-export"];
  const ports = ["--port", "0", "--metrics-port", String(metricsPort)];
  return spawn(process.execPath, [main, "run", "--kubeconfig", kubeconfig, ...ports, "--pod-name", name, ...audit], {
    stdio: ["ignore", "ignore", process.env["VERBOSE"] === undefined ? "ignore" : "inherit"],
  });
}

function textOf(port: number): Promise<string> {
  return new Promise((settle, reject) => {
    const request = get({ host: "127.0.0.1", port, path: "/metrics" }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => settle(Buffer.concat(chunks).toString()));
    });
    request.on("error", reject);
  });
}
