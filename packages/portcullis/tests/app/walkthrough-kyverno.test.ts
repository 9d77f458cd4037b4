// The walkthrough "no root containers" as AdmissionReviews: what the webhook answers to the requests that the user's
// commands make. Kyverno's texts were taken from Kyverno 1.19.1 on a cluster; step 2 differs by choice (K4 in
// docs/compatibility.md).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { builtinCatalog, parseYaml } from "@portcullis/kube";
import { Source } from "@portcullis/lang";
import { lintSources } from "@portcullis/policy";
import { reviewOf } from "../../src/app/ask.ts";
import { assembleEngine, assembleEvaluator } from "../../src/app/assemble.ts";
import { clockMs } from "../../src/app/clock.ts";
import { evaluatorSettings } from "../../src/app/config.ts";
import { endpointAt } from "../../src/server/endpoints.ts";

const folder = fileURLToPath(new URL("../../../../examples/kyverno/policies/", import.meta.url));
const disallow = readFileSync(join(folder, "disallow-root-containers.yaml"), "utf8");
const defaults = readFileSync(join(folder, "add-default-security-context.yaml"), "utf8");

interface Response {
  readonly allowed: boolean;
  readonly status?: { readonly message?: string };
  readonly patch?: string;
  readonly warnings?: readonly string[];
}

interface Asked {
  readonly path?: "/v1/admit" | "/v1/mutate" | "/validate/fail" | "/mutate/fail";
  readonly request?: Readonly<Record<string, unknown>>;
}

function ask(
  policies: readonly string[],
  object: unknown,
  { path = "/validate/fail", request = {} }: Asked = {},
): Response {
  const evaluator = assembleEvaluator(evaluatorSettings());
  const changed = policies.map((text, at) => ({ file: `${at}.yaml`, role: "policies" as const, text, lastGood: null }));
  evaluator.prepare({ version: 1, changed, removed: [] });
  const review = JSON.parse(reviewOf(object, builtinCatalog(), "CREATE")) as { request: Record<string, unknown> };
  Object.assign(review.request, request);
  const body = JSON.stringify(review);
  const endpoint = endpointAt(path);
  assert.ok(endpoint !== null);
  const answered = evaluator.answer({ version: 1, body, deadlineMs: clockMs() + 5000, lane: "slow", endpoint });
  assert.equal(answered.kind, "reply");
  return (JSON.parse(answered.kind === "reply" ? answered.reply.body : "") as { response: Response }).response;
}

/** The Pod of `kubectl run NAME --image=nginx:1.27 --overrides=…`, as it comes back from the dry run. */
function pod(name: string, securityContext: object | null, more: object = {}, namespace = "default") {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels: { run: name } },
    spec: { containers: [{ name, image: "nginx:1.27", ...(securityContext && { securityContext }) }], ...more },
  };
}

function denial(resource: string, rule: string): string {
  return `\n\nresource ${resource} was blocked due to the following policies \n\ndisallow-root-containers:\n  ${rule}: Containers must not run as root (UID 0).\n`;
}

function refused(object: unknown): string | undefined {
  const { allowed, status } = ask([disallow], object);
  return allowed ? "allowed" : status?.message;
}

test("C1: a container with UID 0 is refused, an init container too, and a Deployment with such a template", () => {
  const root = { runAsUser: 0 };
  assert.equal(refused(pod("nginx-root", root)), denial("Pod/default/nginx-root", "disallow-root-uid"));
  const init = { initContainers: [{ name: "init", image: "nginx:1.27", securityContext: root }] };
  assert.equal(refused(pod("init-root", null, init)), denial("Pod/default/init-root", "disallow-root-uid"));
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "dep", namespace: "default" },
    spec: {
      selector: { matchLabels: { a: "b" } },
      template: { metadata: { labels: { a: "b" } }, spec: pod("c", root).spec },
    },
  };
  assert.equal(refused(deployment), denial("Deployment/default/dep", "autogen-disallow-root-uid"));
});

test("C2: a Pod that runs as another user and has no init containers is accepted, which Kyverno refuses", () => {
  assert.equal(refused(pod("nginx-safe", { runAsNonRoot: true, runAsUser: 1000 })), "allowed");
});

test("C3: kube-system is excluded, and so is the namespace that the policy names", () => {
  for (const namespace of ["kube-system", "kyverno"]) {
    assert.equal(refused(pod("root", { runAsUser: 0 }, {}, namespace)), "allowed", namespace);
  }
});

interface Patched {
  readonly path: string;
  readonly value?: unknown;
}

test("C4: a Pod without a security context gets the defaults, and what the user set stays", () => {
  const { allowed, patch = "" } = ask([defaults], pod("plain", null), { path: "/mutate/fail" });
  assert.equal(allowed, true);
  const operations = JSON.parse(Buffer.from(patch, "base64").toString("utf8")) as readonly Patched[];
  assert.deepEqual(Object.fromEntries(operations.map(({ path, value }) => [path, value])), {
    "/spec/containers/0/securityContext": {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      readOnlyRootFilesystem: true,
    },
    "/spec/securityContext": { runAsNonRoot: true, runAsUser: 1000 },
  });
  const root = ask([defaults], pod("root", { runAsUser: 0 }), { path: "/mutate/fail" });
  const added = JSON.parse(Buffer.from(root.patch ?? "", "base64").toString("utf8")) as readonly Patched[];
  assert.ok(added.every(({ path }) => !path.endsWith("containers/0/securityContext/runAsUser")));
  // So that the validation still sees it.
  assert.equal(ask([defaults, disallow], pod("root", { runAsUser: 0 })).allowed, false);
});

test("C5: with Audit nothing is refused", () => {
  const audits = disallow.replace("validationFailureAction: Enforce", "validationFailureAction: Audit");
  const { allowed, warnings = [] } = ask([audits], pod("nginx-root", { runAsUser: 0 }));
  assert.deepEqual([allowed, warnings], [true, []]);
});

test("what the policy leaves open: `portcullis lint` says so", () => {
  assert.equal(refused(pod("open", null, { securityContext: { runAsUser: 0 } })), "allowed");
  const { frontends } = assembleEngine();
  const [document] = parseYaml(new Source("p.yaml", disallow), { dialect: "go" }).value;
  const found = lintSources(frontends, [{ file: "p.yaml", object: document?.value }], builtinCatalog());
  assert.deepEqual(
    found.map(({ code }) => code),
    ["lint/ephemeral-containers", "lint/pod-security-context"],
  );
});
