// The webhook configurations on a real kube-apiserver: they appear with the policies, guard, are left alone by us when only
// their form differs, survive the exchange of the authority without a lost request, give way to a neighbour, and are
// taken away so that the cluster accepts writes.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { builtinCatalog } from "../packages/kube/src/index.ts";
import { reviewOf } from "../packages/portcullis/src/app/ask.ts";
import { planned } from "../packages/portcullis/src/controllers/certificates/plan.ts";
import { secretOf } from "../packages/portcullis/src/controllers/certificates/secret.ts";
import { startBalancer } from "./balancer.ts";
import { lookForBinaries } from "./binaries.ts";
import { stopProcess, waitFor } from "./control-plane.ts";
import { type Product, type Replica, repository, startProduct, startReplica } from "./product.ts";
import { startSteadyLoad } from "./steady.ts";

const { binaries, missing } = lookForBinaries();

const examples = join(repository, "examples");

suite("webhook configurations", { skip: missing }, () => {
  test("guard, stay, rotate, give way, go", { timeout: 400_000 }, async (context) => {
    if (typeof binaries === "string") return;
    const product = await startProduct(binaries);
    const replicas: Replica[] = [];
    context.after(async () => {
      await Promise.all(replicas.map(({ child }) => stopProcess(child)));
      await product.stop();
    });
    await agingCertificates(product);
    product.cli(
      "install",
      "--no-wait",
      "-f",
      join(examples, "repos/policies"),
      "-f",
      join(examples, "kyverno/policies"),
    );
    product.kubectl("apply", "-f", join(examples, "repos/namespaces.yaml"));
    const balancer = await startBalancer();
    context.after(() => balancer.close());
    const registers = `https://127.0.0.1:${balancer.port}`;
    for (const name of ["replica-1", "replica-2"]) {
      // oxlint-disable-next-line no-await-in-loop -- two at once would make each other late
      replicas.push(await startReplica(product, { name, registers }));
      balancer.use(replicas.map(({ port }) => port));
    }
    await context.test("they appear with the policies, each dialect's under the names that its users know", () =>
      appear(product),
    );
    await context.test("the authority is exchanged under 500 requests a second, of which none fails", () =>
      rotation(product, balancer.port, (message) => context.diagnostic(message)),
    );
    await context.test("each dialect refuses in its own words", () => guard(product));
    await context.test("a replica that is killed takes what is in flight, and nothing after two seconds", () =>
      killed(product, replicas),
    );
    await context.test("what an API server or a cloud adds starts no second write", () => quiet(product));
    await context.test("Kyverno's ConfigMap shapes its webhooks", () => shaped(product));
    await context.test("its filters hold as soon as they are set, for Kyverno's policies alone", () =>
      filtered(product),
    );
    await context.test("what somebody breaks is put right", () => repaired(product));
    await context.test("a policy that goes takes its rules with it", () => shrinks(product));
    await context.test("a dialect is left to a living neighbour, and taken back", () => givesWay(product));
    await context.test("while a replica runs nothing is uninstalled", () => {
      const { code, text } = product.cli("run", "--uninstall");
      assert.equal(code, 1, text);
      assert.match(text, /^nothing was removed: replica-\d still runs and would register again/);
      assert.notEqual(configuration(product), null);
    });
    await context.test("uninstalled, the cluster accepts writes", async () => {
      await Promise.all(replicas.map(({ child }) => stopProcess(child)));
      uninstalled(product);
    });
  });
});

interface Configuration {
  readonly metadata: { readonly resourceVersion: string; readonly generation: number };
  readonly webhooks: readonly {
    readonly name: string;
    readonly failurePolicy: string;
    readonly timeoutSeconds: number;
    readonly clientConfig: { readonly caBundle: string };
    readonly matchConditions?: readonly { readonly name: string }[];
    readonly namespaceSelector: { readonly matchExpressions?: readonly { readonly key: string }[] };
    readonly rules: readonly { readonly resources: readonly string[]; readonly operations: readonly string[] }[];
  }[];
}

function configuration(product: Product, kind: "validating" | "mutating" = "validating"): Configuration | null {
  return product.get(`${kind}webhookconfiguration`, "portcullis") as unknown as Configuration | null;
}

function names(found: Configuration | null): readonly string[] {
  return found?.webhooks.map(({ name }) => name) ?? [];
}

/** An authority that has ten minutes left: a replica finds it due when it starts. */
async function agingCertificates(product: Product): Promise<void> {
  product.kubectl("create", "namespace", "portcullis");
  const lifetimes = { authorityDays: 10 / 1440, leafDays: 300, renewBeforeDays: 90 };
  const shared = await planned({
    now: null,
    names: ["localhost", "127.0.0.1"],
    lifetimes,
    nowMs: Date.now(),
    isTrusted: false,
  });
  assert.ok(shared !== null);
  product.apply(secretOf({ namespace: "portcullis", name: "portcullis-certificates" }, shared, null));
}

async function appear(product: Product): Promise<void> {
  await waitFor("both configurations", 30, async () => names(configuration(product, "mutating")).length > 1);
  assert.deepEqual(names(configuration(product)), [
    "validation.gatekeeper.sh",
    "check-ignore-label.gatekeeper.sh",
    "validate-policy.kyverno.svc",
    "validate.kyverno.svc-fail",
  ]);
  assert.deepEqual(names(configuration(product, "mutating")), ["mutate-policy.kyverno.svc", "mutate.kyverno.svc-fail"]);
}

const rooted = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "rooted" },
  spec: { containers: [{ name: "web", image: "docker.io/bitnami/nginx:1.27", securityContext: { runAsUser: 0 } }] },
};
const harmless = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "harmless" },
  spec: {
    containers: [
      {
        name: "web",
        image: "docker.io/bitnami/nginx:1.27",
        securityContext: { runAsNonRoot: true, runAsUser: 1000 },
      },
    ],
  },
};

/**
 * Two loads: requests through the API server, and 500 reviews a second that trust, as an API server does, what stands in the
 * webhook configuration at that moment.
 */
async function rotation(product: Product, port: number, say: (message: string) => void): Promise<void> {
  const bundle = (): string =>
    Buffer.from(configuration(product)?.webhooks[0]?.clientConfig.caBundle ?? "", "base64").toString();
  const certificates = (text: string): number => text.split("BEGIN CERTIFICATE").length - 1;
  await waitFor("both authorities in the bundle", 30, async () => certificates(bundle()) === 2);
  const leaf = (): unknown => {
    const data = product.get("-n", "portcullis", "secret", "portcullis-certificates")?.["data"];
    return (data as Readonly<Record<string, string>> | undefined)?.["tls.crt"];
  };
  const before = leaf();
  const load = startLoad(product);
  const body = reviewOf(harmless, builtinCatalog());
  const reviews = { port, path: "/validate/fail?timeout=10s", body, expected: '"allowed":true' };
  const steady = startSteadyLoad({ ...reviews, requestsPerSecond: 500, ca: bundle() });
  await waitFor("a leaf of the new authority", 90, async () => {
    steady.trust(bundle());
    return leaf() !== before;
  });
  // Replicas take it from the Secret, each in its own time.
  for (let looks = 0; looks < 10; looks++) {
    steady.trust(bundle());
    // oxlint-disable-next-line no-await-in-loop -- one look after the other
    await sleep(300);
  }
  const { asked, failures } = await load.end();
  const sent = await steady.end();
  assert.deepEqual(failures.slice(0, 3), []);
  assert.deepEqual(sent.failures.slice(0, 3), []);
  assert.ok(asked > 100, `${asked} requests`);
  assert.ok(sent.asked / sent.seconds > 450, `${sent.asked} reviews in ${sent.seconds} s`);
  const rate = Math.round(sent.asked / sent.seconds);
  say(
    `${sent.asked} reviews, ${rate} a second, ${sent.handshakes} over connections of their own, p99 ${sent.p99Ms.toFixed(1)} ms; ${asked} requests through the API server; none failed`,
  );
}

interface Failure {
  readonly afterMs: number;
  readonly body: string;
}

/** Four clients that create a Pod again and again in a dry run; Kyverno's webhook fails closed. */
function startLoad(product: Product): {
  end(): Promise<{ readonly asked: number; readonly failures: readonly Failure[] }>;
} {
  const ending = new AbortController();
  const failures: Failure[] = [];
  let asked = 0;
  const startMs = performance.now();
  const client = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      // oxlint-disable-next-line no-await-in-loop -- one client sends one request at a time
      const { status, body } = await product.call("POST", "/api/v1/namespaces/default/pods?dryRun=All", harmless);
      asked++;
      if (status !== 201) failures.push({ afterMs: performance.now() - startMs, body });
      // oxlint-disable-next-line no-await-in-loop
      await sleep(20);
    }
  };
  const clients = [client(), client(), client(), client()];
  return {
    end: async () => {
      ending.abort();
      await Promise.all(clients);
      return { asked, failures };
    },
  };
}

async function killed(product: Product, replicas: readonly Replica[]): Promise<void> {
  const load = startLoad(product);
  await sleep(1000);
  // The one that leads, so that another one takes over.
  const holderNow = (): string => {
    const spec = product.get("-n", "portcullis", "lease", "portcullis")?.["spec"];
    return (spec as { readonly holderIdentity: string } | undefined)?.holderIdentity ?? "";
  };
  const holder = holderNow();
  const leader = replicas.findIndex((_replica, at) => holder.startsWith(`replica-${at + 1}`));
  const victim = replicas[leader];
  assert.ok(victim !== undefined, holder);
  victim.child.kill("SIGKILL");
  await sleep(5000);
  const { asked, failures } = await load.end();
  assert.deepEqual(
    failures.filter(({ afterMs }) => afterMs > 3000),
    [],
    `${failures.length} of ${asked} failed`,
  );
  await waitFor("another leader", 40, async () => holderNow() !== holder);
}

async function guard(product: Product): Promise<void> {
  const untrusted =
    'has an invalid image repo <munta/nginx>, allowed repos are ["xxx.dkr.ecr.ca-central-1.amazonaws.com/", "docker.io/bitnami/"]';
  assert.equal(
    product.kubectl("-n", "medstack", "run", "web", "--image=munta/nginx", "--dry-run=server"),
    `Error from server (Forbidden): admission webhook "validation.gatekeeper.sh" denied the request: [enforce-image-repository] container <web> ${untrusted}`,
  );
  assert.match(product.apply(rooted), /admission webhook "validate\.kyverno\.svc-fail" denied the request/);
  assert.match(
    product.kubectl("label", "namespace", "medstack", "admission.gatekeeper.sh/ignore=yes"),
    /Only exempt namespace can have the admission.gatekeeper.sh\/ignore label/,
  );
}

async function quiet(product: Product): Promise<void> {
  // As a cloud's admission enforcer does.
  const requirement = { key: "control-plane", operator: "DoesNotExist" };
  const patch = [{ op: "add", path: "/webhooks/0/namespaceSelector/matchExpressions/-", value: requirement }];
  product.kubectl("patch", "validatingwebhookconfiguration", "portcullis", "--type=json", "-p", JSON.stringify(patch));
  const versions = (): readonly unknown[] =>
    (["validating", "mutating"] as const).map((kind) => configuration(product, kind)?.metadata.resourceVersion);
  const before = versions();
  await sleep(20_000);
  assert.deepEqual(versions(), before);
  const keys = configuration(product)?.webhooks[0]?.namespaceSelector.matchExpressions?.map(({ key }) => key);
  assert.ok(keys?.includes("control-plane"));
}

async function shaped(product: Product): Promise<void> {
  const namespaceSelector = { matchExpressions: [{ key: "team", operator: "Exists" }] };
  const config = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "kyverno", namespace: "kyverno" },
    data: {
      webhooks: JSON.stringify({ namespaceSelector }),
      matchConditions: JSON.stringify([
        { name: "not-nodes", expression: "!('system:nodes' in request.userInfo.groups)" },
      ]),
      webhookLabels: JSON.stringify({ team: "platform" }),
    },
  };
  const read = () => configuration(product)?.webhooks.find(({ name }) => name === "validate.kyverno.svc-fail");
  product.kubectl("create", "namespace", "kyverno");
  product.apply(config);
  await waitFor("the selector", 20, async () => read()?.namespaceSelector.matchExpressions?.[0]?.key === "team");
  assert.deepEqual(
    read()?.matchConditions?.map(({ name }) => name),
    ["portcullis-excluded-users", "not-nodes"],
  );
  product.kubectl("delete", "-n", "kyverno", "configmap", "kyverno");
  await waitFor("the default", 20, async () => read()?.namespaceSelector.matchExpressions?.[0]?.key !== "team");
}

const master = ["--as=jane", "--as-group=system:masters"];
const filters: readonly (readonly [data: Readonly<Record<string, string>>, as: readonly string[]])[] = [
  [{ resourceFilters: "[Event,*,*] [Pod,medstack,root*]" }, []],
  [{ excludeUsernames: "j*" }, master],
  [{ excludeGroups: "devs" }, [...master, "--as-group=devs"]],
  [{ excludeClusterRoles: "cluster-admin" }, master],
];

async function filtered(product: Product): Promise<void> {
  const name = "root-and-untrusted";
  const [container] = rooted.spec.containers;
  const file = join(product.folder, `${name}.json`);
  const metadata = { name, namespace: "medstack" };
  const pod = { ...rooted, metadata, spec: { containers: [{ ...container, image: "munta/nginx" }] } };
  writeFileSync(file, JSON.stringify(pod));
  const kyverno = { metadata: { name: "kyverno", namespace: "kyverno" }, apiVersion: "v1", kind: "ConfigMap" };
  // As a warning, Gatekeeper's verdict is seen whatever Kyverno's is.
  const act = (action: string): void => {
    const patch = JSON.stringify({ spec: { enforcementAction: action } });
    product.kubectl("patch", "k8sallowedrepos", "enforce-image-repository", "--type=merge", "-p", patch);
  };
  const created = (as: readonly string[]): string => product.kubectl("create", "--dry-run=server", "-f", file, ...as);
  const isRefused = (as: readonly string[]): boolean => created(as).includes("validate.kyverno.svc-fail");
  act("warn");
  await waitFor("the warning", 20, async () => created([]).includes("[enforce-image-repository]"));
  for (const [data, as] of filters) {
    assert.ok(isRefused(as), created(as));
    product.apply({ ...kyverno, data });
    // oxlint-disable-next-line no-await-in-loop -- one setting at a time
    await waitFor(Object.keys(data).join(" "), 20, async () => !isRefused(as));
    assert.match(created(as), /created \(server dry run\)\nWarning: \[enforce-image-repository\] /);
    product.kubectl("delete", "-n", "kyverno", "configmap", "kyverno");
    // oxlint-disable-next-line no-await-in-loop
    await waitFor("the default", 20, async () => isRefused(as));
  }
  act("deny");
}

async function repaired(product: Product): Promise<void> {
  const patch = [{ op: "replace", path: "/webhooks/0/timeoutSeconds", value: 30 }];
  product.kubectl("patch", "validatingwebhookconfiguration", "portcullis", "--type=json", "-p", JSON.stringify(patch));
  await waitFor("the timeout", 20, async () => configuration(product)?.webhooks[0]?.timeoutSeconds === 3);
  product.kubectl("delete", "mutatingwebhookconfiguration", "portcullis");
  await waitFor("the mutating one", 20, async () => configuration(product, "mutating") !== null);
}

async function shrinks(product: Product): Promise<void> {
  product.kubectl("delete", "clusterpolicy", "--all");
  await waitFor(
    "Kyverno's rules to go",
    20,
    async () =>
      names(configuration(product)).join() ===
      names(configuration(product))
        .filter((name) => !name.startsWith("validate.kyverno"))
        .join(),
  );
  assert.deepEqual(names(configuration(product, "mutating")), ["mutate-policy.kyverno.svc"]);
}

async function givesWay(product: Product): Promise<void> {
  const name = "gatekeeper-validating-webhook-configuration";
  product.apply({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name },
    webhooks: [
      {
        name: "validation.gatekeeper.sh",
        clientConfig: { url: "https://127.0.0.1:1/v1/admit" },
        rules: [{ apiGroups: ["*"], apiVersions: ["*"], operations: ["CREATE"], resources: ["nothings"] }],
        failurePolicy: "Ignore",
        sideEffects: "None",
        admissionReviewVersions: ["v1"],
      },
    ],
  });
  const hasGatekeepers = (): boolean => names(configuration(product)).some((own) => own.endsWith("gatekeeper.sh"));
  await waitFor("Gatekeeper's webhooks to go", 20, async () => !hasGatekeepers());
  assert.match(product.cli("status").text, /neighbour: a live gatekeeper/);
  product.kubectl("delete", "validatingwebhookconfiguration", name);
  await waitFor("Gatekeeper's webhooks to come back", 20, async () => hasGatekeepers());
}

function uninstalled(product: Product): void {
  const refused = product.kubectl("create", "namespace", "stuck");
  assert.match(
    refused,
    /failed calling webhook "check-ignore-label\.gatekeeper\.sh"/,
    "fails closed while it is registered",
  );
  // A replica that was killed under load may have taken some with it.
  const before = unchecked(product);
  assert.match(product.kubectl("-n", "medstack", "run", "unasked", "--image=munta/nginx"), /created/);
  assert.equal(unchecked(product), before + 1);
  const first = product.cli("run", "--uninstall");
  assert.match(first.text, /ValidatingWebhookConfiguration\/portcullis removed/);
  assert.equal(first.code, 0);
  const second = product.cli("run", "--uninstall");
  assert.equal(second.text, "nothing to remove");
  assert.equal(product.kubectl("create", "namespace", "free"), "namespace/free created");
  assert.equal(product.kubectl("-n", "medstack", "run", "web", "--image=munta/nginx"), "pod/web created");
  assert.match(product.kubectl("get", "k8sallowedrepos"), /enforce-image-repository/, "policies stay");
}

/** Requests that entered while Gatekeeper's webhook did not answer, as `portcullis status` tells. */
function unchecked(product: Product): number {
  const told = /unchecked: (\d+) requests entered while validation\.gatekeeper\.sh did not answer/;
  return Number(told.exec(product.cli("status").text)?.[1] ?? 0);
}
