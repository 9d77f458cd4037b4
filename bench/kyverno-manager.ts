// Kyverno's own admission controller on a control plane of our own: CRDs, configuration and policies are created as an
// operator would create them, the controller makes its own certificate, and it counts as loaded when every policy's
// status says Ready.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseYaml } from "@portcullis/kube";
import { Source } from "@portcullis/lang";
import { type ControlPlane, freePort, start, stopProcess, waitFor } from "../e2e/control-plane.ts";
import type { PolicyFile } from "./library.ts";

export interface KyvernoManager {
  readonly port: number;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

export interface KyvernoOptions {
  readonly program: string;
  readonly controlPlane: ControlPlane;
  /** The folder with Kyverno's CRDs, one sub-folder per group. */
  readonly crds: string;
  readonly policies: readonly PolicyFile[];
}

const namespace = "kyverno";
const service = "kyverno-svc";

export async function startKyverno({ program, controlPlane, crds, policies }: KyvernoOptions): Promise<KyvernoManager> {
  const { folder, kubeconfig, call } = controlPlane;
  await prepare(controlPlane, crds);
  const port = await freePort();
  const env = {
    ...process.env,
    INIT_CONFIG: "kyverno",
    METRICS_CONFIG: "kyverno-metrics",
    KYVERNO_NAMESPACE: namespace,
    KYVERNO_POD_NAME: "kyverno-0",
    KYVERNO_DEPLOYMENT: "kyverno-admission-controller",
    KYVERNO_SERVICEACCOUNT_NAME: "kyverno-admission-controller",
    KYVERNO_ROLE_NAME: "kyverno:admission-controller",
    KYVERNO_SVC: service,
  };
  const child = start(
    folder,
    "kyverno",
    program,
    [
      `--kubeconfig=${kubeconfig}`,
      `--caSecretName=${service}.${namespace}.svc.kyverno-tls-ca`,
      `--tlsSecretName=${service}.${namespace}.svc.kyverno-tls-pair`,
      `--serverIP=127.0.0.1:${port}`,
      "--webhookServerHost=127.0.0.1",
      `--webhookServerPort=${port}`,
      `--metricsPort=${await freePort()}`,
      `--cleanupServerPort=${await freePort()}`,
      `--controllerRuntimeMetricsAddress=127.0.0.1:${await freePort()}`,
      "--backgroundServiceAccountName=system:serviceaccount:kyverno:kyverno-background-controller",
      "--reportsServiceAccountName=system:serviceaccount:kyverno:kyverno-reports-controller",
      "--enableTuf=false",
    ],
    env,
  );
  await waitFor("Kyverno's webhook for policies", 120, async () => {
    const { body } = await call("GET", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations");
    return body.includes("kyverno-policy-validating-webhook-cfg");
  });
  await loadPolicies(controlPlane, policies);
  return { port, pid: child.pid ?? 0, stop: () => stopProcess(child) };
}

/** CRDs, the namespace, and the two ConfigMaps that the controller reads. */
export async function prepare({ call }: ControlPlane, crds: string): Promise<void> {
  for (const group of readdirSync(crds)) {
    for (const file of readdirSync(join(crds, group))) {
      for (const crd of objectsOf(readFileSync(join(crds, group, file), "utf8"))) {
        // oxlint-disable-next-line no-await-in-loop
        await create(call, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd);
      }
    }
  }
  await create(call, "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  for (const name of ["kyverno", "kyverno-metrics"]) {
    // oxlint-disable-next-line no-await-in-loop
    await create(call, `/api/v1/namespaces/${namespace}/configmaps`, {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name, namespace },
      data: {},
    });
  }
  await waitFor(
    "ClusterPolicy",
    30,
    async () => (await call("GET", "/apis/kyverno.io/v1/clusterpolicies")).status === 200,
  );
}

/** Creates the policies, once whoever checks them is there. */
export async function createPolicies({ call }: ControlPlane, policies: readonly PolicyFile[]): Promise<void> {
  for (const policy of policies.flatMap(({ text }) => objectsOf(text))) {
    // The webhook for policies answers a moment after it is registered.
    // oxlint-disable-next-line no-await-in-loop
    await waitFor(`${policy.kind} ${policy.metadata.name}`, 60, async () =>
      [201, 409].includes((await call("POST", policiesPath, policy)).status),
    );
  }
}

const policiesPath = "/apis/kyverno.io/v1/clusterpolicies";

async function loadPolicies(controlPlane: ControlPlane, policies: readonly PolicyFile[]): Promise<void> {
  await createPolicies(controlPlane, policies);
  await waitFor("every policy's readiness", 120, async () => {
    const { items } = JSON.parse((await controlPlane.call("GET", policiesPath)).body) as {
      readonly items: readonly {
        readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
      }[];
    };
    return items.every(
      ({ status }) => status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true,
    );
  });
}

interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

function objectsOf(text: string): readonly KubeObject[] {
  return parseYaml(new Source("file", text), { dialect: "go" }).value.map(
    (document) => document.value as unknown as KubeObject,
  );
}

async function create(
  call: ControlPlane["call"],
  path: string,
  object: Partial<KubeObject> & { readonly data?: unknown },
): Promise<void> {
  const { status, body } = await call("POST", path, object);
  if (status !== 201 && status !== 409)
    throw new Error(`${object.kind ?? ""} ${object.metadata?.name ?? ""}: ${status} ${body}`);
}
