// Functions. Rules and documents keep their value in a slot of the state; what does not see the input keeps it in the
// state that all `with input` share. Where the values of a complete rule cannot differ the first one is returned;
// otherwise every definition runs and the values are compared. OPA: v1/topdown/eval.go evalVirtualComplete.

import type { Block, Complete, Definition, FunctionBody, Leaf, PlannedFunction } from "../ir.ts";
import { compare } from "../runtime/compare.ts";
import { type Choice, choiceOf } from "./choice.ts";
import { expression, operand, pathText } from "./expressions.ts";
import { compareText, emitBlock, fuel, traceText } from "./statements.ts";
import { type Flow, type Sink, type Writer, fresh, line } from "./writer.ts";

export function emitFunction(writer: Writer, planned: PlannedFunction, index: number): void {
  writer.used = usedLocals(planned.body);
  const parameters = ["s", ...planned.parameters.map((local) => `v${local}`)].join(", ");
  if (planned.memo === "none") {
    line(writer, `function r${index}(${parameters}) {`);
  } else {
    emitRemembering(writer, planned, index);
    line(writer, `function d${index}(${parameters}) {`);
  }
  line(writer, "const b = s.b;");
  line(writer, fuel);
  if (planned.overlays.length > 0) {
    const flags = planned.overlays.map((overlay) => `s.x${overlay}`).join(" || ");
    line(writer, `if (${flags}) return at(s.data, ${pathText(writer, planned.path)});`);
  }
  // Small functions are what compilers of JavaScript optimise: the definitions of a big rule become functions.
  const parts: Parts = {
    lines: [],
    split: isBig(planned.body),
    parameters: planned.parameters.map((local) => `v${local}`),
  };
  emitBody(writer, planned, index, parts);
  line(writer, "}");
  for (const text of parts.lines) line(writer, text);
}

/** Definitions that became functions of their own. */
interface Parts {
  readonly lines: string[];
  readonly split: boolean;
  readonly parameters: readonly string[];
}

function isBig(body: FunctionBody): boolean {
  if (body.kind !== "complete" && body.kind !== "partial") return false;
  const definitions = body.kind === "complete" ? body.chains.flat() : body.definitions;
  return definitions.length > 1 && (definitions.length > 40 || statementsIn(definitions) > 400);
}

function statementsIn(part: unknown): number {
  if (typeof part !== "object" || part === null) return 0;
  const own = Array.isArray(part) ? part.length : 0;
  return Object.values(part).reduce<number>((sum, child) => sum + statementsIn(child), own);
}

/** The function that looks whether the value is there already; `d` computes it. */
function emitRemembering(writer: Writer, planned: PlannedFunction, index: number): void {
  const isObject = planned.body.kind === "partial" && planned.body.result === "object";
  if (isObject) line(writer, `function r${index}(s) { return whole(l${index}(s)); }`);
  const name = isObject ? `l${index}` : `r${index}`;
  if (planned.memo === "arguments") {
    emitByArgument(writer, planned, index);
  } else {
    const slot = planned.pure ? `M${index}` : `s.m${index}`;
    if (planned.pure) line(writer, `let ${slot} = unset;`);
    line(writer, `function ${name}(s) {`);
    if (!planned.readsInput) line(writer, "s = s.g;");
    line(writer, `let m = ${slot};`);
    line(writer, `if (m === unset) { m = d${index}(s); ${slot} = m; }`);
    line(writer, "return m;");
    line(writer, "}");
  }
}

/**
 * Results by the one argument. A pure function keeps those of scalars for the life of the program; a bound keeps a loop
 * over millions of arguments from keeping them all, and long strings are not kept.
 */
function emitByArgument(writer: Writer, planned: PlannedFunction, index: number): void {
  const argument = `v${planned.parameters[0] ?? 0}`;
  const compute = `d${index}(s, ${argument})`;
  if (planned.pure) line(writer, `const M${index} = new Map();`);
  line(writer, `function r${index}(s, ${argument}) {`);
  if (!planned.readsInput) line(writer, "s = s.g;");
  line(writer, "let m;");
  if (planned.pure) {
    line(writer, `if (isShort(${argument})) m = M${index};`);
    line(writer, "else {");
  }
  line(writer, `m = s.m${index};`);
  line(writer, `if (m === unset) m = s.m${index} = new Map();`);
  if (planned.pure) line(writer, "}");
  line(writer, `let h = m.get(${argument});`);
  line(writer, "if (h === undefined) {");
  line(writer, `h = ${compute};`);
  line(writer, "if (m.size >= 1000) m.clear();");
  line(writer, `m.set(${argument}, h === undefined ? unset : h);`);
  line(writer, "}");
  line(writer, "return h === unset ? undefined : h;");
  line(writer, "}");
}

/** Locals that some statement reads; the others need not be written. */
function usedLocals(body: FunctionBody): ReadonlySet<number> {
  const text = JSON.stringify(body);
  return new Set(Array.from(text.matchAll(/"kind":"local","local":(\d+)/g), (match) => Number(match[1])));
}

function emitBody(writer: Writer, planned: PlannedFunction, index: number, parts: Parts): void {
  const { body } = planned;
  switch (body.kind) {
    case "complete":
      emitComplete(writer, body, index, parts);
      break;
    case "partial":
      emitPartial(writer, body, parts);
      break;
    case "query":
      line(writer, "const o = [];");
      emitDefinition(writer, { block: body.block, site: 0, headSite: 0 }, { kind: "solutions", site: 0 });
      line(writer, "return o;");
      break;
    case "document": {
      line(writer, "let o = {};");
      for (const child of body.children) {
        const value = fresh(writer, "t");
        line(writer, `const ${value} = r${child.function}(s);`);
        line(writer, `if (${value} !== undefined) o = assign(o, ${keyText(writer, child.key)}, ${value});`);
      }
      line(writer, `return mergeDocuments(at(s.data, ${pathText(writer, planned.path)}), o);`);
    }
  }
}

function keyText(writer: Writer, key: PlannedKey): string {
  return `${pathText(writer, [key])}[0]`;
}

type PlannedKey = (FunctionBody & { kind: "document" })["children"][number]["key"];

// ── complete rules

function emitComplete(writer: Writer, body: Complete, index: number, parts: Parts): void {
  const choice = writer.trace ? null : choiceOf(writer.plan, body);
  if (choice !== null && body.chains.flat().every(hasOneValue)) {
    emitChosen(writer, body, choice, index, parts);
    return;
  }
  const single = body.chains.length === 1 && body.chains[0]?.every(hasOneValue) === true;
  if (body.firstWins || single || body.chains.length === 0) {
    for (const definition of body.chains.flat()) {
      emitReturned(writer, definition, parts, body.what === "entry");
    }
  } else {
    emitCompared(writer, body, index, parts);
  }
  if (body.default === null) line(writer, "return undefined;");
  else emitDefinition(writer, body.default, { kind: "return", site: body.default.headSite });
}

/** Of many definitions the one that can hold. */
function emitChosen(writer: Writer, body: Complete, choice: Choice, index: number, parts: Parts): void {
  const subject = expression(writer, choice.subject);
  line(writer, `switch (N${index}.get(${subject})) {`);
  body.chains.flat().forEach((definition, at) => {
    line(writer, `case ${at}: {`);
    const rest = { ...definition, block: definition.block.slice(choice.skipped) };
    emitReturned(writer, rest, parts, false);
    line(writer, "break;");
    line(writer, "}");
  });
  line(writer, "}");
  if (body.default === null) line(writer, "return undefined;");
  else emitDefinition(writer, body.default, { kind: "return", site: body.default.headSite });
  const entries = choice.keys.map((key, at) => `[${operand(writer, key)}, ${at}]`);
  parts.lines.push(`const N${index} = new Map([${entries.join(", ")}]);`);
}

/** A definition whose first value is the rule's. */
function emitReturned(writer: Writer, definition: Definition, parts: Parts, isEntry: boolean): void {
  const sink: Sink = { kind: "return", site: definition.headSite };
  if (!parts.split) {
    emitDefinition(writer, definition, sink, isEntry);
    return;
  }
  const call = emitPart(writer, definition, sink, parts);
  const value = fresh(writer, "t");
  line(writer, `const ${value} = ${call};`);
  line(writer, `if (${value} !== undefined) return ${value};`);
}

/** A definition as a function of its own; the result is the call of it. */
function emitPart(writer: Writer, definition: Definition, sink: Sink, parts: Parts): string {
  const name = fresh(writer, "E");
  const collects = sink.kind !== "return";
  const parameters = ["s", ...(collects ? ["o"] : []), ...parts.parameters].join(", ");
  const inner: Writer = { ...writer, lines: parts.lines };
  line(inner, `function ${name}(${parameters}) {`);
  line(inner, "const b = s.b;");
  line(inner, fuel);
  emitDefinition(inner, definition, sink);
  line(inner, collects ? "return o;" : "return undefined;");
  line(inner, "}");
  return `${name}(${parameters})`;
}

function emitCompared(writer: Writer, body: Complete, index: number, parts: Parts): void {
  line(writer, "let r, a = 0, x = null, g = false;");
  line(writer, "try {");
  for (const chain of body.chains) {
    const label = fresh(writer, "C");
    line(writer, `${label}: {`);
    chain.forEach((definition, at) => {
      line(writer, at === 0 ? "g = false;" : `if (g) break ${label};`);
      if (parts.split && hasOneValue(definition)) emitComparedPart(writer, definition, parts);
      else emitDefinition(writer, definition, { kind: "compare", site: definition.site });
    });
    line(writer, "}");
  }
  line(writer, `} catch (e) { throw afterConflict(x, ${index}, e); }`);
  line(writer, `if (x !== null) throw conflictError(x, ${index});`);
  line(writer, "if (r !== undefined) return r;");
}

function emitComparedPart(writer: Writer, definition: Definition, parts: Parts): void {
  const value = fresh(writer, "t");
  const { site } = definition;
  line(writer, `const ${value} = ${emitPart(writer, definition, { kind: "return", site }, parts)};`);
  line(writer, `if (${value} !== undefined) {`);
  line(writer, compareText(value, site, ""));
  line(writer, "}");
}

function hasOneValue(definition: Definition): boolean {
  const leaf = leafOf(definition.block);
  return leaf.kind === "result" && leaf.depth === 0;
}

/** The leaf of a block is at the end of its innermost scan. */
function leafOf(block: Block): Leaf {
  const last = block.at(-1);
  return last?.kind === "scan" ? leafOf(last.block) : (last as Leaf);
}

function emitDefinition(writer: Writer, definition: Definition, sink: Sink, isEntry = false): void {
  const label = fresh(writer, "D");
  const end = `break ${label};`;
  const traced = writer.trace && sink.kind !== "solutions" && !isEntry;
  const literal: Flow["literal"] = traced ? { site: definition.headSite, visible: [] } : null;
  line(writer, `${label}: {`);
  if (traced) line(writer, traceText(writer, "enter", definition.headSite, []));
  emitBlock(writer, definition.block, { fail: end, succeed: end, exit: end, loops: [], sink, literal });
  line(writer, "}");
}

// ── partial rules

function emitPartial(writer: Writer, body: FunctionBody & { kind: "partial" }, parts: Parts): void {
  const leaves = body.definitions.map((definition) => leafOf(definition.block));
  const flat = leaves.every((leaf) => leaf.kind === "contribute" && leaf.what === "value" && leaf.path.length === 1);
  const kind = body.result === "set" ? "set" : flat ? "put" : "nested";
  line(writer, { set: "const o = new RegoSet();", put: "let o = {};", nested: "const o = new PartialObject();" }[kind]);
  for (const definition of body.definitions) {
    const sink: Sink = { kind, site: definition.headSite };
    if (!parts.split) emitDefinition(writer, definition, sink);
    else line(writer, `${kind === "put" ? "o = " : ""}${emitPart(writer, definition, sink, parts)};`);
  }
  line(writer, kind === "nested" ? "return o.finish();" : "return o;");
}

// ── documents

/** The child of a document at a key known only at run time, and the keys that it has. */
export function emitChildren(writer: Writer, planned: PlannedFunction, index: number): void {
  if (planned.body.kind !== "document") return;
  const { children } = planned.body;
  const base = `at(s.data, ${pathText(writer, planned.path)})`;
  const flags = planned.overlays.map((overlay) => ` && !s.x${overlay}`).join("");
  line(writer, `function c${index}(s, key) {`);
  line(writer, `if (typeof key === "string"${flags}) switch (key) {`);
  for (const { key, function: child } of children) {
    if (typeof key === "string") line(writer, `case ${keyText(writer, key)}: return r${child}(s);`);
  }
  line(writer, "}");
  for (const { key, function: child } of children) {
    if (typeof key !== "string") line(writer, `if (equals(key, ${keyText(writer, key)})${flags}) return r${child}(s);`);
  }
  line(writer, `return getStored(${base}, key);`);
  line(writer, "}");
  const keys = pathText(writer, children.map(({ key }) => key).toSorted(compare));
  const all = flags === "" ? keys : `${planned.overlays.map((overlay) => `s.x${overlay}`).join(" || ")} ? [] : ${keys}`;
  line(writer, `function q${index}(s) { return childKeys(${base}, ${all}); }`);
}
