// Mutation in the thread that answers connections: the answers are those of an evaluator thread, and what is not cheap for
// sure is left to one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { builtinCatalog } from "@portcullis/kube";
import { reviewOf } from "../../src/app/ask.ts";
import { assembleEvaluator } from "../../src/app/assemble.ts";
import { clockMs } from "../../src/app/clock.ts";
import { evaluatorSettings } from "../../src/app/config.ts";
import type { Evaluator, Report } from "../../src/app/evaluator.ts";
import { type Near, createNear } from "../../src/app/near.ts";
import { type Endpoint, admitEndpoint, mutateEndpoint } from "../../src/server/endpoints.ts";

const assign = (name: string, location: string, more: object = {}) => ({
  apiVersion: "mutations.gatekeeper.sh/v1",
  kind: "Assign",
  metadata: { name },
  spec: {
    applyTo: [{ groups: [""], versions: ["v1"], kinds: ["Pod"] }],
    location,
    parameters: { assign: { value: "Always" } },
    ...more,
  },
});
const pull = assign("pull", "spec.containers[name: *].imagePullPolicy");
const broken = assign("x-broken", "spec.nodeName.x", { match: { name: "broken" } });
const config = {
  apiVersion: "config.gatekeeper.sh/v1alpha1",
  kind: "Config",
  metadata: { name: "config", namespace: "gatekeeper-system" },
  spec: { match: [{ processes: ["mutation-webhook"], excludedNamespaces: ["kube-*"] }] },
};
const template = {
  apiVersion: "templates.gatekeeper.sh/v1",
  kind: "ConstraintTemplate",
  metadata: { name: "nothing" },
  spec: {
    crd: { spec: { names: { kind: "Nothing" } } },
    targets: [{ target: "admission.k8s.gatekeeper.sh", rego: "package nothing\nviolation[{}] { false }" }],
  },
};
const kyvernos = {
  apiVersion: "kyverno.io/v1",
  kind: "ClusterPolicy",
  metadata: { name: "p" },
  spec: {
    rules: [
      {
        name: "r",
        match: { any: [{ resources: { kinds: ["Pod"] } }] },
        validate: { failureAction: "Audit", pattern: { spec: {} } },
      },
    ],
  },
};

const pod = (
  name: string,
  namespace = "default",
  containers: readonly object[] = [{ name: "web", image: "nginx" }],
) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace },
  spec: { containers, nodeName: "n" },
});

const faults: string[] = [];

/** An evaluator as a thread has it, and the near one that serves what it reports. */
/** Time enough for code that runs for the first time on a busy machine. */
const longSliceMs = 3000;

async function both(
  objects: readonly object[],
  sliceMs = longSliceMs,
): Promise<{ far: Evaluator; near: Near; report: Report }> {
  const settings = evaluatorSettings();
  const far = assembleEvaluator(settings);
  const changed = objects.map((object, at) => ({
    file: `${at}.yaml`,
    role: "policies" as const,
    text: JSON.stringify(object),
    lastGood: null,
  }));
  const report = far.prepare({ version: 1, changed, removed: [] });
  const near = createNear({ settings, onFault: (detail) => faults.push(detail), sliceMs });
  await near.serve(report.nearby);
  return { far, near, report };
}

const later = (): number => clockMs() + 5000;

function farAnswer(far: Evaluator, body: string, endpoint: Endpoint): unknown {
  const result = far.answer({ version: 1, body, deadlineMs: later(), lane: "fast", endpoint });
  assert.equal(result.kind, "reply");
  return result.kind === "reply" ? result.reply : null;
}

/** Each answer names its mutation anew. */
function withoutId(reply: unknown): string {
  return JSON.stringify(reply).replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "id");
}

test("answers are those of an evaluator thread", async () => {
  const { far, near } = await both([pull, broken, config, template]);
  const objects = [pod("a"), pod("broken"), pod("b", "kube-system"), config, pull];
  const bodies = [...objects.map((object) => reviewOf(object, builtinCatalog())), "{", '{"kind":"AdmissionReview"}'];
  for (const endpoint of [mutateEndpoint, { ...mutateEndpoint, dialect: "gatekeeper" } as const]) {
    for (const body of bodies) {
      const reply = near.answer(body, later(), endpoint);
      assert.notEqual(reply, null);
      assert.equal(withoutId(reply), withoutId(farAnswer(far, body, endpoint)));
    }
  }
  assert.deepEqual(faults, []);
});

test("a change takes the place of what was served", async () => {
  const { near } = await both([pull]);
  const body = reviewOf(pod("a"), builtinCatalog());
  const patch = (): string | undefined => {
    const text = near.answer(body, later(), mutateEndpoint)?.body ?? "{}";
    return (JSON.parse(text) as { response: { patch?: string } }).response.patch;
  };
  assert.match(Buffer.from(patch() ?? "", "base64").toString(), /imagePullPolicy/);
  const { report } = await both([assign("priority", "spec.priorityClassName")]);
  await near.serve(report.nearby);
  assert.equal(
    Buffer.from(patch() ?? "", "base64").toString(),
    '[{"op":"add","path":"/spec/priorityClassName","value":"Always"}]',
  );
  await Promise.all([near.serve(report.nearby), near.serve(null)]);
  assert.equal(near.answer(body, later(), mutateEndpoint), null);
});

const elsewhere: readonly (readonly [string, readonly object[]])[] = [
  ["no mutator", [template]],
  ["a policy of Kyverno's", [pull, kyvernos]],
  [
    "a provider is asked",
    [pull, assign("p", "spec.x", { parameters: { assign: { externalData: { provider: "p" } } } })],
  ],
  [
    "a Namespace is looked at",
    [pull, assign("n", "spec.x", { match: { namespaceSelector: { matchLabels: { a: "b" } } } })],
  ],
  ["too many", Array.from({ length: 257 }, (_, at) => assign(`m${at}`, `spec.f${at}`))],
];

for (const [why, objects] of elsewhere) {
  test(`an evaluator thread is asked: ${why}`, async () => {
    const { near, report } = await both(objects);
    assert.equal(report.nearby, null);
    assert.equal(near.answer(reviewOf(pod("a"), builtinCatalog()), later(), mutateEndpoint), null);
  });
}

test("an evaluator thread is asked for everything else, and for what is large or takes long", async () => {
  const globs = Array.from({ length: 60 }, (_, at) => assign(`m${at}`, `spec.containers[name: *].f${at}`));
  const { near } = await both(globs);
  const small = reviewOf(pod("a"), builtinCatalog());
  assert.equal(near.answer(small, later(), admitEndpoint), null);
  assert.equal(near.answer(small, later(), { ...mutateEndpoint, dialect: "kyverno" }), null);
  assert.notEqual(near.answer(small, later(), mutateEndpoint), null);
  const many = Array.from({ length: 4000 }, (_, at) => ({ name: String(at) }));
  const slow = reviewOf(pod("a", "default", many), builtinCatalog());
  assert.ok(slow.length < 64 * 1024);
  const { near: hasty } = await both(globs, 4);
  assert.equal(hasty.answer(slow, later(), mutateEndpoint), null);
  const large = reviewOf(pod("a", "default", [{ name: "web", args: ["x".repeat(65_000)] }]), builtinCatalog());
  assert.equal(near.answer(large, later(), mutateEndpoint), null);
});

test("while one decides, a free thread takes the next", async () => {
  const { report } = await both([pull]);
  let isThreadFree = true;
  const near = createNear({
    settings: evaluatorSettings(),
    onFault: assert.fail,
    isThreadFree: () => isThreadFree,
    sliceMs: longSliceMs,
  });
  await near.serve(report.nearby);
  const ask = (): boolean => near.answer(reviewOf(pod("a"), builtinCatalog()), later(), mutateEndpoint) !== null;
  assert.deepEqual([ask(), ask()], [true, false]);
  isThreadFree = false;
  assert.equal(ask(), true);
  isThreadFree = true;
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([ask(), ask()], [true, false]);
});
