// What the user reads about unsafe variables: each once, where it is read first, by the name that was written. When
// all that is unsafe was made up by a rewrite, the literals are named instead. Left sides of `:=` are left out where
// something else explains them. OPA: v1/ast/compile.go checkSafetyRuleHeads, safetyErrorSlice.

import { type Diagnostic, errorAt, type Span } from "@portcullis/lang";
import type { Expr, Module, Rule } from "../ast.ts";
import type { Names } from "../names.ts";
import { compareStrings } from "../runtime/compare.ts";
import { compareLists, groundPrefix } from "../terms.ts";
import { refText } from "../termtext.ts";
import { vars } from "../visit.ts";
import type { Unsafe } from "./safety.ts";
import { isMadeUp, writtenName } from "./stage.ts";

export function unsafeVar(span: Span, name: string, scope: string): Diagnostic {
  return errorAt("rego_unsafe_var_error", span, `var ${shown(name)} is unsafe${scope}`);
}

/** `scope` is " in rule p" where one line holds several rules. */
export function unsafeErrors(unsafe: Unsafe, names: readonly Names[], scope: string): readonly Diagnostic[] {
  if (unsafe.size === 0) return [];
  const assigned = assignedVars(unsafe, names);
  const found = firstPlaces(unsafe).filter(({ name }) => !isMadeUp(name, names));
  const isAssigned = (name: string): boolean => assigned.has(name) || assigned.has(writtenName(name, names));
  const others = found.filter(({ name }) => !isAssigned(name));
  const reported = (others.length > 0 ? others : found).map(({ name, span }) => {
    const written = writtenName(name, names);
    if (!futureKeywords.has(written)) return unsafeVar(span, written, scope);
    const hint = `(hint: \`import future.keywords.${written}\` to import a future keyword)`;
    return errorAt("rego_unsafe_var_error", span, `var ${written} is unsafe${scope} ${hint}`);
  });
  return reported.length > 0 ? reported : unsafeLiterals(unsafe, names, scope);
}

const futureKeywords: ReadonlySet<string> = new Set(["in", "every", "contains", "if", "not", "and", "or"]);

function shown(name: string): string {
  return name.startsWith("$") ? "_" : name;
}

interface Place {
  readonly name: string;
  readonly span: Span;
}

/** Each variable with the first literal that it makes unsafe, in order of the text. */
function firstPlaces(unsafe: Unsafe): readonly Place[] {
  const places = new Map<string, Span>();
  for (const [expr, open] of unsafe) {
    for (const name of open) {
      const known = places.get(name);
      if (known === undefined || compareSpans(expr.span, known) < 0) places.set(name, expr.span);
    }
  }
  return [...places]
    .map(([name, span]) => ({ name, span }))
    .toSorted((a, b) => compareSpans(a.span, b.span) || compareStrings(a.name, b.name));
}

function assignedVars(unsafe: Unsafe, names: readonly Names[]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const expr of unsafe.keys()) {
    const [left] = expr.kind === "call" && expr.assignment === true ? expr.args : [];
    if (left === undefined) continue;
    for (const name of vars(left)) found.add(name).add(writtenName(name, names));
  }
  return found;
}

/** One error for each variable at most: a literal is named when it has one that no literal before had. */
function unsafeLiterals(unsafe: Unsafe, names: readonly Names[], scope: string): readonly Diagnostic[] {
  const seen = new Set<string>();
  const errors: Diagnostic[] = [];
  const sorted = [...unsafe].toSorted(([a], [b]) => compareSpans(a.span, b.span));
  for (const [expr, open] of sorted as readonly (readonly [Expr, ReadonlySet<string>])[]) {
    const before = seen.size;
    for (const name of open) if (isMadeUp(name, names)) seen.add(name);
    if (seen.size > before) errors.push(errorAt("rego_unsafe_var_error", expr.span, `expression is unsafe${scope}`));
  }
  return errors;
}

function compareSpans(a: Span, b: Span): number {
  return compareStrings(a.source.name, b.source.name) || a.start - b.start;
}

/** " in rule p" for rules on lines that hold rules of several names, else nothing. OPA: ruleScopes. */
export function ruleScopes(module: Module): (rule: Rule) => string {
  const lineOf = (rule: Rule): number => rule.span.source.position(rule.span.start).line;
  const first = new Map<number, Rule>();
  const shared = new Set<number>();
  for (const rule of module.rules) {
    for (let link: Rule | null = rule; link !== null; link = link.else) {
      const line = lineOf(link);
      const other = first.get(line);
      if (other === undefined) first.set(line, link);
      else if (compareLists(ruleName(other), ruleName(link)) !== 0) shared.add(line);
    }
  }
  return (rule) => (shared.has(lineOf(rule)) ? ` in rule ${refText(ruleName(rule))}` : "");
}

function ruleName(rule: Rule): readonly Rule["head"]["reference"][number][] {
  return groundPrefix(rule.head.reference);
}
