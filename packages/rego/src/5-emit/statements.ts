// Statements. A scan is a `for` loop around the rest of its block, so failing is `continue`; `not`, `some` and `every`
// are labelled blocks that are left on success or failure; a comprehension is a labelled block that fills a local. No
// closure, generator or exception stands between a literal and the next.

import type { Block, Leaf, Operand, Replacement, Scan, Statement, Visible, With } from "../ir.ts";
import { condition, expression, operand, stateName } from "./expressions.ts";
import { type Flow, type Writer, fresh, line } from "./writer.ts";

export function emitBlock(writer: Writer, block: Block, flow: Flow): void {
  for (const statement of block) emitStatement(writer, statement, flow);
}

function emitStatement(writer: Writer, statement: Statement, flow: Flow): void {
  switch (statement.kind) {
    case "let": {
      const name = `v${statement.local}`;
      line(writer, `const ${name} = ${expression(writer, statement.value)};`);
      if (!statement.total) line(writer, `if (${name} === undefined) ${failing(writer, flow)}`);
      break;
    }
    case "test":
      line(writer, `if (!(${condition(writer, statement.test)})) ${failing(writer, flow)}`);
      break;
    case "scan":
      emitScan(writer, statement, flow);
      break;
    case "not":
      labelled(writer, (label) =>
        emitBlock(writer, statement.block, { ...quiet(flow), fail: `break ${label};`, succeed: failing(writer, flow) }),
      );
      break;
    case "some":
      emitSome(writer, statement.blocks, flow);
      break;
    case "every":
      emitEvery(writer, statement, flow);
      break;
    case "collect":
      emitCollect(writer, statement, flow);
      break;
    case "with":
      emitWith(writer, statement);
      break;
    case "literal":
      if (flow.literal !== null) Object.assign(flow.literal, { site: statement.site, visible: statement.visible });
      break;
    case "held":
      if (flow.literal !== null) Object.assign(flow.literal, { visible: statement.visible });
      line(writer, traceText(writer, "literal", statement.site, statement.visible));
      break;
    case "print":
      line(writer, `print(${stateName(statement.state)}, ${operand(writer, statement.value)}, ${statement.site});`);
      break;
    case "unbound":
      line(writer, `throw unbound(${operand(writer, statement.message)}, ${statement.site});`);
      break;
    case "succeed":
    case "append":
    case "result":
    case "contribute":
    case "solution":
      emitLeaf(writer, statement, flow);
      break;
    default:
      statement satisfies never;
  }
}

/** The statement that gives the current solution up. */
function failing(writer: Writer, flow: Flow): string {
  if (flow.literal === null) return flow.fail;
  const { site, visible } = flow.literal;
  return `{ ${traceText(writer, "fail", site, visible)} ${flow.fail} }`;
}

/** Failures inside `not` and the like are part of the literal around them. */
function quiet(flow: Flow): Flow {
  return { ...flow, literal: null };
}

export function traceText(writer: Writer, op: string, site: number, visible: readonly Visible[]): string {
  const names = visible.map(([name]) => name);
  const values = visible.map(([, value]) => operand(writer, value));
  const index = writer.traceNames.push(names) - 1;
  return `trace(s, ${traceOps.indexOf(op)}, ${site}, ${index}, [${values.join(", ")}]);`;
}

/** The order in which emitted code numbers the events of a trace. */
const traceOps: readonly string[] = ["enter", "exit", "literal", "fail"];

function labelled(writer: Writer, emit: (label: string) => void): void {
  const label = fresh(writer, "L");
  line(writer, `${label}: {`);
  emit(label);
  line(writer, "}");
}

export const fuel = "if (--b.fuel < 0) b.refill();";

function emitScan(writer: Writer, scan: Scan, flow: Flow): void {
  const label = fresh(writer, "L");
  const { depth } = scan;
  emitLoop(writer, scan, label, flow);
  emitBlock(writer, scan.block, {
    ...flow,
    fail: `continue ${label};`,
    loops: [...flow.loops, { label, depth }],
  });
  line(writer, "}");
}

type Loop = Pick<Scan, "source" | "key" | "value" | "ordered">;

function emitLoop(writer: Writer, { source, key, value, ordered }: Loop, label: string, flow: Flow): void {
  const from = operand(writer, source);
  const list = fresh(writer, "a");
  const at = fresh(writer, "i");
  const keyed = writer.used.has(key);
  if (!keyed) {
    line(writer, `const ${list} = ${ordered ? `sortedItems(${from}, b)` : `items(${from})`};`);
  } else {
    line(writer, `const k_${list} = ${ordered ? `sortedKeysOf(${from}, b)` : `keysOf(${from})`};`);
    line(writer, `const ${list} = elements(${from}, k_${list});`);
  }
  if (flow.literal !== null) {
    // A scan of nothing fails without a turn.
    const { site, visible } = flow.literal;
    line(writer, `if (${list}.length === 0) ${traceText(writer, "fail", site, visible)}`);
  }
  line(writer, `${label}: for (let ${at} = 0; ${at} < ${list}.length; ${at}++) {`);
  line(writer, fuel);
  if (keyed) line(writer, `const v${key} = k_${list} === null ? ${at} : k_${list}[${at}];`);
  line(writer, `const v${value} = ${list}[${at}];`);
}

function emitSome(writer: Writer, blocks: readonly Block[], flow: Flow): void {
  labelled(writer, (done) => {
    for (const block of blocks) {
      labelled(writer, (label) =>
        emitBlock(writer, block, { ...quiet(flow), fail: `break ${label};`, succeed: `break ${done};` }),
      );
    }
    line(writer, failing(writer, flow));
  });
}

function emitEvery(writer: Writer, every: Statement & { kind: "every" }, flow: Flow): void {
  const loop = fresh(writer, "L");
  const { source, value } = every;
  emitLoop(writer, { source, key: every.key, value, ordered: false }, loop, quiet(flow));
  labelled(writer, (label) =>
    emitBlock(writer, every.block, {
      ...quiet(flow),
      fail: `break ${label};`,
      succeed: `continue ${loop};`,
    }),
  );
  line(writer, failing(writer, flow));
  line(writer, "}");
}

const empty = { array: "[]", set: "new RegoSet()", object: "{}" } as const;

function emitCollect(writer: Writer, collect: Statement & { kind: "collect" }, flow: Flow): void {
  line(writer, `${collect.what === "object" ? "let" : "const"} v${collect.local} = ${empty[collect.what]};`);
  labelled(writer, (label) =>
    emitBlock(writer, collect.block, {
      ...quiet(flow),
      fail: `break ${label};`,
      exit: `break ${label};`,
      loops: [],
    }),
  );
}

function emitLeaf(writer: Writer, leaf: Leaf, flow: Flow): void {
  switch (leaf.kind) {
    case "succeed":
      line(writer, flow.succeed);
      break;
    case "append":
      line(writer, appendText(writer, leaf));
      line(writer, cut(flow, leaf.depth));
      break;
    case "result":
      traceExit(writer, flow, leaf.value);
      line(writer, resultText(writer, leaf.value, flow));
      if (flow.sink.kind === "compare") line(writer, cut(flow, leaf.depth));
      break;
    case "contribute":
      traceExit(writer, flow, leaf.value);
      line(writer, contributeText(writer, leaf, flow));
      line(writer, cut(flow, leaf.depth));
      break;
    case "solution":
      line(writer, pushText("o", `[${leaf.values.map((value) => operand(writer, value)).join(", ")}]`));
  }
}

/** Arrays are charged as they grow, so that none grows without end; short ones cost nothing. */
function pushText(to: string, value: string): string {
  return `${to}.push(${value}); if ((${to}.length & 1023) === 0) b.output(16384);`;
}

function traceExit(writer: Writer, flow: Flow, value: Operand): void {
  if (flow.literal === null) return;
  const text = traceText(writer, "exit", flow.sink.site, flow.literal.visible);
  line(writer, text.replace(/\);$/, `, ${operand(writer, value)});`));
}

function appendText(writer: Writer, leaf: Leaf & { kind: "append" }): string {
  const to = `v${leaf.to}`;
  const value = operand(writer, leaf.value);
  if (leaf.what === "array") return pushText(to, value);
  if (leaf.what === "set") return `addTo(${to}, ${value}, b);`;
  return `${to} = put(${to}, ${operand(writer, leaf.key as Operand)}, ${value}, ${leaf.site}, b);`;
}

function resultText(writer: Writer, value: Operand, flow: Flow): string {
  const text = operand(writer, value);
  if (flow.sink.kind !== "compare") return `return ${text};`;
  return compareText(text, flow.sink.site, flow.exit);
}

/** Takes a value of a rule whose values must agree. */
export function compareText(value: string, site: number, exit: string): string {
  return (
    `g = true; if (r === undefined) { r = ${value}; a = ${site}; } ` +
    `else if (!equals(r, ${value})) { x = conflict(x, r, a, ${value}, ${site}); ${exit} }`
  );
}

function contributeText(writer: Writer, leaf: Leaf & { kind: "contribute" }, flow: Flow): string {
  const { sink } = flow;
  const value = operand(writer, leaf.value);
  const { site } = sink;
  if (sink.kind === "set") return `addTo(o, ${value}, b);`;
  if (sink.kind === "put") {
    return `o = contribute(o, ${operand(writer, leaf.path[0] as Operand)}, ${value}, ${site}, b);`;
  }
  const path = leaf.path.map((key) => operand(writer, key)).join(", ");
  return `b.output(64); o.${leaf.what}([${path}], ${value}, S[${site}].span);`;
}

/** Leaves the loops that what was just given does not depend on. */
function cut(flow: Flow, depth: number): string {
  const innermost = flow.loops.at(-1);
  if (innermost === undefined || innermost.depth <= depth) return "";
  const keep = flow.loops.findLast((loop) => loop.depth <= depth);
  return keep === undefined ? flow.exit : `continue ${keep.label};`;
}

// ── with

function emitWith(writer: Writer, statement: With): void {
  const state = stateName(statement.state);
  const onlyInput = statement.data.length === 0 && statement.mocks.length === 0;
  line(writer, `const ${state} = fork(${stateName(statement.from)}, ${onlyInput});`);
  for (const { path, value } of statement.input) {
    line(writer, `${state}.input = ${replaced(writer, `${state}.input`, path, value)};`);
  }
  for (const { path, value, overlay } of statement.data) {
    line(writer, `${state}.data = ${replaced(writer, `${state}.data`, path, value)};`);
    if (overlay >= 0) line(writer, `${state}.x${overlay} = true;`);
  }
  for (const { mock, by } of statement.mocks) line(writer, `${state}.f${mock} = ${replacement(writer, by)};`);
}

function replaced(writer: Writer, tree: string, path: readonly Operand[], value: Operand): string {
  if (path.length === 0) return operand(writer, value);
  return `withPath(${tree}, [${path.map((key) => operand(writer, key)).join(", ")}], ${operand(writer, value)})`;
}

function replacement(writer: Writer, by: Replacement): string {
  if (by.kind === "function") return `r${by.function}`;
  return by.kind === "builtin" ? `standIn(b${by.builtin})` : `always(${operand(writer, by.value)})`;
}
