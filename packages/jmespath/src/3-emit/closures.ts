// A tree to a closure. Each node becomes a function of the current value that was chosen when the expression was compiled:
// chains of keys become one loop, functions and constants are looked up once. A missing key is a failure that is made at
// compile time; nearly every node takes it for null, and only subexpressions, `&&` and the whole expression let it through.
// Go: go-jmespath interpreter.go execute.

import type { Comparator, Node } from "../ast.ts";
import { measuredFilter, withoutLength } from "../absent.ts";
import type { Dialect } from "../dialect.ts";
import { arityError, arityFits, typeError, unknownFunction } from "../functions/function.ts";
import { equal } from "../runtime/order.ts";
import { chargeList } from "../runtime/extent.ts";
import { type Evaluate, type Outcome, type Run, SearchError, missingKey, orNull } from "../runtime/run.ts";
import { slice } from "../runtime/slice.ts";
import { Reference, type Value, isFalse, isList, isObject, numberOf, setOwn } from "../runtime/value.ts";
import { type Projecting, filtering, flattening, projecting, projectingValues } from "./projections.ts";

/** The expression as a function. The tree has passed the checks of its dialect. */
export function emit(node: Node, dialect: Dialect): Evaluate {
  switch (node.kind) {
    case "field":
      return emitPath([node.name], dialect);
    case "index":
      return emitIndex(node.index);
    case "slice":
      return (value, run) => (isList(value) ? slice(value, node, run.budget) : null);
    case "literal":
      return () => node.value;
    case "current":
      return (value) => value;
    case "subexpression":
      return emitSubexpression(node, dialect);
    case "pipe":
      return emitPipe(node, dialect);
    case "or":
      return emitOr(emit(node.left, dialect), emit(node.right, dialect));
    case "and":
      return emitAnd(emit(node.left, dialect), emit(node.right, dialect));
    case "not":
      return emitNot(emit(node.operand, dialect));
    case "comparison":
      return emitComparison(node.operator, emit(node.left, dialect), emit(node.right, dialect));
    case "flatten":
      return flattening({ left: emit(node.operand, dialect), engine: dialect.engine });
    case "projection":
      return projecting(projectionOf(node, dialect));
    case "value-projection":
      return projectingValues(projectionOf(node, dialect));
    case "filter":
      return filtering({ ...projectionOf(node, dialect), condition: emit(node.condition, dialect), absent: null });
    case "multi-list":
      return emitMultiList(node.items.map((item) => emit(item, dialect)));
    case "multi-hash":
      return emitMultiHash(node.entries.map(({ key, value }) => [key, emit(value, dialect)]));
    case "reference": {
      const reference = new Reference(emit(node.operand, dialect), textOf(node.operand));
      return () => reference;
    }
    case "call":
      return emitCall(node, dialect);
    case "empty": {
      const failure = new SearchError("invalid-value", "Unknown AST node: ASTEmpty");
      return () => failure;
    }
  }
}

function textOf(node: Node): string {
  return node.span.source.text.slice(node.span.start, node.span.end);
}

function projectionOf(node: { readonly left: Node; readonly right: Node }, dialect: Dialect): Projecting {
  const right = node.right.kind === "current" ? null : emit(node.right, dialect);
  return { left: emit(node.left, dialect), right, engine: dialect.engine };
}

// ── selecting

/** `a.b.c` from whatever stands before it. */
function emitPath(keys: readonly string[], dialect: Dialect, base: Evaluate | null = null): Evaluate {
  const absent = keys.map((key) => (dialect.engine === "go-jmespath" ? missingKey(key) : null));
  const walk = (from: Value): Outcome => {
    let value = from;
    for (let at = 0; at < keys.length; at++) {
      const key = keys[at] as string;
      if (!isObject(value)) return null;
      if (!Object.hasOwn(value, key)) return absent[at] as SearchError | null;
      value = value[key] as Value;
    }
    return value;
  };
  if (base === null) return walk;
  return (value, run) => {
    const from = base(value, run);
    return from instanceof SearchError ? from : walk(from);
  };
}

function emitSubexpression(node: Extract<Node, { kind: "subexpression" }>, dialect: Dialect): Evaluate {
  const keys: string[] = [];
  let base: Node = node;
  while (base.kind === "subexpression" && base.right.kind === "field") {
    keys.unshift(base.right.name);
    base = base.left;
  }
  if (keys.length > 0) {
    if (base.kind === "field") return emitPath([base.name, ...keys], dialect);
    return emitPath(keys, dialect, base.kind === "current" ? null : emit(base, dialect));
  }
  const left = emit(node.left, dialect);
  const right = emit(node.right, dialect);
  return (value, run) => {
    const from = left(value, run);
    return from instanceof SearchError ? from : right(from, run);
  };
}

function emitIndex(index: number): Evaluate {
  return (value) => (isList(value) ? (value.at(index) ?? null) : null);
}

function emitPipe(node: Extract<Node, { kind: "pipe" }>, dialect: Dialect): Evaluate {
  const right = emit(node.right, dialect);
  const plain = emitPipeOf(emit(node.left, dialect), right);
  const measured = dialect.absentFilterIsEmpty === true ? withoutLength(node) : null;
  if (measured === null || node.left.kind !== "filter") return plain;
  const operand = emit(node.left.left, dialect);
  const withZero = emit(measured, dialect);
  return (value, run) => (orNull(operand(value, run)) === null ? orNull(withZero(null, run)) : plain(value, run));
}

function emitPipeOf(left: Evaluate, right: Evaluate): Evaluate {
  return (value, run) => {
    const from = orNull(left(value, run));
    return from instanceof SearchError ? from : orNull(right(from, run));
  };
}

function emitMultiList(items: readonly Evaluate[]): Evaluate {
  return (value, run) => {
    if (value === null) return null;
    chargeList(items.length, run.budget);
    return evaluateAll(items, value, run);
  };
}

/** The values of all, or the first failure. */
function evaluateAll(items: readonly Evaluate[], value: Value, run: Run): Value[] | SearchError {
  const values: Value[] = [];
  for (const item of items) {
    const outcome = orNull(item(value, run));
    if (outcome instanceof SearchError) return outcome;
    values.push(outcome);
  }
  return values;
}

function emitMultiHash(entries: readonly (readonly [string, Evaluate])[]): Evaluate {
  return (value, run) => {
    if (value === null) return null;
    chargeList(entries.length, run.budget);
    const object: Record<string, Value> = {};
    for (const [key, item] of entries) {
      const outcome = orNull(item(value, run));
      if (outcome instanceof SearchError) return outcome;
      setOwn(object, key, outcome);
    }
    return object;
  };
}

// ── deciding

function emitOr(left: Evaluate, right: Evaluate): Evaluate {
  return (value, run) => {
    const first = orNull(left(value, run));
    if (first instanceof SearchError || !isFalse(first)) return first;
    return orNull(right(value, run));
  };
}

function emitAnd(left: Evaluate, right: Evaluate): Evaluate {
  return (value, run) => {
    const first = orNull(left(value, run));
    return first instanceof SearchError || isFalse(first) ? first : right(value, run);
  };
}

function emitNot(operand: Evaluate): Evaluate {
  return (value, run) => {
    const outcome = orNull(operand(value, run));
    return outcome instanceof SearchError ? outcome : isFalse(outcome);
  };
}

const orders = {
  "<": (left: number, right: number) => left < right,
  "<=": (left: number, right: number) => left <= right,
  ">": (left: number, right: number) => left > right,
  ">=": (left: number, right: number) => left >= right,
} satisfies Readonly<Record<Exclude<Comparator, "==" | "!=">, unknown>>;

function emitComparison(operator: Comparator, left: Evaluate, right: Evaluate): Evaluate {
  const decide = emitDecision(operator);
  return (value, run) => {
    const first = orNull(left(value, run));
    if (first instanceof SearchError) return first;
    const second = orNull(right(value, run));
    return second instanceof SearchError ? second : decide(first, second, run);
  };
}

function emitDecision(operator: Comparator): (left: Value, right: Value, run: Run) => Value {
  if (operator === "==") return (left, right, { budget }) => equal(left, right, budget);
  if (operator === "!=") return (left, right, { budget }) => !equal(left, right, budget);
  const inOrder = orders[operator];
  return (left, right) => {
    const [first, second] = [numberOf(left), numberOf(right)];
    return first === null || second === null ? null : inOrder(first, second);
  };
}

// ── calling

function emitCall(node: Extract<Node, { kind: "call" }>, dialect: Dialect): Evaluate {
  if (node.name === null) {
    const failure = new SearchError("invalid-value", "invalid node value type");
    return () => failure;
  }
  const args = node.arguments.map((argument) => emitArgument(node, argument, dialect));
  const call = resolveCall(node.name, args.length, dialect);
  return (value, run) => {
    run.budget.step();
    const values = evaluateAll(args, value, run);
    if (values instanceof SearchError) return values;
    return call instanceof SearchError ? call : call(values, run);
  };
}

function emitArgument(call: Extract<Node, { kind: "call" }>, argument: Node, dialect: Dialect): Evaluate {
  const filter = dialect.absentFilterIsEmpty === true ? measuredFilter(call) : null;
  if (filter === null) return emit(argument, dialect);
  return filtering({ ...projectionOf(filter, dialect), condition: emit(filter.condition, dialect), absent: [] });
}

/** The function that a name means, or why it cannot be called; told only once its arguments have been evaluated. */
function resolveCall(
  name: string,
  count: number,
  { functions, engine }: Dialect,
): SearchError | ((args: readonly Value[], run: Run) => Outcome) {
  const fn = functions.get(name);
  if (fn === undefined) return unknownFunction(name);
  if (!arityFits(fn, count, engine)) return arityError(fn, count, engine);
  return (args, run) => typeError(fn, args, engine, run.budget) ?? fn.evaluate(run, ...args);
}
