// Go's floats and formatting, held to recorded answers.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import {
  type BigFloat,
  GoFloat,
  type Operand,
  addFloats,
  bigFloatText,
  compileFormat,
  divideFloats,
  formatFloat,
  multiplyFloats,
  parseBigFloat,
  parseFloatText,
  sprintf,
  subtractFloats,
} from "@portcullis/lang/go";

function linesOf(file: string): readonly string[] {
  const text = readFileSync(join(import.meta.dirname, file), "utf8");
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

function float(text: string): BigFloat {
  return parseBigFloat(text) ?? assert.fail(`not a number: ${text}`);
}

/** Operands as the file writes them: JSON strings and numbers, `[…]` and `true` as Rego text. */
function operandsOf(text: string): readonly Operand[] {
  const operand = /"(?:[^"\\]|\\.)*"|\[[^\]]*\]|[^,\s]+/g;
  return Array.from(text.matchAll(operand), ([word]) => {
    if (word.startsWith('"')) return JSON.parse(word) as string;
    if (/^-?\d+$/.test(word)) return BigInt(word);
    if (/^-?\d/.test(word)) return new GoFloat(Number(word));
    return word.replace(",", ", ");
  });
}

test("big floats compute and print as Go's", () => {
  const operations = { "+": addFloats, "-": subtractFloats, "*": multiplyFloats, "/": divideFloats };
  for (const line of linesOf("bigfloat.txt")) {
    const [left = "", sign = "+", right = "", , want = ""] = line.split(" ");
    const result = operations[sign as keyof typeof operations](float(left), float(right));
    assert.equal(bigFloatText(result), want, line);
  }
});

test("a big float's text reads back as the same float", () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.integer({ min: -200, max: 200 }),
      (digits, exponent) => {
        const value = float(`${digits}e${exponent}`);
        const text = bigFloatText(value);
        assert.equal(bigFloatText(float(text)), text);
      },
    ),
  );
});

test("sprintf answers as Go's", () => {
  const lines = linesOf("sprintf.txt");
  for (let at = 0; at < lines.length; at += 2) {
    const line = lines[at] ?? "";
    const [quoted = '""'] = /^"(?:[^"\\]|\\.)*"/.exec(line) ?? [];
    const operands = operandsOf(line.slice(quoted.length));
    assert.equal(sprintf(JSON.parse(quoted) as string, operands), JSON.parse(lines[at + 1] ?? ""), line);
  }
});

test("a number is the same operand whether it comes as a number or as a bigint", () => {
  const formats = fc.constantFrom("%d", "%v", "%5d", "%-5d|", "%05d", "%x", "%#o", "%+d", "%c", "%q", "%U", "%s", "%t");
  fc.assert(
    fc.property(formats, fc.maxSafeInteger(), (format, value) => {
      assert.equal(sprintf(format, [value]), sprintf(format, [BigInt(value)]));
    }),
  );
});

test("padding is announced before it is made", () => {
  const charged: number[] = [];
  const format = compileFormat("%999999d%999999s");
  format([1, "a"], (characters) => charged.push(characters));
  assert.ok(charged.reduce((sum, characters) => sum + characters, 0) >= 2 * 999_999);
  assert.throws(
    () =>
      format([1, "a"], (characters) => {
        if (characters > 100_000) throw new Error("stopped");
      }),
    /stopped/,
  );
});

test("doubles print in Go's formats", () => {
  const cases: readonly (readonly [number, Parameters<typeof formatFloat>[1], number | null, string])[] = [
    [1e21, "g", null, "1e+21"],
    [100, "g", null, "100"],
    [1e6, "g", null, "1e+06"],
    [2.5, "f", 0, "2"],
    [3.5, "f", 0, "4"],
    [0.000012345, "e", 2, "1.23e-05"],
    [5e-324, "f", null, `0.${"0".repeat(323)}5`],
    [1, "x", null, "0x1p+00"],
    [-0.1, "x", 3, "-0x1.99ap-04"],
    [1, "b", null, "4503599627370496p-52"],
  ];
  for (const [value, verb, precision, want] of cases) assert.equal(formatFloat(value, verb, precision), want);
});

test("floats are read with Go's syntax and written as JSON", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["1_000", "1000"],
    ["+007.50", "7.50"],
    [".5", "0.5"],
    ["5.", "5"],
    ["-.5E+3", "-0.5E+3"],
    ["0x1p4", "16"],
    ["0x.8p-1", "0.25"],
    ["0x1_0p1", "32"],
    ["1e-400", "1e-400"],
  ];
  for (const [text, want] of cases) assert.deepEqual(parseFloatText(text), { text: want });
  for (const text of ["", "1__0", "_1", "0x10", " 5", "1e", "0b1", "inf", "."]) {
    assert.deepEqual(parseFloatText(text), { error: "invalid syntax" }, text);
  }
  assert.deepEqual(parseFloatText("1e400"), { error: "value out of range" });
});
