import assert from "node:assert/strict";
import { test } from "node:test";
import { applyJsonPatch, applyMergePatch, jsonPatch, readJsonPatch } from "@portcullis/kube";
import { Budget, Decimal } from "@portcullis/lang";

function budget(): Budget {
  return new Budget({ steps: 100_000 }, () => 0);
}

const strict = { negativeIndices: false, allowMissingOnRemove: false, makeParents: false };

function apply(document: unknown, patch: unknown, options = strict): unknown {
  const operations = readJsonPatch(patch);
  if ("error" in operations) return operations.error;
  const result = applyJsonPatch(document, operations, { ...options, budget: budget() });
  return "error" in result ? result.error : result.value;
}

test("without options a JSON patch is RFC 6902", () => {
  const document = { list: [1, 2], a: { b: 1 } };
  const remove = (path: string) => apply(document, [{ op: "remove", path }]);
  assert.deepEqual(remove("/a/b"), { list: [1, 2], a: {} });
  assert.equal(remove("/a/c"), "error in remove for path: '/a/c': unable to remove nonexistent key: c: missing value");
  assert.equal(remove("/x/y"), 'remove operation does not apply: doc is missing path: "/x/y": missing value');
  for (const index of ["-1", "2"]) {
    assert.equal(
      remove(`/list/${index}`),
      `error in remove for path: '/list/${index}': Unable to access invalid index: ${index}: invalid index referenced`,
    );
  }
  assert.equal(
    apply(document, [{ op: "add", path: "/x/y", value: 1 }]),
    'add operation does not apply: doc is missing path: "/x/y": missing value',
  );
  assert.deepEqual(document, { list: [1, 2], a: { b: 1 } });
});

test("what a patch does not touch is shared with the result", () => {
  const document = { kept: { x: 1 }, changed: { y: [1], z: {} } };
  const patched = apply(document, [{ op: "add", path: "/changed/y/-", value: 2 }]) as typeof document;
  assert.equal(patched.kept, document.kept);
  assert.equal(patched.changed.z, document.changed.z);
  assert.deepEqual(patched.changed.y, [1, 2]);
});

test("a value that is copied does not change with its copy", () => {
  const copied = apply({ a: {} }, [
    { op: "add", path: "/a/list", value: [1] },
    { op: "copy", from: "/a", path: "/b" },
    { op: "add", path: "/b/list/-", value: 2 },
    { op: "copy", from: "/b", path: "/b/inside" },
  ]);
  assert.deepEqual(copied, { a: { list: [1] }, b: { list: [1, 2], inside: { list: [1, 2] } } });
});

test("keys are data", () => {
  const patched = apply({}, [{ op: "add", path: "/__proto__", value: { polluted: true } }]) as object;
  assert.deepEqual(Object.keys(patched), ["__proto__"]);
  assert.equal("polluted" in {}, false);
  assert.equal((patched as { polluted?: boolean }).polluted, undefined);
});

test("numbers are tested by value", () => {
  const patch = [{ op: "test", path: "/n", value: new Decimal("1.0") }];
  assert.deepEqual(apply({ n: 1 }, patch), { n: 1 });
  assert.equal(apply({ n: 2 }, patch), "testing value /n failed: test failed");
});

test("a merge patch merges objects, removes by null, and replaces the rest", () => {
  const document = { a: { b: 1, c: [1, 2] }, d: "x" };
  const merge = (patch: unknown) => applyMergePatch(document, patch, budget());
  assert.deepEqual(merge({ a: { b: 2, e: { f: null, g: 1 } } }), {
    a: { b: 2, c: [1, 2], e: { g: 1 } },
    d: "x",
  });
  assert.deepEqual(merge({ a: { c: [3] }, d: null }), { a: { b: 1, c: [3] } });
  assert.deepEqual(merge({ d: { new: null } }), { a: { b: 1, c: [1, 2] }, d: {} });
  assert.deepEqual(merge(["x"]), ["x"]);
  assert.deepEqual(document, { a: { b: 1, c: [1, 2] }, d: "x" });
});

test("the difference of equal numbers is nothing, and keys are escaped", () => {
  assert.deepEqual(jsonPatch({ n: new Decimal("1.0") }, { n: new Decimal("1.0") }), []);
  assert.deepEqual(jsonPatch({}, { "a/b~": 1 }), [{ op: "add", path: "/a~1b~0", value: 1 }]);
});

test("a document that is null has nothing, and takes nothing", () => {
  const options = { negativeIndices: true, allowMissingOnRemove: true, makeParents: true };
  const [path, from, value] = ["/a", "/b", 1];
  const patched = (...operations: readonly unknown[]): unknown => apply(null, operations, options);
  const nothing = "invalid value, expected object";
  const cases: readonly (readonly [operation: unknown, error: string])[] = [
    [{ op: "add", path, value }, `error in add for path: '/a': ${nothing}`],
    [{ op: "add", path: "/a/b", value }, 'add operation does not apply: doc is missing path: "/a/b": missing value'],
    [
      { op: "add", path: "/a/-2/b", value },
      "Unable to ensure path for negative index other than -1: -2: invalid index referenced",
    ],
    [{ op: "remove", path }, `error in remove for path: '/a': ${nothing}`],
    [{ op: "remove", path: "/a/b" }, `json: error calling MarshalJSON for type *jsonpatch.partialDoc: ${nothing}`],
    [{ op: "replace", path, value }, "replace operation does not apply: doc is missing key: /a: missing value"],
    [{ op: "move", path, from }, `error in move for path: 'b': ${nothing}`],
    [{ op: "copy", path, from }, `error in copy for from: '/b': ${nothing}`],
    [{ op: "test", path, value }, `error in test for path: '/a': ${nothing}`],
  ];
  for (const [operation, error] of cases) assert.equal(patched(operation), error);
  assert.deepEqual(patched({ op: "remove", path: "/a/b" }, { op: "add", path: "", value: { c: 2 } }), { c: 2 });
});
