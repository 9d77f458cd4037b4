// A living neighbour beside us, on a real kube-apiserver: Gatekeeper's own manager with its webhook and statuses, and Kyverno's
// own admission controller. Each is left its dialect: it alone refuses, we write nothing that is its own, and nobody writes in a
// loop. Once it is gone, we take over.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startManager } from "../bench/gatekeeper-manager.ts";
import { startKyverno } from "../bench/kyverno-manager.ts";
import { peer } from "../bench/peers.ts";
import { findBinaries } from "./binaries.ts";
import { type LoggedWrite, saysSoon, stopProcess, waitFor } from "./control-plane.ts";
import { isOurs, written } from "./fleet.ts";
import { type Product, repository, startProduct, startReplica } from "./product.ts";

const binaries = findBinaries();
const conformance = resolve(process.env["CONFORMANCE_DIR"] ?? join(repository, "../shared/conformance"));
const crds = {
  gatekeeper: join(conformance, "gatekeeper/charts/gatekeeper/crds"),
  kyverno: join(conformance, "kyverno/config/crds"),
};
const neighbours = { gatekeeper: peer("gatekeeper"), kyverno: peer("kyverno-admission") };
const missing = whatIsMissing();
if (missing !== false) process.stderr.write(`NOT RUN: end-to-end tests beside living neighbours: ${missing}\n`);

function whatIsMissing(): string | false {
  if (typeof binaries === "string") return binaries;
  if (neighbours.gatekeeper === null || neighbours.kyverno === null)
    return "gatekeeper and kyverno-admission are not in $PEERS_DIR";
  return Object.values(crds).every((folder) => existsSync(folder))
    ? false
    : "the peers' CRDs are not in $CONFORMANCE_DIR";
}

const examples = join(repository, "examples");

suite("neighbours", { skip: missing }, () => {
  test("that live are left what is theirs", { timeout: 300_000 }, async (context) => {
    if (typeof binaries === "string") return;
    const product = await startProduct(binaries, { writeLog: true });
    const closing: (() => Promise<void>)[] = [() => product.stop()];
    context.after(async () => {
      // oxlint-disable-next-line no-await-in-loop -- what was started last is stopped first
      for (const close of closing.toReversed()) await close();
    });
    const beside: Beside = { product, closing, say: (message) => context.diagnostic(message) };
    const gatekeeper = await besideGatekeeper(beside);
    await context.test("Gatekeeper alone refuses by its policies, and tells of them", () => gatekeeperGuards(beside));
    await context.test("once Gatekeeper is gone we refuse and tell", () => gatekeeperGone(beside, gatekeeper));
    await context.test("Kyverno alone refuses by its policies, and once it is gone we do", () => kyvernoGuards(beside));
    await context.test("a Gatekeeper that only audits writes into the same statuses, and nobody writes in a loop", () =>
      gatekeeperAudits(beside),
    );
  });
});

interface Beside {
  readonly product: Product;
  readonly closing: (() => Promise<void>)[];
  readonly say: (message: string) => void;
}

/** Gatekeeper first, with policies and its webhook; then ours. */
async function besideGatekeeper({ product, closing }: Beside): Promise<() => Promise<void>> {
  product.kubectl("apply", "-f", join(examples, "repos/namespaces.yaml"));
  const names = ["template.yaml", "constraint.yaml"];
  const policies = names.map((name) => ({ name, text: readFileSync(join(examples, "repos/policies", name), "utf8") }));
  const program = neighbours.gatekeeper ?? "";
  const manager = await startManager({
    program,
    controlPlane: product,
    crds: crds.gatekeeper,
    policies,
  });
  closing.push(manager.stop);
  assert.match(product.apply(gatekeepersWebhook(manager)), /created/);
  await saysSoon("Gatekeeper's refusal", () => refusalOf(product, "before"), refusedByGatekeeper);
  const { code, text } = product.cli("install", "--no-wait", "-f", join(examples, "kyverno/policies"));
  assert.equal(code, 0, text);
  const replica = await startReplica(product, { name: "replica-1", registers: true });
  closing.push(() => stopProcess(replica.child));
  await waitFor("our webhooks", 60, async () => ourWebhooks(product).includes("validate.kyverno.svc-fail"));
  return manager.stop;
}

/** As its manifest has it, at an address of loopback. */
function gatekeepersWebhook({ port, ca }: { readonly port: number; readonly ca: string }): unknown {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name: "gatekeeper-validating-webhook-configuration", labels: { "gatekeeper.sh/system": "yes" } },
    webhooks: [
      {
        name: "validation.gatekeeper.sh",
        clientConfig: { url: `https://127.0.0.1:${port}/v1/admit`, caBundle: Buffer.from(ca).toString("base64") },
        rules: [{ apiGroups: ["*"], apiVersions: ["*"], operations: ["CREATE", "UPDATE"], resources: ["*"] }],
        namespaceSelector: { matchExpressions: [{ key: "admission.gatekeeper.sh/ignore", operator: "DoesNotExist" }] },
        failurePolicy: "Ignore",
        sideEffects: "None",
        matchPolicy: "Exact",
        timeoutSeconds: 3,
        admissionReviewVersions: ["v1", "v1beta1"],
      },
    ],
  };
}

const refusedByGatekeeper =
  'admission webhook "validation.gatekeeper.sh" denied the request: [enforce-image-repository] container <';

async function gatekeeperGuards({ product, say }: Beside): Promise<void> {
  assert.deepEqual(
    ourWebhooks(product).filter((name) => name.endsWith(".gatekeeper.sh")),
    [],
  );
  assert.match(product.cli("status").text, /neighbour: a live gatekeeper/);
  // By one of the two: the API server asks all and tells of whoever refuses.
  const refusal = refusalOf(product, "beside");
  assert.equal(refusal.split("enforce-image-repository").length - 1, 1, refusal);
  assert.match(refusal, /validation\.gatekeeper\.sh/);
  assert.match(product.apply(rooted), /admission webhook "validate\.kyverno\.svc-fail" denied the request/);
  assert.deepEqual(
    idsOf(product).filter((id) => id === "replica-1"),
    [],
  );
  assert.equal(idsOf(product).length, 1, "Gatekeeper tells that it enforces it");
  const before = product.writes().length;
  await sleep(15_000);
  const since = product.writes().slice(before).filter(isWrite);
  const ours = since.filter(isOurs).map(written);
  assert.deepEqual(
    ours.filter((line) => /gatekeeper\.sh|k8sallowedrepos|constrainttemplates/.test(line)),
    [],
  );
  assert.deepEqual(ours, [], "nothing is written at rest");
  assert.ok(!idsOf(product).includes("replica-1"), idsOf(product).join());
  say(`15 s beside Gatekeeper: no write of ours but Leases, ${since.length} of Gatekeeper's`);
}

async function gatekeeperGone({ product, say }: Beside, stop: () => Promise<void>): Promise<void> {
  await stop();
  const startMs = performance.now();
  product.kubectl("delete", "validatingwebhookconfiguration", "gatekeeper-validating-webhook-configuration");
  await waitFor("our webhook", 30, async () => ourWebhooks(product).includes("validation.gatekeeper.sh"));
  await saysSoon("our refusal", () => refusalOf(product, "after"), refusedByGatekeeper);
  const tookMs = Math.round(performance.now() - startMs);
  await waitFor("our entry in the status", 60, async () => idsOf(product).includes("replica-1"));
  say(`${tookMs} ms from Gatekeeper's end to our first refusal`);
}

/** It has no webhook by which it would be known, runs its audit every 5 s, and writes `byPod` without our entries. */
async function gatekeeperAudits({ product, closing, say }: Beside): Promise<void> {
  const audited = (): string => String(statusOf(product)["auditTimestamp"]);
  const program = neighbours.gatekeeper ?? "";
  const manager = await startManager({
    program,
    controlPlane: product,
    crds: crds.gatekeeper,
    policies: [],
    serves: "audit",
  });
  closing.push(manager.stop);
  const first = audited();
  await waitFor(
    "Gatekeeper's audit",
    60,
    async () => audited() !== first && idsOf(product).some((id) => id !== "replica-1"),
  );
  const before = product.writes().length;
  await sleep(30_000);
  const since = product.writes().slice(before).filter(isWrite);
  const ours = since.filter(isOurs).map(written);
  const most = Math.max(0, ...[...Map.groupBy(ours, (line) => line).values()].map((lines) => lines.length));
  assert.ok(most <= 8, `${most} of one object: ${ours.slice(0, 10).join("; ")}`);
  const theirs = since.filter((write) => !isOurs(write)).map(written);
  assert.ok(theirs.length < 100, `${theirs.length}: ${theirs.slice(0, 10).join("; ")}`);
  assert.match(refusalOf(product, "audited"), /enforce-image-repository/, "nobody else would refuse");
  await manager.stop();
  await waitFor("our entry in the status", 150, async () => idsOf(product).includes("replica-1"));
  say(`30 s beside Gatekeeper's audit: ${ours.length} writes of ours, ${theirs.length} of Gatekeeper's`);
}

async function kyvernoGuards({ product, closing, say }: Beside): Promise<void> {
  const program = neighbours.kyverno ?? "";
  const manager = await startKyverno({ program, controlPlane: product, crds: crds.kyverno, policies: [] });
  closing.push(manager.stop);
  const hasKyvernos = (): boolean => ourWebhooks(product).some((name) => name.includes("kyverno"));
  await waitFor("our webhooks of Kyverno's policies to go", 60, async () => !hasKyvernos());
  assert.match(product.cli("status").text, /neighbour: a live kyverno/);
  await saysSoon("Kyverno's refusal", () => product.apply(rooted), 'webhook "validate.kyverno.svc-fail');
  const refusal = product.apply(rooted);
  assert.equal(refusal.split("denied the request").length - 1, 1, refusal);
  const before = product.writes().length;
  await sleep(15_000);
  const since = product.writes().slice(before).filter(isWrite);
  assert.deepEqual(since.filter(isOurs).map(written), [], "nothing is written at rest");
  say(`15 s beside Kyverno: no write of ours but Leases, ${since.length} of Kyverno's`);
  await manager.stop();
  const startMs = performance.now();
  for (const kind of ["validatingwebhookconfiguration", "mutatingwebhookconfiguration"]) {
    product.kubectl("delete", kind, "-l", "webhook.kyverno.io/managed-by=kyverno");
  }
  // Its Lease may have to end first.
  await waitFor("our webhooks of Kyverno's policies", 120, async () => hasKyvernos());
  await saysSoon("our refusal", () => product.apply(rooted), "denied the request");
  say(`${Math.round(performance.now() - startMs)} ms from Kyverno's end to our first refusal`);
}

/** Leases are renewed; what somebody may do is a question, though it is asked by a POST. */
function isWrite({ objectRef }: LoggedWrite): boolean {
  return !["leases", "selfsubjectaccessreviews"].includes(objectRef?.resource ?? "");
}

function ourWebhooks(product: Product): readonly string[] {
  const found = ["validating", "mutating"].map((kind) => product.get(`${kind}webhookconfiguration`, "portcullis"));
  return found.flatMap((one) =>
    ((one?.["webhooks"] ?? []) as readonly { readonly name: string }[]).map(({ name }) => name),
  );
}

function refusalOf(product: Product, name: string): string {
  return product.kubectl("-n", "medstack", "run", name, "--image=munta/nginx", "--dry-run=server");
}

function statusOf(product: Product): Readonly<Record<string, unknown>> {
  const constraint = product.get("k8sallowedrepos", "enforce-image-repository");
  return (constraint?.["status"] ?? {}) as Readonly<Record<string, unknown>>;
}

/** Who tells in the constraint's status that it enforces it. */
function idsOf(product: Product): readonly string[] {
  return ((statusOf(product)["byPod"] ?? []) as readonly { readonly id: string }[]).map(({ id }) => id);
}

const rooted = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "rooted", namespace: "default" },
  spec: { containers: [{ name: "web", image: "docker.io/bitnami/nginx:1.27", securityContext: { runAsUser: 0 } }] },
};
