// The cluster that tests run on: an API server and etcd of our own, and the product as `portcullis run` with the
// configuration that Kyverno's own runs of these tests have ("standard").

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type ControlPlane, freePort, startControlPlane, stopProcess, waitFor } from "../../e2e/control-plane.ts";
import type { findBinaries } from "../../e2e/binaries.ts";
import type { ClusterClient, ClusterObject } from "../../packages/portcullis/src/cluster/api.ts";
import { createClient } from "../../packages/portcullis/src/cluster/client.ts";
import { readClusterConfig } from "../../packages/portcullis/src/cluster/kubeconfig.ts";
import { ownDefinitions } from "../../packages/portcullis/src/controllers/install/crds/own.ts";
import { clear, emptyAndEnd, ignoreMissing, keepAlive, namespaces } from "./life.ts";
import type { Timeouts } from "./operations.ts";

type Programs = Exclude<ReturnType<typeof findBinaries>, string>;

export interface TestCluster {
  readonly client: ClusterClient;
  /** For scripts: kubectl is on the path and finds the cluster. */
  readonly env: NodeJS.ProcessEnv;
  readonly timeouts: Timeouts;
  readonly createNamespace: () => Promise<string>;
  readonly endNamespace: (name: string) => Promise<void>;
  /** Waits until it is true, or the time is up. */
  readonly ended: (isTrue: () => Promise<boolean>, timeoutMs: number) => Promise<void>;
  /** Takes away what scripts left behind. */
  readonly clear: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

const repository = resolve(import.meta.dirname, "../..");

export async function startTestCluster(programs: Programs): Promise<TestCluster> {
  // The user is kind's, whom tests name.
  const options = { user: "kubernetes-admin", privileged: true } as const;
  const plane = await startControlPlane(programs.etcd, programs["kube-apiserver"], options);
  const client = createClient(readClusterConfig({ kubeconfig: plane.kubeconfig, env: {}, home: plane.folder }));
  let product: ChildProcess | null = null;
  const ending = new AbortController();
  const stop = async (): Promise<void> => {
    ending.abort();
    if (product !== null) await stopProcess(product);
    client.close();
    await plane.stop();
  };
  try {
    await prepare(client);
    product = await startProduct(plane);
  } catch (error) {
    await stop();
    throw error;
  }
  void keepAlive(client, ending.signal);
  return {
    client,
    env: scriptEnvironment(plane, programs),
    timeouts: { applyMs: 10_000, assertMs: 30_000, stillMs: 6000, errorMs: 15_000, deleteMs: 15_000, execMs: 30_000 },
    createNamespace: async () => {
      const name = `chainsaw-${randomBytes(4).toString("hex")}`;
      // Policies of the test before may take a moment to be forgotten.
      await waitFor("a namespace of the test's own", 10, async () => {
        await client.create(namespaces, namespaceObject(name));
        return true;
      });
      return name;
    },
    endNamespace: async (name) => {
      await client.remove(namespaces, { namespace: "", name }).catch(ignoreMissing);
      await emptyAndEnd(client, name);
    },
    ended,
    clear: () => clear(client),
    stop,
  };
}

async function ended(isTrue: () => Promise<boolean>, timeoutMs: number): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (performance.now() < endMs) {
    // oxlint-disable-next-line no-await-in-loop -- polling is the point
    if (await isTrue()) return;
    // oxlint-disable-next-line no-await-in-loop -- see above
    await sleep(100);
  }
}

// ── what is there before the tests

async function prepare(client: ClusterClient): Promise<void> {
  const definitions = { group: "apiextensions.k8s.io", version: "v1", resource: "customresourcedefinitions" };
  await Promise.all(ownDefinitions().map((definition) => client.create(definitions, definition)));
  await client.create(namespaces, namespaceObject("kyverno"));
  await client.create(
    { group: "", version: "v1", resource: "configmaps" },
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "kyverno", namespace: "kyverno" },
      data: kyvernoSettings,
    },
  );
  await createRoles(client);
}

const account = { kind: "ServiceAccount", name: "kyverno-admission-controller", namespace: "kyverno" };

/** The rights of Kyverno's admission controller, to which tests add by labels. */
async function createRoles(client: ClusterClient): Promise<void> {
  const group = "rbac.authorization.k8s.io";
  const [apiVersion, name] = [`${group}/v1`, "kyverno:admission-controller"];
  const labels = { component: "admission-controller", instance: "kyverno", "part-of": "kyverno" };
  const matchLabels = Object.fromEntries(
    Object.entries(labels).map(([key, value]) => [`app.kubernetes.io/${key}`, value]),
  );
  await client.create(
    { group, version: "v1", resource: "clusterroles" },
    {
      apiVersion,
      kind: "ClusterRole",
      metadata: { name },
      aggregationRule: { clusterRoleSelectors: [{ matchLabels }] },
    },
  );
  await client.create(
    { group, version: "v1", resource: "clusterrolebindings" },
    {
      apiVersion,
      kind: "ClusterRoleBinding",
      metadata: { name },
      roleRef: { apiGroup: group, kind: "ClusterRole", name },
      subjects: [account],
    },
  );
}

/** What Kyverno's chart writes, but for the names of its own objects. */
const kyvernoSettings = {
  enableDefaultRegistryMutation: "true",
  defaultRegistry: "docker.io",
  generateSuccessEvents: "false",
  excludeGroups: "system:nodes",
  resourceFilters: [
    "[Event,*,*]",
    "[*/*,kube-system,*]",
    "[*/*,kube-public,*]",
    "[*/*,kube-node-lease,*]",
    "[Node,*,*]",
    "[Node/?*,*,*]",
    "[APIService,*,*]",
    "[APIService/?*,*,*]",
    "[TokenReview,*,*]",
    "[SubjectAccessReview,*,*]",
    "[SelfSubjectAccessReview,*,*]",
    "[Binding,*,*]",
    "[Pod/binding,*,*]",
    "[ReplicaSet,*,*]",
    "[ReplicaSet/?*,*,*]",
    "[EphemeralReport,*,*]",
    "[ClusterEphemeralReport,*,*]",
  ].join(" "),
  webhooks: JSON.stringify({
    namespaceSelector: {
      matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "NotIn", values: ["kube-system"] }],
    },
  }),
};

function namespaceObject(name: string): ClusterObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}

async function startProduct(plane: ControlPlane): Promise<ChildProcess> {
  const port = await freePort();
  const main = join(repository, "packages/portcullis/src/cli/main.ts");
  const args = [
    main,
    "run",
    "--kubeconfig",
    plane.kubeconfig,
    "--namespace",
    "kyverno",
    "--pod-name",
    "replica",
    "--port",
    String(port),
    "--webhook-url",
    `https://127.0.0.1:${port}`,
    "--enablePolicyException",
    "--exceptionNamespace",
    "*",
    "--omitEvents",
    "",
  ];
  const log = process.env["VERBOSE"] === undefined ? "ignore" : "inherit";
  const child = spawn(process.execPath, args, { stdio: ["ignore", log, log] });
  await waitFor("portcullis", 60, async () => {
    const { status } = await plane.call(
      "GET",
      "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/portcullis",
    );
    return status === 200;
  });
  return child;
}

function scriptEnvironment(plane: ControlPlane, { kubectl }: Programs): NodeJS.ProcessEnv {
  const folder = join(plane.folder, "bin");
  mkdirSync(folder);
  writeFileSync(join(folder, "kubectl"), kubectlScript(resolve(kubectl)), { mode: 0o755 });
  return {
    ...process.env,
    HOME: plane.folder,
    PATH: `${folder}${delimiter}${process.env["PATH"] ?? ""}`,
    KUBECONFIG: plane.kubeconfig,
  };
}

/** Until 1.36 debug containers had the profile `legacy` when nothing was said, and tests count on it. */
function kubectlScript(program: string): string {
  return `#!/bin/sh
if [ "$1" = debug ]; then shift; exec '${program}' debug --profile=legacy "$@"; fi
exec '${program}' "$@"
`;
}
