// The runtime's values: how they print, how they become JSON, how they are made, read and replaced.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Decimal, Source, spanOf } from "@portcullis/lang";
import fc from "fast-check";
import { PartialObject, keyOf, whole } from "../../src/runtime/collect.ts";
import { compare } from "../../src/runtime/compare.ts";
import { childKeys, mergeDocuments, withPath } from "../../src/runtime/documents.ts";
import { format } from "../../src/runtime/format.ts";
import { at, get, getStored, items, sortedItems } from "../../src/runtime/lookup.ts";
import { objectOf } from "../../src/runtime/objects.ts";
import { toJson } from "../../src/runtime/tojson.ts";
import { RegoObject, RegoSet, type Value, equals } from "../../src/runtime/value.ts";

const span = spanOf(new Source("a.rego", "p"), 0, 1);

const scalar = fc.oneof(
  fc.constantFrom<Value>(null, true, false, "", "a", "b", 0, 1, 2, 1.5),
  fc.constantFrom<Value>(new Decimal("1.0"), new Decimal("1e2"), new Decimal("12345678901234567890")),
);

const value: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.array(tie("value"), { maxLength: 10 }).map((members) => RegoSet.of(members)),
    fc.array(fc.tuple(tie("value"), tie("value")), { maxLength: 3 }).map((entries) => objectOf(entries)),
  ),
})).value;

suite("values", () => {
  test("equal values compare as 0, and are found as each other in a set", () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        assert.equal(equals(a, b), compare(a, b) === 0);
        assert.ok(Math.sign(compare(a, b)) + Math.sign(compare(b, a)) === 0);
        const padding = Array.from({ length: 20 }, (_, index) => [index]);
        if (equals(a, b)) assert.ok(RegoSet.of([...padding, a]).has(b));
      }),
    );
  });

  test("a set has each member once, whatever its size", () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 30 }), (members) => {
        const set = RegoSet.of(members);
        assert.ok(members.every((member) => set.has(member)));
        const sorted = set.sorted(compare);
        assert.ok(sorted.every((member, index) => index === 0 || compare(sorted[index - 1] as Value, member) < 0));
      }),
    );
  });

  test("an object is plain exactly when its keys are strings", () => {
    assert.ok(!(objectOf([["a", 1]]) instanceof RegoObject));
    assert.ok(
      objectOf([
        ["a", 1],
        [1, 2],
      ]) instanceof RegoObject,
    );
    assert.equal(
      format(
        objectOf([
          [1, "a"],
          [new Decimal("1.0"), "b"],
        ]),
      ),
      '{1: "b"}',
    );
  });

  test("print as OPA prints them", () => {
    assert.equal(
      format({ b: [1, null, "x"], a: RegoSet.of([3, new Decimal("2.50")]) }),
      '{"a": {2.50, 3}, "b": [1, null, "x"]}',
    );
    assert.equal(format(RegoSet.of([])), "set()");
    assert.equal(format('a"\\\n\u0001é\u2028😀\u00a0'), '"a\\"\\\\\\n\\x01é\\u2028😀\\u00a0"');
  });

  test("become JSON with sorted arrays for sets and text for keys", () => {
    const object = RegoObject.of([
      [[1, "<"], RegoSet.of([2, 1])],
      ["a", true],
    ]);
    assert.equal(JSON.stringify(toJson(object)), String.raw`{"a":true,"[1,\"\\u003c\"]":[1,2]}`);
    const tree = { a: [1, { b: null }] };
    assert.equal(toJson(tree), tree);
  });
});

suite("lookup", () => {
  test("arrays answer integers, objects their own keys, sets their members", () => {
    assert.equal(get(["a"], 0), "a");
    assert.equal(get(["a"], new Decimal("0.0")), "a");
    for (const key of [-1, 1, 0.5, "0", "length", true]) assert.equal(get(["a"], key), undefined);
    assert.equal(get({ a: 1 }, "toString"), undefined);
    assert.equal(get(RegoSet.of([1, "a"]), "a"), "a");
    assert.equal(get("text", "length"), undefined);
    assert.equal(at({ a: [{ b: 1 }] }, ["a", 0, "b"]), 1);
  });

  test("base documents are found by storage paths", () => {
    assert.equal(getStored({ "2": "x" }, 2), "x");
    assert.equal(getStored(["x"], "0"), "x");
    assert.equal(getStored(["x"], "00"), undefined);
  });

  test("elements come sorted by key where order matters", () => {
    assert.deepEqual(sortedItems({ "9": "b", "10": "a" }), ["a", "b"]);
    assert.deepEqual([...items("scalar")], []);
  });
});

suite("documents", () => {
  test("replacing copies only the path", () => {
    const tree = { a: { b: 1, c: {} }, d: {} };
    const replaced = withPath(tree, ["a", "b"], 2) as typeof tree;
    assert.deepEqual(replaced, { a: { b: 2, c: {} }, d: {} });
    assert.equal(replaced.d, tree.d);
    assert.equal(tree.a.b, 1);
    assert.deepEqual(withPath(1, ["a", "b"], 2), { a: { b: 2 } });
  });

  test("base documents win over rules", () => {
    assert.deepEqual(mergeDocuments({ a: 1, b: { c: 2 } }, { a: 3, b: { d: 4 } }), { a: 1, b: { c: 2, d: 4 } });
    assert.deepEqual(childKeys({ b: 1, a: 2 }, ["a", "c"]), ["a", "b", "c"]);
  });
});

suite("partial objects", () => {
  test("levels and values", () => {
    const object = new PartialObject();
    object.value(["a", "x"], 1, span);
    object.member(["a", "y"], 1, span);
    object.member(["a", "y"], 2, span);
    object.value(["a", "x"], 1, span);
    assert.equal(format(whole(object.finish())), '{"a": {"x": 1, "y": {1, 2}}}');
  });

  test("a conflict is an error of its key and of the whole", () => {
    const object = new PartialObject();
    object.value(["a"], { x: 1 }, span);
    object.value(["a", "y"], 1, span);
    object.value(["b", "y"], 2, span);
    const finished = object.finish();
    assert.deepEqual(keyOf(finished, "b"), { y: 2 });
    assert.throws(() => keyOf(finished, "a"), /object keys must be unique/);
    assert.throws(() => whole(finished), /object keys must be unique/);
  });

  test("a set that is a value is never written to", () => {
    const shared = RegoSet.of([1]);
    const object = new PartialObject();
    object.value(["a"], shared, span);
    object.member(["a"], 2, span);
    assert.equal(format(whole(object.finish())), '{"a": {1, 2}}');
    assert.equal(shared.size, 1);
  });
});
