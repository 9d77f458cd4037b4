// Documents of operations and fragments. gqlparser: parser/query.go.

import type { Budget } from "@portcullis/lang";
import {
  type Field,
  type FragmentDefinition,
  type OperationDefinition,
  type QueryDocument,
  type Selection,
  type VariableDefinition,
} from "./graphqlast.ts";
import { newNode } from "./graphqlstructs.ts";
import {
  type Parser,
  braces,
  expect,
  expectKeyword,
  fail,
  newParser,
  next,
  parentheses,
  parseArguments,
  parseDirectives,
  parseName,
  parseType,
  parseValue,
  parseVariable,
  peek,
  peekPosition,
  skip,
  some,
  unexpected,
} from "./graphqlparser.ts";

/** Throws GraphqlError. */
export function parseQuery(text: string, budget: Budget): QueryDocument {
  const p = newParser(text, budget);
  const document = newNode("QueryDocument");
  while (peek(p).kind !== "<EOF>" && p.error === null) {
    const { kind, value } = peek(p);
    if (kind === "{" || (kind === "Name" && operations.has(value))) document.Operations.push(parseOperation(p));
    else if (kind === "Name" && value === "fragment") document.Fragments.push(parseFragmentDefinition(p));
    else unexpected(p);
  }
  if (p.error !== null) throw p.error;
  return document;
}

const operations: ReadonlySet<string> = new Set(["query", "mutation", "subscription"]);

function parseOperation(p: Parser): OperationDefinition {
  const operation = newNode("OperationDefinition", { position: peekPosition(p), Operation: "query" });
  if (peek(p).kind === "{") {
    operation.SelectionSet = parseSelections(p);
    // gqlparser looks for the comment only now.
    operation.Comment = p.comment;
    return operation;
  }
  operation.Comment = p.comment;
  operation.Operation = next(p).value;
  if (peek(p).kind === "Name") operation.Name = next(p).value;
  operation.VariableDefinitions = parseVariableDefinitions(p);
  operation.Directives = parseDirectives(p, false);
  operation.SelectionSet = parseSelections(p);
  return operation;
}

function parseVariableDefinitions(p: Parser): VariableDefinition[] {
  return some(p, parentheses, () => {
    const definition = newNode("VariableDefinition", { position: peekPosition(p), Comment: p.comment });
    definition.Variable = parseVariable(p);
    expect(p, ":");
    definition.Type = parseType(p);
    if (skip(p, "=")) definition.DefaultValue = parseValue(p, true);
    definition.Directives = parseDirectives(p, false);
    return definition;
  }).elements;
}

function parseSelections(p: Parser): Selection[] {
  if (peek(p).kind !== "{") {
    fail(p, peek(p), `Expected {, found ${peek(p).kind}`);
    return [];
  }
  return some(p, braces, () => (peek(p).kind === "..." ? parseFragment(p) : parseField(p))).elements;
}

function parseField(p: Parser): Field {
  const field = newNode("Field", { position: peekPosition(p), Comment: p.comment });
  field.Alias = parseName(p);
  field.Name = skip(p, ":") ? parseName(p) : field.Alias;
  field.Arguments = parseArguments(p, false);
  field.Directives = parseDirectives(p, false);
  if (peek(p).kind === "{") field.SelectionSet = parseSelections(p);
  return field;
}

function parseFragment(p: Parser): Selection {
  const comment = expect(p, "...");
  const { kind, value } = peek(p);
  const position = peekPosition(p);
  if (kind === "Name" && value !== "on") {
    const spread = newNode("FragmentSpread", { position, Comment: comment, Name: parseName(p) });
    spread.Directives = parseDirectives(p, false);
    return spread;
  }
  const fragment = newNode("InlineFragment", { position, Comment: comment });
  if (value === "on") {
    next(p);
    fragment.TypeCondition = parseName(p);
  }
  fragment.Directives = parseDirectives(p, false);
  fragment.SelectionSet = parseSelections(p);
  return fragment;
}

function parseFragmentDefinition(p: Parser): FragmentDefinition {
  const fragment = newNode("FragmentDefinition", { position: peekPosition(p), Comment: p.comment });
  expectKeyword(p, "fragment");
  if (peek(p).value === "on") unexpected(p);
  fragment.Name = parseName(p);
  fragment.VariableDefinition = parseVariableDefinitions(p);
  expectKeyword(p, "on");
  fragment.TypeCondition = parseName(p);
  fragment.Directives = parseDirectives(p, false);
  fragment.SelectionSet = parseSelections(p);
  return fragment;
}
