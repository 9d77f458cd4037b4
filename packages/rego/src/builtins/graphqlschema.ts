// Documents of types and directives. gqlparser: parser/schema.go.

import type { Budget } from "@portcullis/lang";
import {
  type ArgumentDefinition,
  type CommentGroup,
  type Definition,
  type DirectiveDefinition,
  type EnumValueDefinition,
  type FieldDefinition,
  type OperationTypeDefinition,
  type Position,
  type SchemaDefinition,
  type SchemaDocument,
} from "./graphqlast.ts";
import { newNode } from "./graphqlstructs.ts";
import {
  type Parser,
  braces,
  expect,
  expectKeyword,
  newParser,
  next,
  parentheses,
  parseDirectives,
  parseName,
  parseType,
  parseValue,
  peek,
  peekPosition,
  skip,
  some,
  unexpected,
} from "./graphqlparser.ts";

/** Throws GraphqlError. A built-in document is part of the language. */
export function parseSchema(text: string, budget: Budget, isBuiltIn = false): SchemaDocument {
  const p = newParser(text, budget, isBuiltIn);
  const document = newNode("SchemaDocument");
  while (peek(p).kind !== "<EOF>" && p.error === null) parseStatement(p, document);
  if (p.error !== null) throw p.error;
  document.Comment = p.comment;
  for (const definition of [...document.Definitions, ...document.Extensions]) definition.BuiltIn = isBuiltIn;
  return document;
}

function parseStatement(p: Parser, document: SchemaDocument): void {
  const description = parseDescription(p);
  const { kind, value } = peek(p);
  if (kind !== "Name") unexpected(p);
  else if (kinds.has(value)) document.Definitions.push(parseDefinition(p, description));
  else if (value === "schema") document.Schema.push(parseSchemaDefinition(p, description));
  else if (value === "directive") document.Directives.push(parseDirectiveDefinition(p, description));
  else if (value === "extend") {
    if (description.text !== "") unexpected(p, p.previous);
    parseExtension(p, document);
  } else unexpected(p);
}

const kinds: ReadonlyMap<string, string> = new Map([
  ["scalar", "SCALAR"],
  ["type", "OBJECT"],
  ["interface", "INTERFACE"],
  ["union", "UNION"],
  ["enum", "ENUM"],
  ["input", "INPUT_OBJECT"],
]);

interface Description {
  readonly text: string;
  readonly comment: CommentGroup | null;
}

const noDescription: Description = { text: "", comment: null };

function parseDescription(p: Parser): Description {
  const { kind, value } = peek(p);
  if (kind !== "BlockString" && kind !== "String") return noDescription;
  const { comment } = p;
  next(p);
  return { text: value, comment };
}

/** The description of a field, an argument or a value, which does not count when it is empty; and the place behind it. */
function parseHead(p: Parser): {
  readonly position: Position | null;
  readonly Description: string;
  readonly BeforeDescriptionComment: CommentGroup | null;
  readonly AfterDescriptionComment: CommentGroup | null;
} {
  const { text, comment } = parseDescription(p);
  const position = peekPosition(p);
  return {
    position,
    Description: text,
    BeforeDescriptionComment: text === "" ? null : comment,
    AfterDescriptionComment: p.comment,
  };
}

function parseDefinition(p: Parser, description: Description): Definition {
  const word = peek(p).value;
  const comment = expectKeyword(p, word);
  const definition = newNode("Definition", {
    position: peekPosition(p),
    Kind: kinds.get(word) ?? "",
    BeforeDescriptionComment: description.comment,
    Description: description.text,
    AfterDescriptionComment: comment,
  });
  definition.Name = parseName(p);
  if (word === "type" || word === "interface") definition.Interfaces = parseInterfaces(p);
  definition.Directives = parseDirectives(p, true);
  parseMembers(p, definition);
  return definition;
}

function parseMembers(p: Parser, definition: Definition): void {
  if (definition.Kind === "UNION") {
    parseUnion(p, definition);
    return;
  }
  if (definition.Kind === "SCALAR") return;
  const isEnum = definition.Kind === "ENUM";
  const field = definition.Kind === "INPUT_OBJECT" ? parseInputField : parseFieldDefinition;
  if (isEnum) {
    const { elements, comment } = some(p, braces, () => parseEnumValue(p));
    definition.EnumValues = elements;
    definition.EndOfDefinitionComment = comment;
  } else {
    const { elements, comment } = some(p, braces, () => field(p));
    definition.Fields = elements;
    definition.EndOfDefinitionComment = comment;
  }
}

function parseInterfaces(p: Parser): string[] {
  const names: string[] = [];
  if (peek(p).value !== "implements") return names;
  next(p);
  skip(p, "&");
  do names.push(parseName(p));
  while (skip(p, "&") && p.error === null);
  return names;
}

function parseUnion(p: Parser, definition: Definition): void {
  if (!skip(p, "=")) return;
  skip(p, "|");
  do {
    const position = peekPosition(p);
    if (position !== null) definition.typePositions.push(position);
    definition.Types.push(parseName(p));
  } while (skip(p, "|") && p.error === null);
}

function parseFieldDefinition(p: Parser): FieldDefinition {
  const field = newNode("FieldDefinition", parseHead(p));
  field.Name = parseName(p);
  field.Arguments = parseArgumentDefinitions(p);
  expect(p, ":");
  field.Type = parseType(p);
  field.Directives = parseDirectives(p, true);
  return field;
}

function parseInputField(p: Parser): FieldDefinition {
  return newNode("FieldDefinition", parseInputValue(p));
}

function parseArgumentDefinitions(p: Parser): ArgumentDefinition[] {
  return some(p, parentheses, () => parseInputValue(p)).elements;
}

function parseInputValue(p: Parser): ArgumentDefinition {
  const argument = newNode("ArgumentDefinition", parseHead(p));
  argument.Name = parseName(p);
  expect(p, ":");
  argument.Type = parseType(p);
  if (skip(p, "=")) argument.DefaultValue = parseValue(p, true);
  argument.Directives = parseDirectives(p, true);
  return argument;
}

function parseEnumValue(p: Parser): EnumValueDefinition {
  const value = newNode("EnumValueDefinition", parseHead(p));
  value.Name = parseName(p);
  value.Directives = parseDirectives(p, true);
  return value;
}

function parseSchemaDefinition(p: Parser, description: Description): SchemaDefinition {
  const comment = expectKeyword(p, "schema");
  const definition = newNode("SchemaDefinition", {
    position: peekPosition(p),
    BeforeDescriptionComment: description.comment,
    Description: description.text,
    AfterDescriptionComment: comment,
  });
  parseSchemaMembers(p, definition);
  return definition;
}

function parseSchemaMembers(p: Parser, definition: SchemaDefinition): void {
  definition.Directives = parseDirectives(p, true);
  const { elements, comment } = some(p, braces, () => parseOperationType(p));
  definition.OperationTypes = elements;
  definition.EndOfDefinitionComment = comment;
}

const operations: ReadonlySet<string> = new Set(["query", "mutation", "subscription"]);

function parseOperationType(p: Parser): OperationTypeDefinition {
  const made = newNode("OperationTypeDefinition", { position: peekPosition(p), Comment: p.comment });
  const token = next(p);
  if (operations.has(token.value)) made.Operation = token.value;
  else unexpected(p, token);
  expect(p, ":");
  made.Type = parseName(p);
  return made;
}

function parseExtension(p: Parser, document: SchemaDocument): void {
  const comment = expectKeyword(p, "extend");
  const word = peek(p).value;
  if (word === "schema") document.SchemaExtension.push(parseSchemaExtension(p, comment));
  else if (kinds.has(word)) document.Extensions.push(parseTypeExtension(p, comment));
  else unexpected(p);
}

function parseSchemaExtension(p: Parser, comment: CommentGroup | null): SchemaDefinition {
  expectKeyword(p, "schema");
  const made = newNode("SchemaDefinition", { position: peekPosition(p), AfterDescriptionComment: comment });
  parseSchemaMembers(p, made);
  if (made.Directives.length === 0 && made.OperationTypes.length === 0) unexpected(p);
  return made;
}

/** Something must be added. */
function parseTypeExtension(p: Parser, comment: CommentGroup | null): Definition {
  const word = peek(p).value;
  expectKeyword(p, word);
  const made = newNode("Definition", {
    position: peekPosition(p),
    AfterDescriptionComment: comment,
    Kind: kinds.get(word) ?? "",
  });
  made.Name = parseName(p);
  if (word === "type") made.Interfaces = parseInterfaces(p);
  made.Directives = parseDirectives(p, word !== "input");
  parseMembers(p, made);
  const added = [made.Interfaces, made.Directives, made.Fields, made.Types, made.EnumValues];
  if (added.every((list: readonly unknown[]) => list.length === 0)) unexpected(p);
  return made;
}

function parseDirectiveDefinition(p: Parser, description: Description): DirectiveDefinition {
  const comment = expectKeyword(p, "directive");
  expect(p, "@");
  const made = newNode("DirectiveDefinition", {
    position: peekPosition(p),
    BeforeDescriptionComment: description.comment,
    Description: description.text,
    AfterDescriptionComment: comment,
  });
  made.Name = parseName(p);
  made.Arguments = parseArgumentDefinitions(p);
  const { kind, value } = peek(p);
  if (kind === "Name" && value === "repeatable") {
    made.IsRepeatable = true;
    next(p);
  }
  expectKeyword(p, "on");
  skip(p, "|");
  do made.Locations.push(parseLocation(p));
  while (skip(p, "|") && p.error === null);
  return made;
}

const locations: ReadonlySet<string> = new Set(
  (
    "QUERY MUTATION SUBSCRIPTION FIELD FRAGMENT_DEFINITION FRAGMENT_SPREAD INLINE_FRAGMENT VARIABLE_DEFINITION " +
    "SCHEMA SCALAR OBJECT FIELD_DEFINITION ARGUMENT_DEFINITION INTERFACE UNION ENUM ENUM_VALUE INPUT_OBJECT " +
    "INPUT_FIELD_DEFINITION"
  ).split(" "),
);

function parseLocation(p: Parser): string {
  const token = peek(p);
  expect(p, "Name");
  if (p.error === null && !locations.has(token.value)) unexpected(p, token);
  return token.value;
}
