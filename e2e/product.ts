// The product on a control plane of our own, as its users run it: replicas, the command line and kubectl, each a process.

import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { mkdirSync, openSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { ProgramName } from "./binaries.ts";
import { type ControlPlane, type ControlPlaneOptions, freePort, startControlPlane, waitFor } from "./control-plane.ts";

export const repository = resolve(import.meta.dirname, "..");
const main = join(repository, "packages/portcullis/src/cli/main.ts");

export interface Ran {
  readonly code: number | null;
  /** Both outputs, as somebody at a terminal sees them. */
  readonly text: string;
  readonly stdout: string;
}

export interface Product extends ControlPlane {
  readonly kubectl: (...args: readonly string[]) => string;
  /** As `kubectl apply -f -`. */
  readonly apply: (...objects: readonly unknown[]) => string;
  /** The object, or null when it cannot be had. */
  readonly get: (...args: readonly string[]) => Readonly<Record<string, unknown>> | null;
  /** `portcullis …` with the cluster's kubeconfig. */
  readonly cli: (...args: readonly string[]) => Ran;
  /** The same, while the test goes on. */
  readonly cliLater: (...args: readonly string[]) => Promise<Ran>;
}

export async function startProduct(
  programs: Readonly<Record<ProgramName, string>>,
  options: ControlPlaneOptions = {},
): Promise<Product> {
  const plane = await startControlPlane(programs.etcd, programs["kube-apiserver"], options);
  const kubectl = (args: readonly string[], input?: string): Ran =>
    ran(programs.kubectl, ["--kubeconfig", plane.kubeconfig, "--request-timeout=60s", ...args], input);
  return {
    ...plane,
    kubectl: (...args) => kubectl(args).text,
    apply: (...objects) =>
      kubectl(["apply", "-f", "-"], objects.map((object) => JSON.stringify(object)).join("\n---\n")).text,
    get: (...args) => {
      const { stdout } = kubectl(["get", ...args, "-o", "json"]);
      return stdout.startsWith("{") ? (JSON.parse(stdout) as Readonly<Record<string, unknown>>) : null;
    },
    cli: (...args) => ran(process.execPath, [main, ...args, "--kubeconfig", plane.kubeconfig]),
    cliLater: (...args) => ranLater(process.execPath, [main, ...args, "--kubeconfig", plane.kubeconfig]),
  };
}

/** A command of the product that needs no cluster. */
export function offline(...args: readonly string[]): Ran {
  return ran(process.execPath, [main, ...args]);
}

function ran(command: string, args: readonly string[], input?: string): Ran {
  const { stdout, stderr, status } = spawnSync(command, [...args], {
    encoding: "utf8",
    input,
    maxBuffer: 256 * 1024 * 1024,
    timeout: 120_000,
  });
  return { code: status, text: `${stdout}${stderr}`.trim(), stdout };
}

function ranLater(command: string, args: readonly string[]): Promise<Ran> {
  return new Promise((settle) => {
    execFile(command, [...args], { encoding: "utf8", maxBuffer: 256 * 1024 * 1024 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : null;
      settle({ code, text: `${stdout}${stderr}`.trim(), stdout });
    });
  });
}

export interface Replica {
  readonly child: ChildProcess;
  readonly port: number;
  /** What it logged so far. */
  readonly log: () => string;
}

export interface ReplicaOptions {
  readonly name: string;
  /** Another one than the administrator's. */
  readonly kubeconfig?: string;
  /** Registers itself by its own address, or by another one (`https://127.0.0.1:PORT`). */
  readonly registers: boolean | string;
  readonly flags?: readonly string[];
  /** What is run instead of the tree's command line. */
  readonly program?: string;
}

/** Resolves once it is ready. */
export async function startReplica(product: Product, options: ReplicaOptions): Promise<Replica> {
  const { name, kubeconfig = product.kubeconfig, registers, flags = [], program = main } = options;
  const port = await freePort();
  const folder = join(product.folder, "replicas");
  mkdirSync(folder, { recursive: true });
  const logFile = join(folder, `${name}.log`);
  const log = openSync(logFile, "a");
  const url = registers === true ? `https://127.0.0.1:${port}` : registers;
  const registered = url === false ? [] : ["--webhook-url", url];
  const all = [
    program,
    "run",
    "--kubeconfig",
    kubeconfig,
    "--port",
    String(port),
    "--pod-name",
    name,
    "--workers",
    "1",
  ];
  const child = spawn(process.execPath, [...all, ...registered, ...flags], { stdio: ["ignore", log, log] });
  const read = (): string => readFileSync(logFile, "utf8");
  const isOver = (): boolean => child.exitCode !== null;
  const isReady = (): boolean => read().includes("answering admission reviews");
  await waitFor(`replica ${name}`, 60, async () => isOver() || isReady()).catch(() => {});
  if (isReady()) return { child, port, log: read };
  child.kill("SIGKILL");
  throw new Error(`replica ${name} is not ready: ${read()}`);
}
