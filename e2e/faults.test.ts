// What goes wrong on clusters, on a real kube-apiserver with two replicas behind a balancer: many objects and policies at once,
// the leader killed in the middle of its audit under load, everybody writing into the same statuses, etcd that does not
// answer, an API server that restarts, clients that mean harm. Whatever happened, reports and statuses are afterwards those
// of a fresh computation, nothing is written at rest, and what is uninstalled stands in nobody's way.
// The authority's exchange under load is in `webhooks.test.ts`. etcd is held for 20 s, not a minute: longer than a Lease.

import assert from "node:assert/strict";
import { join } from "node:path";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { builtinCatalog } from "../packages/kube/src/index.ts";
import { reviewOf } from "../packages/portcullis/src/app/ask.ts";
import { ownDefinitions } from "../packages/portcullis/src/controllers/install/crds/own.ts";
import { type Balancer, startBalancer } from "./balancer.ts";
import { findBinaries } from "./binaries.ts";
import { stopProcess, waitFor } from "./control-plane.ts";
import { configMap, digitConstraint, digitData, digitPolicy, digits, kyverno, template } from "./digits.ts";
import { hostile } from "./hostile.ts";
import { type Load, quantile, review, startLoad } from "./pressure.ts";
import { type Product, type Replica, repository, startProduct, startReplica } from "./product.ts";
import { type Verdicts, freshly, told } from "./verdicts.ts";

const binaries = findBinaries();
const missing = typeof binaries === "string" ? binaries : false;
if (missing !== false) process.stderr.write(`NOT RUN: end-to-end tests: ${missing}\n`);

const examples = join(repository, "examples");
const objects = 1000;

interface Faults {
  readonly product: Product;
  readonly balancer: Balancer;
  readonly replicas: Map<string, Replica>;
  readonly say: (message: string) => void;
}

suite("faults", { skip: missing }, () => {
  test("of everything around two replicas", { timeout: 600_000 }, async (context) => {
    if (typeof binaries === "string") return;
    const product = await startProduct(binaries, { writeLog: true });
    const replicas = new Map<string, Replica>();
    const balancer = await startBalancer();
    context.after(async () => {
      await Promise.all([...replicas.values()].map(({ child }) => stopProcess(child)));
      await balancer.close();
      await product.stop();
    });
    const faults = { product, balancer, replicas, say: (message: string) => context.diagnostic(message) };
    await prepared(faults);
    await context.test("a policy is enforced on every replica within five seconds", () => enforcedSoon(faults));
    await context.test("1,000 objects and 50 policies at once", () => manyAtOnce(faults));
    await context.test("the leader is killed in the middle of its audit, under load", () => leaderKilled(faults));
    await context.test("others write into the same objects all the time", () => conflicts(faults));
    await context.test("etcd does not answer for 20 s", () => etcdHeld(faults));
    await context.test("the API server restarts", () => apiServerRestarted(faults));
    await context.test("hostile clients are refused or bounded while others are answered", () =>
      hostile({ ports: ports(faults), ask: () => refusedBy(ports(faults)[0] ?? 0), say: faults.say }),
    );
    await context.test("nothing is written at rest but Leases", () => atRest(faults));
    await context.test("a policy that matches everything, policies too, starts no storm", () => matchesAll(faults));
    await context.test("uninstalled, the cluster accepts writes", () => uninstalled(faults));
  });
});

// ── what is tested

async function prepared(faults: Faults): Promise<void> {
  const { product } = faults;
  const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  await each(ownDefinitions(), 8, (definition) => created(product, definitions, definition));
  await waitFor("the kinds", 60, async () =>
    product.kubectl("get", "cpol,constrainttemplates,polr").includes("No res"),
  );
  product.kubectl("apply", "-f", join(examples, "repos/namespaces.yaml"));
  product.kubectl("create", "namespace", "load");
  product.kubectl(
    "apply",
    "-f",
    join(examples, "kyverno/policies"),
    "-f",
    join(examples, "repos/policies/template.yaml"),
  );
  await started(faults, "replica-1");
  await started(faults, "replica-2");
  const constraint = join(examples, "repos/policies/constraint.yaml");
  await waitFor("the constraint", 60, async () =>
    /created|configured/.test(product.kubectl("apply", "-f", constraint)),
  );
  await waitFor("both dialects' webhooks", 60, async () => (await admitted(product)) === null);
  await waitFor("the constraint's refusals", 60, async () => (await refused(product)) === null);
}

/** Within 5 s from the answer of the API server to the first refusal, on each replica. */
async function enforcedSoon(faults: Faults): Promise<void> {
  const { product, say } = faults;
  const path = "/apis/kyverno.io/v1/clusterpolicies";
  const body = reviewOf(pod("default", "probe", { image: "docker.io/bitnami/nginx" }), builtinCatalog());
  await created(product, path, kyverno("no-probe", { kinds: ["Pod"], names: ["probe"] }, { deny: {} }, "Enforce"));
  const startMs = performance.now();
  await Promise.all(
    ports(faults).map((port) =>
      waitFor("a refusal", 30, async () => (await review(port, body, "/validate/fail")).includes('"allowed":false')),
    ),
  );
  const tookMs = performance.now() - startMs;
  say(`from apply to enforced on both replicas: ${Math.round(tookMs)} ms`);
  assert.ok(tookMs < 5000, `${Math.round(tookMs)} ms`);
}

async function manyAtOnce(faults: Faults): Promise<void> {
  const { product, say } = faults;
  const startMs = performance.now();
  await created(product, "/apis/templates.gatekeeper.sh/v1/constrainttemplates", template);
  const numbers = Array.from({ length: objects }, (_none, at) => at);
  const constraints = "/apis/constraints.gatekeeper.sh/v1beta1/k8sdigit";
  const each25 = numbers.slice(0, digits);
  await Promise.all([
    each(each25, 4, async (digit) => {
      await waitFor("the constraint's kind", 60, async () => (await product.call("GET", constraints)).status === 200);
      await created(product, constraints, digitConstraint(digit));
    }),
    each(each25, 4, (digit) => created(product, "/apis/kyverno.io/v1/clusterpolicies", digitPolicy(digit))),
    each(numbers, 16, (at) => created(product, "/api/v1/namespaces/load/configmaps", configMap(at))),
  ]);
  const storedMs = performance.now() - startMs;
  await consistent(product);
  const toldMs = performance.now() - startMs;
  const { findings } = await told(product);
  assert.equal(findings.length, objects * 2, `one of each dialect: ${findings.slice(0, 3).join("; ")}`);
  say(`stored in ${Math.round(storedMs)} ms, all told after ${Math.round(toldMs)} ms`);
}

async function leaderKilled(faults: Faults): Promise<void> {
  const { product, balancer, replicas, say } = faults;
  const holder = await leader(product);
  const name = holder.split("_")[0] ?? "";
  const victim = replicas.get(name);
  assert.ok(victim !== undefined, holder);
  const load = startLoad([() => admitted(product), () => refused(product)]);
  await sleep(1500);
  assert.deepEqual(load.failures().slice(0, 3), [], "before");
  // A new digit for all: the audit has every object before it, and has told of some.
  const before = await reportVersions(product);
  const changing = each(objectNumbers(), 16, (at) =>
    product.call("PATCH", `/api/v1/namespaces/load/configmaps/object-${at}`, { data: digitData(at + 1) }),
  );
  await waitFor("the first new reports", 30, async () => (await reportVersions(product)) !== before);
  victim.child.kill("SIGKILL");
  const killedMs = performance.now();
  replicas.delete(name);
  await changing;
  await waitFor("another leader", 60, async () => (await leader(product)) !== holder);
  const ledMs = performance.now() - killedMs;
  await sleep(Math.max(0, 6000 - ledMs));
  const tookMs = await load.end();
  const late = load.failures().filter(({ atMs }) => atMs - killedMs > 2000);
  assert.deepEqual(late.slice(0, 3), [], `${late.length} failures later than 2 s`);
  say(
    `${load.asked()} requests through the API server, ${load.failures().length} failed within 2 s of the kill, none later; p99 ${Math.round(quantile(tookMs, 0.99))} ms; another leader after ${Math.round(ledMs)} ms`,
  );
  balancer.use(ports(faults));
  await consistent(product);
  say(`all told ${Math.round(performance.now() - killedMs)} ms after the kill`);
  await started(faults, "replica-3");
  await enforcedBy(faults);
  say(`a third replica stands in every status ${Math.round(performance.now() - killedMs)} ms after the kill`);
}

/** Statuses and reports are touched by somebody else as fast as the API server takes it, while all of them have to change. */
async function conflicts(faults: Faults): Promise<void> {
  const { product, say } = faults;
  const constraints = Array.from(
    { length: 5 },
    (_none, at) => `/apis/constraints.gatekeeper.sh/v1beta1/k8sdigit/digit-${at}`,
  );
  const others = [
    "/apis/templates.gatekeeper.sh/v1/constrainttemplates/k8sdigit",
    "/apis/kyverno.io/v1/clusterpolicies/digit-0",
  ];
  const countBefore = conflictsOf(product);
  let count = 0;
  const touch = async (path: string): Promise<string | null> => {
    const annotations = { "example.com/touched": String(count++) };
    const { status, body } = await product.call("PATCH", path, { metadata: { annotations } });
    return status === 200 ? null : body;
  };
  const load: Load = startLoad(
    [...constraints, ...others].map((path) => () => touch(path)),
    { clients: 7, pauseMs: 0 },
  );
  for (const action of ["dryrun", "warn", "deny"]) {
    // oxlint-disable-next-line no-await-in-loop -- one generation after the other
    await each(constraints, 5, (path) => product.call("PATCH", path, { spec: { enforcementAction: action } }));
    // oxlint-disable-next-line no-await-in-loop
    await enforcedBy(faults);
  }
  const tookMs = await load.end();
  await consistent(product);
  const met = conflictsOf(product) - countBefore;
  assert.ok(met > 0, "nobody was in anybody's way");
  say(`${load.asked()} foreign writes, median ${Math.round(quantile(tookMs, 0.5))} ms, ${met} of ours met a conflict`);
}

async function etcdHeld(faults: Faults): Promise<void> {
  const { product, balancer, say } = faults;
  const load = startLoad([() => refusedBy(balancer.port)]);
  product.pauseEtcd();
  try {
    await sleep(20_000);
  } finally {
    product.resumeEtcd();
  }
  await waitFor("the API server", 60, async () => (await product.call("GET", "/readyz")).status === 200);
  await waitFor("requests through it", 60, async () => (await refused(product)) === null);
  await sleep(1000);
  await load.end();
  assert.deepEqual(load.failures().slice(0, 3), [], "replicas answer without etcd");
  say(`${load.asked()} reviews answered, none wrong`);
  await changeTold(faults, 2);
}

async function apiServerRestarted(faults: Faults): Promise<void> {
  const { product, balancer, say } = faults;
  const load = startLoad([() => refusedBy(balancer.port)]);
  const startMs = performance.now();
  await product.restartApiServer();
  const awayMs = performance.now() - startMs;
  await waitFor("requests through it", 60, async () => (await refused(product)) === null);
  await load.end();
  assert.deepEqual(load.failures().slice(0, 3), [], "replicas answer without an API server");
  say(`away for ${Math.round(awayMs)} ms, ${load.asked()} reviews answered, none wrong`);
  await changeTold(faults, 3);
}

/** After a fault: what changes is enforced and told, by every replica. */
async function changeTold(faults: Faults, by: number): Promise<void> {
  const { product, say } = faults;
  const startMs = performance.now();
  await each(objectNumbers().slice(0, 50), 8, (at) =>
    product.call("PATCH", `/api/v1/namespaces/load/configmaps/object-${at}`, { data: digitData(at + by) }),
  );
  await consistent(product);
  say(`50 changes told ${Math.round(performance.now() - startMs)} ms after the first, a fresh audit included`);
  await enforcedBy(faults);
}

/** As with Kyverno, nobody can take it away while it is enforced: the way out is to uninstall (see the next test). */
async function matchesAll({ product, say }: Faults): Promise<void> {
  const path = "/apis/kyverno.io/v1/clusterpolicies";
  await created(product, path, kyverno("selfish", { kinds: ["*"] }, { deny: {} }, "Enforce"));
  const probe = async (): Promise<string | null> => {
    const { body } = await product.call("DELETE", `${path}/digit-0?dryRun=All`);
    return body.includes("selfish:") ? null : body;
  };
  await waitFor("its refusals", 30, async () => (await probe()) === null);
  const before = product.writes().length;
  const load = startLoad([probe]);
  await sleep(8000);
  const tookMs = await load.end();
  assert.deepEqual(load.failures().slice(0, 3), []);
  const ours = product.writes().slice(before).filter(isOurs);
  const leases = ours.filter(({ objectRef, responseStatus }) => {
    return objectRef?.resource === "leases" && responseStatus?.code === 200;
  });
  assert.ok(leases.length > 0, "Leases are renewed");
  const objections = ours.filter(({ objectRef }) => !["leases", "events"].includes(objectRef?.resource ?? ""));
  say(
    `${load.asked()} refused meanwhile, p99 ${Math.round(quantile(tookMs, 0.99))} ms; ${objections.length} own writes`,
  );
  assert.ok(objections.length < 400, `${objections.length}: ${objections.slice(-5).map(written).join("; ")}`);
}

async function atRest(faults: Faults): Promise<void> {
  const { product, say } = faults;
  await enforcedBy(faults, true);
  const restMs = 15_000;
  const counted = (): readonly string[] => product.writes().filter(isOurs).map(written);
  let before = counted();
  let sinceMs = performance.now();
  let last: readonly string[] = [];
  await waitFor("15 s without a write", 90, async () => {
    const now = counted();
    const fresh = now.slice(before.length).filter((line) => !line.includes(" leases"));
    if (fresh.length > 0) {
      last = fresh;
      sinceMs = performance.now();
      before = now;
    }
    return performance.now() - sinceMs > restMs;
  }).catch((error: unknown) => assert.fail(`${String(error)}: ${last.slice(0, 5).join("; ")}`));
  const leases = counted().length - before.length;
  say(`15 s at rest: ${leases} writes of two replicas, all of Leases`);
}

async function uninstalled({ product, replicas }: Faults): Promise<void> {
  await Promise.all([...replicas.values()].map(({ child }) => stopProcess(child)));
  const { status } = await product.call("POST", "/api/v1/namespaces/default/pods?dryRun=All", harmless);
  assert.equal(status, 500, "Kyverno's webhook fails closed while it is registered");
  const { code, text } = product.cli("run", "--uninstall");
  assert.equal(code, 0, text);
  assert.equal(product.cli("run", "--uninstall").text, "nothing to remove");
  assert.equal(await admitted(product), null);
  assert.equal((await product.call("DELETE", "/apis/kyverno.io/v1/clusterpolicies/selfish")).status, 200);
  assert.equal((await product.call("POST", "/api/v1/namespaces/medstack/pods", untrusted)).status, 201);
}

// ── questions and conditions

/** Kyverno's webhook fails closed: created means that it was asked and answered. */
async function admitted(product: Product): Promise<string | null> {
  const { status, body } = await product.call("POST", "/api/v1/namespaces/default/pods?dryRun=All", harmless);
  return status === 201 ? null : body;
}

/** Gatekeeper's webhook fails open: refused with its words means that it was asked and answered. */
async function refused(product: Product): Promise<string | null> {
  const { body } = await product.call("POST", "/api/v1/namespaces/medstack/pods?dryRun=All", untrusted);
  return body.includes("denied the request: [enforce-image-repository]") ? null : body;
}

async function refusedBy(port: number): Promise<string | null> {
  const text = await review(port, untrustedReview);
  return /"allowed":false.*has an invalid image repo/.test(text) ? null : text;
}

/** Waits until reports and statuses in the cluster are those of an audit that begins from nothing now. */
async function consistent(product: Product): Promise<void> {
  // An API server that has just started may not serve all kinds yet.
  await waitFor("all kinds", 60, async () => (await told(product)).lines.length > 0);
  const fresh = await freshly(product);
  let now: Verdicts = { findings: [], lines: [], text: "" };
  await waitFor("reports and statuses like a fresh computation's", 90, async () => {
    now = await told(product);
    return now.text === fresh.text;
  }).catch(() => {});
  if (now.text === fresh.text) return;
  const extra = now.lines.filter((line) => !fresh.lines.includes(line));
  const lacking = fresh.lines.filter((line) => !now.lines.includes(line));
  assert.fail(
    `too many: ${extra.length} ${extra.slice(0, 3).join("; ")}; missing: ${lacking.length} ${lacking.slice(0, 3).join("; ")}`,
  );
}

/**
 * Each living replica says that it enforces the newest generation of each constraint. What a dead one said may still be
 * there, for a minute after its Lease has ended, unless `only`.
 */
async function enforcedBy({ product, replicas }: Faults, only = false): Promise<void> {
  const names = [...replicas.keys()].toSorted();
  let last = "";
  await waitFor("the statuses of every constraint", 90, async () => {
    const { body } = await product.call("GET", "/apis/constraints.gatekeeper.sh/v1beta1/k8sdigit");
    const { items } = JSON.parse(body) as { readonly items: readonly Constraint[] };
    const off = items.find(({ metadata, status }) => {
      const { generation } = metadata;
      const entries = (status?.byPod ?? []).filter(({ id }) => only || names.includes(id));
      return !isDeepStrictEqual(
        entries.map(({ id, enforced, observedGeneration }) => ({ id, enforced, observedGeneration })),
        names.map((id) => ({ id, enforced: true, observedGeneration: generation })),
      );
    });
    last = JSON.stringify(off);
    return items.length === digits && off === undefined;
  }).catch((error: unknown) => assert.fail(`${String(error)}: expected ${names.join()}, found ${last}`));
}

interface Constraint {
  readonly metadata: { readonly generation: number };
  readonly status?: {
    readonly byPod?: readonly {
      readonly id: string;
      readonly observedGeneration: number;
      readonly enforced?: boolean;
    }[];
  };
}

async function leader(product: Product): Promise<string> {
  const { body } = await product.call("GET", "/apis/coordination.k8s.io/v1/namespaces/portcullis/leases/portcullis");
  return (JSON.parse(body) as { readonly spec?: { readonly holderIdentity?: string } }).spec?.holderIdentity ?? "";
}

async function reportVersions(product: Product): Promise<string> {
  const { body } = await product.call("GET", "/apis/wgpolicyk8s.io/v1alpha2/namespaces/load/policyreports?limit=1000");
  const { items } = JSON.parse(body) as {
    readonly items: readonly { readonly metadata: { resourceVersion: string } }[];
  };
  return items.map(({ metadata }) => metadata.resourceVersion).join();
}

function isOurs({ userAgent }: { readonly userAgent?: string }): boolean {
  return userAgent?.startsWith("portcullis") === true;
}

function written({ verb, objectRef = {} }: ReturnType<Product["writes"]>[number]): string {
  const { resource = "", subresource, namespace = "", name = "" } = objectRef;
  return `${verb} ${resource}${subresource === undefined ? "" : `/${subresource}`} ${namespace}/${name}`;
}

function conflictsOf(product: Product): number {
  return product.writes().filter((write) => isOurs(write) && write.responseStatus?.code === 409).length;
}

// ── objects and programs

async function started({ product, balancer, replicas }: Faults, name: string): Promise<void> {
  const registers = `https://127.0.0.1:${balancer.port}`;
  replicas.set(name, await startReplica(product, { name, registers }));
  balancer.use([...replicas.values()].map(({ port }) => port));
}

function ports({ replicas }: Faults): readonly number[] {
  return [...replicas.values()].map(({ port }) => port);
}

async function created(product: Product, path: string, object: unknown): Promise<void> {
  const { status, body } = await product.call("POST", path, object);
  assert.equal(status, 201, body);
}

/** So many at a time. */
async function each<T>(items: readonly T[], width: number, work: (item: T) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const item = items[next++];
      // oxlint-disable-next-line no-await-in-loop -- each worker has one at a time
      if (item !== undefined) await work(item);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
}

function objectNumbers(): readonly number[] {
  return Array.from({ length: objects }, (_none, at) => at);
}

function pod(namespace: string, name: string, container: object): unknown {
  const spec = { containers: [{ name: "web", ...container }] };
  return { apiVersion: "v1", kind: "Pod", metadata: { name, namespace }, spec };
}

const harmless = pod("default", "harmless", {
  image: "docker.io/bitnami/nginx:1.27",
  securityContext: { runAsNonRoot: true, runAsUser: 1000 },
});
const untrusted = pod("medstack", "web", { image: "munta/nginx", securityContext: { runAsUser: 1000 } });
const untrustedReview = reviewOf(untrusted, builtinCatalog());
