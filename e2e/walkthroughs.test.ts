// The walkthroughs on a real kube-apiserver and etcd, with a real kubectl: `portcullis serve` is registered as a
// validating webhook and must answer with the texts that Gatekeeper's users see.

import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { lookForBinaries } from "./binaries.ts";
import { type ControlPlane, freePort, startControlPlane, stopProcess, waitFor } from "./control-plane.ts";

const repository = resolve(import.meta.dirname, "..");
const { binaries, missing } = lookForBinaries();

const untrusted =
  'has an invalid image repo <munta/nginx>, allowed repos are ["xxx.dkr.ecr.ca-central-1.amazonaws.com/", "docker.io/bitnami/"]';
const denied = 'Error from server (Forbidden): admission webhook "validation.gatekeeper.sh" denied the request:';

suite("walkthroughs on a real API server", { skip: missing }, () => {
  test("A2, A3, A7, B1, B2", { timeout: 240_000 }, async (context) => {
    if (typeof binaries === "string") return;
    const cluster = await startControlPlane(binaries.etcd, binaries["kube-apiserver"]);
    let webhook: ChildProcess | null = null;
    context.after(async () => {
      if (webhook !== null) await stopProcess(webhook);
      await cluster.stop();
    });
    const policies = join(cluster.folder, "policies");
    for (const name of ["repos", "registries"])
      cpSync(join(repository, "examples", name), join(policies, name), { recursive: true });
    const kubectl = (...args: readonly string[]): string => {
      const { stdout, stderr } = spawnSync(binaries.kubectl, ["--kubeconfig", cluster.kubeconfig, ...args], {
        encoding: "utf8",
      });
      return `${stdout}${stderr}`.trim();
    };
    kubectl(
      "apply",
      "-f",
      join(repository, "examples", "repos", "namespaces.yaml"),
      "-f",
      join(repository, "examples", "registries", "namespaces.yaml"),
    );
    webhook = await startWebhook(cluster, policies);

    await context.test("A2: a Pod from another repository is refused with Gatekeeper's text", () => {
      assert.equal(
        kubectl("-n", "medstack", "run", "web", "--image=munta/nginx"),
        `${denied} [enforce-image-repository] container <web> ${untrusted}`,
      );
    });
    await context.test("A3: a trusted image and another namespace are accepted, a Deployment is refused", () => {
      assert.equal(kubectl("-n", "medstack", "run", "web", "--image=docker.io/bitnami/nginx:1.27"), "pod/web created");
      assert.equal(kubectl("run", "elsewhere2", "--image=munta/nginx"), "pod/elsewhere2 created");
      assert.equal(
        kubectl("-n", "mcs", "create", "deployment", "untrusted", "--image=munta/nginx"),
        `error: failed to create deployment: ${denied.replace("Error from server (Forbidden): ", "")} [enforce-image-repository] container <nginx> ${untrusted}`,
      );
    });
    await context.test("B1: with dryrun nothing is refused", () => {
      assert.equal(kubectl("-n", "production", "run", "recorded", "--image=munta/nginx"), "pod/recorded created");
    });
    await context.test("B2: warn warns the client, deny refuses", async () => {
      const message = (name: string): string =>
        `[allow-only-trusted-registries] container '${name}' image 'munta/nginx' not in allowed registries`;
      setAction(policies, "warn");
      await waitForText(
        () => kubectl("-n", "production", "run", "probe", "--image=munta/nginx", "--dry-run=server"),
        "Warning:",
      );
      assert.deepEqual(
        kubectl("-n", "production", "run", "warned", "--image=munta/nginx").split("\n").toSorted(),
        [`Warning: ${message("warned")}`, "pod/warned created"].toSorted(),
      );
      setAction(policies, "deny");
      await waitForText(
        () => kubectl("-n", "production", "run", "probe", "--image=munta/nginx", "--dry-run=server"),
        "Forbidden",
      );
      assert.equal(
        kubectl("-n", "production", "run", "denied", "--image=munta/nginx"),
        `${denied} ${message("denied")}`,
      );
    });
  });
});

async function startWebhook(cluster: ControlPlane, policies: string): Promise<ChildProcess> {
  const port = await freePort();
  const caFile = join(cluster.folder, "webhook-ca.crt");
  const main = join(repository, "packages/portcullis/src/cli/main.ts");
  const child = spawn(
    process.execPath,
    [main, "serve", "--policies", policies, "--port", String(port), "--ca-file", caFile],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  await waitForText(() => readIfThere(caFile), "CERTIFICATE");
  const rules = [{ apiGroups: ["*"], apiVersions: ["*"], operations: ["CREATE", "UPDATE"], resources: ["*"] }];
  const { status, body } = await cluster.call(
    "POST",
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
    {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingWebhookConfiguration",
      metadata: { name: "portcullis" },
      webhooks: [
        {
          name: "validation.gatekeeper.sh",
          clientConfig: {
            url: `https://127.0.0.1:${port}/v1/admit`,
            caBundle: Buffer.from(readFileSync(caFile)).toString("base64"),
          },
          rules,
          failurePolicy: "Fail",
          sideEffects: "None",
          admissionReviewVersions: ["v1"],
          timeoutSeconds: 3,
        },
      ],
    },
  );
  assert.equal(status, 201, body);
  const probe = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "probe" },
    spec: { containers: [{ name: "web", image: "munta/nginx" }] },
  };
  await waitFor(
    "the webhook's first denial",
    30,
    async () => (await cluster.call("POST", "/api/v1/namespaces/medstack/pods?dryRun=All", probe)).status === 403,
  );
  return child;
}

function setAction(policies: string, action: string): void {
  const file = join(policies, "registries", "policies", "constraint.yaml");
  writeFileSync(file, readFileSync(file, "utf8").replace(/enforcementAction: \w+/, `enforcementAction: ${action}`));
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

async function waitForText(read: () => string, text: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (read().includes(text)) return;
    // oxlint-disable-next-line no-await-in-loop
    await sleep(100);
  }
  assert.fail(`no ${text} after 10 s: ${read()}`);
}
