// Gatekeeper's own manager on a control plane of our own: CRDs, namespace and policies are created as an operator would
// create them, the manager runs its webhook and status operations with a certificate made here, and the set counts as
// loaded when every constraint's status says that it is enforced.

import { type ChildProcess, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { Source } from "@portcullis/lang";
import { parseYaml } from "@portcullis/kube";
import { type ControlPlane, freePort, start, startControlPlane, stopProcess, waitFor } from "../e2e/control-plane.ts";
import type { PolicyFile } from "./library.ts";
import { peer } from "./peers.ts";
import { type Measured, measurePeer } from "./webhook.ts";

export interface Manager {
  readonly port: number;
  readonly pid: number;
  /** The certificate (PEM) that its clients have to trust. */
  readonly ca: string;
  readonly stop: () => Promise<void>;
}

interface ManagerOptions {
  readonly program: string;
  readonly controlPlane: ControlPlane;
  /** The folder with Gatekeeper's CRDs. */
  readonly crds: string;
  readonly policies: readonly PolicyFile[];
  /** What it answers: reviews of templates and constraints when absent. */
  readonly serves?: "validation" | "mutation" | "audit";
}

const namespace = "gatekeeper-system";

export interface ManagerLoad extends Pick<ManagerOptions, "policies" | "serves"> {
  readonly path: string;
  readonly bodies: readonly string[];
}

/** Its figures under load; null where it, its API server or its CRDs are not there. */
export async function measureManager({ path, bodies, ...served }: ManagerLoad): Promise<Measured | null> {
  const [program, etcd, apiserver] = [peer("gatekeeper"), peer("etcd"), peer("kube-apiserver")];
  const crds = resolve(
    process.env["CONFORMANCE_DIR"] ?? join(import.meta.dirname, "../../shared/conformance"),
    "gatekeeper/charts/gatekeeper/crds",
  );
  if (program === null || etcd === null || apiserver === null || !existsSync(crds)) return null;
  const controlPlane = await startControlPlane(etcd, apiserver);
  try {
    for (let team = 0; team < 5; team++) {
      // oxlint-disable-next-line no-await-in-loop
      await controlPlane.call("POST", "/api/v1/namespaces", {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: `team-${team}` },
      });
    }
    const manager = await startManager({ program, controlPlane, crds, ...served });
    try {
      return await measurePeer({ port: manager.port, path, bodies }, manager.pid);
    } finally {
      await manager.stop();
    }
  } finally {
    await controlPlane.stop();
  }
}

export async function startManager(options: ManagerOptions): Promise<Manager> {
  const { program, controlPlane, crds, policies, serves = "validation" } = options;
  const { call } = controlPlane;
  await createAll(
    controlPlane,
    readdirSync(crds).flatMap((name) => objectsOf(readFileSync(join(crds, name), "utf8"))),
  );
  await call("POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  await waitFor(
    "ConstraintTemplate",
    30,
    async () => (await call("GET", "/apis/templates.gatekeeper.sh/v1/constrainttemplates")).status === 200,
  );

  const { child, port, ca } = await launch(program, controlPlane, operations[serves]);
  if (serves === "mutation") await loadMutators(controlPlane, policies);
  else await loadPolicies(controlPlane, policies);
  return { port, pid: child.pid ?? 0, ca, stop: () => stopProcess(child) };
}

const operations = {
  validation: ["webhook", "status", "generate"],
  mutation: ["mutation-webhook", "mutation-controller", "mutation-status"],
  audit: ["audit", "status", "generate"],
} as const;

/** The manager's own process with a certificate made here. */
async function launch(
  program: string,
  { folder, kubeconfig }: ControlPlane,
  does: readonly string[],
): Promise<{ readonly child: ChildProcess; readonly port: number; readonly ca: string }> {
  const certs = join(folder, "webhook-certs");
  const cache = join(folder, "gatekeeper-audit");
  for (const made of [certs, cache]) mkdirSync(made, { recursive: true });
  execFileSync(
    "openssl",
    [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-days",
      "2",
      "-subj",
      "/CN=localhost",
      "-addext",
      "subjectAltName=IP:127.0.0.1",
      "-keyout",
      join(certs, "tls.key"),
      "-out",
      join(certs, "tls.crt"),
    ],
    { stdio: "ignore" },
  );
  const port = await freePort();
  const child = start(
    folder,
    "gatekeeper",
    program,
    [
      `--kubeconfig=${kubeconfig}`,
      `--port=${port}`,
      "--host=127.0.0.1",
      `--cert-dir=${certs}`,
      "--disable-cert-rotation",
      ...does.map((operation) => `--operation=${operation}`),
      "--default-create-vap-for-templates=false",
      "--default-create-vap-binding-for-constraints=false",
      "--debug-use-fake-pod",
      "--audit-interval=5",
      `--api-cache-dir=${cache}`,
      "--enable-k8s-native-validation=false",
      "--health-addr=127.0.0.1:0",
      `--prometheus-port=${await freePort()}`,
      "--log-level=ERROR",
    ],
    { ...process.env, POD_NAME: "gk-0", POD_NAMESPACE: namespace },
  );
  return { child, port, ca: readFileSync(join(certs, "tls.crt"), "utf8") };
}

/** Creates templates, then constraints, and waits until all are enforced. */
async function loadPolicies(controlPlane: ControlPlane, policies: readonly PolicyFile[]): Promise<void> {
  const { call } = controlPlane;
  const objects = policies.flatMap(({ text }) => objectsOf(text));
  await createAll(
    controlPlane,
    objects.filter(({ kind }) => kind === "ConstraintTemplate"),
  );
  const constraints = objects.filter(({ kind }) => kind !== "ConstraintTemplate");
  for (const constraint of constraints) {
    const path = constraintPath(constraint);
    // Each constraint waits for the CRD of its kind.
    // oxlint-disable-next-line no-await-in-loop
    await waitFor(`the CRD of ${constraint.kind}`, 60, async () =>
      [201, 409].includes((await call("POST", path, constraint)).status),
    );
  }
  await waitFor("every constraint's enforcement", 120, async () => {
    const states = await Promise.all(
      constraints.map((constraint) => call("GET", `${constraintPath(constraint)}/${constraint.metadata.name}`)),
    );
    return states.every(({ body }) => /"enforced":\s*true/.test(body));
  });
}

/** Creates mutators and waits until all are enforced. */
async function loadMutators({ call }: ControlPlane, policies: readonly PolicyFile[]): Promise<void> {
  const mutators = policies.flatMap(({ text }) => objectsOf(text));
  const pathOf = ({ apiVersion, kind }: KubeObject): string => `/apis/${apiVersion}/${kind.toLowerCase()}`;
  for (const mutator of mutators) {
    // In turn: an API server that is still starting up answers slowly enough.
    // oxlint-disable-next-line no-await-in-loop
    const { status, body } = await call("POST", pathOf(mutator), mutator);
    if (status !== 201) throw new Error(`${mutator.kind} ${mutator.metadata.name}: ${status} ${body}`);
  }
  await waitFor("every mutator's enforcement", 120, async () => {
    const states = await Promise.all(
      mutators.map((mutator) => call("GET", `${pathOf(mutator)}/${mutator.metadata.name}`)),
    );
    return states.every(({ body }) => /"enforced":\s*true/.test(body));
  });
}

interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

function constraintPath({ kind }: KubeObject): string {
  return `/apis/constraints.gatekeeper.sh/v1beta1/${kind.toLowerCase()}`;
}

function objectsOf(text: string): readonly KubeObject[] {
  return parseYaml(new Source("policy", text), { dialect: "go" }).value.map(
    (document) => document.value as unknown as KubeObject,
  );
}

async function createAll({ call }: ControlPlane, objects: readonly KubeObject[]): Promise<void> {
  const resources: Readonly<Record<string, string>> = {
    CustomResourceDefinition: "customresourcedefinitions",
    ConstraintTemplate: "constrainttemplates",
  };
  for (const object of objects) {
    const path = `/apis/${object.apiVersion}/${resources[object.kind] ?? ""}`;
    // oxlint-disable-next-line no-await-in-loop
    const { status, body } = await call("POST", path, object);
    if (status !== 201 && status !== 409) throw new Error(`${object.kind} ${object.metadata.name}: ${status} ${body}`);
  }
}
