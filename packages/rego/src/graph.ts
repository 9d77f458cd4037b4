// Which rule depends on which: an edge for every rule that a reference in its head or body may mean. Where only the
// value of a variable decides, the reference is kept with the edge, so that a cycle through it can be reported as
// possible and with its reason. OPA: v1/ast/compile.go Graph, walkRuleDependencies.

import type { Rule, Term } from "./ast.ts";
import { type Origin, originsOf } from "./origins.ts";
import { type Known, constantBindings, expandReference, knownBefore } from "./narrowing.ts";
import type { OpaVersion } from "./program.ts";
import { type RuleEntry, type RuleNode, rulesMeant } from "./ruletree.ts";
import { compareTerms, refTerms } from "./terms.ts";
import { isConstant, vars, walkExpr, walkTerm } from "./visit.ts";

/** One link of an else chain; links are numbered through, the first has its entry's number. */
export interface Link {
  readonly id: number;
  readonly rule: Rule;
  readonly entry: RuleEntry;
}

/** A reference that may mean a rule only through the value of a variable. */
export interface DynamicReference {
  /** As written, and with the variables replaced whose value is known. */
  readonly reference: readonly Term[];
  readonly selected: readonly Term[];
  /** Variables that may have a value when the reference is evaluated. */
  readonly bound: ReadonlySet<string>;
  readonly origins: ReadonlyMap<string, Origin>;
  readonly entries: readonly RuleEntry[];
}

export interface Graph {
  readonly links: readonly Link[];
  readonly dependencies: ReadonlyMap<number, ReadonlySet<number>>;
  /** The same edges the other way. */
  readonly dependents: ReadonlyMap<number, readonly number[]>;
  readonly dynamic: ReadonlyMap<number, readonly DynamicReference[]>;
}

/** OPA 1.17 takes a variable for anything, and a rule with variables in its reference for all below its ground part. */
export function ruleGraph(entries: readonly RuleEntry[], tree: RuleNode, opa: OpaVersion): Graph {
  const links = entries.flatMap(linksOf);
  const dependencies = new Map<number, ReadonlySet<number>>();
  const dynamic = new Map<number, readonly DynamicReference[]>();
  for (const link of links) {
    const found = opa === "1.17" ? plainDependenciesOf(link.rule, tree) : dependenciesOf(link.rule, tree);
    const targets = new Set<number>();
    for (const { entry } of found) for (const { id } of linksOf(entry)) targets.add(id);
    dependencies.set(link.id, targets);
    const references = dynamicReferences(link.rule, found);
    if (references.length > 0) dynamic.set(link.id, references);
  }
  return { links, dependencies, dependents: reversed(dependencies), dynamic };
}

function reversed(edges: ReadonlyMap<number, ReadonlySet<number>>): ReadonlyMap<number, readonly number[]> {
  const back = new Map<number, number[]>();
  for (const [from, targets] of edges) {
    for (const to of targets) {
      const known = back.get(to);
      if (known === undefined) back.set(to, [from]);
      else known.push(from);
    }
  }
  return back;
}

/** Links from which a cycle can be reached: what is left when links without dependencies are taken away, and so on. */
export function leadingToCycles(graph: Graph): ReadonlySet<number> {
  const open = new Map([...graph.dependencies].map(([id, targets]) => [id, targets.size]));
  const done = [...open].filter(([, count]) => count === 0).map(([id]) => id);
  for (const id of done) {
    open.delete(id);
    for (const from of graph.dependents.get(id) ?? []) {
      const left = (open.get(from) ?? 0) - 1;
      open.set(from, left);
      if (left === 0) done.push(from);
    }
  }
  return new Set(open.keys());
}

/** The same graph over rules that were rewritten since. */
export function withRules(graph: Graph, entries: readonly RuleEntry[]): Graph {
  return { ...graph, links: entries.flatMap(linksOf) };
}

function linksOf(entry: RuleEntry): readonly Link[] {
  const links: Link[] = [];
  let { id } = entry;
  for (let rule: Rule | null = entry.rule; rule !== null; rule = rule.else) links.push({ id: id++, rule, entry });
  return links;
}

function plainDependenciesOf(rule: Rule, tree: RuleNode): readonly Dependency[] {
  const found: Dependency[] = [];
  const visitor = {
    term: (term: Term): void => {
      if (term.kind !== "ref") return;
      const reference = refTerms(term);
      for (const entry of rulesMeant(tree, reference, false)) {
        found.push({ reference, selected: reference, at: 0, entry, static: true });
      }
    },
  };
  for (const expr of rule.body) walkExpr(expr, visitor);
  for (const term of [...(rule.head.args ?? []), rule.head.key, rule.head.value]) {
    if (term !== null) walkTerm(term, visitor);
  }
  return found;
}

interface Dependency {
  readonly reference: readonly Term[];
  readonly selected: readonly Term[];
  /** Index of the literal; the body's length for the head. */
  readonly at: number;
  readonly entry: RuleEntry;
  readonly static: boolean;
}

function dependenciesOf(rule: Rule, tree: RuleNode): readonly Dependency[] {
  const found: Dependency[] = [];
  const bindings = constantBindings(rule.body);
  const visitorAt = (at: number): { term: (term: Term) => void } => {
    let known: Known | null = null;
    let bound: ReadonlySet<string> | null = null;
    return {
      term: (term) => {
        if (term.kind !== "ref") return;
        const reference = refTerms(term);
        if (reference.every((part, index) => index === 0 || isConstant(part))) {
          for (const entry of rulesMeant(tree, reference)) {
            found.push({ reference, selected: reference, at, entry, static: true });
          }
          return;
        }
        known ??= knownBefore(bindings, at);
        bound ??= varsBefore(rule, at);
        const expanded = expandReference(reference, known);
        const selected = expanded.length === 1 ? (expanded[0] as readonly Term[]) : reference;
        for (const one of expanded) {
          for (const entry of rulesMeant(tree, one)) {
            const isStatic = selects(selected, entry.path, bound)?.length === 0;
            found.push({ reference, selected, at, entry, static: isStatic });
          }
        }
      },
    };
  };
  rule.body.forEach((expr, at) => walkExpr(expr, visitorAt(at)));
  const atHead = visitorAt(rule.body.length);
  for (const term of [...(rule.head.args ?? []), rule.head.key, rule.head.value]) {
    if (term !== null) walkTerm(term, atHead);
  }
  return found;
}

function varsBefore(rule: Rule, at: number): ReadonlySet<string> {
  const found = vars(rule.head);
  for (const expr of rule.body.slice(0, at)) for (const name of vars(expr)) found.add(name);
  return found;
}

/**
 * The positions whose value decides whether a reference means a rule; none when it does in any case, null when it never
 * does. A variable that has no value yet and stands once enumerates everything, so it decides nothing.
 */
export function selects(
  reference: readonly Term[],
  path: readonly Term[],
  bound: ReadonlySet<string>,
): readonly number[] | null {
  const deciding: number[] = [];
  for (let at = 1; at < reference.length && at < path.length; at++) {
    const [asked, own] = [reference[at] as Term, path[at] as Term];
    if (!isConstant(own)) continue;
    if (asked.kind === "var" && !bound.has(asked.name) && occurrences(reference, asked.name) === 1) continue;
    if (!isConstant(asked)) deciding.push(at);
    else if (compareTerms(asked, own) !== 0) return null;
  }
  return deciding;
}

function occurrences(reference: readonly Term[], name: string): number {
  return reference.filter((term) => term.kind === "var" && term.name === name).length;
}

/** References behind edges that no other reference of the rule makes certain. */
function dynamicReferences(rule: Rule, found: readonly Dependency[]): readonly DynamicReference[] {
  const certain = new Set(found.filter((one) => one.static).map((one) => one.entry));
  const groups = new Map<readonly Term[], Dependency[]>();
  for (const one of found) {
    if (certain.has(one.entry)) continue;
    const group = groups.get(one.reference);
    if (group === undefined) groups.set(one.reference, [one]);
    else group.push(one);
  }
  return [...groups.values()].map((group) => {
    const { reference, selected, at } = group[0] as Dependency;
    return {
      reference,
      selected,
      bound: varsBefore(rule, at),
      origins: originsOf(rule, at, selected),
      entries: group.map((one) => one.entry),
    };
  });
}

/** The reference that may make one link depend on another; undefined when the edge is certain. */
export function dynamicCause(graph: Graph, from: number, to: number): DynamicReference | undefined {
  return graph.dynamic
    .get(from)
    ?.find(({ entries }) => entries.some((entry) => linksOf(entry).some((link) => link.id === to)));
}

/** Rules in an order in which each comes after those that it depends on; for cycles, in any. */
export function inDependencyOrder(graph: Graph): readonly Link[] {
  const sorted = graph.links.toSorted(bySpan);
  const byId = new Map(graph.links.map((link) => [link.id, link]));
  const done = new Set<number>();
  const order: Link[] = [];
  const visit = (link: Link): void => {
    if (done.has(link.id)) return;
    done.add(link.id);
    const next = [...(graph.dependencies.get(link.id) ?? [])].map((id) => byId.get(id) as Link);
    for (const other of next.toSorted(bySpan)) visit(other);
    order.push(link);
  };
  for (const link of sorted) visit(link);
  return order;
}

function bySpan(a: Link, b: Link): number {
  const [left, right] = [a.rule.span, b.rule.span];
  if (left.source.name !== right.source.name) return left.source.name < right.source.name ? -1 : 1;
  return left.start - right.start || a.id - b.id;
}
