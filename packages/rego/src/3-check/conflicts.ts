// Rules of one name must agree: all functions of one arity, or all sets, or all values; one default; nothing below a
// rule with a complete value; no package where a rule is. OPA: v1/ast/compile.go checkRuleConflicts.

import { type Diagnostic, errorAt, type Span } from "@portcullis/lang";
import type { Module, Term } from "../ast.ts";
import { children, depthFirst, isGroundPath, type RuleEntry, type RuleNode } from "../ruletree.ts";
import type { OpaVersion } from "../program.ts";
import { compareLists, sameTerms } from "../terms.ts";
import { refText } from "../termtext.ts";
import { rewriteTerm } from "../visit.ts";
import { type Stage, writtenName } from "./stage.ts";

export function checkConflicts(modules: readonly Module[], stage: Stage): readonly Module[] {
  depthFirst(stage.tree, (node): void => {
    const error = node.rules.length === 0 ? undefined : conflictAt(node, stage);
    if (error !== undefined) stage.errors.push(error);
  });
  checkPackages(modules, stage);
  return modules;
}

function conflictAt(node: RuleNode, stage: Stage): Diagnostic | undefined {
  const { rules } = node;
  const first = rules[0] as RuleEntry;
  const name = pathText((rules.at(-1) as RuleEntry).path, stage);
  const below = rulesBelow(node);
  if (below.length > 0) {
    if (stage.environment.opa === "1.17") {
      const list = below.map(({ path }) => pathText(path, stage)).join(" ");
      return errorAt("rego_type_error", first.rule.span, `rule ${name} conflicts with [${list}]`);
    }
    const lines = below.map(({ path, rule }) => `\n  rule ${pathText(path, stage)} at ${place(rule.span)}`);
    return errorAt("rego_type_error", first.rule.span, `rule ${name} conflicts with:${lines.join("")}`);
  }
  if (mixed(rules, stage.environment.opa))
    return errorAt("rego_type_error", first.rule.span, `conflicting rules ${name} found`);
  const defaults = rules.filter(({ rule }) => rule.default);
  if (defaults.length < 2) return undefined;
  const places = defaults.map(({ rule }) => place(rule.span)).join(", ");
  const at = (defaults[0] as RuleEntry).module.package.span;
  return errorAt("rego_type_error", at, `multiple default rules ${name} found at ${places}`);
}

function mixed(rules: readonly RuleEntry[], opa: OpaVersion): boolean {
  const isSet = ({ rule }: RuleEntry): boolean => rule.head.value === null;
  const isComplete = (entry: RuleEntry): boolean => !isSet(entry) && isGroundPath(entry.path);
  const sets = rules.filter(isSet);
  const arities = new Set(rules.map(({ rule }) => rule.head.args?.length ?? 0));
  const complete = rules.filter(isComplete).length;
  const groundSets = sets.filter(({ path }) => isGroundPath(path)).length;
  return (
    (sets.length > 0 && sets.length < rules.length) ||
    arities.size > 1 ||
    (complete > 0 && complete < rules.length) ||
    (opa !== "1.17" && groundSets > 0 && groundSets < sets.length)
  );
}

/** What stands below a rule whose whole value is given, or functions below a rule with variables in its reference. */
function rulesBelow(node: RuleNode): readonly RuleEntry[] {
  if (node.children.size === 0) return [];
  if (node.rules.some(({ path }) => isGroundPath(path))) return flatten(node, () => true);
  return flatten(node, ({ rule }) => (rule.head.args?.length ?? 0) > 0);
}

/** Rules below a node, without those whose reference starts with that of another. */
function flatten(node: RuleNode, keep: (entry: RuleEntry) => boolean): readonly RuleEntry[] {
  let found: RuleEntry[] = [];
  for (const next of children(node)) {
    depthFirst(next, (below): void => {
      for (const entry of below.rules) {
        if (!keep(entry) || found.some((known) => startsWith(entry.path, known.path))) continue;
        found = [entry, ...found.filter((known) => !startsWith(known.path, entry.path))];
      }
    });
  }
  return found.toSorted((a, b) => compareLists(a.path, b.path));
}

function startsWith(path: readonly Term[], prefix: readonly Term[]): boolean {
  return prefix.length <= path.length && prefix.every((term, at) => sameTerms(term, path[at] as Term));
}

function place(span: Span): string {
  const { name } = span.source;
  const { line, column } = span.source.position(span.start);
  return name === "" ? `${line}:${column}` : `${name}:${line}`;
}

/** A rule's path with variables as they were written. */
export function pathText(path: readonly Term[], stage: Stage): string {
  const written = path.map((term) =>
    rewriteTerm(term, {
      term: (inner, descend) =>
        inner.kind === "var" ? { ...inner, name: writtenName(inner.name, [stage.names]) } : descend(inner),
    }),
  );
  return refText(written);
}

/** A rule and a package of the same path. */
function checkPackages(modules: readonly Module[], stage: Stage): void {
  const packages = new Map<string, Module[]>();
  for (const module of modules) {
    const key = JSON.stringify(module.package.path);
    packages.set(key, [...(packages.get(key) ?? []), module]);
  }
  for (const module of modules) {
    for (const rule of module.rules) {
      const path = plainPath(module, rule.head.reference);
      for (const other of path === null ? [] : (packages.get(JSON.stringify(path)) ?? [])) {
        if (other === module) continue;
        const text = `package ${packageText(other)} conflicts with rule ${refText(rule.head.reference)} defined at ${place(rule.span)}`;
        stage.errors.push(errorAt("rego_type_error", module.package.span, text));
      }
    }
  }
}

function packageText(module: Module): string {
  const { path, span } = module.package;
  return refText(path.slice(1).map((value): Term => ({ kind: "string", value, span })));
}

function plainPath(module: Module, reference: readonly Term[]): readonly string[] | null {
  const path = [...module.package.path];
  for (const [at, term] of reference.entries()) {
    if (at === 0 && term.kind === "var") path.push(term.name);
    else if (term.kind === "string") path.push(term.value);
    else return null;
  }
  return path;
}
