// `portcullis install`, `render`, `status` on a real kube-apiserver: the definitions are those that users of both peers know, their
// policies are taken as they are, installing twice changes nothing, a mistake is told with its place and nothing is written,
// and a replica gets by with the rights that its manifests give it.

import assert from "node:assert/strict";
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { suite, test } from "node:test";
import { parseYaml } from "../packages/kube/src/index.ts";
import { Source } from "../packages/lang/src/index.ts";
import { lookForBinaries } from "./binaries.ts";
import { stopProcess, waitFor } from "./control-plane.ts";
import { type Product, type Replica, offline, repository, startProduct, startReplica } from "./product.ts";

const { binaries, missing } = lookForBinaries();

const policies = join(repository, "examples/repos/policies");

suite("installation", { skip: missing }, () => {
  test("policies, definitions, rights", { timeout: 400_000 }, async (context) => {
    if (typeof binaries === "string") return;
    const product = await startProduct(binaries);
    const replicas: Replica[] = [];
    context.after(async () => {
      await Promise.all(replicas.map(({ child }) => stopProcess(child)));
      await product.stop();
    });
    await context.test("a policy that is wrong is told with its place, and nothing is written", () => refused(product));
    await context.test("without a replica the policies are stored, and that is said", () => stored(product));
    await context.test("every definition is served, with the columns that users know", () => defined(product));
    await context.test("policies of both peers' libraries are taken as they are", () => libraries(product));
    await context.test("the manifests are taken, and their rights suffice for a replica", async () => {
      replicas.push(await withItsRights(product));
    });
    await context.test("installed again, nothing changes and every replica enforces each", () => again(product));
    await context.test("status says what is enforced where", () => told(product));
    await context.test("a violation is audited and reported with the same rights", () => audited(product, replicas[0]));
    await context.test("a policy that looks at what the product may not list is warned of", () => warned(product));
    await context.test("so it is when it is applied, until a labelled ClusterRole lets the product list it", () =>
      warnedOnApply(product),
    );
    await context.test(
      "what policies on custom resources need is rendered, and keeps no replica from starting",
      async () => {
        replicas.push(await ofCustomResources(product));
      },
    );
    await context.test(
      "a kind that is defined later, and a right that is given later still, count within seconds",
      () => grantedLater(product, replicas[0]),
    );
    await context.test("rendered definitions are those that are on the cluster", () => rendered(product));
  });
});

function refused(product: Product): void {
  const folder = join(product.folder, "broken");
  mkdirSync(folder);
  const template = readFileSync(join(policies, "template.yaml"), "utf8");
  writeFileSync(join(folder, "template.yaml"), template.replace("startswith(", "starts_with("));
  writeFileSync(join(folder, "constraint.yaml"), readFileSync(join(policies, "constraint.yaml")));
  const { code, text } = product.cli("install", "-f", folder);
  assert.equal(code, 1);
  assert.match(text, /template\.yaml:\d+:\d+: rego_type_error: undefined function starts_with/);
  assert.match(text, /nothing was installed$/);
  assert.equal(product.get("crd", "constrainttemplates.templates.gatekeeper.sh"), null);
}

function stored(product: Product): void {
  // It was there before anybody looked: only the audit sees it.
  product.kubectl("create", "namespace", "medstack");
  product.kubectl("-n", "medstack", "run", "web", "--image=munta/nginx");
  const { code, text, stdout } = product.cli("install", "-f", policies, "--timeout", "1");
  assert.equal(code, 1);
  assert.deepEqual(stdout.trim().split("\n"), [
    "customresourcedefinitions: 42 created",
    "constrainttemplate.templates.gatekeeper.sh/k8sallowedrepos created",
    "k8sallowedrepos.constraints.gatekeeper.sh/enforce-image-repository created",
  ]);
  assert.match(text, /no replica of portcullis runs in the namespace portcullis/);
}

interface Definitions {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly status: { readonly conditions: readonly { readonly type: string; readonly status: string }[] };
  }[];
}

function defined(product: Product): void {
  const { items } = product.get("crd") as unknown as Definitions;
  for (const { metadata, status } of items) {
    const established = status.conditions.find(({ type }) => type === "Established");
    assert.equal(established?.status, "True", metadata.name);
    assert.deepEqual(
      status.conditions.filter((one) => one.type === "NonStructuralSchema"),
      [],
      metadata.name,
    );
  }
  product.kubectl("apply", "-f", join(repository, "examples/kyverno/policies"));
  const [heading = "", row = ""] = product.kubectl("get", "cpol").split("\n");
  assert.deepEqual(heading.split(/ {2,}/), ["NAME", "ADMISSION", "BACKGROUND", "READY", "AGE", "MESSAGE"]);
  assert.match(row, /^\S+ +true +true/);
  product.kubectl("delete", "cpol", "--all");
}

const data = resolve(process.env["CONFORMANCE_DIR"] ?? join(repository, "../shared/conformance"));
const groups =
  /^(?:kyverno\.io|policies\.kyverno\.io|(?:templates|mutations|expansion|externaldata)\.gatekeeper\.sh)\//;

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
}

function libraries(product: Product): void {
  if (!existsSync(data)) {
    process.stderr.write(`NOT RUN: the peers' libraries: no conformance data in ${data}\n`);
    return;
  }
  const items = new Map<string, Manifest>();
  for (const file of globSync(["kyverno-policies/**/*.yaml", "gatekeeper-library/**/*.yaml"], { cwd: data })) {
    for (const { value } of parseYaml(new Source(file, readFileSync(join(data, file), "utf8")), { dialect: "go" })
      .value) {
      const manifest = value as Manifest | null;
      const name = manifest?.metadata?.name ?? "";
      if (manifest === null || !groups.test(manifest.apiVersion ?? "") || !/^[a-z0-9.-]+$/.test(name)) continue;
      items.set(`${manifest.kind}/${name}`, {
        ...manifest,
        metadata: {
          ...manifest.metadata,
          name,
          ...(manifest.metadata?.namespace !== undefined && { namespace: "default" }),
        },
      });
    }
  }
  const list = join(product.folder, "library.json");
  writeFileSync(list, JSON.stringify({ apiVersion: "v1", kind: "List", items: [...items.values()] }));
  const lines = product.kubectl("apply", "--server-side", "--dry-run=server", "-f", list).split("\n");
  const wrong = lines.filter(
    (line) => !line.endsWith("serverside-applied (server dry run)") && !line.startsWith("Warning:"),
  );
  assert.deepEqual(wrong.slice(0, 5), []);
  assert.ok(items.size > 300, `${items.size} policies`);
}

/** A replica that is its ServiceAccount and nobody else. */
async function withItsRights(product: Product): Promise<Replica> {
  const file = join(product.folder, "manifests.yaml");
  const { code, stdout } = offline("render", "manifests", "--image", "portcullis:test");
  assert.equal(code, 0);
  writeFileSync(file, stdout);
  const applied = product.kubectl("apply", "-f", file).split("\n");
  assert.deepEqual(
    applied.filter((line) => !line.endsWith(" created")),
    [],
  );
  // What the controller of aggregated roles does on a real cluster.
  const core = product.get("clusterrole", "portcullis-core");
  const role = product.get("clusterrole", "portcullis");
  product.apply({ ...role, aggregationRule: undefined, rules: core?.["rules"] });
  const token = product.kubectl("-n", "portcullis", "create", "token", "portcullis");
  const config = JSON.parse(readFileSync(product.kubeconfig, "utf8")) as { readonly users: readonly object[] };
  const kubeconfig = join(product.folder, "kubeconfig-product");
  writeFileSync(kubeconfig, JSON.stringify({ ...config, users: [{ name: "admin", user: { token } }] }));
  const replica = await startReplica(product, { name: "replica-1", kubeconfig, registers: true });
  await waitFor("the webhooks", 30, async () => product.get("validatingwebhookconfiguration", "portcullis") !== null);
  return replica;
}

async function again(product: Product): Promise<void> {
  const { code, text, stdout } = product.cli("install", "-f", policies, "--timeout", "60");
  assert.equal(code, 0, text);
  assert.deepEqual(stdout.trim().split("\n"), [
    "constrainttemplate.templates.gatekeeper.sh/k8sallowedrepos unchanged",
    "k8sallowedrepos.constraints.gatekeeper.sh/enforce-image-repository unchanged",
    "constrainttemplate.templates.gatekeeper.sh/k8sallowedrepos enforced by 1 of 1 replicas",
    "k8sallowedrepos.constraints.gatekeeper.sh/enforce-image-repository enforced by 1 of 1 replicas",
  ]);
}

function told(product: Product): void {
  const { code, text } = product.cli("status");
  assert.equal(code, 0, text);
  assert.match(text, /^replicas: replica-1$/m);
  assert.match(text, /^policies: 2, 2 enforced, 0 waiting, 0 failed$/m);
  assert.match(text, /^ {2}K8sAllowedRepos +enforce-image-repository +deny +enforced 1\/1/m);
  assert.match(text, /^unchecked: nothing/m);
  const json = JSON.parse(product.cli("status", "-o", "json").stdout) as { readonly replicas: unknown };
  assert.deepEqual(json.replicas, ["replica-1"]);
}

async function audited(product: Product, replica: Replica | undefined): Promise<void> {
  await waitFor("the violation", 60, async () => {
    const status = product.get("k8sallowedrepos", "enforce-image-repository")?.["status"];
    return (status as { readonly totalViolations?: number } | undefined)?.totalViolations === 1;
  });
  assert.doesNotMatch(replica?.log() ?? "", /forbidden/i);
}

function warned(product: Product): void {
  const folder = join(product.folder, "secrets");
  mkdirSync(folder);
  const constraint = readFileSync(join(policies, "constraint.yaml"), "utf8");
  writeFileSync(join(folder, "template.yaml"), readFileSync(join(policies, "template.yaml")));
  writeFileSync(
    join(folder, "constraint.yaml"),
    constraint.replace("enforce-image-repository", "secrets").replace('["Pod"]', '["Secret"]'),
  );
  const { text } = product.cli("install", "--no-wait", "-f", folder);
  assert.match(
    text,
    /^Warning: policies look at secrets, which portcullis may not list: give it a ClusterRole .*aggregate-to-portcullis: "true"$/m,
  );
}

async function warnedOnApply(product: Product): Promise<void> {
  const warning = /Warning: policies look at secrets, which portcullis may not list: give it a ClusterRole/;
  const ofKyverno = {
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: "secrets" },
    spec: {
      rules: [
        {
          name: "labelled",
          match: { any: [{ resources: { kinds: ["v1/Secret"] } }] },
          validate: { message: "label it", pattern: { metadata: { labels: { owner: "?*" } } } },
        },
      ],
    },
  };
  assert.match(product.apply(ofKyverno), warning);
  const touch = (): string => product.kubectl("label", "k8sallowedrepos", "secrets", `at=${Date.now()}`, "--overwrite");
  assert.match(touch(), warning);
  product.apply({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name: "secrets-for-portcullis", labels: { "rbac.portcullis.dev/aggregate-to-portcullis": "true" } },
    rules: [{ apiGroups: [""], resources: ["secrets"], verbs: ["get", "list", "watch"] }],
  });
  assert.equal(aggregate(product), 2);
  await waitFor("no warning", 40, async () => touch().endsWith("labeled") && !warning.test(touch()));
  product.kubectl("delete", "clusterpolicy", "secrets");
}

/** What the controller of aggregated roles does on a real cluster; of how many roles. */
function aggregate(product: Product): number {
  const roles = product.get("clusterrole", "-l", "rbac.portcullis.dev/aggregate-to-portcullis=true");
  const items = roles?.["items"] as readonly { readonly rules: readonly unknown[] }[];
  const role = product.get("clusterrole", "portcullis");
  product.apply({ ...role, aggregationRule: undefined, rules: items.flatMap(({ rules }) => rules) });
  return items.length;
}

function definition(kind: string): object {
  const singular = kind.toLowerCase();
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${singular}s.example.com` },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural: `${singular}s`, singular, kind, listKind: `${kind}List` },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
    },
  };
}

/** Refuses what has the name of an object of a kind. */
function comparing(kind: string) {
  const name = `K8sLikeA${kind}`;
  return {
    apiVersion: "templates.gatekeeper.sh/v1",
    kind: "ConstraintTemplate",
    metadata: { name: name.toLowerCase() },
    spec: {
      crd: { spec: { names: { kind: name } } },
      targets: [
        {
          target: "admission.k8s.gatekeeper.sh",
          rego: `package like
violation[{"msg": "it is called like another"}] {
  data.inventory.namespace[_]["example.com/v1"].${kind}[input.review.object.metadata.name]
}`,
        },
      ],
    },
  };
}

function likeA(kind: string): object {
  return {
    apiVersion: "constraints.gatekeeper.sh/v1beta1",
    kind: `K8sLikeA${kind}`,
    metadata: { name: "like" },
    spec: { match: { kinds: [{ apiGroups: [""], kinds: ["ConfigMap"] }] } },
  };
}

/** A second replica, which finds a policy about what it may not read. */
async function ofCustomResources(product: Product): Promise<Replica> {
  product.apply(definition("Widget"));
  const named = /Warning: policies look at widgets\.example\.com, which portcullis may not list/;
  await waitFor("the warning", 30, async () => named.test(product.apply(withLabel(comparing("Widget"), Date.now()))));
  await waitFor("the kind", 20, async () => product.get("k8slikeawidget") !== null);
  product.apply(likeA("Widget"));
  const kubeconfig = join(product.folder, "kubeconfig-product");
  const replica = await startReplica(product, { name: "replica-2", kubeconfig, registers: false });
  const { code, stdout } = product.cli("render", "roles");
  assert.equal(code, 0);
  assert.match(stdout, /aggregate-to-portcullis: "true"\n[^]*example\.com\n {2}resources:\n {2}- widgets\n/);
  product.kubectl("delete", "k8slikeawidget/like", "constrainttemplate/k8slikeawidget", "crd/widgets.example.com");
  return replica;
}

async function grantedLater(product: Product, replica: Replica | undefined): Promise<void> {
  product.apply(comparing("Gadget"));
  await waitFor("the kind", 20, async () => product.get("k8slikeagadget") !== null);
  product.apply(likeA("Gadget"));
  const isKnown = async (): Promise<boolean> => product.get("k8slikeagadget", "like")?.["status"] !== undefined;
  await waitFor("the constraint", 40, isKnown);
  product.apply(definition("Gadget"));
  await waitFor("the refusal", 40, async () => /gadgets\.example\.com is forbidden/.test(replica?.log() ?? ""));
  const metadata = { name: "one", namespace: "default" };
  product.apply({ apiVersion: "example.com/v1", kind: "Gadget", metadata });
  const isRefused = (): boolean =>
    product
      .kubectl("create", "configmap", "one", "--dry-run=server", "--from-literal=a=b")
      .includes("it is called like another");
  assert.equal(isRefused(), false, "nobody may look at it yet");
  writeFileSync(join(product.folder, "roles.yaml"), product.cli("render", "roles").stdout);
  product.kubectl("apply", "-f", join(product.folder, "roles.yaml"));
  aggregate(product);
  await waitFor("the data to count", 20, async () => isRefused());
  product.kubectl("delete", "k8slikeagadget/like", "constrainttemplate/k8slikeagadget", "crd/gadgets.example.com");
}

function withLabel(object: ReturnType<typeof comparing>, at: number): object {
  return { ...object, metadata: { ...object.metadata, labels: { at: String(at) } } };
}

function rendered(product: Product): void {
  const file = join(product.folder, "crds.yaml");
  writeFileSync(file, offline("render", "crds", "-f", policies).stdout);
  assert.match(
    product.kubectl("apply", "--server-side", "--dry-run=server", "-f", file),
    /k8sallowedrepos\.constraints\.gatekeeper\.sh serverside-applied/,
  );
}
