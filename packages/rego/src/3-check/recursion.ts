// No rule may depend on itself. A cycle through a reference with a variable is an error as well, since nothing here
// says which rule the variable selects; its message says what would have to hold. OPA: v1/ast/compile.go checkRecursion.

import { type Diagnostic, errorAt } from "@portcullis/lang";
import type { Term } from "../ast.ts";
import { lookup } from "../builtins/registry.ts";
import { dynamicCause, type DynamicReference, type Graph, leadingToCycles, type Link, selects } from "../graph.ts";
import { membersOf } from "../narrowing.ts";
import { compareTerms, isScalar, sameTerms } from "../terms.ts";
import { refText, termText } from "../termtext.ts";
import { pathText } from "./conflicts.ts";
import { inferred } from "./inferred.ts";
import type { Stage } from "./stage.ts";
import { contains } from "./typeorder.ts";

export function checkRecursion(graph: Graph, stage: Stage): void {
  const byId = new Map(graph.links.map((link) => [link.id, link]));
  const suspects = leadingToCycles(graph);
  for (const link of graph.links) {
    if (!suspects.has(link.id)) continue;
    const error = recursionOf(link, byId, { graph, stage });
    if (error !== undefined) stage.errors.push(error);
  }
}

interface Search {
  readonly graph: Graph;
  readonly stage: Stage;
}

function recursionOf(link: Link, byId: ReadonlyMap<number, Link>, search: Search): Diagnostic | undefined {
  const { graph, stage } = search;
  const any = cycleFrom(link.id, (id) => graph.dependencies.get(id) ?? []);
  if (any === null) return undefined;
  const certain = cycleFrom(link.id, (id) =>
    [...(graph.dependencies.get(id) ?? [])].filter((next) => dynamicCause(graph, id, next) === undefined),
  );
  const cycle = (certain ?? any).map((id) => byId.get(id) as Link);
  const shown = (one: Link): string =>
    stage.environment.opa === "1.17" ? refText(one.entry.path) : pathText(one.entry.path, stage);
  const text = cycle.map(shown).join(" -> ");
  const name = shown(link);
  const message =
    certain === null
      ? `rule ${name} may be recursive: ${text}${causeOf(cycle, search)}`
      : `rule ${name} is recursive: ${text}`;
  return errorAt("rego_recursion_error", link.rule.span, message);
}

/** A shortest path from a node back to it, both ends included; OPA takes any. */
function cycleFrom(start: number, next: (id: number) => Iterable<number>): readonly number[] | null {
  const cameFrom = new Map<number, number>();
  for (const queue = [start]; queue.length > 0;) {
    const id = queue.shift() as number;
    for (const other of next(id)) {
      if (other === start) return pathTo(id, start, cameFrom);
      if (cameFrom.has(other)) continue;
      cameFrom.set(other, id);
      queue.push(other);
    }
  }
  return null;
}

function pathTo(last: number, start: number, cameFrom: ReadonlyMap<number, number>): readonly number[] {
  const path = [start];
  for (let id = last; id !== start; id = cameFrom.get(id) as number) path.unshift(id);
  return [start, ...path];
}

// ── why it may be recursive

interface Condition {
  readonly at: number;
  readonly term: Term;
  readonly value: Term;
}

/** More conditions than this are not spelled out. */
const maxConditions = 2;

function causeOf(cycle: readonly Link[], { graph, stage }: Search): string {
  for (const [at, target] of cycle.entries()) {
    const from = cycle[at - 1];
    const cause = from === undefined ? undefined : dynamicCause(graph, from.id, target.id);
    if (from === undefined || cause === undefined) continue;
    const { path } = target.entry;
    const reference = cause.reference.slice(0, path.length);
    const where = at > 1 ? ` in ${pathText(from.entry.path, stage)}` : "";
    const conditions = conditionsOf(cause, path);
    const start = ` (${pathText(reference, stage)}${where}`;
    const name = pathText(path, stage);
    if (conditions === null || conditions.length === 0 || conditions.length > maxConditions) {
      return `${start} could refer to ${name})`;
    }
    if (conditions.some((condition) => cannotHold(condition, cause))) return `${start} could refer to ${name})`;
    const said = conditions.map((condition) => conditionText(condition, { cause, from, stage }));
    return `${start} refers to ${name} if ${said.join(" and ")})`;
  }
  return "";
}

/** What each term of the reference must be; null when one would have to be two things. */
function conditionsOf(cause: DynamicReference, path: readonly Term[]): readonly Condition[] | null {
  const found: Condition[] = [];
  for (const at of selects(cause.selected, path, cause.bound) ?? []) {
    const term = cause.reference[at] as Term;
    const value = path[at] as Term;
    const same = found.find((condition) => sameTerms(condition.term, term));
    if (same === undefined) found.push({ at, term, value });
    else if (!sameTerms(same.value, value)) return null;
  }
  return found;
}

/** A variable from a collection without the value, or from a built-in that never gives its type. */
function cannotHold({ term, value }: Condition, cause: DynamicReference): boolean {
  const origin = term.kind === "var" ? cause.origins.get(term.name) : undefined;
  if (origin?.kind === "collection") {
    return !(membersOf(origin.collection) ?? []).some((one) => compareTerms(one, value) === 0);
  }
  if (origin?.kind !== "builtin" || !isScalar(value)) return false;
  const result = lookup(origin.name)?.type.result;
  return result !== undefined && result !== null && !contains(inferred(result), { kind: value.kind });
}

interface Telling {
  readonly cause: DynamicReference;
  readonly from: Link;
  readonly stage: Stage;
}

function conditionText({ at, term, value }: Condition, telling: Telling): string {
  const shown = pathText([term], telling.stage);
  const note = noteOf(telling.cause.reference[at] as Term, shown, telling);
  return `${shown} is ${termText(value)}${note === "" ? "" : ` (${note})`}`;
}

const maxMembers = 5;

function noteOf(term: Term, shown: string, { cause, from, stage }: Telling): string {
  if (term.kind === "ref") {
    const isData = term.head.kind === "var" && term.head.name === "data";
    return isData ? "rule values aren't known at compile time" : "";
  }
  const origin = term.kind === "var" ? cause.origins.get(term.name) : undefined;
  switch (origin?.kind) {
    case "input":
      return `${shown} comes from ${pathText(origin.path, stage)}`;
    case "rule":
      return `${shown} comes from rule ${pathText(origin.path, stage)}, whose value isn't known at compile time`;
    case "collection": {
      const members = membersOf(origin.collection) ?? [];
      if (members.length > maxMembers) return `${shown} is one of ${members.length} values`;
      return `${shown} is one of ${termText(origin.collection)}`;
    }
    case "builtin":
      return `${shown} is computed by ${origin.name}`;
    case "key":
      return `${shown} is a key of ${pathText(from.entry.path, stage)}`;
    case "argument":
      return `${shown} is an argument of ${pathText(from.entry.path, stage)}`;
    case undefined:
      break;
  }
  return "";
}
