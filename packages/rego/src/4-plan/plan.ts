// Phase 4: the checked tree becomes the plan. Only what the query or an entry point reaches is planned. At the end it
// is known which functions can see the input, so that the others keep their values under `with input as …`.

import { type Out, Source, errorAt, spanOf } from "@portcullis/lang";
import type { Checked, CheckedQuery, RefTerm, Term } from "../ast.ts";
import type { Builtin } from "../builtins/builtin.ts";
import type { Plan, PlannedFunction } from "../ir.ts";
import { walk } from "../visit.ts";
import { reserve } from "./documents.ts";
import { planBody } from "./literals.ts";
import { countCalls, memoOf } from "./memo.ts";
import { planDocument, planEntry, planRule } from "./rules.ts";
import { NestingError, type PlanContext, add, newFrame, newScope } from "./scope.ts";
import { planValue } from "./terms.ts";
import { buildTree } from "./tree.ts";
import { findTargets } from "./with.ts";

export interface PlanOptions {
  /** Built-ins by name, with the extra ones and without the disabled. */
  readonly lookup: (name: string) => Builtin | undefined;
  /** Rules or documents to be called by name: `data.a.p`. */
  readonly entrypoints?: readonly string[];
  readonly trace?: boolean;
  readonly strictBuiltinErrors?: boolean;
}

/** Null, with a diagnostic, for a policy that nests too deeply to be compiled. */
export function plan(checked: Checked, options: PlanOptions): Out<Plan | null> {
  try {
    return { value: planAll(checked, options), diagnostics: [] };
  } catch (error) {
    if (!(error instanceof NestingError)) throw error;
    return { value: null, diagnostics: [errorAt("nesting-limit", error.span, error.message)] };
  }
}

function planAll(checked: Checked, options: PlanOptions): Plan {
  const context = newContext(checked, options);
  const query = checked.query === null ? null : planQuery(context, checked.query);
  const entries = new Map<string, number>();
  for (const name of options.entrypoints ?? []) {
    const index = reserve(context);
    entries.set(name, index);
    planEntry(context, index, entryTerm(name));
  }
  for (let next = context.waiting.pop(); next !== undefined; next = context.waiting.pop()) next();
  const readers = callersOf(context, context.inputReaders);
  const impure = callersOf(context, context.worldReaders);
  const observed = context.prints || context.trace;
  const functions = context.functions as PlannedFunction[];
  const calls = countCalls(functions);
  return {
    functions: functions.map((planned, index) => {
      const readsInput = readers.has(index);
      const pure = !readsInput && !impure.has(index) && !observed;
      const facts = { readsInput, pure, memo: memoOf(planned, calls, index) };
      return Object.assign({}, planned, facts);
    }),
    constants: context.constants,
    builtins: context.builtins,
    sites: context.sites,
    overlays: [...context.overlays.values()].map(({ path }) => path),
    mocks: context.mocks.size,
    query,
    entries,
  };
}

function newContext(checked: Checked, options: PlanOptions): PlanContext {
  const tree = buildTree(checked.modules);
  const nodes = [...checked.modules, ...(checked.query === null ? [] : [checked.query.body])];
  return {
    tree,
    lookup: options.lookup,
    trace: options.trace === true,
    strict: options.strictBuiltinErrors === true,
    prints: nodes.some(hasPrint),
    constants: [],
    constantIndex: new Map(),
    builtins: [],
    sites: [],
    ...findTargets(nodes, tree, options.lookup),
    functions: [],
    functionIndex: new Map(),
    waiting: [],
    calls: new Map(),
    inputReaders: new Set(),
    worldReaders: new Set(),
    names: checked.written,
    rule: planRule,
    document: planDocument,
    value: planValue,
    body: planBody,
  };
}

type Root = Parameters<typeof walk>[0];

function hasPrint(node: Root): boolean {
  let found = false;
  const isPrint = (operator: Term): boolean =>
    operator.kind === "ref" && operator.head.kind === "var" && operator.head.name === "internal";
  walk(node, {
    expr: (expr) => {
      if (expr.kind === "call" && isPrint(expr.operator)) {
        const [part] = expr.operator.path;
        if (part?.kind === "string" && part.value === "print") found = true;
      }
    },
  });
  return found;
}

function planQuery(context: PlanContext, query: CheckedQuery): Plan["query"] {
  const index = reserve(context);
  const scope = newScope(newFrame(context, index), true);
  const { block } = scope;
  const locals = [...query.variables.values()];
  context.body(scope, query.body, (leaf) => {
    const span = query.body[0]?.span ?? spanOf(new Source("query", ""), 0, 0);
    const values = locals.map((name) => context.value(leaf, { kind: "var", name, span }));
    add(leaf, { kind: "solution", values });
  });
  context.functions[index] = {
    name: "query",
    parameters: [],
    body: { kind: "query", block },
    readsInput: true,
    pure: false,
    memo: "none",
    overlays: [],
    path: [],
    locals: scope.frame.depths.length,
  };
  return { function: index, variables: [...query.variables.keys()] };
}

/** `data.a["b-c"].d` as a reference. */
function entryTerm(name: string): RefTerm {
  const source = new Source("entrypoint", name);
  const span = spanOf(source, 0, name.length);
  const path: Term[] = [];
  for (const match of name.matchAll(/\.([A-Za-z_]\w*)|\["((?:[^"\\]|\\.)*)"\]/g)) {
    const value = match[1] ?? (JSON.parse(`"${match[2] ?? ""}"`) as string);
    path.push({ kind: "string", value, span });
  }
  return { kind: "ref", head: { kind: "var", name: "data", span }, path, span };
}

/** These functions, and those that call them directly or through others. */
function callersOf(context: PlanContext, functions: ReadonlySet<number>): ReadonlySet<number> {
  const callers = new Map<number, number[]>();
  for (const [from, targets] of context.calls) {
    for (const target of targets) {
      const known = callers.get(target);
      if (known === undefined) callers.set(target, [from]);
      else known.push(from);
    }
  }
  const readers = new Set<number>();
  const waiting = [...functions];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (readers.has(next)) continue;
    readers.add(next);
    waiting.push(...(callers.get(next) ?? []));
  }
  return readers;
}
