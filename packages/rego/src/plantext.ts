// A plan as text for people: one paragraph for each function, one line for each statement, indented as they nest.

import type {
  Block,
  Definition,
  Expression,
  Operand,
  Plan,
  PlannedFunction,
  Replacement,
  Statement,
  Test,
} from "./ir.ts";
import { format } from "./runtime/format.ts";

/** The plan, printed. Locals are `v0`, `v1`, …; constants print as Rego. */
export function planText(plan: Plan): string {
  return plan.functions.map((planned, index) => functionText(plan, planned, index)).join("\n");
}

function functionText(plan: Plan, planned: PlannedFunction, index: number): string {
  const { body } = planned;
  const notes = [planned.readsInput ? "" : "without input", planned.memo === "state" ? "once" : ""].filter(Boolean);
  const parameters = planned.parameters.map((local) => `v${local}`).join(", ");
  const lines = [`r${index} ${planned.name}(${parameters})${notes.length > 0 ? ` # ${notes.join(", ")}` : ""}`];
  if (body.kind === "complete") {
    for (const chain of body.chains) {
      chain.forEach((definition, at) => lines.push(...definitionText(plan, definition, at === 0 ? "rule" : "else")));
    }
    if (body.default !== null) lines.push(...definitionText(plan, body.default, "default"));
  } else if (body.kind === "partial") {
    for (const definition of body.definitions) lines.push(...definitionText(plan, definition, body.result));
  } else if (body.kind === "query") {
    lines.push(...blockText(plan, body.block));
  } else {
    for (const { key, function: child } of body.children) lines.push(`  ${format(key)}: r${child}`);
  }
  return `${lines.join("\n")}\n`;
}

function definitionText(plan: Plan, definition: Definition, word: string): readonly string[] {
  return [`  ${word}`, ...indented(blockText(plan, definition.block))];
}

function blockText(plan: Plan, block: Block): readonly string[] {
  return indented(block.flatMap((statement) => statementText(plan, statement)));
}

function indented(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `  ${line}`);
}

function statementText(plan: Plan, statement: Statement): readonly string[] {
  const of = (value: Expression): string => expressionText(plan, value);
  switch (statement.kind) {
    case "let":
      return [`v${statement.local} = ${of(statement.value)}`];
    case "test":
      return [testText(plan, statement.test)];
    case "scan":
      return [
        `for v${statement.key}, v${statement.value} in ${of(statement.source)}${statement.ordered ? " in order" : ""}`,
        ...blockText(plan, statement.block),
      ];
    case "not":
      return ["not", ...blockText(plan, statement.block)];
    case "some":
      return statement.blocks.flatMap((block, at) => [at === 0 ? "some" : "or", ...blockText(plan, block)]);
    case "every":
      return [
        `every v${statement.key}, v${statement.value} in ${of(statement.source)}`,
        ...blockText(plan, statement.block),
      ];
    case "collect":
      return [`v${statement.local} = ${statement.what} of`, ...blockText(plan, statement.block)];
    case "with":
      return [withText(plan, statement)];
    case "literal":
    case "held":
      return [];
    case "print":
      return [`print ${of(statement.value)}`];
    case "unbound":
      return [`error ${of(statement.message)}`];
    case "succeed":
      return ["succeed"];
    case "append":
      return [
        `append ${statement.key === null ? "" : `${of(statement.key)}: `}${of(statement.value)} to v${statement.to}`,
      ];
    case "result":
      return [`result ${of(statement.value)}`];
    case "contribute":
      return [`${statement.what} ${[...statement.path, statement.value].map(of).join(" → ")}`];
    case "solution":
      return [`solution ${statement.values.map(of).join(", ")}`];
    default:
      return statement satisfies never;
  }
}

function withText(plan: Plan, statement: Statement & { kind: "with" }): string {
  const of = (value: Operand): string => expressionText(plan, value);
  const path = (root: string, keys: readonly Operand[]): string =>
    [root, ...keys.map((key) => `[${of(key)}]`)].join("");
  const parts = [
    ...statement.input.map((part) => `${path("input", part.path)} as ${of(part.value)}`),
    ...statement.data.map((part) => `${path("data", part.path)} as ${of(part.value)}`),
    ...statement.mocks.map(({ mock, by }) => `f${mock} as ${replacementText(plan, by)}`),
  ];
  return `s${statement.state} = s${statement.from} with ${parts.join(", ")}`;
}

function replacementText(plan: Plan, by: Replacement): string {
  if (by.kind === "function") return `r${by.function}`;
  return by.kind === "value" ? expressionText(plan, by.value) : (plan.builtins[by.builtin]?.name ?? "");
}

function testText(plan: Plan, test: Test): string {
  const of = (value: Expression): string => expressionText(plan, value);
  switch (test.kind) {
    case "equal":
      return `${of(test.left)} ${test.negated ? "!=" : "=="} ${of(test.right)}`;
    case "true":
      return of(test.value);
    case "array":
      return `${of(test.value)} is an array of ${test.length}`;
    case "object":
      return `${of(test.value)} is an object of ${test.size}`;
    case "collection":
      return `${of(test.value)} is a collection`;
    case "never":
      return "never";
    default:
      return test satisfies never;
  }
}

function expressionText(plan: Plan, value: Expression): string {
  const of = (inner: Expression): string => expressionText(plan, inner);
  const list = (items: readonly Operand[]): string => items.map(of).join(", ");
  const state = "state" in value && value.state > 0 ? `s${value.state}.` : "";
  switch (value.kind) {
    case "local":
      return `v${value.local}`;
    case "constant":
      return format(plan.constants[value.constant] ?? null);
    case "input":
    case "data":
      return `${state}${value.kind}`;
    case "element":
      return `${of(value.of)}[${value.at}]`;
    case "path":
      return `${of(value.base)}${value.keys.map((key) => `[${of(key)}]`).join("")}`;
    case "call":
      return `${state}r${value.function}(${list(value.args)})`;
    case "builtin":
      return `${plan.builtins[value.builtin]?.name ?? ""}(${list(value.args)})`;
    case "child":
      return `${state}r${value.document}[${of(value.key)}]`;
    case "children":
      return `${state}keys of r${value.document}`;
    case "array":
      return `[${list(value.items)}]`;
    case "set":
      return `{${list(value.items)}}`;
    case "object":
      return `{${value.entries.map(([key, item]) => `${of(key)}: ${of(item)}`).join(", ")}}`;
    case "undefined":
      return "undefined";
    default:
      return value satisfies never;
  }
}
