// What the webhook benches share: Pods' reviews, the bare Node HTTPS server as the floor, our own server as a child process,
// and answers that are compared before anything is measured. Everything is measured at 8 connections, one after the other.

import { execFileSync, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { request } from "node:https";
import { join, resolve } from "node:path";
import { applyJsonPatch, readJsonPatch } from "@portcullis/kube";
import { Budget } from "@portcullis/lang";
import { canonicalJson } from "@portcullis/policy";
import { freePort, stopProcess, waitFor } from "../e2e/control-plane.ts";
import { type Row, less, more } from "./bench.ts";
import type { PolicyFile } from "./library.ts";
import { type LoadResult, type LoadTarget, runLoad } from "./load.ts";
import { cpuOf, peakOf } from "./process.ts";

const main = resolve(import.meta.dirname, "../packages/portcullis/src/cli/main.ts");
const admitPath = "/v1/admit?timeout=10s";
export const connections = 8;
export const seconds = 10;

export interface Measured {
  readonly load: LoadResult;
  /** Processor time of the server for one request, in milliseconds; null where it cannot be read. */
  readonly cpuMs: number | null;
  readonly peakMegabytes: number | null;
  readonly answers: readonly string[];
}

export interface Ours extends Measured {
  readonly half: LoadResult;
}

export interface OurOptions {
  readonly policies: readonly PolicyFile[];
  readonly bodies: readonly string[];
  /** The peer's answers, which ours must equal; null without a peer. */
  readonly expected: readonly string[] | null;
  /** What is started; the working tree when absent. */
  readonly program?: string;
  /** Where reviews are sent; validation when absent. */
  readonly path?: string;
}

/** A manager under load after a warm-up. */
export async function measurePeer(target: LoadTarget, pid: number): Promise<Measured> {
  const answers = await answersOf(target);
  await runLoad(target, { connections, seconds: 2 });
  return { ...(await saturateMeasured(target, pid)), peakMegabytes: peakOf(pid), answers };
}

async function saturateMeasured(
  target: LoadTarget,
  pid: number | undefined,
): Promise<Pick<Measured, "load" | "cpuMs">> {
  const before = cpuOf(pid);
  const load = await runLoad(target, { connections, seconds });
  const after = cpuOf(pid);
  const requests = load.requestsPerSecond * seconds;
  return { load, cpuMs: before === null || after === null ? null : (after - before) / requests };
}

export async function measureBare(folder: string, bodies: readonly string[]): Promise<LoadResult> {
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
  await runLoad(target, { connections, seconds: 2 });
  const load = await runLoad(target, { connections, seconds });
  await stopProcess(child);
  return load;
}

export async function measureOurs(
  folder: string,
  { policies, bodies, expected, program = main, path = admitPath }: OurOptions,
): Promise<Ours> {
  for (const { name, text } of policies) writeFileSync(join(folder, name), text);
  for (let team = 0; team < 5; team++) {
    writeFileSync(
      join(folder, `namespace-${team}.yaml`),
      `apiVersion: v1\nkind: Namespace\nmetadata: {name: team-${team}}\n`,
    );
  }
  const port = await freePort();
  const child = spawn(process.execPath, [program, "serve", "--policies", folder, "--port", String(port)], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  try {
    const target = { port, path, bodies };
    await waitFor("our webhook", 30, async () => (await get(port, "/readyz")) === 200);
    const answers = await answersOf(target);
    if (expected !== null) compareAnswers(answers, expected);
    await runLoad(target, { connections, seconds: 5 });
    const measured = await saturateMeasured(target, child.pid);
    const requestsPerSecond = measured.load.requestsPerSecond / 2;
    // What saturation left behind is collected, and V8 settles, before latency is measured.
    await runLoad(target, { connections, seconds: 5, requestsPerSecond });
    const half = await runLoad(target, { connections, seconds, requestsPerSecond });
    return { ...measured, half, answers, peakMegabytes: peakOf(child.pid) };
  } finally {
    await stopProcess(child);
  }
}

/**
 * Each body's verdict and message, one request after the other. Lines are sorted, because Gatekeeper's order of lines with
 * equal text is that of a Go map.
 */
async function answersOf({ port, path: route, bodies }: LoadTarget): Promise<readonly string[]> {
  const answers: string[] = [];
  for (const body of bodies) {
    // oxlint-disable-next-line no-await-in-loop
    const { response } = JSON.parse(await post(port, route, body)) as {
      readonly response: {
        readonly allowed: boolean;
        readonly status?: { readonly code?: number; readonly message?: string };
        readonly warnings?: readonly string[];
        readonly patch?: string;
      };
    };
    const lines = (response.status?.message ?? "").split("\n").map(withOrderedReasons);
    // Kyverno leaves the code out, which an API server takes for this.
    const code = response.status?.code ?? (response.allowed ? 200 : 400);
    const { patch } = response;
    const changed = patch === undefined ? [] : [patchedObject(body, patch)];
    answers.push(JSON.stringify([response.allowed, code, lines.toSorted(), response.warnings ?? [], ...changed]));
  }
  return answers;
}

/** What the patch makes of the review's object: there are many patches for one change. */
function patchedObject(body: string, patch: string): string {
  const { request: asked } = JSON.parse(body) as { readonly request: { readonly object: unknown } };
  const operations = readJsonPatch(JSON.parse(Buffer.from(patch, "base64").toString("utf8")));
  if ("error" in operations) throw new Error(operations.error);
  const patched = applyJsonPatch(asked.object, operations, {
    negativeIndices: false,
    allowMissingOnRemove: false,
    makeParents: false,
    budget: new Budget({}, () => 0),
  });
  if ("error" in patched) throw new Error(patched.error);
  return canonicalJson(patched.value);
}

/** The order of the reasons of Pod security is that of a Go map too. */
function withOrderedReasons(line: string): string {
  const [start = "", ...reasons] = line.split(/(?=\(Forbidden reason: )/);
  return reasons.length === 0
    ? line
    : [start, ...reasons.map((reason) => reason.replace(/'$/, "")).toSorted()].join("");
}

function compareAnswers(ours: readonly string[], theirs: readonly string[]): void {
  const different = ours.findIndex((answer, index) => answer !== theirs[index]);
  if (different !== -1)
    throw new Error(
      `answers differ for review ${different}:\nours   ${ours[different] ?? ""}\ntheirs ${theirs[different] ?? ""}`,
    );
}

export function reviewOf(pod: Record<string, unknown>, index: number): string {
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

/** The rows of a webhook bench. */
export function webhookRows(
  ours: Ours,
  theirs: Measured | null,
  bare: LoadResult,
  bodies: readonly string[],
): readonly Row[] {
  const size = bodies.reduce((sum, body) => sum + body.length, 0) / bodies.length;
  return [
    more(
      "requests per second",
      "req/s",
      ours.load.requestsPerSecond,
      theirs?.load.requestsPerSecond ?? null,
      `reviews of ${size.toFixed(0)} bytes, ${ours.load.errors} errors`,
    ),
    less("processor time per request", "ms", ours.cpuMs ?? Number.NaN, theirs?.cpuMs ?? null),
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

function post(port: number, route: string, body: string): Promise<string> {
  return new Promise((resolveBody, reject) => {
    const outgoing = request(
      {
        host: "127.0.0.1",
        port,
        path: route,
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
