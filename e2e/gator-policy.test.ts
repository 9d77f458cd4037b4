// `gator policy` on a real kube-apiserver and etcd: without Gatekeeper's kinds it ends in 2, with them policies are
// installed, listed, upgraded and removed, and what somebody else made stays. Where gator is there too, both say the same
// about the same cluster.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { suite, test } from "node:test";
import { pathToFileURL } from "node:url";
import { peer } from "../bench/peers.ts";
import { lookForBinaries } from "./binaries.ts";
import { startControlPlane, waitFor } from "./control-plane.ts";

const repository = resolve(import.meta.dirname, "..");
const main = join(repository, "packages/portcullis/src/cli/main.ts");
const library = join(repository, "packages/portcullis/tests/cli/gator/files/library");
const gator = peer("gator");
const { binaries, missing } = lookForBinaries();

const templates = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "constrainttemplates.templates.gatekeeper.sh" },
  spec: {
    group: "templates.gatekeeper.sh",
    scope: "Cluster",
    names: { kind: "ConstraintTemplate", plural: "constrainttemplates", singular: "constrainttemplate" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
};

suite("gator policy on a real API server", { skip: missing }, () => {
  test("list, install, upgrade, uninstall", { timeout: 240_000 }, async (context) => {
    if (typeof binaries === "string") return;
    const cluster = await startControlPlane(binaries.etcd, binaries["kube-apiserver"]);
    context.after(() => cluster.stop());
    const run = (program: string, before: readonly string[], args: readonly string[]): string => {
      const home = join(cluster.folder, before.length === 0 ? "theirs" : "ours");
      mkdirSync(home, { recursive: true });
      const env = {
        ...process.env,
        KUBECONFIG: cluster.kubeconfig,
        GATOR_HOME: home,
        GATOR_CATALOG_URL: pathToFileURL(join(cluster.folder, "catalog.yaml")).href,
      };
      const { stdout, stderr, status } = spawnSync(program, [...before, "policy", ...args], {
        encoding: "utf8",
        env,
        input: "",
      });
      return `${stdout}${stderr}[${status}]`.replaceAll(/\d{4}-\d\d-\d\dT[\d:]+Z/g, "TIME");
    };
    const ours = (...args: readonly string[]): string => run(process.execPath, [main, "gator"], args);
    /** Ours, which must be theirs too: only for what changes nothing. */
    const both = (...args: readonly string[]): string => {
      const said = ours(...args);
      if (gator !== null) assert.equal(said, run(gator, [], args), args.join(" "));
      return said;
    };
    const catalog = join(cluster.folder, "catalog.yaml");
    const base = pathToFileURL(library).href;
    ours("generate-catalog", "--library-path", library, "-o", catalog, "--base-url", base);
    both("update");

    assert.match(both("list"), /Error: gatekeeper CRDs not found in cluster\n\[2\]$/);
    assert.match(both("install", "k8sowner"), /Gatekeeper CRDs not found in cluster\.[^]*\[2\]$/);
    const created = await cluster.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", templates);
    assert.equal(created.status, 201, created.body);
    const path = "/apis/templates.gatekeeper.sh/v1/constrainttemplates";
    await waitFor("the templates' kind", 60, async () => (await cluster.call("GET", path)).status === 200);

    assert.equal(both("list"), "No policies installed.\n[0]");
    assert.equal(
      ours("install", "k8sowner"),
      "✓ k8sowner (v1.2.0) installed\n\n✓ Installed 1 templates, 0 constraints\n[0]",
    );
    assert.equal(both("install", "k8sowner"), "- k8sowner (already installed at same version)\n[0]");
    assert.match(
      both("list", "-o", "json"),
      /"name": "k8sowner",\n {6}"version": "v1\.2\.0",\n {6}"installedAt": "TIME"/,
    );
    assert.equal(both("uninstall", "k8sowner", "gone", "--dry-run"), "k8sowner\n- gone (not found)\n[0]");

    writeFileSync(catalog, readFileSync(catalog, "utf8").replace("version: v1.2.0", "version: v1.3.0"));
    assert.match(both("update"), /k8sowner {2}v1\.2\.0 → v1\.3\.0/);
    assert.match(both("list"), /Hint: 1 policy\(ies\)/);
    assert.equal(
      both("upgrade", "--all", "--dry-run"),
      "==> Would upgrade 1 policies:\nk8sowner v1.2.0 -> v1.3.0\n[0]",
    );
    assert.equal(ours("upgrade", "--all"), "✓ k8sowner upgraded (v1.2.0 → v1.3.0)\n[0]");
    assert.match(both("upgrade", "--all"), /- k8sowner \(already at latest version\)[^]*\[0\]$/);

    const foreign = {
      apiVersion: "templates.gatekeeper.sh/v1",
      kind: "ConstraintTemplate",
      metadata: { name: "k8sroot" },
    };
    assert.equal((await cluster.call("POST", path, foreign)).status, 201);
    assert.match(both("install", "k8sroot"), /already exists but is not managed by gator[^]*\[3\]$/);
    assert.match(both("uninstall", "k8sroot"), /✗ k8sroot - not managed by gator[^]*\[3\]$/);
    assert.equal(ours("uninstall", "k8sowner"), "✓ k8sowner uninstalled\n[0]");
    assert.equal((await cluster.call("GET", `${path}/k8sowner`)).status, 404);
    assert.equal((await cluster.call("GET", `${path}/k8sroot`)).status, 200);
  });
});
