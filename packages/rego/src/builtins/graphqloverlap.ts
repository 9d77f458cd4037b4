// Fields of one name in a result must be one field. Fields are compared within a set of selections, with those of each
// fragment that it spreads, and fragments with one another; two fields that stand below object types that differ may ask
// for different things, but of one shape. A pair of fragments is compared once, and a fragment with a set once.
// gqlparser: validator/rules/overlapping_fields_can_be_merged.go; GraphQL specification, "Field Selection Merging".

import { LimitError } from "@portcullis/lang";
import { compareStrings } from "../runtime/compare.ts";
import {
  type Argument,
  type ChildValue,
  type Field,
  type FragmentSpread,
  type Position,
  type Selection,
  type TypeReference,
  type ValueNode,
  required,
  typeText,
  valueKinds,
} from "./graphqlast.ts";
import type { Rule, Walk } from "./graphqlwalk.ts";

interface Conflict {
  /** Empty when parts are in conflict. */
  readonly message: string;
  readonly name: string;
  readonly parts: readonly Conflict[];
  readonly position: Position | null;
}

interface Comparison {
  readonly walk: Walk;
  /** By both names; the value says whether the fields were known to exclude one another. */
  readonly pairs: Map<string, Map<string, boolean>>;
  /** Fragments that the set at hand was compared with. */
  fragments: Set<string>;
  depth: number;
}

export function overlappingFieldsCanBeMerged(): Rule {
  const pairs: Comparison["pairs"] = new Map();
  const check = (walk: Walk, selections: readonly Selection[]): void => {
    const comparison: Comparison = { walk, pairs, fragments: new Set(), depth: 0 };
    for (const conflict of conflictsWithin(comparison, selections)) {
      const advice = "Use different aliases on the fields to fetch both if this was intentional.";
      walk.report(conflict.position, `Fields "${conflict.name}" conflict because ${reasonOf(conflict)}. ${advice}`);
    }
  };
  return {
    operation: (walk, { SelectionSet: selections }) => check(walk, selections),
    field: (walk, { SelectionSet: selections }) => {
      if (walk.operation !== null) check(walk, selections);
    },
    inlineFragment: (walk, { SelectionSet: selections }) => check(walk, selections),
    fragment: (walk, { SelectionSet: selections }) => check(walk, selections),
  };
}

function reasonOf({ message, parts }: Conflict): string {
  if (parts.length === 0) return message;
  return parts.map((part) => `subfields "${part.name}" conflict because ${reasonOf(part)}`).join(" and ");
}

/** Fields by the names that they have in the result, with those of inline fragments; and the spreads beside them. */
interface Collected {
  readonly fields: ReadonlyMap<string, readonly Field[]>;
  readonly spreads: readonly FragmentSpread[];
}

function collect({ walk }: Comparison, selections: readonly Selection[]): Collected {
  const fields = new Map<string, Field[]>();
  const spreads: FragmentSpread[] = [];
  const visit = (list: readonly Selection[]): void => {
    walk.schema.budget.step(list.length * 20);
    for (const selection of list) {
      if (selection.node === "InlineFragment") visit(selection.SelectionSet);
      else if (selection.node === "FragmentSpread") spreads.push(selection);
      else {
        const name = resultName(selection);
        const known = fields.get(name);
        if (known === undefined) fields.set(name, [selection]);
        else known.push(selection);
      }
    }
  };
  visit(selections);
  return { fields, spreads };
}

function resultName({ Alias: alias, Name: name }: Field): string {
  return alias === "" ? name : alias;
}

function conflictsWithin(comparison: Comparison, selections: readonly Selection[]): readonly Conflict[] {
  const conflicts: Conflict[] = [];
  if (selections.length === 0) return conflicts;
  const { fields, spreads } = collect(comparison, selections);
  for (const list of fields.values()) {
    for (const [at, field] of list.entries()) {
      for (const other of list.slice(at + 1)) {
        const conflict = conflictOf(comparison, false, [field, other]);
        if (conflict !== null) conflicts.push(conflict);
      }
    }
  }
  comparison.fragments = new Set();
  for (const [at, spread] of spreads.entries()) {
    withFragment(comparison, conflicts, false, { fields, spread });
    for (const other of spreads.slice(at + 1)) betweenFragments(comparison, conflicts, false, [spread, other]);
  }
  return conflicts;
}

function between(
  comparison: Comparison,
  conflicts: Conflict[],
  areExclusive: boolean,
  [fieldsA, fieldsB]: readonly [Collected["fields"], Collected["fields"]],
): void {
  for (const [name, list] of fieldsA) {
    const others = fieldsB.get(name) ?? [];
    for (const field of list) {
      for (const other of others) {
        const conflict = conflictOf(comparison, areExclusive, [field, other]);
        if (conflict !== null) conflicts.push(conflict);
      }
    }
  }
}

interface FieldsAndSpread {
  readonly fields: Collected["fields"];
  readonly spread: FragmentSpread;
}

const depthMax = 1000;

function withFragment(
  comparison: Comparison,
  conflicts: Conflict[],
  areExclusive: boolean,
  { fields, spread }: FieldsAndSpread,
): void {
  if (comparison.fragments.has(spread.Name)) return;
  comparison.fragments.add(spread.Name);
  if (spread.Definition === null) return;
  const inner = collect(comparison, spread.Definition.SelectionSet);
  if (areSame(fields, inner.fields)) return;
  if (++comparison.depth > depthMax) throw new LimitError("depth");
  between(comparison, conflicts, areExclusive, [fields, inner.fields]);
  for (const next of inner.spreads) {
    if (next.Name !== spread.Name) withFragment(comparison, conflicts, areExclusive, { fields, spread: next });
  }
  comparison.depth--;
}

/** The fragment is compared with itself. */
function areSame(a: Collected["fields"], b: Collected["fields"]): boolean {
  if (a.size !== b.size) return false;
  return [...a].every(([name, list]) => {
    const others = b.get(name);
    return others?.length === list.length && list.every((field, at) => field === others[at]);
  });
}

function betweenFragments(
  comparison: Comparison,
  conflicts: Conflict[],
  areExclusive: boolean,
  [a, b]: readonly [FragmentSpread, FragmentSpread],
): void {
  if (a.Name === b.Name || wereCompared(comparison, a.Name, b.Name, areExclusive)) return;
  for (const [one, other] of [
    [a.Name, b.Name],
    [b.Name, a.Name],
  ] as const) {
    const known = comparison.pairs.get(one) ?? new Map<string, boolean>();
    comparison.pairs.set(one, known.set(other, areExclusive));
  }
  if (a.Definition === null || b.Definition === null) return;
  if (++comparison.depth > depthMax) throw new LimitError("depth");
  const innerA = collect(comparison, a.Definition.SelectionSet);
  const innerB = collect(comparison, b.Definition.SelectionSet);
  between(comparison, conflicts, areExclusive, [innerA.fields, innerB.fields]);
  for (const spread of innerB.spreads) betweenFragments(comparison, conflicts, areExclusive, [a, spread]);
  for (const spread of innerA.spreads) betweenFragments(comparison, conflicts, areExclusive, [spread, b]);
  comparison.depth--;
}

/** What held for any fields holds for those that exclude one another, but not the other way round. */
function wereCompared({ pairs }: Comparison, a: string, b: string, areExclusive: boolean): boolean {
  const known = pairs.get(a)?.get(b);
  return known !== undefined && (areExclusive || !known);
}

function conflictsBetweenParts(
  comparison: Comparison,
  areExclusive: boolean,
  [a, b]: readonly [readonly Selection[], readonly Selection[]],
): readonly Conflict[] {
  const conflicts: Conflict[] = [];
  const [innerA, innerB] = [collect(comparison, a), collect(comparison, b)];
  between(comparison, conflicts, areExclusive, [innerA.fields, innerB.fields]);
  for (const [{ fields }, { spreads }] of [
    [innerA, innerB],
    [innerB, innerA],
  ] as const) {
    for (const spread of spreads) {
      comparison.fragments = new Set();
      withFragment(comparison, conflicts, areExclusive, { fields, spread });
    }
  }
  for (const spreadA of innerA.spreads) {
    for (const spreadB of innerB.spreads) betweenFragments(comparison, conflicts, areExclusive, [spreadA, spreadB]);
  }
  return conflicts;
}

/** About what a comparison costs, in steps. */
const comparisonCost = 300;

function conflictOf(
  comparison: Comparison,
  parentsAreExclusive: boolean,
  [a, b]: readonly [Field, Field],
): Conflict | null {
  comparison.walk.schema.budget.step(comparisonCost);
  const [parentA, parentB] = [a.ObjectDefinition, b.ObjectDefinition];
  if (parentA === null || parentB === null) return null;
  const areObjects = parentA.Kind === "OBJECT" && parentB.Kind === "OBJECT";
  const areKnown = a.Definition !== null && b.Definition !== null;
  const areExclusive = parentsAreExclusive || (parentA.Name !== parentB.Name && areObjects && areKnown);
  const [name, position] = [resultName(a), b.position];
  const conflict = (message: string): Conflict => ({ message, name, parts: [], position });
  if (!areExclusive && a.Name !== b.Name) return conflict(`"${a.Name}" and "${b.Name}" are different fields`);
  if (!areExclusive && !areSameArguments(a.Arguments, b.Arguments)) return conflict("they have differing arguments");
  if (a.Definition !== null && b.Definition !== null) {
    const [typeA, typeB] = [a.Definition.Type, b.Definition.Type];
    if (areConflictingTypes(comparison.walk, required(typeA), required(typeB))) {
      return conflict(`they return conflicting types "${typeText(typeA)}" and "${typeText(typeB)}"`);
    }
  }
  if (++comparison.depth > depthMax) throw new LimitError("depth");
  const parts = conflictsBetweenParts(comparison, areExclusive, [a.SelectionSet, b.SelectionSet]);
  comparison.depth--;
  return parts.length === 0 ? null : { message: "", name, parts, position };
}

function areSameArguments(a: readonly Argument[], b: readonly Argument[]): boolean {
  if (a.length !== b.length) return false;
  return a.every((one) =>
    b.some((other) => one.Name === other.Name && areSameValues(required(one.Value), required(other.Value))),
  );
}

function areSameValues(a: ValueNode, b: ValueNode): boolean {
  if (a.Kind !== b.Kind || a.Raw !== b.Raw || a.Children.length !== b.Children.length) return false;
  const inOrder = ({ Kind: kind, Children: children }: ValueNode): readonly ChildValue[] =>
    kind === valueKinds.object ? children.toSorted((x, y) => compareStrings(x.Name, y.Name)) : children;
  const others = inOrder(b);
  return inOrder(a).every((child, at) => {
    const other = required(others[at]);
    return child.Name === other.Name && areSameValues(required(child.Value), required(other.Value));
  });
}

function areConflictingTypes(walk: Walk, a: TypeReference, b: TypeReference): boolean {
  if (a.Elem !== null || b.Elem !== null) {
    return a.Elem === null || b.Elem === null || areConflictingTypes(walk, a.Elem, b.Elem);
  }
  if (a.NonNull !== b.NonNull) return true;
  const [typeA, typeB] = [walk.schema.types.get(a.NamedType), walk.schema.types.get(b.NamedType)];
  const isLeaf = (kind: string | undefined): boolean => kind === "SCALAR" || kind === "ENUM";
  return isLeaf(typeA?.Kind) && isLeaf(typeB?.Kind) && a.NamedType !== b.NamedType;
}
