// Numbers keep their text and compare by exact value, at a cost that their text bounds.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Decimal, compareNumbers, integerOf, numberOf, numberOfInteger, numberText, parseJson } from "@portcullis/lang";

const numberTexts = fc
  .tuple(
    fc.boolean(),
    fc.stringMatching(/^(?:0|[1-9]\d{0,24})$/),
    fc.option(fc.stringMatching(/^\d{1,20}$/), { nil: null }),
    fc.option(fc.integer({ min: -30, max: 30 }), { nil: null }),
  )
  .map(
    ([negative, whole, fraction, exponent]) =>
      `${negative ? "-" : ""}${whole}${fraction === null ? "" : `.${fraction}`}${exponent === null ? "" : `e${exponent}`}`,
  );

/** The value times 10^60. */
function scaled(text: string): bigint {
  const [, sign, whole = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e(-?\d+))?$/.exec(text) ?? assert.fail(text);
  const value = BigInt(whole + fraction) * 10n ** BigInt(60 + Number(exponent) - fraction.length);
  return sign === "-" ? -value : value;
}

test("numbers compare by exact decimal value", () => {
  fc.assert(
    fc.property(numberTexts, numberTexts, (a, b) => {
      const [x, y] = [scaled(a), scaled(b)];
      assert.equal(compareNumbers(numberOf(a), numberOf(b)), x < y ? -1 : x > y ? 1 : 0);
    }),
  );
});

test("equal values written differently are equal and have one canonical number", () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.nat(5), (value, zeros) => {
      const written = numberOf(`${value}.${"0".repeat(zeros + 1)}`);
      assert.ok(written instanceof Decimal);
      assert.equal(compareNumbers(written, value), 0);
      assert.equal(written.canonical, value);
      assert.equal(integerOf(written), BigInt(value));
    }),
  );
});

test("the text is kept", () => {
  fc.assert(fc.property(numberTexts, (text) => assert.equal(numberText(numberOf(text)), text)));
  assert.equal(
    JSON.stringify({ n: numberOf("1.50"), m: numberOf("9007199254740993") }),
    '{"n":1.50,"m":9007199254740993}',
  );
  assert.equal(numberOf("0.25"), 0.25);
  assert.equal(numberOfInteger(-5n), -5);
  assert.equal(numberText(numberOfInteger(2n ** 70n)), "1180591620717411303424");
});

test("JSON is read without changing a number", () => {
  fc.assert(
    fc.property(fc.array(numberTexts), (texts) => {
      const numbers = parseJson(`{"a": [${texts.join(",")}]}`) as { readonly a: readonly (number | Decimal)[] };
      assert.deepEqual(numbers.a.map(numberText), texts);
    }),
  );
});

test("hostile exponents and lengths are compared and never written out", () => {
  const far = "9".repeat(400);
  const ascending = [
    `-1e${far}`,
    "-1e999999999",
    "-1e999999998",
    "-1",
    `-1e-${far}`,
    "0e999999999",
    "1e-999999999",
    "1e-400",
    "1",
    "1e999999998",
    "1e999999999",
    "1.1e999999999",
  ];
  for (let at = 1; at < ascending.length; at++) {
    assert.equal(compareNumbers(numberOf(ascending[at - 1] ?? ""), numberOf(ascending[at] ?? "")), -1, ascending[at]);
  }
  assert.equal(compareNumbers(numberOf("10e999999998"), numberOf("1e999999999")), 0);
  assert.equal(integerOf(numberOf("1e999999999")), null);
  const long = numberOf(`1${"0".repeat(500_000)}1`);
  assert.equal(compareNumbers(long, numberOf(`1${"0".repeat(500_000)}2`)), -1);
  assert.equal(integerOf(long), null);
});
