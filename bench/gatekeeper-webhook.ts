// The webhook under load: a Pod review of about 7 KB against the library's policies, Gatekeeper's own manager beside
// ours, and a bare Node HTTPS server that parses and allows as the floor. Each is measured alone, at 8 connections;
// answers are compared first. p99 is taken at half of our own saturated rate.

import { spawn } from "node:child_process";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Bench, type Row, less, more } from "./bench.ts";
import { freePort, startControlPlane, stopProcess, waitFor } from "../e2e/control-plane.ts";
import { startManager } from "./gatekeeper-manager.ts";
import { type PolicyFile, libraryPolicies } from "./library.ts";
import { type LoadResult, type LoadTarget, atRate, saturate } from "./load.ts";
import { peer } from "./peers.ts";
import { generatePods } from "./pods.ts";
import { peakOf } from "./process.ts";

const main = resolve(import.meta.dirname, "../packages/portcullis/src/cli/main.ts");
const path = "/v1/admit?timeout=10s";
const connections = 8;
const seconds = 10;

export const gatekeeperWebhook: Bench = {
  name: "gatekeeper-webhook",
  measures: "reviews of 7 KB Pods against the library's policies over HTTPS, 8 connections",
  run,
};

async function run(): Promise<readonly Row[]> {
  const policies = libraryPolicies();
  if (policies === null) throw new Error("the gatekeeper-library is not in $CONFORMANCE_DIR");
  const folder = mkdtempSync(join(tmpdir(), "portcullis-bench-"));
  const bodies = generatePods({ count: 64, seed: 7 }).map(reviewOf);
  try {
    const bare = await measureBare(folder, bodies);
    const theirs = await measureManager(policies, bodies);
    const ours = await measureOurs(folder, policies, bodies, theirs?.answers ?? null);
    const size = bodies.reduce((sum, body) => sum + body.length, 0) / bodies.length;
    return [
      more(
        "requests per second",
        "req/s",
        ours.load.requestsPerSecond,
        theirs?.load.requestsPerSecond ?? null,
        `reviews of ${size.toFixed(0)} bytes, ${ours.load.errors} errors`,
      ),
      less("p99 when saturated", "ms", ours.load.p99Ms, theirs?.load.p99Ms ?? null),
      less(
        `p99 at half of our rate (${ours.half.requestsPerSecond.toFixed(0)} req/s)`,
        "ms",
        ours.half.p99Ms,
        null,
        `p50 ${ours.half.p50Ms.toFixed(2)} ms`,
      ),
      more(
        "share of a bare Node HTTPS server",
        "%",
        (100 * ours.load.requestsPerSecond) / bare.requestsPerSecond,
        null,
        `bare: ${bare.requestsPerSecond.toFixed(0)} req/s`,
      ),
      less("peak memory", "MB", ours.peakMegabytes ?? Number.NaN, theirs?.peakMegabytes ?? null),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Measured {
  readonly load: LoadResult;
  readonly peakMegabytes: number | null;
  readonly answers: readonly string[];
}

async function measureBare(folder: string, bodies: readonly string[]): Promise<LoadResult> {
  const [cert, key] = [join(folder, "bare.crt"), join(folder, "bare.key")];
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
      "-keyout",
      key,
      "-out",
      cert,
    ],
    { stdio: "ignore" },
  );
  const child = spawn(process.execPath, [join(import.meta.dirname, "bare-server.ts"), cert, key], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const port = Number(await new Promise<Buffer>((resolveLine) => child.stdout.once("data", resolveLine)));
  const target = { port, path: "/", bodies };
  await saturate(target, { connections, seconds: 2 });
  const load = await saturate(target, { connections, seconds });
  await stopProcess(child);
  return load;
}

async function measureManager(policies: readonly PolicyFile[], bodies: readonly string[]): Promise<Measured | null> {
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
    const manager = await startManager({ program, controlPlane, crds, policies });
    const target = { port: manager.port, path, bodies };
    const answers = await answersOf(target);
    await saturate(target, { connections, seconds: 2 });
    const load = await saturate(target, { connections, seconds });
    const peakMegabytes = peakOf(manager.pid);
    await manager.stop();
    return { load, peakMegabytes, answers };
  } finally {
    await controlPlane.stop();
  }
}

async function measureOurs(
  folder: string,
  policies: readonly PolicyFile[],
  bodies: readonly string[],
  expected: readonly string[] | null,
): Promise<Measured & { readonly half: LoadResult }> {
  for (const { name, text } of policies) writeFileSync(join(folder, name), text);
  for (let team = 0; team < 5; team++) {
    writeFileSync(
      join(folder, `namespace-${team}.yaml`),
      `apiVersion: v1\nkind: Namespace\nmetadata: {name: team-${team}}\n`,
    );
  }
  const port = await freePort();
  const child = spawn(process.execPath, [main, "serve", "--policies", folder, "--port", String(port)], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  try {
    const target = { port, path, bodies };
    await waitFor("our webhook", 30, async () => (await get(port, "/readyz")) === 200);
    const answers = await answersOf(target);
    if (expected !== null) compareAnswers(answers, expected);
    await saturate(target, { connections, seconds: 5 });
    const load = await saturate(target, { connections, seconds });
    const half = await atRate(target, { connections, seconds, requestsPerSecond: load.requestsPerSecond / 2 });
    return { load, half, answers, peakMegabytes: peakOf(child.pid) };
  } finally {
    await stopProcess(child);
  }
}

function reviewOf(pod: Record<string, unknown>, index: number): string {
  const { name, namespace } = pod["metadata"] as { readonly name: string; readonly namespace: string };
  return JSON.stringify({
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid: `11111111-0000-4000-8000-${String(index).padStart(12, "0")}`,
      kind: { group: "", version: "v1", kind: "Pod" },
      resource: { group: "", version: "v1", resource: "pods" },
      requestKind: { group: "", version: "v1", kind: "Pod" },
      requestResource: { group: "", version: "v1", resource: "pods" },
      name,
      namespace,
      operation: "CREATE",
      userInfo: { username: "kubernetes-admin", groups: ["system:masters", "system:authenticated"] },
      object: pod,
      oldObject: null,
      dryRun: false,
      options: { apiVersion: "meta.k8s.io/v1", kind: "CreateOptions" },
    },
  });
}

/**
 * Each body's verdict and message, one request after the other. Lines are sorted, because Gatekeeper's order of lines with
 * equal text is that of a Go map.
 */
async function answersOf({ port, bodies }: LoadTarget): Promise<readonly string[]> {
  const answers: string[] = [];
  for (const body of bodies) {
    // oxlint-disable-next-line no-await-in-loop
    const { response } = JSON.parse(await post(port, body)) as {
      readonly response: {
        readonly allowed: boolean;
        readonly status?: { readonly code?: number; readonly message?: string };
        readonly warnings?: readonly string[];
      };
    };
    const lines = (response.status?.message ?? "").split("\n");
    answers.push(JSON.stringify([response.allowed, response.status?.code, lines.toSorted(), response.warnings ?? []]));
  }
  return answers;
}

function compareAnswers(ours: readonly string[], theirs: readonly string[]): void {
  const different = ours.findIndex((answer, index) => answer !== theirs[index]);
  if (different !== -1)
    throw new Error(
      `answers differ for review ${different}:\nours   ${ours[different] ?? ""}\ntheirs ${theirs[different] ?? ""}`,
    );
}

function get(port: number, route: string): Promise<number> {
  return new Promise((resolveStatus, reject) => {
    request({ host: "127.0.0.1", port, path: route, rejectUnauthorized: false }, (response) => {
      response.resume();
      resolveStatus(response.statusCode ?? 0);
    })
      .on("error", reject)
      .end();
  });
}

function post(port: number, body: string): Promise<string> {
  return new Promise((resolveBody, reject) => {
    const outgoing = request(
      {
        host: "127.0.0.1",
        port,
        path,
        method: "POST",
        rejectUnauthorized: false,
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => resolveBody(Buffer.concat(chunks).toString()));
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
