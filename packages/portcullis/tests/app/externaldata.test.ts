// External data in the whole webhook: a provider over TLS that answers well, slowly, wrongly, with too much or not at all;
// verdicts and mutations by the failure policy, in time, while other requests go on.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { builtinCatalog } from "@portcullis/kube";
import { reviewOf } from "../../src/app/ask.ts";
import { clockMs } from "../../src/app/clock.ts";
import type { ServeOptions } from "../../src/app/config.ts";
import { externalDataFetchers } from "../../src/app/externaldata.ts";
import { createLogger } from "../../src/app/log.ts";
import { type Serving, serve } from "../../src/app/serve.ts";
import { selfSigned } from "../../src/server/certificates/reload.ts";
import { send } from "../server/client.ts";
import { type Behaviour, type TestProvider, startProvider } from "./provider.ts";

const catalog = builtinCatalog();

const images = `apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: images}
spec:
  crd: {spec: {names: {kind: Images}}}
  targets:
    - target: admission.k8s.gatekeeper.sh
      rego: |
        package images
        response := external_data({"provider": "p", "keys": [i | i = input.review.object.spec.containers[_].image]})
        violation[{"msg": msg}] { response.system_error != ""; msg := response.system_error }
        violation[{"msg": msg}] { msg := response.errors[_][1] }
        violation[{"msg": msg}] { count(response.responses) == 0; msg := sprintf("nothing, status %v", [response.status_code]) }
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: Images
metadata: {name: c}
spec: {match: {kinds: [{apiGroups: [""], kinds: [Pod]}]}}
`;

function assign(failurePolicy: string): string {
  return JSON.stringify({
    apiVersion: "mutations.gatekeeper.sh/v1",
    kind: "Assign",
    metadata: { name: "digests" },
    spec: {
      applyTo: [{ groups: [""], versions: ["v1"], kinds: ["Pod"] }],
      location: "spec.containers[name: *].image",
      parameters: {
        assign: {
          externalData: { provider: "p", failurePolicy, ...(failurePolicy === "UseDefault" && { default: "d" }) },
        },
      },
    },
  });
}

interface Context {
  readonly provider: TestProvider;
  readonly serving: Serving;
}

interface Starting {
  readonly policies?: string;
  readonly ca?: string;
  readonly timeout?: number;
  readonly options?: Partial<ServeOptions>;
}

async function start(t: TestContext, starting: Starting = {}): Promise<Context> {
  const { policies = images, options = {}, ...about } = starting;
  const folder = await mkdtemp(join(tmpdir(), "portcullis-test-"));
  const provider = await startProvider();
  await writeFile(join(folder, "policies.yaml"), `${policies}\n---\n${provider.yaml(about)}\n`);
  const serving = await serve({ policies: [folder], port: 0, workers: 1, logger: createLogger("nowhere"), ...options });
  t.after(async () => {
    await serving.close();
    await provider[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  assert.deepEqual(serving.status().problems, []);
  return { provider, serving };
}

interface Asking {
  readonly path?: string;
  readonly timeoutMs?: number;
  readonly kind?: string;
}

interface Said {
  readonly allowed: boolean;
  readonly message: string;
  readonly images: readonly string[];
  readonly tookMs: number;
}

async function ask({ serving }: Context, names: readonly string[], asking: Asking = {}): Promise<Said> {
  const { path = "/v1/admit", timeoutMs = 10_000, kind = "Pod" } = asking;
  const containers = names.map((image, at) => ({ name: `c${at}`, image }));
  const object = { apiVersion: "v1", kind, metadata: { name: "web" }, spec: { containers } };
  const startMs = clockMs();
  const url = `${serving.url}${path}?timeout=${timeoutMs}ms`;
  const { text } = await send(url, { body: reviewOf(object, catalog), ca: serving.ca ?? "" });
  const { response } = JSON.parse(text) as {
    readonly response: {
      readonly allowed: boolean;
      readonly status?: { readonly message?: string };
      readonly patch?: string;
    };
  };
  const patch = JSON.parse(Buffer.from(response.patch ?? "W10=", "base64").toString()) as { readonly value: string }[];
  return {
    allowed: response.allowed,
    message: response.status?.message ?? "",
    images: patch.map(({ value }) => value),
    tookMs: clockMs() - startMs,
  };
}

for (const workers of [1, 0]) {
  test(`a verdict asks the provider once for all keys, and remembers the answer (${workers} threads)`, async (t) => {
    const context = await start(t, { options: { workers } });
    const { provider } = context;
    assert.equal((await ask(context, ["a", "b", "a"])).allowed, true);
    assert.deepEqual(provider.requests, [["a", "b", "a"]]);
    assert.equal((await ask(context, ["b"])).allowed, true);
    const { message } = await ask(context, ["b", "error_c"]);
    assert.equal(message, "[c] error_c_invalid");
    assert.deepEqual(provider.requests, [["a", "b", "a"], ["error_c"]]);
    assert.equal((await ask(context, ["x_systemError"])).message, "[c] nothing, status 200\n[c] testing system error");
    assert.equal((await ask(context, ["y_valid"])).message, "[c] nothing, status 200");
  });
}

const pairs = `apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: pairs}
spec:
  crd: {spec: {names: {kind: Pairs}, validation: {openAPIV3Schema: {type: object, properties: {end: {type: string}}}}}}
  targets:
    - target: admission.k8s.gatekeeper.sh
      rego: |
        package pairs
        violation[{"msg": msg}] {
          i := input.review.object.spec.containers[_].image
          r := external_data({"provider": "p", "keys": [i, concat("", [i, input.parameters.end]), i]})
          msg := concat(" ", [x | x := r.responses[_][1]])
        }
`;

test("what several policies, and a policy in a loop, ask of a provider goes in one request", async (t) => {
  const constraint = (end: string): string => `---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: Pairs
metadata: {name: c${end}}
spec: {parameters: {end: "${end}"}}
`;
  const context = await start(t, {
    policies: pairs + constraint("1") + constraint("2"),
  });
  const { message } = await ask(context, ["a", "b"]);
  assert.equal(context.provider.requests.length, 1);
  assert.deepEqual(context.provider.requests[0]?.toSorted(), ["a", "a1", "a2", "b", "b1", "b2"]);
  assert.deepEqual(message.split("\n"), [
    "[c1] a_valid a1_valid a_valid",
    "[c2] a_valid a2_valid a_valid",
    "[c1] b_valid b1_valid b_valid",
    "[c2] b_valid b2_valid b_valid",
  ]);
});

test("the provider sees the server's own certificate", async (t) => {
  const context = await start(t);
  await ask(context, ["a"]);
  assert.notEqual(context.provider.client(), undefined);
});

test("with a time to live of 0 nothing is remembered", async (t) => {
  const context = await start(t, { options: { gatekeeper: { externalDataTtlMs: 0 } } });
  await ask(context, ["a"]);
  await ask(context, ["a"]);
  assert.deepEqual(context.provider.requests, [["a"], ["a"]]);
});

const failures: readonly (readonly [behaviour: Behaviour, message: RegExp])[] = [
  [{ kind: "silent" }, /^\[c\] failed to send external data request: Post "https:.*": context deadline exceeded$/],
  [{ kind: "slow", ms: 5000 }, /context deadline exceeded$/],
  [{ kind: "body", body: "<html>" }, /unmarshal external data response: invalid character '<' looking for beginning/],
  [{ kind: "body", body: "[]" }, /cannot unmarshal array into Go value of type externaldata.ProviderResponse$/],
  [{ kind: "body", body: '{"kind": "Other"}', status: 500 }, /^\[c\] nothing, status 500$/],
  [{ kind: "body", body: `"${"x".repeat(5_000_000)}"` }, /^\[c\] failed to read .*larger than 4194304 bytes$/],
  [{ kind: "redirect" }, /unexpected end of JSON input$/],
];

for (const [behaviour, expected] of failures) {
  const name = behaviour.kind === "body" ? behaviour.body.slice(0, 20) : behaviour.kind;
  test(`a provider that fails (${name}) is a system error, in time`, async (t) => {
    const context = await start(t, { timeout: 1 });
    context.provider.behaviour = behaviour;
    const { allowed, message, tookMs } = await ask(context, ["a"]);
    assert.equal(allowed, false);
    assert.match(message, expected);
    assert.ok(tookMs < 8000, `${tookMs} ms`);
  });
}

test("a provider that is down, or has another authority, is a system error", async (t) => {
  const context = await start(t);
  await context.provider[Symbol.asyncDispose]();
  const down = await ask(context, ["a"]);
  assert.match(down.message, /: dial tcp 127\.0\.0\.1:\d+: connect: connection refused$/);
  const other = await selfSigned(["127.0.0.1"]);
  const distrusting = await start(t, { ca: other.ca ?? "" });
  const { message } = await ask(distrusting, ["a"]);
  assert.match(message, /tls: failed to verify certificate: x509: certificate signed by unknown authority$/);
  assert.deepEqual(distrusting.provider.requests, []);
});

test("X1: a Provider without a timeout has five seconds", async (t) => {
  const context = await start(t, { timeout: 0 });
  context.provider.behaviour = { kind: "slow", ms: 300 };
  assert.equal((await ask(context, ["a"])).allowed, true);
});

test("X5: no address of a metadata service is connected to", async () => {
  const fetch = externalDataFetchers()["external_data"];
  const spec = { url: "https://169.254.169.254/latest", timeoutSeconds: 1, caBundle: "" };
  const call = { provider: "p", keys: ["a"], purpose: "validation", spec };
  const [answer] = (await fetch?.([{ kind: "external_data", key: "", call }], AbortSignal.timeout(5000))) ?? [];
  assert.match(answer !== undefined && "error" in answer ? answer.error : "", /machine's metadata/);
});

test("X6: what another address said is not remembered", async (t) => {
  await using first = await startProvider();
  await using second = await startProvider();
  const fetch = externalDataFetchers()["external_data"];
  const asking = async (provider: TestProvider): Promise<unknown> => {
    const { url, caBundle } = (JSON.parse(provider.yaml()) as { spec: { url: string; caBundle: string } }).spec;
    const call = { provider: "p", keys: ["a"], purpose: "validation", spec: { url, caBundle, timeoutSeconds: 3 } };
    return fetch?.([{ kind: "external_data", key: "", call }], t.signal);
  };
  await asking(first);
  await asking(first);
  await asking(second);
  assert.deepEqual([first.requests, second.requests], [[["a"]], [["a"]]]);
});

test("a provider never holds a request past its own time, and others do not wait for it", async (t) => {
  const context = await start(t, { timeout: 30 });
  context.provider.behaviour = { kind: "silent" };
  const timeoutMs = 5000;
  let ended = 0;
  const waiting = Array.from({ length: 12 }, async (_, at) => {
    const said = await ask(context, [`k${at}`], { timeoutMs });
    ended++;
    return said;
  });
  while (context.provider.requests.length < waiting.length) await new Promise((resolve) => setTimeout(resolve, 5));
  for (let at = 0; at < 10; at++) assert.equal((await ask(context, [], { kind: "ConfigMap" })).allowed, true);
  assert.equal(ended, 0);
  for (const { allowed, message } of await Promise.all(waiting)) {
    assert.equal(allowed, false);
    assert.match(message, /context deadline exceeded$/);
  }
});

const policies: readonly (readonly [failurePolicy: string, wanted: Pick<Said, "allowed" | "images">])[] = [
  ["Ignore", { allowed: true, images: [] }],
  ["UseDefault", { allowed: true, images: ["d"] }],
  ["Fail", { allowed: false, images: [] }],
];

for (const [failurePolicy, wanted] of policies) {
  test(`mutation: ${failurePolicy} decides what a provider's failure means`, async (t) => {
    const context = await start(t, { policies: assign(failurePolicy), timeout: 1 });
    const mutate = { path: "/v1/mutate" };
    assert.deepEqual((await ask(context, ["a", "b"], mutate)).images, ["a_valid", "b_valid"]);
    await ask(context, ["a", "b"], mutate);
    assert.deepEqual(context.provider.requests, [
      ["a", "b"],
      ["a", "b"],
    ]);
    for (const behaviour of [{ kind: "silent" }, { kind: "body", body: "no" }] as const) {
      context.provider.behaviour = behaviour;
      const { allowed, images: assigned, message, tookMs } = await ask(context, ["a"], mutate);
      assert.deepEqual({ allowed, images: assigned }, wanted);
      assert.ok(tookMs < 8000, `${tookMs} ms`);
      if (!allowed) assert.match(message, /failed to resolve external data placeholders: failed to send external data/);
    }
  });
}

test("external data that is switched off takes the built-in, and refuses Providers and mutators", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "portcullis-test-"));
  t.after(() => rm(folder, { recursive: true }));
  await using provider = await startProvider();
  await writeFile(join(folder, "p.yaml"), [images, provider.yaml(), assign("Fail")].join("\n---\n"));
  const gatekeeper = { externalData: false };
  const serving = await serve({ policies: [folder], port: 0, workers: 0, logger: createLogger("nowhere"), gatekeeper });
  t.after(() => serving.close());
  const texts = serving.status().problems.map(({ text }) => text.replace(/^\S+ /, ""));
  assert.deepEqual(texts.filter((text) => /feature flag|external_data/.test(text)).toSorted(), [
    "mutator: external data feature flag is not enabled",
    "provider: external data feature flag is not enabled",
    "rego_type_error: undefined function external_data",
  ]);
});

test("portcullis test asks providers when it is told to", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "portcullis-test-"));
  t.after(() => rm(folder, { recursive: true }));
  await using provider = await startProvider();
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web" },
    spec: { containers: [{ image: "error_a" }] },
  };
  await writeFile(join(folder, "p.yaml"), [images, provider.yaml(), JSON.stringify(pod)].join("\n---\n"));
  const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
  const run = (...flags: readonly string[]): Promise<string> =>
    new Promise((resolve) => {
      execFile(process.execPath, [main, "test", "-f", folder, ...flags], (_error, stdout) => {
        resolve(stdout);
      });
    });
  assert.match(await run(), /provider p is not asked here/);
  assert.deepEqual(provider.requests, []);
  assert.match(await run("--allow-external-data"), /\[Images\/c\] error_a_invalid$/m);
  assert.deepEqual(provider.requests, [["error_a"]]);
});
