// Who we are to the API server: a token, a token in a file that is replaced while we run, a name with a password, a client
// certificate, or what a program prints. Each is asked before every call and remembers for itself how long its answer
// holds; after a 401 it is told to forget. No credential is ever part of a message.
// Behaviour: k8s.io/client-go transport/token_source.go, plugin/pkg/client/auth/exec.

import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { isObject, stringAt, valueAt } from "@portcullis/kube";

export interface Credential {
  /** The value of the `Authorization` header. */
  readonly authorization: string | null;
  /** PEM texts of a client certificate and its key. */
  readonly certificate: { readonly cert: string; readonly key: string } | null;
}

export interface Credentials {
  current(): Promise<Credential>;
  /** The API server refused what `current` gave. Whether there may be a newer one. */
  refuse(): boolean;
}

/** A text that is known, or one in a file that may be replaced. */
export type Material = { readonly text: string } | { readonly file: string };

/** Files are read again after a minute. Kubernetes: client-go transport/token_source.go NewCachedFileTokenSource. */
const fileAgeMs = 60_000;
/** A credential that ends so soon is replaced now. */
const expiryMarginMs = 10_000;
const execTimeoutMs = 60_000;

/** The text of a Material, read again when it is a minute old; the old text goes on while the file cannot be read. */
export function materialReader(material: Material): { read(): Promise<string>; forget(): void } {
  let known: { readonly text: string; readonly readMs: number } | null = null;
  return {
    async read() {
      if ("text" in material) return material.text;
      if (known !== null && performance.now() - known.readMs < fileAgeMs) return known.text;
      try {
        known = { text: await readFile(material.file, "utf8"), readMs: performance.now() };
      } catch (error) {
        if (known === null) throw error;
        known = { text: known.text, readMs: performance.now() };
      }
      return known.text;
    },
    forget() {
      if (known !== null) known = { text: known.text, readMs: -Infinity };
    },
  };
}

export interface PlainCredentials {
  readonly token?: Material | undefined;
  readonly basic?: { readonly username: string; readonly password: string } | undefined;
  readonly certificate?: { readonly cert: Material; readonly key: Material } | undefined;
}

export function plainCredentials({ token, basic, certificate }: PlainCredentials): Credentials {
  const bearer = token === undefined ? null : materialReader(token);
  const pair =
    certificate === undefined ? null : { cert: materialReader(certificate.cert), key: materialReader(certificate.key) };
  const isFixed = [token, certificate?.cert, certificate?.key].every((one) => one === undefined || "text" in one);
  return {
    async current() {
      const text = bearer === null ? "" : (await bearer.read()).trim();
      const encoded = basic === undefined ? "" : Buffer.from(`${basic.username}:${basic.password}`).toString("base64");
      return {
        authorization: text !== "" ? `Bearer ${text}` : encoded !== "" ? `Basic ${encoded}` : null,
        certificate: pair === null ? null : { cert: await pair.cert.read(), key: await pair.key.read() },
      };
    },
    refuse() {
      for (const reader of [bearer, pair?.cert, pair?.key]) reader?.forget();
      return !isFixed;
    },
  };
}

export interface ExecPlugin {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly installHint: string;
  /** The `spec.cluster` that the program is told; null when it is not to be told. */
  readonly cluster: Readonly<Record<string, unknown>> | null;
}

/** Runs the program when there is no credential yet, when it expires, and after a refusal; once at a time. */
export function execCredentials(plugin: ExecPlugin): Credentials {
  let known: { readonly credential: Credential; readonly expiresMs: number } | null = null;
  let running: Promise<Credential> | null = null;
  const ask = async (): Promise<Credential> => {
    const answer = readExecCredential(plugin, await run(plugin));
    known = answer;
    return answer.credential;
  };
  return {
    current() {
      if (known !== null && Date.now() < known.expiresMs - expiryMarginMs) return Promise.resolve(known.credential);
      running ??= ask().finally(() => {
        running = null;
      });
      return running;
    },
    refuse() {
      known = null;
      return true;
    },
  };
}

function run({ apiVersion, command, args, env, installHint, cluster }: ExecPlugin): Promise<string> {
  const spec = { interactive: false, ...(cluster === null ? {} : { cluster }) };
  const info = JSON.stringify({ apiVersion, kind: "ExecCredential", spec });
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], {
      env: { ...env, KUBERNETES_EXEC_INFO: info },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: execTimeoutMs,
    });
    const output: Buffer[] = [];
    const complaints: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => complaints.push(chunk));
    child.on("error", (error) => {
      const hint = installHint === "" ? "" : `\n${installHint}`;
      reject(new Error(`credential program \`${command}\` cannot be run: ${error.message}${hint}`));
    });
    child.on("close", (code, signal) => {
      if (code === 0) {
        resolve(Buffer.concat(output).toString());
        return;
      }
      const said = Buffer.concat(complaints).toString().trim().slice(-500);
      const how = code === null ? `was ended by ${signal ?? "a signal"}` : `ended with exit code ${code}`;
      reject(new Error(`credential program \`${command}\` ${how}${said === "" ? "" : `: ${said}`}`));
    });
  });
}

function readExecCredential(
  { command, apiVersion }: ExecPlugin,
  text: string,
): { readonly credential: Credential; readonly expiresMs: number } {
  const fail = (why: string): Error => new Error(`credential program \`${command}\`: ${why}`);
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw fail("its output is not JSON");
  }
  if (!isObject(answer) || stringAt(answer, "kind") !== "ExecCredential") throw fail("its output is no ExecCredential");
  if (stringAt(answer, "apiVersion") !== apiVersion)
    throw fail(`asked for ${apiVersion}, got \`${stringAt(answer, "apiVersion")}\``);
  const token = stringAt(answer, "status", "token");
  const cert = stringAt(answer, "status", "clientCertificateData");
  const key = stringAt(answer, "status", "clientKeyData");
  if (token === "" && (cert === "" || key === "")) throw fail("gave neither a token nor a certificate with its key");
  const expires = valueAt(answer, "status", "expirationTimestamp");
  const expiresMs = typeof expires === "string" ? Date.parse(expires) : Infinity;
  return {
    credential: {
      authorization: token === "" ? null : `Bearer ${token}`,
      certificate: cert === "" ? null : { cert, key },
    },
    expiresMs: Number.isNaN(expiresMs) ? Infinity : expiresMs,
  };
}
