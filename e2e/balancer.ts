// A TCP balancer on loopback, in the place of a Service: connections go to the backends in turn, and to the next one where
// a backend does not take them. It is a process of its own, because tests block theirs while kubectl runs.

import { type ChildProcess, spawn } from "node:child_process";
import { type Socket, connect, createServer } from "node:net";
import { freePort, stopProcess, waitFor } from "./control-plane.ts";

export interface Balancer {
  readonly port: number;
  /** From now on these ports of loopback. */
  readonly use: (backends: readonly number[]) => void;
  readonly close: () => Promise<void>;
}

/** On the port where one was before, or on a free one. */
export async function startBalancer(backends: readonly number[] = [], before?: number): Promise<Balancer> {
  const port = before ?? (await freePort());
  const child: ChildProcess = spawn(process.execPath, [import.meta.filename, String(port)], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const use = (next: readonly number[]): void => {
    child.send(next);
  };
  use(backends);
  await waitFor("the balancer", 30, () => takesConnections(port));
  return { port, use, close: () => stopProcess(child) };
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", reject);
  });
}

function balance(port: number): void {
  let backends: readonly number[] = [];
  let turn = 0;
  process.on("message", (next) => {
    backends = next as readonly number[];
  });
  // What is small goes at once, as through a Service: otherwise each waits 40 ms for the other side's acknowledgement.
  const server = createServer({ noDelay: true }, (client) => {
    client.on("error", () => client.destroy());
    forward(client, { backends, at: turn++, tries: backends.length });
  });
  server.listen(port, "127.0.0.1");
}

interface Forwarding {
  readonly backends: readonly number[];
  readonly at: number;
  readonly tries: number;
}

function forward(client: Socket, { backends, at, tries }: Forwarding): void {
  if (tries === 0) {
    client.destroy();
    return;
  }
  const backend = connect({ port: backends[at % backends.length] ?? 0, host: "127.0.0.1", noDelay: true });
  let isThere = false;
  backend.once("connect", () => {
    isThere = true;
    client.pipe(backend).pipe(client);
  });
  backend.on("error", () => {
    if (isThere) client.destroy();
    else forward(client, { backends, at: at + 1, tries: tries - 1 });
  });
  backend.on("close", () => {
    if (isThere) client.destroy();
  });
  client.on("close", () => backend.destroy());
}

if (import.meta.main) balance(Number(process.argv[2]));
