// Asks an evaluator about objects as an API server would, on any path.

import assert from "node:assert/strict";
import { builtinCatalog, parseYaml } from "@portcullis/kube";
import { Source } from "@portcullis/lang";
import { reviewOf } from "../../src/app/ask.ts";
import { assembleEvaluator } from "../../src/app/assemble.ts";
import { clockMs } from "../../src/app/clock.ts";
import { type KyvernoServing, evaluatorSettings } from "../../src/app/config.ts";
import { endpointAt } from "../../src/server/endpoints.ts";

export const catalog = builtinCatalog();

export interface Response {
  readonly uid: string;
  readonly allowed: boolean;
  readonly status?: Readonly<Record<string, unknown>>;
  readonly patch?: string;
  readonly patchType?: string;
  readonly warnings?: readonly string[];
}

/** A mutator: every container of a Pod pulls always. */
export const alwaysPull = `
apiVersion: mutations.gatekeeper.sh/v1
kind: Assign
metadata: {name: pull}
spec:
  applyTo: [{groups: [""], versions: ["v1"], kinds: ["Pod"]}]
  location: "spec.containers[name: *].imagePullPolicy"
  parameters: {assign: {value: Always}}
`;

export function objectOf(text: string): unknown {
  return parseYaml(new Source("test.yaml", text), { dialect: "go" }).value[0]?.value;
}

/** Asks an evaluator of these policies; data files may stand for the cluster. */
export function asker(policies: string, data = "", kyverno: KyvernoServing = {}) {
  const evaluator = assembleEvaluator(evaluatorSettings({ kyverno }));
  const { problems } = evaluator.prepare({
    version: 1,
    changed: [
      { file: "policies.yaml", role: "policies", text: policies, lastGood: null },
      { file: "data.yaml", role: "data", text: data, lastGood: null },
    ],
    removed: [],
  });
  assert.deepEqual(
    problems.filter(({ severity }) => severity === "error"),
    [],
  );
  const ask = (path: string, object: unknown, changes: Readonly<Record<string, unknown>> = {}): Response => {
    const review = JSON.parse(reviewOf(object, catalog)) as { request: Record<string, unknown> };
    Object.assign(review.request, changes, { uid: "u" });
    const endpoint = endpointAt(path);
    assert.ok(endpoint !== null, path);
    const body = JSON.stringify(review);
    const result = evaluator.answer({ version: 1, body, deadlineMs: clockMs() + 5000, lane: "slow", endpoint });
    assert.equal(result.kind, "reply");
    return (JSON.parse(result.kind === "reply" ? result.reply.body : "") as { response: Response }).response;
  };
  return { ask, evaluator, problems };
}
