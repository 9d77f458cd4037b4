// A schema document made into a schema: types and directives by name, what implements what, the roots. Extensions are
// joined to what they extend, and everything that a document alone can have wrong is refused with the first error. Types
// are looked at in the order of their names. gqlparser: validator/schema.go ValidateSchemaDocument.

import type { Budget } from "@portcullis/lang";
import { compareStrings } from "../runtime/compare.ts";
import {
  type Definition,
  type DirectiveDefinition,
  type SchemaDefinition,
  type SchemaDocument,
  type TypeReference,
  errorAt,
} from "./graphqlast.ts";
import { newNode } from "./graphqlstructs.ts";
import { checkInputCycles } from "./graphqlcycles.ts";
import { checkDefinition, checkDirectiveDefinition, checkDirectives } from "./graphqldefinitions.ts";
import { prelude } from "./graphqlprelude.ts";
import { parseSchema } from "./graphqlschema.ts";

export interface Schema {
  query: Definition | null;
  mutation: Definition | null;
  subscription: Definition | null;
  readonly types: Map<string, Definition>;
  readonly directives: Map<string, DirectiveDefinition>;
  /** The object types of an interface or a union; an object type is its own. */
  readonly possibleTypes: Map<string, Definition[]>;
  readonly budget: Budget;
}

/** Throws GraphqlError. The document's definitions are changed. */
export function schemaOf(document: SchemaDocument, budget: Budget): Schema {
  const own = parseSchema(prelude, budget, true);
  const schema: Schema = {
    query: null,
    mutation: null,
    subscription: null,
    types: new Map(),
    directives: new Map(),
    possibleTypes: new Map(),
    budget,
  };
  addTypes(schema, [...own.Definitions, ...document.Definitions], document.Extensions);
  addDirectives(schema, [...own.Directives, ...document.Directives]);
  addRoots(schema, document);
  const names = [...schema.types.keys()].toSorted(compareStrings);
  const definitions = names.map((name) => schema.types.get(name) as Definition);
  for (const definition of definitions) checkDefinition(schema, definition);
  checkInputCycles(schema, definitions);
  for (const name of [...schema.directives.keys()].toSorted(compareStrings)) {
    checkDirectiveDefinition(schema, schema.directives.get(name) as DirectiveDefinition);
  }
  if (document.Schema.length === 0) inferRoots(schema);
  if (schema.query !== null) addMetaFields(schema.query);
  return schema;
}

function addTypes(schema: Schema, definitions: readonly Definition[], extensions: readonly Definition[]): void {
  const { types } = schema;
  for (const definition of definitions) {
    const { position, Name: name } = definition;
    if (types.has(name)) throw errorAt(position, `Cannot redeclare type ${name}.`);
    types.set(name, definition);
  }
  for (const extension of extensions) extend(types, extension);
  for (const definition of types.values()) addPossibleTypes(schema, definition);
}

/** A type that is only extended is defined by that. */
function extend(types: Map<string, Definition>, extension: Definition): void {
  const { position, Name: name, Kind: kind } = extension;
  const base = types.get(name) ?? newNode("Definition", { position, Kind: kind, Name: name });
  types.set(name, base);
  if (base.Kind !== kind) {
    throw errorAt(position, `Cannot extend type ${name} because the base type is a ${base.Kind}, not ${kind}.`);
  }
  base.Directives.push(...extension.Directives);
  base.Interfaces.push(...extension.Interfaces);
  base.Fields.push(...extension.Fields);
  base.Types.push(...extension.Types);
  base.typePositions.push(...extension.typePositions);
  base.EnumValues.push(...extension.EnumValues);
}

function addPossibleTypes({ types, possibleTypes }: Schema, definition: Definition): void {
  const add = (name: string, possible: Definition | undefined): void => {
    if (possible === undefined) return;
    const known = possibleTypes.get(name);
    if (known === undefined) possibleTypes.set(name, [possible]);
    else known.push(possible);
  };
  const { Kind: kind, Name: name, Types: members, Interfaces: interfaces } = definition;
  if (kind === "UNION") for (const member of members) add(name, types.get(member));
  if (kind !== "OBJECT" && kind !== "INPUT_OBJECT" && kind !== "INTERFACE") return;
  for (const one of interfaces) add(one, definition);
  if (kind !== "INTERFACE") add(name, definition);
}

/** A schema may define them itself, and its own definition counts. */
const redefinable: ReadonlySet<string> = new Set(["include", "skip", "deprecated", "specifiedBy", "defer", "oneOf"]);

function addDirectives({ directives }: Schema, definitions: readonly DirectiveDefinition[]): void {
  for (const definition of definitions) {
    const { Name: name, position } = definition;
    if (directives.has(name) && !redefinable.has(name)) throw errorAt(position, `Cannot redeclare directive ${name}.`);
    directives.set(name, definition);
  }
}

// ── roots

function addRoots(schema: Schema, { Schema: definitions, SchemaExtension: extensions }: SchemaDocument): void {
  const second = definitions[1];
  if (second !== undefined) {
    const text = "Cannot have multiple schema entry points, consider schema extensions instead.";
    throw errorAt(second.position, text);
  }
  for (const definition of [...definitions, ...extensions]) addRootsOf(schema, definition);
}

function addRootsOf(schema: Schema, { OperationTypes: roots, Directives: directives }: SchemaDefinition): void {
  for (const { Operation: operation, Type: type, position } of roots) {
    const definition = schema.types.get(type);
    if (definition === undefined) {
      throw errorAt(position, `Schema root ${operation} refers to a type ${type} that does not exist.`);
    }
    if (operation === "query" || operation === "mutation" || operation === "subscription") {
      schema[operation] = definition;
    }
  }
  checkDirectives(schema, directives, { location: "SCHEMA", isOnePlace: true });
}

function inferRoots(schema: Schema): void {
  schema.query ??= schema.types.get("Query") ?? null;
  schema.mutation ??= schema.types.get("Mutation") ?? null;
  schema.subscription ??= schema.types.get("Subscription") ?? null;
}

/** What every query may ask. */
function addMetaFields(query: Definition): void {
  const named = (name: string, nonNull: boolean): TypeReference =>
    newNode("Type", { NamedType: name, NonNull: nonNull });
  const name = newNode("ArgumentDefinition", { Name: "name", Type: named("String", true) });
  query.Fields.push(
    newNode("FieldDefinition", { Name: "__schema", Type: named("__Schema", true) }),
    newNode("FieldDefinition", { Name: "__type", Type: named("__Type", false), Arguments: [name] }),
  );
}
