// Laws of equality, order and arithmetic, over values of all types.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Budget } from "@portcullis/lang";
import fc from "fast-check";
import { CelError, CelMap, Duration, Timestamp, Uint, type Value, doubleOf, intOf } from "../../src/index.ts";
import * as math from "../../src/runtime/arithmetic.ts";
import { compare } from "../../src/runtime/compare.ts";
import { equals } from "../../src/runtime/equality.ts";
import { matchesType, typeOfValue } from "../../src/runtime/valuetype.ts";

const budget = new Budget({}, () => 0);

const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -10n, max: 10n }),
  fc.constantFrom(2n ** 53n, 2n ** 53n - 1n, -(2n ** 53n), -(2n ** 63n), 2n ** 63n - 1n),
);

const scalar: fc.Arbitrary<Value> = fc.oneof(
  int64.map(intOf),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => new Uint(value)),
  fc.double().map(doubleOf),
  fc.integer({ min: -5, max: 5 }).map((value) => doubleOf(value)),
  fc.string({ unit: "grapheme", maxLength: 4 }),
  fc.boolean(),
  fc.constant(null),
  fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }).map((value) => new Timestamp(value)),
  fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }).map((value) => new Duration(value)),
  fc.uint8Array({ maxLength: 3 }),
);

const value: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalar,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.string({ maxLength: 2 }), tie("value"), { maxKeys: 3 }),
    fc.array(fc.tuple(fc.string({ maxLength: 2 }), tie("value")), { maxLength: 3 }).map((entries) => {
      const map = new CelMap();
      for (const [key, element] of entries) map.set(key, element);
      return map;
    }),
  ),
})).value;

test("equality has two sides, and a value equals its copy unless there is NaN in it", () => {
  fc.assert(
    fc.property(value, value, (a, b) => {
      assert.equal(equals(a, b, budget), equals(b, a, budget));
    }),
  );
});

test("a tree equals the map that holds the same", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ maxLength: 2 }), int64.map(intOf)), (tree) => {
      const map = new CelMap();
      for (const key of Object.keys(tree).toReversed()) map.set(key, tree[key] as Value);
      assert.ok(equals(tree, map, budget) && equals(map, tree, budget));
    }),
  );
});

test("an order is the other way round from the other side, and equal values have none", () => {
  fc.assert(
    fc.property(scalar, scalar, (a, b) => {
      const [order, reverse] = [compare(a, b), compare(b, a)];
      if (order instanceof CelError || reverse instanceof CelError) return;
      assert.equal(order + reverse, 0);
      assert.equal(order === 0, equals(a, b, budget));
    }),
  );
});

test("ints are computed exactly, or overflow", () => {
  const operations = [
    [math.addInts, (a: bigint, b: bigint) => a + b],
    [math.subtractInts, (a: bigint, b: bigint) => a - b],
    [math.multiplyInts, (a: bigint, b: bigint) => a * b],
    [math.divideInts, (a: bigint, b: bigint) => a / b],
    [math.moduloInts, (a: bigint, b: bigint) => a % b],
  ] as const;
  fc.assert(
    fc.property(int64, int64, fc.constantFrom(...operations), (a, b, [ours, exact]) => {
      const result = ours(intOf(a) as math.Int, intOf(b) as math.Int);
      if (b === 0n && exact(1n, 1n) !== 2n && (ours === math.divideInts || ours === math.moduloInts)) {
        return assert.ok(result instanceof CelError);
      }
      const expected = exact(a, b);
      if (ours === math.moduloInts && a === -(2n ** 63n) && b === -1n) return assert.ok(result instanceof CelError);
      return math.isInt64(expected) ? assert.deepEqual(result, intOf(expected)) : assert.ok(result instanceof CelError);
    }),
    { numRuns: 2000 },
  );
});

test("a value is of its own type", () => {
  fc.assert(
    fc.property(value, (one) => {
      assert.ok(matchesType(typeOfValue(one), one));
    }),
  );
});
