// Where the API server is and who we are to it, from kubeconfig files or from what a Pod is given. Files of a list are
// merged: of entries with the same name, and of current contexts, the first counts. Paths in a file are relative to it.
// The order is kubectl's: an explicit file, $KUBECONFIG, ~/.kube/config, the Pod's service account.
// Behaviour: k8s.io/client-go tools/clientcmd, rest.InClusterConfig.

import { existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, isAbsolute, join, resolve } from "node:path";
import { type JsonRecord, isObject, member, parseYaml, stringAt, valueAt } from "@portcullis/kube";
import { Source, formatDiagnostic, hasError } from "@portcullis/lang";
import { type Credentials, type Material, execCredentials, plainCredentials } from "./credentials.ts";

export interface ClusterConfig {
  /** `https://host:port`, maybe with a path before `/api`. */
  readonly server: string;
  /** The namespace of the context, or the Pod's; `default` when neither says one. */
  readonly namespace: string;
  readonly tls: {
    /** PEM; the system's authorities when null. */
    readonly ca: Material | null;
    /** False accepts any certificate. */
    readonly verify: boolean;
    /** The name that the server's certificate must have, when it is not the host's. */
    readonly serverName: string | null;
  };
  readonly credentials: Credentials;
  readonly impersonate: Impersonation | null;
  readonly proxyUrl: string | null;
}

export interface Impersonation {
  readonly user: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface ConfigOptions {
  /** `--kubeconfig` */
  readonly kubeconfig?: string | undefined;
  /** `--context` */
  readonly context?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's folder, for `~/.kube/config`. */
  readonly home: string;
  /** Where a Pod finds its service account. */
  readonly serviceAccountFolder?: string;
}

const defaultServiceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Throws an Error for the user when there is no configuration or it cannot be used. */
export function readClusterConfig(options: ConfigOptions): ClusterConfig {
  const files = kubeconfigFiles(options);
  if (files.length > 0) return contextConfig(merged(files), options);
  const inCluster = inClusterConfig(options);
  if (inCluster !== null && options.context === undefined) return inCluster;
  throw new Error(
    "no cluster is configured: give --kubeconfig, set KUBECONFIG, or run in a Pod with a service account",
  );
}

function kubeconfigFiles({ kubeconfig, env, home }: ConfigOptions): readonly string[] {
  if (kubeconfig !== undefined && kubeconfig !== "") {
    if (!existsSync(kubeconfig)) throw new Error(`kubeconfig \`${kubeconfig}\` does not exist`);
    return [kubeconfig];
  }
  const listed = (env["KUBECONFIG"] ?? "").split(delimiter).filter((file) => file !== "");
  if (listed.length === 0) return [join(home, ".kube", "config")].filter((file) => existsSync(file));
  const present = listed.filter((file) => existsSync(file));
  if (present.length === 0) throw new Error(`no file of KUBECONFIG exists: ${listed.join(", ")}`);
  return present;
}

/** An entry of a kubeconfig and the folder from which its paths start. */
interface Entry {
  readonly content: JsonRecord;
  readonly folder: string;
}

interface Kubeconfig {
  readonly clusters: ReadonlyMap<string, Entry>;
  readonly users: ReadonlyMap<string, Entry>;
  readonly contexts: ReadonlyMap<string, Entry>;
  readonly currentContext: string;
}

function merged(files: readonly string[]): Kubeconfig {
  const parsed = files.map((file) => ({ tree: readKubeconfig(file), folder: dirname(resolve(file)) }));
  const entries = (list: string, field: string): ReadonlyMap<string, Entry> => {
    const found = new Map<string, Entry>();
    for (const { tree, folder } of parsed) {
      const items = valueAt(tree, list);
      for (const item of Array.isArray(items) ? (items as readonly unknown[]) : []) {
        const content = member(item, field);
        const name = stringAt(item, "name");
        if (!found.has(name)) found.set(name, { content: isObject(content) ? content : {}, folder });
      }
    }
    return found;
  };
  return {
    clusters: entries("clusters", "cluster"),
    users: entries("users", "user"),
    contexts: entries("contexts", "context"),
    currentContext: parsed.map(({ tree }) => stringAt(tree, "current-context")).find((name) => name !== "") ?? "",
  };
}

function readKubeconfig(file: string): unknown {
  const source = new Source(file, readFileSync(file, "utf8"));
  const { value, diagnostics } = parseYaml(source, { dialect: "go" });
  if (hasError(diagnostics)) throw new Error(diagnostics.map(formatDiagnostic).join("\n"));
  return value[0]?.value ?? {};
}

function contextConfig(config: Kubeconfig, { context: asked, env }: ConfigOptions): ClusterConfig {
  const name = asked ?? config.currentContext;
  if (name === "") throw new Error("the kubeconfig has no current context: give --context");
  const context = config.contexts.get(name);
  if (context === undefined)
    throw new Error(
      `the kubeconfig has no context \`${name}\`; it has ${[...config.contexts.keys()].join(", ") || "none"}`,
    );
  const clusterName = stringAt(context.content, "cluster");
  const cluster = config.clusters.get(clusterName);
  if (cluster === undefined)
    throw new Error(`context \`${name}\` names cluster \`${clusterName}\`, which is not there`);
  const userName = stringAt(context.content, "user");
  const user = config.users.get(userName) ?? { content: {}, folder: "" };
  if (userName !== "" && !config.users.has(userName))
    throw new Error(`context \`${name}\` names user \`${userName}\`, which is not there`);
  const server = stringAt(cluster.content, "server");
  if (!URL.canParse(server)) throw new Error(`the server of cluster \`${clusterName}\` is no URL: \`${server}\``);
  return {
    server: server.replace(/(?<!\/)\/+$/, ""),
    namespace: stringAt(context.content, "namespace") || "default",
    tls: {
      ca: material(cluster, "certificate-authority") ?? null,
      verify: cluster.content["insecure-skip-tls-verify"] !== true,
      serverName: stringAt(cluster.content, "tls-server-name") || null,
    },
    credentials: credentialsOf(user, cluster, env),
    impersonate: impersonationOf(user.content),
    proxyUrl: stringAt(cluster.content, "proxy-url") || null,
  };
}

/** `NAME-data` in base64 or the file `NAME`; the data count when both are there. */
function material({ content, folder }: Entry, name: string): Material | undefined {
  const data = stringAt(content, `${name}-data`);
  if (data !== "") return { text: Buffer.from(data, "base64").toString() };
  const file = stringAt(content, name);
  return file === "" ? undefined : { file: resolve(folder, file) };
}

function credentialsOf(user: Entry, cluster: Entry, env: ConfigOptions["env"]): Credentials {
  const { content, folder } = user;
  if (content["auth-provider"] !== undefined)
    throw new Error("auth-provider is no longer part of Kubernetes: use an exec credential program");
  const exec = content["exec"];
  if (isObject(exec)) return execOf({ content: exec, folder }, cluster, env);
  const cert = material(user, "client-certificate");
  const key = material(user, "client-key");
  if ((cert === undefined) !== (key === undefined))
    throw new Error("a client certificate needs its key: give both client-certificate and client-key");
  const tokenFile = stringAt(content, "tokenFile");
  const token = stringAt(content, "token");
  const username = stringAt(content, "username");
  return plainCredentials({
    token: tokenFile !== "" ? { file: resolve(folder, tokenFile) } : token !== "" ? { text: token } : undefined,
    basic: username === "" ? undefined : { username, password: stringAt(content, "password") },
    certificate: cert === undefined || key === undefined ? undefined : { cert, key },
  });
}

const execVersions = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];

function execOf({ content, folder }: Entry, cluster: Entry, env: ConfigOptions["env"]): Credentials {
  const apiVersion = stringAt(content, "apiVersion");
  if (!execVersions.includes(apiVersion))
    throw new Error(`exec credential: apiVersion \`${apiVersion}\` is none of ${execVersions.join(", ")}`);
  if (stringAt(content, "interactiveMode") === "Always")
    throw new Error("exec credential: interactiveMode Always needs a terminal, which a server does not have");
  const command = stringAt(content, "command");
  if (command === "") throw new Error("exec credential: command is missing");
  // A bare name is looked up in PATH; anything with a slash is a path, relative to its kubeconfig.
  const isPath = command.includes("/") && !isAbsolute(command);
  const listed = (name: string): readonly unknown[] => {
    const list = content[name];
    return Array.isArray(list) ? (list as readonly unknown[]) : [];
  };
  return execCredentials({
    apiVersion,
    command: isPath ? resolve(folder, command) : command,
    args: listed("args").map(String),
    env: {
      ...env,
      ...Object.fromEntries(listed("env").map((one) => [stringAt(one, "name"), stringAt(one, "value")])),
    },
    installHint: stringAt(content, "installHint"),
    cluster: content["provideClusterInfo"] === true ? clusterInfo(cluster.content) : null,
  });
}

function clusterInfo(cluster: JsonRecord): JsonRecord {
  const extensions = cluster["extensions"];
  const config = (Array.isArray(extensions) ? (extensions as readonly unknown[]) : []).find(
    (one) => stringAt(one, "name") === "client.authentication.k8s.io/exec",
  );
  return {
    ...Object.fromEntries(
      ["server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data", "proxy-url"]
        .filter((key) => cluster[key] !== undefined)
        .map((key) => [key, cluster[key]]),
    ),
    config: valueAt(config, "extension") ?? null,
  };
}

function impersonationOf(user: JsonRecord): Impersonation | null {
  const name = stringAt(user, "as");
  if (name === "") return null;
  const uid = stringAt(user, "as-uid");
  const groups = user["as-groups"];
  const extra = user["as-user-extra"];
  return {
    user: name,
    ...(uid === "" ? {} : { uid }),
    ...(Array.isArray(groups) ? { groups: groups.map(String) } : {}),
    ...(isObject(extra) ? { extra: extra as Record<string, readonly string[]> } : {}),
  };
}

/** What every Pod with a service account has; null outside of one. */
function inClusterConfig({ env, serviceAccountFolder }: ConfigOptions): ClusterConfig | null {
  const host = env["KUBERNETES_SERVICE_HOST"] ?? "";
  const port = env["KUBERNETES_SERVICE_PORT"] ?? "";
  const folder = serviceAccountFolder ?? defaultServiceAccountFolder;
  const token = join(folder, "token");
  if (host === "" || port === "" || !existsSync(token)) return null;
  const namespace = join(folder, "namespace");
  const ca = join(folder, "ca.crt");
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    namespace: existsSync(namespace) ? readFileSync(namespace, "utf8").trim() : "default",
    tls: { ca: existsSync(ca) ? { file: ca } : null, verify: true, serverName: null },
    credentials: plainCredentials({ token: { file: token } }),
    impersonate: null,
    proxyUrl: null,
  };
}
