// What is served where. The admission path is answered on Node's own request and response, because a web Request and
// Response per admission cost a third of the throughput; health, metrics and whatever comes later are hono routes.
//
// An admission request is answered in time whatever happens: the deadline is the client's `?timeout=` less a margin, the
// decision is asked for with it, and if none came by then the answer is an error under the uid that stands in the body.

import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Endpoint, endpointAt, knownPaths } from "./endpoints.ts";
import type { Health } from "./health.ts";
import { type ReadBody, type ServerLimits, answerMarginMs, bodyReader, requestTimeoutMs } from "./limits.ts";
import type { AdmissionRecord, Metrics } from "./metrics.ts";
import { type Decided, type EntryNote, failedDecision } from "./decided.ts";
import { type ShadowDecision, shadowed } from "./shadow.ts";
import { type Addressee, type Answer, findReview, writeReview } from "./review.ts";

/** What the decider says to one body. */
export interface Reply {
  /** HTTP status; 200 for every AdmissionReview. */
  readonly status: number;
  /** An AdmissionReview when the status is 200, else a text for people. */
  readonly body: string;
  /** For the metrics; null when no policy was asked, because the request was not an admission request. */
  readonly record: AdmissionRecord | null;
  /** For the decision log; absent where nobody keeps one. */
  readonly decided?: Decided;
  /** What it says may quote a Secret, and is for whoever asked alone. */
  readonly quotesSecret?: true;
  /** Which write it lets through; absent where nobody asks. */
  readonly note?: EntryNote;
}

/** Answers a body by `deadlineMs` on the clock of `performance.now()`. Never rejects for what the client sent. */
export type Decide = (body: string, deadlineMs: number, endpoint: Endpoint) => Promise<Reply>;

export interface RoutesOptions {
  readonly decide: Decide;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly limits: ServerLimits;
  /** Serve `/metrics` here too, and not only on a port of its own. */
  readonly metricsHere: boolean;
  /** Told of every answered admission request. */
  readonly onAdmission?: (record: AdmissionRecord) => void;
  /** Told of every decision in shadow of a neighbour. */
  readonly onShadow?: (decision: ShadowDecision, url: string, note: EntryNote | null) => void;
  /** Told of what the decision log keeps, once the answer is on its way. */
  readonly onDecided?: (decided: Decided, about: { readonly durationMs: number; readonly isShadow: boolean }) => void;
  /** Told of every write that is let through, before the answer is sent. */
  readonly onEntry?: (note: EntryNote) => void;
  /** An unexpected failure of ours; the client is told only that there was one. */
  readonly onError: (error: unknown) => void;
}

export type Handle = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

export function routes(options: RoutesOptions): Handle {
  const readBody = bodyReader(options.limits);
  const others = getRequestListener(otherRoutes(options).fetch, { overrideGlobalObjects: false });
  return (incoming, outgoing) => {
    const url = incoming.url ?? "/";
    const endpoint = endpointAt(url);
    const served =
      endpoint === null
        ? others(incoming, outgoing)
        : serveAdmission(options, { incoming, outgoing, url, endpoint, readBody });
    served.catch(options.onError);
  };
}

/** `/metrics` alone, for a port of its own without TLS. */
export function metricsRoutes(options: Pick<RoutesOptions, "metrics" | "onError">): Handle {
  const app = new Hono();
  addMetrics(app, options.metrics);
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  return (incoming, outgoing) => {
    listener(incoming, outgoing).catch(options.onError);
  };
}

function otherRoutes({ health, metrics, metricsHere }: RoutesOptions): Hono {
  const app = new Hono();
  app.get("/healthz", (context) => context.text("ok"));
  app.get("/livez", (context) => context.text("ok"));
  app.get("/readyz", (context) => {
    const verbose = context.req.query("verbose") !== undefined || !health.ready;
    return context.text(verbose ? health.report() : "ok", health.ready ? 200 : 503);
  });
  if (metricsHere) addMetrics(app, metrics);
  app.notFound((context) =>
    context.text(`not found: there are ${knownPaths}, GET /healthz, /readyz and /metrics\n`, 404),
  );
  return app;
}

function addMetrics(app: Hono, metrics: Metrics): void {
  app.get("/metrics", async (context) =>
    context.body(await metrics.text(), 200, { "content-type": metrics.contentType }),
  );
}

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly url: string;
  readonly endpoint: Endpoint;
  readonly readBody: ReadBody;
}

async function serveAdmission(options: RoutesOptions, exchange: Exchange): Promise<void> {
  const { incoming, outgoing, url } = exchange;
  const startMs = performance.now();
  try {
    send(incoming, outgoing, await admit(options, exchange));
    options.metrics.traffic.http(incoming.method ?? "", url, (performance.now() - startMs) / 1000);
  } catch (error) {
    options.onError(error);
    if (!outgoing.headersSent) send(incoming, outgoing, textReply(500, "internal error\n"));
  }
}

/** Null: the client went away and there is nobody to answer. */
async function admit(options: RoutesOptions, exchange: Exchange): Promise<Reply | null> {
  const { method = "" } = exchange.incoming;
  if (method !== "POST") return textReply(405, `expected a POST, got a ${method}\n`);
  const startMs = performance.now();
  const timeoutMs = requestTimeoutMs(exchange.url, options.limits.timeoutMs);
  const reply = await answerBody(options, exchange, startMs + timeoutMs - answerMarginMs(timeoutMs));
  const isShadow = exchange.endpoint.isShadow === true;
  if (reply?.decided !== undefined) {
    options.onDecided?.(reply.decided, { durationMs: performance.now() - startMs, isShadow });
  }
  if (reply !== null && isShadow) return allowed(options, exchange, reply);
  if (reply?.note !== undefined) options.onEntry?.(reply.note);
  const record = reply?.record ?? null;
  if (record !== null) {
    options.metrics.admission(record, (performance.now() - startMs) / 1000);
    options.onAdmission?.(record);
  }
  return reply;
}

function allowed({ metrics, onShadow }: RoutesOptions, { url }: Exchange, reply: Reply): Reply {
  const { reply: allowing, decision } = shadowed(reply);
  if (decision !== null) {
    metrics.shadow(decision.allowed);
    onShadow?.(decision, url, reply.note ?? null);
  }
  return allowing;
}

async function answerBody(options: RoutesOptions, exchange: Exchange, deadlineMs: number): Promise<Reply | null> {
  const body = await exchange.readBody(exchange.incoming, deadlineMs - performance.now());
  switch (body.kind) {
    case "aborted":
      return null;
    case "too-large": {
      const message = `the request's body is larger than the ${options.limits.bodyBytes} bytes that are taken`;
      return errorReply(findReview(body.head), 413, message);
    }
    case "busy":
      return errorReply(findReview(body.head), 503, "too many large requests are being answered at once");
    case "whole":
      try {
        const unreadable = mediaProblem(exchange.incoming);
        if (unreadable !== null) return errorReply(findReview(body.text), 415, unreadable);
        return await options.decide(body.text, deadlineMs, exchange.endpoint);
      } finally {
        body.release();
      }
    default:
      return body satisfies never;
  }
}

/** Why the body cannot be an AdmissionReview in JSON, whatever is in it. */
function mediaProblem({ headers }: IncomingMessage): string | null {
  const type = headers["content-type"] ?? "";
  if (type !== "application/json" && !/^application\/json(?:\s*;|$)/i.test(type)) {
    return `contentType=${printable(type)}, expected application/json`;
  }
  const encoding = headers["content-encoding"] ?? "identity";
  return encoding === "identity" ? null : `contentEncoding=${printable(encoding)}, expected none`;
}

function printable(header: string): string {
  return header.slice(0, 100).replaceAll(/[^\u0020-\u007E]/g, "?");
}

/**
 * An AdmissionReview that refuses with this code when there is a uid to answer to, else the code as an HTTP status. As in
 * Gatekeeper, what is wrong with the request itself is not counted among the answers of policies.
 */
export function errorReply(to: Addressee | null, code: number, message: string): Reply {
  if (to === null) return textReply(code, `${message}\n`);
  const answer: Answer = { allowed: false, code, reason: "", message, warnings: [] };
  const record = code < 500 ? null : ({ status: "error", kyverno: null, dryRun: false, results: [] } as const);
  const decided = failedDecision(to.uid, code, message);
  return { status: 200, body: writeReview(to.uid, answer, to.apiVersion), record, decided };
}

function textReply(status: number, body: string): Reply {
  return { status, body, record: null };
}

function send(incoming: IncomingMessage, outgoing: ServerResponse, reply: Reply | null): void {
  if (reply === null || outgoing.destroyed) return;
  if (reply.status === 405) outgoing.setHeader("allow", "POST");
  if (!incoming.complete) {
    // The rest of a refused body must not be taken for the next request on this connection.
    outgoing.setHeader("connection", "close");
    incoming.resume();
  }
  outgoing.writeHead(reply.status, {
    "content-type": reply.status === 200 ? "application/json" : "text/plain; charset=utf-8",
    "content-length": Buffer.byteLength(reply.body),
  });
  outgoing.end(reply.body);
}
