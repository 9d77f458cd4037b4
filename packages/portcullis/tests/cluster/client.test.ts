// The client against an API server that is scripted: what is sent, what is tried again, how refusals read.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ApiError } from "../../src/cluster/api.ts";
import { type ClientOptions, type StreamingClient, createClient } from "../../src/cluster/client.ts";
import type { ClusterConfig } from "../../src/cluster/kubeconfig.ts";
import { resourcePath, subjectOf } from "../../src/cluster/paths.ts";
import { type Responder, type ScriptedServer, json, startScripted, statusBody } from "./scripted.ts";

const pods = { group: "", version: "v1", resource: "pods" };
const web = { namespace: "default", name: "web" };

interface Setting {
  readonly server: ScriptedServer;
  readonly client: StreamingClient;
}

async function given(
  context: TestContext,
  respond: Responder,
  options: ClientOptions & { readonly config?: Partial<ClusterConfig> } = {},
): Promise<Setting> {
  const server = await startScripted(respond);
  const client = createClient({ ...server.config, ...options.config }, options);
  context.after(async () => {
    client.close();
    await server.close();
  });
  return { server, client };
}

async function refusal(call: Promise<unknown>): Promise<ApiError> {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ApiError, String(error));
  return error;
}

test("client: each verb has its path, its body and its options", async (context) => {
  const { server, client } = await given(context, (_, response) => json(response, 200, { ok: true }));
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "web", namespace: "default" } };
  const deployments = { group: "apps", version: "v1", resource: "deployments" };
  await client.get(pods, web);
  await client.get({ group: "", version: "v1", resource: "nodes" }, { namespace: "", name: "n/1" });
  await client.create(pods, pod, { dryRun: true, fieldValidation: "Strict" });
  await client.update(pods, pod, { subresource: "status", fieldManager: "me" });
  await client.patch(deployments, web, [{ op: "remove", path: "/spec" }], { type: "json" });
  await client.patch(deployments, web, { spec: null }, { type: "merge" });
  await client.patch(deployments, web, { spec: {} }, { type: "strategic", subresource: "scale" });
  await client.patch(deployments, web, pod, { type: "apply", force: true });
  await client.remove(pods, web, { propagation: "Foreground", uid: "u", dryRun: true });
  assert.deepEqual(
    server.requests.map(({ method, path, query, headers }) =>
      [method, `${path}?${query.toString()}`, headers["content-type"]?.replace("application/", "") ?? ""].join(" "),
    ),
    [
      "GET /api/v1/namespaces/default/pods/web? ",
      "GET /api/v1/nodes/n%2F1? ",
      "POST /api/v1/namespaces/default/pods?dryRun=All&fieldValidation=Strict json",
      "PUT /api/v1/namespaces/default/pods/web/status?fieldManager=me json",
      "PATCH /apis/apps/v1/namespaces/default/deployments/web? json-patch+json",
      "PATCH /apis/apps/v1/namespaces/default/deployments/web? merge-patch+json",
      "PATCH /apis/apps/v1/namespaces/default/deployments/web/scale? strategic-merge-patch+json",
      "PATCH /apis/apps/v1/namespaces/default/deployments/web?fieldManager=portcullis&force=true apply-patch+yaml",
      "DELETE /api/v1/namespaces/default/pods/web? json",
    ],
  );
  assert.deepEqual(JSON.parse(server.requests.at(-1)?.body ?? ""), {
    apiVersion: "v1",
    kind: "DeleteOptions",
    propagationPolicy: "Foreground",
    preconditions: { uid: "u" },
    dryRun: ["All"],
  });
  assert.equal(server.requests[0]?.headers.authorization, "Bearer secret-token");
  assert.equal(client.calls.count({ writes: true }), 7);
  assert.equal(client.calls.count({ verb: "patch", resource: "deployments", subresource: "scale" }), 1);
});

test("client: paths and what they are about agree", () => {
  const subjects = [
    { verb: "get", group: "", version: "v1", resource: "namespaces", subresource: "", namespace: "", name: "a" },
    {
      verb: "update",
      group: "",
      version: "v1",
      resource: "namespaces",
      subresource: "status",
      namespace: "",
      name: "a",
    },
    { verb: "list", group: "apps", version: "v1", resource: "deployments", subresource: "", namespace: "a", name: "" },
    { verb: "create", group: "a.b", version: "v1", resource: "c", subresource: "", namespace: "", name: "" },
    { verb: "patch", group: "", version: "v1", resource: "pods", subresource: "status", namespace: "x", name: "ä b" },
    { verb: "deletecollection", group: "", version: "v1", resource: "pods", subresource: "", namespace: "x", name: "" },
  ];
  const methods: Readonly<Record<string, string>> = {
    get: "GET",
    list: "GET",
    create: "POST",
    update: "PUT",
    patch: "PATCH",
  };
  for (const subject of subjects) {
    const { namespace, name, subresource } = subject;
    const path = resourcePath(subject, {
      namespace,
      name: name === "" ? undefined : name,
      subresource: subresource === "" ? undefined : subresource,
    });
    assert.deepEqual(subjectOf(methods[subject.verb] ?? "DELETE", path), subject);
  }
  assert.equal(subjectOf("GET", "/api/v1/pods?watch=1").verb, "watch");
  assert.equal(subjectOf("GET", "/version").resource, "");
});

test("client: a refusal says what the API server's Status says, or what was asked", async (context) => {
  const { client, server } = await given(context, ({ path }, response) => {
    if (path === "/plain") response.writeHead(502).end("bad gateway\nsecond line");
    else json(response, 409, statusBody(409, "Conflict", "the object has been modified", { details: { name: "web" } }));
  });
  const conflict = await refusal(client.update(pods, { metadata: web }));
  assert.deepEqual(
    [conflict.status, conflict.reason, conflict.message],
    [409, "Conflict", "the object has been modified"],
  );
  assert.deepEqual((conflict.answer as { details: unknown }).details, { name: "web" });
  const plain = await refusal(client.call({ method: "GET", path: "/plain" }));
  assert.deepEqual([plain.status, plain.message], [502, "GET /plain: bad gateway"]);
  await server.close();
  const nobody = await refusal(client.get(pods, web));
  assert.deepEqual([nobody.status, nobody.reason], [0, "Unreachable"]);
  assert.match(nobody.message, /^cannot reach http:\/\/127\.0\.0\.1:\d+: connect ECONNREFUSED/);
  assert.equal((await refusal(client.get(pods, { namespace: "a", name: "" }))).message, "pods: a name is needed");
});

test("client: what the server asks to be tried again is tried again", async (context) => {
  let answers = 0;
  const { client } = await given(context, (_, response) => {
    if (++answers < 3) json(response, 429, statusBody(429, "TooManyRequests", "slow down"), { "retry-after": "0" });
    else json(response, 200, { metadata: { name: "web" } });
  });
  await client.get(pods, web);
  assert.equal(answers, 3);
  assert.deepEqual(
    client.calls.rows().map(({ status, count }) => [status, count]),
    [
      [429, 2],
      [200, 1],
    ],
  );
});

test("client: a wait beyond the call's time is the caller's affair", async (context) => {
  const { client, server } = await given(context, (_, response) =>
    json(response, 429, statusBody(429, "TooManyRequests", "slow down", { details: { retryAfterSeconds: 3600 } })),
  );
  const error = await refusal(client.get(pods, web));
  assert.deepEqual([error.status, error.retryAfterMs, server.requests.length], [429, 3_600_000, 1]);
});

test("client: 401 renews the credential once", async (context) => {
  let tokens = 0;
  const credentials = {
    current: () => Promise.resolve({ authorization: `Bearer ${tokens}`, certificate: null }),
    refuse: () => {
      tokens++;
      return true;
    },
  };
  const { client, server } = await given(
    context,
    ({ headers }, response) =>
      headers.authorization === "Bearer 1"
        ? json(response, 200, {})
        : json(response, 401, statusBody(401, "Unauthorized", "Unauthorized")),
    { config: { credentials } },
  );
  await client.get(pods, web);
  assert.equal(server.requests.length, 2);
  tokens = 7;
  assert.equal((await refusal(client.get(pods, web))).status, 401);
  assert.equal(server.requests.length, 4);
});

test("client: a connection that the server closed while it was idle is no trouble", async (context) => {
  const { client, server } = await given(context, (_, response) => json(response, 200, { metadata: {} }));
  for (let round = 0; round < 5; round++) {
    await client.get(pods, web);
    server.cut();
  }
  assert.equal(client.calls.count({ status: 200 }), 5);
});

test("client: time, size and the caller's signal end a call", async (context) => {
  const { client } = await given(context, ({ path }, response) => {
    if (path === "/large") response.end("x".repeat(100_000));
    if (path === "/slow-body") response.write("[");
  });
  const call = (path: string, more: object): Promise<unknown> => client.call({ method: "GET", path, ...more });
  assert.equal((await refusal(call("/silent", { timeoutMs: 30 }))).reason, "Timeout");
  assert.equal((await refusal(call("/slow-body", { timeoutMs: 30 }))).reason, "Timeout");
  assert.equal((await refusal(call("/large", { bytesMax: 1000 }))).reason, "TooLarge");
  assert.equal((await refusal(call("/silent", { signal: AbortSignal.abort() }))).reason, "Aborted");
  const ending = new AbortController();
  const aborted = refusal(call("/silent", { signal: ending.signal }));
  setImmediate(() => ending.abort());
  assert.equal((await aborted).reason, "Aborted");
});

test("client: warnings, impersonation, and a path before /api", async (context) => {
  const warnings: string[] = [];
  const { client, server } = await given(
    context,
    (_, response) => json(response, 200, {}, { warning: ['299 - "old \\"API\\"", 299 - "second"', '299 - "third"'] }),
    {
      onWarning: (text) => warnings.push(text),
      userAgent: "portcullis/1",
      config: { impersonate: { user: "jane", groups: ["a", "b"], extra: { "Acme/Scope": ["x"] } } },
    },
  );
  await client.get(pods, web);
  assert.deepEqual(warnings, ['old "API"', "second", "third"]);
  const { headers } = server.requests[0] ?? {};
  assert.deepEqual(
    [headers?.["impersonate-user"], headers?.["impersonate-group"], headers?.["impersonate-extra-acme%2fscope"]],
    ["jane", "a, b", "x"],
  );
  assert.equal(headers?.["user-agent"], "portcullis/1");
  const behind = createClient({ ...server.config, server: `${server.config.server}/k8s/clusters/c1` });
  context.after(() => behind.close());
  await behind.get(pods, web);
  assert.equal(server.requests.at(-1)?.path, "/k8s/clusters/c1/api/v1/namespaces/default/pods/web");
});

interface ListCase {
  readonly offered: string;
  readonly expected: readonly string[];
}

const listCases: Readonly<Record<string, ListCase>> = {
  "goes on behind the same object": { offered: "newer", expected: ["a", "b", "c"] },
  "starts again": { offered: "", expected: ["a", "a", "b"] },
};

for (const [what, { offered, expected }] of Object.entries(listCases)) {
  test(`client: a list whose next page expired ${what}`, async (context) => {
    let firsts = 0;
    const page = (names: readonly string[], next: string): object => ({
      apiVersion: "v1",
      kind: "PodList",
      metadata: { resourceVersion: "1", continue: next },
      items: names.map((name) => ({ metadata: { name } })),
    });
    const { client } = await given(context, ({ query }, response) => {
      const token = query.get("continue");
      if (token === null && ++firsts === 1) json(response, 200, page(["a"], "old"));
      else if (token === null) json(response, 200, page(["a", "b"], ""));
      else if (token === "old")
        json(response, 410, statusBody(410, "Expired", "too old", { metadata: { continue: offered } }));
      else json(response, 200, page(["b", "c"], ""));
    });
    const names: unknown[] = [];
    for await (const items of client.list(pods, { limit: 1 })) {
      for (const item of items) {
        assert.deepEqual([item["apiVersion"], item["kind"]], ["v1", "Pod"]);
        names.push((item["metadata"] as { name: string }).name);
      }
    }
    assert.deepEqual(names, expected);
  });
}

test("client: no more than 32 calls are under way at once, and all are answered", async (context) => {
  let most = 0;
  let running = 0;
  const { client } = await given(context, (_, response) => {
    most = Math.max(most, ++running);
    setImmediate(() => {
      running--;
      json(response, 200, {});
    });
  });
  await Promise.all(Array.from({ length: 200 }, () => client.get(pods, web)));
  assert.ok(most > 1 && most <= 32, String(most));
  assert.equal(client.calls.count({ status: 200 }), 200);
});
