// Mutation on a real kube-apiserver and etcd, with a real kubectl (walkthrough A8): `portcullis serve` is registered as a
// mutating and a validating webhook; defaults are filled in, what was said stays, a mutator that changes is used at once,
// and a mutator that cannot be applied refuses the object with Gatekeeper's text.

import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { suite, test } from "node:test";
import { lookForBinaries } from "./binaries.ts";
import { type ControlPlane, freePort, startControlPlane, stopProcess, waitFor } from "./control-plane.ts";

const repository = resolve(import.meta.dirname, "..");
const example = join(repository, "examples/mutation");
const { binaries, missing } = lookForBinaries();

interface Pod {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly securityContext?: { readonly runAsNonRoot?: boolean };
    readonly tolerations?: readonly { readonly key?: string }[];
    readonly containers: readonly {
      readonly imagePullPolicy?: string;
      readonly securityContext?: { readonly capabilities?: { readonly drop?: readonly string[] } };
    }[];
  };
}

const spread = `apiVersion: mutations.gatekeeper.sh/v1
kind: ModifySet
metadata: {name: spot}
spec:
  applyTo: [{groups: [""], versions: ["v1"], kinds: ["Pod"]}]
  location: spec.tolerations
  parameters: {operation: merge, values: {fromList: [{key: spot, operator: Exists}]}}
`;

suite("mutation on a real API server", { skip: missing }, () => {
  test("A8", { timeout: 240_000 }, async (context) => {
    if (typeof binaries === "string") return;
    const cluster = await startControlPlane(binaries.etcd, binaries["kube-apiserver"]);
    let webhook: ChildProcess | null = null;
    context.after(async () => {
      if (webhook !== null) await stopProcess(webhook);
      await cluster.stop();
    });
    const policies = join(cluster.folder, "policies");
    cpSync(join(example, "policies"), policies, { recursive: true });
    const kubectl = (...args: readonly string[]): string => {
      const { stdout, stderr } = spawnSync(binaries.kubectl, ["--kubeconfig", cluster.kubeconfig, ...args], {
        encoding: "utf8",
      });
      return `${stdout}${stderr}`.trim();
    };
    const pod = (name: string): Pod => JSON.parse(kubectl("get", "pod", name, "-o", "json")) as Pod;
    webhook = await startWebhook(cluster, policies);

    await context.test("an Assign fills in a default, a ModifySet adds to a set, an AssignMetadata labels", () => {
      assert.equal(kubectl("apply", "-f", join(example, "tests/plain.yaml")), "pod/plain created");
      const { metadata, spec } = pod("plain");
      assert.equal(metadata.labels?.["owner"], "platform");
      assert.equal(spec.securityContext?.runAsNonRoot, true);
      assert.equal(spec.containers[0]?.imagePullPolicy, "Always");
      assert.deepEqual(spec.containers[0].securityContext?.capabilities?.drop, ["NET_RAW"]);
    });
    await context.test("what was said stays", () => {
      assert.equal(kubectl("apply", "-f", join(example, "tests/explicit.yaml")), "pod/explicit created");
      const { metadata, spec } = pod("explicit");
      assert.equal(metadata.labels?.["owner"], "ana");
      assert.equal(spec.securityContext?.runAsNonRoot, false);
      assert.equal(spec.containers[0]?.imagePullPolicy, "Never");
      assert.deepEqual(spec.containers[0].securityContext?.capabilities?.drop, ["ALL", "NET_RAW"]);
    });
    await context.test("an object that is there already is mutated when it is updated, and stays as it is then", () => {
      assert.equal(kubectl("label", "pod", "plain", "tier=web"), "pod/plain labeled");
      const again = pod("plain");
      assert.deepEqual([again.metadata.labels?.["owner"], again.metadata.labels?.["tier"]], ["platform", "web"]);
      assert.match(kubectl("label", "pod", "plain", "owner=bea", "--overwrite"), /labeled/);
      assert.equal(pod("plain").metadata.labels?.["owner"], "bea");
    });
    await context.test("what is validated is the mutated object; other kinds are not touched", () => {
      const denied = kubectl("apply", "-f", join(example, "objects/objects.yaml"));
      assert.match(
        denied,
        /admission webhook "validation\.gatekeeper\.sh" denied the request: \[everything-has-an-owner\] Deployment <forgotten> has no owner label/,
      );
      assert.ok(!denied.includes("<plain>"), denied);
    });
    await context.test("a new mutator is used without a restart", async () => {
      writeFileSync(join(policies, "spot.yaml"), spread);
      await waitFor("the new mutator", 30, () => {
        const dry = kubectl("run", "probe", "--image=nginx", "--dry-run=server", "-o", "json");
        return Promise.resolve((JSON.parse(dry) as Pod).spec.tolerations?.some(({ key }) => key === "spot") === true);
      });
      assert.equal(kubectl("run", "spotted", "--image=nginx"), "pod/spotted created");
      assert.ok(pod("spotted").spec.tolerations?.some(({ key }) => key === "spot"));
    });
    await context.test("an object that cannot be mutated is refused with Gatekeeper's text", async () => {
      const broken = spread.replace("name: spot", "name: wrong").replace("spec.tolerations", "spec.nodeName");
      writeFileSync(join(policies, "wrong.yaml"), broken.replace("{key: spot, operator: Exists}", "x"));
      const pinned = (): string =>
        kubectl("run", "pinned", "--image=nginx", "--dry-run=server", '--overrides={"spec":{"nodeName":"node-1"}}');
      await waitFor("the wrong mutator", 30, () => Promise.resolve(pinned().includes("mutation")));
      assert.match(
        pinned(),
        /admission webhook "mutation\.gatekeeper\.sh" denied the request: .*mutator ModifySet\.mutations\.gatekeeper\.sh \/wrong failed for .*is not a list of values, cannot treat it as a set/,
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
  await waitFor("the webhook's CA", 30, () => Promise.resolve(existsSync(caFile)));
  const caBundle = Buffer.from(readFileSync(caFile)).toString("base64");
  for (const [kind, name, path] of [
    ["MutatingWebhookConfiguration", "mutation.gatekeeper.sh", "/v1/mutate"],
    ["ValidatingWebhookConfiguration", "validation.gatekeeper.sh", "/v1/admit"],
  ] as const) {
    // oxlint-disable-next-line no-await-in-loop
    const { status, body } = await cluster.call(
      "POST",
      `/apis/admissionregistration.k8s.io/v1/${kind.toLowerCase()}s`,
      {
        apiVersion: "admissionregistration.k8s.io/v1",
        kind,
        metadata: { name: "portcullis" },
        webhooks: [
          {
            name,
            clientConfig: { url: `https://127.0.0.1:${port}${path}`, caBundle },
            rules: [
              {
                apiGroups: ["*"],
                apiVersions: ["*"],
                operations: ["CREATE", "UPDATE"],
                resources: ["pods", "deployments"],
              },
            ],
            failurePolicy: "Fail",
            sideEffects: "None",
            admissionReviewVersions: ["v1"],
            timeoutSeconds: 5,
          },
        ],
      },
    );
    assert.equal(status, 201, body);
  }
  const probe = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "probe" },
    spec: { containers: [{ name: "web", image: "nginx" }] },
  };
  await waitFor("the webhook's first mutation", 60, async () =>
    (await cluster.call("POST", "/api/v1/namespaces/default/pods?dryRun=All", probe)).body.includes("platform"),
  );
  return child;
}
