// The audit divided over three replicas of `portcullis run` on a real kube-apiserver: each judges about a third of the objects,
// together they tell what `portcullis audit` finds, one that is killed is replaced by the others and one that comes takes
// its share, and neither writes a report again that said the same before. At rest nothing is written but Leases.

import assert from "node:assert/strict";
import { get } from "node:http";
import { suite, test } from "node:test";
import { ownDefinitions } from "../packages/portcullis/src/controllers/install/crds/own.ts";
import { lookForBinaries } from "./binaries.ts";
import { freePort, stopProcess, waitFor } from "./control-plane.ts";
import { configMap, digitConstraint, digitData, digitPolicy, digits, template } from "./digits.ts";
import { consistent, created, each, leasesAtRest, upTo } from "./fleet.ts";
import { type Product, type Replica, startProduct, startReplica } from "./product.ts";
import { told } from "./verdicts.ts";

const { binaries, missing } = lookForBinaries();

const objects = 600;
/** So many of the digits are objected to. */
const policies = 10;
/** From a change to the report of it, also of what belonged to a replica that is dead. */
const soonMs = 10_000;

interface Audited extends Replica {
  readonly metricsPort: number;
}

interface Cluster {
  readonly product: Product;
  readonly replicas: Map<string, Audited>;
  readonly say: (message: string) => void;
}

suite("an audit over several replicas", { skip: missing }, () => {
  test("three, one of them killed, another one", { timeout: 400_000 }, async (context) => {
    if (typeof binaries === "string") return;
    const product = await startProduct(binaries, { writeLog: true });
    const replicas = new Map<string, Audited>();
    context.after(async () => {
      await Promise.all([...replicas.values()].map(({ child }) => stopProcess(child)));
      await product.stop();
    });
    const cluster = { product, replicas, say: (message: string) => context.diagnostic(message) };
    await prepared(cluster);
    await context.test("each judges about a third, together they tell what a fresh audit finds", () =>
      divided(cluster),
    );
    await context.test("nothing is written at rest but Leases", () => atRest(cluster));
    await context.test("one is killed: the others take its share", () => killed(cluster));
    await context.test("another one comes: no report is lost, made twice or written again", () => joined(cluster));
    await context.test("what they told each other goes when the product leaves", () => uninstalled(cluster));
  });
});

// ── what is tested

async function prepared({ product }: Cluster): Promise<void> {
  const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  await each(ownDefinitions(), 8, (definition) => created(product, definitions, definition));
  await waitFor("the kinds", 60, async () =>
    product.kubectl("get", "cpol,constrainttemplates,polr").includes("No res"),
  );
  product.kubectl("create", "namespace", "load");
  await each(upTo(objects), 16, (at) => created(product, "/api/v1/namespaces/load/configmaps", configMap(at)));
  await created(product, "/apis/templates.gatekeeper.sh/v1/constrainttemplates", template);
  await each(upTo(policies), 4, (digit) => created(product, "/apis/kyverno.io/v1/clusterpolicies", digitPolicy(digit)));
}

async function divided(cluster: Cluster): Promise<void> {
  const { product, say } = cluster;
  await Promise.all(["replica-1", "replica-2", "replica-3"].map((name) => started(cluster, name)));
  const constraints = "/apis/constraints.gatekeeper.sh/v1beta1/k8sdigit";
  await waitFor("the constraint's kind", 60, async () => (await product.call("GET", constraints)).status === 200);
  say(`shares: ${await sharedOut(cluster, 3)}`);
  const before = await evaluationsOf(cluster);
  await each(upTo(policies), 4, (digit) => created(product, constraints, digitConstraint(digit)));
  await consistent(product);
  const after = await evaluationsOf(cluster);
  const evaluations = after.map((count, at) => count - (before[at] ?? 0));
  const sum = evaluations.reduce((total, one) => total + one, 0);
  say(`evaluations: ${evaluations.join(" + ")}`);
  assert.ok(
    evaluations.every((one) => one > sum * 0.2 && one < sum * 0.5),
    evaluations.join(),
  );
  const { findings } = await told(product);
  assert.equal(findings.length, (objects / 25) * policies * 2, "of both dialects");
  await firstViolations(product);
  assert.equal(await sumOf(cluster, /^gatekeeper_violations\{.*\} (\d+)$/gm), (objects / 25) * policies);
}

/** Gatekeeper's first: the twenty smallest names, from the largest. */
async function firstViolations(product: Product): Promise<void> {
  const { body } = await product.call("GET", "/apis/constraints.gatekeeper.sh/v1beta1/k8sdigit/digit-3");
  const { status } = JSON.parse(body) as { readonly status: { readonly violations: readonly { name: string }[] } };
  const names = upTo(objects)
    .filter((at) => at % 25 === 3)
    .map((at) => `object-${at}`);
  assert.deepEqual(
    status.violations.map(({ name }) => name),
    names.toSorted().slice(0, 20).toReversed(),
  );
}

async function killed(cluster: Cluster): Promise<void> {
  const { product, replicas, say } = cluster;
  const before = await reports(product);
  const victim = replicas.get("replica-2");
  assert.ok(victim !== undefined);
  await stopProcess(victim.child);
  replicas.delete("replica-2");
  const startMs = performance.now();
  const changed = upTo(60);
  await each(changed, 8, (at) =>
    product.call("PATCH", `/api/v1/namespaces/load/configmaps/object-${at}`, { data: digitData(at + 1) }),
  );
  const wanted = new Map(changed.map((at) => [`object-${at}`, (at + 1) % digits]));
  await waitFor("reports of what changed", 60, () => objectionsTold(product, wanted));
  const toldMs = performance.now() - startMs;
  say(`what changed right after the kill, a third of it the victim's, is told after ${Math.round(toldMs)} ms`);
  assert.ok(toldMs < soonMs, `${Math.round(toldMs)} ms`);
  say(`shares: ${await sharedOut(cluster, 2)}, ${Math.round(performance.now() - startMs)} ms after the kill`);
  await consistent(product);
  say(`all told ${Math.round(performance.now() - startMs)} ms after the kill, a fresh audit included`);
  assert.deepEqual(rewritten(before, await reports(product), new Set(changed.map((at) => `object-${at}`))), []);
}

async function joined(cluster: Cluster): Promise<void> {
  const { product, replicas, say } = cluster;
  const before = await reports(product);
  await started(cluster, "replica-4");
  say(`shares: ${await sharedOut(cluster, 3)}`);
  await consistent(product);
  assert.deepEqual(rewritten(before, await reports(product)), []);
  // What changes now is told by whoever owns it.
  await each(upTo(30), 8, (at) =>
    product.call("PATCH", `/api/v1/namespaces/load/configmaps/object-${at}`, { data: digitData(at + 5) }),
  );
  await consistent(product);
  assert.equal((await reports(product)).size, objects, "each object has one report");
  assert.deepEqual([...replicas.keys()].toSorted(), ["replica-1", "replica-3", "replica-4"]);
  await atRest(cluster);
}

async function uninstalled({ product, replicas }: Cluster): Promise<void> {
  await Promise.all([...replicas.values()].map(({ child }) => stopProcess(child)));
  assert.match(product.kubectl("-n", "portcullis", "get", "auditparts"), /replica-1\.[0-9a-f]+/);
  const { code, text } = product.cli("run", "--uninstall");
  assert.equal(code, 0, text);
  assert.match(product.kubectl("-n", "portcullis", "get", "auditparts"), /No resources found/);
}

async function atRest({ product, say }: Cluster): Promise<void> {
  say(`15 s at rest: ${await leasesAtRest(product)} writes of three replicas, all of Leases`);
}

// ── conditions

/** Waits until so many replicas have divided all objects among themselves. */
async function sharedOut({ product, replicas }: Cluster, count: number): Promise<string> {
  const all = await configMaps(product);
  let shares: readonly number[] = [];
  // The audit counts its objects when it runs.
  await waitFor("shares", 90, async () => {
    shares = await Promise.all([...replicas.values()].map((one) => numberIn(one, /^portcullis_audit_objects (\d+)$/m)));
    return shares.length === count && shares.reduce((sum, share) => sum + share, 0) === all;
  }).catch((error: unknown) => assert.fail(`${String(error)}: ${shares.join(" + ")} of ${all}${deathsOf(replicas)}`));
  const fair = objects / count;
  assert.ok(
    shares.every((share) => share > fair * 0.7 && share < fair * 1.3),
    shares.join(),
  );
  return shares.join(" + ");
}

function deathsOf(replicas: ReadonlyMap<string, Audited>): string {
  const dead = [...replicas].filter(([, { child }]) => child.exitCode !== null || child.signalCode !== null);
  return dead.map(([name, { log }]) => `; ${name} has died: ${log().slice(-500)}`).join("");
}

/** Those that the API server makes itself among them. */
async function configMaps(product: Product): Promise<number> {
  const { body } = await product.call("GET", "/api/v1/configmaps?limit=1");
  const { metadata } = JSON.parse(body) as { readonly metadata: { readonly remainingItemCount: number } };
  return metadata.remainingItemCount + 1;
}

/** Of each replica, after a run that began now. */
async function evaluationsOf({ replicas }: Cluster): Promise<readonly number[]> {
  const beganS = Date.now() / 1000;
  for (const one of replicas.values()) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other is fast enough
    await waitFor("a run", 60, async () => (await numberIn(one, /^gatekeeper_audit_last_run_time (\d+)$/m)) > beganS);
  }
  const counted = /^portcullis_audit_evaluations_total (\d+)$/m;
  return Promise.all([...replicas.values()].map((one) => numberIn(one, counted)));
}

/** By reports of these objects: what each of their digits is objected to for, in both dialects. */
async function objectionsTold(product: Product, changed: ReadonlyMap<string, number>): Promise<boolean> {
  const { findings } = await told(product);
  const names = new Map([...changed.keys()].map((name) => [name, [] as string[]]));
  for (const finding of findings) {
    const [policy = "", object = ""] = finding.split(" ");
    names.get(object.slice("load/".length))?.push(policy);
  }
  return [...changed].every(([name, digit]) => {
    const wanted = digit < policies ? [`K8sDigit/digit-${digit}`, `digit-${digit}/rule`] : [];
    return names.get(name)?.toSorted().join() === wanted.join();
  });
}

/** `uid version` of each report, by the name of its object. */
async function reports(product: Product): Promise<ReadonlyMap<string, string>> {
  const { body } = await product.call("GET", "/apis/wgpolicyk8s.io/v1alpha2/namespaces/load/policyreports");
  const { items } = JSON.parse(body) as {
    readonly items: readonly {
      readonly metadata: { readonly uid: string; readonly resourceVersion: string };
      readonly scope: { readonly kind: string; readonly name: string };
    }[];
  };
  const found = items.filter(({ scope }) => scope.name.startsWith("object-"));
  assert.equal(new Set(found.map(({ scope }) => scope.name)).size, found.length, "no object has two reports");
  return new Map(found.map(({ metadata, scope }) => [scope.name, `${metadata.uid} ${metadata.resourceVersion}`]));
}

function rewritten(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
  changed: ReadonlySet<string> = new Set(),
): readonly string[] {
  return [...before].flatMap(([name, version]) => (after.get(name) === version || changed.has(name) ? [] : [name]));
}

async function numberIn({ metricsPort }: Audited, pattern: RegExp): Promise<number> {
  return Number(pattern.exec(await metricsOf(metricsPort))?.[1] ?? Number.NaN);
}

async function sumOf({ replicas }: Cluster, pattern: RegExp): Promise<number> {
  const texts = await Promise.all([...replicas.values()].map(({ metricsPort }) => metricsOf(metricsPort)));
  return texts.flatMap((text) => [...text.matchAll(pattern)]).reduce((sum, [, value]) => sum + Number(value), 0);
}

function metricsOf(port: number): Promise<string> {
  return new Promise((settle, reject) => {
    const request = get({ host: "127.0.0.1", port, path: "/metrics" }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => settle(Buffer.concat(chunks).toString()));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.setTimeout(10_000, () => request.destroy(new Error("the metrics do not come")));
  });
}

// ── objects and programs

async function started({ product, replicas }: Cluster, name: string): Promise<void> {
  const metricsPort = await freePort();
  const flags = ["--audit-interval", "2", "--metrics-port", String(metricsPort)];
  replicas.set(name, { ...(await startReplica(product, { name, registers: false, flags })), metricsPort });
}
