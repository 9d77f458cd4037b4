// The tree of rules by path: which rules a reference may mean. A rule hangs at the ground part of its reference, so
// `data.a.p` holds `p`, `p[x]` and `p[x].y` alike. OPA: v1/ast/compile.go TreeNode.

import type { Module, Rule, Term } from "./ast.ts";
import { compareTerms, groundPrefix, isGround, stringTerm } from "./terms.ts";
import { isConstant } from "./visit.ts";

/** One rule of a module, the first link of its else chain, with a number that it keeps through all phases. */
export interface RuleEntry {
  readonly id: number;
  readonly module: Module;
  readonly rule: Rule;
  /** Package and reference: [data, "a", "p", x]. */
  readonly path: readonly Term[];
}

export interface RuleNode {
  readonly key: Term | null;
  readonly rules: RuleEntry[];
  readonly children: Map<string, RuleNode>;
  /** `data.system` is left out when a reference does not name it. */
  readonly hidden: boolean;
}

/** Rules in order of modules and text; the links of an else chain count as one each. */
export function ruleEntries(modules: readonly Module[]): readonly RuleEntry[] {
  const entries: RuleEntry[] = [];
  let id = 0;
  for (const module of modules) {
    for (const rule of module.rules) {
      entries.push({ id, module, rule, path: rulePath(module, rule) });
      for (let link: Rule | null = rule; link !== null; link = link.else) id++;
    }
  }
  return entries;
}

export function rulePath(module: Module, rule: Rule): readonly Term[] {
  const [name, ...rest] = rule.head.reference;
  const { span } = rule.head;
  const [root = "data", ...path] = module.package.path;
  const own = name?.kind === "var" ? stringTerm(name.name, name.span) : name;
  return [
    { kind: "var", name: root, span },
    ...path.map((part) => stringTerm(part, span)),
    ...(own === undefined ? [] : [own]),
    ...rest,
  ];
}

export function ruleTree(entries: readonly RuleEntry[]): RuleNode {
  const root: RuleNode = { key: null, rules: [], children: new Map(), hidden: false };
  for (const entry of entries) {
    let node = root;
    for (const [depth, term] of groundPrefix(entry.path).entries()) {
      const key = termKey(term);
      let child = node.children.get(key);
      if (child === undefined) {
        const hidden = depth === 1 && term.kind === "string" && term.value === "system";
        child = { key: term, rules: [], children: new Map(), hidden };
        node.children.set(key, child);
      }
      node = child;
    }
    node.rules.push(entry);
  }
  return root;
}

export function childAt(node: RuleNode, term: Term): RuleNode | undefined {
  return node.children.get(termKey(term));
}

/** Children in Rego's order of keys. */
export function children(node: RuleNode): readonly RuleNode[] {
  return [...node.children.values()].toSorted((a, b) => compareTerms(a.key as Term, b.key as Term));
}

/** The node at exactly this path. */
export function findNode(root: RuleNode, path: readonly Term[]): RuleNode | undefined {
  let node: RuleNode | undefined = root;
  for (const term of path) {
    node = childAt(node, term);
    if (node === undefined) return undefined;
  }
  return node;
}

/** Visits a node before its children, in order; true stays out of the children. */
export function depthFirst(node: RuleNode, visit: (node: RuleNode) => boolean | void): void {
  if (visit(node) === true) return;
  for (const next of children(node)) depthFirst(next, visit);
}

/**
 * The rules that a reference may mean: those on its way, those below its end, and for a term that is not constant those
 * of every child. OPA: GetRulesDynamicWithOpts with hidden modules.
 */
export function rulesMeant(root: RuleNode, reference: readonly Term[], exact = true): readonly RuleEntry[] {
  const found = new Set<RuleEntry>();
  const visit = (node: RuleNode, at: number): void => {
    const term = reference[at];
    if (term === undefined) {
      depthFirst(node, (below) => {
        for (const entry of below.rules) found.add(entry);
      });
      return;
    }
    const known = at === 0 || isConstant(term) ? childAt(node, term) : null;
    if (known === undefined) return;
    for (const next of known === null ? children(node) : [known]) {
      for (const entry of next.rules) if (!exact || mayMeet(entry.path, reference, at + 1)) found.add(entry);
      visit(next, at + 1);
    }
  };
  visit(root, 0);
  return [...found];
}

function mayMeet(path: readonly Term[], reference: readonly Term[], from: number): boolean {
  for (let at = from; at < path.length && at < reference.length; at++) {
    const [a, b] = [path[at] as Term, reference[at] as Term];
    if (isConstant(a) && isConstant(b) && compareTerms(a, b) !== 0) return false;
  }
  return true;
}

export function isGroundPath(path: readonly Term[]): boolean {
  return path.every((term, at) => at === 0 || isGround(term));
}

/** Equal for equal terms, different for different ones. */
export function termKey(term: Term): string {
  if (term.kind === "var") return `v${term.name}`;
  if (term.kind === "string") return `s${term.value}`;
  if (term.kind === "number") return `n${typeof term.value === "number" ? term.value : String(term.value.canonical)}`;
  if (term.kind === "boolean") return `b${term.value}`;
  return `t${JSON.stringify(term, (name, value: unknown) => (name === "span" ? undefined : value))}`;
}
