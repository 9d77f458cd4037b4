// What planning carries along. A PlanContext gathers the whole plan; a Frame is one function being planned; a Scope is
// a place in it: which variables are bound to what, which state calls run in, and the block that statements go to.
// Blocks of comprehensions, `not` and `every` get a scope of their own, whose bindings end with them.

import type { Span } from "@portcullis/lang";
import type { Body, Term } from "../ast.ts";
import type { Builtin } from "../builtins/builtin.ts";
import type { Block, Expression, Local, Operand, PlannedFunction, Site, Statement, Visible } from "../ir.ts";
import { format } from "../runtime/format.ts";
import type { Value } from "../runtime/value.ts";
import type { RuleNode } from "./tree.ts";

export interface PlanContext {
  readonly tree: RuleNode;
  readonly lookup: (name: string) => Builtin | undefined;
  /** Whether literals are marked for traces. */
  readonly trace: boolean;
  /** Errors of built-ins end the query, so their order and number can be observed. */
  readonly strict: boolean;
  /** Whether anything prints, which makes the order of evaluation observable. */
  readonly prints: boolean;
  readonly constants: Value[];
  readonly constantIndex: Map<string, number>;
  readonly builtins: Builtin[];
  readonly sites: Site[];
  /** Targets of `with` below data, by their path as text; see targetKey. */
  readonly overlays: ReadonlyMap<string, { readonly index: number; readonly path: readonly string[] }>;
  /** Functions that some `with` replaces: `count`, or a path as text. */
  readonly mocks: ReadonlyMap<string, number>;
  readonly functions: (PlannedFunction | null)[];
  /** Functions by what they compute, planned or waiting. */
  readonly functionIndex: Map<string, number>;
  /** Functions whose turn comes later, so that long chains of rules do not nest. */
  readonly waiting: (() => void)[];
  /** For each function, what it calls; readsInput follows from it. */
  readonly calls: Map<number, Set<number>>;
  readonly inputReaders: Set<number>;
  /** Functions that read base documents or something else that is not the same in every evaluation. */
  readonly worldReaders: Set<number>;
  /** Names of variables as the user wrote them, when tracing. */
  readonly names: ReadonlyMap<string, string>;
  /** Terms, bodies, rules and documents need each other; these close the circle. */
  readonly rule: (context: PlanContext, index: number, node: RuleNode, demanded: readonly KeyPath[]) => void;
  readonly document: (context: PlanContext, index: number, node: RuleNode) => void;
  readonly value: (scope: Scope, term: Term) => Operand;
  readonly body: (scope: Scope, body: Body, leaf: (scope: Scope) => void) => void;
}

/** Where in the key of a partial set a value is known: `{"field": x}` at ["field"]. */
export type KeyPath = readonly Value[];

export interface Frame {
  readonly context: PlanContext;
  readonly index: number;
  /** For each local, how many scans its value depends on. */
  readonly depths: number[];
  states: number;
  /** The literal being planned. */
  span: Span | null;
}

export interface Scope {
  readonly frame: Frame;
  readonly bound: Map<string, Operand>;
  /** Expressions that were computed on the way here, with the operand that holds them. */
  readonly computed: Map<string, Operand>;
  state: number;
  block: Block;
  /** Scans passed on the way here. */
  depth: number;
  readonly ordered: boolean;
}

export function newFrame(context: PlanContext, index: number): Frame {
  return { context, index, depths: [], states: 1, span: null };
}

export function newScope(frame: Frame, ordered: boolean): Scope {
  return {
    frame,
    bound: new Map(),
    computed: new Map(),
    state: 0,
    block: [],
    depth: 0,
    ordered: ordered || frame.context.prints,
  };
}

/** A scope inside another, with a block of its own. What it binds is not seen outside. */
export function innerScope(scope: Scope, ordered: boolean): Scope {
  return {
    ...scope,
    bound: new Map(scope.bound),
    computed: new Map(scope.computed),
    block: [],
    ordered: ordered || scope.frame.context.prints,
  };
}

export function add(scope: Scope, statement: Statement): void {
  scope.block.push(statement);
}

/** A new local whose value depends on that many scans. */
export function newLocal(scope: Scope, depth: number): Local {
  return scope.frame.depths.push(depth) - 1;
}

export function localOperand(local: Local): Operand {
  return { kind: "local", local };
}

export function constant(context: PlanContext, value: Value): Operand {
  const key = format(value);
  let index = context.constantIndex.get(key);
  if (index === undefined) {
    index = context.constants.push(value) - 1;
    context.constantIndex.set(key, index);
  }
  return { kind: "constant", constant: index };
}

export function site(context: PlanContext, span: Span): number {
  const last = context.sites.at(-1);
  if (last?.span === span) return context.sites.length - 1;
  return context.sites.push({ span }) - 1;
}

/**
 * A variable whose only value comes from the term that it stands in: `x = {x}`. The safety check does not look into sets
 * and keys, so OPA compiles it, and ends with an internal error, or never, once it is reached.
 */
export function unbound(scope: Scope, message: string, span: Span): Operand {
  const { context } = scope.frame;
  add(scope, { kind: "unbound", message: constant(context, message), site: site(context, scope.frame.span ?? span) });
  return constant(context, null);
}

export function builtinIndex(context: PlanContext, builtin: Builtin): number {
  const known = context.builtins.indexOf(builtin);
  return known === -1 ? context.builtins.push(builtin) - 1 : known;
}

/**
 * Puts an expression into a local and fails where it is undefined. Operands stay as they are, and what was computed
 * before is not computed again: values never change within a state.
 */
export function defined(scope: Scope, value: Expression): Operand {
  if (value.kind === "local" || value.kind === "constant") return value;
  const key = isRepeatable(scope, value) ? JSON.stringify(value, withoutSite) : null;
  const known = key === null ? undefined : scope.computed.get(key);
  if (known !== undefined) return known;
  const local = newLocal(scope, depthOf(scope, value));
  add(scope, { kind: "let", local, value, total: totals.has(value.kind) });
  const operand = localOperand(local);
  if (key !== null) scope.computed.set(key, operand);
  return operand;
}

/** Expressions that are never undefined. */
const totals: ReadonlySet<Expression["kind"]> = new Set(["array", "set", "object", "children", "element"]);

function withoutSite(name: string, part: unknown): unknown {
  return name === "site" ? undefined : part;
}

/** Whether a second evaluation would give the same and can be left out. */
function isRepeatable(scope: Scope, value: Expression): boolean {
  if (value.kind === "path") return isRepeatable(scope, value.base);
  if (value.kind === "builtin")
    return !scope.frame.context.strict && value.mock === null && isPure(scope, value.builtin);
  return value.kind !== "undefined";
}

function isPure(scope: Scope, index: number): boolean {
  const builtin = scope.frame.context.builtins[index];
  return builtin?.nondeterministic !== true && builtin?.type.result !== null;
}

/** How many scans a value depends on: within them it is the same at each turn of deeper ones. */
export function depthOf(scope: Scope, value: Expression): number {
  switch (value.kind) {
    case "local":
      return scope.frame.depths[value.local] ?? 0;
    case "constant":
      return 0;
    case "element":
      return depthOf(scope, value.of);
    case "path":
      return Math.max(depthOf(scope, value.base), deepest(scope, value.keys));
    case "array":
    case "set":
      return deepest(scope, value.items);
    case "object":
      return deepest(scope, value.entries.flat());
    case "call":
    case "builtin":
      return value.state === 0 ? deepest(scope, value.args) : scope.depth;
    case "child":
      return value.state === 0 ? depthOf(scope, value.key) : scope.depth;
    case "input":
    case "data":
    case "children":
    case "undefined":
      // What a replaced state gives may depend on anything that was bound when it was made.
      return "state" in value && value.state !== 0 ? scope.depth : 0;
    default:
      return value satisfies never;
  }
}

export function deepest(scope: Scope, operands: readonly Operand[]): number {
  return operands.reduce((depth, operand) => Math.max(depth, depthOf(scope, operand)), 0);
}

/** More loops than this in each other are a policy that nobody wrote by hand, and more than JavaScript's parser likes. */
const depthMax = 200;

/** A policy that nests more loops than can be compiled. */
export class NestingError extends Error {
  readonly span: Span | null;

  constructor(span: Span | null) {
    super(`more than ${depthMax} loops inside each other`);
    this.name = "NestingError";
    this.span = span;
  }
}

/** Starts a scan: whatever is planned after it in this scope goes into its block. */
export function scan(scope: Scope, source: Operand): { readonly key: Operand; readonly value: Operand } {
  scope.depth++;
  if (scope.depth > depthMax) throw new NestingError(scope.frame.span);
  const key = newLocal(scope, scope.depth);
  const value = newLocal(scope, scope.depth);
  const block: Block = [];
  add(scope, { kind: "scan", source, key, value, ordered: scope.ordered, depth: scope.depth, block });
  scope.block = block;
  return { key: localOperand(key), value: localOperand(value) };
}

/** The variables bound here that the user wrote, for traces. */
export function visible(scope: Scope): readonly Visible[] {
  const result: Visible[] = [];
  for (const [name, operand] of scope.bound) {
    const written = scope.frame.context.names.get(name);
    if (written !== undefined) result.push([written, operand]);
  }
  return result;
}
