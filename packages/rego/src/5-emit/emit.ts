// Phase 5: the plan as JavaScript. The text holds no word of the policy: constants, paths, places and built-ins are in
// tables that the loader passes in. A State is one evaluation: its input, its data, its budget and a slot for each rule.

import { type Plan } from "../ir.ts";
import type { Value } from "../runtime/value.ts";
import { emitChildren, emitFunction } from "./functions.ts";
import { runtimeNames } from "./runtime.ts";
import { type Writer, line } from "./writer.ts";

export interface EmitOptions {
  readonly trace?: boolean;
  readonly strictBuiltinErrors?: boolean;
}

export interface Emitted {
  /** The body of a function of `parameters` that gives a Linked. */
  readonly code: string;
  readonly plan: Plan;
  /** Constant paths, by the number in their name. */
  readonly paths: readonly (readonly Value[])[];
  readonly traceNames: readonly (readonly string[])[];
  readonly strict: boolean;
}

/** The names that emitted code may use besides its own: tables and the runtime. */
export const parameters: readonly string[] = ["K", "P", "B", "S", "R"];

export function emit(plan: Plan, options: EmitOptions = {}): Emitted {
  const writer: Writer = {
    plan,
    lines: [],
    next: 0,
    paths: new Map(),
    traceNames: [],
    used: new Set(),
    trace: options.trace === true,
    strict: options.strictBuiltinErrors === true,
  };
  plan.functions.forEach((planned, index) => {
    emitFunction(writer, planned, index);
    emitChildren(writer, planned, index);
  });
  const paths = [...writer.paths.values()].map(({ path }) => path);
  const lines = [...tables(plan, paths.length), ...stateClass(plan), ...writer.lines];
  const entries = [...plan.entries.values()].map((index) => `r${index}`).join(", ");
  const query = plan.query === null ? "null" : `r${plan.query.function}`;
  lines.push(`return { State, query: ${query}, entries: [${entries}] };`);
  return {
    code: `${lines.filter((text) => text !== "").join("\n")}\n`,
    plan,
    paths,
    traceNames: writer.traceNames,
    strict: writer.strict,
  };
}

function tables(plan: Plan, paths: number): readonly string[] {
  const table = (name: string, from: string, count: number): string =>
    count === 0
      ? ""
      : `const ${Array.from({ length: count }, (_, index) => `${name}${index} = ${from}[${index}]`).join(", ")};`;
  return [
    '"use strict";',
    `const { ${runtimeNames.join(", ")} } = R;`,
    table("k", "K", plan.constants.length),
    table("p", "P", paths),
    table("b", "B", plan.builtins.length),
  ];
}

function stateClass(plan: Plan): readonly string[] {
  const slots = plan.functions.flatMap((planned, index) => (planned.memo === "none" ? [] : [index]));
  const mocks = Array.from({ length: plan.mocks }, (_, index) => `f${index}`);
  const overlays = plan.overlays.map((_, index) => `x${index}`);
  const writer: { lines: string[] } = { lines: [] };
  const write = (text: string): void => line(writer as Writer, text);
  write("class State {");
  write("constructor(c, b, input, data, g) {");
  write("this.c = c; this.b = b; this.input = input; this.data = data; this.g = g === null ? this : g; this.u = null;");
  for (const slot of slots) write(`this.m${slot} = unset;`);
  for (const mock of mocks) write(`this.${mock} = null;`);
  for (const overlay of overlays) write(`this.${overlay} = false;`);
  write("}");
  write("}");
  write("function fork(s, onlyInput) {");
  write("const n = new State(s.c, s.b, s.input, s.data, onlyInput ? s.g : null);");
  for (const field of [...mocks, ...overlays]) write(`n.${field} = s.${field};`);
  write("return n;");
  write("}");
  write("function bare(s) {");
  write("if (s.u === null) {");
  write("const n = s.u = new State(s.c, s.b, s.input, s.data, null);");
  for (const field of overlays) write(`n.${field} = s.${field};`);
  write("}");
  write("return s.u;");
  write("}");
  return writer.lines;
}
