// What Gatekeeper's own end-to-end tests hold Gatekeeper to, in policies and words of our own, where another file here does not show it
// already (e2e/README.md has the list): actions and their points, Events, exclusion, synchronised data, expansion, mutation with its
// annotations, operations of templates, built-ins that are forbidden, the delay of a shutdown.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { lookForBinaries } from "./binaries.ts";
import { freePort, saysSoon, stopProcess, waitFor } from "./control-plane.ts";
import { type Product, type Replica, startProduct, startReplica } from "./product.ts";

const { binaries, missing } = lookForBinaries();

suite("what Gatekeeper's tests hold it to", { skip: missing }, () => {
  test("on a real API server", { timeout: 400_000 }, async (context) => {
    if (typeof binaries === "string") return;
    const product = await startProduct(binaries);
    let replica: Replica | null = null;
    context.after(async () => {
      if (replica !== null) await stopProcess(replica.child);
      await product.stop();
    });
    const metricsPort = await freePort();
    product.cli("install", "--no-wait", "-f", "examples/repos/policies");
    for (const name of ["gatekeeper-system", "playground", "exempted"]) product.kubectl("create", "namespace", name);
    replica = await startReplica(product, { name: "replica-1", registers: true, flags: flagsWith(metricsPort) });
    const { child } = replica;
    await given(product, needs, requires("must-have-owner"));
    await context.test("an exempt namespace may have the ignore label, another one not", () => ignoreLabel(product));
    await context.test("deny, warn, dryrun", () => actions(product));
    await context.test("actions of their own for requests and for the audit", () => scoped(product));
    await context.test("Events of refusals, dry runs and the audit", () => events(product));
    await context.test("Config excludes namespaces, by their names, prefixes and suffixes", () => excluded(product));
    await context.test("what is synchronised is compared with, and counted", () => synced(product, metricsPort));
    await context.test("mutators tell by annotations what they did, and images are assigned", () => mutated(product));
    await context.test("what others will make is judged before it is made", () => expanded(product));
    await context.test("Rego v1 looks at the object's Namespace", () => namespaceObject(product));
    await context.test("templates say about which operations they are asked", () => operations(product));
    await context.test("a built-in that is forbidden is no function", () => forbidden(product));
    await context.test("requests are answered while a shutdown waits", () => shutsDown(product, child));
  });
});

function flagsWith(metricsPort: number): readonly string[] {
  return [
    "--metrics-port",
    String(metricsPort),
    "--audit-interval",
    "2",
    "--exempt-namespace",
    "exempted",
    "--emit-admission-events",
    "--admission-events-involved-namespace",
    "--emit-audit-events",
    "--audit-events-involved-namespace",
    "--mutation-annotations",
    "--disable-opa-builtin",
    "http.send",
    "--enable-delete-operations",
    "--shutdown-delay",
    "6",
  ];
}

// ── policies

function templateOf(kind: string, rego: string, target: object = {}): object {
  return {
    apiVersion: "templates.gatekeeper.sh/v1",
    kind: "ConstraintTemplate",
    metadata: { name: kind.toLowerCase() },
    spec: {
      crd: { spec: { names: { kind } } },
      targets: [{ target: "admission.k8s.gatekeeper.sh", ...(rego !== "" && { rego }), ...target }],
    },
  };
}

const needs = templateOf(
  "NeedsOwner",
  `package needs
violation[{"msg": msg}] {
  not input.review.object.metadata.labels.owner
  msg := sprintf("%v has no owner", [input.review.object.metadata.name])
}`,
);

interface Spec {
  readonly enforcementAction?: string;
  readonly scopedEnforcementActions?: readonly unknown[];
  readonly match?: object;
}

function constraintOf(kind: string, name: string, spec: Spec): Constraint {
  return { apiVersion: "constraints.gatekeeper.sh/v1beta1", kind, metadata: { name }, spec };
}

interface Constraint {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly [key: string]: unknown;
}

const configMaps = [{ apiGroups: [""], kinds: ["ConfigMap"] }];

function requires(name: string, spec: Spec = {}, namespaces: readonly string[] = ["playground"]): Constraint {
  return constraintOf("NeedsOwner", name, { match: { kinds: configMaps, namespaces }, ...spec });
}

/** Puts a template and its constraints there, and waits until they are enforced. */
async function given(product: Product, template: object, ...constraints: readonly Constraint[]): Promise<void> {
  product.apply(template);
  for (const constraint of constraints) {
    // oxlint-disable-next-line no-await-in-loop -- the first waits for its kind
    await waitFor(`${constraint.metadata.name} to be enforced`, 60, async () => {
      product.apply(constraint);
      return isEnforced(product, constraint);
    });
  }
}

interface Enforced {
  readonly metadata?: { readonly generation: number };
  readonly status?: {
    readonly totalViolations?: number;
    readonly violations?: readonly {
      readonly enforcementAction: string;
      readonly enforcementActions?: readonly string[];
    }[];
    readonly byPod?: readonly {
      readonly observedGeneration?: number;
      readonly templateUID?: string;
      readonly errors?: readonly { readonly message: string }[];
    }[];
  };
}

function statusOf(product: Product, kind: string, name: string): Enforced {
  return product.get(kind.toLowerCase(), name) ?? {};
}

function isEnforced(product: Product, { kind, metadata: { name } }: Constraint): boolean {
  const { metadata, status } = statusOf(product, kind, name);
  return status?.byPod?.some(({ observedGeneration }) => observedGeneration === metadata?.generation) === true;
}

/** What an API server says to a ConfigMap that has no owner. */
function createConfigMap(product: Product, name: string, namespace = "playground", ...more: readonly string[]): string {
  return product.kubectl("-n", namespace, "create", "configmap", name, "--from-literal=a=1", ...more);
}

// ── tests

function ignoreLabel(product: Product): void {
  const label = (namespace: string): string =>
    product.kubectl("label", "namespace", namespace, "admission.gatekeeper.sh/ignore=yes");
  assert.match(label("playground"), /Only exempt namespace can have the admission.gatekeeper.sh\/ignore label/);
  assert.equal(label("exempted"), "namespace/exempted labeled");
  product.apply(requires("must-have-owner", {}, ["playground", "exempted"]));
  assert.equal(createConfigMap(product, "unlooked", "exempted"), "configmap/unlooked created");
}

async function actions(product: Product): Promise<void> {
  await saysSoon(
    "a refusal",
    () => createConfigMap(product, "refused"),
    "denied the request: [must-have-owner] refused has no owner",
  );
  await given(product, needs, requires("must-have-owner", { enforcementAction: "warn" }));
  await saysSoon(
    "a warning",
    () => createConfigMap(product, "warned", "playground", "--dry-run=server"),
    "Warning: [must-have-owner] warned has no owner",
  );
  await given(product, needs, requires("must-have-owner", { enforcementAction: "dryrun" }));
  await waitFor("silence", 30, async () => {
    const said = createConfigMap(product, "recorded", "playground", "--dry-run=server");
    return said === "configmap/recorded created (server dry run)";
  });
  assert.equal(createConfigMap(product, "recorded"), "configmap/recorded created");
}

const points = (action: string, ...names: readonly string[]): object => ({
  action,
  enforcementPoints: names.map((name) => ({ name })),
});

async function scoped(product: Product): Promise<void> {
  const ofBoth = [points("deny", "audit.gatekeeper.sh"), points("warn", "validation.gatekeeper.sh")];
  const named = (name: string, scopedEnforcementActions: readonly object[]): Constraint =>
    requires(name, { enforcementAction: "scoped", scopedEnforcementActions }, ["scoped"]);
  product.kubectl("create", "namespace", "scoped");
  createConfigMap(product, "before", "scoped");
  await given(
    product,
    needs,
    named("scoped-both", ofBoth),
    named("scoped-audit", [points("warn", "audit.gatekeeper.sh")]),
    named("scoped-webhook", [points("deny", "validation.gatekeeper.sh")]),
  );
  await saysSoon(
    "a refusal",
    () => createConfigMap(product, "after", "scoped"),
    "denied the request: [scoped-webhook]",
  );
  const said = createConfigMap(product, "after", "scoped");
  assert.match(said, /Warning: \[scoped-both\] after has no owner/);
  assert.doesNotMatch(said, /scoped-audit/);
  const found = (name: string): readonly string[] | null => {
    const { status } = statusOf(product, "NeedsOwner", name);
    if (status?.totalViolations === undefined) return null;
    return (status.violations ?? []).map((one) => `${one.enforcementAction}: ${one.enforcementActions?.join(",")}`);
  };
  // The ConfigMap with the API server's authority is in each namespace where a controller manager runs, not here.
  await waitFor("the audit", 60, async () => found("scoped-both")?.length === 1 && found("scoped-audit")?.length === 1);
  assert.deepEqual(found("scoped-both"), ["scoped: deny"]);
  assert.deepEqual(found("scoped-audit"), ["scoped: warn"]);
  assert.deepEqual(found("scoped-webhook"), []);
}

async function events(product: Product): Promise<void> {
  const reasons = (): string =>
    product.kubectl(
      "-n",
      "playground",
      "get",
      "events",
      "-o",
      "jsonpath={range .items[*]}{.reason} {.metadata.annotations.constraint_kind} {.metadata.annotations.constraint_name}{'\\n'}{end}",
    );
  for (const reason of ["FailedAdmission", "DryrunViolation", "AuditViolation"]) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await saysSoon(reason, reasons, `${reason} NeedsOwner must-have-owner`);
  }
  assert.doesNotMatch(reasons(), /WarningAdmission/, "what was warned of were dry runs, which leave none");
}

async function excluded(product: Product): Promise<void> {
  await given(product, needs, requires("must-have-owner", {}, ["*"]));
  const cases = [
    ["only-this", "only-this"],
    ["prefixed-*", "prefixed-one"],
    ["*-suffixed", "one-suffixed"],
  ] as const;
  for (const [pattern, namespace] of cases) {
    product.kubectl("create", "namespace", namespace);
    // oxlint-disable-next-line no-await-in-loop -- each is taken back before the next
    await saysSoon("a refusal", () => createConfigMap(product, "refused", namespace), "denied the request");
    product.apply(configOf([{ excludedNamespaces: [pattern], processes: ["*"] }]));
    // oxlint-disable-next-line no-await-in-loop
    await saysSoon("an exclusion", () => createConfigMap(product, "let-through", namespace), "created");
    assert.match(createConfigMap(product, "refused"), /denied the request/, "others are looked at as before");
    product.apply(configOf([]));
  }
  await given(product, needs, requires("must-have-owner", { enforcementAction: "dryrun" }));
}

function configOf(match: readonly object[]): object {
  const kinds = ["ConfigMap", "Namespace"].map((kind) => ({ group: "", version: "v1", kind }));
  return {
    apiVersion: "config.gatekeeper.sh/v1alpha1",
    kind: "Config",
    metadata: { name: "config", namespace: "gatekeeper-system" },
    spec: { match, sync: { syncOnly: kinds } },
  };
}

const unique = templateOf(
  "UniqueColour",
  `package unique
violation[{"msg": msg}] {
  colour := input.review.object.metadata.labels.colour
  other := data.inventory.namespace[_]["v1"]["ConfigMap"][name]
  other.metadata.labels.colour == colour
  name != input.review.object.metadata.name
  msg := sprintf("%v is the colour of %v", [colour, name])
}`,
);

async function synced(product: Product, metricsPort: number): Promise<void> {
  await given(product, unique, constraintOf("UniqueColour", "one-of-each", { match: { kinds: configMaps } }));
  const coloured = (name: string): object => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace: "playground", labels: { colour: "red", owner: "me" } },
  });
  assert.match(product.apply(coloured("first")), /created/);
  await saysSoon("a refusal", () => product.apply(coloured("second")), "[one-of-each] red is the colour of first");
  const counted = async (kind: string): Promise<string> => {
    const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    return new RegExp(`^gatekeeper_sync\\{kind="${kind}",status="active"\\} (\\d+)$`, "m").exec(metrics)?.[1] ?? "";
  };
  const there = (kind: string): string =>
    String(product.kubectl("get", kind, "-A", "-o", "name").trim().split("\n").length);
  await waitFor("the counts", 30, async () => {
    return (await counted("Namespace")) === there("namespaces") && (await counted("ConfigMap")) === there("configmaps");
  });
}

async function mutated(product: Product): Promise<void> {
  const pods = [{ groups: [""], versions: ["v1"], kinds: ["Pod"] }];
  const mutator = (kind: string, name: string, spec: object): object => ({
    apiVersion: kind === "AssignImage" ? "mutations.gatekeeper.sh/v1alpha1" : "mutations.gatekeeper.sh/v1",
    kind,
    metadata: { name },
    spec,
  });
  product.apply(
    mutator("AssignMetadata", "labels-team", {
      match: { namespaces: ["mutated"], kinds: configMaps },
      location: "metadata.labels.team",
      parameters: { assign: { value: "blue" } },
    }),
    mutator("AssignImage", "from-ours", {
      applyTo: pods,
      match: { namespaces: ["mutated"] },
      location: "spec.containers[name:*].image",
      parameters: { assignDomain: "registry.example.com", assignTag: "@sha256:abcde67890123456789abc345678901a" },
    }),
  );
  product.kubectl("create", "namespace", "mutated");
  const labelled = (): Readonly<Record<string, unknown>> =>
    JSON.parse(createConfigMap(product, "labelled", "mutated", "--dry-run=server", "-o", "json")) as Record<
      string,
      unknown
    >;
  const metadata = (): { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> } =>
    labelled()["metadata"] as object;
  await waitFor("the label", 60, async () => metadata().labels?.["team"] === "blue");
  assert.equal(metadata().annotations?.["gatekeeper.sh/mutation-id"]?.length, 36);
  assert.equal(metadata().annotations?.["gatekeeper.sh/mutations"], "AssignMetadata//labels-team:1");
  const image = (): string =>
    product.kubectl(
      "-n",
      "mutated",
      "run",
      "web",
      "--image=nginx",
      "--dry-run=server",
      "-o",
      "jsonpath={.spec.containers[0].image}",
    );
  await saysSoon("the image", image, "registry.example.com/nginx@sha256:abcde67890123456789abc345678901a");
  product.kubectl("delete", "assignimage", "from-ours");
  await waitFor("the image as it was", 60, async () => image() === "nginx");
}

const podTemplate = { spec: { containers: [{ name: "c", image: "nginx" }], restartPolicy: "Never" } };
const workload = (kind: string, name: string): object => {
  const metadata = { name, namespace: "expanded" };
  if (kind === "Job") return { apiVersion: "batch/v1", kind, metadata, spec: { template: podTemplate } };
  const jobTemplate = { spec: { template: podTemplate } };
  return { apiVersion: "batch/v1", kind, metadata, spec: { schedule: "0 0 * * *", jobTemplate } };
};

interface Gvk {
  readonly group: string;
  readonly kind: string;
}

function expansion(name: string, from: Gvk, to: Gvk, more: object): object {
  return {
    apiVersion: "expansion.gatekeeper.sh/v1beta1",
    kind: "ExpansionTemplate",
    metadata: { name },
    spec: {
      applyTo: [{ groups: [from.group], versions: ["v1"], kinds: [from.kind] }],
      generatedGVK: { ...to, version: "v1" },
      ...more,
    },
  };
}

async function expanded(product: Product): Promise<void> {
  const [cronJob, job, pod] = [
    { group: "batch", kind: "CronJob" },
    { group: "batch", kind: "Job" },
    { group: "", kind: "Pod" },
  ];
  const jobs = (more: object = {}): object => expansion("jobs", job, pod, { templateSource: "spec.template", ...more });
  const ofPods = { kinds: [{ apiGroups: [""], kinds: ["Pod"] }], namespaces: ["expanded"] };
  product.kubectl("create", "namespace", "expanded");
  product.apply(jobs(), expansion("cronjobs", cronJob, job, { templateSource: "spec.jobTemplate" }));
  await given(product, needs, constraintOf("NeedsOwner", "pods-have-owner", { match: ofPods }));
  let number = 0;
  // What was let through once is not asked about again.
  const create = (kind: string): string => product.apply(workload(kind, `try${++number}`));
  const refused = "denied the request: [pods-have-owner] [Implied by jobs] try";
  await saysSoon("a refusal", () => create("Job"), refused);
  await saysSoon("one of a CronJob", () => create("CronJob"), refused);
  assert.match(create("CronJob"), new RegExp(`try${number}-job-pod has no owner`));
  const { status } = statusOf(product, "expansiontemplate", "jobs");
  const { metadata } = product.get("expansiontemplate", "jobs") as { readonly metadata: { readonly uid: string } };
  assert.equal(status?.byPod?.[0]?.templateUID, metadata.uid);
  product.apply(jobs({ enforcementAction: "warn" }));
  await saysSoon("a warning", () => create("Job"), "Warning: [pods-have-owner] [Implied by jobs]");
  await waitFor("the audit's violation", 60, async () => {
    const { status: told } = statusOf(product, "NeedsOwner", "pods-have-owner");
    return JSON.stringify(told).includes(`[Implied by jobs] try${number}-pod has no owner`);
  });
  await given(
    product,
    needs,
    constraintOf("NeedsOwner", "pods-have-owner", { match: { ...ofPods, source: "Generated" } }),
  );
  product.apply(jobs());
  await saysSoon("a refusal of what is generated", () => create("Job"), "denied the request");
  assert.match(product.kubectl("-n", "expanded", "run", "original", "--image=nginx", "--dry-run=server"), /created/);
  product.apply(expansion("pods", pod, cronJob, { templateSource: "spec.none" }));
  for (const name of ["pods", "jobs", "cronjobs"]) {
    // oxlint-disable-next-line no-await-in-loop -- all three say so
    await saysSoon(
      name,
      () => JSON.stringify(statusOf(product, "expansiontemplate", name)),
      "template forms expansion cycle",
    );
  }
  product.kubectl("delete", "expansiontemplate", "--all");
}

function v1(rego: string): object {
  return { code: [{ engine: "Rego", source: { version: "v1", rego } }] };
}

async function namespaceObject(product: Product): Promise<void> {
  const template = templateOf(
    "NamespaceHas",
    "",
    v1(`package namespacehas
violation contains {"msg": msg} if {
  not input.review.namespaceObject.metadata.labels.environment
  msg := sprintf("namespace %v has no environment", [input.review.namespace])
}`),
  );
  const match = { kinds: configMaps, namespaces: ["playground", "labelled"] };
  product.apply({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "labelled", labels: { environment: "test" } },
  });
  await given(product, template, constraintOf("NamespaceHas", "has-environment", { match }));
  await saysSoon(
    "a refusal",
    () => createConfigMap(product, "homeless"),
    "[has-environment] namespace playground has no environment",
  );
  assert.equal(createConfigMap(product, "at-home", "labelled"), "configmap/at-home created");
  product.kubectl("delete", "namespacehas", "--all");
}

async function operations(product: Product): Promise<void> {
  const rego = `package operations
violation contains {"msg": sprintf("%v of %v", [input.review.operation, input.review.name])} if { input.review.name == "watched" }`;
  const template = (asked: readonly string[]): object =>
    templateOf("Operations", "", { ...v1(rego), operations: asked });
  await given(product, template(["UPDATE"]), constraintOf("Operations", "updates", { match: { kinds: configMaps } }));
  await saysSoon("a creation", () => createConfigMap(product, "watched"), "created");
  const update = (): string =>
    product.kubectl("-n", "playground", "label", "configmap", "watched", `at=${Date.now()}`, "--overwrite");
  await saysSoon("a refusal", update, "[updates] UPDATE of watched");
  const remove = (): string =>
    product.kubectl("-n", "playground", "delete", "configmap", "watched", "--dry-run=server");
  assert.match(remove(), /deleted/);
  product.apply(template(["*"]));
  await saysSoon("a refusal of a deletion", remove, "[updates] DELETE of watched");
  product.kubectl("delete", "constrainttemplate", "operations");
  await waitFor("the policy to go", 30, async () => /labeled/.test(update()));
}

async function forbidden(product: Product): Promise<void> {
  const template = templateOf(
    "Calls",
    'package calls\nviolation[{"msg": "m"}] { http.send({"method": "get", "url": "https://127.0.0.1"}) }',
  );
  assert.match(product.apply(template), /undefined function http\.send/, "it is refused when it is stored");
  assert.equal(product.get("constrainttemplate", "calls"), null);
}

/** As a Pod that is deleted: it fails its readiness, and goes on answering. */
async function shutsDown(product: Product, child: Replica["child"]): Promise<void> {
  product.kubectl("delete", "needsowner", "--all");
  await given(product, needs, requires("must-have-owner"));
  await saysSoon("a refusal", () => createConfigMap(product, "refused"), "denied the request");
  const startMs = performance.now();
  child.kill("SIGTERM");
  await sleep(1000);
  assert.match(createConfigMap(product, "refused"), /denied the request/);
  await sleep(2000);
  assert.match(createConfigMap(product, "refused"), /denied the request/);
  await waitFor("its end", 30, async () => child.exitCode !== null || child.signalCode !== null);
  const tookMs = performance.now() - startMs;
  assert.ok(tookMs >= 6000, `it ended after ${Math.round(tookMs)} ms`);
  assert.equal(child.exitCode, 0);
}
