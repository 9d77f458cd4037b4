// What must hold for every case of the corpus, and for mutators and objects put together at random.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalJson } from "../../../src/engine/digest.ts";
import type { Decision } from "../../../src/engine/outcome.ts";
import type { PatchOperation } from "../../../src/engine/patch.ts";
import type { Json } from "../../../src/engine/request.ts";
import { type MutationCase, mutateCase, mutationCases, setOf } from "./corpus.ts";

const cases = mutationCases().filter((one) => one.object !== undefined);

function errorOf({ outcomes }: Decision): string | null {
  return outcomes.find(({ result }) => result === "error")?.message ?? null;
}

type Tree = Record<string, Json> | Json[];

/** RFC 6902 as far as `jsonPatch` uses it; the tree is changed. */
function applied(document: Json, operations: readonly PatchOperation[]): Json {
  const holder: Record<string, Json> = { root: structuredClone(document) };
  for (const { op, path, value } of operations) {
    const keys = [
      "root",
      ...path
        .split("/")
        .slice(1)
        .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~")),
    ];
    const last = keys.pop() ?? "";
    let parent: Tree = holder;
    for (const key of keys) parent = (parent as Record<string, Json>)[key] as Tree;
    if (Array.isArray(parent)) {
      if (op === "add") parent.splice(last === "-" ? parent.length : Number(last), 0, value);
      else if (op === "remove") parent.splice(Number(last), 1);
      else parent[Number(last)] = value;
    } else if (op === "remove") delete parent[last];
    else Object.defineProperty(parent, last, { value, writable: true, enumerable: true, configurable: true });
  }
  return holder["root"];
}

function check(one: MutationCase): void {
  const before = canonicalJson(one.object);
  const set = setOf(one, "gator");
  const decision = mutateCase(one, set);
  assert.equal(canonicalJson(one.object), before, "the object itself is not changed");
  const reordered = mutateCase(one, setOf(one, "gator", one.mutators.toReversed()));
  assert.equal(errorOf(reordered), errorOf(decision), "the order of files changes no error");
  if (errorOf(decision) !== null) return;
  assert.equal(canonicalJson(reordered.object), canonicalJson(decision.object), "the order of files changes nothing");
  const patched = applied(one.object, decision.patch as readonly PatchOperation[]);
  assert.equal(canonicalJson(patched), canonicalJson(decision.object), "the patch makes the mutated object");
  // A provider may say something else about what it said before.
  if (one.providers !== undefined) return;
  const again = mutateCase(one, set, decision.object);
  assert.equal(errorOf(again), null);
  assert.equal(canonicalJson(again.object), canonicalJson(decision.object), "mutating again changes nothing");
}

test("every case of the corpus: mutating again, the order of files, and the patch", () => {
  for (const one of cases) check(one);
});

test("cases whose mutators satisfy their schema are answered alike as in a cluster", () => {
  let compared = 0;
  for (const one of cases) {
    const set = setOf(one, "cluster");
    const isStrict = [...set.status.values()].flat().some(({ code }) => code === "mutator-schema");
    if (isStrict || one.operation === "DELETE" || one.operation === "CONNECT") continue;
    const decision = mutateCase(one, set);
    const asGator = mutateCase(one, setOf(one, "gator"));
    assert.equal(errorOf(decision), errorOf(asGator), one.name);
    assert.equal(canonicalJson(decision.object), canonicalJson(asGator.object), one.name);
    compared++;
  }
  assert.ok(compared > 800);
});

const mutators = cases.flatMap((one) => one.mutators);

test("mutators and objects put together at random", () => {
  const mixed = fc.record({
    mutators: fc.array(fc.constantFrom(...mutators), { minLength: 1, maxLength: 8 }),
    object: fc.constantFrom(...cases.map(({ object }) => object)),
  });
  fc.assert(
    fc.property(mixed, (picked) => {
      const named = picked.mutators.map((mutator, at) => renamed(mutator, `m${at}`));
      check({ file: "", name: "", want: {}, ...picked, mutators: named });
    }),
    { numRuns: 300 },
  );
});

function renamed(mutator: Json, name: string): Json {
  return { ...(mutator as object), metadata: { name } };
}
