// From emitted text to a Program: the text is loaded with its tables, and each evaluation makes a state for it.

import { LimitError, Suspend } from "@portcullis/lang";
import type { Bindings, Evaluation, Load, Program } from "../program.ts";
import { chargedTo } from "../runtime/running.ts";
import type { PlainObject, Value } from "../runtime/value.ts";
import { type Emitted, parameters } from "./emit.ts";
import { Call, runtimeOf } from "./runtime.ts";

interface Linked {
  readonly State: new (
    call: Call,
    budget: Evaluation["budget"],
    input: Value | undefined,
    data: PlainObject,
    shared: null,
  ) => object;
  readonly query: ((state: object) => readonly (readonly Value[])[]) | null;
  readonly entries: readonly ((state: object) => Value | undefined)[];
}

export function link(emitted: Emitted, load: Load, planText: () => string): Program {
  const { plan, code, paths, strict } = emitted;
  const factory = load(code, parameters);
  const linked = factory(
    plan.constants,
    paths,
    plan.builtins.map((builtin) => builtin.evaluate),
    plan.sites,
    runtimeOf(emitted),
  ) as Linked;
  const entries = new Map([...plan.entries.keys()].map((name, index) => [name, linked.entries[index]]));
  const stateFor = (evaluation: Evaluation): object =>
    new linked.State(
      new Call(evaluation, strict),
      evaluation.budget,
      evaluation.input,
      evaluation.data ?? noData,
      null,
    );
  return {
    query(evaluation) {
      const { query } = linked;
      if (query === null || plan.query === null) return [];
      const { variables } = plan.query;
      const solutions = guarded(query, stateFor(evaluation), evaluation.budget);
      return solutions.map((values) => bindings(variables, values));
    },
    entry(path, evaluation) {
      const entry = entries.get(path);
      return entry === undefined ? undefined : guarded(entry, stateFor(evaluation), evaluation.budget);
    },
    js: code,
    get plan() {
      return planText();
    },
  };
}

const noData: PlainObject = {};

function bindings(variables: readonly string[], values: readonly Value[]): Bindings {
  return Object.fromEntries(variables.map((name, at) => [name, values[at] as Value]));
}

/**
 * A value or policy that nests too deeply for the stack is over the depth limit like any other, and a string or array
 * longer than the engine can hold is over the output limit.
 */
function guarded<T>(run: (state: object) => T, state: object, budget: Evaluation["budget"]): T {
  try {
    return chargedTo(budget, () => run(state));
  } catch (error) {
    if (error instanceof LimitError || error instanceof Suspend) throw error;
    if (error instanceof RangeError) throw new LimitError(/call stack/i.test(error.message) ? "depth" : "output");
    throw error;
  }
}
