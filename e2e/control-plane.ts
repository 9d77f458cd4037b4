// A kube-apiserver and an etcd of our own on loopback, for the peers that cannot start without one: fresh data in a
// temporary folder, ports that were free a moment ago, an administrator's token. Stopped and removed by `stop`.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, existsSync, fstatSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface ControlPlane {
  readonly folder: string;
  readonly kubeconfig: string;
  readonly etcdUrl: string;
  readonly apiPort: number;
  /** Ends the API server as a crash would, and starts it again on the same port; ready when it resolves. */
  readonly restartApiServer: () => Promise<void>;
  /** Holds etcd, as a disk does that does not answer, until `resumeEtcd`. */
  readonly pauseEtcd: () => void;
  readonly resumeEtcd: () => void;
  /** Forgets all history: who wants to go on from where it was is told that this is gone. */
  readonly compactEtcd: () => Promise<void>;
  /** Every write that the API server has taken or refused, since it was first started; empty without `writeLog`. */
  readonly writes: () => readonly LoggedWrite[];
  /** Sends an object (with PATCH: what is merged into it); resolves to status code and body. */
  readonly call: (
    method: string,
    path: string,
    body?: unknown,
  ) => Promise<{ readonly status: number; readonly body: string }>;
  readonly stop: () => Promise<void>;
}

/** What the API server's audit log says of a write. */
export interface LoggedWrite {
  /** Absent: the client says none, as we do not in tests. */
  readonly userAgent?: string;
  readonly verb: string;
  readonly stageTimestamp: string;
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code?: number };
}

export interface ControlPlaneOptions {
  /** The name of the administrator, in the group system:masters; `admin` when absent. */
  readonly user?: string;
  /** Containers may be privileged, as on most clusters. */
  readonly privileged?: true;
  /** The API server keeps a log of writes, and of who sent them. */
  readonly writeLog?: true;
}

export async function startControlPlane(
  etcd: string,
  apiserver: string,
  { user = "admin", privileged, writeLog }: ControlPlaneOptions = {},
): Promise<ControlPlane> {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-control-plane-"));
  const [etcdPort, peerPort, apiPort] = [await freePort(), await freePort(), await freePort()];
  const token = "bench-token";
  writeFileSync(join(folder, "tokens.csv"), `${token},${user},${user},system:masters\n`);
  execFileSync("openssl", ["genrsa", "-out", join(folder, "sa.key"), "2048"], { stdio: "ignore" });
  const logFile = join(folder, "writes.log");
  const logging = writeLog === true ? logFlags(folder, logFile) : [];
  const startEtcd = (): ChildProcess =>
    start(folder, "etcd", etcd, [
      "--data-dir",
      join(folder, "etcd"),
      "--unsafe-no-fsync",
      "--listen-client-urls",
      `http://127.0.0.1:${etcdPort}`,
      "--advertise-client-urls",
      `http://127.0.0.1:${etcdPort}`,
      "--listen-peer-urls",
      `http://127.0.0.1:${peerPort}`,
    ]);
  const startApiServer = (): ChildProcess =>
    start(folder, "apiserver", apiserver, [
      `--etcd-servers=http://127.0.0.1:${etcdPort}`,
      `--secure-port=${apiPort}`,
      "--bind-address=127.0.0.1",
      `--cert-dir=${join(folder, "certs")}`,
      `--token-auth-file=${join(folder, "tokens.csv")}`,
      "--authorization-mode=RBAC",
      "--service-account-issuer=https://bench.local",
      `--service-account-key-file=${join(folder, "sa.key")}`,
      `--service-account-signing-key-file=${join(folder, "sa.key")}`,
      "--service-cluster-ip-range=10.0.0.0/24",
      "--disable-admission-plugins=ServiceAccount",
      `--allow-privileged=${privileged ?? false}`,
      ...logging,
    ]);
  const processes = { etcd: startEtcd(), apiserver: startApiServer() };
  const call = caller(apiPort, token);
  const isReady = (): Promise<void> =>
    waitFor("kube-apiserver", 120, async () => (await call("GET", "/readyz")).status === 200);
  await isReady();
  const kubeconfig = join(folder, "kubeconfig");
  writeFileSync(kubeconfig, kubeconfigText(apiPort, token));
  const pauseEtcd = (): void => void processes.etcd.kill("SIGSTOP");
  const resumeEtcd = (): void => void processes.etcd.kill("SIGCONT");
  const stop = async (): Promise<void> => {
    await Promise.all([processes.etcd, processes.apiserver].map(stopProcess));
    rmSync(folder, { recursive: true, force: true });
  };
  const restartApiServer = async (): Promise<void> => {
    await stopProcess(processes.apiserver);
    processes.apiserver = startApiServer();
    await isReady();
  };
  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const compactEtcd = (): Promise<void> => compact(etcdUrl);
  const writes = loggedWrites(logFile);
  const hands = { restartApiServer, pauseEtcd, resumeEtcd, compactEtcd, stop };
  return { folder, kubeconfig, etcdUrl, apiPort, writes, call, ...hands };
}

function logFlags(folder: string, logFile: string): readonly string[] {
  const policyFile = join(folder, "log-policy.yaml");
  const reads = { level: "None", verbs: ["get", "list", "watch"] };
  const policy = {
    apiVersion: "audit.k8s.io/v1",
    kind: "Policy",
    omitStages: ["RequestReceived"],
    rules: [reads, { level: "Metadata" }],
  };
  writeFileSync(policyFile, JSON.stringify(policy));
  return [`--audit-policy-file=${policyFile}`, `--audit-log-path=${logFile}`, "--audit-log-mode=blocking"];
}

/** Reads what has come since it was last asked. */
function loggedWrites(file: string): () => readonly LoggedWrite[] {
  const known: LoggedWrite[] = [];
  let [at, rest] = [0, ""];
  return () => {
    if (!existsSync(file)) return known;
    const log = openSync(file, "r");
    const chunk = Buffer.alloc(Math.max(0, fstatSync(log).size - at));
    at += readSync(log, chunk, 0, chunk.length, at);
    closeSync(log);
    // Of ASCII alone, so that no character is cut.
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) known.push(JSON.parse(line) as LoggedWrite);
    return [...known];
  };
}

async function compact(etcdUrl: string): Promise<void> {
  const post = async (path: string, body: object): Promise<string> => {
    const response = await fetch(`${etcdUrl}/v3/kv/${path}`, { method: "POST", body: JSON.stringify(body) });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${path}: ${text}`);
    return text;
  };
  const read = await post("range", { key: Buffer.from("\0").toString("base64") });
  const { header } = JSON.parse(read) as { readonly header: { readonly revision: string } };
  await post("compaction", { revision: header.revision, physical: true });
}

/** Starts a program with its output in a file of the folder. */
export function start(
  folder: string,
  name: string,
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): ChildProcess {
  const log = openSync(join(folder, `${name}.log`), "a");
  return spawn(command, [...args], { stdio: ["ignore", log, log], env });
}

export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}

/** Tries until it is true; errors count as false. Throws after so many seconds. */
export async function waitFor(what: string, seconds: number, isReady: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until) {
    // Polling is the point here.
    // oxlint-disable-next-line no-await-in-loop
    if (await isReady().catch(() => false)) return;
    // oxlint-disable-next-line no-await-in-loop
    await sleep(200);
  }
  throw new Error(`${what} was not ready after ${seconds} s`);
}

/** Tries until the text is in what is read; the last reading stands in the error. */
export async function saysSoon(what: string, read: () => string, text: string): Promise<void> {
  let last = "";
  try {
    await waitFor(what, 40, async () => {
      last = read();
      return last.includes(text);
    });
  } catch (error) {
    throw new Error(`${(error as Error).message}: ${last}`, { cause: error });
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function caller(port: number, token: string): ControlPlane["call"] {
  return (method, path, body) =>
    new Promise((resolve, reject) => {
      const form = method === "PATCH" ? "merge-patch+json" : "json";
      const outgoing = request(
        {
          host: "127.0.0.1",
          port,
          method,
          path,
          rejectUnauthorized: false,
          headers: { authorization: `Bearer ${token}`, "content-type": `application/${form}` },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("end", () =>
            resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
          );
        },
      );
      outgoing.on("error", reject);
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });
}

function kubeconfigText(port: number, token: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "bench", cluster: { server: `https://127.0.0.1:${port}`, "insecure-skip-tls-verify": true } }],
    users: [{ name: "admin", user: { token } }],
    contexts: [{ name: "bench", context: { cluster: "bench", user: "admin" } }],
    "current-context": "bench",
  });
}
