// `sprintf`: Go's fmt.Sprintf over Rego values. Whether a number counts as an integer is decided by its text, so 1.0 is a
// float64 and 1 an int64 (an int for OPA 1.17, which bad verbs show: `%!s(int=5)`); composite values, booleans and null
// arrive as their Rego text. OPA: v1/topdown/strings.go builtinSprintf.

import { type Budget, Decimal } from "@portcullis/lang";
import { type Formatter, GoFloat, type IntegerType, type Operand, compileFormat } from "@portcullis/lang/go";
import { chargeText } from "../runtime/extent.ts";
import { format } from "../runtime/format.ts";
import { type Value, isArray } from "../runtime/value.ts";
import { t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError } from "./builtin.ts";

function sprintfWith(integer: IntegerType): Builtin["evaluate"] {
  const formatters = new Formatters(integer);
  return (call: BuiltinCall, formatText: Value, values: Value) => {
    if (typeof formatText !== "string") return operandError(call, 1, formatText, "string");
    if (!isArray(values)) return operandError(call, 2, values, "array");
    const { budget } = call;
    const operands = values.map((value) => operandOf(value, budget));
    return formatters.of(formatText)(operands, (characters) => budget.output(characters));
  };
}

/** A Rego value as Go's operand. */
function operandOf(value: Value, budget: Budget): Operand {
  if (typeof value === "string" || typeof value === "number") return value;
  if (!(value instanceof Decimal)) {
    chargeText(value, budget);
    return format(value);
  }
  const { text } = value;
  if (!/[.eE]/.test(text)) return BigInt(text);
  return Number.isFinite(value.double) ? new GoFloat(value.double) : text;
}

/** Formats are mostly constants of policies; a few hundred are kept. Long ones are made from data and hardly come again. */
class Formatters {
  readonly #integer: IntegerType;
  readonly #known = new Map<string, Formatter>();

  constructor(integer: IntegerType) {
    this.#integer = integer;
  }

  of(text: string): Formatter {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const formatter = compileFormat(text, this.#integer);
    if (text.length > cachedLengthMax) return formatter;
    if (this.#known.size >= formattersMax) this.#known.clear();
    this.#known.set(text, formatter);
    return formatter;
  }
}

const formattersMax = 500;
const cachedLengthMax = 1000;

function named(integer: IntegerType): Builtin {
  return { name: "sprintf", type: t.function([t.string, t.array(t.any)], t.string), evaluate: sprintfWith(integer) };
}

export const sprintfBuiltins: readonly Builtin[] = [named("int64")];

/** As OPA 1.17 has it. */
export const olderSprintf: Builtin = named("int");
