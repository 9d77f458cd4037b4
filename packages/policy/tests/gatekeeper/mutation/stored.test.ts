// Mutators as an API server takes them: what it makes of them before it stores them, and what it refuses in its words.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../../../src/engine/request.ts";
import { setOf } from "./corpus.ts";

function problemsOf(spec: Json, more: Readonly<Record<string, Json>> = {}): readonly string[] {
  const mutator = {
    apiVersion: "mutations.gatekeeper.sh/v1",
    kind: "AssignMetadata",
    metadata: { name: "a" },
    spec,
    ...more,
  };
  const { status } = setOf({ file: "", name: "", mutators: [mutator], want: {} }, "cluster");
  return [...status.values()].flat().map(({ message }) => message);
}

const parameters = { assign: { value: "x" } };
const location = "metadata.labels.team";

test("nulls that the schema does not allow are dropped", () => {
  assert.deepEqual(problemsOf({ location, parameters, match: null }), []);
  assert.deepEqual(problemsOf({ location, parameters, match: { kinds: null, name: null } }), []);
  assert.deepEqual(problemsOf({ location: null, parameters }), ["invalid location for assignmetadata a: "]);
});

test("integers are called integers", () => {
  assert.deepEqual(problemsOf({ location: 5, parameters }), [
    "invalid location for assignmetadata a: ",
    'spec.location: Invalid value: "integer": spec.location in body must be of type string: "integer"',
  ]);
});

test("a long name is refused by the schema of the newest version, and by Gatekeeper in the others", () => {
  const metadata = { name: "n".repeat(64) };
  const own = "maximum name length is 63 characters";
  assert.deepEqual(problemsOf({ location, parameters }, { metadata }), [
    own,
    "metadata.name: Too long: may not be more than 63 bytes",
  ]);
  const apiVersion = "mutations.gatekeeper.sh/v1beta1";
  assert.deepEqual(problemsOf({ location, parameters }, { metadata, apiVersion }), [own]);
});
