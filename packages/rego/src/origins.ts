// Where a variable gets its value: the input, a rule, a constant collection, a built-in, or the head of its rule. Only
// the message of a possible recursion needs it. OPA: v1/ast/compile.go varOrigins.

import type { Rule, Term } from "./ast.ts";
import { constantPrefix, dottedName, isEquality, refTerms } from "./terms.ts";
import { isConstant } from "./visit.ts";
import { lookup } from "./builtins/registry.ts";

export type Origin =
  | { readonly kind: "input" | "rule"; readonly path: readonly Term[] }
  | { readonly kind: "collection"; readonly collection: Term }
  | { readonly kind: "builtin"; readonly name: string }
  | { readonly kind: "key" | "argument" };

/** Origins of the variables in a reference of the literal at an index. */
export function originsOf(rule: Rule, at: number, reference: readonly Term[]): ReadonlyMap<string, Origin> {
  const bindings = new Map<string, Term>();
  const outputs = new Map<string, string>();
  for (const expr of rule.body.slice(0, at)) {
    if (expr.negated || expr.with.length > 0 || expr.kind !== "call") continue;
    if (isEquality(expr)) {
      const [left, right] = expr.args;
      if (left.kind === "var" && !bindings.has(left.name)) bindings.set(left.name, right);
      if (right.kind === "var" && !bindings.has(right.name)) bindings.set(right.name, left);
      continue;
    }
    const name = dottedName(expr.operator) ?? "";
    const output = expr.args.at(-1);
    const arity = lookup(name)?.type.args.length;
    if (output?.kind === "var" && arity !== undefined && expr.args.length === arity + 1) outputs.set(output.name, name);
  }
  const sources: Sources = { bindings, outputs, heads: headOrigins(rule), limit: rule.body.length };
  const origins = new Map<string, Origin>();
  for (const term of reference.slice(1)) {
    const origin = term.kind === "var" ? originOf(term.name, sources, 0) : undefined;
    if (term.kind === "var" && origin !== undefined) origins.set(term.name, origin);
  }
  return origins;
}

interface Sources {
  readonly bindings: ReadonlyMap<string, Term>;
  readonly outputs: ReadonlyMap<string, string>;
  readonly heads: ReadonlyMap<string, Origin>;
  /** A chain of bindings longer than the body loops. */
  readonly limit: number;
}

function headOrigins(rule: Rule): ReadonlyMap<string, Origin> {
  const found = new Map<string, Origin>();
  const { head } = rule;
  for (const term of [...head.reference.slice(1), head.key]) {
    if (term?.kind === "var") found.set(term.name, { kind: "key" });
  }
  for (const term of head.args ?? []) if (term.kind === "var") found.set(term.name, { kind: "argument" });
  return found;
}

function originOf(name: string, sources: Sources, depth: number): Origin | undefined {
  if (depth > sources.limit) return undefined;
  const builtin = sources.outputs.get(name);
  if (builtin !== undefined) return { kind: "builtin", name: builtin };
  const term = sources.bindings.get(name);
  if (term?.kind === "var") return originOf(term.name, sources, depth + 1);
  if (term?.kind === "ref") {
    const path = refTerms(term);
    const root = term.head.kind === "var" ? term.head.name : "";
    // What the values come from is shown, not the index by which the body reads them.
    if (root === "input") return { kind: "input", path: constantPrefix(path) };
    if (root === "data") return { kind: "rule", path: constantPrefix(path) };
    const key = path.length === 2 ? path[1] : undefined;
    const collection = key === undefined || isConstant(key) ? undefined : collectionOf(term.head, sources, depth);
    if (collection !== undefined) return { kind: "collection", collection };
  }
  return sources.heads.get(name);
}

function collectionOf(start: Term, sources: Sources, depth: number): Term | undefined {
  let term = start;
  for (let step = depth; term.kind === "var" && step <= sources.bindings.size; step++) {
    const next = sources.bindings.get(term.name);
    if (next === undefined) return undefined;
    term = next;
  }
  const isCollection = term.kind === "array" || term.kind === "set" || term.kind === "object";
  return isCollection && isConstant(term) ? term : undefined;
}
