// Expressions. A constant path is optional chaining with a fallback that looks again with all types; everything else is
// a call of a runtime function, a built-in or a rule. Where an expression needs its base twice, the base is put into a
// temporary first.

import type { BuiltinCallExpression, Call, Expression, Operand, Plan, Test } from "../ir.ts";
import { format } from "../runtime/format.ts";
import type { Value } from "../runtime/value.ts";
import { isSafeProperty } from "./names.ts";
import { type Writer, fresh, line } from "./writer.ts";

export function stateName(state: number): string {
  return state === 0 ? "s" : `s${state}`;
}

export function operand(writer: Writer, value: Operand): string {
  return value.kind === "local" ? `v${value.local}` : constantText(writer.plan, value.constant);
}

/** Small constants stand for themselves; all others are in the table. */
function constantText(plan: Plan, index: number): string {
  const value = plan.constants[index];
  if (value === null) return "null";
  if (typeof value === "boolean") return String(value);
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 1000
    ? String(value)
    : `k${index}`;
}

function constantOf(plan: Plan, value: Operand): Value | undefined {
  return value.kind === "constant" ? plan.constants[value.constant] : undefined;
}

export function expression(writer: Writer, value: Expression): string {
  switch (value.kind) {
    case "local":
    case "constant":
      return operand(writer, value);
    case "input":
      return `${stateName(value.state)}.input`;
    case "data":
      return `${stateName(value.state)}.data`;
    case "element":
      return `${operand(writer, value.of)}[${value.at}]`;
    case "path":
      return lookups(writer, value.base, value.keys);
    case "call":
      return call(writer, value);
    case "builtin":
      return builtinCall(writer, value);
    case "child":
      return `c${value.document}(${stateName(value.state)}, ${operand(writer, value.key)})`;
    case "children":
      return `q${value.document}(${stateName(value.state)})`;
    case "array":
      return `[${list(writer, value.items)}]`;
    case "set":
      return `setOf([${list(writer, value.items)}])`;
    case "object":
      return object(writer, value.entries);
    case "undefined":
      return "undefined";
    default:
      return value satisfies never;
  }
}

function list(writer: Writer, operands: readonly Operand[]): string {
  return operands.map((item) => operand(writer, item)).join(", ");
}

// ── paths

function lookups(writer: Writer, base: Expression, keys: readonly Operand[]): string {
  let text = expression(writer, base);
  const lookup = base.kind === "data" ? "getStored" : "get";
  const oneKey = base.kind === "call" && base.oneKey === true;
  if (oneKey) text = `keyOf(${text}, ${operand(writer, keys[0] as Operand)})`;
  for (let at = oneKey ? 1 : 0; at < keys.length;) {
    const chain = safeChain(writer.plan, keys, at);
    if (chain.length === 0) {
      text = `${lookup}(${text}, ${operand(writer, keys[at] as Operand)})`;
      at++;
    } else {
      text = chained(writer, text, chain);
      at += chain.length;
    }
  }
  return text;
}

/** The longest run of keys that may be property names. */
function safeChain(plan: Plan, keys: readonly Operand[], from: number): readonly string[] {
  const chain: string[] = [];
  for (const key of keys.slice(from)) {
    const value = constantOf(plan, key);
    if (!isSafeProperty(value)) break;
    chain.push(value);
  }
  return chain;
}

const simple = /^[svk]\d*(?:\.(?:input|data))?$/;

function chained(writer: Writer, base: string, chain: readonly string[]): string {
  let from = base;
  if (!simple.test(base)) {
    from = fresh(writer, "t");
    line(writer, `const ${from} = ${base};`);
  }
  return `(${from}${chain.map((key) => `?.${key}`).join("")} ?? at(${from}, ${pathText(writer, chain)}))`;
}

/** The name of a constant path. */
export function pathText(writer: Writer, path: readonly Value[]): string {
  const key = format(path);
  const known = writer.paths.get(key) ?? { index: writer.paths.size, path };
  writer.paths.set(key, known);
  return `p${known.index}`;
}

// ── calls

function call(writer: Writer, value: Call): string {
  const state = stateName(value.state);
  const args = value.args.map((arg) => `, ${operand(writer, arg)}`).join("");
  const direct = `${value.oneKey === true ? "l" : "r"}${value.function}(${state}${args})`;
  if (value.mock === null) return direct;
  return `(${state}.f${value.mock} === null ? ${direct} : ${state}.f${value.mock}(bare(${state})${args}))`;
}

function builtinCall(writer: Writer, value: BuiltinCallExpression): string {
  const state = stateName(value.state);
  const direct = builtinText(writer, value.builtin, {
    state,
    args: value.args.map((arg) => operand(writer, arg)),
    site: value.site,
  });
  if (value.mock === null) return direct;
  const args = value.args.map((arg) => `, ${operand(writer, arg)}`).join("");
  return `(${state}.f${value.mock} === null ? ${direct} : ${state}.f${value.mock}(bare(${state})${args}))`;
}

/** Comparisons and arithmetic of small integers need no call of the built-in. */
const comparisons: ReadonlyMap<string, string> = new Map([
  ["lt", "compare(A, B) < 0"],
  ["lte", "compare(A, B) <= 0"],
  ["gt", "compare(A, B) > 0"],
  ["gte", "compare(A, B) >= 0"],
  ["equal", "equals(A, B)"],
  ["neq", "!equals(A, B)"],
]);

const arithmetic: ReadonlySet<string> = new Set(["plus", "minus", "mul"]);

interface BuiltinUse {
  readonly state: string;
  readonly args: readonly string[];
  readonly site: number;
}

function builtinText(writer: Writer, index: number, { state, args, site }: BuiltinUse): string {
  const builtin = writer.plan.builtins[index];
  const comparison = comparisons.get(builtin?.name ?? "");
  if (comparison !== undefined && args.length === 2) {
    return `(${comparison.replace(/[AB]/g, (name) => args[name === "A" ? 0 : 1] as string)})`;
  }
  const context = writer.strict ? `called(${state}, ${index}, ${site})` : `${state}.c`;
  const direct =
    builtin?.nondeterministic === true
      ? `once(${context}, ${index}, b${index}, [${args.join(", ")}])`
      : `b${index}(${[context, ...args].join(", ")})`;
  if (arithmetic.has(builtin?.name ?? "") && args.length === 2) {
    return `(${builtin?.name ?? ""}(${args.join(", ")}) ?? ${direct})`;
  }
  return direct;
}

// ── objects

function object(writer: Writer, entries: readonly (readonly [Operand, Operand])[]): string {
  const keys = entries.map(([key]) => constantOf(writer.plan, key));
  if (!keys.every((key) => typeof key === "string")) {
    const pairs = entries.map(([key, value]) => `[${operand(writer, key)}, ${operand(writer, value)}]`);
    return `objectOf([${pairs.join(", ")}])`;
  }
  const parts = entries.map(([key, value], at) => {
    const name = keys[at] as string;
    return `${isSafeProperty(name) ? name : `[${operand(writer, key)}]`}: ${operand(writer, value)}`;
  });
  return `{ ${parts.join(", ")} }`;
}

// ── tests

/** A condition that is true when the test holds. */
export function condition(writer: Writer, test: Test): string {
  switch (test.kind) {
    case "equal":
      return equality(writer, test.left, test.right, test.negated);
    case "true":
      return truth(writer, test.value);
    case "array":
      return isArrayOf(operand(writer, test.value), test.length);
    case "object":
      return `isObjectOf(${operand(writer, test.value)}, ${test.size})`;
    case "collection":
      return `isCollection(${operand(writer, test.value)})`;
    case "never":
      return "false";
    default:
      return test satisfies never;
  }
}

/** The brackets are for numbers, after which a dot is a decimal point. */
function isArrayOf(value: string, length: number): string {
  return `Array.isArray(${value}) && (${value}).length === ${length}`;
}

function truth(writer: Writer, value: Expression): string {
  const text = expression(writer, value);
  if (value.kind === "local" || value.kind === "constant") return `${text} !== false`;
  if (value.kind === "builtin" && text.startsWith("(") && comparisons.has(nameOf(writer.plan, value))) return text;
  const name = fresh(writer, "t");
  line(writer, `const ${name} = ${text};`);
  return `${name} !== undefined && ${name} !== false`;
}

function nameOf(plan: Plan, value: BuiltinCallExpression): string {
  return value.mock === null ? (plan.builtins[value.builtin]?.name ?? "") : "";
}

/** Strings, booleans and null are equal exactly when they are identical. */
function equality(writer: Writer, left: Operand, right: Operand, negated: boolean): string {
  const a = operand(writer, left);
  const b = operand(writer, right);
  if ([left, right].some((side) => isIdentical(constantOf(writer.plan, side)))) {
    return `${a} ${negated ? "!==" : "==="} ${b}`;
  }
  return negated ? `!equals(${a}, ${b})` : `(${a} === ${b} || equals(${a}, ${b}))`;
}

function isIdentical(value: Value | undefined): boolean {
  return value === null || typeof value === "string" || typeof value === "boolean";
}
