// `portcullis run` on a real kube-apiserver and etcd: policies that users apply with kubectl, in whatever order, are enforced
// by every replica and say so; broken ones say why; data that they look at are the cluster's.

import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { request } from "node:https";
import { join, resolve } from "node:path";
import { suite, test } from "node:test";
import { builtinCatalog } from "../packages/kube/src/index.ts";
import { reviewOf } from "../packages/portcullis/src/app/ask.ts";
import { ownDefinitions } from "../packages/portcullis/src/controllers/install/crds/own.ts";
import { startBalancer } from "./balancer.ts";
import { lookForBinaries } from "./binaries.ts";
import { type ControlPlane, freePort, saysSoon, startControlPlane, stopProcess, waitFor } from "./control-plane.ts";

const repository = resolve(import.meta.dirname, "..");
const { binaries, missing } = lookForBinaries();

interface Cluster extends ControlPlane {
  readonly kubectl: (...args: readonly string[]) => string;
  /** As `kubectl apply -f -`. */
  readonly apply: (...objects: readonly unknown[]) => string;
  /** The same without storing anything. */
  readonly tryOut: (...objects: readonly unknown[]) => string;
  readonly json: (...args: readonly string[]) => Status;
  readonly status: (...args: readonly string[]) => NonNullable<Status["status"]>;
}

interface Status {
  readonly status?: {
    readonly created?: boolean;
    readonly byPod?: readonly PodEntry[];
    readonly conditions?: readonly Readonly<Record<string, string>>[];
    readonly rulecount?: Readonly<Record<string, number>>;
    readonly autogen?: { readonly rules?: readonly { readonly name: string }[] };
    readonly conditionStatus?: { readonly ready?: boolean; readonly message?: string };
  };
  readonly metadata: { readonly uid: string; readonly resourceVersion: string };
}

interface PodEntry {
  readonly id: string;
  readonly observedGeneration: number;
  readonly enforced?: boolean;
  readonly templateUID?: string;
  readonly constraintUID?: string;
  readonly errors?: readonly { readonly code: string; readonly message: string; readonly location?: string }[];
}

suite("policies of a cluster", { skip: missing }, () => {
  test("applied, enforced, told, taken away", { timeout: 400_000 }, async (context) => {
    if (typeof binaries === "string") return;
    const cluster = await startCluster(binaries);
    const replicas: ChildProcess[] = [];
    const ports = [await freePort(), await freePort()];
    const balancer = await startBalancer(ports);
    const url = `https://127.0.0.1:${balancer.port}`;
    const start = (at: number): void => {
      replicas.push(startReplica(cluster, { name: `replica-${at + 1}`, port: ports[at] ?? 0, url }));
    };
    context.after(async () => {
      await Promise.all(replicas.map(stopProcess));
      await balancer.close();
      await cluster.stop();
    });
    // A template that nobody compiled when it was stored, and a constraint of a kind that is not there yet.
    cluster.apply(brokenTemplate);
    start(0);
    await context.test("a broken template says where it is broken", () => brokenTemplateTold(cluster));
    await context.test("a template that is applied now is refused with line and column", () => refusedNow(cluster));
    await context.test("constraints wait for their template, and both say that they are enforced", () =>
      enforcedBySome(cluster, ["replica-1"]),
    );
    start(1);
    await context.test("every replica says so", () => enforcedBySome(cluster, ["replica-1", "replica-2"]));
    await context.test("Kyverno's policies are ready, with their autogen rules", () => kyvernoReady(cluster));
    await context.test("policies look at the cluster's objects", () => looksAtTheCluster(cluster));
    await context.test("a kind without an engine says that nobody enforces it", () => unbuiltTold(cluster));
    await context.test("nothing is written at rest", () => quietAtRest(cluster));
    await context.test("without an API server all goes on, and afterwards", () => apiServerAway(cluster, ports));
    await context.test("without a replica all goes on", () => replicaAway(cluster, replicas[0]));
    await context.test("what is deleted is not enforced any more", () => deletedIsGone(cluster));
  });
});

// ── what is tested

async function brokenTemplateTold(cluster: Cluster): Promise<void> {
  const read = (): readonly PodEntry[] => cluster.status("constrainttemplate", "k8sbroken").byPod ?? [];
  await waitFor("the broken template's status", 30, async () => read().length > 0);
  const [entry] = read();
  assert.equal(entry?.id, "replica-1");
  assert.deepEqual(entry?.errors, [
    {
      code: "ingest_error",
      message: "Could not ingest Rego: template:3:10: rego_type_error: undefined function nosuch",
      location: "template:3:10",
    },
  ]);
  assert.equal(cluster.status("constrainttemplate", "k8sbroken").created, false);
}

async function refusedNow(cluster: Cluster): Promise<void> {
  await saysSoon(
    "the webhook for templates",
    () => cluster.kubectl("get", "validatingwebhookconfiguration", "portcullis"),
    "portcullis",
  );
  const another = {
    ...brokenTemplate,
    metadata: { name: "k8salsobroken" },
    spec: templateSpec("K8sAlsoBroken", broken),
  };
  await saysSoon("a refusal", () => cluster.apply(another), "denied");
  assert.match(
    cluster.apply(another),
    /admission webhook "validation\.gatekeeper\.sh" denied the request: template:3:10: rego_type_error: undefined function nosuch$/,
  );
}

async function enforcedBySome(cluster: Cluster, ids: readonly string[]): Promise<void> {
  cluster.kubectl("apply", "-f", join(repository, "examples/repos/namespaces.yaml"));
  cluster.kubectl("apply", "-f", join(repository, "examples/repos/policies/template.yaml"));
  const constraint = join(repository, "examples/repos/policies/constraint.yaml");
  await saysSoon("the constraint's kind", () => cluster.kubectl("apply", "-f", constraint), "enforce-image-repository");
  const template = "constrainttemplate/k8sallowedrepos";
  const path = "k8sallowedrepos/enforce-image-repository";
  await waitFor("an entry of each replica", 40, async () => {
    const entries = cluster.status(path).byPod ?? [];
    return entries.map(({ id }) => id).join() === ids.join() && entries.every(({ enforced }) => enforced === true);
  });
  const { metadata, status } = cluster.json(path);
  assert.deepEqual(status?.byPod?.[0], {
    id: "replica-1",
    constraintUID: metadata.uid,
    operations: ["audit", "mutation-controller", "mutation-status", "mutation-webhook", "status", "webhook"],
    observedGeneration: 1,
    enforced: true,
  });
  await waitFor("the template's entries", 30, async () => cluster.status(template).byPod?.length === ids.length);
  assert.equal(cluster.status(template).created, true);
  const run = (image: string): string =>
    cluster.kubectl("-n", "medstack", "run", "web", `--image=${image}`, "--dry-run=server");
  await saysSoon("a denial", () => run("munta/nginx"), "denied");
  assert.match(
    run("munta/nginx"),
    /\[enforce-image-repository\] container <web> has an invalid image repo <munta\/nginx>/,
  );
  assert.match(run("docker.io/bitnami/nginx"), /created/);
}

async function kyvernoReady(cluster: Cluster): Promise<void> {
  cluster.kubectl("apply", "-f", join(repository, "examples/kyverno/policies"));
  assert.match(
    cluster.kubectl("wait", "--for=condition=Ready", "clusterpolicy", "--all", "--timeout=60s"),
    /disallow-root-containers condition met/,
  );
  const { conditions, autogen, rulecount } = cluster.status("clusterpolicy", "disallow-root-containers");
  const [{ lastTransitionTime = "", ...condition } = {}] = conditions ?? [];
  assert.deepEqual(condition, { type: "Ready", status: "True", reason: "Succeeded", message: "Ready" });
  assert.match(lastTransitionTime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.deepEqual(rulecount, { validate: 1, generate: 0, mutate: 0, verifyimages: 0 });
  assert.deepEqual(
    autogen?.rules?.map(({ name }) => name),
    ["autogen-disallow-root-uid", "autogen-cronjob-disallow-root-uid"],
  );
  const root = pod("as-root", { securityContext: { runAsUser: 0 } });
  await saysSoon("a denial", () => cluster.apply(root), "denied");
  assert.match(cluster.apply(root), /Containers must not run as root/);
}

async function looksAtTheCluster(cluster: Cluster): Promise<void> {
  // Rego over data.inventory: the kind is synchronised because the template refers to it.
  cluster.apply({
    ...brokenTemplate,
    metadata: { name: "k8suniquelabel" },
    spec: templateSpec("K8sUniqueLabel", uniqueLabel),
  });
  const constraint = {
    apiVersion: "constraints.gatekeeper.sh/v1beta1",
    kind: "K8sUniqueLabel",
    metadata: { name: "one-of-each" },
    spec: { match: { kinds: [{ apiGroups: [""], kinds: ["ConfigMap"] }] } },
  };
  await saysSoon("the constraint's kind", () => cluster.apply(constraint), "one-of-each");
  cluster.apply(configMap("taken", { unique: "a" }, { allowed: "yes" }));
  await saysSoon(
    "a refusal because of another object",
    () => cluster.tryOut(configMap("second", { unique: "a" }, {})),
    "label taken by taken",
  );
  cluster.kubectl("delete", "configmap", "taken");
  await saysSoon(
    "what is deleted to be forgotten",
    () => cluster.apply(configMap("second", { unique: "a" }, { allowed: "no" })),
    "second created",
  );
  // Kyverno's context: a ConfigMap, an API call, and a global entry that is watched.
  cluster.apply(globalEntry, contextPolicy);
  cluster.kubectl("wait", "--for=condition=Ready", "clusterpolicy/asks-the-cluster", "--timeout=60s");
  const probe = (): string => cluster.apply(pod("probe", {}));
  await saysSoon("an answer from the cluster", () => probe(), "denied");
  assert.match(probe(), /allowed is no, 1 second, globally 1/);
}

async function unbuiltTold(cluster: Cluster): Promise<void> {
  const said = cluster.apply({
    apiVersion: "policies.kyverno.io/v1",
    kind: "ValidatingPolicy",
    metadata: { name: "not-yet" },
    spec: {
      matchConstraints: {
        resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] }],
      },
      validations: [{ expression: "true" }],
    },
  });
  // Refused at once, or stored and told so: never accepted in silence.
  if (/denied|not supported/.test(said)) return;
  await waitFor(
    "its status",
    30,
    async () => cluster.status("validatingpolicy", "not-yet").conditionStatus !== undefined,
  );
  const { conditionStatus } = cluster.status("validatingpolicy", "not-yet");
  assert.equal(conditionStatus?.ready, false);
  assert.match(conditionStatus?.message ?? "", /not supported/);
}

async function quietAtRest(cluster: Cluster): Promise<void> {
  const versions = (): string =>
    cluster.kubectl(
      "get",
      "constrainttemplates,constraints,clusterpolicies,crds,validatingwebhookconfigurations,mutatingwebhookconfigurations",
      "-o",
      "jsonpath={range .items[*]}{.metadata.name} {.metadata.resourceVersion}{'\\n'}{end}",
    );
  let before = versions();
  let sinceMs = performance.now();
  // Ten seconds without a write, after whatever is still to be written.
  await waitFor("ten quiet seconds", 60, async () => {
    const now = versions();
    if (now !== before) sinceMs = performance.now();
    before = now;
    return performance.now() - sinceMs > 10_000;
  });
}

/** Both replicas answer while the API server is away, and take up what changes when it is there again. */
async function apiServerAway(cluster: Cluster, ports: readonly number[]): Promise<void> {
  const review = reviewOf(inMedstack("munta/nginx"), builtinCatalog());
  const server = { isBack: false };
  const restarting = cluster.restartApiServer().then(() => {
    server.isBack = true;
    return null;
  });
  let answers = 0;
  while (!server.isBack) {
    for (const port of ports) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other, until it is back
      assert.match(await ask(port, review), /"allowed":false.*has an invalid image repo/);
      answers++;
    }
  }
  await restarting;
  assert.ok(answers > 0);
  const action = (name: string): string =>
    cluster.kubectl(
      "patch",
      "k8sallowedrepos",
      "enforce-image-repository",
      "--type=merge",
      "-p",
      `{"spec":{"enforcementAction":"${name}"}}`,
    );
  await saysSoon("a change of the constraint", () => action("dryrun"), "patched");
  await waitFor("the change on both replicas", 60, async () => {
    const all = await Promise.all(ports.map((port) => ask(port, review)));
    return all.every((text) => text.includes('"allowed":true'));
  });
  action("deny");
  await waitFor("the change back", 60, async () => {
    const all = await Promise.all(ports.map((port) => ask(port, review)));
    return all.every((text) => text.includes('"allowed":false'));
  });
}

/** The leader is killed: others answer at once, and one of them leads after its Lease has run out. */
async function replicaAway(cluster: Cluster, leader: ChildProcess | undefined): Promise<void> {
  const run = (): string => cluster.kubectl("-n", "medstack", "run", "web", "--image=munta/nginx", "--dry-run=server");
  if (leader !== undefined) await stopProcess(leader);
  await saysSoon("an answer of another replica", run, "denied");
  for (let tries = 0; tries < 10; tries++) assert.match(run(), /denied the request: \[enforce-image-repository\]/);
  cluster.apply({ ...contextPolicy, metadata: { name: "after-the-leader" } });
  assert.match(
    cluster.kubectl("wait", "--for=condition=Ready", "clusterpolicy/after-the-leader", "--timeout=60s"),
    /condition met/,
  );
}

function inMedstack(image: string): unknown {
  const metadata = { name: "web", namespace: "medstack" };
  return { apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [{ name: "web", image }] } };
}

function ask(port: number, review: string): Promise<string> {
  return new Promise((answered, reject) => {
    const options = {
      method: "POST",
      host: "127.0.0.1",
      port,
      path: "/v1/admit?timeout=5s",
      rejectUnauthorized: false,
      headers: { "content-type": "application/json" },
    };
    const outgoing = request(options, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () => {
        answered(Buffer.concat(chunks).toString("utf8"));
      });
    });
    outgoing.on("error", reject);
    outgoing.end(review);
  });
}

async function deletedIsGone(cluster: Cluster): Promise<void> {
  const run = (): string => cluster.kubectl("-n", "medstack", "run", "late", "--image=munta/nginx", "--dry-run=server");
  cluster.kubectl("delete", "k8sallowedrepos", "enforce-image-repository");
  await saysSoon("the constraint's end", () => run(), "created");
  cluster.kubectl("delete", "constrainttemplate", "k8sallowedrepos");
  await saysSoon(
    "the end of the constraint's kind",
    () => cluster.kubectl("get", "crd", "k8sallowedrepos.constraints.gatekeeper.sh"),
    "NotFound",
  );
}

// ── objects

const broken = `package k8sbroken
violation[{"msg": msg}] {
  msg := nosuch(input.review)
}
`;

const uniqueLabel = `package k8suniquelabel
violation[{"msg": msg}] {
  mine := input.review.object
  other := data.inventory.namespace[mine.metadata.namespace]["v1"]["ConfigMap"][name]
  name != mine.metadata.name
  other.metadata.labels.unique == mine.metadata.labels.unique
  msg := sprintf("label taken by %v", [name])
}
`;

function templateSpec(kind: string, rego: string): unknown {
  return { crd: { spec: { names: { kind } } }, targets: [{ target: "admission.k8s.gatekeeper.sh", rego }] };
}

const brokenTemplate = {
  apiVersion: "templates.gatekeeper.sh/v1",
  kind: "ConstraintTemplate",
  metadata: { name: "k8sbroken" },
  spec: templateSpec("K8sBroken", broken),
};

function configMap(name: string, labels: object, data: object): unknown {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default", labels }, data };
}

function pod(name: string, container: object): unknown {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default" },
    spec: { containers: [{ name: "web", image: "nginx", ...container }] },
  };
}

const globalEntry = {
  apiVersion: "kyverno.io/v2beta1",
  kind: "GlobalContextEntry",
  metadata: { name: "config-maps" },
  spec: {
    kubernetesResource: { group: "", version: "v1", resource: "configmaps", namespace: "default" },
    projections: [{ name: "second", jmesPath: "[?metadata.name=='second']" }],
  },
};

const contextPolicy = {
  apiVersion: "kyverno.io/v1",
  kind: "ClusterPolicy",
  metadata: { name: "asks-the-cluster" },
  spec: {
    validationFailureAction: "Enforce",
    background: false,
    rules: [
      {
        name: "asks",
        match: { any: [{ resources: { kinds: ["Pod"], names: ["probe"] } }] },
        context: [
          { name: "settings", configMap: { name: "second", namespace: "default" } },
          {
            name: "found",
            apiCall: {
              urlPath: "/api/v1/namespaces/default/configmaps?labelSelector=unique=a",
              jmesPath: "items[].metadata.name",
            },
          },
          { name: "globally", globalReference: { name: "config-maps.second", jmesPath: "length(@)" } },
        ],
        validate: {
          message:
            "allowed is {{ settings.data.allowed }}, {{ length(found) }} {{ found[0] }}, globally {{ globally }}",
          deny: {},
        },
      },
    ],
  },
};

// ── the cluster

async function startCluster(
  programs: Exclude<ReturnType<typeof lookForBinaries>["binaries"], string>,
): Promise<Cluster> {
  const plane = await startControlPlane(programs.etcd, programs["kube-apiserver"]);
  const kubectl = (args: readonly string[], input?: string): string => {
    const all = ["--kubeconfig", plane.kubeconfig, ...args];
    const { stdout, stderr } = spawnSync(programs.kubectl, all, { encoding: "utf8", input });
    return `${stdout}${stderr}`.trim();
  };
  const json = (...args: readonly string[]): Status => {
    const text = kubectl(["get", ...args, "-o", "json"]);
    return text.startsWith("{") ? (JSON.parse(text) as Status) : { metadata: { uid: "", resourceVersion: "" } };
  };
  for (const definition of ownDefinitions()) {
    const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    // oxlint-disable-next-line no-await-in-loop -- one after the other is fast enough
    const { status, body } = await plane.call("POST", path, definition);
    assert.equal(status, 201, body);
  }
  const cluster: Cluster = {
    ...plane,
    kubectl: (...args) => kubectl(args),
    apply: (...objects) => kubectl(["apply", "-f", "-"], documents(objects)),
    tryOut: (...objects) => kubectl(["apply", "--dry-run=server", "-f", "-"], documents(objects)),
    json,
    status: (...args) => json(...args).status ?? {},
  };
  await saysSoon("the kinds of policies", () => cluster.kubectl("get", "clusterpolicies"), "No resources");
  await saysSoon("the kind of templates", () => cluster.kubectl("get", "constrainttemplates"), "No resources");
  return cluster;
}

function documents(objects: readonly unknown[]): string {
  return objects.map((object) => JSON.stringify(object)).join("\n---\n");
}

interface ReplicaOptions {
  readonly name: string;
  readonly port: number;
  /** Where the API server finds all replicas. */
  readonly url: string;
}

function startReplica({ kubeconfig }: ControlPlane, { name, port, url }: ReplicaOptions): ChildProcess {
  const main = join(repository, "packages/portcullis/src/cli/main.ts");
  const args = ["--kubeconfig", kubeconfig, "--port", String(port), "--pod-name", name, "--webhook-url", url];
  return spawn(process.execPath, [main, "run", ...args], {
    stdio: ["ignore", "ignore", process.env["VERBOSE"] === undefined ? "ignore" : "inherit"],
  });
}
