// Values as cel-go writes them as source: `1u`, `duration("1.5s")`, `optional.of("a")`. cel-go: common/types/format.go.

import { Budget } from "@portcullis/lang";
import { formatFloat, quote } from "@portcullis/lang/go";
import {
  CelError,
  type CelMap,
  type Dialect,
  Double,
  Duration,
  Optional,
  type Outcome,
  Timestamp,
  TypeValue,
  Uint,
  type Value,
  compile,
  createEnvironment,
  kubernetes136,
  types,
} from "../../src/index.ts";
import { kubernetesLibraries } from "../../src/kubernetes/index.ts";
import { entriesOf } from "../../src/runtime/container.ts";
import { secondsOfDuration, timestampText } from "../../src/runtime/timestamp.ts";
import { isMap } from "../../src/runtime/value.ts";
import { typeName } from "../../src/runtime/valuetype.ts";

/** What an expression comes to, or `error: …`; an expression that is refused is an error, too. */
export function resultOf(expression: string, dialect: Dialect = kubernetes136, x: Value = {}): string {
  const value = evaluate(expression, { dialect, x });
  return value instanceof CelError ? `error: ${value.message}` : show(value);
}

export interface EvaluateOptions {
  readonly dialect?: Dialect;
  /** The variable `x`. */
  readonly x?: Value;
  readonly budget?: Budget;
  readonly costMax?: number;
}

/** The value of an expression in Kubernetes' environment. Throws LimitError. */
export function evaluate(expression: string, options: EvaluateOptions = {}): Value | CelError {
  return outcomeOf(expression, options).value;
}

/** The same with what it costs; an expression that is refused costs nothing. Throws LimitError. */
export function outcomeOf(expression: string, options: EvaluateOptions = {}): Outcome {
  const { dialect = kubernetes136, x = {}, budget = new Budget({}, () => 0), costMax = Infinity } = options;
  const compiled = compile(expression, environmentOf(dialect));
  if ("refusal" in compiled) {
    return { value: new CelError(compiled.refusal.message.replace(/\n[^]*/, "")), cost: 0 };
  }
  // New York, as far as the cases ask.
  const zoneOffset = (name: string): number | null => (name === "America/New_York" ? -5 * 3600 : null);
  return compiled.program.evaluate({ read: (name) => (name === "x" ? x : undefined), budget, costMax, zoneOffset });
}

/** What an expression comes to, and costs: `"a" (1)`. */
export function costedResultOf(expression: string, dialect: Dialect, x: Value): string {
  const { value, cost } = outcomeOf(expression, { dialect, x });
  return `${value instanceof CelError ? `error: ${value.message}` : show(value)} (${cost})`;
}

const environments = new Map<Dialect, ReturnType<typeof createEnvironment>>();

function environmentOf(dialect: Dialect): ReturnType<typeof createEnvironment> {
  const known = environments.get(dialect);
  if (known !== undefined) return known;
  const libraries = kubernetesLibraries(dialect);
  const made = createEnvironment({ libraries, variables: { x: types.dyn }, dialect });
  environments.set(dialect, made);
  return made;
}

function show(value: Value): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "number" && !Number.isInteger(value)) return doubleText(value);
  if (value === null || typeof value !== "object") return String(value);
  if (Array.isArray(value)) return `[${(value as readonly Value[]).map(show).join(", ")}]`;
  if (isMap(value)) {
    const entries = Array.from(entriesOf(value), ([key, element]) => `${show(key)}: ${show(element)}`);
    return `{${entries.toSorted().join(", ")}}`;
  }
  return showObject(value);
}

function showObject(value: Exclude<Value, CelMap | null>): string {
  if (value instanceof Double) return doubleText(value.value);
  if (value instanceof Uint) return `${value.value}u`;
  if (value instanceof Timestamp) return `timestamp("${timestampText(new Timestamp(value.nanoseconds))}")`;
  if (value instanceof Duration) return `duration("${formatFloat(secondsOfDuration(value), "f", null)}s")`;
  if (value instanceof Uint8Array) return `b"${Array.from(value, octal).join("")}"`;
  if (value instanceof TypeValue) return typeName(value.type);
  if (!(value instanceof Optional)) return value.constructor.name;
  return value.value === undefined ? "optional.none()" : `optional.of(${show(value.value)})`;
}

function octal(byte: number): string {
  return `\\${byte.toString(8).padStart(3, "0")}`;
}

function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'double("NaN")';
  if (!Number.isFinite(value)) return `double("${value > 0 ? "" : "-"}Infinity")`;
  const text = formatFloat(value, "f", null);
  return text.includes(".") ? text : `${text}.0`;
}
