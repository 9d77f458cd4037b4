// A cluster with 10,000 Pods, on a real kube-apiserver: how soon a replica is ready that keeps all of them for its policies, how
// much memory it has, how soon a change is told in reports, and how fast it decides by both communities' policies. The Pods are
// written into etcd, as an API server stores what it was sent as JSON, because creating each would take longer than all the
// rest. Replicas run what users install: every thread of the tree's would hold its sources with comments and types.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, suite, test } from "node:test";
import { kyvernoPolicies, libraryPolicies } from "../bench/library.ts";
import { runLoad } from "../bench/load.ts";
import { generatePods } from "../bench/pods.ts";
import { reviewOf as podReview } from "../bench/webhook.ts";
import { ownDefinitions } from "../packages/portcullis/src/controllers/install/crds/own.ts";
import { findBinaries } from "./binaries.ts";
import { stopProcess, waitFor } from "./control-plane.ts";
import { review } from "./pressure.ts";
import {
  type Product,
  type Replica,
  type ReplicaOptions,
  repository,
  startProduct,
  startReplica as start,
} from "./product.ts";

const binaries = findBinaries();
const missing = typeof binaries === "string" ? binaries : false;
if (missing !== false) process.stderr.write(`NOT RUN: end-to-end tests: ${missing}\n`);

const pods = 10_000;
const namespaces = 20;
/** Of `generatePods`. */
const reviewedNamespaces = 5;
/** Of each, as Pods have with their status and managed fields. */
const podBytes = 6000;

suite("load", { skip: missing }, () => {
  test("10,000 Pods", { timeout: 420_000 }, async (context) => {
    if (typeof binaries === "string") return;
    const product = await startProduct(binaries);
    const replicas: Replica[] = [];
    context.after(async () => {
      await Promise.all(replicas.map(({ child }) => stopProcess(child)));
      await product.stop();
    });
    const say = (message: string): void => context.diagnostic(message);
    await prepared(product);
    bundle(product);
    await context.test("a replica is ready within 15 s", async () => {
      const startMs = performance.now();
      const flags = ["--audit-interval", "5"];
      const replica = await startReplica(product, { name: "replica-1", registers: false, flags });
      replicas.push(replica);
      const tookMs = performance.now() - startMs;
      say(`ready after ${Math.round(tookMs)} ms, RSS ${residentMb(replica)} MB`);
      assert.ok(tookMs < 15_000, `${Math.round(tookMs)} ms`);
    });
    await context.test("every Pod is audited, and those that violate a policy stand in its status", async () => {
      const startMs = performance.now();
      await waitFor("the status", 120, async () => (await counted(product)) === pods / 100);
      say(`first audit told after ${Math.round(performance.now() - startMs)} ms`);
    });
    await context.test("a change is told within ten seconds", () => changeTold(product, say));
    await context.test("memory stays within its bounds", async () => {
      const [auditing] = replicas;
      assert.ok(auditing !== undefined);
      const auditedMb = peakMb(auditing);
      await stopProcess(auditing.child);
      const flags = ["--audit-interval", "0"];
      const replica = await startReplica(product, { name: "replica-2", registers: false, flags });
      replicas.push(replica);
      const syncedMb = peakMb(replica);
      say(`peak RSS with ${pods} Pods synchronised ${syncedMb} MB, audited as well ${auditedMb} MB`);
      assert.ok(syncedMb < 250 && auditedMb < 300, `${syncedMb} MB, ${auditedMb} MB`);
    });
    await context.test("Gatekeeper's full library and Kyverno's pod security decide together", (policies) =>
      bothDialects(product, replicas, policies),
    );
    await context.test("so many Pods are audited by both, too", (policies) =>
      auditedByBoth(product, replicas, policies),
    );
  });
});

/** Each review is decided by all policies of both dialects; bounds are those of a machine that others use. */
async function bothDialects(product: Product, replicas: Replica[], context: TestContext): Promise<void> {
  const library = libraryPolicies();
  const policies = [...(library ?? []), ...kyvernoPolicies(["pod-security"])];
  if (library === null || policies.length === library.length) {
    context.skip("the policies of both communities are not in $CONFORMANCE_DIR");
    return;
  }
  await Promise.all(replicas.map(({ child }) => stopProcess(child)));
  const folder = join(product.folder, "policies");
  mkdirSync(folder);
  for (const { name, text } of policies) writeFileSync(join(folder, name), text);
  const { code, text } = product.cli("install", "--no-wait", "-f", folder);
  assert.equal(code, 0, text);
  const startMs = performance.now();
  const replica = await startReplica(product, {
    name: "replica-3",
    registers: false,
    flags: ["--audit-interval", "0"],
  });
  replicas.push(replica);
  const readyMs = performance.now() - startMs;
  const bodies = generatePods({ count: 64, seed: 7 }).map(podReview);
  const target = { port: replica.port, path: "/v1/admit?timeout=10s", bodies };
  const answers = await Promise.all(bodies.map((body) => review(replica.port, body, target.path)));
  const [gatekeeper, kyverno] = [/"message":"[^"]*\[[a-z-]+\] /, /validation error/];
  assert.ok(
    answers.some((answer) => gatekeeper.test(answer) && kyverno.test(answer)),
    answers[0],
  );
  await runLoad(target, { connections, seconds: 5 });
  const most = await runLoad(target, { connections, seconds: 5 });
  const requestsPerSecond = most.requestsPerSecond / 2;
  await runLoad(target, { connections, seconds: 3, requestsPerSecond });
  const half = await runLoad(target, { connections, seconds: 10, requestsPerSecond });
  context.diagnostic(
    `${policies.length} files of policies, ready after ${Math.round(readyMs)} ms; ${Math.round(most.requestsPerSecond)} reviews a second saturated (p99 ${most.p99Ms.toFixed(1)} ms); at half of it p50 ${half.p50Ms.toFixed(2)} ms, p99 ${half.p99Ms.toFixed(2)} ms; peak RSS ${peakMb(replica)} MB with ${pods} Pods synchronised`,
  );
  assert.ok(peakMb(replica) < 250, `${peakMb(replica)} MB`);
  assert.equal(most.errors + half.errors, 0);
  assert.ok(half.p99Ms < 200, `${half.p99Ms} ms`);
}

const connections = 8;

/** By the policies that are there since the test before. */
async function auditedByBoth(product: Product, replicas: Replica[], context: TestContext): Promise<void> {
  if (replicas.length < 3) {
    context.skip("the policies of both communities are not in $CONFORMANCE_DIR");
    return;
  }
  await Promise.all(replicas.map(({ child }) => stopProcess(child)));
  const startMs = performance.now();
  const flags = ["--audit-interval", "15"];
  const replica = await startReplica(product, { name: "replica-4", registers: false, flags });
  replicas.push(replica);
  // What is told then is told of everything.
  await waitFor("a whole audit", 120, async () => replica.log().includes('"event_type":"audit_finished"'));
  const tookMs = Math.round(performance.now() - startMs);
  context.diagnostic(`peak RSS ${peakMb(replica)} MB with ${pods} Pods audited; told ${tookMs} ms after the start`);
  assert.ok(peakMb(replica) < 350, `${peakMb(replica)} MB`);
}

function bundle({ folder }: Product): void {
  const rolldown = join(repository, "node_modules/.bin/rolldown");
  const args = ["-c", "rolldown.config.ts", "-d", join(folder, "bundle")];
  execFileSync(rolldown, args, { cwd: repository, stdio: "ignore" });
}

/** Of what `bundle` has made. */
function startReplica(product: Product, options: ReplicaOptions): Promise<Replica> {
  return start(product, { ...options, program: join(product.folder, "bundle", "main.mjs") });
}

async function prepared(product: Product): Promise<void> {
  const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  await Promise.all(ownDefinitions().map((definition) => product.call("POST", definitions, definition)));
  // The reviewed Pods' too: of a namespace that is not there the API server would be asked for every review.
  const names = [...range(namespaces).map((at) => `n${at}`), ...range(reviewedNamespaces).map((at) => `team-${at}`)];
  await Promise.all(
    names.map((name) =>
      product.call("POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } }),
    ),
  );
  for (let first = 0; first < pods; first += 100) {
    const puts = range(100).map((at) => stored(first + at));
    // oxlint-disable-next-line no-await-in-loop -- one transaction after the other
    const response = await fetch(`${product.etcdUrl}/v3/kv/txn`, {
      method: "POST",
      body: JSON.stringify({ success: puts.map((requestPut) => ({ requestPut })) }),
    });
    assert.equal(response.status, 200);
  }
  await waitFor("the kinds", 60, async () => product.kubectl("get", "constrainttemplates").includes("No resources"));
  const file = join(product.folder, "policies.yaml");
  writeFileSync(file, [template, constraint].map((object) => JSON.stringify(object)).join("\n---\n"));
  const { code, text } = product.cli("install", "--no-wait", "-f", file);
  assert.equal(code, 0, text);
  await waitFor("the Pods", 60, async () => {
    const { body } = await product.call("GET", "/api/v1/pods?limit=1");
    return body.includes('"remainingItemCount":9999');
  });
}

function range(length: number): readonly number[] {
  return Array.from({ length }, (_none, at) => at);
}

/** As the API server lays it down. */
function stored(at: number): { readonly key: string; readonly value: string } {
  const namespace = `n${at % namespaces}`;
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const uid = `00000000-0000-4000-8000-${String(at).padStart(12, "0")}`;
  const metadata = {
    name: `pod-${at}`,
    namespace,
    uid,
    creationTimestamp: "2026-01-01T00:00:00Z",
    labels: { app: `app-${at % 300}`, tier: at % 100 === 0 ? "none" : "web" },
    annotations: { "example.com/padding": "x".repeat(podBytes - 500) },
  };
  const spec = { containers: [{ name: "main", image: `registry.example.com/app-${at % 300}:1` }] };
  const object = { apiVersion: "v1", kind: "Pod", metadata, spec, status: { phase: "Running" } };
  return { key: base64(`/registry/pods/${namespace}/pod-${at}`), value: base64(JSON.stringify(object)) };
}

// One in a hundred violates the first; the second looks at all others.
const template = {
  apiVersion: "templates.gatekeeper.sh/v1",
  kind: "ConstraintTemplate",
  metadata: { name: "k8stier" },
  spec: {
    crd: { spec: { names: { kind: "K8sTier" } } },
    targets: [
      {
        target: "admission.k8s.gatekeeper.sh",
        rego: `package k8stier
violation[{"msg": msg}] {
  input.review.object.metadata.labels.tier == "none"
  msg := "no tier"
}
violation[{"msg": msg}] {
  input.review.object.metadata.labels.unique == "yes"
  data.inventory.namespace[ns][_]["Pod"][name].metadata.labels.unique == "yes"
  name != input.review.object.metadata.name
  msg := sprintf("not the only one: %v/%v", [ns, name])
}
`,
      },
    ],
  },
};

const constraint = {
  apiVersion: "constraints.gatekeeper.sh/v1beta1",
  kind: "K8sTier",
  metadata: { name: "has-tier" },
  spec: { enforcementAction: "dryrun", match: { kinds: [{ apiGroups: [""], kinds: ["Pod"] }] } },
};

async function counted(product: Product): Promise<number> {
  const { body } = await product.call("GET", "/apis/constraints.gatekeeper.sh/v1beta1/k8stier/has-tier");
  return (
    (JSON.parse(body) as { readonly status?: { readonly totalViolations?: number } }).status?.totalViolations ?? -1
  );
}

async function changeTold(product: Product, say: (message: string) => void): Promise<void> {
  const startMs = performance.now();
  const { status, body } = await product.call("PATCH", "/api/v1/namespaces/n1/pods/pod-1", {
    metadata: { labels: { tier: "none" } },
  });
  assert.equal(status, 200, body);
  await waitFor("the status", 60, async () => (await counted(product)) === pods / 100 + 1);
  const tookMs = performance.now() - startMs;
  say(`a change among ${pods} Pods told after ${Math.round(tookMs)} ms`);
  assert.ok(tookMs < 10_000, `${Math.round(tookMs)} ms`);
}

/** Of the process with all its threads, in MB. */
function residentMb(replica: Replica): number {
  return statusMb(replica, "VmRSS");
}

function peakMb(replica: Replica): number {
  return statusMb(replica, "VmHWM");
}

function statusMb({ child }: Replica, field: string): number {
  const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
  return Math.round(Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0) / 1024);
}
