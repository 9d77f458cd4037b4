// gator policy: catalogs from files and images, and what happens in a cluster (in memory here), with gator's texts and exit
// codes. Where gator is in $PEERS_DIR, what needs no cluster is asked of both.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { stringAt } from "@portcullis/kube";
import { peer } from "../../../../../bench/peers.ts";
import type { ClusterObject } from "../../../src/cluster/api.ts";
import {
  type ChangeFlags,
  type PolicyHost,
  generate,
  installCommand,
  list,
  runPolicy,
  search,
  uninstallCommand,
  update,
  upgradeCommand,
} from "../../../src/cli/gator/policy/commands.ts";
import { createFakeCluster } from "../../cluster/fake.ts";
import { startRegistry } from "../../registry/server.ts";

const library = join(import.meta.dirname, "files/library");
const templates = { group: "templates.gatekeeper.sh", version: "v1", resource: "constrainttemplates" };
const owners = { group: "constraints.gatekeeper.sh", version: "v1beta1", resource: "k8sowner" };
const kinds = [
  { group: "templates.gatekeeper.sh", version: "v1", kind: "ConstraintTemplate", resource: "constrainttemplates" },
  { group: "constraints.gatekeeper.sh", version: "v1beta1", kind: "K8sOwner", resource: "k8sowner" },
].map((kind) => ({ ...kind, namespaced: false }));
const flags: ChangeFlags = { bundle: [], enforcementAction: "", dryRun: false, output: "table" };

interface Desk {
  readonly host: PolicyHost;
  readonly cluster: ReturnType<typeof createFakeCluster>;
  readonly folder: string;
  /** Runs a command; what it printed and its exit code. */
  run(command: () => Promise<void>): Promise<string>;
}

async function atDesk(use: (desk: Desk) => Promise<void>, served = kinds): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-policy-"));
  const cluster = createFakeCluster({ kinds: served });
  let written = "";
  const environment = {
    GATOR_HOME: join(folder, "home"),
    GATOR_CATALOG_URL: pathToFileURL(join(folder, "catalog.yaml")).href,
  };
  const write = (text: string): void => {
    written += text;
  };
  const host: PolicyHost = {
    environment,
    connect: () => cluster.client,
    out: write,
    err: write,
    now: () => "2026-01-02T03:04:05Z",
  };
  const run = async (command: () => Promise<void>): Promise<string> => {
    written = "";
    const code = await runPolicy(host, command);
    return `${written.replaceAll(folder, "FOLDER")}[${code}]`;
  };
  try {
    await use({ host, cluster, folder, run });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A catalog of the library beside it, in the cache. */
async function withCatalog(
  { host, folder, run }: Desk,
  versions: Readonly<Record<string, string>> = {},
): Promise<void> {
  const output = join(folder, "catalog.yaml");
  const options = {
    libraryPath: library,
    output,
    name: "own",
    version: "v1.0.0",
    bundles: "",
    baseUrl: "",
    validate: true,
  };
  assert.match(await run(() => generate(host, options)), /Found 2 policies and 2 bundles\nCatalog validation passed/);
  let text = readFileSync(output, "utf8").replaceAll(" library/", ` ${pathToFileURL(library).href}/library/`);
  for (const [from, to] of Object.entries(versions)) text = text.replace(`version: ${from}`, `version: ${to}`);
  writeFileSync(output, text);
  assert.match(
    await run(() => update(host, { insecure: false, output: "" })),
    /version v1\.0\.0 \(2 policies, 2 bundles\)/,
  );
}

/** As Gatekeeper's controller does once a template has been taken. */
function createdBy(cluster: Desk["cluster"]): () => void {
  const timer = setInterval(() => {
    void cluster.client.get(templates, { namespace: "", name: "k8sowner" }).then(
      (template) => cluster.put({ ...template, status: { created: true } }),
      () => null,
    );
  }, 5);
  return () => {
    clearInterval(timer);
  };
}

function annotations(object: ClusterObject): string {
  return ["policy-version", "installed-at"]
    .map((name) => stringAt(object, "metadata", "annotations", `gatekeeper.sh/${name}`))
    .join(" ");
}

test("policy: a generated catalog names versions, categories, bundles and their constraints", () =>
  atDesk(async (desk) => {
    await withCatalog(desk);
    assert.equal(
      await desk.run(() => search(desk.host, "ROOT", { category: "", bundle: "", output: "table" })),
      "NAME     VERSION  CATEGORY      DESCRIPTION\nk8sroot  v1.0.0   pod-security  No container runs as root.\n[0]",
    );
    const text = readFileSync(join(desk.folder, "catalog.yaml"), "utf8");
    assert.match(
      text,
      /team-basic: \S+\/samples\/first\/constraint\.yaml\n {4}team-strict: \S+\/team-strict\/constraint/,
    );
    const strict = await desk.run(() =>
      search(desk.host, "", { category: "general", bundle: "team-strict", output: "json" }),
    );
    assert.match(strict, /"name": "k8sowner",\n {6}"version": "v1\.2\.0"/);
    assert.ok(!strict.includes("k8sroot"));
    assert.equal(
      await desk.run(() => search(desk.host, "x", { category: "", bundle: "nope", output: "table" })),
      "Error: bundle not found: nope\n[1]",
    );
  }));

test("policy: a policy is installed with gator's marks, once, and listed", () =>
  atDesk(async (desk) => {
    const { host, cluster, run } = desk;
    await withCatalog(desk);
    const install = (): Promise<string> => run(() => installCommand(host, ["k8sowner"], flags));
    assert.equal(await install(), "✓ k8sowner (v1.2.0) installed\n\n✓ Installed 1 templates, 0 constraints\n[0]");
    const template = await cluster.client.get(templates, { namespace: "", name: "k8sowner" });
    assert.equal(annotations(template), "v1.2.0 2026-01-02T03:04:05Z");
    assert.equal(stringAt(template, "metadata", "labels", "gatekeeper.sh/managed-by"), "gator");
    assert.equal(await install(), "- k8sowner (already installed at same version)\n[0]");
    assert.equal(
      await run(() => list(host, "table")),
      "NAME      VERSION  BUNDLE  INSTALLED\nk8sowner  v1.2.0   -       2026-01-02\n[0]",
    );
    assert.equal(
      await run(() => installCommand(host, ["k8sroot", "nope"], flags)),
      "✓ k8sroot (v1.0.0) installed\n✗ nope - failed: policy not found: nope\n\n" +
        "Re-run command to continue (already installed will be skipped).\n" +
        "Error: installation incomplete: 1 of 2 policies installed\n[4]",
    );
  }));

test("policy: a bundle brings its constraints; an upgrade keeps the action that somebody has set", () =>
  atDesk(async (desk) => {
    const { host, cluster, run } = desk;
    await withCatalog(desk);
    const stop = createdBy(cluster);
    try {
      assert.equal(
        await run(() => installCommand(host, [], { ...flags, bundle: ["team-basic"], enforcementAction: "warn" })),
        "✓ k8sowner (v1.2.0) installed\n\n✓ Installed 1 templates, 1 constraints\n[0]",
      );
      const action = async (): Promise<string> =>
        stringAt(await cluster.client.get(owners, { namespace: "", name: "owner" }), "spec", "enforcementAction");
      assert.equal(await action(), "warn");
      await withCatalog(desk, { "v1.2.0": "v1.3.0" });
      assert.match(await run(() => list(host, "json")), /Hint: 1 policy\(ies\)[^]*"bundle": "team-basic"/);
      const all = { ...flags, all: true };
      assert.equal(
        await run(() => upgradeCommand(host, [], { ...all, dryRun: true })),
        "==> Would upgrade 1 policies:\nk8sowner v1.2.0 -> v1.3.0\n[0]",
      );
      assert.equal(await run(() => upgradeCommand(host, [], all)), "✓ k8sowner upgraded (v1.2.0 → v1.3.0)\n[0]");
      assert.equal(await action(), "warn");
      assert.equal(
        await run(() => upgradeCommand(host, ["k8sowner", "k8sroot"], { ...all, all: false })),
        "- k8sowner (already at latest version)\n- k8sroot (not installed)\n\nAll policies are up to date.\n[0]",
      );
    } finally {
      stop();
    }
  }));

test("policy: what is not gator's stays, and that is a conflict", () =>
  atDesk(async (desk) => {
    const { host, cluster, run } = desk;
    await withCatalog(desk);
    cluster.put({
      apiVersion: "templates.gatekeeper.sh/v1",
      kind: "ConstraintTemplate",
      metadata: { name: "k8sowner" },
    });
    const marks = "(expected label 'gatekeeper.sh/managed-by: gator' and annotation 'gatekeeper.sh/policy-source')";
    const conflict = `ConstraintTemplate 'k8sowner' already exists but is not managed by gator ${marks}`;
    assert.equal(
      await run(() => installCommand(host, ["k8sowner"], flags)),
      `✗ k8sowner - failed: ${conflict}\nError: installation incomplete: ${conflict}\n[3]`,
    );
    await run(() => installCommand(host, ["k8sroot"], flags));
    assert.equal(
      await run(() => uninstallCommand(host, ["k8sroot", "gone", "k8sowner"], flags)),
      "✓ k8sroot uninstalled\n- gone (not found)\n✗ k8sowner - not managed by gator\n" +
        "Error: uninstall failed: some policies are not managed by gator\n[3]",
    );
    assert.equal(await run(() => list(host, "table")), "No policies installed.\n[0]");
  }));

test("policy: a cluster without Gatekeeper ends in 2; a dry run asks no cluster", () =>
  atDesk(async (desk) => {
    const { host, run } = desk;
    await withCatalog(desk);
    assert.equal(await run(() => list(host, "table")), "Error: gatekeeper CRDs not found in cluster\n[2]");
    assert.match(await run(() => installCommand(host, ["k8sowner"], flags)), /^Gatekeeper CRDs not found[^]*\[2\]$/);
    const dry = { ...flags, dryRun: true, bundle: ["team-strict"], output: "json" };
    assert.match(
      await run(() => installCommand(host, [], dry)),
      /"templatesInstalled": 2,\n {4}"constraintsInstalled": 1,/,
    );
  }, []));

test("deviation G24: an upgrade that failed is said to have failed", () =>
  atDesk(async (desk) => {
    const { host, cluster, run } = desk;
    await withCatalog(desk);
    await run(() => installCommand(host, ["k8sowner"], flags));
    await withCatalog(desk, { "v1.2.0": "v1.3.0" });
    const catalog = join(desk.folder, "home/catalog.yaml");
    writeFileSync(catalog, readFileSync(catalog, "utf8").replace("general/owner/template", "general/nowhere/template"));
    const said = await run(() => upgradeCommand(host, [], { ...flags, all: true }));
    assert.match(said, /✗ k8sowner - failed: fetching template: open [^]*\[4\]$/);
    assert.equal(
      annotations(await cluster.client.get(templates, { namespace: "", name: "k8sowner" })).split(" ")[0],
      "v1.2.0",
    );
  }));

test("policy: a catalog in an image, with the templates beside it", () =>
  atDesk(async ({ host, folder, run }) => {
    const registry = await startRegistry();
    try {
      const catalog = {
        libraryPath: library,
        name: "own",
        version: "v1.0.0",
        bundles: "",
        baseUrl: "",
        validate: true,
      };
      const output = join(folder, "catalog.yaml");
      await run(() => generate(host, { ...catalog, output }));
      registry.put("team/catalog", "v1", [
        { title: "catalog.yaml", bytes: readFileSync(output) },
        {
          title: "library/general/owner/template.yaml",
          bytes: readFileSync(join(library, "library/general/owner/template.yaml")),
        },
      ]);
      const there = {
        ...host,
        environment: {
          ...host.environment,
          DOCKER_CONFIG: folder,
          GATOR_CATALOG_URL: `oci://${registry.host}/team/catalog:v1`,
        },
      };
      assert.match(await run(() => update(there, { insecure: false, output: "" })), /2 policies, 2 bundles/);
      assert.equal(
        await run(() => installCommand(there, ["k8sowner"], { ...flags, dryRun: true })),
        "(dry-run) k8sowner v1.2.0\n[0]",
      );
      assert.match(
        await run(() => installCommand(there, ["k8sroot"], { ...flags, dryRun: true })),
        /holds no library\/pod-security-policy\/root\/template\.yaml/,
      );
    } finally {
      await registry.close();
    }
  }));

test("policy: paths do not leave the catalog, plain http needs a word", () =>
  atDesk(async (desk) => {
    const { host, folder, run } = desk;
    await withCatalog(desk);
    const cached = join(folder, "home/catalog.yaml");
    const original = readFileSync(cached, "utf8");
    const dry = { ...flags, dryRun: true };
    for (const path of ["../secret.yaml", "%2e%2e/secret.yaml", "a/../../secret.yaml"]) {
      writeFileSync(cached, original.replace(/templatePath: .*owner.*/, `templatePath: "${path}"`));
      assert.match(
        await run(() => installCommand(host, ["k8sowner"], dry)),
        /content path contains path traversal/,
        path,
      );
    }
    const plain = {
      ...host,
      environment: { ...host.environment, GATOR_CATALOG_URL: "http://127.0.0.1:9/catalog.yaml" },
    };
    assert.match(
      await run(() => update(plain, { insecure: false, output: "" })),
      /Error: plain HTTP is not allowed .*; use --insecure to override \(not recommended\)\n\[1\]$/,
    );
  }));

const gator = peer("gator");
if (gator === null) process.stderr.write("NOT RUN: gator policy beside gator's: gator is not in $PEERS_DIR\n");
const main = join(import.meta.dirname, "../../../src/cli/main.ts");

test("gator policy: the same answers as gator's where no cluster is needed", { skip: gator === null }, () => {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-policy-"));
  try {
    const ask = (file: string, before: readonly string[], args: readonly string[]): string => {
      const home = join(folder, before.length === 0 ? "theirs" : "ours");
      mkdirSync(home, { recursive: true });
      const env = {
        ...process.env,
        GATOR_HOME: home,
        GATOR_CATALOG_URL: pathToFileURL(join(home, "catalog")).href,
        KUBECONFIG: "",
      };
      const ran = spawnSync(file, [...before, "policy", ...args], { encoding: "utf8", cwd: home, env, input: "" });
      return `${ran.stdout}${ran.stderr}[${ran.status}]`.replaceAll(home, "HOME").replaceAll(/\nUsage:[^]*\n\n/g, "\n");
    };
    const bundles = join(library, "bundles.yaml");
    for (const args of [
      ["generate-catalog", "--library-path", library, "-o", "catalog", "--base-url", pathToFileURL(library).href],
      ["update"],
      ["search", "k8s"],
      ["install", "--bundle", "team-strict", "k8sowner", "nope", "--dry-run"],
      ["install", "--bundle", "team-strict", "--dry-run", "-o", "json"],
      ["generate-catalog", "--library-path", library, "-o", "catalog", "--bundles", bundles],
      ["update"],
      ["search", "k8s", "--bundle", "strict"],
    ]) {
      const theirs = ask(gator ?? "", [], args);
      assert.equal(ask(process.execPath, [main, "gator"], args), theirs, args.join(" "));
    }
    const [theirs, ours] = ["theirs", "ours"].map((name) =>
      readFileSync(join(folder, name, "catalog"), "utf8").replaceAll(/\d{4}-\d\d-\d\dT\S+/g, "TIME"),
    );
    assert.equal(ours, theirs);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
