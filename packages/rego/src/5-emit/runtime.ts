// What emitted code may call, and nothing else: the functions of the runtime, some of them bound to the tables of one
// plan. The list of names is what the generated text destructures, and what the tests hold it to.

import { type Budget, type Span, spanText } from "@portcullis/lang";
import type { Builtin, BuiltinCall } from "../builtins/builtin.ts";
import type { Site } from "../ir.ts";
import { type Evaluation, RegoError, type TraceEvent } from "../program.ts";
import {
  type Conflicted,
  type Conflicts,
  PartialObject,
  afterConflict,
  conflict,
  conflictError,
  contribute,
  keyOf,
  placeOf,
  put,
  whole,
} from "../runtime/collect.ts";
import { compare } from "../runtime/compare.ts";
import { childKeys, mergeDocuments, withPath } from "../runtime/documents.ts";
import { format } from "../runtime/format.ts";
import {
  at,
  elements,
  get,
  getStored,
  isCollection,
  isObjectOf,
  items,
  keysOf,
  sortedItems,
  sortedKeysOf,
} from "../runtime/lookup.ts";
import { type Draft, assign, objectOf } from "../runtime/objects.ts";
import { printLines } from "../runtime/print.ts";
import { RegoSet, type Value, equals } from "../runtime/value.ts";
import type { Emitted } from "./emit.ts";

/** The call that built-ins see; the place is kept only where errors are strict. */
export class Call implements BuiltinCall {
  readonly world: Evaluation["world"];
  readonly budget: Evaluation["budget"];
  #cache: Map<string, unknown> | null = null;
  readonly evaluation: Evaluation;
  readonly #strict: boolean;
  builtin = "";
  span: Span | null = null;

  constructor(evaluation: Evaluation, strict: boolean) {
    this.evaluation = evaluation;
    this.world = evaluation.world;
    this.budget = evaluation.budget;
    this.#strict = strict;
  }

  get cache(): Map<string, unknown> {
    this.#cache ??= new Map();
    return this.#cache;
  }

  fail(message: string): undefined {
    this.#report("eval_builtin_error", message);
  }

  failType(message: string): undefined {
    this.#report("eval_type_error", message);
  }

  #report(code: RegoError["code"], message: string): void {
    if (!this.#strict || this.span === null) return;
    throw new RegoError(code, `${this.builtin}: ${message}`, placeOf(this.span));
  }
}

/** What emitted code knows of a state. */
interface State {
  readonly c: Call;
}

/** A slot whose rule has not been evaluated; undefined is a value that slots may have. */
const unset = Symbol("unset");

function plus(a: Value, b: Value): number | undefined {
  return small(a) && small(b) ? within(a + b) : undefined;
}

function minus(a: Value, b: Value): number | undefined {
  return small(a) && small(b) ? within(a - b) : undefined;
}

function mul(a: Value, b: Value): number | undefined {
  return small(a) && small(b) ? within(a * b) : undefined;
}

function small(value: Value): value is number {
  return Number.isSafeInteger(value);
}

/** Minus zero is Go's business. */
function within(value: number): number | undefined {
  return Number.isSafeInteger(value) && !Object.is(value, -0) ? value : undefined;
}

/** A built-in whose answer may change is asked once for the same arguments. */
function once(call: Call, index: number, evaluate: Builtin["evaluate"], args: readonly Value[]): Value | undefined {
  const key = `${index} ${format(args)}`;
  if (call.cache.has(key)) return call.cache.get(key) as Value | undefined;
  const value = evaluate(call, ...args);
  call.cache.set(key, value);
  return value;
}

/** A built-in in the place of a replaced function. */
function standIn(evaluate: Builtin["evaluate"]): (state: State, ...args: readonly Value[]) => Value | undefined {
  return (state, ...args) => evaluate(state.c, ...args);
}

/** Whether a value may be kept as a key for the life of a program. */
function isShort(value: Value): boolean {
  return typeof value === "string" ? value.length <= 200 : typeof value === "number";
}

/** Adds to a set, which is charged as it grows. */
function addTo(set: RegoSet, value: Value, budget: Budget): void {
  const before = set.size;
  set.add(value);
  if (set.size !== before && (set.size & 1023) === 0) budget.output(1024 * memberBytes);
}

/** About what a member of a big set and an entry of an object take. */
const memberBytes = 64;
const entryBytes = 16;

function always(value: Value): () => Value {
  return () => value;
}

const fixed = {
  unset,
  get,
  getStored,
  at,
  items,
  sortedItems,
  keysOf,
  sortedKeysOf,
  elements,
  isCollection,
  isObjectOf,
  equals,
  compare,
  assign,
  objectOf,
  setOf: (values: readonly Value[]): RegoSet => RegoSet.of(values),
  RegoSet,
  PartialObject,
  whole,
  keyOf,
  withPath,
  mergeDocuments,
  childKeys,
  plus,
  minus,
  mul,
  once,
  standIn,
  isShort,
  addTo,
  always,
};

function bound({ plan, traceNames }: Emitted): Readonly<Record<string, unknown>> {
  const spanOf = (site: number): Span => (plan.sites[site] as Site).span;
  return {
    put: (draft: Draft, key: Value, value: Value, site: number, budget: Budget) => {
      budget.output(entryBytes);
      return put(draft, key, value, spanOf(site));
    },
    contribute: (draft: Draft | Conflicted, key: Value, value: Value, site: number, budget: Budget) => {
      budget.output(entryBytes);
      return contribute(draft, key, value, spanOf(site));
    },
    conflict: (known: Conflicts | null, first: Value, firstSite: number, value: Value, site: number) =>
      conflict(known, first, spanOf(firstSite), value, spanOf(site)),
    conflictError: (conflicts: Conflicts, index: number) => conflictError(conflicts, whatOf(plan, index)),
    afterConflict: (conflicts: Conflicts | null, index: number, error: unknown) =>
      afterConflict(conflicts, whatOf(plan, index), error),
    called: (state: State, index: number, site: number) => {
      state.c.builtin = plan.builtins[index]?.name ?? "";
      state.c.span = spanOf(site);
      return state.c;
    },
    unbound: (message: string, site: number) => new RegoError("eval_internal_error", message, placeOf(spanOf(site))),
    print: (state: State, parts: Value, site: number) => {
      const { print } = state.c.evaluation;
      if (print !== undefined) for (const text of printLines(parts, state.c.budget)) print(text, placeOf(spanOf(site)));
    },
    trace: (state: State, op: number, site: number, names: number, values: readonly Value[], value?: Value) => {
      const event = traceEvent(op, spanOf(site), traceNames[names] ?? [], values);
      state.c.evaluation.trace?.(value === undefined ? event : { ...event, value });
    },
  };
}

function whatOf(plan: Emitted["plan"], index: number): string {
  const body = plan.functions[index]?.body;
  return body?.kind === "complete" ? body.what : "";
}

const ops = ["enter", "exit", "literal", "fail"] as const;

function traceEvent(op: number, span: Span, names: readonly string[], values: readonly Value[]): TraceEvent {
  const { line, column } = span.source.position(span.start);
  return {
    op: ops[op] ?? "fail",
    file: span.source.name,
    line,
    column,
    text: spanText(span),
    locals: new Map(names.map((name, index) => [name, values[index] as Value])),
  };
}

export function runtimeOf(emitted: Emitted): Readonly<Record<string, unknown>> {
  return { ...fixed, ...bound(emitted) };
}

const boundNames = [
  "put",
  "contribute",
  "conflict",
  "conflictError",
  "afterConflict",
  "called",
  "unbound",
  "print",
  "trace",
];

export const runtimeNames: readonly string[] = [...Object.keys(fixed), ...boundNames];
