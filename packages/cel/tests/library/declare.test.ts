// Signatures are read as they are printed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { global, method, readType } from "../../src/library/declare.ts";
import * as types from "../../src/types.ts";

test("a global function keeps its whole name", () => {
  const { function: name, member, parameters, result } = global("lists.range(int) -> list(int)", "id", () => null);
  assert.deepEqual([name, member], ["lists.range", false]);
  assert.deepEqual([parameters, result], [[types.int], types.listOf(types.int)]);
});

test("a method's receiver is its first parameter", () => {
  const overload = method("list(list(<T>)).flatten() -> list(<T>)", "id", () => null);
  assert.equal(overload.function, "flatten");
  assert.deepEqual(overload.parameters, [types.listOf(types.listOf(types.parameter("T")))]);
});

test("a receiver's type may have dots, and parameters", () => {
  const overload = method("optional_type(map(<K>, <V>)).f(net.IP, dyn) -> google.protobuf.Duration", "id", () => null);
  const receiver = types.optionalOf(types.mapOf(types.parameter("K"), types.parameter("V")));
  assert.deepEqual(overload.parameters, [receiver, types.opaque("net.IP"), types.dyn]);
  assert.deepEqual(overload.result, types.duration);
});

test("types of types", () => {
  assert.deepEqual(readType("type(<A>)"), types.typeOf(types.parameter("A")));
  assert.deepEqual(readType("null_type"), types.nullType);
});
