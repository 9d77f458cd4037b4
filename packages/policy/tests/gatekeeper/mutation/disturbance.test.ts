// Trying only those again that were disturbed comes to the same as trying all in every pass: objects, what applied in which
// pass, and errors. Mutators are made at random from few words, so that they meet often.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Json } from "../../../src/engine/request.ts";
import { MutationError } from "../../../src/gatekeeper/mutation/change.ts";
import { findConflicts } from "../../../src/gatekeeper/mutation/conflicts.ts";
import { type Mutator, readMutator } from "../../../src/gatekeeper/mutation/read.ts";
import { mutationSystem } from "../../../src/gatekeeper/mutation/system.ts";

type Tree = Record<string, unknown>;

// Mostly places that fit together: lists of elements at l, objects at a, sets at s, texts at b; now and then any path.
const anyPath = fc.array(fc.constantFrom("a", "b", "l[name: x]", "l[name: *]"), { minLength: 1, maxLength: 3 });
const way = fc.constantFrom(
  [],
  ["a"],
  ["l[name: x]"],
  ["l[name: y]"],
  ["l[name: *]"],
  ["a", "l[name: *]"],
  ["l[name: *]", "a"],
);
const to = (last: string) =>
  fc.oneof({ weight: 9, arbitrary: way.map((steps) => [...steps, last]) }, { weight: 1, arbitrary: anyPath });
const text = fc.constantFrom("x", "y", "example.com/x:1");
const value = fc.oneof(text, fc.constant({ b: "x" }), fc.constant([{ name: "x" }]));
const values = fc.array(text, { minLength: 1, maxLength: 2 });
const tests = fc.array(
  fc.record({ depth: fc.constantFrom(1, 1, 2, 3), condition: fc.constantFrom("MustExist", "MustNotExist") }),
  { maxLength: 1 },
);
const selector = fc.constantFrom(undefined, { matchLabels: { a: "x" } }, { matchLabels: { b: "x" } });

const mutator = fc.oneof(
  fc.record({ kind: fc.constant("Assign"), path: to("b"), tests, selector, assign: text }),
  fc.record({ kind: fc.constant("Assign"), path: anyPath, tests, selector, assign: value }),
  fc.record({
    kind: fc.constant("Assign"),
    path: fc.constant(["l[name: x]"]),
    tests,
    selector,
    assign: fc.constantFrom({ name: "x" }, { name: "x", s: ["x"] }),
  }),
  fc.record({ kind: fc.constant("AssignMetadata"), path: fc.constantFrom(["a"], ["b"]), selector, assign: text }),
  fc.record({
    kind: fc.constant("ModifySet"),
    path: to("s"),
    tests,
    selector,
    operation: fc.constantFrom("merge", "prune"),
    values,
  }),
  fc.record({
    kind: fc.constant("AssignImage"),
    path: to("i"),
    tests,
    selector,
    assignDomain: fc.constantFrom("", "example.com"),
    assignPath: fc.constantFrom("x", "y/x"),
  }),
);

interface Picked {
  readonly kind: string;
  readonly path: readonly string[];
  readonly tests?: readonly { readonly depth: number; readonly condition: string }[];
  readonly selector: Tree | undefined;
  readonly assign?: unknown;
  readonly operation?: string;
  readonly values?: readonly unknown[];
  readonly assignDomain?: string;
  readonly assignPath?: string;
}

function objectOf(picked: Picked, at: number): Json {
  const { kind, tests: tested = [], assign, operation, values: fromList, assignDomain, assignPath } = picked;
  const isMetadata = kind === "AssignMetadata";
  const whole = isMetadata ? ["metadata", "labels", ...picked.path] : ["spec", ...picked.path];
  const parameters = {
    ...(assign !== undefined && { assign: { value: assign } }),
    ...(operation !== undefined && { operation, values: { fromList } }),
    ...(assignPath !== undefined && { assignDomain, assignPath }),
    ...(tested.length > 0 && {
      pathTests: tested.map(({ depth, condition }) => ({ subPath: whole.slice(0, depth + 1).join("."), condition })),
    }),
  };
  const version = kind === "AssignImage" ? "v1alpha1" : "v1";
  return {
    apiVersion: `mutations.gatekeeper.sh/${version}`,
    kind,
    metadata: { name: `m${at}` },
    spec: {
      ...(!isMetadata && { applyTo: [{ groups: [""], versions: ["v1"], kinds: ["Thing"] }] }),
      match: picked.selector === undefined ? {} : { labelSelector: picked.selector },
      location: whole.join("."),
      parameters,
    },
  };
}

function mutatorsOf(picked: readonly Picked[]): readonly Mutator[] {
  const mutators = picked.flatMap((one, at) => {
    const { unit } = readMutator(objectOf(one, at), { file: "" }, { externalData: false });
    const found = unit?.build("cluster").mutator ?? null;
    return found === null ? [] : [found];
  });
  const { disabled } = findConflicts(mutators);
  return mutators.filter((one) => !disabled.has(one)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

const leaves = { b: text, s: fc.array(text, { maxLength: 3 }), i: text };
const element = fc.record(
  { name: fc.constantFrom("x", "y", "z"), ...leaves, a: fc.record(leaves, { requiredKeys: [] }) },
  { requiredKeys: ["name"] },
);
const list = fc.array(element, { maxLength: 3 });
const spec = fc.record(
  { ...leaves, a: fc.oneof(value, fc.record({ ...leaves, l: list }, { requiredKeys: [] })), l: list },
  { requiredKeys: [] },
);
const thing = fc.record({
  apiVersion: fc.constant("v1"),
  kind: fc.constant("Thing"),
  metadata: fc.record({ name: fc.constant("n"), labels: fc.constantFrom({}, { a: "x" }, { b: "x" }, { a: "y" }) }),
  spec,
});

function outcomeOf(mutators: readonly Mutator[], object: Json, compares: boolean): Json {
  const mutable = {
    object,
    operation: "CREATE",
    namespace: "",
    namespaceObject: () => null,
    username: "",
    source: "Original",
    numbers: "unstructured",
  } as const;
  let tried = 0;
  try {
    const mutated = mutationSystem(mutators, mutators.length, compares).mutate(
      mutable,
      () => "uuid",
      () => tried++,
    );
    const names = (ones: readonly Mutator[]): readonly string[] => ones.map(({ id }) => id);
    return { object: mutated.object, applied: names(mutated.applied), passes: mutated.passes.map(names), tried };
  } catch (error) {
    if (error instanceof MutationError) return { error: error.message, tried };
    throw error;
  }
}

test("what was not disturbed need not be tried again", () => {
  const sums = { all: 0, some: 0, changed: 0, again: 0, failed: 0 };
  fc.assert(
    fc.property(fc.array(mutator, { minLength: 2, maxLength: 7 }), thing, (picked, object) => {
      const mutators = mutatorsOf(picked);
      const before = JSON.stringify(object);
      const { tried: all, ...whole } = outcomeOf(mutators, object, false) as { tried: number };
      const { tried: some, ...short } = outcomeOf(mutators, object, true) as { tried: number };
      assert.equal(JSON.stringify(short), JSON.stringify(whole));
      assert.equal(JSON.stringify(object), before);
      const { passes = [] } = whole as { passes?: readonly unknown[] };
      sums.all += all;
      sums.some += some;
      if (passes.length > 0) sums.changed++;
      if (passes.length > 1) sums.again++;
      if ("error" in whole) sums.failed++;
    }),
    { numRuns: 2000 },
  );
  assert.ok(sums.some < sums.all * 0.95, `${sums.some} of ${sums.all} tries`);
  assert.ok(sums.changed > 300 && sums.again > 20 && sums.failed > 30, JSON.stringify(sums));
});
