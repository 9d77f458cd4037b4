// Informers against an API server that misbehaves as real ones do. Each request takes the next answer of the script; when
// it has ended, watches stay open and silent.

import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { stringAt } from "@portcullis/kube";
import type { ClusterObject, InformerOptions, Informers, ObjectChange } from "../../src/cluster/api.ts";
import { createClient } from "../../src/cluster/client.ts";
import { createInformers, slim } from "../../src/cluster/informer.ts";
import { createLineSplitter } from "../../src/cluster/lines.ts";
import type { ReflectorTiming } from "../../src/cluster/reflector.ts";
import { createStore } from "../../src/cluster/store.ts";
import { type ScriptedRequest, type ScriptedServer, json, startScripted, statusBody, until } from "./scripted.ts";

const pods = { group: "", version: "v1", resource: "pods" };
const quick: Partial<ReflectorTiming> = { backoffMinMs: 1, backoffMaxMs: 4 };

function pod(name: string, version: number, uid = name): ClusterObject {
  const metadata = { name, namespace: "default", uid, resourceVersion: String(version) };
  return { apiVersion: "v1", kind: "Pod", metadata };
}

function event(type: string, object: unknown): string {
  return `${JSON.stringify({ type, object })}\n`;
}

function bookmark(version: number, isEnd = false): string {
  const annotations = { "k8s.io/initial-events-end": "true" };
  const metadata = { resourceVersion: String(version), ...(isEnd ? { annotations } : {}) };
  return event("BOOKMARK", { apiVersion: "v1", kind: "Pod", metadata });
}

type Answer = (response: ServerResponse, request: ScriptedRequest) => void;

/** A watch that says this and stays open. */
const says =
  (...lines: readonly string[]): Answer =>
  (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.write(lines.join(""));
  };

/** A watch that says this and ends as at its time. */
const ends =
  (...lines: readonly string[]): Answer =>
  (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(lines.join(""));
  };

const refuses =
  (code: number, reason: string, more: object = {}): Answer =>
  (response) =>
    json(response, code, statusBody(code, reason, `${reason} it is`, more));

function lists(version: number, items: readonly ClusterObject[], next = ""): Answer {
  const body = {
    apiVersion: "v1",
    kind: "PodList",
    metadata: { resourceVersion: String(version), continue: next },
    items,
  };
  return (response) => json(response, 200, body);
}

interface Setting {
  readonly server: ScriptedServer;
  readonly informers: Informers;
  /** `added a@1` */
  readonly changes: string[];
  readonly errors: string[];
  /** What was asked: `start`, `watch 5`, `list 0`, `list next`. */
  asked(): readonly string[];
}

async function given(
  context: TestContext,
  script: readonly Answer[],
  { timing = quick, ...options }: InformerOptions & { readonly timing?: Partial<ReflectorTiming> } = {},
): Promise<Setting> {
  const rest = [...script];
  const server = await startScripted((request, response) => {
    const next = rest.shift();
    if (next === undefined) response.writeHead(200).flushHeaders();
    else next(response, request);
  });
  const client = createClient(server.config);
  const informers = createInformers(client, timing);
  context.after(async () => {
    informers.close();
    client.close();
    await server.close();
  });
  const changes: string[] = [];
  const errors: string[] = [];
  const informer = informers.watch(pods, { ...options, onError: (error) => errors.push(error.message) });
  informer.onChange(({ what, object }: ObjectChange) => {
    changes.push(`${what} ${stringAt(object, "metadata", "name")}@${stringAt(object, "metadata", "resourceVersion")}`);
  });
  const asked = (): readonly string[] =>
    server.requests.map(({ query }) => {
      if (query.get("sendInitialEvents") === "true") return "start";
      if (query.has("watch")) return `watch ${query.get("resourceVersion") ?? ""}`;
      return `list ${query.get("continue") ?? query.get("resourceVersion") ?? "newest"}`;
    });
  return { server, informers, changes, errors, asked };
}

test("informer: what is there comes through the watch, and it goes on from the last bookmark", async (context) => {
  const { server, changes, asked, errors } = await given(context, [
    ends(
      event("ADDED", pod("a", 3)),
      event("ADDED", pod("b", 5)),
      bookmark(7, true),
      event("MODIFIED", pod("a", 8)),
      bookmark(20),
    ),
    ends(event("DELETED", pod("b", 21))),
  ]);
  await until(() => server.requests.length === 3);
  assert.deepEqual(changes, ["added a@3", "added b@5", "changed a@8", "removed b@21"]);
  assert.deepEqual(asked(), ["start", "watch 20", "watch 21"]);
  assert.deepEqual(errors, []);
  const [start] = server.requests;
  assert.equal(start?.query.get("resourceVersionMatch"), "NotOlderThan");
  for (const { query } of server.requests) {
    assert.equal(query.get("allowWatchBookmarks"), "true");
    const seconds = Number(query.get("timeoutSeconds"));
    assert.ok(seconds >= 300 && seconds <= 600);
  }
});

test("informer: a server without such watches is listed, page by page, from its cache first", async (context) => {
  const { server, changes, asked } = await given(context, [
    refuses(422, "Invalid"),
    lists(10, [pod("a", 1)], "p2"),
    lists(10, [pod("b", 2)]),
    ends(event("ADDED", pod("c", 12))),
  ]);
  await until(() => server.requests.length === 5);
  assert.deepEqual(asked(), ["start", "list 0", "list p2", "watch 10", "watch 12"]);
  assert.deepEqual(changes, ["added a@1", "added b@2", "added c@12"]);
  assert.deepEqual(
    server.requests.map(({ query }) => query.get("limit")),
    [null, "500", "500", null, null],
  );
});

test("informer: when nothing comes of what is there, it is listed", async (context) => {
  const { server, asked, errors } = await given(context, [says(), lists(4, [])], {
    timing: { ...quick, quietMs: 20 },
  });
  await until(() => server.requests.length === 3);
  assert.deepEqual(asked(), ["start", "list 0", "watch 4"]);
  assert.deepEqual(errors, []);
});

test("informer: slow events and a late bookmark are waited for", async (context) => {
  const { changes, asked, informers } = await given(
    context,
    [
      (response) => {
        response.writeHead(200);
        const parts = [event("ADDED", pod("a", 1)), event("ADDED", pod("b", 2)), bookmark(3, true)];
        const timer = setInterval(() => {
          const part = parts.shift();
          if (part === undefined) clearInterval(timer);
          else response.write(part);
        }, 15);
      },
    ],
    { timing: { ...quick, quietMs: 400 } },
  );
  const informer = informers.watch(pods);
  assert.equal(informer.hasSynced(), false);
  await informer.synced;
  assert.deepEqual([informer.hasSynced(), informer.size], [true, 2]);
  assert.deepEqual(changes, ["added a@1", "added b@2"]);
  assert.deepEqual(asked(), ["start"]);
});

const expiries: Readonly<Record<string, Answer>> = {
  "as an answer": refuses(410, "Expired"),
  "as an event": ends(event("ERROR", statusBody(410, "Expired", "too old resource version: 7 (9)"))),
  "because the version is of the future": refuses(504, "Timeout", {
    details: { causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }] },
  }),
};

for (const [how, expired] of Object.entries(expiries)) {
  test(`informer: a version that is no longer there, ${how}: all is told again, and what is missing was removed`, async (context) => {
    const { server, changes, asked } = await given(context, [
      ends(event("ADDED", pod("a", 1)), event("ADDED", pod("b", 2)), event("ADDED", pod("c", 3)), bookmark(7, true)),
      expired,
      says(
        event("ADDED", pod("a", 1)),
        event("ADDED", pod("c", 30, "another")),
        event("ADDED", pod("d", 31)),
        bookmark(40, true),
      ),
    ]);
    await until(() => changes.length >= 7);
    assert.deepEqual(asked(), ["start", "watch 7", "start"]);
    assert.deepEqual(changes.slice(3), ["removed c@3", "added c@30", "added d@31", "removed b@2"]);
    assert.equal(server.requests.length, 3);
  });
}

test("informer: a list that expires between pages starts with what is newest, and at last takes all at once", async (context) => {
  const { server, changes, asked } = await given(context, [
    refuses(400, "BadRequest"),
    lists(10, [pod("a", 1)], "p2"),
    refuses(410, "Expired"),
    lists(20, [pod("a", 1)], "q2"),
    refuses(410, "Expired"),
    lists(30, [pod("b", 25)]),
  ]);
  await until(() => server.requests.length === 7);
  assert.deepEqual(asked(), ["start", "list 0", "list p2", "list newest", "list q2", "list newest", "watch 30"]);
  assert.equal(server.requests[5]?.query.get("limit"), "0");
  assert.deepEqual(changes, ["added a@1", "added b@25", "removed a@1"]);
});

test("informer: trouble is waited out from the same version", async (context) => {
  const { server, asked, errors, changes } = await given(context, [
    ends(event("ADDED", pod("a", 1)), bookmark(7, true)),
    refuses(500, "InternalError"),
    refuses(429, "TooManyRequests", { details: { retryAfterSeconds: 0 } }),
    (response) => response.destroy(),
    ends(event("ERROR", statusBody(500, "InternalError", "etcd is gone"))),
    ends("{broken\n"),
    ends(),
    ends(event("ADDED", pod("b", 9))),
  ]);
  await until(() => server.requests.length === 9);
  assert.deepEqual(asked(), ["start", ...Array<string>(7).fill("watch 7"), "watch 9"]);
  assert.deepEqual(changes, ["added a@1", "added b@9"]);
  assert.deepEqual(
    errors.map((text) => text.replace(/http\S+?: /, "")),
    [
      "InternalError it is",
      "TooManyRequests it is",
      errors[2]?.replace(/http\S+?: /, ""),
      "etcd is gone",
      "a line of the watch is broken JSON",
      "the watch of pods ended at once",
    ],
  );
  assert.match(errors[2] ?? "", /socket hang up/);
});

test("informer: who waits for an API server that was away asks again when it has answered another one", async (context) => {
  let isAway = false;
  const server = await startScripted((request, response) => {
    if (isAway) response.destroy();
    else says(bookmark(7, true))(response, request);
  });
  const client = createClient(server.config);
  const informers = createInformers(client, { backoffMinMs: 3_600_000, backoffMaxMs: 3_600_000 });
  context.after(async () => {
    informers.close();
    client.close();
    await server.close();
  });
  const errors: Error[] = [];
  const watched = (namespace: string): Promise<void> =>
    informers.watch(pods, { namespace, onError: (error) => errors.push(error) }).synced;
  await Promise.all([watched("one"), watched("two")]);
  isAway = true;
  server.cut();
  await until(() => errors.length === 2);
  isAway = false;
  await watched("three");
  const begun = (namespace: string): number =>
    server.requests.filter(({ path }) => path.includes(`/namespaces/${namespace}/`)).length;
  await until(() => begun("one") > 1 && begun("two") > 1);
  assert.equal(errors.length, 2);
});

test("informer: who was refused asks again before others in trouble do", async (context) => {
  const timing = { backoffMinMs: 3_600_000, backoffMaxMs: 3_600_000, refusedMs: 1, refusedEachMs: 1 };
  const troubled = await given(context, [refuses(500, "InternalError")], { timing });
  await until(() => troubled.errors.length === 1);
  const refusals = [401, 403, 404, 405].flatMap((code) => Array<Answer>(3).fill(refuses(code, "No")));
  // A watch that starts with what is there is listed instead after the first 405.
  const { changes } = await given(context, [...refusals, lists(5, [pod("a", 1)])], { timing });
  await until(() => changes.length === 1);
  assert.equal(troubled.server.requests.length, 1);
});

test("informer: what is too old is listed again without a wait", async (context) => {
  const { asked, errors } = await given(
    context,
    [ends(event("ADDED", pod("a", 1)), bookmark(7, true)), refuses(410, "Expired"), says(bookmark(12, true))],
    { timing: { backoffMinMs: 3_600_000, backoffMaxMs: 3_600_000 } },
  );
  await until(() => asked().length === 3);
  assert.deepEqual(asked(), ["start", "watch 7", "start"]);
  assert.deepEqual(errors, ["Expired it is"]);
});

test("informer: a connection that is cut in the middle of a line loses nothing", async (context) => {
  const line = event("ADDED", pod("b", 9));
  const { server, changes, asked } = await given(context, [
    (response) => {
      response.writeHead(200);
      response.write(event("ADDED", pod("a", 1)) + bookmark(7, true) + line.slice(0, 20), () => response.destroy());
    },
    says(line),
  ]);
  await until(() => changes.length === 2);
  assert.deepEqual(changes, ["added a@1", "added b@9"]);
  assert.deepEqual(asked(), ["start", "watch 7"]);
  assert.equal(server.requests.length, 2);
});

test("informer: a start that breaks off begins again and tells nothing twice", async (context) => {
  const { changes, asked, informers } = await given(context, [
    ends(event("ADDED", pod("a", 1)), event("ADDED", pod("b", 2))),
    ends(event("ADDED", pod("a", 1)), event("ADDED", pod("c", 3)), bookmark(7, true)),
  ]);
  await informers.watch(pods).synced;
  assert.deepEqual(changes, ["added a@1", "added b@2", "added c@3", "removed b@2"]);
  assert.deepEqual(asked().slice(0, 2), ["start", "start"]);
});

test("informer: a watch that does not end at its time is dead", async (context) => {
  const { server, asked, errors } = await given(context, [says(bookmark(7, true))], {
    timing: { ...quick, watchSeconds: [0, 0], graceMs: 30 },
  });
  await until(() => server.requests.length >= 2);
  assert.deepEqual(asked().slice(0, 2), ["start", "watch 7"]);
  assert.equal(errors[0], "the watch did not end at its time");
});

test("informer: when the resource is no longer served its objects are gone, and come again with it", async (context) => {
  const { changes } = await given(context, [
    ends(event("ADDED", pod("a", 1)), bookmark(7, true)),
    (response) => response.writeHead(404).end("404 page not found\n"),
    says(event("ADDED", pod("a", 11, "new")), bookmark(12, true)),
  ]);
  await until(() => changes.length === 3);
  assert.deepEqual(changes, ["added a@1", "removed a@1", "added a@11"]);
});

test("informer: only metadata, with the kind that discovery tells", async (context) => {
  const whole = pod("a", 1);
  const partial = { ...whole, kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1" };
  const server = await startScripted(({ path }, response) => {
    if (path === "/api/v1/pods") says(event("ADDED", partial), bookmark(7, true))(response, {} as ScriptedRequest);
    else if (path === "/api/v1") json(response, 200, { resources: [{ name: "pods", kind: "Pod", namespaced: true }] });
    else json(response, 200, { versions: path === "/api" ? ["v1"] : [], groups: [] });
  });
  const client = createClient(server.config);
  context.after(async () => {
    client.close();
    await server.close();
  });
  const informer = createInformers(client, quick).watch(pods, { metadataOnly: true });
  await informer.synced;
  assert.deepEqual(informer.list("default"), [whole]);
  assert.match(String(server.requests.at(-1)?.headers.accept), /as=PartialObjectMetadata;/);
  informer.close();
});

test("informer: shared by all who ask for the same, ended by the last", async (context) => {
  const { server, informers } = await given(context, [says(event("ADDED", pod("a", 1)), bookmark(7, true))]);
  const [one, two] = [informers.watch(pods), informers.watch(pods)];
  await Promise.all([one.synced, two.synced]);
  const other = informers.watch(pods, { namespace: "x" });
  await until(() => server.requests.length === 2);
  assert.equal(server.requests[1]?.path, "/api/v1/namespaces/x/pods");
  const seen: string[] = [];
  one.onChange(({ what }) => seen.push(what));
  assert.deepEqual(seen, ["added"]);
  one.close();
  assert.equal(two.size, 1);
  const closed = assert.rejects(other.synced, /was closed before it was in step/);
  other.close();
  await closed;
});

test("informer: a handler that throws is reported and hears the next change; one that left hears none", async (context) => {
  const errors: string[] = [];
  let response: ServerResponse | null = null;
  const { informers } = await given(context, [
    (opened) => {
      response = opened;
      says(event("ADDED", pod("a", 1)), bookmark(7, true))(opened, {} as ScriptedRequest);
    },
  ]);
  const informer = informers.watch(pods, { onError: (error) => errors.push(error.message) });
  const left: string[] = [];
  const leave = informer.onChange(({ what }) => left.push(what));
  informer.onChange(({ what }) => {
    throw new Error(`cannot take ${what}`);
  });
  await informer.synced;
  leave();
  (response as ServerResponse | null)?.write(event("MODIFIED", pod("a", 8)));
  await until(() => errors.length === 2);
  assert.deepEqual(errors, ["cannot take added", "cannot take changed"]);
  assert.deepEqual(left, ["added"]);
});

test("informer: lines come out whole, however their bytes are cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: "binary" }).map((text) => JSON.stringify(text))),
      fc.array(fc.nat({ max: 40 })),
      (lines, cuts) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
        const split = createLineSplitter(1_000_000);
        const found: string[] = [];
        let start = 0;
        for (const size of [...cuts, bytes.length]) {
          found.push(...split(bytes.subarray(start, start + size)));
          start += size;
        }
        assert.deepEqual(found, lines);
      },
    ),
  );
  assert.throws(() => createLineSplitter(3)(Buffer.from("1234")), /longer than 3 bytes/);
});

test("informer: whatever is put, swept and removed, who listens ends with what is held", () => {
  const object = fc.record({
    name: fc.constantFrom("a", "b", "c"),
    version: fc.nat({ max: 3 }),
    uid: fc.constantFrom("u", "v"),
  });
  fc.assert(
    fc.property(fc.array(fc.record({ what: fc.constantFrom("put", "remove", "sweep", "end"), object })), (steps) => {
      const told = new Map<string, ClusterObject>();
      const store = createStore({
        keep: slim,
        tell: (change) => {
          const name = stringAt(change.object, "metadata", "name");
          assert.equal(told.has(name), change.what !== "added");
          if (change.what === "removed") told.delete(name);
          else told.set(name, change.object);
        },
      });
      let sweep: { end(): void } | null = null;
      for (const { what, object: made } of steps) {
        const target = pod(made.name, made.version, made.uid);
        if (what === "put") store.put(target);
        else if (what === "remove") store.remove(target);
        else if (what === "sweep") sweep = store.sweep();
        else {
          sweep?.end();
          sweep = null;
        }
        assert.equal(store.size, told.size);
        assert.deepEqual(new Set(store.list()), new Set(told.values()));
      }
    }),
  );
});

test("informer: of each object the managers of fields and kubectl's copy are left out", () => {
  const annotations = { "kubectl.kubernetes.io/last-applied-configuration": "{}", a: "b" };
  const object = { kind: "Pod", metadata: { name: "a", managedFields: [{}], annotations }, spec: {} };
  assert.deepEqual(slim(object), { kind: "Pod", metadata: { name: "a", annotations: { a: "b" } }, spec: {} });
  const plain = { metadata: { name: "a", annotations: { a: "b" } } };
  assert.equal(slim(plain), plain);
});
