// strings.render_template: Go's text/template over Rego values. Numbers of a policy are texts to Go (json.Number), so `0` is
// true and does not compare with an integer; indexes and lengths are integers. What is absent prints as `<undefined>`.
// Go: text/template exec.go, funcs.go; OPA: v1/topdown/template.go.

import { LimitError } from "@portcullis/lang";
import { GoFloat } from "@portcullis/lang/go";
import { sortedKeys } from "../runtime/compare.ts";
import { format } from "../runtime/format.ts";
import { type Value, isArray, isObject, isPlainObject } from "../runtime/value.ts";
import { t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError } from "./builtin.ts";
import { decodeJson, encodeJson } from "./jsontext.ts";
import { type GoValue, isTrue, templateFunctions, textOf } from "./rendertemplatefunctions.ts";
import {
  type Argument,
  type Command,
  type Node,
  type Nodes,
  type Pipeline,
  TemplateError,
  parseTemplate,
} from "./rendertemplateparse.ts";

interface Execution {
  readonly call: BuiltinCall;
  readonly defined: ReadonlyMap<string, Nodes>;
  readonly variables: { readonly name: string; value: GoValue }[];
  readonly output: string[];
  depth: number;
}

type Flow = "next" | "break" | "continue";

function render(call: BuiltinCall, text: Value, variables: Value): Value | undefined {
  if (typeof text !== "string") return operandError(call, 1, text, "string");
  if (!isObject(variables)) return operandError(call, 2, variables, "object");
  call.budget.output(text.length * 2);
  encodeJson(variables, call.budget); // for its charge
  // OPA reads the Rego text of the object as JSON, so a set in it is an error.
  const decoded = decodeJson(format(variables));
  if ("error" in decoded) return call.fail(decoded.error);
  try {
    const { main, defined } = parseTemplate(text, new Set(templateFunctions.keys()));
    const root = { name: "$", value: decoded.value };
    const execution: Execution = { call, defined, variables: [root], output: [], depth: 0 };
    runNodes(execution, main, decoded.value);
    return execution.output.join("").replaceAll("<no value>", "<undefined>");
  } catch (error) {
    if (error instanceof TemplateError) return call.fail(error.message);
    throw error;
  }
}

function write({ call, output }: Execution, text: string): void {
  call.budget.output(text.length + 1);
  output.push(text);
}

/** Variables that are declared inside end with the block. */
function runNodes(execution: Execution, nodes: Nodes, dot: GoValue): Flow {
  const { variables, call } = execution;
  if (++execution.depth > call.budget.depthMax) throw new LimitError("depth");
  const mark = variables.length;
  let flow: Flow = "next";
  for (const node of nodes) {
    call.budget.step(10);
    flow = runNode(execution, node, dot);
    if (flow !== "next") break;
  }
  variables.length = mark;
  execution.depth--;
  return flow;
}

function runNode(execution: Execution, node: Node, dot: GoValue): Flow {
  switch (node.kind) {
    case "text":
      write(execution, node.text);
      return "next";
    case "action": {
      const value = evaluate(execution, node.pipeline, dot);
      if (node.pipeline.variables.length === 0) write(execution, textOf(value, "<no value>"));
      return "next";
    }
    case "break":
    case "continue":
      return node.kind;
    case "range":
      return runRange(execution, node, dot);
    case "template":
      runTemplate(execution, node.name, node.pipeline === null ? undefined : evaluate(execution, node.pipeline, dot));
      return "next";
    case "if":
    case "with":
    default:
      return runCondition(execution, node, dot);
  }
}

type Block = Extract<Node, { readonly kind: "if" | "with" | "range" }>;

function runCondition(execution: Execution, node: Block, dot: GoValue): Flow {
  const mark = execution.variables.length;
  const value = evaluate(execution, node.pipeline, dot);
  const holds = isTrue(value);
  const flow = runNodes(execution, holds ? node.body : node.otherwise, holds && node.kind === "with" ? value : dot);
  execution.variables.length = mark;
  return flow;
}

function runTemplate(execution: Execution, name: string, dot: GoValue): void {
  const nodes = execution.defined.get(name);
  if (nodes === undefined) {
    throw new TemplateError(
      `template: template: executing "template" at <{{template "${name}"}}>: template "${name}" not defined`,
    );
  }
  runNodes({ ...execution, variables: [{ name: "$", value: dot }] }, nodes, dot);
}

function runRange(execution: Execution, node: Block, dot: GoValue): Flow {
  const { variables } = execution;
  const mark = variables.length;
  const value = evaluate(execution, { ...node.pipeline, variables: [] }, dot);
  const pairs = elementsOf(value, node.pipeline);
  const names = node.pipeline.variables;
  for (const [key, element] of pairs) {
    variables.length = mark;
    if (names.length === 2) assign(execution, node.pipeline, [key, element]);
    else if (names.length === 1) assign(execution, node.pipeline, [element]);
    if (runNodes(execution, node.body, element) === "break") break;
  }
  variables.length = mark;
  return pairs.length === 0 ? runNodes(execution, node.otherwise, dot) : "next";
}

/** Arrays with their indexes, objects with sorted keys, an integer as the numbers below it. */
function elementsOf(value: GoValue, pipeline: Pipeline): readonly (readonly [GoValue, GoValue])[] {
  if (value === null || value === undefined) return [];
  if (isArray(value as Value)) return (value as readonly Value[]).map((item, at) => [BigInt(at), item] as const);
  if (!(value instanceof GoFloat) && isPlainObject(value as Value)) {
    const object = value as { readonly [key: string]: Value };
    return sortedKeys(object).map((key) => [key, object[key] as Value] as const);
  }
  if (typeof value === "bigint" && value < 1_000_000n) {
    return Array.from({ length: Math.max(0, Number(value)) }, (_, at) => [BigInt(at), BigInt(at)] as const);
  }
  const text = pipeline.commands.map((command) => command.text).join(" | ");
  const place = pipeline.commands[0]?.args[0]?.place ?? "1:0";
  throw new TemplateError(
    `template: template:${place}: executing "template" at <${text}>: range can't iterate over ${textOf(value, "<nil>")}`,
  );
}

function assign(execution: Execution, pipeline: Pipeline, values: readonly GoValue[]): void {
  for (const [at, name] of pipeline.variables.entries()) {
    const value = values[at];
    if (pipeline.declares) execution.variables.push({ name, value });
    else {
      const variable = execution.variables.findLast((one) => one.name === name);
      if (variable === undefined) throw new TemplateError(`template: template:1: undefined variable "${name}"`);
      variable.value = value;
    }
  }
}

function evaluate(execution: Execution, pipeline: Pipeline, dot: GoValue): GoValue {
  let value: GoValue = undefined;
  for (const [at, command] of pipeline.commands.entries()) {
    value = runCommand(execution, command, dot, at === 0 ? [] : [value]);
  }
  if (pipeline.variables.length > 0) assign(execution, pipeline, [value]);
  return value;
}

/** A function with its arguments, and what comes down the pipe as the last one; or a value. */
function runCommand(execution: Execution, command: Command, dot: GoValue, piped: readonly GoValue[]): GoValue {
  const [first, ...rest] = command.args as readonly [Argument, ...Argument[]];
  const fail = (message: string): TemplateError =>
    new TemplateError(`template: template:${command.place}: executing "template" at <${command.text}>: ${message}`);
  if (first.operand.kind !== "function") {
    if (rest.length > 0 || piped.length > 0) throw fail(`can't give argument to non-function ${first.text}`);
    return argumentValue(execution, first, dot);
  }
  const run = templateFunctions.get(first.operand.name);
  if (run === undefined) throw fail(`"${first.operand.name}" is not a defined function`);
  const args = [...rest.map((arg) => argumentValue(execution, arg, dot)), ...piped];
  execution.call.budget.step(args.length * 4);
  const result = run(args, execution.call.budget);
  if ("error" in result) throw fail(`error calling ${first.operand.name}: ${result.error}`);
  return result.value;
}

function argumentValue(execution: Execution, argument: Argument, dot: GoValue): GoValue {
  let value = operandValue(execution, argument, dot);
  for (const field of argument.fields) value = fieldOf(value, field, argument);
  return value;
}

function operandValue(execution: Execution, { operand, text, place }: Argument, dot: GoValue): GoValue {
  switch (operand.kind) {
    case "dot":
      return dot;
    case "nil":
      return null;
    case "string":
    case "integer":
    case "float":
    case "boolean":
      return operand.kind === "float" ? new GoFloat(operand.value) : operand.value;
    case "pipeline":
      return evaluate(execution, operand.pipeline, dot);
    case "function":
      return runCommand(execution, { args: [{ operand, fields: [], text, place }], text, place }, dot, []);
    case "variable":
    default: {
      const variable = execution.variables.findLast((one) => one.name === operand.name);
      if (variable === undefined) throw new TemplateError(`template: template:1: undefined variable "${operand.name}"`);
      return variable.value;
    }
  }
}

/** A key that is not there is no error, and neither is a field of nothing; a field of a scalar is. */
function fieldOf(value: GoValue, field: string, { text, place }: Argument): GoValue {
  if (value === undefined || value === null) return undefined;
  if (!(value instanceof GoFloat) && isPlainObject(value as Value)) {
    const object = value as { readonly [key: string]: Value };
    return Object.hasOwn(object, field) ? object[field] : undefined;
  }
  throw new TemplateError(
    `template: template:${place}: executing "template" at <${text}>: can't evaluate field ${field} in type interface {}`,
  );
}

export const templateBuiltins: readonly Builtin[] = [
  {
    name: "strings.render_template",
    type: t.function([t.string, t.object(t.string, t.any)], t.string),
    evaluate: render,
  },
];
