// The webhook with Kyverno's policies under load: a Pod review of about 7 KB against the validating policies of pod-security and
// best-practices, all enforced, Kyverno's admission controller beside ours. Answers are compared first. How much memory each needs
// where the policies audit, as they are published, follows (kyverno-memory.ts).

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startControlPlane } from "../e2e/control-plane.ts";
import type { Bench, Row } from "./bench.ts";
import { startKyverno } from "./kyverno-manager.ts";
import { memoryRows } from "./kyverno-memory.ts";
import { type PolicyFile, kyvernoPolicies } from "./library.ts";
import { peer } from "./peers.ts";
import { generatePods } from "./pods.ts";
import { type Measured, measureBare, measureOurs, measurePeer, reviewOf, webhookRows } from "./webhook.ts";

const root = resolve(import.meta.dirname, "..");
const data = resolve(process.env["CONFORMANCE_DIR"] ?? join(import.meta.dirname, "../../shared/conformance"));

export const kyvernoWebhook: Bench = {
  name: "kyverno-webhook",
  measures: "reviews of 7 KB Pods against Kyverno's pod-security and best-practices policies over HTTPS, 8 connections",
  run,
};

async function run(): Promise<readonly Row[]> {
  const policies = kyvernoPolicies(["pod-security", "best-practices"]);
  if (policies.length === 0) throw new Error("kyverno-policies is not in $CONFORMANCE_DIR");
  const folder = mkdtempSync(join(tmpdir(), "portcullis-bench-"));
  const built = mkdtempSync(join(tmpdir(), "portcullis-bench-"));
  const bodies = generatePods({ count: 64, seed: 7 }).map(reviewOf);
  try {
    // The built bundle, as users install it.
    const program = join(built, "main.mjs");
    execFileSync("rolldown", ["-c", "rolldown.config.ts", "-d", built], { cwd: root, stdio: "ignore" });
    const bare = await measureBare(folder, bodies);
    const theirs = await measureKyverno(policies, bodies);
    const ours = await measureOurs(folder, { policies, bodies, expected: theirs?.answers ?? null, program });
    return [...webhookRows(ours, theirs, bare, bodies), ...(await memoryRows())];
  } finally {
    rmSync(folder, { recursive: true, force: true });
    rmSync(built, { recursive: true, force: true });
  }
}

async function measureKyverno(policies: readonly PolicyFile[], bodies: readonly string[]): Promise<Measured | null> {
  const [program, etcd, apiserver] = [peer("kyverno-admission"), peer("etcd"), peer("kube-apiserver")];
  const crds = join(data, "kyverno", "config", "crds");
  if (program === null || etcd === null || apiserver === null || !existsSync(crds)) return null;
  const controlPlane = await startControlPlane(etcd, apiserver);
  try {
    const manager = await startKyverno({ program, controlPlane, crds, policies });
    const measured = await measurePeer({ port: manager.port, path: "/validate/fail?timeout=10s", bodies }, manager.pid);
    await manager.stop();
    return measured;
  } finally {
    await controlPlane.stop();
  }
}
