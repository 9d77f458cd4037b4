// Quantities with units. `units.parse` is exact (fractions of decimals); `units.parse_bytes` goes through a 64-bit float
// and drops what is less than a byte. OPA: v1/topdown/parse_units.go, parse_bytes.go.

import { numberOf, numberOfInteger } from "@portcullis/lang";
import { bigFloatOf, multiplyFloats, parseBigFloat, toLower, truncateFloat } from "@portcullis/lang/go";
import type { Value } from "../runtime/value.ts";
import { t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError } from "./builtin.ts";
import { chargeDigits } from "./numbers.ts";

const letters = ["k", "m", "g", "t", "p", "e"];

/** Powers of 1000 and, with an `i`, of 1024, by letter in lower case. */
const factors: ReadonlyMap<string, bigint> = new Map([
  ["", 1n] as const,
  ...letters.map((letter, at) => [letter, 1000n ** BigInt(at + 1)] as const),
  ...letters.map((letter, at) => [`${letter}i`, 1024n ** BigInt(at + 1)] as const),
]);

/** The value of `0.001` as a double, which OPA multiplies milli-units by. */
const milli = { numerator: 1152921504606847n, denominator: 2n ** 60n };

function parseBytes(call: BuiltinCall, quantity: Value): Value | undefined {
  if (typeof quantity !== "string") return operandError(call, 1, quantity, "string");
  const split = splitQuantity(call, "units.parse_bytes", toLower(quantity).replaceAll('"', ""));
  if (split === undefined) return undefined;
  const { number, unit } = split;
  if (number === "") return call.fail("units.parse_bytes: no byte amount provided");
  const factor = factors.get(unit.endsWith("b") && unit !== "b" ? unit.slice(0, -1) : unit);
  if (factor === undefined) return call.fail(`units.parse_bytes: byte unit ${unit} not recognized`);
  const float = parseBigFloat(number);
  if (float === null) return call.fail("units.parse_bytes: could not parse byte amount to a number");
  return numberOfInteger(truncateFloat(multiplyFloats(float, bigFloatOf(factor))));
}

function parse(call: BuiltinCall, quantity: Value): Value | undefined {
  if (typeof quantity !== "string") return operandError(call, 1, quantity, "string");
  const split = splitQuantity(call, "units.parse", quantity.replaceAll('"', ""));
  if (split === undefined) return undefined;
  const { number } = split;
  if (number === "") return call.fail("units.parse: no amount provided");
  // Only `m` and `M` differ by case.
  const unit = split.unit.slice(0, 1) + toLower(split.unit.slice(1));
  const factor = unit === "m" ? 1n : factors.get(unit.toLowerCase());
  if (factor === undefined) return call.fail(`units.parse: unit ${unit} not recognized`);
  const exact = fractionOf(number);
  if (exact === null) return call.fail("units.parse: could not parse amount to a number");
  const numerator = exact.numerator * (unit === "m" ? milli.numerator : factor);
  return quotient(numerator, exact.denominator * (unit === "m" ? milli.denominator : 1n));
}

interface Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** Go: big.Rat SetString. */
function fractionOf(text: string): Fraction | null {
  const match = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return null;
  const [, sign, whole = "", behind, alone = "", exponentText = "0"] = match;
  const fraction = behind ?? alone;
  const digits = BigInt(whole + fraction);
  const exponent = Number(exponentText) - fraction.length;
  const signed = sign === "-" ? -digits : digits;
  if (exponent >= 0) return { numerator: signed * 10n ** BigInt(exponent), denominator: 1n };
  return { numerator: signed, denominator: 10n ** BigInt(-exponent) };
}

/** An integer, or ten decimals rounded away from zero at half. Go: big.Rat FloatString. */
function quotient(numerator: bigint, denominator: bigint): Value {
  if (numerator % denominator === 0n) return numberOfInteger(numerator / denominator);
  const magnitude = numerator < 0n ? -numerator : numerator;
  const scale = 10n ** 10n;
  const scaled = (magnitude * scale * 2n + denominator) / (denominator * 2n);
  const fraction = String(scaled % scale).padStart(10, "0");
  return numberOf(`${numerator < 0n ? "-" : ""}${scaled / scale}.${fraction}`);
}

/** An exponent of more digits is refused before anything is multiplied. OPA: maxExponentDigits. */
const exponentDigitsMax = 6;

interface Quantity {
  readonly number: string;
  readonly unit: string;
}

/**
 * The number runs over digits, points, signs and exponents; the unit begins at the first other character, or at an `e` that
 * starts no exponent. OPA: extractNumAndUnit.
 */
function splitQuantity(call: BuiltinCall, name: string, text: string): Quantity | undefined {
  call.budget.step(text.length);
  if (text.includes(" ")) return call.fail(`${name}: spaces not allowed in resource strings`);
  let at = 0;
  for (; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === "e" || character === "E") {
      const exponent = /^([+-]?)(\d*)/.exec(text.slice(at + 1, at + 20));
      const [, sign = "", digits = ""] = exponent ?? [];
      if (sign === "" && digits === "") break;
      if (digits.length > exponentDigitsMax) return call.fail(`${name}: exponent too large`);
      at += sign.length;
    } else if (!/[\d.+-]/.test(character)) {
      break;
    }
  }
  chargeNumber(call, text.slice(0, at));
  return { number: text.slice(0, at), unit: text.slice(at) };
}

/** The digits that an exponent stands for. */
function chargeNumber(call: BuiltinCall, number: string): void {
  const exponent = Number(/[eE]([+-]?\d+)$/.exec(number)?.[1] ?? "0");
  chargeDigits(call, Math.abs(exponent) + number.length);
}

const unitsType = t.function([t.string], t.number);

export const unitBuiltins: readonly Builtin[] = [
  { name: "units.parse", type: unitsType, evaluate: parse },
  { name: "units.parse_bytes", type: unitsType, evaluate: parseBytes },
];
