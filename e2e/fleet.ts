// Replicas of the product behind a balancer, with something between them and their API server that can be cut; objects and policies in
// any number; what is asked of the replicas, and the conditions that hold when they have settled: reports and statuses are
// those of an audit that begins from nothing, each replica says that it enforces every constraint, and nothing is written.

import assert from "node:assert/strict";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { builtinCatalog } from "../packages/kube/src/index.ts";
import { reviewOf } from "../packages/portcullis/src/app/ask.ts";
import { ownDefinitions } from "../packages/portcullis/src/controllers/install/crds/own.ts";
import { type Balancer, startBalancer } from "./balancer.ts";
import type { ProgramName } from "./binaries.ts";
import { stopProcess, waitFor } from "./control-plane.ts";
import { configMap, digitConstraint, digitPolicy, digits, template } from "./digits.ts";
import { type Obstacle, startObstacle } from "./obstacle.ts";
import { review } from "./pressure.ts";
import { type Product, type Replica, repository, startProduct, startReplica } from "./product.ts";
import { type Verdicts, freshly, told } from "./verdicts.ts";

export interface Fleet {
  readonly product: Product;
  readonly balancer: Balancer;
  readonly obstacle: Obstacle;
  readonly replicas: Map<string, Replica>;
  readonly say: (message: string) => void;
}

const examples = join(repository, "examples");

/** Two replicas with policies of both dialects that refuse; all of it stopped at the test's end. */
export async function startFleet(
  programs: Readonly<Record<ProgramName, string>>,
  context: TestContext,
): Promise<Fleet> {
  const product = await startProduct(programs, { writeLog: true });
  const replicas = new Map<string, Replica>();
  const balancer = await startBalancer();
  const obstacle = await startObstacle(product);
  context.after(async () => {
    await Promise.all([...replicas.values()].map(({ child }) => stopProcess(child)));
    await Promise.all([balancer.close(), obstacle.close()]);
    await product.stop();
  });
  const fleet = { product, balancer, obstacle, replicas, say: (message: string) => context.diagnostic(message) };
  await prepare(fleet);
  return fleet;
}

async function prepare(fleet: Fleet): Promise<void> {
  const { product } = fleet;
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
  await started(fleet, "replica-1");
  await started(fleet, "replica-2");
  const constraint = join(examples, "repos/policies/constraint.yaml");
  await waitFor("the constraint", 60, async () =>
    /created|configured/.test(product.kubectl("apply", "-f", constraint)),
  );
  await waitFor("both dialects' webhooks", 60, async () => (await admitted(product)) === null);
  await waitFor("the constraint's refusals", 60, async () => (await refused(product)) === null);
}

export const constraints = "/apis/constraints.gatekeeper.sh/v1beta1/k8sdigit";
export const configMaps = "/api/v1/namespaces/load/configmaps";

export function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_none, at) => at);
}

/** So many objects and 50 policies, all at once. */
export async function flooded(fleet: Fleet, objects: number): Promise<void> {
  const { product, say } = fleet;
  const startMs = performance.now();
  const sinceMs = (): number => Math.round(performance.now() - startMs);
  await created(product, "/apis/templates.gatekeeper.sh/v1/constrainttemplates", template);
  const each25 = upTo(digits);
  const policies = async (): Promise<readonly number[]> => {
    const constraint = async (digit: number): Promise<void> => {
      await waitFor("the constraint's kind", 60, async () => (await product.call("GET", constraints)).status === 200);
      await admittedSoon(product, constraints, digitConstraint(digit));
    };
    await Promise.all([
      each(each25, 4, constraint),
      each(each25, 4, (digit) => admittedSoon(product, "/apis/kyverno.io/v1/clusterpolicies", digitPolicy(digit))),
    ]);
    const storedMs = sinceMs();
    await enforcedBy(fleet);
    return [storedMs, sinceMs()];
  };
  const store = async (): Promise<number> => {
    await each(upTo(objects), 16, (at) => created(product, configMaps, configMap(at)));
    return sinceMs();
  };
  const [[policiesMs, enforcedMs], storedMs] = await Promise.all([policies(), store()]);
  await consistent(product);
  const toldMs = sinceMs();
  const { findings } = await told(product);
  assert.equal(findings.length, objects * 2, `one of each dialect: ${findings.slice(0, 3).join("; ")}`);
  say(
    `50 policies stored after ${policiesMs} ms and enforced by both replicas after ${enforcedMs} ms; ${objects} objects stored after ${storedMs} ms and all told after ${toldMs} ms, a fresh audit included`,
  );
}

// ── questions and conditions

/** Kyverno's webhook fails closed: created means that it was asked and answered. */
export async function admitted(product: Product): Promise<string | null> {
  const { status, body } = await product.call("POST", "/api/v1/namespaces/default/pods?dryRun=All", harmless);
  return status === 201 ? null : body;
}

/** Gatekeeper's webhook fails open: refused with its words means that it was asked and answered. */
export async function refused(product: Product): Promise<string | null> {
  const { body } = await product.call("POST", "/api/v1/namespaces/medstack/pods?dryRun=All", untrusted);
  return body.includes("denied the request: [enforce-image-repository]") ? null : body;
}

export async function refusedBy(port: number): Promise<string | null> {
  const text = await review(port, untrustedReview);
  return /"allowed":false.*has an invalid image repo/.test(text) ? null : text;
}

/** Waits until reports and statuses in the cluster are those of an audit that begins from nothing now. */
export async function consistent(product: Product): Promise<void> {
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
export async function enforcedBy({ product, replicas }: Fleet, only = false): Promise<void> {
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

export async function leader(product: Product): Promise<string> {
  const { body } = await product.call("GET", "/apis/coordination.k8s.io/v1/namespaces/portcullis/leases/portcullis");
  return (JSON.parse(body) as { readonly spec?: { readonly holderIdentity?: string } }).spec?.holderIdentity ?? "";
}

export async function reportVersions(product: Product): Promise<string> {
  const { body } = await product.call("GET", "/apis/wgpolicyk8s.io/v1alpha2/namespaces/load/policyreports?limit=1000");
  const { items } = JSON.parse(body) as {
    readonly items: readonly { readonly metadata: { resourceVersion: string } }[];
  };
  return items.map(({ metadata }) => metadata.resourceVersion).join();
}

export function isOurs({ userAgent }: { readonly userAgent?: string }): boolean {
  return userAgent?.startsWith("portcullis") === true;
}

export function written({ verb, objectRef = {} }: ReturnType<Product["writes"]>[number]): string {
  const { resource = "", subresource, namespace = "", name = "" } = objectRef;
  return `${verb} ${resource}${subresource === undefined ? "" : `/${subresource}`} ${namespace}/${name}`;
}

export function conflictsOf(product: Product): number {
  return product.writes().filter((write) => isOurs(write) && write.responseStatus?.code === 409).length;
}

/** 15 s without a write of ours. */
export async function atRest(fleet: Fleet): Promise<void> {
  await enforcedBy(fleet, true);
  fleet.say(`15 s at rest: ${await leasesAtRest(fleet.product)} writes of two replicas, all of Leases`);
}

/** Waits until 15 s have passed without a write of ours but of Leases; how many those were. */
export async function leasesAtRest(product: Product): Promise<number> {
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
  return counted().length - before.length;
}

/** Once replicas are gone, what they registered stands in the way until it is taken away. */
export async function uninstalled({ product, replicas }: Fleet): Promise<void> {
  await Promise.all([...replicas.values()].map(({ child }) => stopProcess(child)));
  const { status } = await product.call("POST", "/api/v1/namespaces/default/pods?dryRun=All", harmless);
  assert.equal(status, 500, "Kyverno's webhook fails closed while it is registered");
  const { code, text } = product.cli("run", "--uninstall");
  assert.equal(code, 0, text);
  assert.equal(product.cli("run", "--uninstall").text, "nothing to remove");
  assert.equal(await admitted(product), null);
  assert.equal((await product.call("DELETE", "/apis/kyverno.io/v1/clusterpolicies/digit-2")).status, 200);
  assert.equal((await product.call("POST", "/api/v1/namespaces/medstack/pods", untrusted)).status, 201);
}

// ── objects and programs

export async function started({ product, balancer, obstacle, replicas }: Fleet, name: string): Promise<void> {
  const registers = `https://127.0.0.1:${balancer.port}`;
  replicas.set(name, await startReplica(product, { name, registers, kubeconfig: obstacle.kubeconfig }));
  balancer.use([...replicas.values()].map(({ port }) => port));
}

export function ports({ replicas }: Fleet): readonly number[] {
  return [...replicas.values()].map(({ port }) => port);
}

export async function created(product: Product, path: string, object: unknown): Promise<void> {
  const { status, body } = await product.call("POST", path, object);
  assert.equal(status, 201, body);
}

/** A policy that could not be looked at in time, on a slow machine, is sent again, as its user would. */
async function admittedSoon(product: Product, path: string, object: unknown): Promise<void> {
  let said = "";
  await waitFor("a policy to be admitted", 60, async () => {
    const { status, body } = await product.call("POST", path, object);
    said = body;
    if (status !== 201 && status !== 409 && !/before its deadline|context deadline exceeded/.test(body)) return true;
    return status === 201 || status === 409;
  }).catch((error: unknown) => assert.fail(`${String(error)}: ${said}`));
  assert.ok(!said.startsWith('{"kind":"Status"') || said.includes('"AlreadyExists"'), said);
}

/** So many at a time. */
export async function each<T>(items: readonly T[], width: number, work: (item: T) => Promise<unknown>): Promise<void> {
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

export function pod(namespace: string, name: string, container: object): unknown {
  const spec = { containers: [{ name: "web", ...container }] };
  return { apiVersion: "v1", kind: "Pod", metadata: { name, namespace }, spec };
}

export const harmless = pod("default", "harmless", {
  image: "docker.io/bitnami/nginx:1.27",
  securityContext: { runAsNonRoot: true, runAsUser: 1000 },
});
export const untrusted = pod("medstack", "web", { image: "munta/nginx", securityContext: { runAsUser: 1000 } });
const untrustedReview = reviewOf(untrusted, builtinCatalog());
