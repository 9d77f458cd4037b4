// Gatekeeper's Config in the whole webhook: what it leaves alone and says so, what it traces, what mutations are logged.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { builtinCatalog } from "@portcullis/kube";
import { pino } from "pino";
import { reviewOf } from "../../src/app/ask.ts";
import type { ServeOptions } from "../../src/app/config.ts";
import { serve } from "../../src/app/serve.ts";
import { send } from "../server/client.ts";

const policies = `apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: deny}
spec:
  crd: {spec: {names: {kind: Deny}}}
  targets:
    - target: admission.k8s.gatekeeper.sh
      rego: |
        package deny
        violation[{"msg": msg}] { name := input.review.object.metadata.name; msg := sprintf("no %v", [name]) }
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: Deny
metadata: {name: d}
---
apiVersion: mutations.gatekeeper.sh/v1
kind: AssignMetadata
metadata: {name: owner}
spec: {location: metadata.labels.owner, parameters: {assign: {value: us}}}
---
apiVersion: config.gatekeeper.sh/v1alpha1
kind: Config
metadata: {name: config, namespace: gatekeeper-system}
spec:
  match: [{excludedNamespaces: [kube-*], processes: ["*"]}]
  validation:
    traces: [{user: kubernetes-admin, kind: {group: "", version: v1, kind: ConfigMap}, dump: All}]
`;

interface Line {
  readonly event_type?: string;
  readonly msg: string;
  readonly [key: string]: unknown;
}

interface Context {
  readonly lines: Line[];
  readonly metrics: () => Promise<string>;
  readonly ask: (path: string, kind: string, namespace: string) => Promise<{ allowed: boolean; message: string }>;
}

async function start(t: TestContext, options: Partial<ServeOptions> = {}): Promise<Context> {
  const folder = await mkdtemp(join(tmpdir(), "portcullis-test-"));
  await writeFile(join(folder, "policies.yaml"), policies);
  const lines: Line[] = [];
  const logger = pino({}, { write: (line: string) => lines.push(JSON.parse(line) as Line) });
  const serving = await serve({ policies: [folder], port: 0, workers: 1, logger, ...options });
  t.after(async () => {
    await serving.close();
    await rm(folder, { recursive: true });
  });
  return {
    lines,
    metrics: async () => (await send(`${serving.url}/metrics`, { method: "GET", ca: serving.ca ?? "" })).text,
    ask: async (path, kind, namespace) => {
      const object = { apiVersion: "v1", kind, metadata: { name: "web", namespace } };
      const { text } = await send(`${serving.url}${path}?timeout=20s`, {
        body: reviewOf(object, builtinCatalog()),
        ca: serving.ca ?? "",
      });
      const { response } = JSON.parse(text) as { response: { allowed: boolean; status?: { message?: string } } };
      return { allowed: response.allowed, message: response.status?.message ?? "" };
    },
  };
}

test("an excluded namespace is left alone, in Gatekeeper's words", async (t) => {
  const { ask, metrics } = await start(t);
  const ignored = { allowed: true, message: "Namespace is set to be ignored by Gatekeeper config" };
  assert.deepEqual(await ask("/v1/admit", "Pod", "kube-system"), ignored);
  assert.deepEqual(await ask("/v1/mutate", "Pod", "kube-system"), ignored);
  assert.deepEqual(await ask("/v1/admit", "Pod", "web"), { allowed: false, message: "[d] no web" });
  const text = await metrics();
  assert.match(text, /^gatekeeper_validation_request_count_total\{admission_status="allow",[^}]*\} 1$/m);
  assert.match(text, /^gatekeeper_mutation_request_count_total\{mutation_status="skip"\} 1$/m);
});

test("requests that Config wants traced are, with all policies where it says so; others are not", async (t) => {
  const { ask, lines } = await start(t);
  assert.equal((await ask("/v1/admit", "Pod", "web")).allowed, false);
  assert.deepEqual(await ask("/v1/admit", "ConfigMap", "web"), { allowed: false, message: "[d] no web" });
  const traces = lines.filter(({ event_type: type }) => type === "trace").map(({ msg }) => JSON.parse(msg) as object);
  assert.equal(traces.length, 2);
  const [{ trace }, { dump }] = traces as [{ trace: unknown[] }, { dump: unknown[] }];
  assert.match(JSON.stringify(trace), /"values":\{[^}]*"name":"web"/);
  assert.equal(dump.length, 2);
});

test("the time that templates took is logged when that is wanted", async (t) => {
  const { ask, lines } = await start(t, { gatekeeper: { logStats: true } });
  await ask("/v1/admit", "Pod", "web");
  const line = lines.find(({ event_type: type }) => type === "review_response_stats");
  assert.equal(line?.["resource_kind"], "Pod");
  const [entry] = (line?.["execution_stats"] ?? []) as { statsFor: string; stats: { name: string }[] }[];
  assert.deepEqual(
    [entry?.statsFor, entry?.stats.map(({ name }) => name)],
    ["Deny", ["templateRunTimeNS", "constraintCount"]],
  );
});

test("mutations are logged with Gatekeeper's keys when that is wanted", async (t) => {
  const { ask, lines } = await start(t, { gatekeeper: { logMutations: true } });
  await ask("/v1/mutate", "Pod", "web");
  const line = lines.find(({ event_type: type }) => type === "mutation_applied");
  assert.equal(line?.["iteration_0"], "AssignMetadata//owner:0");
  assert.equal(line?.["resource_name"], "web");
});
