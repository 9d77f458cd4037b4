// Rules about operations, fields, their arguments and directives. In the order of gqlparser's names, which is the order in
// which they see a node. gqlparser: validator/rules/*.go.

import { quote } from "@portcullis/lang/go";
import { compareStrings } from "../runtime/compare.ts";
import {
  type Argument,
  type ArgumentDefinition,
  type Definition,
  type Field,
  type Position,
  type Selection,
  GraphqlError,
  required,
  typeNameOf,
  typeText,
} from "./graphqlast.ts";
import { named } from "./graphqldefinitions.ts";
import { didYouMean, quotedOrList, suggestions } from "./graphqlsuggest.ts";
import { type Rule, type Walk, rootOf } from "./graphqlwalk.ts";

export const fieldsOnCorrectType: Rule = {
  field: (walk, { Name: name, ObjectDefinition: parent, Definition: definition, position }) => {
    if (parent === null || definition !== null) return;
    const types = typesWithField(walk, parent, name);
    const fields = types.length > 0 ? [] : fieldsLike(walk, parent, name);
    const hint =
      types.length > 0
        ? ` Did you mean to use an inline fragment on ${quotedOrList(types)}?`
        : fields.length > 0
          ? ` Did you mean ${quotedOrList(fields)}?`
          : "";
    walk.report(position, `Cannot query field "${name}" on type "${parent.Name}".${hint}`);
  },
};

/** Types below an abstract one that have the field: interfaces first, by how many types they stand for. */
function typesWithField({ schema }: Walk, { Kind: kind, Name: parent }: Definition, name: string): readonly string[] {
  if (kind !== "INTERFACE" && kind !== "UNION") return [];
  const objects: string[] = [];
  const uses = new Map<string, number>();
  for (const possible of schema.possibleTypes.get(parent) ?? []) {
    if (named(schema, possible.Fields, name) === undefined) continue;
    objects.push(possible.Name);
    for (const one of possible.Interfaces) {
      const fields = schema.types.get(one)?.Fields ?? [];
      if (named(schema, fields, name) !== undefined) uses.set(one, (uses.get(one) ?? 0) + 1);
    }
  }
  return [...uses.keys(), ...objects].toSorted(
    (a, b) => (uses.get(b) ?? 0) - (uses.get(a) ?? 0) || compareStrings(a, b),
  );
}

function fieldsLike({ schema }: Walk, { Kind: kind, Fields: fields }: Definition, name: string): readonly string[] {
  if (kind !== "OBJECT" && kind !== "INTERFACE") return [];
  const names = fields.map((field) => field.Name);
  return suggestions(schema.budget, name, names);
}

export const knownArgumentNames: Rule = {
  field: (walk, { Name: name, ObjectDefinition: parent, Definition: definition, Arguments: list, position }) => {
    if (parent === null || definition === null) return;
    for (const { argument, hint } of unknownArguments(walk, list, definition.Arguments)) {
      walk.report(position, `Unknown argument "${argument}" on field "${parent.Name}.${name}".${hint}`);
    }
  },
  directive: (walk, { Name: name, Definition: definition, Arguments: list, position }) => {
    if (definition === null) return;
    for (const { argument, hint } of unknownArguments(walk, list, definition.Arguments)) {
      walk.report(position, `Unknown argument "${argument}" on directive "@${name}".${hint}`);
    }
  },
};

function unknownArguments(
  { schema }: Walk,
  list: readonly Argument[],
  definitions: readonly ArgumentDefinition[],
): readonly { readonly argument: string; readonly hint: string }[] {
  const unknown = list.filter((argument) => named(schema, definitions, argument.Name) === undefined);
  const options = definitions.map((definition) => definition.Name);
  return unknown.map(({ Name: argument }) => {
    return { argument, hint: didYouMean({ budget: schema.budget, text: argument, options }) };
  });
}

export function knownDirectives(): Rule {
  const seen = new Set<string>();
  return {
    directive: (walk, { Name: name, Definition: definition, Location: location, position }) => {
      if (definition === null) {
        walk.report(position, `Unknown directive "@${name}".`);
        return;
      }
      if (definition.Locations.includes(location)) return;
      const use = `${name} ${position?.line ?? 0} ${position?.column ?? 0}`;
      if (!seen.has(use)) walk.report(position, `Directive "@${name}" may not be used on ${location}.`);
      seen.add(use);
    },
  };
}

const operations: ReadonlySet<string> = new Set(["", "query", "mutation", "subscription"]);

export const knownRootType: Rule = {
  operation: (walk, { Operation: operation, position }) => {
    if (!operations.has(operation)) throw new GraphqlError(`got unknown operation type "${operation}"`);
    const [root] = rootOf(walk.schema, operation);
    if (root === null) walk.report(position, `Schema does not support operation type "${operation}"`);
  },
};

export const loneAnonymousOperation: Rule = {
  operation: (walk, { Name: name, position }) => {
    if (name !== "" || walk.document.Operations.length < 2) return;
    walk.report(position, "This anonymous operation must be the only defined operation.");
  },
};

// ── introspection

const listsMax = 3;
const listFields: ReadonlySet<string> = new Set(["fields", "interfaces", "possibleTypes", "inputFields"]);

export const maxIntrospectionDepth: Rule = {
  field: (walk, field) => {
    if (field.Name !== "__schema" && field.Name !== "__type") return;
    if (isTooDeep(walk, field, new Set(), 0)) walk.report(field.position, "Maximum introspection depth exceeded");
  },
};

/** Whether three fields that list types stand below one another. Every spread is followed, but none into itself. */
function isTooDeep(walk: Walk, field: Field, open: Set<string>, above: number): boolean {
  const depth = above + (listFields.has(field.Name) ? 1 : 0);
  if (depth > above && depth >= listsMax) return true;
  return areTooDeep(walk, field.SelectionSet, open, depth);
}

function areTooDeep(walk: Walk, selections: readonly Selection[], open: Set<string>, depth: number): boolean {
  return selections.some((selection) => {
    walk.schema.budget.step(20);
    if (selection.node === "Field") return isTooDeep(walk, selection, open, depth);
    if (selection.node === "InlineFragment") return areTooDeep(walk, selection.SelectionSet, open, depth);
    const { Name: name, Definition: definition } = selection;
    if (definition === null || open.has(name)) return false;
    open.add(name);
    const found = areTooDeep(walk, definition.SelectionSet, open, depth);
    open.delete(name);
    return found;
  });
}

// ── arguments and leaves

export const providedRequiredArguments: Rule = {
  field: (walk, { Name: name, Definition: definition, Arguments: list, position }) => {
    for (const { Name: argument, Type: type } of missingArguments(walk, list, definition?.Arguments ?? [])) {
      const what = `argument "${argument}" of type "${typeText(type)}" is required, but it was not provided.`;
      walk.report(position, `Field "${name}" ${what}`);
    }
  },
  directive: (walk, { Definition: definition, Arguments: list, position }) => {
    for (const { Name: argument, Type: type } of missingArguments(walk, list, definition?.Arguments ?? [])) {
      const what = `argument "${argument}" of type "${typeText(type)}" is required, but it was not provided.`;
      walk.report(position, `Directive "@${definition?.Name ?? ""}" ${what}`);
    }
  },
};

function missingArguments(
  { schema }: Walk,
  list: readonly Argument[],
  definitions: readonly ArgumentDefinition[],
): readonly ArgumentDefinition[] {
  return definitions.filter(({ Name: name, Type: type, DefaultValue: value }) => {
    return required(type).NonNull && value === null && named(schema, list, name) === undefined;
  });
}

export const scalarLeafs: Rule = {
  field: (walk, { Name: name, Definition: definition, SelectionSet: selections, position }) => {
    const type = definition === null ? undefined : walk.schema.types.get(typeNameOf(definition.Type));
    if (definition === null || type === undefined) return;
    const isLeaf = type.Kind === "ENUM" || type.Kind === "SCALAR";
    if (isLeaf && selections.length > 0) {
      walk.report(position, `Field "${name}" must not have a selection since type "${type.Name}" has no subfields.`);
    }
    if (!isLeaf && selections.length === 0) {
      const hint = ` Did you mean "${name} { ... }"?`;
      const text = `Field "${name}" of type "${typeText(definition.Type)}" must have a selection of subfields.${hint}`;
      walk.report(position, text);
    }
  },
};

export const singleFieldSubscriptions: Rule = {
  operation: (walk, { Operation: operation, Name: name, SelectionSet: selections }) => {
    if (walk.schema.subscription === null || operation !== "subscription") return;
    const fields = topFields(walk, selections);
    const subject = name === "" ? "Anonymous Subscription" : `Subscription ${quote(name)}`;
    const second = [...fields.values()][1];
    if (second !== undefined) walk.report(second, `${subject} must select only one top level field.`);
    for (const [field, position] of fields) {
      if (!field.startsWith("__")) continue;
      walk.report(position, `${subject} must not select an introspection top level field.`);
    }
  },
};

/** Names of fields with their first places, fragments included. An unknown fragment ends the list it stands in. */
function topFields(walk: Walk, selections: readonly Selection[]): ReadonlyMap<string, Position | null> {
  const fields = new Map<string, Position | null>();
  const spread = new Set<string>();
  const visit = (list: readonly Selection[]): void => {
    for (const selection of list) {
      walk.schema.budget.step(20);
      if (selection.node === "Field") {
        if (!fields.has(selection.Name)) fields.set(selection.Name, selection.position);
      } else if (selection.node === "InlineFragment") {
        visit(selection.SelectionSet);
      } else {
        const { Definition: definition } = selection;
        if (definition === null) return;
        if (spread.has(definition.Name)) continue;
        spread.add(definition.Name);
        visit(definition.SelectionSet);
      }
    }
  };
  visit(selections);
  return fields;
}

// ── names that may occur once

export const uniqueArgumentNames: Rule = {
  field: (walk, { Arguments: list }) => reportRepeatedArguments(walk, list),
  directive: (walk, { Arguments: list }) => reportRepeatedArguments(walk, list),
};

/** Reports the second of a name, not the third. */
function reportRepeatedArguments(walk: Walk, list: readonly Argument[]): void {
  const counts = new Map<string, number>();
  for (const { Name: name, position } of list) {
    const count = counts.get(name) ?? 0;
    if (count === 1) walk.report(position, `There can be only one argument named "${name}".`);
    counts.set(name, count + 1);
  }
}

export const uniqueDirectivesPerLocation: Rule = {
  directives: (walk, directives) => {
    const seen = new Set<string>();
    for (const { Name: name, Definition: definition, position } of directives) {
      if (seen.has(name) && definition?.IsRepeatable !== true) {
        walk.report(position, `The directive "@${name}" can only be used once at this location.`);
      }
      seen.add(name);
    }
  },
};

export function uniqueOperationNames(): Rule {
  const seen = new Set<string>();
  return {
    operation: (walk, { Name: name, position }) => {
      if (seen.has(name)) walk.report(position, `There can be only one operation named "${name}".`);
      seen.add(name);
    },
  };
}
