import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Decimal } from "@portcullis/lang";
import { canonicalJson, sha256 } from "../../src/engine/digest.ts";
import { createEngine } from "../../src/engine/engine.ts";
import type { PolicyFrontend } from "../../src/engine/frontend.ts";
import { type PatchOperation, jsonPatch } from "../../src/engine/patch.ts";
import type { Json } from "../../src/engine/request.ts";
import { fixedFrontend, noCatalog } from "./world.ts";

function object(name: string, spec: Json = {}): Json {
  return { apiVersion: "example.com/v1", kind: "Rule", metadata: { name }, spec };
}

test("SHA-256 of known texts", () => {
  assert.equal(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  assert.equal(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const long = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  assert.equal(sha256(long), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  assert.equal(sha256("ü€😀"), "bec2d3e7c2047c817dc4c8c4e13f7a4801bb0c7f8798e3ac3e2fd65d71cb4993");
});

test("a digest does not depend on the order of objects or keys", () => {
  const engine = createEngine({ frontends: [fixedFrontend({})], catalog: noCatalog });
  const sources = [object("a", { x: 1, y: [1, 2] }), object("b"), object("c")].map((one) => ({
    object: one,
    file: "f",
  }));
  const digest = engine.policySet(sources).digest;
  assert.equal(engine.policySet(sources.toReversed()).digest, digest);
  const reordered = { spec: { y: [1, 2], x: 1 }, metadata: { name: "a" }, kind: "Rule", apiVersion: "example.com/v1" };
  assert.equal(engine.policySet([{ object: reordered, file: "g" }, ...sources.slice(1)]).digest, digest);
  assert.notEqual(engine.policySet(sources.slice(1)).digest, digest);
  assert.equal(canonicalJson({ b: new Decimal("1.0"), a: undefined }), '{"b":1.0}');
});

test("a changed set reads only what changed", () => {
  const reads: string[] = [];
  const frontend: PolicyFrontend = {
    ...fixedFrontend({}),
    read: (one) => {
      const { name } = (one as { metadata: { name: string } }).metadata;
      reads.push(name);
      return { unit: name, diagnostics: [] };
    },
    link: (units) => ({
      policies: [],
      mutations: [],
      status: new Map(),
      effects: [
        {
          kind: "event",
          about: { group: "", version: "", kind: "", namespace: "", name: "" },
          reason: units.join(" "),
          message: "",
        },
      ],
    }),
  };
  const engine = createEngine({ frontends: [frontend], catalog: noCatalog });
  const set = engine.policySet(["a", "b", "c"].map((name) => ({ object: object(name), file: "f" })));
  const ref = { group: "example.com", version: "v1", kind: "Rule", namespace: "", name: "c" };
  const next = set.with(
    [
      { object: object("b", { changed: true }), file: "f" },
      { object: object("d"), file: "f" },
    ],
    [ref],
  );
  assert.deepEqual(reads, ["a", "b", "c", "b", "d"]);
  assert.deepEqual(
    next.effects.map((effect) => (effect.kind === "event" ? effect.reason : "")),
    ["a b d"],
  );
  assert.equal(next.sources.length, 3);
  // Going back gives the first set again.
  const back = next.with(
    [
      { object: object("b"), file: "f" },
      { object: object("c"), file: "f" },
    ],
    [{ ...ref, name: "d" }],
  );
  assert.equal(back.digest, set.digest);
});

test("an object of no dialect and one that is there twice are in the status", () => {
  const frontend = { ...fixedFrontend({}), owns: ({ group }: { readonly group: string }) => group === "example.com" };
  const engine = createEngine({ frontends: [frontend], catalog: noCatalog });
  const set = engine.policySet([
    { object: object("a", 1), file: "one.yaml" },
    { object: object("a", 2), file: "two.yaml" },
    { object: { apiVersion: "v1", kind: "Pod", metadata: { name: "p", namespace: "n" } }, file: "pod.yaml" },
  ]);
  assert.equal(
    set.status.get("Rule//a")?.[0]?.message,
    "defined more than once: in one.yaml and, counting, in two.yaml",
  );
  assert.equal(set.status.get("Pod/n/p")?.[0]?.message, "Pod is no kind of policy");
});

test("applying a patch to the first tree gives the second", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), fc.jsonValue({ maxDepth: 4 }), (from, to) => {
      const patch = jsonPatch({ root: from }, { root: to });
      assert.deepEqual(patch.reduce(applied, structuredClone({ root: from })), { root: to });
    }),
    { numRuns: 300 },
  );
});

function applied(tree: Json, { op, path, value }: PatchOperation): Json {
  const steps = path
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  const last = steps.pop() ?? "";
  let holder = tree as Record<string, Json>;
  for (const step of steps) holder = holder[step] as Record<string, Json>;
  if (Array.isArray(holder)) {
    if (op === "add") holder.push(value);
    else if (op === "remove") holder.splice(Number(last), 1);
    else holder[Number(last)] = value;
  } else if (op === "remove") delete holder[last];
  else Object.defineProperty(holder, last, { value, enumerable: true, writable: true, configurable: true });
  return tree;
}

test("an object that is nested too deeply is refused alone, and the set has a digest all the same", () => {
  let deep: Json = "x";
  for (let level = 0; level < 8000; level++) deep = level % 2 === 0 ? { a: deep } : [deep];
  const read = (one: Json) => ({ unit: JSON.stringify(one), diagnostics: [] });
  const engine = createEngine({ frontends: [{ ...fixedFrontend({}), read }], catalog: noCatalog });
  const sources = [object("deep", deep), object("flat")].map((one) => ({ object: one, file: "f" }));
  const set = engine.policySet(sources);
  const told = [...set.status].map(([key, found]) => `${key}: ${found.map(({ message }) => message).join()}`);
  assert.deepEqual(told, ["Rule//deep: nested too deeply: more than 1000 levels"]);
  assert.match(set.digest, /^[0-9a-f]{64}$/);
  assert.equal(set.with(sources.slice(1), []).digest, set.digest);
});

test("an object whose reading runs out of stack or makes too long a text is no mistake of the engine", () => {
  const deep = (): number => 1 + deep();
  const readers = [deep, () => "x".repeat(2 ** 30), () => assert.fail("a mistake")];
  const told = readers.map((run) => {
    const read = () => ({ unit: run(), diagnostics: [] });
    const engine = createEngine({ frontends: [{ ...fixedFrontend({}), read }], catalog: noCatalog });
    const { status } = engine.policySet([{ object: object("a"), file: "f" }]);
    return [...status.values()].flat().map(({ code, message }) => `${code}: ${message}`);
  });
  assert.deepEqual(told.flat(), [
    "too-large: the policy's calls are nested too deeply",
    "too-large: the policy made too much output",
    "internal-error: this is a mistake of the engine: a mistake",
  ]);
});

test("canonical text is JSON with sorted keys", () => {
  const sorted = (tree: unknown): unknown => {
    if (typeof tree !== "object" || tree === null) return tree;
    if (Array.isArray(tree)) return tree.map(sorted);
    const entries = Object.entries(tree as Record<string, unknown>).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return new Map(entries.map(([key, value]) => [key, sorted(value)]));
  };
  const write = (tree: unknown): string => {
    if (Array.isArray(tree)) return `[${tree.map(write).join(",")}]`;
    if (!(tree instanceof Map)) return JSON.stringify(tree);
    return `{${[...tree].map(([key, value]) => `${JSON.stringify(key)}:${write(value)}`).join(",")}}`;
  };
  fc.assert(fc.property(fc.jsonValue(), (tree) => canonicalJson(tree as Json) === write(sorted(tree))));
});
