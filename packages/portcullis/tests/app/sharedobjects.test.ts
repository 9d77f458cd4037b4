// The objects that evaluators share: whatever is put in and taken out, every thread sees what is there, in the shape of
// `data.inventory`, and nothing is kept that is garbage.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { inventoryNeed, inventoryOf, namespaceNeed } from "@portcullis/policy";
import { type ObjectShare, type SharedKey, createObjectShare } from "../../src/app/objectshare.ts";
import { type ObjectStore, createObjectStore } from "../../src/app/objectstore.ts";

interface Put {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  /** Null takes it away. */
  readonly size: number | null;
  readonly isTold: boolean;
}

const puts: fc.Arbitrary<readonly Put[]> = fc.array(
  fc.record({
    namespace: fc.constantFrom("", "a", "b"),
    kind: fc.constantFrom("Pod", "ConfigMap"),
    name: fc.constantFrom("x", "y", "__proto__", "z"),
    size: fc.option(fc.constantFrom(1, 1000, 300_000, 700_000), { nil: null }),
    isTold: fc.boolean(),
  }),
  { maxLength: 40 },
);

function keyOf({ namespace, kind, name }: Pick<Put, "namespace" | "kind" | "name">): SharedKey {
  return { shelf: "inventory", apiVersion: "v1", kind, namespace, name };
}

function objectOf({ namespace, kind, name, size }: Put, at: number): object {
  const metadata = namespace === "" ? { name } : { name, namespace };
  return { apiVersion: "v1", kind, metadata, at, text: "ä".repeat(size ?? 0) };
}

/** As plain data: names of an object come from users, so it has no prototype. */
function plain(store: ObjectStore): unknown {
  const answer = store.answer(inventoryNeed);
  assert.ok(answer !== null && "value" in answer);
  return JSON.parse(JSON.stringify(answer.value));
}

function tell(share: ObjectShare, store: ObjectStore): void {
  const change = share.take();
  if (change !== null) store.apply(structuredClone(change));
}

test("threads see what was put in, those that start late too", () => {
  fc.assert(
    fc.property(puts, (all) => {
      const share = createObjectShare();
      const store = createObjectStore();
      const expected = new Map<string, object>();
      all.forEach((put, at) => {
        const key = keyOf(put);
        const id = JSON.stringify(key);
        if (put.size === null) {
          share.remove(key);
          expected.delete(id);
        } else {
          share.set(key, objectOf(put, at));
          expected.set(id, objectOf(put, at));
        }
        if (put.isTold) tell(share, store);
        // What is looked at in between is remembered, and must not be remembered too long.
        if (put.isTold) plain(store);
      });
      tell(share, store);
      const late = createObjectStore();
      late.apply(structuredClone(share.all()));
      const wanted: unknown = JSON.parse(JSON.stringify(inventoryOf([...expected.values()])));
      assert.deepEqual(plain(store), wanted);
      assert.deepEqual(plain(late), wanted);
      assert.equal(share.size, expected.size);
    }),
    { numRuns: 60 },
  );
});

test("a branch that did not change is the same object, one that did is another", () => {
  const share = createObjectShare();
  const store = createObjectStore();
  const pod = { namespace: "a", kind: "Pod", name: "x", size: 1, isTold: true };
  share.set(keyOf(pod), objectOf(pod, 0));
  share.set(keyOf({ ...pod, namespace: "b" }), objectOf(pod, 0));
  tell(share, store);
  const spaces = (): Readonly<Record<string, unknown>> => {
    const answer = store.answer(inventoryNeed) as { readonly value: { readonly namespace: Record<string, unknown> } };
    return answer.value.namespace;
  };
  const before = spaces();
  assert.equal(before["a"], spaces()["a"]);
  share.set(keyOf({ ...pod, namespace: "b", name: "y" }), objectOf(pod, 1));
  tell(share, store);
  assert.equal(before["a"], spaces()["a"]);
  assert.notEqual(before["b"], spaces()["b"]);
});

test("Namespaces are known apart from the inventory, and what is not known is nobody's answer", () => {
  const share = createObjectShare();
  const store = createObjectStore();
  const key: SharedKey = { shelf: "namespaces", apiVersion: "v1", kind: "Namespace", namespace: "", name: "a" };
  const object = { apiVersion: "v1", kind: "Namespace", metadata: { name: "a", labels: { env: "prod" } } };
  share.set(key, object);
  tell(share, store);
  assert.deepEqual(store.answer(namespaceNeed("a")), { value: object });
  assert.equal(store.answer(namespaceNeed("b")), null);
  assert.deepEqual(plain(store), {});
  share.remove(key);
  tell(share, store);
  assert.equal(store.answer(namespaceNeed("a")), null);
});

test("memory of objects that changed often is given back", () => {
  const share = createObjectShare();
  const pod = { namespace: "a", kind: "Pod", name: "x", size: 50_000, isTold: true };
  const other = { ...pod, name: "y" };
  share.set(keyOf(other), objectOf(other, 0));
  for (let at = 0; at < 500; at++) {
    share.set(keyOf(pod), objectOf(pod, at));
    share.take();
  }
  const held = share.all().chunks.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  assert.ok(held <= 3 * 1024 * 1024, `${held} bytes are held for two objects`);
});
