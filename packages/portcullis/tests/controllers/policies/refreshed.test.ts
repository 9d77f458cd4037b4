// A GlobalContextEntry says when its API call was answered last, once a request has needed it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseYaml } from "@portcullis/kube";
import { Source } from "@portcullis/lang";
import { clusterNeeds } from "../../../src/controllers/policies/clusterneeds.ts";
import { conditionStatus } from "../../../src/controllers/policies/conditions.ts";
import { createRefreshed } from "../../../src/controllers/policies/refreshed.ts";
import { createFakeCluster } from "../../cluster/fake.ts";

function entry(urlPath: string): unknown {
  const text = `
apiVersion: kyverno.io/v2beta1
kind: GlobalContextEntry
metadata: { name: e }
spec: { apiCall: { urlPath: ${urlPath}, refreshInterval: 1m } }`;
  return parseYaml(new Source("e.yaml", text), { dialect: "go" }).value[0]?.value;
}

const callTo = (urlPath: string): object => ({
  method: "GET",
  urlPath,
  service: null,
  data: [],
  policyNamespace: "",
  refreshMs: 60_000,
  retryLimit: 3,
});

test("the entry whose call was answered anew has the time of it, others have none", async () => {
  const clock = { ms: 5_000_000 };
  const refreshed = createRefreshed(() => clock.ms);
  let told = 0;
  refreshed.onChange(() => told++);
  const fake = createFakeCluster({ paths: { "/version": { major: "1" } } });
  const { fetchers } = clusterNeeds({
    client: fake.client,
    informers: fake.informers,
    onError: (error) => assert.fail(error),
    callService: null,
    onRefreshed: refreshed.note,
  });
  const ask = async (urlPath: string): Promise<void> => {
    const need = { kind: "kyverno.apiCall", key: urlPath, call: callTo(urlPath) };
    await fetchers["kyverno.apiCall"]?.([need], new AbortController().signal);
  };
  assert.equal(refreshed.at(entry("/version")), null);
  await ask("/version");
  assert.equal(refreshed.at(entry("/version")), clock.ms);
  assert.equal(refreshed.at(entry("/nothing")), null);
  // A held answer is none anew, and one that failed is none.
  clock.ms += 20_000;
  await ask("/version");
  await ask("/nothing");
  assert.equal(refreshed.at(entry("/version")), clock.ms - 20_000);
  assert.equal(refreshed.at(entry("/nothing")), null);
  assert.equal(told, 1);
});

test("what is asked again and again is told at most every ten seconds", () => {
  const clock = { ms: 0 };
  const refreshed = createRefreshed(() => clock.ms);
  let told = 0;
  refreshed.onChange(() => told++);
  for (; clock.ms < 60_000; clock.ms += 1000) refreshed.note(callTo("/version"));
  assert.equal(told, 6);
});

test("the status has it beside the condition, and keeps quiet where there is none", () => {
  const report = { what: "entry", status: {}, found: [], rules: null, now: "2026-01-01T00:00:00Z" } as const;
  const { conditions, ...rest } = conditionStatus({ ...report, refreshed: "2026-01-01T00:00:01Z" });
  assert.deepEqual(rest, { lastRefreshTime: "2026-01-01T00:00:01Z" });
  assert.ok(Array.isArray(conditions));
  assert.deepEqual(Object.keys(conditionStatus({ ...report, refreshed: null })), ["conditions"]);
});
