// GraphQL queries and schemas: parsed to trees, and checked against one another. A document may be given as text or as
// the tree of an earlier call. OPA: v1/topdown/graphql.go, with gqlparser v2.5.58.

import type { Budget } from "@portcullis/lang";
import { toJson } from "../runtime/tojson.ts";
import { type PlainObject, type Value, isObject } from "../runtime/value.ts";
import { t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError } from "./builtin.ts";
import { GraphqlError, type Position, type QueryDocument, type SchemaDocument, placedText } from "./graphqlast.ts";
import * as fields from "./graphqlfieldrules.ts";
import * as fragments from "./graphqlfragmentrules.ts";
import { documentJson, documentOf } from "./graphqljson.ts";
import { overlappingFieldsCanBeMerged } from "./graphqloverlap.ts";
import { parseQuery } from "./graphqlquery.ts";
import { parseSchema } from "./graphqlschema.ts";
import { type Schema, schemaOf } from "./graphqltypes.ts";
import * as values from "./graphqlvaluerules.ts";
import { type Rule, walkDocument } from "./graphqlwalk.ts";
import { onString } from "./operand.ts";

/** Fresh rules in the order of their names; some remember what they saw. */
function rules(): readonly Rule[] {
  return [
    fields.fieldsOnCorrectType,
    fragments.fragmentsOnCompositeTypes,
    fields.knownArgumentNames,
    fields.knownDirectives(),
    fragments.knownFragmentNames,
    fields.knownRootType,
    fragments.knownTypeNames,
    fields.loneAnonymousOperation,
    fields.maxIntrospectionDepth,
    fragments.noFragmentCycles(),
    values.noUndefinedVariables,
    fragments.noUnusedFragments(),
    values.noUnusedVariables,
    overlappingFieldsCanBeMerged(),
    fragments.possibleFragmentSpreads,
    fields.providedRequiredArguments,
    fields.scalarLeafs,
    fields.singleFieldSubscriptions,
    fields.uniqueArgumentNames,
    fields.uniqueDirectivesPerLocation,
    fragments.uniqueFragmentNames(),
    values.uniqueInputFieldNames,
    fields.uniqueOperationNames(),
    values.uniqueVariableNames,
    values.valuesOfCorrectType,
    values.variablesAreInputTypes,
    values.variablesInAllowedPosition,
  ];
}

/** Throws GraphqlError with all that is wrong. The query's nodes are changed. */
function validate(schema: Schema, document: QueryDocument): void {
  const errors: string[] = [];
  const report = (position: Position | null, text: string): void => {
    schema.budget.output(text.length);
    errors.push(position === null ? `input: ${text}` : placedText(position, text));
  };
  walkDocument({ schema, document, operation: null, report, spread: new Set(), depth: 0 }, rules());
  if (errors.length > 0) throw new GraphqlError(errors.map((error) => `${error}\n`).join(""));
}

/** The place of the first error goes to the end, and the last full stop. OPA: formatGqlParserError. */
function opaText(text: string): string {
  const match = /^[^:]*:(\d+):(\d+):([^]*)$/.exec(text);
  if (match === null) return `GraphQL parse error: ${text}`;
  const [, row = "", column = "", rest = ""] = match;
  return `${rest.replace(/^ +/, "").replace(/\.\n$/, "")} in GraphQL string at location ${row}:${column}`;
}

/** What fails is reported in OPA's form. */
function reported<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof GraphqlError ? new GraphqlError(opaText(error.message), { cause: error }) : error;
  }
}

// ── documents

function readQuery(document: Value, budget: Budget): QueryDocument {
  if (typeof document === "string") return reported(() => parseQuery(document, budget));
  return documentOf("QueryDocument", toJson(document) as PlainObject, budget);
}

function readSchema(document: Value, budget: Budget): SchemaDocument {
  if (typeof document === "string") return reported(() => parseSchema(document, budget));
  return documentOf("SchemaDocument", toJson(document) as PlainObject, budget);
}

function isDocument(value: Value): boolean {
  return typeof value === "string" || isObject(value);
}

interface SchemaWithTree {
  readonly tree: PlainObject;
  readonly schema: Schema;
}

/** A schema that is text is made once in a query. */
function checkedSchema(call: BuiltinCall, document: Value): SchemaWithTree {
  const key = typeof document === "string" ? `graphql schema ${document}` : null;
  const known = key === null ? undefined : call.cache.get(key);
  if (known !== undefined) return known as SchemaWithTree;
  const read = readSchema(document, call.budget);
  const tree = documentJson(read);
  const made = { tree, schema: convert(read, call.budget) };
  if (key !== null) call.cache.set(key, made);
  return made;
}

function convert(document: SchemaDocument, budget: Budget): Schema {
  try {
    return schemaOf(document, budget);
  } catch (error) {
    if (!(error instanceof GraphqlError)) throw error;
    const text = `Error in gqlparser SchemaDocument to Schema conversion: ${error.message}`;
    throw new GraphqlError(text, { cause: error });
  }
}

interface Verified {
  readonly query: PlainObject;
  readonly schema: PlainObject;
}

function verify(call: BuiltinCall, query: Value, schemaDocument: Value): Verified {
  const document = readQuery(query, call.budget);
  const { tree, schema } = checkedSchema(call, schemaDocument);
  const queryTree = documentJson(document);
  reported(() => validate(schema, document));
  return { query: queryTree, schema: tree };
}

/** Null where something is wrong. */
function attempt<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (error instanceof GraphqlError) return null;
    throw error;
  }
}

function orFail(call: BuiltinCall, work: () => Value): Value | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof GraphqlError) return call.fail(error.message);
    throw error;
  }
}

// ── the list

function parse(call: BuiltinCall, query: Value, schema: Value): Value | undefined {
  // OPA counts these operands from zero.
  if (!isDocument(query)) return operandError(call, 0, query, "string", "object");
  if (isDocument(schema)) {
    return orFail(call, () => {
      const verified = verify(call, query, schema);
      return [verified.query, verified.schema];
    });
  }
  const read = orFail(call, () => documentJson(readQuery(query, call.budget)));
  return read === undefined ? undefined : operandError(call, 1, schema, "string", "object");
}

function parseAndVerify(call: BuiltinCall, query: Value, schema: Value): Value {
  const verified = isDocument(query) && isDocument(schema) ? attempt(() => verify(call, query, schema)) : null;
  return verified === null ? [false, {}, {}] : [true, verified.query, verified.schema];
}

const object = t.object(t.any, t.any);
const document = t.union(t.string, object);

export const graphqlBuiltins: readonly Builtin[] = [
  {
    name: "graphql.parse",
    type: t.function([document, document], t.tuple(object, object)),
    evaluate: parse,
  },
  {
    name: "graphql.parse_and_verify",
    type: t.function([document, document], t.tuple(t.boolean, object, object)),
    evaluate: parseAndVerify,
  },
  {
    name: "graphql.is_valid",
    type: t.function([document, document], t.boolean),
    evaluate: (call, query, schema) =>
      isDocument(query) && isDocument(schema) && attempt(() => verify(call, query, schema)) !== null,
  },
  {
    name: "graphql.schema_is_valid",
    type: t.function([document], t.boolean),
    evaluate: (call, schema) => isDocument(schema) && attempt(() => checkedSchema(call, schema)) !== null,
  },
  {
    name: "graphql.parse_query",
    type: t.function([t.string], object),
    evaluate: onString((call, text) => orFail(call, () => documentJson(readQuery(text, call.budget)))),
  },
  {
    name: "graphql.parse_schema",
    type: t.function([t.string], object),
    evaluate: onString((call, text) => orFail(call, () => documentJson(readSchema(text, call.budget)))),
  },
];
