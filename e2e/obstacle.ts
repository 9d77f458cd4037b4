// What stands between a replica and its API server: a proxy that hands everything on, answers each object's first writes with
// a conflict when it is told to, and can be cut, so that connections break and no new one is made. A process of its own,
// because tests block theirs. Plain HTTP on loopback; the token goes through.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { Agent, request } from "node:https";
import type { Socket } from "node:net";
import { join } from "node:path";
import { type ControlPlane, freePort, stopProcess, waitFor } from "./control-plane.ts";

export interface Obstacle {
  /** A kubeconfig that goes through it. */
  readonly kubeconfig: string;
  /** From now on the first so many writes of each object, Leases and Events apart, meet a conflict. */
  conflict(times: number): void;
  /** Breaks what is connected, and takes no connection until `join`. */
  cut(): void;
  join(): void;
  /** Writes of each object since the last `conflict`, by path: how many met a conflict, and how many went on. */
  writes(): Promise<ReadonlyMap<string, Written>>;
  close(): Promise<void>;
}

export interface Written {
  readonly refused: number;
  readonly passed: number;
}

type Message =
  | { readonly kind: "conflict"; readonly times: number }
  | { readonly kind: "cut"; readonly isCut: boolean }
  | { readonly kind: "writes" };

export async function startObstacle(plane: ControlPlane): Promise<Obstacle> {
  const port = await freePort();
  const child: ChildProcess = spawn(process.execPath, [import.meta.filename, String(port), String(plane.apiPort)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const kubeconfig = join(plane.folder, `kubeconfig-${port}`);
  writeFileSync(kubeconfig, throughUs(readFileSync(plane.kubeconfig, "utf8"), port));
  const tell = (message: Message): void => {
    child.send(message);
  };
  await waitFor("the obstacle", 30, async () => (await fetch(`http://127.0.0.1:${port}/livez`)).status < 500);
  return {
    kubeconfig,
    conflict: (times) => tell({ kind: "conflict", times }),
    cut: () => tell({ kind: "cut", isCut: true }),
    join: () => tell({ kind: "cut", isCut: false }),
    writes: async () => {
      const told = once(child, "message");
      tell({ kind: "writes" });
      const [entries] = (await told) as [readonly (readonly [string, Written])[]];
      return new Map(entries);
    },
    close: () => stopProcess(child),
  };
}

function throughUs(kubeconfig: string, port: number): string {
  const config = JSON.parse(kubeconfig) as { readonly clusters: readonly { readonly name: string }[] };
  const clusters = config.clusters.map(({ name }) => ({ name, cluster: { server: `http://127.0.0.1:${port}` } }));
  return JSON.stringify({ ...config, clusters });
}

// ── the process

function stand(port: number, apiPort: number): void {
  const agent = new Agent({ keepAlive: true, rejectUnauthorized: false });
  const sockets = new Set<Socket>();
  let isCut = false;
  let times = 0;
  let writes = new Map<string, { refused: number; passed: number }>();
  const isRefused = (method: string, path: string): boolean => {
    if ((method !== "PUT" && method !== "PATCH") || /\/(?:leases|events)(?:\/|$)/.test(path)) return false;
    const known = writes.get(path) ?? { refused: 0, passed: 0 };
    writes.set(path, known);
    const refuses = known.refused < times;
    if (refuses) known.refused++;
    else known.passed++;
    return refuses;
  };
  const server = createServer((incoming, outgoing) => {
    const path = (incoming.url ?? "").replace(/\?.*$/, "");
    if (isRefused(incoming.method ?? "", path)) refuse(incoming, outgoing, path);
    else handOn(incoming, outgoing, { agent, apiPort });
  });
  server.requestTimeout = 0;
  server.on("connection", (socket: Socket) => {
    if (isCut) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(port, "127.0.0.1");
  process.on("message", (message: Message) => {
    if (message.kind === "conflict") {
      times = message.times;
      writes = new Map();
    } else if (message.kind === "cut") {
      isCut = message.isCut;
      if (isCut) for (const socket of sockets) socket.destroy();
    } else {
      process.send?.([...writes]);
    }
  });
}

function refuse(incoming: IncomingMessage, outgoing: ServerResponse, path: string): void {
  incoming.resume();
  incoming.on("end", () => {
    const message = `Operation cannot be fulfilled on ${path}: the object has been modified; please apply your changes to the latest version and try again`;
    const status = { kind: "Status", apiVersion: "v1", status: "Failure", message, reason: "Conflict", code: 409 };
    outgoing.writeHead(409, { "content-type": "application/json" }).end(JSON.stringify(status));
  });
}

function handOn(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { agent, apiPort }: { readonly agent: Agent; readonly apiPort: number },
): void {
  const { method, url, headers } = incoming;
  const onward = request(
    { host: "127.0.0.1", port: apiPort, method, path: url, headers, agent, rejectUnauthorized: false },
    (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      outgoing.flushHeaders();
      response.pipe(outgoing);
      response.on("error", () => outgoing.destroy());
    },
  );
  onward.on("error", () => outgoing.destroy());
  outgoing.on("close", () => onward.destroy());
  incoming.pipe(onward);
}

if (import.meta.main) stand(Number(process.argv[2]), Number(process.argv[3]));
