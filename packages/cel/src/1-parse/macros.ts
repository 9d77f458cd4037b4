// Macros: calls that the parser puts other expressions in the place of, most of them folds. A macro is known by its name, its
// number of arguments and whether it has a receiver: `map:2:true`, or `*` for any number. An expander gives the expression,
// what is wrong with the arguments, or null where the call is none of the macro's. The order in which nodes are made is
// cel-go's, since that gives them their numbers. cel-go: parser/macro.go, cel/library.go optMap, ext/comprehensions.go,
// ext/lists.go sortByMacro, ext/bindings.go celBind, ext/math.go.

import { type Expression, accumulatorName } from "../ast.ts";
import { type Nodes, call, constant, copy, memberCall, name, newId } from "./nodes.ts";

/** What is wrong, at the node of that number. */
export interface MacroError {
  readonly at: number;
  readonly message: string;
}

/** The call of a macro; nodes that it makes are at `place`. */
interface MacroCall {
  readonly nodes: Nodes;
  readonly place: number;
  readonly target: Expression | null;
  readonly args: readonly Expression[];
}

export type Expander = (macro: MacroCall) => Expression | MacroError | null;

/** The expander for a call, of the macros that the environment has. */
export function findMacro(
  macros: ReadonlySet<string>,
  signature: { function: string; args: number; receiver: boolean },
): Expander | undefined {
  const exact = `${signature.function}:${signature.args}:${signature.receiver}`;
  if (macros.has(exact)) return expanders.get(exact);
  const any = `${signature.function}:*:${signature.receiver}`;
  return macros.has(any) ? expanders.get(any) : undefined;
}

const id = ({ nodes, place }: MacroCall): number => newId(nodes, place);
const accumulator = (macro: MacroCall): Expression => name(id(macro), accumulatorName);
const named = (macro: MacroCall, text: string): Expression => name(id(macro), text);
const truth = (macro: MacroCall, value: boolean): Expression => constant(id(macro), "bool", value);
const number = (macro: MacroCall, value: number): Expression => constant(id(macro), "int", value);
const calling = (macro: MacroCall, operator: string, ...args: readonly Expression[]): Expression =>
  call(id(macro), operator, args);
const list = (macro: MacroCall, ...elements: readonly Expression[]): Expression => ({
  kind: "list",
  id: id(macro),
  elements,
  optionals: new Set(),
});
const emptyMap = (macro: MacroCall): Expression => ({ kind: "map", id: id(macro), entries: [] });

interface Loop {
  readonly range: Expression;
  readonly variables: Variables;
  readonly accumulator?: string;
  readonly init: Expression;
  readonly condition: Expression;
  readonly step: Expression;
  readonly result: Expression;
}

function fold(macro: MacroCall, loop: Loop): Expression {
  const { range, init, condition, step, result, variables } = loop;
  return {
    kind: "fold",
    id: id(macro),
    variable: variables.first,
    variable2: variables.second,
    range,
    accumulator: loop.accumulator ?? accumulatorName,
    init,
    condition,
    step,
    result,
  };
}

interface Variables {
  readonly first: string;
  readonly second: string | null;
}

const isError = (value: Variables | MacroError): value is MacroError => "at" in value;
const argument = (macro: MacroCall, at: number): Expression => macro.args[at] as Expression;
const receiver = (macro: MacroCall): Expression => macro.target as Expression;

const overwrites = "iteration variable overwrites accumulator variable";
const isAccumulator = (text: string): boolean => text === accumulatorName || text === "__result__";

function oneVariable(macro: MacroCall, notAName: string): Variables | MacroError {
  const variable = argument(macro, 0);
  if (variable.kind !== "name") return { at: variable.id, message: notAName };
  if (isAccumulator(variable.name)) return { at: variable.id, message: overwrites };
  return { first: variable.name, second: null };
}

function twoVariables(macro: MacroCall): Variables | MacroError {
  const first = argument(macro, 0);
  const second = argument(macro, 1);
  if (first.kind !== "name") return { at: first.id, message: "argument must be a simple name" };
  if (second.kind !== "name") return { at: second.id, message: "argument must be a simple name" };
  if (first.name === second.name) return { at: second.id, message: `duplicate variable name: ${first.name}` };
  if (isAccumulator(first.name)) return { at: first.id, message: overwrites };
  if (isAccumulator(second.name)) return { at: second.id, message: overwrites };
  return { first: first.name, second: second.name };
}

type Body = Pick<Loop, "init" | "condition" | "step" | "result">;
type Quantifier = (macro: MacroCall, predicate: Expression) => Body;

const all: Quantifier = (macro, predicate) => ({
  init: truth(macro, true),
  condition: calling(macro, "@not_strictly_false", accumulator(macro)),
  step: calling(macro, "_&&_", accumulator(macro), predicate),
  result: accumulator(macro),
});

const exists: Quantifier = (macro, predicate) => ({
  init: truth(macro, false),
  condition: calling(macro, "@not_strictly_false", calling(macro, "!_", accumulator(macro))),
  step: calling(macro, "_||_", accumulator(macro), predicate),
  result: accumulator(macro),
});

const existsOne: Quantifier = (macro, predicate) => ({
  init: number(macro, 0),
  condition: truth(macro, true),
  step: calling(
    macro,
    "_?_:_",
    predicate,
    calling(macro, "_+_", accumulator(macro), number(macro, 1)),
    accumulator(macro),
  ),
  result: calling(macro, "_==_", accumulator(macro), number(macro, 1)),
});

const quantifier =
  (body: Quantifier): Expander =>
  (macro) => {
    const variables = oneVariable(macro, "argument must be a simple name");
    if (isError(variables)) return variables;
    return fold(macro, { range: receiver(macro), variables, ...body(macro, argument(macro, 1)) });
  };

const quantifier2 =
  (body: Quantifier): Expander =>
  (macro) => {
    const variables = twoVariables(macro);
    if (isError(variables)) return variables;
    return fold(macro, { range: receiver(macro), variables, ...body(macro, argument(macro, 2)) });
  };

const has: Expander = (macro) => {
  const operand = argument(macro, 0);
  if (operand.kind !== "selection") return { at: operand.id, message: "invalid argument to has() macro" };
  return { ...operand, id: id(macro), tests: true };
};

const map: Expander = (macro) => mapOver(macro, receiver(macro));

/** `map` over what is not the receiver, too. */
function mapOver(macro: MacroCall, range: Expression): Expression | MacroError {
  const variables = oneVariable(macro, "argument is not an identifier");
  if (isError(variables)) return variables;
  const filtered = macro.args.length === 3;
  const init = list(macro);
  const condition = truth(macro, true);
  let step = calling(macro, "_+_", accumulator(macro), list(macro, argument(macro, filtered ? 2 : 1)));
  if (filtered) step = calling(macro, "_?_:_", argument(macro, 1), step, accumulator(macro));
  return fold(macro, { range, variables, init, condition, step, result: accumulator(macro) });
}

const filter: Expander = (macro) => {
  const variables = oneVariable(macro, "argument is not an identifier");
  if (isError(variables)) return variables;
  const init = list(macro);
  const condition = truth(macro, true);
  const longer = calling(macro, "_+_", accumulator(macro), list(macro, argument(macro, 0)));
  const step = calling(macro, "_?_:_", argument(macro, 1), longer, accumulator(macro));
  return fold(macro, { range: receiver(macro), variables, init, condition, step, result: accumulator(macro) });
};

/** `transformList`, `transformMap` and `transformMapEntry`, which differ in how they add and what they begin with. */
const transform =
  (add: (macro: MacroCall, to: Expression, variables: Variables) => Expression, empty: typeof emptyMap): Expander =>
  (macro) => {
    const variables = twoVariables(macro);
    if (isError(variables)) return variables;
    const filtered = macro.args.length === 4;
    let step = add(macro, argument(macro, filtered ? 3 : 2), variables);
    if (filtered) step = calling(macro, "_?_:_", argument(macro, 2), step, accumulator(macro));
    const init = empty(macro);
    const condition = truth(macro, true);
    return fold(macro, { range: receiver(macro), variables, init, condition, step, result: accumulator(macro) });
  };

const transformList = transform(
  (macro, item) => calling(macro, "_+_", accumulator(macro), list(macro, item)),
  (macro) => list(macro),
);
const transformMap = transform(
  (macro, item, { first }) => calling(macro, "cel.@mapInsert", accumulator(macro), named(macro, first), item),
  emptyMap,
);
const transformMapEntry = transform(
  (macro, item) => calling(macro, "cel.@mapInsert", accumulator(macro), item),
  emptyMap,
);

/** A name for a value: a fold over nothing, whose accumulator it is. */
function binding(macro: MacroCall, variable: string, value: () => Expression, result: () => Expression): Expression {
  const range = list(macro);
  const init = value();
  const condition = truth(macro, false);
  const step = named(macro, variable);
  const variables = { first: "#unused", second: null };
  return fold(macro, { range, variables, accumulator: variable, init, condition, step, result: result() });
}

/** Kyverno's, by which a value that is no optional is its own. Kyverno: pkg/cel/compiler/env.go OrValueCompatEnvOptions. */
const compatibleOrValue: Expander = (macro) =>
  calling(macro, "__orValueCompat__", macro.target as Expression, ...macro.args);

const optMapping =
  (flat: boolean): Expander =>
  (macro) => {
    const variable = argument(macro, 0);
    if (variable.kind !== "name") {
      return { at: variable.id, message: `opt${flat ? "Flat" : ""}Map() variable name must be a simple identifier` };
    }
    const target = receiver(macro);
    const hasValue = memberCall(id(macro), "hasValue", target, []);
    const valueOf = (): Expression => {
      const again = copy(macro.nodes, macro.place, target);
      return memberCall(id(macro), "value", again, []);
    };
    const mapped = binding(macro, variable.name, valueOf, () => argument(macro, 1));
    const some = flat ? mapped : calling(macro, "optional.of", mapped);
    return calling(macro, "_?_:_", hasValue, some, calling(macro, "optional.none"));
  };

const sortInput = "@__sortBy_input__";

const sortBy: Expander = (macro) => {
  const input = named(macro, sortInput);
  const target = receiver(macro);
  if (target.kind === "constant" || target.kind === "map" || target.kind === "struct") {
    const message = "sortBy can only be applied to a list, identifier, comprehension, call or select expression";
    return { at: target.id, message };
  }
  const keys = mapOver(macro, copy(macro.nodes, macro.place, input));
  if ("at" in keys) return keys;
  const again = copy(macro.nodes, macro.place, input);
  const sorted = memberCall(id(macro), "@sortByAssociatedKeys", again, [keys]);
  const range = list(macro);
  const condition = truth(macro, false);
  const variables = { first: "#unused", second: null };
  return fold(macro, {
    range,
    variables,
    accumulator: sortInput,
    init: target,
    condition,
    step: input,
    result: sorted,
  });
};

const isNamespace = ({ target }: MacroCall, text: string): boolean => target?.kind === "name" && target.name === text;

const bind: Expander = (macro) => {
  if (!isNamespace(macro, "cel")) return null;
  const variable = argument(macro, 0);
  if (variable.kind !== "name")
    return { at: variable.id, message: "cel.bind() variable names must be simple identifiers" };
  return binding(
    macro,
    variable.name,
    () => argument(macro, 1),
    () => argument(macro, 2),
  );
};

function isNumeric(expression: Expression): boolean {
  if (expression.kind === "constant") return ["int", "uint", "double"].includes(expression.type);
  return expression.kind !== "list" && expression.kind !== "map" && expression.kind !== "struct";
}

const extreme =
  (shown: string, operator: string): Expander =>
  (macro) => {
    const { args } = macro;
    if (!isNamespace(macro, "math")) return null;
    const [first] = args;
    if (first === undefined) return { at: receiver(macro).id, message: `${shown} requires at least one argument` };
    if (args.length === 1) {
      const isNumbers = first.kind === "list" && first.elements.length > 0 && first.elements.every(isNumeric);
      if (isNumbers || isNumeric(first)) return calling(macro, operator, first);
      return { at: first.id, message: `${shown} invalid single argument value` };
    }
    const wrong = args.find((arg) => !isNumeric(arg));
    if (wrong !== undefined) return { at: wrong.id, message: `${shown} simple literal arguments must be numeric` };
    return args.length === 2 ? calling(macro, operator, ...args) : calling(macro, operator, list(macro, ...args));
  };

const expanders: ReadonlyMap<string, Expander> = new Map([
  ["has:1:false", has],
  ["all:2:true", quantifier(all)],
  ["exists:2:true", quantifier(exists)],
  ["exists_one:2:true", quantifier(existsOne)],
  ["existsOne:2:true", quantifier(existsOne)],
  ["map:2:true", map],
  ["map:3:true", map],
  ["filter:2:true", filter],
  ["all:3:true", quantifier2(all)],
  ["exists:3:true", quantifier2(exists)],
  ["exists_one:3:true", quantifier2(existsOne)],
  ["existsOne:3:true", quantifier2(existsOne)],
  ["transformList:3:true", transformList],
  ["transformList:4:true", transformList],
  ["transformMap:3:true", transformMap],
  ["transformMap:4:true", transformMap],
  ["transformMapEntry:3:true", transformMapEntry],
  ["transformMapEntry:4:true", transformMapEntry],
  ["orValue:1:true", compatibleOrValue],
  ["optMap:2:true", optMapping(false)],
  ["optFlatMap:2:true", optMapping(true)],
  ["sortBy:2:true", sortBy],
  ["bind:3:true", bind],
  ["least:*:true", extreme("math.least()", "math.@min")],
  ["greatest:*:true", extreme("math.greatest()", "math.@max")],
]);
