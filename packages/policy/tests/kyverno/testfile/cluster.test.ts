// What stands in for a cluster on the command line: objects at hand, and what a test answers itself.

import assert from "node:assert/strict";
import { test } from "node:test";
import { answerFrom } from "../../../src/kyverno/testfile/cluster.ts";
import { mockedCalls, mockedEntries } from "../../../src/kyverno/testfile/mocks.ts";
import { noCatalog, unlimited, worldWith } from "../../engine/world.ts";

const objects = [
  { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", namespace: "x" }, data: { k: "1" } },
  { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "b", namespace: "y" } },
  { apiVersion: "networking.k8s.io/v1", kind: "Ingress", metadata: { name: "i", namespace: "x" } },
];

const answer = answerFrom({ objects, calls: new Map(), entries: new Map() });

function call(urlPath: string, method = "GET") {
  return answer({ kind: "kyverno.apiCall", key: urlPath, call: { urlPath, method } });
}

test("cluster: an object is got by its path", () => {
  assert.deepEqual(call("/api/v1/namespaces/x/configmaps/a"), { value: objects[0] });
});

test("cluster: a list has the objects of a namespace, or of all", () => {
  const names = (path: string): readonly string[] => {
    const found = call(path) as { value: { items: readonly { metadata: { name: string } }[] } };
    return found.value.items.map(({ metadata }) => metadata.name);
  };
  assert.deepEqual(names("/api/v1/namespaces/y/configmaps"), ["b"]);
  assert.deepEqual(names("/api/v1/configmaps"), ["a", "b"]);
  assert.deepEqual(names("/apis/networking.k8s.io/v1/ingresses"), ["i"]);
  // K13: where Kyverno panics.
  assert.deepEqual(names("/api/v1/secrets"), []);
});

test("cluster: a list's selector selects by labels; K13: Kyverno panics", () => {
  const pod = (name: string, labels: object) => ({ apiVersion: "v1", kind: "Pod", metadata: { name, labels } });
  const pods = [pod("a", { app: "web", tier: "one" }), pod("b", { app: "web" }), pod("c", {})];
  const selecting = answerFrom({ objects: pods, calls: new Map(), entries: new Map() });
  const names = (selector: string): readonly string[] | string => {
    const urlPath = `/api/v1/pods?labelSelector=${selector}`;
    const found = selecting({ kind: "kyverno.apiCall", key: "", call: { urlPath } });
    if ("error" in found) return found.error;
    return (found.value as { items: readonly { metadata: { name: string } }[] }).items.map(
      (item) => item.metadata.name,
    );
  };
  assert.deepEqual(names("app=web"), ["a", "b"]);
  assert.deepEqual(names("app%3D%3Dweb,tier!=one"), ["b"]);
  assert.deepEqual(names("app in (web, db),tier"), ["a"]);
  assert.deepEqual(names("tier notin (one)"), ["b", "c"]);
  assert.deepEqual(names("!app"), ["c"]);
  assert.deepEqual(names(""), ["a", "b", "c"]);
  assert.match(String(names("a b")), /unable to parse the term "a b" of the label selector$/);
  assert.match(String(names("app=web&limit=1")), /selected by labelSelector alone, not by limit$/);
});

test("cluster: what is not there has the error of Kyverno's fake client", () => {
  const start = "failed to GET resource with raw url: ";
  assert.deepEqual(call("/api/v1/namespaces/x/configmaps/no"), {
    error: `${start}/api/v1/namespaces/x/configmaps/no: failed to get resource v1/ConfigMap/no: configmaps "no" not found`,
  });
  assert.deepEqual(call("/version"), { error: `${start}/version: failed to parse path: version` });
  assert.deepEqual(call("/api/v1/pods", "POST"), {
    error: "failed to POST resource with raw url: /api/v1/pods: method POST not supported for fake client",
  });
});

test("mocks: a method's answer stands before that of any method", () => {
  const response = (n: number) => ({ body: { n } });
  const calls = mockedCalls([
    { urlPath: "/a", response: response(1) },
    { urlPath: "/a", method: "post", response: response(2) },
    { url: "https://b.example/x", response: { statusCode: 503, body: {} } },
  ]);
  const mocked = answerFrom({ objects: [], calls, entries: new Map() });
  const ask = (asked: object) => mocked({ kind: "kyverno.apiCall", key: "", call: asked });
  assert.deepEqual(ask({ urlPath: "/a", method: "GET" }), { value: { n: 1 } });
  assert.deepEqual(ask({ urlPath: "/a", method: "POST" }), { value: { n: 2 } });
  assert.ok("error" in ask({ service: { url: "https://b.example/x" }, method: "GET" }));
});

test("mocks: an entry that cannot be meant is an error", () => {
  const body = { response: { body: {} } };
  const cases: readonly (readonly [object, string])[] = [
    [{ ...body }, "apiCallResponses[0]: either url or urlPath is required"],
    [{ ...body, url: "http://a", urlPath: "/b" }, "apiCallResponses[0]: url and urlPath are mutually exclusive"],
    [{ ...body, urlPath: "b" }, "apiCallResponses[0]: urlPath \"b\" must be an absolute path starting with '/'"],
    [{ ...body, url: "ftp://a" }, 'apiCallResponses[0]: url "ftp://a" must be an absolute https/http URL'],
    [{ ...body, urlPath: "/b", method: "PUT" }, "apiCallResponses[0]: method must be GET or POST"],
    [{ urlPath: "/b" }, 'apiCallResponses[0] "/b": response.body is required'],
  ];
  for (const [entry, message] of cases) assert.throws(() => mockedCalls([entry]), { message });
  const twice = { ...body, urlPath: "/b" };
  assert.throws(() => mockedCalls([twice, twice]), /duplicate entry for "\/b" \(key "\/b"\)/);
});

test("mocks: a global context entry gives its data, or projections of them", () => {
  const context = { world: worldWith({}), budget: unlimited(), catalog: noCatalog, shared: new Map() };
  const readFile = () => ({ text: "kind: Pod\nmetadata: {name: a}\n---\nkind: Pod\nmetadata: {name: b}\n" });
  const entries = mockedEntries(
    [
      { name: "plain", data: { n: { m: 1 } }, fieldPath: "n" },
      { name: "files", resourceFiles: ["pods.yaml"], projections: [{ name: "names", path: "[].metadata.name" }] },
    ],
    { folder: ".", readFile, context },
  );
  const ask = (name: string, projection: string) =>
    answerFrom({ objects: [], calls: new Map(), entries })({
      kind: "kyverno.globalContext",
      key: name,
      call: { name, projection },
    });
  assert.deepEqual(ask("plain", ""), { value: { m: 1 } });
  assert.deepEqual(ask("files", "names"), { value: ["a", "b"] });
  assert.deepEqual(ask("files", "no"), { error: 'global context mock: projection "no" not found' });
  assert.deepEqual(ask("none", ""), { error: "failed to fetch entry key=none" });
});
