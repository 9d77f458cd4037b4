import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { ClusterClient, ClusterObject } from "../../../src/cluster/api.ts";
import {
  type WebhookController,
  startWebhookController,
  webhookResources,
} from "../../../src/controllers/webhooks/controller.ts";
import type { AskingPolicy, Webhook } from "../../../src/controllers/webhooks/wanted.ts";
import { createFakeCluster } from "../../cluster/fake.ts";

const settings = {
  reached: { service: { namespace: "portcullis", name: "portcullis-webhook", port: 443 } },
  namespace: "portcullis",
} as const;

function policy(dialect: "gatekeeper" | "kyverno", more: Partial<AskingPolicy> = {}): AskingPolicy {
  return {
    id: { dialect, kind: "K", namespace: "", name: "p" },
    phase: "validate",
    scope: { kinds: ["/Pod"] },
    ...more,
  };
}

type Configuration = ClusterObject & { readonly webhooks: readonly Webhook[] };

const name = { namespace: "", name: "portcullis" };

function fixture(change?: (object: ClusterObject) => ClusterObject) {
  const cluster = createFakeCluster();
  const changed = change ?? ((object: ClusterObject): ClusterObject => object);
  const client: ClusterClient = {
    ...cluster.client,
    create: (resource, object, options) => cluster.client.create(resource, changed(object), options),
    update: (resource, object, options) => cluster.client.update(resource, changed(object), options),
  };
  const errors: Error[] = [];
  const controller = startWebhookController({
    client,
    informers: cluster.informers,
    onError: (error) => errors.push(error),
    patienceMs: { first: 50, most: 400 },
  });
  const stored = async (kind: keyof typeof webhookResources): Promise<Configuration> =>
    (await cluster.client.get(webhookResources[kind], name)) as unknown as Configuration;
  return { cluster, controller, errors, stored };
}

async function settled(controller: WebhookController): Promise<void> {
  for (let turn = 0; turn < 200 && !controller.isCurrent; turn++) {
    // oxlint-disable-next-line no-await-in-loop -- polling is the point
    await sleep(10);
  }
  assert.ok(controller.isCurrent, "the configurations never became current");
}

function find({ webhooks }: Configuration, webhook: string): Webhook {
  const found = webhooks.find((one) => one.name === webhook);
  assert.ok(found !== undefined, `no ${webhook} in ${webhooks.map((one) => one.name).join(", ")}`);
  return found;
}

test("each dialect's webhooks ask for what its policies match, Fail and Ignore apart", async (context) => {
  const { controller, stored, errors } = fixture();
  context.after(() => controller.close());
  controller.update({
    settings,
    caBundle: "PEM",
    policies: [
      policy("gatekeeper"),
      policy("kyverno", { failurePolicy: "Fail", timeoutMs: 15_000 }),
      policy("kyverno", { failurePolicy: "Ignore", scope: { kinds: ["apps/Deployment"] } }),
      policy("kyverno", { phase: "mutate", failurePolicy: "Fail" }),
      policy("kyverno", { schedule: "* * * * *", scope: {} }),
    ],
  });
  await settled(controller);
  const validating = await stored("ValidatingWebhookConfiguration");
  assert.deepEqual(
    validating.webhooks.map((webhook) => [webhook.name, webhook.failurePolicy, webhook.timeoutSeconds]),
    [
      ["validation.gatekeeper.sh", "Ignore", 3],
      ["check-ignore-label.gatekeeper.sh", "Fail", 3],
      ["validate-policy.kyverno.svc", "Fail", 10],
      ["validate.kyverno.svc-ignore", "Ignore", 10],
      ["validate.kyverno.svc-fail", "Fail", 15],
    ],
  );
  const gatekeeper = find(validating, "validation.gatekeeper.sh");
  assert.deepEqual(gatekeeper.namespaceSelector.matchExpressions, [
    { key: "admission.gatekeeper.sh/ignore", operator: "DoesNotExist" },
    { key: "kubernetes.io/metadata.name", operator: "NotIn", values: ["kube-system", "portcullis"] },
  ]);
  assert.ok(gatekeeper.rules.some(({ apiGroups }) => apiGroups.includes("templates.gatekeeper.sh")));
  const fail = find(validating, "validate.kyverno.svc-fail");
  assert.deepEqual(fail.namespaceSelector.matchExpressions?.length, 1);
  assert.deepEqual(fail.clientConfig, {
    service: { namespace: "portcullis", name: "portcullis-webhook", port: 443, path: "/validate/fail" },
    caBundle: "UEVN",
  });
  assert.deepEqual(find(validating, "validate.kyverno.svc-ignore").rules[0]?.resources, ["deployments"]);
  const mutating = await stored("MutatingWebhookConfiguration");
  assert.deepEqual(
    mutating.webhooks.map((webhook) => webhook.name),
    ["mutate-policy.kyverno.svc", "mutate.kyverno.svc-fail"],
  );
  assert.equal(controller.writes, 2);
  assert.deepEqual(errors, []);
});

test("an API server that adds defaults and a cloud that adds to selectors start no second write", async (context) => {
  const { controller, cluster } = fixture((object) => ({
    ...object,
    webhooks: (object["webhooks"] as readonly Webhook[]).map((webhook) => ({
      ...webhook,
      matchConditions: undefined,
      rules: webhook.rules.map((rule) => ({ ...rule, operations: rule.operations.toReversed() })),
      namespaceSelector: {
        matchExpressions: [
          ...(webhook.namespaceSelector.matchExpressions ?? []),
          { key: "control-plane", operator: "DoesNotExist" },
        ],
      },
    })),
  }));
  context.after(() => controller.close());
  controller.update({ settings, caBundle: "PEM", policies: [policy("gatekeeper"), policy("kyverno")] });
  await settled(controller);
  const written = controller.writes;
  controller.check();
  await sleep(300);
  await cluster.settled();
  assert.equal(controller.writes, written);
  assert.equal(written, 2);
});

test("what somebody else changes is put right, and what they insist on is repeated later and later", async (context) => {
  const { controller, cluster, stored } = fixture();
  context.after(() => controller.close());
  controller.update({ settings, caBundle: "PEM", policies: [policy("gatekeeper")] });
  await settled(controller);
  const before = await stored("ValidatingWebhookConfiguration");
  cluster.put({ ...before, webhooks: before.webhooks.map((webhook) => ({ ...webhook, timeoutSeconds: 1 })) });
  await cluster.settled();
  await settled(controller);
  assert.equal(find(await stored("ValidatingWebhookConfiguration"), "validation.gatekeeper.sh").timeoutSeconds, 3);
  const written = controller.writes;
  for (let turn = 0; turn < 60; turn++) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other is the point
    const now = await stored("ValidatingWebhookConfiguration");
    cluster.put({ ...now, webhooks: now.webhooks.map((webhook) => ({ ...webhook, timeoutSeconds: 1 })) });
    // oxlint-disable-next-line no-await-in-loop
    await sleep(10);
  }
  assert.ok(controller.writes - written <= 5, `${controller.writes - written} writes while sixty times undone`);
});

test("who does not lead writes nothing, and knows what the leader wrote", async (context) => {
  const { controller, cluster } = fixture();
  const onError = (error: Error): void => assert.fail(error);
  const other = startWebhookController({ ...cluster, isLeader: () => false, onError });
  context.after(() => Promise.all([controller.close(), other.close()]));
  const state = { settings, caBundle: "PEM", policies: [policy("gatekeeper")] };
  other.update(state);
  await sleep(100);
  assert.equal(cluster.client.calls.count({ writes: true }), 0);
  controller.update(state);
  await settled(other);
  assert.equal(other.writes, 0);
  assert.ok(other.trusts("PEM"));
});

test("a template that names its operations is asked about them; what nobody matches is not asked about", async (context) => {
  const { controller, stored } = fixture();
  context.after(() => controller.close());
  const admission = [{ group: "", version: "*", kind: "Pod", subresource: null, operations: ["DELETE"] as const }];
  controller.update({ settings, caBundle: "PEM", policies: [policy("gatekeeper", { admission })] });
  await settled(controller);
  const { rules } = find(await stored("ValidatingWebhookConfiguration"), "validation.gatekeeper.sh");
  const core = rules.filter(({ apiGroups }) => apiGroups.includes(""));
  assert.deepEqual(core, [
    {
      apiGroups: [""],
      apiVersions: ["*"],
      resources: ["pods", "pods/ephemeralcontainers", "pods/resize"],
      operations: ["DELETE"],
      scope: "Namespaced",
    },
  ]);
});

test("a kind that is defined after the policies that match it is asked about when it is served", async (context) => {
  const { cluster, controller, stored } = fixture();
  context.after(() => controller.close());
  controller.update({
    settings,
    caBundle: "PEM",
    policies: [policy("kyverno", { failurePolicy: "Fail", scope: { kinds: ["/Pod", "example.com/Widget"] } })],
  });
  await settled(controller);
  const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "widgets.example.com" },
    spec: {
      group: "example.com",
      names: { kind: "Widget", plural: "widgets" },
      versions: [{ name: "v1", served: true }],
    },
  };
  // An API server takes a definition first, and serves it somewhat later.
  cluster.put(definition);
  await cluster.settled();
  cluster.put({ ...definition, status: { conditions: [{ type: "Established", status: "True" }] } });
  await cluster.settled();
  assert.equal(controller.isCurrent, false);
  await settled(controller);
  const { rules } = find(await stored("ValidatingWebhookConfiguration"), "validate.kyverno.svc-fail");
  assert.deepEqual(
    rules.map(({ apiGroups, resources }) => [apiGroups, resources[0]]),
    [
      [[""], "pods"],
      [["example.com"], "widgets"],
    ],
  );
});

test("in shadow of a neighbour, a dialect decides on a path that allows, and changes nothing", async (context) => {
  const { controller, stored } = fixture();
  context.after(() => controller.close());
  controller.update({
    settings: { ...settings, dialects: ["gatekeeper"], shadows: ["kyverno"] },
    caBundle: "PEM",
    policies: [policy("kyverno"), policy("kyverno", { phase: "mutate" })],
  });
  await settled(controller);
  const shadow = find(await stored("ValidatingWebhookConfiguration"), "shadow.validate.kyverno.svc-fail");
  assert.equal(shadow.failurePolicy, "Ignore");
  assert.deepEqual(shadow.clientConfig["service"], { ...settings.reached.service, path: "/shadow/validate/fail" });
  await assert.rejects(stored("MutatingWebhookConfiguration"), { status: 404 });
});

test("new policies and a new CA are written; a dialect that is left out has no webhook", async (context) => {
  const { controller, stored } = fixture();
  context.after(() => controller.close());
  controller.update({ settings, caBundle: "PEM", policies: [policy("gatekeeper")] });
  await settled(controller);
  controller.update({ caBundle: "NEXT", settings: { ...settings, dialects: ["kyverno"] } });
  await settled(controller);
  const validating = await stored("ValidatingWebhookConfiguration");
  assert.deepEqual(
    validating.webhooks.map((webhook) => webhook.name),
    ["validate-policy.kyverno.svc"],
  );
  assert.equal(validating.webhooks[0]?.clientConfig["caBundle"], Buffer.from("NEXT").toString("base64"));
});

test("what cert-manager injects stays, and a webhook that joins the others has it at once", async (context) => {
  const { cluster, controller, stored } = fixture();
  context.after(() => controller.close());
  const annotations = { "cert-manager.io/inject-ca-from": "portcullis/portcullis-tls" };
  controller.update({
    settings: { ...settings, annotations, dialects: ["gatekeeper"] },
    caBundle: null,
    policies: [policy("gatekeeper")],
  });
  await settled(controller);
  const registered = await stored("ValidatingWebhookConfiguration");
  assert.deepEqual(
    registered.webhooks.map(({ clientConfig }) => "caBundle" in clientConfig),
    [false, false],
  );
  assert.equal(annotated(registered), "portcullis/portcullis-tls");
  const injected = registered.webhooks.map((webhook) => ({
    ...webhook,
    clientConfig: { ...webhook.clientConfig, caBundle: "Q0E=" },
  }));
  await cluster.client.update(webhookResources.ValidatingWebhookConfiguration, { ...registered, webhooks: injected });
  await settled(controller);
  assert.equal(controller.writes, 1);
  controller.update({
    settings: { ...settings, annotations },
    policies: [policy("gatekeeper"), policy("kyverno", { failurePolicy: "Ignore" })],
  });
  await settled(controller);
  const { webhooks } = await stored("ValidatingWebhookConfiguration");
  assert.ok(webhooks.length > 2);
  assert.deepEqual([...new Set(webhooks.map(({ clientConfig }) => clientConfig["caBundle"]))], ["Q0E="]);
  assert.equal(controller.writes, 3, "and one for the mutating configuration, which is new");
});

function annotated({ metadata }: ClusterObject): unknown {
  return (metadata as { readonly annotations?: Readonly<Record<string, string>> }).annotations?.[
    "cert-manager.io/inject-ca-from"
  ];
}
