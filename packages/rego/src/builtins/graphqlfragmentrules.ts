// Rules about fragments. gqlparser: validator/rules/*.go.

import { LimitError } from "@portcullis/lang";
import { compareStrings } from "../runtime/compare.ts";
import type { Definition, FragmentDefinition, FragmentSpread, Selection } from "./graphqlast.ts";
import { typeNameOf } from "./graphqlast.ts";
import { named } from "./graphqldefinitions.ts";
import { didYouMean } from "./graphqlsuggest.ts";
import type { Rule, Walk } from "./graphqlwalk.ts";

function isComposite({ Kind: kind }: Definition): boolean {
  return kind === "OBJECT" || kind === "INTERFACE" || kind === "UNION";
}

export const fragmentsOnCompositeTypes: Rule = {
  inlineFragment: (walk, { TypeCondition: condition, position }) => {
    const type = walk.schema.types.get(condition);
    if (type === undefined || isComposite(type)) return;
    walk.report(position, `Fragment cannot condition on non composite type "${condition}".`);
  },
  fragment: (walk, { Name: name, Definition: type, TypeCondition: condition, position }) => {
    if (type === null || condition === "" || isComposite(type)) return;
    walk.report(position, `Fragment "${name}" cannot condition on non composite type "${condition}".`);
  },
};

export const knownFragmentNames: Rule = {
  fragmentSpread: (walk, { Name: name, Definition: definition, position }) => {
    if (definition === null) walk.report(position, `Unknown fragment "${name}".`);
  },
};

export const knownTypeNames: Rule = {
  variable: (walk, { Type: type, position }) => {
    const name = typeNameOf(type);
    if (!walk.schema.types.has(name)) walk.report(position, `Unknown type "${name}".`);
  },
  inlineFragment: (walk, { TypeCondition: name, position }) => {
    if (name !== "" && !walk.schema.types.has(name)) walk.report(position, `Unknown type "${name}".`);
  },
  fragment: ({ schema, report }, { TypeCondition: name, position }) => {
    if (schema.types.has(name)) return;
    // gqlparser takes them in no order at all.
    const options = [...schema.types.keys()].toSorted(compareStrings);
    report(position, `Unknown type "${name}".${didYouMean({ budget: schema.budget, text: name, options })}`);
  },
};

// ── cycles

interface Cycles {
  readonly walk: Walk;
  /** Of all fragments so far. */
  readonly visited: Set<string>;
  /** Spreads from the fragment that was begun with. */
  readonly path: FragmentSpread[];
  /** Where in the path a fragment that is open begins. */
  readonly open: Map<string, number>;
}

export function noFragmentCycles(): Rule {
  const visited = new Set<string>();
  return {
    fragment: (walk, fragment) => visitFragment({ walk, visited, path: [], open: new Map() }, fragment),
  };
}

const depthMax = 500;

function visitFragment(cycles: Cycles, fragment: FragmentDefinition): void {
  const { walk, visited, path, open } = cycles;
  if (visited.has(fragment.Name)) return;
  if (path.length > depthMax) throw new LimitError("depth");
  visited.add(fragment.Name);
  const spreads = spreadsIn(walk, fragment.SelectionSet);
  if (spreads.length === 0) return;
  open.set(fragment.Name, path.length);
  for (const spread of spreads) {
    const { Name: name, position } = spread;
    const start = open.get(name);
    if (start === undefined) {
      path.push(spread);
      const next = named(walk.schema, walk.document.Fragments, name);
      if (next !== undefined) visitFragment(cycles, next);
      path.pop();
    } else {
      const names = path.slice(start).map((one) => `"${one.Name}"`);
      const via = names.length === 0 ? "" : ` via ${names.join(", ")}`;
      walk.report(position, `Cannot spread fragment "${name}" within itself${via}.`);
    }
  }
  open.delete(fragment.Name);
}

/** The sets that were seen last are searched first. */
function spreadsIn(walk: Walk, selections: readonly Selection[]): readonly FragmentSpread[] {
  const spreads: FragmentSpread[] = [];
  const open: (readonly Selection[])[] = [selections];
  for (let set = open.pop(); set !== undefined; set = open.pop()) {
    walk.schema.budget.step(set.length * 10);
    for (const selection of set) {
      if (selection.node === "FragmentSpread") spreads.push(selection);
      else open.push(selection.SelectionSet);
    }
  }
  return spreads;
}

// ── uses

export function noUnusedFragments(): Rule {
  const used = new Set<string>();
  let isInFragments = false;
  return {
    fragmentSpread: (_walk, { Name: name }) => {
      if (!isInFragments) used.add(name);
    },
    fragment: (walk, { Name: name, position }) => {
      isInFragments = true;
      if (!used.has(name)) walk.report(position, `Fragment "${name}" is never used.`);
    },
  };
}

export const possibleFragmentSpreads: Rule = {
  inlineFragment: (walk, { ObjectDefinition: parent, TypeCondition: condition, position }) => {
    if (parent === null || canBe(walk, parent, condition)) return;
    const never = `objects of type "${parent.Name}" can never be of type "${condition}".`;
    walk.report(position, `Fragment cannot be spread here as ${never}`);
  },
  fragmentSpread: (walk, { Name: name, ObjectDefinition: parent, Definition: definition, position }) => {
    if (parent === null || definition === null || canBe(walk, parent, definition.TypeCondition)) return;
    const never = `objects of type "${parent.Name}" can never be of type "${definition.TypeCondition}".`;
    walk.report(position, `Fragment "${name}" cannot be spread here as ${never}`);
  },
};

/** Whether an object can be of both types; true where another rule has something to say. */
function canBe({ schema }: Walk, parent: Definition, condition: string): boolean {
  const type = schema.types.get(condition);
  if (!isComposite(parent) || type === undefined || !isComposite(type)) return true;
  const parents = parent.Kind === "OBJECT" ? [parent] : (schema.possibleTypes.get(parent.Name) ?? []);
  const names = new Set(parents.map(({ Name: name }) => name));
  const possible = schema.possibleTypes.get(condition) ?? [];
  schema.budget.step(parents.length + possible.length);
  return possible.some(({ Name: name }) => names.has(name));
}

export function uniqueFragmentNames(): Rule {
  const seen = new Set<string>();
  return {
    fragment: (walk, { Name: name, position }) => {
      if (seen.has(name)) walk.report(position, `There can be only one fragment named "${name}".`);
      seen.add(name);
    },
  };
}
