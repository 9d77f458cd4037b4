// Input objects that could never be written down, because each needs another that needs the first.
// gqlparser: validator/schema.go validateInputObjectCircularRefs.

import { LimitError } from "@portcullis/lang";
import { quote } from "@portcullis/lang/go";
import { type Definition, type FieldDefinition, errorAt, required } from "./graphqlast.ts";
import type { Schema } from "./graphqltypes.ts";

interface Search {
  readonly schema: Schema;
  readonly visited: Set<string>;
  /** The fields from the first type to the one at hand. */
  readonly path: FieldDefinition[];
  /** Where in the path a type that is open begins. */
  readonly open: Map<string, number>;
}

export function checkInputCycles(schema: Schema, definitions: readonly Definition[]): void {
  const search: Search = { schema, visited: new Set(), path: [], open: new Map() };
  for (const definition of definitions) if (definition.Kind === "INPUT_OBJECT") visit(search, definition);
}

const depthMax = 500;

function visit(search: Search, definition: Definition): void {
  const { schema, visited, path, open } = search;
  const { Name: name, Fields: fields } = definition;
  if (visited.has(name)) return;
  if (path.length > depthMax) throw new LimitError("depth");
  visited.add(name);
  open.set(name, path.length);
  schema.budget.step(fields.length);
  for (const field of fields) {
    const { NonNull: nonNull, NamedType: typeName } = required(field.Type);
    // A list may be empty and a field may be null: both end the chain.
    const type = nonNull && typeName !== "" ? schema.types.get(typeName) : undefined;
    if (type?.Kind !== "INPUT_OBJECT") continue;
    path.push(field);
    const start = open.get(type.Name);
    if (start !== undefined) throw cycleError(type, path.slice(start));
    visit(search, type);
    path.pop();
  }
  open.delete(name);
}

function cycleError(type: Definition, cycle: readonly FieldDefinition[]): Error {
  const names = cycle.map(({ Name: name }) => name).join(".");
  const text = `Cannot reference Input Object ${quote(type.Name)} within itself through a series of non-null fields: ${quote(names)}.`;
  return errorAt(cycle[0]?.position ?? null, text);
}
