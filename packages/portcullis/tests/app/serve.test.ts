// The whole webhook over HTTPS, with threads, on the walkthroughs' policies; and what happens to what is served when files
// change, break and disappear.

import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { builtinCatalog, parseYaml } from "@portcullis/kube";
import { Source } from "@portcullis/lang";
import { askWebhook, kubectlText, reviewOf } from "../../src/app/ask.ts";
import type { ServeOptions } from "../../src/app/config.ts";
import { startDemo } from "../../src/app/demo.ts";
import { createLogger } from "../../src/app/log.ts";
import { type Serving, serve } from "../../src/app/serve.ts";
import { selfSigned } from "../../src/server/certificates/reload.ts";
import { send } from "../server/client.ts";

const examples = fileURLToPath(new URL("../../../../examples/", import.meta.url));
const catalog = builtinCatalog();

interface Context {
  readonly folder: string;
  readonly serving: Serving;
}

/** The walkthroughs' policies in a folder of the test's own, served until the test ends. */
async function start(t: TestContext, options: Partial<ServeOptions> = {}): Promise<Context> {
  const folder = await mkdtemp(join(tmpdir(), "portcullis-test-"));
  await cp(join(examples, "repos"), join(folder, "repos"), { recursive: true });
  await cp(join(examples, "registries"), join(folder, "registries"), { recursive: true });
  const logger = createLogger("nowhere");
  const serving = await serve({ policies: [folder], port: 0, workers: 1, logger, ...options });
  t.after(async () => {
    await serving.close();
    await rm(folder, { recursive: true });
  });
  return { folder, serving };
}

async function ask({ serving }: Context, object: unknown): Promise<string> {
  const answer = await askWebhook(serving.url, reviewOf(object, catalog), { ca: serving.ca });
  return kubectlText(object, answer);
}

function pod(namespace: string, image: string, name = "web") {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace },
    spec: { containers: [{ name, image }] },
  };
}

const denied =
  'Error from server (Forbidden): admission webhook "validation.gatekeeper.sh" denied the request: ' +
  "[enforce-image-repository] container <web> has an invalid image repo <munta/nginx>, allowed repos are " +
  '["xxx.dkr.ecr.ca-central-1.amazonaws.com/", "docker.io/bitnami/"]';

test("trusted repositories: the walkthrough's objects get the walkthrough's answers", async (t) => {
  const context = await start(t);
  assert.equal(await ask(context, pod("medstack", "munta/nginx")), denied);
  assert.equal(await ask(context, pod("medstack", "docker.io/bitnami/nginx:1.27")), "pod/web created");
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "untrusted", namespace: "mcs" },
    spec: { template: { spec: { containers: [{ name: "web", image: "munta/nginx" }] } } },
  };
  assert.equal(await ask(context, deployment), denied);
  assert.equal(await ask(context, pod("default", "munta/nginx")), "pod/web created");
});

test("trusted registries: from dryrun over warn to deny, by editing the file", async (t) => {
  const context = await start(t, { workers: 2 });
  const file = join(context.folder, "registries/policies/constraint.yaml");
  const text = await readFile(file, "utf8");
  const as = (action: string) => writeFile(file, text.replace("dryrun", action));
  const bad = pod("production", "munta/nginx", "app");
  const message = "[allow-only-trusted-registries] container 'app' image 'munta/nginx' not in allowed registries";
  assert.equal(await ask(context, bad), "pod/app created");
  await as("warn");
  await eventually(async () => assert.equal(await ask(context, bad), `Warning: ${message}\npod/app created`));
  await as("deny");
  await eventually(async () => assert.match(await ask(context, bad), /denied the request: \[allow-only-trusted/));
  const metrics = await metricsOf(context);
  assert.match(metrics, /gatekeeper_constraints\{enforcement_action="deny",status="active"\} 2/);
  assert.match(metrics, /gatekeeper_constraint_templates\{status="active"\} 2/);
  assert.match(
    metrics,
    /gatekeeper_validation_request_count_total\{admission_status="deny",admission_dryrun="false"\} 1/,
  );
  const result = 'policy="K8sAllowedRegistries/allow-only-trusted-registries",result="warn",action="warn"';
  assert.ok(metrics.includes(`portcullis_policy_results_total{${result}} `), metrics);
  assert.ok(metrics.includes(`portcullis_policy_set_info{digest="${context.serving.status().digest}"} 1`));
});

test("a template that breaks stays served as it was, is reported with its line, and is served again when mended", async (t) => {
  const context = await start(t);
  const file = join(context.folder, "repos/policies/template.yaml");
  const text = await readFile(file, "utf8");
  const breakages = [
    [
      text.replace("not from_allowed_repo(container.image)", "not from_allowed_repo("),
      /template\.yaml:\d+:\d+: rego_parse_error/,
    ],
    [text.replace("startswith(image,", "startwith(image,"), /template\.yaml:\d+:\d+: .*undefined function startwith/],
    [text.replace("metadata:", "metadata: ["), /template\.yaml:\d+:\d+: yaml/],
    ["", null],
  ] as const;
  for (const [broken, reported] of breakages) {
    await writeFile(file, broken);
    await context.serving.reload();
    const { problems } = context.serving.status();
    if (reported !== null) {
      assert.match(problems.map((problem) => problem.text).join("\n"), reported);
      assert.equal(await ask(context, pod("medstack", "munta/nginx")), denied);
      assert.match(await metricsOf(context), /portcullis_policy_objects_broken [1-9]/);
      assert.equal((await get(context, "/readyz")).status, 200);
    } else {
      assert.equal(
        await ask(context, pod("medstack", "munta/nginx")),
        "pod/web created",
        "an empty file has no template",
      );
    }
  }
  await writeFile(file, text.replace("has an invalid", "has a bad"));
  await context.serving.reload();
  assert.deepEqual(context.serving.status().problems, []);
  assert.equal(await ask(context, pod("medstack", "munta/nginx")), denied.replace("an invalid", "a bad"));
  await rm(file);
  await context.serving.reload();
  assert.equal(
    await ask(context, pod("medstack", "munta/nginx")),
    "pod/web created",
    "a file that is gone has none either",
  );
  assert.match(
    context.serving
      .status()
      .problems.map((problem) => problem.text)
      .join(),
    /missing ConstraintTemplate/,
  );
});

test("what is broken from the start is reported, and the rest is served", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "portcullis-test-"));
  await cp(join(examples, "repos"), folder, { recursive: true });
  await writeFile(join(folder, "broken.yaml"), "a: [\n");
  await writeFile(join(folder, "large.yaml"), Buffer.alloc(50_000_000, " "));
  await mkdir(join(folder, ".hidden"));
  await writeFile(join(folder, ".hidden", "x.yaml"), "a: [\n");
  await writeFile(
    join(folder, "orphan.yaml"),
    JSON.stringify({ apiVersion: "constraints.gatekeeper.sh/v1beta1", kind: "NoSuch", metadata: { name: "o" } }),
  );
  const serving = await serve({ policies: [folder], port: 0, workers: 0, logger: createLogger("nowhere") });
  t.after(async () => {
    await serving.close();
    await rm(folder, { recursive: true });
  });
  const texts = serving.status().problems.map((problem) => problem.text.replace(`${folder}/`, ""));
  assert.equal(texts.length, 3, texts.join("\n"));
  assert.ok(texts.some((text) => text.startsWith("broken.yaml:")));
  assert.ok(texts.includes("large.yaml: 47.7 MiB are more than the 32 MiB that a file may have; split it"));
  assert.ok(
    texts.some((text) => text.startsWith("orphan.yaml:")),
    texts.join("\n"),
  );
  assert.equal(await ask({ folder, serving }, pod("medstack", "munta/nginx")), denied);
});

test("bodies that are no admission review are answered with what was expected", async (t) => {
  const { serving } = await start(t);
  const post = (body: string) => send(`${serving.url}/v1/admit`, { body, ca: serving.ca ?? "" });
  const cases = [
    ["", 400, /expected an AdmissionReview in JSON: Unexpected end of JSON input/],
    ["{]", 400, /expected an AdmissionReview in JSON: /],
    ['{"kind":"Pod","apiVersion":"v1"}', 400, /kind must be "AdmissionReview", not "Pod"/],
    [`${"[".repeat(200_000)}1e400`, 400, /expected an AdmissionReview|nested too deeply/],
    [`{"request":{"uid":"u9","kind":5}}`, 200, /"uid":"u9","allowed":false,.*kind must be .*"code":400/],
    [`{"kind":"AdmissionReview","request":{"uid":"u8"`, 200, /"uid":"u8","allowed":false,.*"code":400/],
  ] as const;
  for (const [body, status, text] of cases) {
    const received = await post(body);
    assert.equal(received.status, status, `${body.slice(0, 60)}: ${received.text}`);
    assert.match(received.text, text);
  }
});

test("a template is compiled when it is admitted, and refused with the reason", async (t) => {
  const context = await start(t);
  const file = join(examples, "repos/policies/template.yaml");
  const text = await readFile(file, "utf8");
  const template = (source: string) => parseYaml(new Source(file, source), { dialect: "go" }).value[0]?.value;
  assert.match(await ask(context, template(text)), /created$/);
  const refused = await ask(context, template(text.replaceAll("startswith(", "startwith(")));
  assert.match(refused, /denied the request: .*undefined function startwith/s);
});

test("a runaway policy is ended and named, others are answered meanwhile", async (t) => {
  const context = await start(t, { workers: 2 });
  await writeFile(join(context.folder, "runaway.yaml"), runaway);
  await context.serving.reload();
  const { url, ca } = context.serving;
  const asked = reviewOf(pod("default", "x", "runaway"), catalog);
  const startMs = performance.now();
  const running = send(`${url}/v1/admit?timeout=4s`, { body: asked, ca: ca ?? "" });
  await new Promise((resolve) => setTimeout(resolve, 100));
  const otherMs = performance.now();
  assert.equal(await ask(context, pod("medstack", "munta/nginx")), denied);
  assert.ok(performance.now() - otherMs < 1000);
  const { text } = await running;
  assert.ok(performance.now() - startMs < 4000, "before the client's timeout");
  assert.match(text, /"allowed":false,.*did not end before its deadline/);
});

const runaway = `
apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: runaway}
spec:
  crd: {spec: {names: {kind: Runaway}}}
  targets:
    - target: admission.k8s.gatekeeper.sh
      rego: |
        package runaway
        violation[{"msg": "never"}] {
          input.review.object.metadata.name == "runaway"
          numbers.range(0, 50000)[a] * numbers.range(0, 50000)[b] == -1
        }
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: Runaway
metadata: {name: runaway}
`;

test("certificates from files are exchanged when the files change", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "portcullis-test-"));
  t.after(() => rm(folder, { recursive: true }));
  const files = { cert: join(folder, "tls.crt"), key: join(folder, "tls.key") };
  const write = async (names: readonly string[]) => {
    const { pair, ca } = await selfSigned(names);
    await writeFile(files.cert, pair.cert);
    await writeFile(files.key, pair.key);
    return ca ?? "";
  };
  const first = await write(["127.0.0.1"]);
  const { serving } = await start(t, { tls: files });
  assert.equal(serving.ca, null);
  assert.equal((await send(`${serving.url}/healthz`, { method: "GET", ca: first })).text, "ok");
  const second = await write(["127.0.0.1"]);
  await eventually(async () => {
    assert.equal((await send(`${serving.url}/healthz`, { method: "GET", ca: second })).text, "ok");
  });
  await writeFile(files.key, "not a key");
  await new Promise((resolve) => setTimeout(resolve, 250));
  assert.equal((await send(`${serving.url}/healthz`, { method: "GET", ca: second })).text, "ok");
});

test("options that cannot be are refused with the reason, and nothing stays behind", async (t) => {
  const { serving, folder } = await start(t);
  const logger = createLogger("nowhere");
  await assert.rejects(serve({ policies: [folder], port: serving.port, workers: 1, logger }), /EADDRINUSE/);
  const tls = { cert: join(folder, "none.crt"), key: join(folder, "none.key") };
  await assert.rejects(serve({ policies: [folder], port: 0, tls, logger }), /none\.crt: cannot be read \(ENOENT\)/);
  await assert.rejects(
    serve({ policies: [join(folder, "no")], port: 0, workers: 0, logger }),
    /no: no such file or folder/,
  );
});

test("the demo asks about the walkthroughs' objects and prints how to go on", async () => {
  const lines: string[] = [];
  const demo = await startDemo({ port: 0, workers: 1, catalog, print: (line) => lines.push(line) });
  try {
    const text = lines.join("\n");
    assert.ok(text.includes(denied));
    assert.match(text, /Warning: \[allow-only-trusted-registries\] initContainer 'init' image 'quay\.io\/x\/y'/);
    assert.match(text, /resource Pod\/default\/nginx-root was blocked due to the following policies \n\ndisallow-root/);
    assert.match(text, /^pod\/nginx-safe created$/m);
    assert.match(text, /npx portcullis review FILE\.yaml \| curl -s --cacert \S+\/ca\.crt/);
  } finally {
    await demo.close();
  }
});

function get({ serving }: Context, path: string) {
  return send(`${serving.url}${path}`, { method: "GET", ca: serving.ca ?? "" });
}

async function metricsOf(context: Context): Promise<string> {
  return (await get(context, "/metrics")).text;
}

/** Files are watched, so that a change is served a moment later. */
async function eventually(check: () => Promise<void>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await check();
      return;
    } catch (error) {
      if (tries >= 60) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
