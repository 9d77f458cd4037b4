// What enters a cluster without being asked about, on a real kube-apiserver: everything that two replicas let through is known, in
// whatever way it was written; what is written while nobody can be reached, or while no replica lives, is named afterwards, and
// nothing else is.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Balancer, startBalancer } from "./balancer.ts";
import { lookForBinaries } from "./binaries.ts";
import { saysSoon, stopProcess, waitFor } from "./control-plane.ts";
import { type Product, type Replica, startProduct, startReplica } from "./product.ts";

const { binaries, missing } = lookForBinaries();

suite("what enters unchecked", { skip: missing }, () => {
  test("is named, and nothing else", { timeout: 300_000 }, async (context) => {
    if (typeof binaries === "string") return;
    const product = await startProduct(binaries, { privileged: true });
    const replicas: Replica[] = [];
    const guarded: Guarded = { product, replicas, balancer: await startBalancer() };
    context.after(async () => {
      await Promise.all(replicas.map(({ child }) => stopProcess(child)));
      await guarded.balancer.close();
      await product.stop();
    });
    product.cli("install", "--no-wait", "-f", "examples/repos/policies", "-f", "examples/kyverno/policies");
    product.apply(template, everything);
    await start(guarded);
    await waitFor("the webhooks", 30, async () => product.get("validatingwebhookconfiguration", "portcullis") !== null);
    // An API server hears of a configuration a moment after it is written.
    await sleep(8000);
    await context.test("writes of every sort that are asked about are none of it", () => asked(guarded));
    await context.test("what is written while nobody can be reached is", () => unreachable(guarded));
    await context.test("what is written while no replica lives is", () => dead(guarded));
    await context.test("uninstalled, nothing of it stays", async () => {
      await Promise.all(replicas.map(({ child }) => stopProcess(child)));
      assert.match(product.cli("uninstall").text, /ConfigMap\/portcullis-unchecked removed/);
    });
  });
});

interface Guarded {
  readonly product: Product;
  readonly replicas: Replica[];
  balancer: Balancer;
}

/** A policy about everything, which refuses nothing. */
const template = {
  apiVersion: "templates.gatekeeper.sh/v1",
  kind: "ConstraintTemplate",
  metadata: { name: "looksatall" },
  spec: {
    crd: { spec: { names: { kind: "LooksAtAll" } } },
    targets: [{ target: "admission.k8s.gatekeeper.sh", rego: "package all\nviolation[{}] { false }" }],
  },
};
const everything = {
  apiVersion: "constraints.gatekeeper.sh/v1beta1",
  kind: "LooksAtAll",
  metadata: { name: "everything" },
  spec: { enforcementAction: "dryrun", match: { kinds: [{ apiGroups: ["*"], kinds: ["*"] }] } },
};

async function start({ product, replicas, balancer }: Guarded): Promise<void> {
  const registers = `https://127.0.0.1:${balancer.port}`;
  for (const name of ["replica-1", "replica-2"]) {
    // oxlint-disable-next-line no-await-in-loop -- two at once would make each other late
    replicas.push(await startReplica(product, { name, registers }));
    balancer.use(replicas.map(({ port }) => port));
  }
  // The constraint's definition may be new.
  await waitFor("the constraint", 30, async () => {
    product.apply(everything);
    return product.get("looksatall", "everything") !== null;
  });
}

interface Told {
  readonly unchecked: {
    readonly unchecked: number;
    readonly unknown: number;
    readonly examples: readonly { readonly kind: string; readonly namespace: string; readonly name: string }[];
  };
}

function told({ product }: Guarded): Told["unchecked"] {
  return (JSON.parse(product.cli("status", "-o", "json").stdout) as Told).unchecked;
}

function names(found: Told["unchecked"]): readonly string[] {
  return found.examples.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`).toSorted();
}

const labels = { app: "web" };
const podSpec = {
  containers: [
    {
      name: "web",
      image: "docker.io/bitnami/nginx:1.27",
      securityContext: { runAsNonRoot: true, runAsUser: 1000 },
      resources: { requests: { cpu: "1", memory: "1Gi" }, limits: { cpu: "1", memory: "1Gi" } },
    },
  ],
};
const meta = (name: string): object => ({ name, namespace: "default", labels });

/** Kinds that API servers treat differently: with a generation and without, with a status, allocated addresses, or none of these. */
const objects = [
  { apiVersion: "v1", kind: "Namespace", metadata: { name: "asked", labels } },
  { apiVersion: "v1", kind: "ConfigMap", metadata: meta("asked"), data: { a: "1" } },
  { apiVersion: "v1", kind: "Secret", metadata: meta("asked"), stringData: { a: "1" } },
  { apiVersion: "v1", kind: "ServiceAccount", metadata: meta("asked") },
  { apiVersion: "v1", kind: "Pod", metadata: meta("asked"), spec: podSpec },
  { apiVersion: "v1", kind: "Service", metadata: meta("asked"), spec: { selector: labels, ports: [{ port: 80 }] } },
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: meta("asked"),
    spec: { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec } },
  },
  {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: meta("asked"),
    spec: { defaultBackend: { service: { name: "web", port: { number: 80 } } } },
  },
  { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata: meta("asked"), rules: [] },
  { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: { name: "asked", labels }, rules: [] },
];

async function asked(guarded: Guarded): Promise<void> {
  const { product } = guarded;
  const before = await failedOpen(guarded);
  const applied = product.apply(...objects);
  assert.equal(applied.match(/created/g)?.length, objects.length, applied);
  await sleep(1100);
  const kinds = ["configmap", "pod", "service", "deployment", "role", "ingress"];
  for (const kind of kinds) product.kubectl("label", kind, "asked", "more=1");
  product.kubectl("label", "namespace", "asked", "more=1");
  product.kubectl(
    "apply",
    "--server-side",
    "--field-manager=other",
    "--force-conflicts",
    "-f",
    "examples/repos/namespaces.yaml",
  );
  await sleep(1100);
  for (const kind of kinds)
    product.kubectl("patch", kind, "asked", "--type=merge", "-p", `{"metadata":{"annotations":{"a":"2"}}}`);
  product.kubectl("scale", "deployment", "asked", "--replicas=3");
  product.kubectl("create", "configmap", "created", "--from-literal=a=1");
  const status = { status: { conditions: [{ type: "Ready", status: "True" }] } };
  product.kubectl("patch", "pod", "asked", "--subresource=status", "--type=merge", "-p", JSON.stringify(status));
  const binding = {
    apiVersion: "v1",
    kind: "Binding",
    metadata: { name: "asked" },
    target: { kind: "Node", name: "n" },
  };
  const bound = await product.call("POST", "/api/v1/namespaces/default/pods/asked/binding", binding);
  assert.equal(bound.status, 201, bound.body);
  // Two renewals of each Lease, and some seconds.
  await sleep(20_000);
  const found = told(guarded);
  // On a machine that is too busy to answer in three seconds the API server itself says so.
  const missed = (await failedOpen(guarded)) - before;
  assert.ok(found.unchecked <= missed, `${names(found).join(", ")}; the API server missed ${missed}`);
  assert.equal(found.unknown, 0);
}

async function unreachable(guarded: Guarded): Promise<void> {
  const { product, balancer, replicas } = guarded;
  await balancer.close();
  assert.match(product.kubectl("create", "configmap", "unreached", "--from-literal=a=1"), /created/);
  product.kubectl("label", "configmap", "asked", "unreached=1");
  guarded.balancer = await startBalancer(
    replicas.map(({ port }) => port),
    balancer.port,
  );
  assert.match(product.kubectl("create", "configmap", "reached-again", "--from-literal=a=1"), /created/);
  await saysSoon("status", () => product.cli("status").text, "ConfigMap  default/unreached");
  await saysSoon("status", () => product.cli("status").text, "ConfigMap  default/asked");
  const found = names(told(guarded));
  assert.deepEqual(found, ["ConfigMap default/asked", "ConfigMap default/unreached"]);
  const counted = replicas.map(({ log }) => log().match(/written without our being asked/g)?.length ?? 0);
  assert.equal(counted[0] === 0 || counted[1] === 0, true, "one replica alone looks");
}

/** How often the API server went on without us, as it counts. */
async function failedOpen({ product }: Guarded): Promise<number> {
  const { body } = await product.call("GET", "/metrics");
  const line =
    /^apiserver_admission_webhook_fail_open_count\{name="validation\.gatekeeper\.sh",type="validating"\} (\d+)/m;
  return Number(line.exec(body)?.[1] ?? 0);
}

async function dead(guarded: Guarded): Promise<void> {
  const { product, replicas } = guarded;
  assert.match(product.kubectl("create", "configmap", "let-through", "--from-literal=a=1"), /created/);
  await Promise.all(replicas.map(({ child }) => stopProcess(child)));
  replicas.length = 0;
  // For some seconds after its last sign a replica may still have lived.
  await sleep(17_000);
  assert.match(product.kubectl("create", "configmap", "nobody-lived", "--from-literal=a=1"), /created/);
  await start(guarded);
  const before = await failedOpen(guarded);
  assert.match(product.kubectl("create", "configmap", "let-through-again", "--from-literal=a=1"), /created/);
  const again = (await failedOpen(guarded)) === before ? [] : ["ConfigMap default/let-through-again"];
  await saysSoon("status", () => product.cli("status").text, "ConfigMap  default/nobody-lived");
  await sleep(12_000);
  const found = names(told(guarded));
  const expected = [
    "ConfigMap default/asked",
    ...again,
    "ConfigMap default/nobody-lived",
    "ConfigMap default/unreached",
  ];
  assert.deepEqual(found, expected, "and what a busy machine kept us from being asked about");
}
