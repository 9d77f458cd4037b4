// Mutators that would make an object of many gigabytes, or would be at it for hours: each is stopped by its budget, which
// refuses the request, and no location is so deep that it takes the other mutators with it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Budget } from "@portcullis/lang";
import { builtinCatalog } from "@portcullis/kube";
import { createEngine } from "../../../src/engine/engine.ts";
import type { Decision } from "../../../src/engine/outcome.ts";
import type { Json } from "../../../src/engine/request.ts";
import { gatekeeperFrontend } from "../../../src/gatekeeper/frontend.ts";
import { admission } from "../../kyverno/decide.ts";
import { worldWith } from "../../engine/world.ts";

function mutator(kind: string, name: string, spec: Json): Json {
  const applyTo = [{ groups: [""], versions: ["v1"], kinds: ["Pod"] }];
  const apiVersion = "mutations.gatekeeper.sh/v1";
  return { apiVersion, kind, metadata: { name }, spec: { applyTo, ...(spec as object) } };
}

const good = mutator("Assign", "good", { location: "spec.good", parameters: { assign: { value: true } } });

const deadlineMs = 1000;

function mutated(spec: Json, mutators: readonly Json[]) {
  const load = (): never => assert.fail("there is no template");
  const engine = createEngine({ frontends: [gatekeeperFrontend({ load })], catalog: builtinCatalog(), share: 1 });
  const set = engine.policySet([...mutators, good].map((object) => ({ object, file: "f" })));
  const budget = new Budget({ deadlineMs: performance.now() + deadlineMs }, () => performance.now());
  const object = { apiVersion: "v1", kind: "Pod", metadata: { name: "web", namespace: "shop" }, spec };
  const { outcomes, patch } = set.evaluate(admission(object), worldWith(), budget) as Decision;
  const told = [...set.status.values()].flat().map(({ message }) => message);
  return { errors: outcomes.filter(({ result }) => result === "error").map(({ message }) => message), patch, told };
}

const list = (count: number): readonly Json[] => Array.from({ length: count }, (_, at) => ({ name: `n${at}`, at }));

test("a large value for each of many elements", () => {
  for (const value of ["a".repeat(1_000_000), list(10_000)]) {
    const assign = mutator("Assign", "a", { location: "spec.l[name:*].v", parameters: { assign: { value } } });
    assert.deepEqual(mutated({ l: list(50_000) }, [assign]).errors, ["the policy made too much output"]);
  }
  const values = { operation: "merge", values: { fromList: list(10_000) } };
  const merge = mutator("ModifySet", "m", { location: "spec.l[name:*].v", parameters: values });
  assert.deepEqual(mutated({ l: list(50_000) }, [merge]).errors, ["the policy made too much output"]);
});

test("a set of many values, each compared with each of many elements", () => {
  const others = Array.from({ length: 50_000 }, (_, at) => ({ name: `o${at}`, at }));
  for (const operation of ["merge", "prune"]) {
    const parameters = { operation, values: { fromList: list(50_000) } };
    const { errors } = mutated({ set: others }, [mutator("ModifySet", "m", { location: "spec.set", parameters })]);
    assert.deepEqual(errors, ["the policy did not end before its deadline"], operation);
  }
});

test("a location of very many steps is refused alone", () => {
  for (const steps of [1500, 5000, 50_000]) {
    const location = `spec${".a".repeat(steps)}`;
    const deep = mutator("Assign", "deep", { location, parameters: { assign: { value: 1 } } });
    const { patch, told } = mutated({}, [deep]);
    assert.equal(told.length, 1);
    assert.match(told[0] ?? "", /a location of more than 1000 steps/);
    assert.deepEqual(patch, [{ op: "add", path: "/spec/good", value: true }]);
  }
});
