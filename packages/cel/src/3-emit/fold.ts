// Folds: what `all`, `exists`, `map` and their like are made of. An accumulator that only grows (a list to which each turn
// adds, a map into which it puts) is added to in place: nobody else can see it before the fold ends.
// cel-go: interpreter/interpretable.go evalFold.

import type { Call, Expression, Fold } from "../ast.ts";
import { foldOver } from "../runtime/fold.ts";
import { conditional } from "../runtime/logic.ts";
import { append, insert, newMap } from "../runtime/make.ts";
import type { Evaluate } from "../runtime/state.ts";
import { CelError, type Value } from "../runtime/value.ts";
import { type Emitted, type Emitter, type Scope, charged } from "./emitted.ts";

export function emitFold(emitter: Emitter, node: Fold, scope: Scope): Emitted {
  if (node.range.kind === "list" && node.range.elements.length === 0) return emitBinding(emitter, node, scope);
  const range = emitter.emit(node.range, scope);
  const init = emitter.emit(node.init, scope);
  const accumulator = scope.depth;
  const variables = [accumulator + 1, accumulator + 2] as const;
  const inner: Scope = {
    slots: new Map([
      ...scope.slots,
      [node.accumulator, accumulator],
      [node.variable, variables[0]],
      ...(node.variable2 === null ? [] : [[node.variable2, variables[1]] as const]),
    ]),
    depth: scope.depth + 3,
    builder: isEmpty(node.init) && onlyGrows(node.step, node.accumulator) ? node.accumulator : null,
  };
  const step = inner.builder === null ? charged(emitter.emit(node.step, inner)) : emitGrowth(emitter, node.step, inner);
  const afterwards: Scope = {
    ...inner,
    slots: new Map([...scope.slots, [node.accumulator, accumulator]]),
    builder: null,
  };
  const isEndless = node.condition.kind === "constant" && node.condition.value === true;
  return {
    run: foldOver({
      range: range.run,
      init: inner.builder === null ? init.run : fresh(node.init),
      condition: isEndless ? null : charged(emitter.emit(node.condition, { ...inner, builder: null })),
      step,
      result: charged(emitter.emit(node.result, afterwards)),
      accumulator,
      variables: node.variable2 === null ? [variables[0]] : variables,
    }),
    cost: range.cost + init.cost,
  };
}

/** A fold over nothing, by which macros give a value a name: it is evaluated when the name is first read, or never. */
function emitBinding(emitter: Emitter, node: Fold, scope: Scope): Emitted {
  const slot = scope.depth;
  const init = charged(emitter.emit(node.init, { ...scope, builder: null }));
  const slots = new Map([...scope.slots, [node.accumulator, { slot, init }] as const]);
  const result = charged(emitter.emit(node.result, { slots, depth: slot + 1, builder: null }));
  const run: Evaluate = (state) => {
    state.locals[slot] = undefined;
    return result(state);
  };
  return { run, cost: 0 };
}

function isEmpty(init: Expression): boolean {
  return (init.kind === "list" && init.elements.length === 0) || (init.kind === "map" && init.entries.length === 0);
}

/** An empty accumulator of its own for each evaluation. */
function fresh(init: Expression): Evaluate {
  return init.kind === "list" ? () => [] : newMap;
}

/** `@result + [x]`, or `cond ? @result + [x] : @result`, or the same with what puts into a map. */
function onlyGrows(step: Expression, accumulator: string): boolean {
  const isAccumulator = (node: Expression | undefined): boolean => node?.kind === "name" && node.name === accumulator;
  if (step.kind !== "call") return false;
  if (step.function === "_?_:_") {
    const [, yes, no] = step.args;
    return yes !== undefined && onlyGrows(yes, accumulator) && isAccumulator(no);
  }
  const [first, second] = step.args;
  if (!isAccumulator(first)) return false;
  return step.function === mapInsert || (step.function === "_+_" && second?.kind === "list");
}

/** Of adding, and of reading the accumulator before. */
const callCost = 1;
const readCost = 1;

/** cel-go: ext/comprehensions.go mapInsert. */
const mapInsert = "cel.@mapInsert";

function emitGrowth(emitter: Emitter, step: Expression, scope: Scope): Evaluate {
  const { function: name, args } = step as Call;
  const slot = scope.slots.get(scope.builder ?? "") as number;
  if (name === "_?_:_") return emitGrowthIf(emitter, args, scope, slot);
  const added = args.slice(1).map((arg) => emitter.emit(arg, scope));
  const addedCost = added.reduce((sum, one) => sum + one.cost, 0);
  const runs = added.map(({ run }) => run);
  const run = name === mapInsert ? insert(slot, runs) : append(slot, runs[0] as Evaluate);
  const goesOn = emitter.environment.dialect.celGo === 26 && added.length === 1;
  const failed: Evaluate = (state) => {
    // A turn before failed. As in any call, cel-go 0.26 evaluates the second of two arguments, later ones only the first.
    if (goesOn) runs[0]?.(state);
    else state.refund(addedCost + callCost);
    return state.locals[slot] as CelError;
  };
  return charged({
    run: (state) => (state.locals[slot] instanceof CelError ? failed(state) : run(state)),
    cost: addedCost + callCost + readCost,
  });
}

function emitGrowthIf(emitter: Emitter, args: readonly Expression[], scope: Scope, slot: number): Evaluate {
  const [condition, yes] = args as [Expression, Expression, Expression];
  const test = emitter.emit(condition, scope);
  const grow = emitGrowth(emitter, yes, scope);
  const keep: Evaluate = (state) => state.locals[slot] as Value | CelError;
  return charged({ run: conditional(test.run, grow, keep), cost: test.cost });
}
