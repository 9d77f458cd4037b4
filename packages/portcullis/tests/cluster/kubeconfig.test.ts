// Kubeconfig files as kubectl reads them, credentials that change while we run, and what a Pod is given.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { type TestContext, test } from "node:test";
import { execCredentials } from "../../src/cluster/credentials.ts";
import { readClusterConfig } from "../../src/cluster/kubeconfig.ts";

function folderOf(context: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-kubeconfig-"));
  context.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const first = `
apiVersion: v1
kind: Config
current-context: dev
contexts:
- {name: dev, context: {cluster: one, user: both, namespace: team}}
- {name: broken, context: {cluster: nowhere, user: both}}
clusters:
- name: one
  cluster:
    server: https://one.example:6443/
    certificate-authority: pki/ca.crt
    tls-server-name: kubernetes
users:
- name: both
  user: {token: inline, tokenFile: secrets/token, as: jane, as-groups: [ops]}
`;

const second = `
current-context: other
contexts:
- {name: dev, context: {cluster: two, user: two}}
- {name: other, context: {cluster: two, user: two}}
clusters:
- {name: two, cluster: {server: "http://127.0.0.1:8001", insecure-skip-tls-verify: true, certificate-authority-data: Y2E=}}
users:
- {name: two, user: {username: u, password: "p:w"}}
`;

test("kubeconfig: of a list of files the first to name something counts", async (context) => {
  const folder = folderOf(context, {
    "a/config": first,
    "b/config": second,
    "a/pki/ca.crt": "CA",
    "a/secrets/token": "from-file\n",
  });
  const paths = [join(folder, "missing"), join(folder, "a/config"), join(folder, "b/config")];
  const env = { KUBECONFIG: paths.join(delimiter) };
  const dev = readClusterConfig({ env, home: "/nowhere" });
  assert.equal(dev.server, "https://one.example:6443");
  assert.equal(dev.namespace, "team");
  assert.deepEqual(dev.tls, { ca: { file: join(folder, "a/pki/ca.crt") }, verify: true, serverName: "kubernetes" });
  assert.deepEqual(dev.impersonate, { user: "jane", groups: ["ops"] });
  assert.equal((await dev.credentials.current()).authorization, "Bearer from-file");
  const other = readClusterConfig({ env, home: "/nowhere", context: "other" });
  assert.deepEqual([other.server, other.namespace], ["http://127.0.0.1:8001", "default"]);
  assert.deepEqual(other.tls, { ca: { text: "ca" }, verify: false, serverName: null });
  assert.equal((await other.credentials.current()).authorization, `Basic ${btoa("u:p:w")}`);
  assert.equal(other.credentials.refuse(), false);
});

test("kubeconfig: a token in a file is read again after a refusal", async (context) => {
  const folder = folderOf(context, { config: first, "secrets/token": "old" });
  const { credentials } = readClusterConfig({ kubeconfig: join(folder, "config"), env: {}, home: "/nowhere" });
  assert.equal((await credentials.current()).authorization, "Bearer old");
  writeFileSync(join(folder, "secrets/token"), "new");
  assert.equal((await credentials.current()).authorization, "Bearer old");
  assert.equal(credentials.refuse(), true);
  assert.equal((await credentials.current()).authorization, "Bearer new");
  rmSync(join(folder, "secrets/token"));
  credentials.refuse();
  assert.equal((await credentials.current()).authorization, "Bearer new");
});

test("kubeconfig: what is wrong is named", (context) => {
  const folder = folderOf(context, { config: first, bad: "a: [", empty: "" });
  const read =
    (name: string, more: object = {}) =>
    () =>
      readClusterConfig({ kubeconfig: join(folder, name), env: {}, home: "/nowhere", ...more });
  assert.throws(read("missing"), { message: `kubeconfig \`${join(folder, "missing")}\` does not exist` });
  assert.throws(read("bad"), /bad:1:/);
  assert.throws(read("empty"), { message: "the kubeconfig has no current context: give --context" });
  assert.throws(read("config", { context: "x" }), {
    message: "the kubeconfig has no context `x`; it has dev, broken",
  });
  assert.throws(read("config", { context: "broken" }), {
    message: "context `broken` names cluster `nowhere`, which is not there",
  });
  assert.throws(() => readClusterConfig({ env: {}, home: folder }), /^Error: no cluster is configured/);
  assert.throws(() => readClusterConfig({ env: { KUBECONFIG: "/no/such" }, home: folder }), /no file of KUBECONFIG/);
});

test("kubeconfig: a Pod uses its service account, whose token is replaced", async (context) => {
  const folder = folderOf(context, { token: "one", "ca.crt": "CA", namespace: "portcullis\n" });
  const env = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" };
  const config = readClusterConfig({ env, home: "/nowhere", serviceAccountFolder: folder });
  assert.equal(config.server, "https://[fd00::1]:443");
  assert.equal(config.namespace, "portcullis");
  assert.deepEqual(config.tls.ca, { file: join(folder, "ca.crt") });
  assert.equal((await config.credentials.current()).authorization, "Bearer one");
  writeFileSync(join(folder, "token"), "two");
  config.credentials.refuse();
  assert.equal((await config.credentials.current()).authorization, "Bearer two");
});

const program = `
const { readFileSync, writeFileSync } = require("node:fs");
const count = Number(readFileSync(process.env.COUNT, "utf8")) + 1;
writeFileSync(process.env.COUNT, String(count));
const info = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
const expirationTimestamp = new Date(Date.now() + Number(process.argv[2])).toISOString();
const token = [count, info.spec.cluster?.server].join(" ");
process.stdout.write(JSON.stringify({ ...info, status: { token, expirationTimestamp } }));
`;

function execConfig(folder: string, lifeMs: number): string {
  return JSON.stringify({
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
    clusters: [{ name: "c", cluster: { server: "https://c.example" } }],
    users: [
      {
        name: "u",
        user: {
          exec: {
            apiVersion: "client.authentication.k8s.io/v1",
            command: process.execPath,
            args: [join(folder, "program.cjs"), lifeMs],
            env: [{ name: "COUNT", value: join(folder, "count") }],
            provideClusterInfo: true,
            interactiveMode: "IfAvailable",
          },
        },
      },
    ],
  });
}

test("kubeconfig: a credential program runs when there is need, once at a time", async (context) => {
  const folder = folderOf(context, { "program.cjs": program, count: "0" });
  writeFileSync(join(folder, "config"), execConfig(folder, 3_600_000));
  const { credentials } = readClusterConfig({ kubeconfig: join(folder, "config"), env: {}, home: "/nowhere" });
  const [one, two] = await Promise.all([credentials.current(), credentials.current()]);
  assert.deepEqual([one.authorization, two.authorization], Array(2).fill("Bearer 1 https://c.example"));
  assert.equal((await credentials.current()).authorization, "Bearer 1 https://c.example");
  assert.equal(credentials.refuse(), true);
  assert.equal((await credentials.current()).authorization, "Bearer 2 https://c.example");
  writeFileSync(join(folder, "short"), execConfig(folder, 5000));
  const brief = readClusterConfig({ kubeconfig: join(folder, "short"), env: {}, home: "/nowhere" }).credentials;
  assert.equal((await brief.current()).authorization, "Bearer 3 https://c.example");
  assert.equal((await brief.current()).authorization, "Bearer 4 https://c.example");
});

test("kubeconfig: a credential program that fails is quoted, and one that is missing has its hint", async () => {
  const plugin = {
    apiVersion: "client.authentication.k8s.io/v1",
    env: {},
    installHint: "install it from example.com",
    cluster: null,
  };
  const failing = execCredentials({
    ...plugin,
    command: process.execPath,
    args: ["-e", 'console.error("log in first"); process.exit(3)'],
  });
  await assert.rejects(failing.current(), /ended with exit code 3: log in first$/);
  const missing = execCredentials({ ...plugin, command: "/no/such/program", args: [] });
  await assert.rejects(missing.current(), /cannot be run: .*\ninstall it from example\.com$/);
  const odd = execCredentials({ ...plugin, command: process.execPath, args: ["-e", 'console.log("{}")'] });
  await assert.rejects(odd.current(), /its output is no ExecCredential$/);
});
