// The walkthroughs on a cluster that `portcullis run` guards, done as a user does them: `portcullis install` for A1, kubectl for the
// rest, the example policies unchanged, and the texts those that the peers' users see. Two replicas behind a balancer.
//
// What other files show on a real API server and is not repeated here:
//
// | walkthrough | where |
// |---|---|
// | A2, A3, B1, B2 with `portcullis serve` as a registered webhook | walkthroughs.test.ts |
// | A4's description in full, B1 with an init container, one report of C5 field by field | audit.test.ts |
// | A8 with `portcullis serve`: updates, refusals, mutators added later | mutation.test.ts |
// | install: mistakes, rights, repeating; render; status | install.test.ts |
// | B3, B4, C6, which need no cluster | the tests of the command line |

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join, resolve } from "node:path";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { lookForBinaries } from "./binaries.ts";
import { saysSoon, waitFor } from "./control-plane.ts";
import { librarySamples } from "./library.ts";
import { repository } from "./product.ts";
import { type Walk, examples, startWalk, steadily } from "./walk.ts";

const { binaries, missing } = lookForBinaries();

const conformance = resolve(process.env["CONFORMANCE_DIR"] ?? join(repository, "../shared/conformance"));
const library = join(conformance, "gatekeeper-library/library");

suite("walkthroughs on a guarded cluster", { skip: missing }, () => {
  test("A1 to A4, A6 to A8, B1, B2, C1 to C5, D3", { timeout: 540_000 }, async (context) => {
    if (typeof binaries === "string") return;
    const walk = await startWalk(binaries, ["--audit-interval", "3"]);
    context.after(() => walk.stop());
    await context.test("A1: install says that each is enforced by every replica, and may be repeated", () => a1(walk));
    await context.test("A2, A3: the texts of Gatekeeper's users", () => a2a3(walk));
    await context.test("A4: what was there before stands in the status", () => a4(walk));
    await context.test("A6: an object is compared with the cluster's others", () => a6(walk));
    await context.test("A8: defaults, a list and a label by mutators", () => a8(walk));
    await context.test("B1, B2: recorded, warned, refused", () => b(walk));
    await context.test("A7: the community's library as it is", () => a7(walk));
    await context.test("C1: no root containers, in a Pod, an init container and a Deployment", () => c1(walk));
    await context.test("C1: a dry run leaves no Event, no report and no effect", () => dryRun(walk));
    await context.test("C2: what does not run as root is accepted without init containers", () => c2(walk));
    await context.test("C3: kube-system and the engine's own namespace are excluded", () => c3(walk));
    await context.test("C4: defaults are stored, what the user said stays", () => c4(walk));
    await context.test("D3: the alert's rate is over its limit while requests are refused", () => d3(walk));
    await context.test("what kyverno-metrics leaves out is not seen, without a restart", () => leftOut(walk));
    await context.test("C5: with Audit nothing is refused and reports show the results", () => c5(walk));
  });
});

// ── A. trusted repositories

const untrusted =
  'has an invalid image repo <munta/nginx>, allowed repos are ["xxx.dkr.ecr.ca-central-1.amazonaws.com/", "docker.io/bitnami/"]';
const gatekeeperDenied = 'admission webhook "validation.gatekeeper.sh" denied the request:';

function a1(walk: Walk): void {
  walk.shell("kubectl apply -f repos/namespaces.yaml");
  // For A4: it was there before the constraint.
  assert.equal(walk.shell("kubectl -n medstack run before --image=munta/nginx"), "pod/before created");
  const install = (): readonly string[] => {
    const { code, text, stdout } = walk.cli("install", "-f", join(examples, "repos/policies"));
    assert.equal(code, 0, text);
    return stdout.trim().split("\n");
  };
  const names = [
    "constrainttemplate.templates.gatekeeper.sh/k8sallowedrepos",
    "k8sallowedrepos.constraints.gatekeeper.sh/enforce-image-repository",
  ];
  const enforced = names.map((name) => `${name} enforced by 2 of 2 replicas`);
  const [definitions = "", ...first] = install();
  assert.match(definitions, /^customresourcedefinitions: \d+ created$/);
  assert.deepEqual(first, [...names.map((name) => `${name} created`), ...enforced]);
  assert.deepEqual(install(), [...names.map((name) => `${name} unchanged`), ...enforced]);
}

async function a2a3({ shell }: Walk): Promise<void> {
  const refused = `${gatekeeperDenied} [enforce-image-repository] container`;
  // The webhook configuration follows the policies.
  await saysSoon(
    "a refusal",
    () => shell("kubectl -n medstack run web --image=munta/nginx --dry-run=server"),
    "denied the request",
  );
  assert.equal(
    shell("kubectl -n medstack run web --image=munta/nginx"),
    `Error from server (Forbidden): ${refused} <web> ${untrusted}`,
  );
  assert.equal(shell("kubectl -n medstack run web --image=docker.io/bitnami/nginx:1.27"), "pod/web created");
  const inFile = `Error from server (Forbidden): error when creating "repos/objects/objects.yaml": ${refused} <web> ${untrusted}`;
  assert.deepEqual(
    shell("kubectl apply -f repos/objects").split("\n").toSorted(),
    [inFile, inFile, "pod/elsewhere created", "pod/trusted created"].toSorted(),
  );
  assert.equal(
    shell("kubectl -n mcs create deployment untrusted --image=munta/nginx"),
    `error: failed to create deployment: ${refused} <nginx> ${untrusted}`,
  );
  assert.equal(shell("kubectl run elsewhere2 --image=munta/nginx"), "pod/elsewhere2 created");
}

async function a4({ shell }: Walk): Promise<void> {
  const described = (): string =>
    shell("kubectl describe k8sallowedrepos enforce-image-repository | sed -n '/Total Violations/,/Version/p'");
  await saysSoon("the violation", described, "before");
  const message = `Message:             container <before> ${untrusted}`;
  assert.deepEqual(
    described()
      .split("\n")
      .map((line) => line.trim()),
    [
      "Total Violations:  1",
      "Violations:",
      "Enforcement Action:  deny",
      "Group:",
      "Kind:                Pod",
      message,
      "Name:                before",
      "Namespace:           medstack",
      "Version:             v1",
    ],
  );
}

async function a6({ shell, cli }: Walk): Promise<void> {
  shell("kubectl apply -f unique-hosts/namespaces.yaml");
  const { code, text } = cli("install", "-f", join(examples, "unique-hosts/policies"));
  assert.equal(code, 0, text);
  const taken = "host <shop.example.com> belongs to Ingress <shop/shop>";
  // The first one becomes known by a watch: in the same `kubectl apply` the second might still be taken.
  const both = (): string => shell("kubectl apply -f unique-hosts/objects --dry-run=server");
  const [first = ""] = readFileSync(join(examples, "unique-hosts/objects/objects.yaml"), "utf8").split("---\n");
  assert.equal(shell(`kubectl apply -f - <<'END'\n${first}END`), "ingress.networking.k8s.io/shop created");
  await steadily("the refusal", () => both().includes(taken));
  assert.deepEqual(shell("kubectl apply -f unique-hosts/objects").split("\n"), [
    "ingress.networking.k8s.io/shop unchanged",
    "ingress.networking.k8s.io/blog created",
    `Error from server (Forbidden): error when creating "unique-hosts/objects/objects.yaml": ${gatekeeperDenied} [one-ingress-per-host] ${taken}`,
  ]);
  assert.match(shell("kubectl -n shop label ingress shop tier=web"), /labeled/, "its own host is not another's");
  shell("kubectl delete -f unique-hosts/policies --ignore-not-found");
}

async function a8({ shell, cli }: Walk): Promise<void> {
  const { code, text } = cli("install", "-f", join(examples, "mutation/policies"));
  assert.equal(code, 0, text);
  const dry = (): string => shell("kubectl run probe --image=nginx --dry-run=server -o yaml");
  await saysSoon("the mutators", dry, "runAsNonRoot: true");
  shell("kubectl apply -f mutation/tests/plain.yaml -f mutation/tests/explicit.yaml");
  const path =
    "{.metadata.labels.owner} {.spec.securityContext.runAsNonRoot} {.spec.containers[0].imagePullPolicy} {.spec.containers[0].securityContext.capabilities.drop}";
  assert.equal(shell(`kubectl get pod plain -o jsonpath='${path}'`), 'platform true Always ["NET_RAW"]');
  assert.equal(shell(`kubectl get pod explicit -o jsonpath='${path}'`), 'ana false Never ["ALL","NET_RAW"]');
  shell("kubectl delete pod plain explicit --force --grace-period=0");
  shell("kubectl delete -f mutation/policies --ignore-not-found");
  await waitFor("no mutation", 30, async () => !dry().includes("runAsNonRoot"));
}

// ── B. trusted registries

async function b(walk: Walk): Promise<void> {
  const { shell } = walk;
  shell("kubectl apply -f registries/namespaces.yaml");
  const { code, text } = walk.cli("install", "-f", join(examples, "registries/policies"));
  assert.equal(code, 0, text);
  assert.deepEqual(
    shell("kubectl apply -f registries/objects").split("\n"),
    ["pod/bad created", "pod/good created", "pod/other-ns created"],
    "with dryrun nothing is refused",
  );
  const line = String.raw`kubectl get k8sallowedregistries.constraints.gatekeeper.sh allow-only-trusted-registries -o jsonpath='{range .status.violations[*]}{.namespace}/{.name}: {.message}{"\n"}{end}'`;
  await saysSoon("both violations", () => shell(line), "\n");
  assert.deepEqual(shell(line).split("\n").toSorted(), [
    "production/bad: container 'app' image 'munta/nginx' not in allowed registries",
    "production/bad: initContainer 'init' image 'quay.io/x/y' not in allowed registries",
  ]);
  const constraint = readFileSync(join(examples, "registries/policies/constraint.yaml"), "utf8");
  const probe = (): string => shell("kubectl -n production run probe --image=munta/nginx --dry-run=server");
  const message = (name: string): string =>
    `[allow-only-trusted-registries] container '${name}' image 'munta/nginx' not in allowed registries`;
  const change = (action: string): string =>
    shell(`kubectl apply -f - <<'END'\n${constraint.replace("dryrun", action)}END`);
  assert.match(change("warn"), /configured$/m);
  await steadily("a warning", () => probe().includes("Warning:"));
  assert.deepEqual(
    shell("kubectl -n production run warned --image=munta/nginx").split("\n").toSorted(),
    [`Warning: ${message("warned")}`, "pod/warned created"].toSorted(),
  );
  assert.match(change("deny"), /configured$/);
  await steadily("a refusal", () => probe().includes("(Forbidden)"));
  assert.equal(
    shell("kubectl -n production run denied --image=munta/nginx"),
    `Error from server (Forbidden): ${gatekeeperDenied} ${message("denied")}`,
  );
  const total = (): string =>
    shell("kubectl get constraints --no-headers")
      .split("\n")
      .map((row) => row.split(/ +/).join(" "))
      .join("\n");
  await saysSoon("three violations", total, "allow-only-trusted-registries deny 3");
  assert.match(total(), /^k8sallowedrepos.constraints.gatekeeper.sh\/enforce-image-repository deny 1$/m);
}

// ── A7. the community's library

/**
 * All templates and the constraints of all samples on the cluster at once, and each sample object asked about in a dry run. The
 * constraints get names of their own, because samples share theirs; cases with an inventory are left out (A6 shows it).
 */
async function a7(walk: Walk): Promise<void> {
  if (!existsSync(library)) {
    process.stderr.write(`NOT RUN: A7, the community's library: no conformance data in ${conformance}\n`);
    return;
  }
  await takenAway(walk);
  const { policies, objects, cases } = librarySamples(library);
  const [policyFolder, objectFolder] = [join(walk.folder, "library"), join(walk.folder, "samples")];
  walk.shell(`mkdir -p ${policyFolder} ${objectFolder}`);
  for (const [name, text] of policies) writeFileSync(join(policyFolder, name), text);
  for (const [name, object] of objects) writeFileSync(join(objectFolder, name), JSON.stringify(object));
  const namespaces = new Set([...objects.values()].map(({ metadata }) => metadata.namespace ?? "default"));
  for (const name of namespaces) walk.shell(`kubectl create namespace ${name}`);
  const { code, text } = walk.cli("install", "-f", policyFolder, "--timeout", "120");
  assert.equal(code, 0, text);
  const ask = (): string => walk.shell(`kubectl create --dry-run=server --validate=ignore -f ${objectFolder}`);
  await steadily("refusals", () => ask().includes("denied the request"));
  const said = ask();
  const answers = new Map(
    said
      .split(/\n(?=Error from server|error:)/)
      .map((answer) => [/case-\d+\.json/.exec(answer)?.[0] ?? "", answer] as const),
  );
  const wrong: string[] = [];
  let refused = 0;
  for (const [name, { place, constraint, isRefused }] of cases) {
    const answer = answers.get(name) ?? "";
    const isDenied = answer.includes("denied the request:");
    if (isDenied && answer.includes(`[${constraint}] `) !== isRefused) wrong.push(`${place}: ${answer}`);
    // Some samples are nothing that this API server takes, so no policy is asked about them.
    else if (
      !isDenied &&
      isRefused &&
      !answer.includes(" is invalid: ") &&
      !said.includes(`${name}": no matches for kind`)
    )
      wrong.push(`${place}: ${answer === "" ? "taken" : answer}`);
    if (isDenied && isRefused) refused++;
  }
  assert.deepEqual(wrong.slice(0, 5), [], `${wrong.length} of ${cases.size}`);
  assert.ok(refused > 60, `${refused} of ${cases.size} refused`);
}

/** Removes Gatekeeper's policies, and waits until nothing is refused any more. */
async function takenAway({ shell }: Walk): Promise<void> {
  shell("kubectl delete constrainttemplates --all");
  await steadily("no refusal", () =>
    shell("kubectl -n production run probe --image=munta/nginx --dry-run=server").startsWith("pod/probe created"),
  );
}

// ── C. no root containers

const kyvernoDenied = 'admission webhook "validate.kyverno.svc-fail" denied the request: ';
const noRoot = "Containers must not run as root (UID 0).";

function blocked(resource: string, rule: string): readonly string[] {
  return [
    "",
    `resource ${resource} was blocked due to the following policies `,
    "",
    "disallow-root-containers:",
    `  ${rule}: ${noRoot}`,
  ];
}

/** The walkthrough's line: what the cluster would store, piped back. */
function runLine(name: string, securityContext: string): string {
  const overrides = `{"spec":{"containers":[{"name":"${name}","image":"nginx:1.27","securityContext":${securityContext}}]}}`;
  return `kubectl run ${name} --image=nginx:1.27 --dry-run=server -o yaml --overrides='${overrides}' | kubectl apply -f -`;
}

async function c1(walk: Walk): Promise<void> {
  const { shell } = walk;
  await takenAway(walk);
  assert.match(
    shell("kubectl apply -f kyverno/policies/disallow-root-containers.yaml"),
    /clusterpolicy\.kyverno\.io\/disallow-root-containers created$/m,
  );
  assert.equal(
    shell("kubectl wait --for=condition=Ready clusterpolicy/disallow-root-containers --timeout=60s"),
    "clusterpolicy.kyverno.io/disallow-root-containers condition met",
  );
  assert.match(shell("kubectl get cpol --no-headers"), /^disallow-root-containers +true +true +True +\S+ +Ready$/);
  const line = runLine("nginx-root", '{"runAsUser":0}');
  await steadily("a refusal", () => shell(line).includes("denied the request"));
  assert.deepEqual(shell(line).split("\n"), [
    `Error from server: ${kyvernoDenied}`,
    ...blocked("Pod/default/nginx-root", "disallow-root-uid"),
    "error: no objects passed to apply",
  ]);
  const answer = shell("kubectl apply -f kyverno/objects");
  const inFile = `Error from server: error when creating "kyverno/objects/objects.yaml": ${kyvernoDenied}`;
  const refusals = [
    blocked("Pod/default/nginx-root", "disallow-root-uid"),
    blocked("Pod/default/init-root", "disallow-root-uid"),
    blocked("Deployment/default/dep", "autogen-disallow-root-uid"),
  ];
  for (const refusal of refusals) assert.ok(answer.includes([inFile, ...refusal].join("\n")), answer);
  assert.match(answer, /^pod\/nginx-safe created$/m);
  assert.equal(answer.split(inFile).length - 1, refusals.length, answer);
  shell("kubectl delete pod nginx-safe --force --grace-period=0");
}

async function dryRun({ shell }: Walk): Promise<void> {
  const overrides = '{"spec":{"containers":[{"name":"c","image":"nginx:1.27","securityContext":{"runAsUser":0}}]}}';
  const run = (name: string, more = ""): string =>
    shell(`kubectl run ${name} --image=nginx:1.27 --overrides='${overrides}' ${more}`);
  const events = (): string =>
    shell("kubectl get events -A -o jsonpath='{range .items[*]}{.involvedObject.name} {.message}{\"\\n\"}{end}'");
  const told = (name: string): boolean => events().includes(`Pod default/${name}`);
  assert.match(run("only-tried", "--dry-run=server"), /blocked due to/);
  // What comes after it is told, so the dry run would have been by then.
  assert.match(run("really-meant"), /blocked due to/);
  await waitFor(
    "the Event of what was meant",
    40,
    async () => told("really-meant") || events().includes("really-meant"),
  );
  assert.ok(!events().includes("only-tried"), events());
  const safe = '{"spec":{"containers":[{"name":"c","image":"nginx:1.27","securityContext":{"runAsUser":1000}}]}}';
  for (const [name, more] of [
    ["tried", "--dry-run=server"],
    ["meant", ""],
  ] as const)
    assert.match(shell(`kubectl run ${name} --image=nginx:1.27 --overrides='${safe}' ${more}`), /created/);
  await saysSoon("the report of what was meant", () => shell("kubectl get policyreport -A -o wide"), " meant ");
  assert.doesNotMatch(shell("kubectl get policyreport -A -o wide"), / (?:only-)?tried /);
  assert.match(shell("kubectl get pod tried only-tried"), /"tried" not found[^]*"only-tried" not found/);
}

function c2({ shell }: Walk): void {
  assert.equal(shell(runLine("nginx-safe", '{"runAsNonRoot":true,"runAsUser":1000}')), "pod/nginx-safe created");
  shell("kubectl delete pod nginx-safe --force --grace-period=0");
}

function c3({ shell }: Walk): void {
  const overrides = '{"spec":{"containers":[{"name":"c","image":"nginx:1.27","securityContext":{"runAsUser":0}}]}}';
  for (const namespace of ["kube-system", "kyverno", "portcullis"]) {
    shell(`kubectl create namespace ${namespace}`);
    assert.equal(
      shell(`kubectl -n ${namespace} run root --image=nginx:1.27 --overrides='${overrides}'`),
      "pod/root created",
      namespace,
    );
  }
}

async function c4({ shell }: Walk): Promise<void> {
  assert.match(
    shell("kubectl apply -f kyverno/policies/add-default-security-context.yaml"),
    /clusterpolicy\.kyverno\.io\/add-default-security-context created$/m,
  );
  shell("kubectl wait --for=condition=Ready clusterpolicy/add-default-security-context --timeout=60s");
  await steadily("the defaults", () =>
    shell("kubectl run probe --image=nginx:1.27 --dry-run=server -o yaml").includes("runAsNonRoot: true"),
  );
  const contexts = "{.spec.securityContext}{.spec.containers[0].securityContext}";
  assert.equal(shell("kubectl run plain --image=nginx:1.27"), "pod/plain created");
  const defaults = '"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"readOnlyRootFilesystem":true';
  const ofPod = '{"runAsNonRoot":true,"runAsUser":1000}';
  assert.equal(shell(`kubectl get pod plain -o jsonpath='${contexts}'`), `${ofPod}{${defaults}}`);
  assert.deepEqual(
    shell(runLine("nginx-root", '{"runAsUser":0}')).split("\n").slice(0, 6),
    [`Error from server: ${kyvernoDenied}`, ...blocked("Pod/default/nginx-root", "disallow-root-uid")],
    "validation sees what the user said",
  );
}

async function c5({ shell }: Walk): Promise<void> {
  const policy = readFileSync(join(examples, "kyverno/policies/disallow-root-containers.yaml"), "utf8");
  const audit = policy.replace("validationFailureAction: Enforce", "validationFailureAction: Audit");
  assert.match(shell(`kubectl apply -f - <<'END'\n${audit}END`), /configured$/m);
  await steadily("nothing refused", () =>
    shell("kubectl apply -f kyverno/objects --dry-run=server").includes("pod/nginx-root created"),
  );
  assert.deepEqual(
    shell("kubectl apply -f kyverno/objects")
      .split("\n")
      .filter((line) => !line.startsWith("Warning:"))
      .toSorted(),
    ["deployment.apps/dep created", "pod/init-root created", "pod/nginx-root created", "pod/nginx-safe created"],
  );
  assert.equal(
    shell("kubectl get pod nginx-root -o jsonpath='{.spec.securityContext}{.spec.containers[0].securityContext}'"),
    '{"runAsNonRoot":true,"runAsUser":1000}{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"readOnlyRootFilesystem":true,"runAsUser":0}',
    "what the user said stays",
  );
  const reports = (): string => shell("kubectl get policyreport,clusterpolicyreport -A");
  const row = (kind: string, name: string, pass: number, fail: number): RegExp =>
    new RegExp(`^default +policyreport\\S* +${kind} +${name} +${pass} +${fail} +0 +0 +0 +\\S+$`, "m");
  const rows = [
    row("Pod", "nginx-root", 0, 1),
    row("Pod", "nginx-safe", 1, 0),
    row("Pod", "init-root", 0, 1),
    row("Deployment", "dep", 0, 1),
  ];
  await waitFor("the reports", 60, async () => rows.every((one) => one.test(reports()))).catch(() => {});
  for (const one of rows) assert.match(reports(), one);
  assert.match(reports(), /^NAMESPACE +NAME +KIND +NAME +PASS +FAIL +WARN +ERROR +SKIP +AGE$/m);
}

// ── D3. the alert

/**
 * `sum(rate(kyverno_policy_results_total{rule_result="fail"}[5m])) > 5`, as it stands when what happens between two scrapes goes on
 * for the five minutes.
 */
async function d3(walk: Walk): Promise<void> {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "refused", namespace: "default" },
    spec: { containers: [{ name: "c", image: "nginx:1.27", securityContext: { runAsUser: 0 } }] },
  };
  const ending = new AbortController();
  const client = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      // oxlint-disable-next-line no-await-in-loop -- one client sends one request at a time
      await walk.call("POST", "/api/v1/namespaces/default/pods", pod);
    }
  };
  const quiet = [await failures(walk), await failures(walk)];
  assert.equal(quiet[0], quiet[1], "nothing fails while nobody asks");
  const clients = [client(), client(), client(), client()];
  const startMs = performance.now();
  await sleep(8000);
  const after = await failures(walk);
  const seconds = (performance.now() - startMs) / 1000;
  ending.abort();
  await Promise.all(clients);
  const rate = (after - (quiet[1] ?? 0)) / seconds;
  assert.ok(rate > 5, `${rate} a second`);
}

async function leftOut(walk: Walk): Promise<void> {
  const seen = async (): Promise<boolean> => {
    const texts = await Promise.all(walk.replicas.map(({ port }) => scrape(port)));
    return texts.some((text) => /^kyverno_policy_results_total\{.*resource_namespace="default"/m.test(text));
  };
  assert.equal(await seen(), true);
  const metadata = { name: "kyverno-metrics", namespace: "kyverno" };
  walk.apply(
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "kyverno" } },
    { apiVersion: "v1", kind: "ConfigMap", metadata, data: { namespaces: '{"exclude":["default"]}' } },
  );
  await waitFor("the namespace to be left out", 20, async () => !(await seen()));
  walk.kubectl("-n", "kyverno", "delete", "configmap", "kyverno-metrics");
  await waitFor("the namespace to be seen again", 20, seen);
}

/** `sum(kyverno_policy_results_total{rule_result="fail"})` over the replicas. */
async function failures({ replicas }: Walk): Promise<number> {
  const scraped = await Promise.all(replicas.map(({ port }) => scrape(port)));
  return scraped
    .flatMap((text) => text.split("\n"))
    .filter((line) => line.startsWith("kyverno_policy_results_total{") && line.includes('rule_result="fail"'))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

function scrape(port: number): Promise<string> {
  return new Promise((settle, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, path: "/metrics", rejectUnauthorized: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => settle(Buffer.concat(chunks).toString()));
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}
