// Memory on a cluster, with the policies as the library has them: they audit. Kyverno's admission controller leaves a report
// for each request that it saw and remembers them (`--maxAdmissionReports` is 10,000, which is not where its memory ends); ours
// audits what is stored. Each has a control plane of its own, and is asked about as many Pods, as fast as it answers.

import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type ControlPlane, freePort, startControlPlane, stopProcess, waitFor } from "../e2e/control-plane.ts";
import { type Row, less } from "./bench.ts";
import { createPolicies, prepare, startKyverno } from "./kyverno-manager.ts";
import { type PolicyFile, validatingPolicies } from "./library.ts";
import { type LoadTarget, runLoad } from "./load.ts";
import { peer } from "./peers.ts";
import { generatePods } from "./pods.ts";
import { peakOf } from "./process.ts";
import { connections, reviewOf } from "./webhook.ts";

const root = resolve(import.meta.dirname, "..");
const data = resolve(process.env["CONFORMANCE_DIR"] ?? join(root, "../shared/conformance"));
const crds = join(data, "kyverno", "config", "crds");
/** After how many reviews memory is looked at; the last is what the peer answers in about two minutes on two cores. */
const marks = [0, 10_000, 20_000] as const;
const teams = 5;

/** None where there is no control plane. */
export async function memoryRows(): Promise<readonly Row[]> {
  const [etcd, apiserver] = [peer("etcd"), peer("kube-apiserver")];
  if (etcd === null || apiserver === null) return [];
  const policies = validatingPolicies(["pod-security", "best-practices"]);
  if (policies.length === 0 || !existsSync(crds)) throw new Error("kyverno-policies is not in $CONFORMANCE_DIR");
  const onCluster = async (measure: (controlPlane: ControlPlane) => Promise<Peaks>): Promise<Peaks> => {
    const controlPlane = await startControlPlane(etcd, apiserver);
    try {
      return await measure(controlPlane);
    } finally {
      await controlPlane.stop();
    }
  };
  const program = peer("kyverno-admission");
  const ours = await onCluster((controlPlane) => measureOurs(controlPlane, policies));
  const theirs =
    program === null ? null : await onCluster((controlPlane) => measureKyverno(program, controlPlane, policies));
  return marks.map((mark, at) =>
    less(
      `peak memory on a cluster, with policies that audit, after ${mark} reviews`,
      "MB",
      ours[at] ?? Number.NaN,
      theirs === null ? null : (theirs[at] ?? Number.NaN),
      `${policies.length} policies`,
    ),
  );
}

/** Peak memory in megabytes at each of the marks. */
type Peaks = readonly number[];

async function measureOurs(controlPlane: ControlPlane, policies: readonly PolicyFile[]): Promise<Peaks> {
  const built = mkdtempSync(join(tmpdir(), "portcullis-bench-"));
  execFileSync("rolldown", ["-c", "rolldown.config.ts", "-d", built], { cwd: root, stdio: "ignore" });
  await prepare(controlPlane, crds);
  await createPolicies(controlPlane, policies);
  await createTeams(controlPlane);
  const port = await freePort();
  const args = ["run", "--kubeconfig", controlPlane.kubeconfig, "--port", String(port), "--pod-name", "portcullis-0"];
  const child = spawn(process.execPath, [join(built, "main.mjs"), ...args], { stdio: "ignore" });
  try {
    await waitFor("our webhook", 60, async () => (await get(port, "/readyz")).status === 200);
    const peak = await measureLoad({ port, path: "/v1/admit?timeout=10s", bodies: bodies() }, child.pid);
    const { body } = await get(port, "/metrics");
    const counted = new Set(
      [...body.matchAll(/^kyverno_policy_results_total\{.*?policy_name="([^"]+)"/gm)].map(String),
    );
    if (counted.size < policies.length / 2) throw new Error(`only ${counted.size} policies were asked`);
    return peak;
  } finally {
    await stopProcess(child);
    rmSync(built, { recursive: true, force: true });
  }
}

async function measureKyverno(
  program: string,
  controlPlane: ControlPlane,
  policies: readonly PolicyFile[],
): Promise<Peaks> {
  const manager = await startKyverno({ program, controlPlane, crds, policies });
  await createTeams(controlPlane);
  const target = { port: manager.port, path: "/validate/fail?timeout=10s", bodies: bodies() };
  const peak = await measureLoad(target, manager.pid);
  await manager.stop();
  return peak;
}

/** Reports lie in the namespaces of what they are about. */
async function createTeams({ call }: ControlPlane): Promise<void> {
  for (let team = 0; team < teams; team++) {
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: `team-${team}` } };
    // oxlint-disable-next-line no-await-in-loop
    await call("POST", "/api/v1/namespaces", namespace);
  }
}

async function measureLoad(target: LoadTarget, pid: number | undefined): Promise<Peaks> {
  const peaks: number[] = [];
  let answered = 0;
  for (const mark of marks) {
    while (answered < mark) {
      // oxlint-disable-next-line no-await-in-loop -- one piece of load after the other
      const { requestsPerSecond, errors } = await runLoad(target, { connections, seconds: 5 });
      if (errors > 0) throw new Error(`${errors} reviews were not answered`);
      answered += Math.round(requestsPerSecond * 5);
    }
    peaks.push(peakOf(pid) ?? Number.NaN);
  }
  return peaks;
}

function bodies(): readonly string[] {
  return generatePods({ count: 64, seed: 7 }).map(reviewOf);
}

function get(port: number, path: string): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((settle, reject) => {
    request({ host: "127.0.0.1", port, path, rejectUnauthorized: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => settle({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    })
      .on("error", reject)
      .end();
  });
}
