// An API server that says what a test tells it to, over plain HTTP on loopback.

import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { plainCredentials } from "../../src/cluster/credentials.ts";
import type { ClusterConfig } from "../../src/cluster/kubeconfig.ts";

export interface ScriptedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface ScriptedServer {
  readonly config: ClusterConfig;
  /** Everything that was asked, in order. */
  readonly requests: readonly ScriptedRequest[];
  /** Cuts every connection. */
  cut(): void;
  close(): Promise<void>;
}

export type Responder = (request: ScriptedRequest, response: ServerResponse) => void;

export async function startScripted(respond: Responder): Promise<ScriptedServer> {
  const requests: ScriptedRequest[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const url = new URL(incoming.url ?? "", "http://scripted");
      const { headers, method = "" } = incoming;
      const body = Buffer.concat(chunks).toString();
      const request = { method, path: url.pathname, query: url.searchParams, headers, body };
      requests.push(request);
      respond(request, response);
    });
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    config: {
      server: `http://127.0.0.1:${port}`,
      namespace: "default",
      tls: { ca: null, verify: true, serverName: null },
      credentials: plainCredentials({ token: { text: "secret-token" } }),
      impersonate: null,
      proxyUrl: null,
    },
    requests,
    cut,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      cut();
      await closed;
    },
  };
}

export function json(response: ServerResponse, status: number, body: unknown, headers: object = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

export function statusBody(code: number, reason: string, message: string, more: object = {}): object {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code, ...more };
}

/** Resolves once it holds; the test's own timeout ends the wait. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
}
