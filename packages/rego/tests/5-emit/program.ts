// A policy compiled and evaluated in one step, for tests.

import assert from "node:assert/strict";
import { compileFunction } from "node:vm";
import { Budget, type Limits, Source, type World, formatDiagnostic, parseJson } from "@portcullis/lang";
import { type Evaluation, type Load, type Program, type Value, compile, toJson } from "../../src/index.ts";

export const load: Load = (code, parameters) => compileFunction(code, [...parameters]) as ReturnType<Load>;

/** A world without anything in it. */
const emptyWorld: World = {
  nowMs: 1_700_000_000_000,
  random: () => () => 0.5,
  host: { digest: () => new Uint8Array(), hmac: () => new Uint8Array(), zone: () => null },
  ask: () => [],
};

export interface Options {
  readonly entrypoints?: readonly string[];
  readonly query?: string;
  readonly strict?: boolean;
  readonly print?: boolean;
  readonly trace?: boolean;
}

/** The program of v1 modules `test-0.rego`, `test-1.rego`, …; fails the test where they do not compile. */
export function programOf(modules: readonly string[], options: Options): Program {
  const { value, diagnostics } = compile({
    modules: modules.map((text, at) => ({ source: new Source(`test-${at}.rego`, text), version: "v1" as const })),
    ...(options.query === undefined
      ? {}
      : { query: { source: new Source("query", options.query), version: "v1" as const } }),
    entrypoints: options.entrypoints ?? [],
    strictBuiltinErrors: options.strict === true,
    print: options.print === true,
    trace: options.trace === true,
    load,
  });
  assert.ok(value !== null, diagnostics.map(formatDiagnostic).join("\n"));
  return value;
}

export interface Given {
  /** JSON text, so that numbers keep their text and `__proto__` is a key. */
  readonly input?: string;
  readonly data?: string;
  readonly limits?: Limits;
  readonly print?: NonNullable<Evaluation["print"]>;
  readonly trace?: NonNullable<Evaluation["trace"]>;
}

export function evaluationOf(given: Given): Evaluation {
  return {
    input: given.input === undefined ? undefined : (parseJson(given.input) as Value),
    ...(given.data === undefined ? {} : { data: parseJson(given.data) as NonNullable<Evaluation["data"]> }),
    world: emptyWorld,
    budget: new Budget({ deadlineMs: performance.now() + 10_000, ...given.limits }, () => performance.now()),
    ...(given.print === undefined ? {} : { print: given.print }),
    ...(given.trace === undefined ? {} : { trace: given.trace }),
  };
}

/** The value of `data.test.p` as JSON text; `undefined` as text when it is. */
export function valueOfP(module: string, given: Given = {}): string {
  const program = programOf([`package test\n${module}`], { entrypoints: ["data.test.p"] });
  const value = program.entry("data.test.p", evaluationOf(given));
  return value === undefined ? "undefined" : JSON.stringify(toJson(value));
}
