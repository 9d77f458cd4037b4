// Policies with mistakes through the webhook of the real admission controller and through ours: the same verdict, and the same
// text. With ALL=1 only, since it takes a control plane; SEED=n runs a seed again, COUNT=n another number of policies.
//
// Left out: what depends on the controller's cluster (permissions of its service accounts, kinds that it has not), what Go
// cannot read although the schema takes it, and image rules, which are printed as they are written (docs/compatibility.md
// K21).

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { builtinCatalog, gvkOf, nameOf, namespaceOf } from "@portcullis/kube";
import { canonicalJson, createEngine, kyvernoAdmission, kyvernoFrontend } from "@portcullis/policy";
import { startKyverno } from "../../bench/kyverno-manager.ts";
import { peer } from "../../bench/peers.ts";
import { seededRandom } from "../../bench/random.ts";
import { readYaml } from "../../conformance/files.ts";
import { startControlPlane } from "../../e2e/control-plane.ts";
import { reviewOf } from "../../packages/portcullis/src/app/ask.ts";
import { readReview } from "../../packages/portcullis/src/server/review.ts";
import { comparablePolicies } from "./kyverno.ts";
import { variantOf } from "./policy-variants.ts";

const dataDir = process.env["CONFORMANCE_DIR"] ?? "../shared/conformance";
const programs = [peer("kyverno-admission"), peer("etcd"), peer("kube-apiserver")] as const;
const isThere = programs.every((program) => program !== null) && existsSync(join(dataDir, "kyverno-policies"));
const skip = process.env["ALL"] !== "1" ? "ALL=1 runs it" : isThere ? false : "the peers or the library are not there";
if (skip !== false) process.stderr.write(`NOT RUN: policies through Kyverno's admission controller: ${skip}\n`);

const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e6));
const count = Number(process.env["COUNT"] ?? 400);
const catalog = builtinCatalog();
const engine = createEngine({ frontends: [kyvernoFrontend({ settings: { exceptionNamespace: null } })], catalog });
const nothing = engine.policySet([]);

interface Said {
  readonly allowed: boolean;
  readonly message: string;
}

test(`${count} policies with mistakes are judged alike (SEED=${seed})`, { skip }, async () => {
  const [program, etcd, apiserver] = programs as readonly [string, string, string];
  const controlPlane = await startControlPlane(etcd, apiserver);
  try {
    const { status } = await controlPlane.call(
      "POST",
      "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
      allRights,
    );
    assert.equal(status, 201);
    const crds = join(dataDir, "kyverno", "config", "crds");
    const manager = await startKyverno({ program, controlPlane, crds, policies: [] });
    try {
      const differences = await compare(manager.port);
      assert.deepEqual(differences, []);
    } finally {
      await manager.stop();
    }
  } finally {
    await controlPlane.stop();
  }
});

/** So that the controller's own rights hinder no policy. */
const allRights = {
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRoleBinding",
  metadata: { name: "all-rights" },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
  subjects: ["admission", "background", "reports"].map((name) => ({
    kind: "ServiceAccount",
    namespace: "kyverno",
    name: `kyverno-${name}-controller`,
  })),
};

async function compare(port: number): Promise<readonly string[]> {
  const agent = new Agent({ keepAlive: true, rejectUnauthorized: false });
  const random = seededRandom(seed);
  const policies = comparablePolicies(dataDir)
    .filter((path) => !/matchConditions|imageExtractors/.test(readFileSync(path, "utf8")))
    .flatMap((path) => readYaml(path))
    .filter((object) => gvkOf(object).kind === "ClusterPolicy");
  const differences: string[] = [];
  let compared = 0;
  while (compared < count) {
    const policy = variantOf(policies[Math.floor(random() * policies.length)], random);
    const ours = oursOf(policy);
    // What does not fit the schema never comes to the webhook.
    if (ours === null) continue;
    // oxlint-disable-next-line no-await-in-loop -- in turn
    const theirs = await theirsOf(port, policy, agent);
    if (theirs === null) continue;
    compared++;
    const [mine, peers] = [textOf(ours), textOf(theirs)];
    if (mine !== peers) differences.push(`${JSON.stringify(policy)}\nours   ${mine}\ntheirs ${peers}`);
  }
  agent.destroy();
  return differences;
}

function textOf({ allowed, message }: Said): string {
  return (
    `${allowed} ${message}`
      .replace(/valid values: \[[^\]]*\]/, "valid values")
      // Of several references that cannot be resolved Kyverno names any.
      .replace(/at path \S+: <nil>/, "<nil>")
  );
}

function oursOf(policy: unknown): Said | null {
  const known = engine.policySet([{ object: policy, file: "policy" }]).status;
  const codes = new Set([...known.values()].flat().map(({ code }) => code));
  if (codes.has("policy-schema") || codes.has("unknown-field")) return null;
  return kyvernoAdmission(readReview(JSON.parse(reviewOf(policy, catalog))).request, nothing);
}

async function theirsOf(port: number, policy: unknown, agent: Agent): Promise<Said | null> {
  for (let tries = 0; ; tries++) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- until its certificate is there
      return await askOnce(port, reviewOf(JSON.parse(canonicalJson(policy)), catalog), agent);
    } catch (error) {
      if (tries === 40) throw new Error(`${namespaceOf(policy)}/${nameOf(policy)} was not judged`, { cause: error });
      // oxlint-disable-next-line no-await-in-loop -- see above
      await sleep(500);
    }
  }
}

/** An API server sends objects with their keys sorted. Null where the answer depends on the controller's cluster. */
function askOnce(port: number, body: string, agent: Agent): Promise<Said | null> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const options = { host: "127.0.0.1", port, path: "/policyvalidate?timeout=30s", method: "POST", headers, agent };
    const outgoing = request(options, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () => {
        const { response } = JSON.parse(Buffer.concat(chunks).toString()) as {
          readonly response: { allowed: boolean; status?: { message?: string }; warnings?: readonly string[] };
        };
        const message = response.status?.message ?? "";
        const isOfCluster = /requires permissions|failed to get GVR|auth check fails|^json: cannot unmarshal/.test(
          message,
        );
        const isUnknown = (response.warnings ?? []).some((warning) => warning.includes("unable to convert GVK"));
        resolve(isOfCluster || isUnknown ? null : { allowed: response.allowed, message });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
