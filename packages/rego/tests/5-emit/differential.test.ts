// Our answers and OPA's on generated policies: the same value, the same error, or undefined in both. Needs opa in
// $PEERS_DIR. The seed of a failure is printed; SEED=n runs it again.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { LimitError, Source } from "@portcullis/lang";
import { type PlainObject, RegoError, type Value, compile, toJson } from "../../src/index.ts";
import { type Generated, generatePolicy } from "./generate.ts";
import { evaluationOf, load } from "./program.ts";

const folder = process.env["PEERS_DIR"];
const opa = folder === undefined ? null : join(folder, "opa");
const skip = opa === null || !existsSync(opa) ? "SKIPPED: opa is not in $PEERS_DIR" : false;

interface Answer {
  readonly result?: unknown;
  readonly errors?: readonly { readonly code: string; readonly location: { readonly row: number } }[];
}

suite("generated policies against OPA", { skip }, () => {
  let server: ChildProcess | null = null;
  let base = "";

  before(async () => {
    base = `127.0.0.1:${await freePort()}`;
    server = spawn(opa ?? "", ["run", "--server", "--addr", base, "--log-level", "error"], { stdio: "ignore" });
    await untilHealthy(base);
  });

  after(() => server?.kill());

  const seeds = process.env["SEED"] === undefined ? firstSeeds(150) : [Number(process.env["SEED"])];

  let compared = 0;
  for (const seed of seeds) {
    test(`policy ${seed}`, async () => {
      compared += await compareOne(base, seed);
    });
  }

  test("some of them compile", () => assert.ok(compared > 0));
});

/** Fixed, so that every run tests the same. */
function firstSeeds(count: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => at);
}

/** How many rules were compared: none where the policy does not compile. */
async function compareOne(base: string, seed: number): Promise<number> {
  const policy = generatePolicy(seed);
  const { value: program } = compile({
    modules: [{ source: new Source("g.rego", policy.module), version: "v1" }],
    entrypoints: policy.rules,
    load,
  });
  const put = await fetch(`http://${base}/v1/policies/g`, { method: "PUT", body: policy.module });
  await put.text();
  if (program === null || !put.ok) {
    // Whether both refuse it is the matter of the checker's own tests.
    await fetch(`http://${base}/v1/policies/g`, { method: "DELETE" });
    return 0;
  }
  const { base: document } = policy.data as { readonly base: unknown };
  await fetch(`http://${base}/v1/data/base`, { method: "PUT", body: JSON.stringify(document) });
  const theirs = await Promise.all(policy.rules.map((rule) => askPeer(base, rule, policy)));
  const given = { input: JSON.stringify(policy.input), data: JSON.stringify(policy.data) };
  const ours = policy.rules.map((rule) => answerOf(() => program.entry(rule, evaluationOf(given))));
  assert.deepEqual(ours, theirs, `seed ${seed}\n${policy.module}`);
  return policy.rules.length;
}

async function askPeer(base: string, rule: string, policy: Generated): Promise<unknown> {
  const url = `http://${base}/v1/${rule.replaceAll(".", "/")}`;
  const response = await fetch(url, { method: "POST", body: JSON.stringify({ input: policy.input }) });
  const answer = (await response.json()) as Answer;
  if (answer.errors !== undefined) return { error: answer.errors[0]?.code, line: answer.errors[0]?.location.row };
  return { value: answer.result };
}

function answerOf(evaluate: () => Value | undefined): unknown {
  try {
    const value = evaluate();
    return { value: value === undefined ? undefined : (JSON.parse(JSON.stringify(toJson(value))) as PlainObject) };
  } catch (error) {
    if (error instanceof RegoError) return { error: error.code, line: error.line };
    if (error instanceof LimitError) return { limit: error.limit };
    throw error;
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function untilHealthy(base: string, attempts = 100): Promise<void> {
  const healthy = await fetch(`http://${base}/health`).then(
    (response) => response.ok,
    () => false,
  );
  if (healthy) return;
  if (attempts === 0) throw new Error("opa did not start");
  await new Promise((resolve) => setTimeout(resolve, 50));
  return untilHealthy(base, attempts - 1);
}
