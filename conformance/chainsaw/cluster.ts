// The cluster that tests run on: an API server and etcd of our own, the product as `portcullis run` with Kyverno's standard
// configuration, and the little of a controller manager without which tests could not end: a Namespace that is deleted is
// emptied and let go.

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, symlinkSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isObject, nameOf, valueAt } from "@portcullis/kube";
import { type ControlPlane, freePort, startControlPlane, stopProcess, waitFor } from "../../e2e/control-plane.ts";
import type { findBinaries } from "../../e2e/binaries.ts";
import { type ClusterClient, type ClusterObject, isNotFound } from "../../packages/portcullis/src/cluster/api.ts";
import { createClient } from "../../packages/portcullis/src/cluster/client.ts";
import { readClusterConfig } from "../../packages/portcullis/src/cluster/kubeconfig.ts";
import { ownDefinitions } from "../../packages/portcullis/src/controllers/install/crds/own.ts";
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
  readonly stop: () => Promise<void>;
}

const repository = resolve(import.meta.dirname, "../..");
const namespaces = { group: "", version: "v1", resource: "namespaces" };

export async function startTestCluster(programs: Programs): Promise<TestCluster> {
  const plane = await startControlPlane(programs.etcd, programs["kube-apiserver"]);
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
  void endNamespaces(client, ending.signal);
  return {
    client,
    env: scriptEnvironment(plane, programs),
    timeouts: { assertMs: 30_000, stillMs: 8000, errorMs: 15_000, deleteMs: 15_000, execMs: 30_000 },
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
}

/** What Kyverno's chart writes that these suites can notice. */
const kyvernoSettings = {
  enableDefaultRegistryMutation: "true",
  defaultRegistry: "docker.io",
  generateSuccessEvents: "false",
  excludeGroups: "system:nodes",
  resourceFilters:
    "[Event,*,*] [*/*,kube-system,*] [*/*,kube-public,*] [*/*,kube-node-lease,*] [Node,*,*] [Node/*,*,*]",
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
  symlinkSync(resolve(kubectl), join(folder, "kubectl"));
  return {
    ...process.env,
    HOME: plane.folder,
    PATH: `${folder}${delimiter}${process.env["PATH"] ?? ""}`,
    KUBECONFIG: plane.kubeconfig,
  };
}

// ── namespaces

async function endNamespaces(client: ClusterClient, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- once in a while
      for await (const page of client.list(namespaces)) {
        const going = page.filter((one) => valueAt(one, "metadata", "deletionTimestamp") !== undefined);
        await Promise.all(going.map((one) => emptyAndEnd(client, nameOf(one))));
      }
    } catch {
      // The API server is going, or somebody else ended the namespace: seen next time.
    }
    // oxlint-disable-next-line no-await-in-loop -- see above
    await sleep(1000, undefined, { signal }).catch(() => {});
  }
}

async function emptyAndEnd(client: ClusterClient, name: string): Promise<void> {
  const { resources } = await client.discover();
  const removable = resources.filter(
    ({ namespaced, preferred, verbs }) => namespaced && preferred && verbs.includes("deletecollection"),
  );
  await Promise.all(
    removable.map(async ({ gvr }) => {
      const root = gvr.group === "" ? `/api/${gvr.version}` : `/apis/${gvr.group}/${gvr.version}`;
      const path = `${root}/namespaces/${name}/${gvr.resource}?gracePeriodSeconds=0`;
      await client.call({ method: "DELETE", path }).catch(ignoreMissing);
    }),
  );
  const object = await client.get(namespaces, { namespace: "", name }).catch(() => null);
  if (object === null || !isObject(object["spec"])) return;
  const body = { ...object, spec: { ...object["spec"], finalizers: [] } };
  await client.call({ method: "PUT", path: `/api/v1/namespaces/${name}/finalize`, body }).catch(ignoreMissing);
}

function ignoreMissing(error: unknown): void {
  // Another one was faster, which is as good.
  if (!isNotFound(error) && (error as { readonly status?: number }).status !== 409) throw error;
}
