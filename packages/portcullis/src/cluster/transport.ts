// One HTTP exchange with the API server: connections that are kept and found dead by TCP itself, our credential on every
// request, and errors as the API server words them. Whether to try again is decided by the caller.

import { type ClientRequest, type IncomingMessage, Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { stringAt, valueAt } from "@portcullis/kube";
import { ApiError } from "./api.ts";
import { type Credential, materialReader } from "./credentials.ts";
import type { ClusterConfig, Impersonation } from "./kubeconfig.ts";

interface Exchange {
  readonly method: string;
  readonly path: string;
  /** Sent as it is. */
  readonly body?: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** Until the head of the answer is there, and to its end where the caller reads it with `readBody`. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Transport {
  /** Resolves to the answer, whatever its status, once its head is there. Rejects with an ApiError of status 0. */
  send(exchange: Exchange): Promise<IncomingMessage>;
  close(): void;
}

/** Silent peers are found by TCP after about so long. */
const tcpKeepAliveMs = 30_000;
/** Idle connections end here before the API server ends them (90 s), so that none is used at the moment it closes. */
const idleMs = 60_000;

export function createTransport(config: ClusterConfig, userAgent: string): Transport {
  const base = new URL(config.server);
  const basePath = base.pathname.replace(/(?<!\/)\/+$/, "");
  const isPlain = base.protocol === "http:";
  const agentFor = isPlain ? plainAgent() : tlsAgents(config);
  const identity = impersonationHeaders(config.impersonate);
  const open = new Set<ClientRequest>();
  return {
    async send({ method, path, body, headers, timeoutMs, signal }) {
      const credential = await currentCredential(config);
      const { authorization } = credential;
      const outgoing = (isPlain ? httpRequest : httpsRequest)({
        host: base.hostname.replace(/^\[|\]$/g, ""),
        port: base.port === "" ? (isPlain ? 80 : 443) : base.port,
        method,
        path: basePath + path,
        agent: await agentFor.agent(credential),
        headers: {
          "user-agent": userAgent,
          ...headers,
          ...(body === undefined ? {} : { "content-length": Buffer.byteLength(body) }),
          ...(authorization === null ? {} : { authorization }),
          ...identity,
        },
      });
      open.add(outgoing);
      outgoing.once("close", () => open.delete(outgoing));
      outgoing.once("socket", (socket) => socket.setKeepAlive(true, tcpKeepAliveMs));
      return answered(outgoing, { body, timeoutMs, signal, server: config.server });
    },
    close() {
      for (const request of open) request.destroy(new Error("the client was closed"));
      agentFor.close();
    },
  };
}

async function currentCredential(config: ClusterConfig): Promise<Credential> {
  try {
    return await config.credentials.current();
  } catch (error) {
    throw new ApiError(`no credential for ${config.server}: ${messageOf(error)}`, { status: 0, reason: "Credential" });
  }
}

/** The head of the answer, within the time. The timer goes on until the answer's end unless `stopTimer` is called. */
function answered(
  outgoing: ClientRequest,
  about: Pick<Exchange, "body" | "timeoutMs" | "signal"> & { readonly server: string },
): Promise<IncomingMessage> {
  const { body, timeoutMs, signal, server } = about;
  return new Promise((resolve, reject) => {
    let answer = null as IncomingMessage | null;
    const cut = (reason: string, message: string) => (): void => {
      const error = new ApiError(`${server}: ${message}`, { status: 0, reason });
      answer?.destroy(error);
      outgoing.destroy(error);
    };
    const expire = cut("Timeout", `no answer to ${outgoing.method} ${outgoing.path} in ${timeoutMs} ms`);
    const timer = setTimeout(expire, timeoutMs);
    const abort = cut("Aborted", `${outgoing.method} ${outgoing.path} was aborted`);
    if (signal?.aborted === true) abort();
    else signal?.addEventListener("abort", abort, { once: true });
    outgoing.once("close", () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    });
    outgoing.on("error", (error) => reject(unreachable(server, error, outgoing.reusedSocket)));
    outgoing.once("response", (response) => {
      answer = response;
      timers.set(response, timer);
      // An answer that is cut reports to whoever reads it; nobody may be reading yet.
      response.on("error", () => undefined);
      resolve(response);
    });
    outgoing.end(body);
  });
}

const timers = new WeakMap<IncomingMessage, NodeJS.Timeout>();

/** For answers without an end: from now on only the signal ends them. */
export function stopTimer(response: IncomingMessage): void {
  clearTimeout(timers.get(response));
}

/** The connection was an old one that the server had just closed: nothing is wrong, and a new one may be tried. */
export class StaleConnectionError extends ApiError {}

function unreachable(server: string, error: Error & { readonly code?: string }, isReused: boolean): ApiError {
  if (error instanceof ApiError) return error;
  const about = { status: 0, reason: "Unreachable" };
  const message = `cannot reach ${server}: ${error.message}`;
  const isStale = isReused && (error.code === "ECONNRESET" || error.code === "EPIPE");
  return isStale ? new StaleConnectionError(message, about) : new ApiError(message, about);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The whole body; an ApiError when it is longer than allowed or is cut. */
export async function readBody(response: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > bytesMax) {
        response.destroy();
        throw new ApiError(`the answer is longer than ${bytesMax} bytes`, { status: 0, reason: "TooLarge" });
      }
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(`the answer was cut: ${messageOf(error)}`, { status: 0, reason: "Unreachable" });
  }
  return Buffer.concat(chunks);
}

/** What a refusal says: a Status when the API server wrote it, the first line of anything else after what was asked. */
export function refusal(response: IncomingMessage, body: string, asked: string): ApiError {
  const status = response.statusCode ?? 0;
  const tree = parsed(body);
  const isStatus = stringAt(tree, "kind") === "Status";
  const line = body.trim().split("\n", 1)[0]?.slice(0, 500) ?? "";
  const message = isStatus ? stringAt(tree, "message") : `${asked}: ${line || `status ${status}`}`;
  const retryAfterMs = retryAfter(response.headers["retry-after"]) ?? secondsAt(tree, isStatus);
  return new ApiError(message, {
    status,
    reason: (isStatus && stringAt(tree, "reason")) || (reasons[status] ?? "Unknown"),
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
    ...(isStatus ? { answer: tree } : {}),
  });
}

/** What Status would say, for answers of others than the API server. Go: k8s.io/apimachinery pkg/api/errors NewGenericServerResponse. */
const reasons: Readonly<Record<number, string>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  405: "MethodNotAllowed",
  406: "NotAcceptable",
  409: "Conflict",
  410: "Gone",
  413: "RequestEntityTooLarge",
  415: "UnsupportedMediaType",
  422: "Invalid",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
};

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function secondsAt(tree: unknown, isStatus: boolean): number | null {
  const seconds = isStatus ? valueAt(tree, "details", "retryAfterSeconds") : null;
  return typeof seconds === "number" && seconds > 0 ? seconds * 1000 : null;
}

/** Seconds, or a date. */
function retryAfter(header: string | undefined): number | null {
  if (header === undefined) return null;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - Date.now());
}

// ── connections

interface Agents {
  agent(credential: Credential): Promise<HttpAgent>;
  close(): void;
}

const agentOptions = { keepAlive: true, keepAliveMsecs: tcpKeepAliveMs, timeout: idleMs, scheduling: "lifo" } as const;

function plainAgent(): Agents {
  const agent = new HttpAgent(agentOptions);
  return { agent: () => Promise.resolve(agent), close: () => agent.destroy() };
}

/** A certificate or an authority that changed gets connections of its own; those of before end when they are idle. */
function tlsAgents({ tls, proxyUrl }: ClusterConfig): Agents {
  const authority = tls.ca === null ? null : materialReader(tls.ca);
  if (proxyUrl !== null && !agentsKnowProxies())
    throw new Error(`the kubeconfig's proxy-url needs Node 24.5 or newer; this is ${process.version}`);
  const all = new Set<HttpsAgent>();
  let newest: { readonly key: string; readonly agent: HttpsAgent } | null = null;
  return {
    async agent({ certificate }) {
      const ca = authority === null ? null : await authority.read();
      const key = JSON.stringify([ca, certificate]);
      if (newest?.key === key) return newest.agent;
      const agent = new HttpsAgent({
        ...agentOptions,
        ...(ca === null ? {} : { ca }),
        ...certificate,
        ...(tls.serverName === null ? {} : { servername: tls.serverName }),
        ...(proxyUrl === null ? {} : { proxyEnv: { HTTPS_PROXY: proxyUrl } }),
        rejectUnauthorized: tls.verify,
      });
      all.add(agent);
      newest = { key, agent };
      return agent;
    },
    close: () => {
      for (const agent of all) agent.destroy();
    },
  };
}

function agentsKnowProxies(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return major > 24 || (major === 24 && minor >= 5);
}

function impersonationHeaders(as: Impersonation | null): Readonly<Record<string, string | string[]>> {
  if (as === null) return {};
  return {
    "impersonate-user": as.user,
    ...(as.uid === undefined ? {} : { "impersonate-uid": as.uid }),
    ...(as.groups === undefined ? {} : { "impersonate-group": [...as.groups] }),
    ...Object.fromEntries(
      Object.entries(as.extra ?? {}).map(([key, values]) => [
        `impersonate-extra-${encodeURIComponent(key.toLowerCase())}`,
        [...values],
      ]),
    ),
  };
}
