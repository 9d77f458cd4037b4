// What the tests of the server share: a server on a free port with a decider of the test's own, and a client for it.

import { type Agent, request } from "node:https";
import { type CertificateSource, selfSigned } from "../../src/server/certificates/reload.ts";
import { type Health, createHealth } from "../../src/server/health.ts";
import { type HttpsServer, startHttps } from "../../src/server/https.ts";
import { type ServerLimits, defaultLimits } from "../../src/server/limits.ts";
import { type Metrics, createMetrics } from "../../src/server/metrics.ts";
import { writeReview } from "../../src/server/review.ts";
import { type Decide, type Reply, routes } from "../../src/server/routes.ts";

export interface Running extends AsyncDisposable {
  readonly server: HttpsServer;
  readonly url: string;
  readonly ca: string;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly errors: unknown[];
}

let certificates: Promise<CertificateSource> | null = null;

export async function startServer(decide: Decide, limits: Partial<ServerLimits> = {}): Promise<Running> {
  certificates ??= selfSigned(["localhost", "127.0.0.1"]);
  const { pair, ca } = await certificates;
  const health = createHealth({ policies: null });
  const metrics = createMetrics({ process: false });
  const errors: unknown[] = [];
  const all = { ...defaultLimits, ...limits };
  const onError = (error: unknown) => errors.push(error);
  const server = await startHttps({
    host: "127.0.0.1",
    port: 0,
    pair,
    minVersion: "TLSv1.3",
    limits: all,
    handle: routes({ decide, health, metrics, limits: all, metricsHere: true, onError }),
  });
  const url = `https://127.0.0.1:${server.port}`;
  const close = () => server.close(200);
  return { server, url, ca: ca ?? "", health, metrics, errors, [Symbol.asyncDispose]: close };
}

/** Allows everything, after `check` has looked at the body. */
export function allowing(check: (body: string, deadlineMs: number) => void = () => {}): Decide {
  return (body, deadlineMs) => {
    check(body, deadlineMs);
    return Promise.resolve(allowReply("1"));
  };
}

export function allowReply(uid: string): Reply {
  const answer = { allowed: true, code: 200, reason: "", message: "", warnings: [] };
  return {
    status: 200,
    body: writeReview(uid, answer),
    record: { status: "allow", kyverno: null, dryRun: false, results: [] },
  };
}

export interface Received {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface Sent {
  readonly method?: string;
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly ca: string;
  readonly agent?: Agent;
}

export function send(url: string, { method = "POST", body = "", headers = {}, ca, agent }: Sent): Promise<Received> {
  return new Promise((resolve, reject) => {
    const all = { "content-type": "application/json", ...headers };
    const outgoing = request(url, { method, headers: all, ca, ...(agent && { agent }) }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("error", reject);
      incoming.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

export interface ReviewOptions {
  readonly uid?: string;
  readonly object?: unknown;
  readonly kind?: { readonly group: string; readonly version: string; readonly kind: string };
  readonly namespace?: string;
}

/** An AdmissionReview as kube-apiserver sends it. */
export function reviewText({ uid = "u-1", object = {}, kind, namespace = "default" }: ReviewOptions = {}): string {
  const admission = {
    uid,
    kind: kind ?? { group: "", version: "v1", kind: "Pod" },
    resource: { group: "", version: "v1", resource: "pods" },
    name: "web",
    namespace,
    operation: "CREATE",
    userInfo: { username: "jane", groups: ["dev"] },
    object,
    oldObject: null,
    dryRun: false,
    options: null,
  };
  return JSON.stringify({ kind: "AdmissionReview", apiVersion: "admission.k8s.io/v1", request: admission });
}
