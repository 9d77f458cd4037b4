import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonPatch } from "@portcullis/kube";
import { LimitError } from "@portcullis/lang";
import fc from "fast-check";
import { applyJsonPatch } from "../../../src/kyverno/mutate/json6902.ts";
import { applyStrategicMerge } from "../../../src/kyverno/mutate/strategic.ts";
import { budget, nested, readCases } from "../recorded.ts";

interface Merge {
  readonly objects?: Readonly<Record<string, unknown>>;
  readonly object: string;
  readonly patch: unknown;
  readonly merged?: unknown;
  readonly unchanged?: boolean;
  readonly error?: string;
}

test("strategic merges give what Kyverno's give", () => {
  const [first, ...rows] = readCases("merges.jsonl") as readonly Merge[];
  for (const { object: name, patch, merged, unchanged, error } of rows) {
    const object = first?.objects?.[name];
    const before = JSON.stringify(object);
    const result = applyStrategicMerge(object, patch, budget());
    assert.equal(JSON.stringify(object), before, "the object is not written to");
    const wanted = error === undefined ? { object: unchanged === true ? object : merged } : { error };
    assert.deepEqual(result, wanted, JSON.stringify(patch));
    if (unchanged === true && "object" in result) assert.equal(result.object, object, "the very same object");
  }
});

interface Json6902 {
  readonly object?: unknown;
  readonly patch: string;
  readonly patched?: unknown;
  readonly error?: string;
}

test("JSON patches give what Kyverno's give", () => {
  const [first, ...rows] = readCases("jsonpatches.jsonl") as readonly Json6902[];
  const before = JSON.stringify(first?.object);
  for (const { patch, patched, error } of rows) {
    const result = applyJsonPatch(first?.object, patch, budget());
    assert.deepEqual(result, error === undefined ? { object: patched } : { error }, patch);
    assert.equal(JSON.stringify(first?.object), before, "the object is not written to");
  }
});

test("where Kyverno runs beyond a list's end, the elements with conditions are removed", () => {
  const object = { apiVersion: "v1", kind: "Pod", spec: { containers: [{ name: "a" }] } };
  const patch = {
    spec: { containers: [{ name: "a", x: "1" }, { "(name)": "b" }, { "(name)": "c" }, { "(name)": "d" }] },
  };
  const merged = { ...object, spec: { containers: [{ name: "a", x: "1" }] } };
  assert.deepEqual(applyStrategicMerge(object, patch, budget()), { object: merged });
});

test("deep trees and indices that fill memory end by their budget", () => {
  const deep = nested(5000, 1, (inner) => ({ a: inner }));
  assert.throws(() => applyStrategicMerge({}, deep, budget()), LimitError);
  const bomb = JSON.stringify([{ op: "add", path: "/list/4000000000/x", value: 1 }]);
  assert.throws(() => applyJsonPatch({}, bomb, budget()), LimitError);
  const copies = JSON.stringify([
    { op: "add", path: "/a", value: ["x"] },
    ...Array.from({ length: 60 }, () => ({ op: "copy", from: "/a", path: "/a/-" })),
  ]);
  assert.throws(() => applyJsonPatch({}, copies, budget()), LimitError);
});

const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom("x", "y", 1, true, null, 2.5),
    fc.dictionary(fc.constantFrom("a", "b", "a/b", "~", "0"), tie("tree"), { maxKeys: 3, noNullPrototype: true }),
    fc.array(tie("tree"), { maxLength: 3 }),
  ),
}));
const record = fc.dictionary(fc.constantFrom("a", "b", "c"), tree, { maxKeys: 3, noNullPrototype: true });

test("the difference of two objects, applied to the first, gives the second", () => {
  fc.assert(
    fc.property(record, record, (from, to) => {
      const result = applyJsonPatch(from, JSON.stringify(jsonPatch(from, to)), budget());
      assert.deepEqual(result, { object: to });
    }),
  );
});

test("merging an object that has no lists and nulls into itself changes nothing", () => {
  const plain = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom("x", 1, false),
      fc.dictionary(fc.constantFrom("a", "b", "c"), tie("tree"), { minKeys: 1, maxKeys: 3, noNullPrototype: true }),
    ),
  })).tree;
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom("a", "b"), plain, { minKeys: 1, noNullPrototype: true }), (object) => {
      const result = applyStrategicMerge(object, structuredClone(object), budget());
      assert.equal("object" in result && result.object, object);
    }),
  );
});
