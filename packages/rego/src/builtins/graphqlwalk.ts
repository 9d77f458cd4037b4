// The walk over a query that validation makes: every node is told what the schema says about it, and then the rules see
// it, its parts before itself. A fragment is walked where an operation spreads it first, and once by itself.
// gqlparser: validator/core/walk.go.

import { LimitError } from "@portcullis/lang";
import {
  type Argument,
  type ArgumentDefinition,
  type Definition,
  type Directive,
  type Field,
  type FieldDefinition,
  type FragmentDefinition,
  type FragmentSpread,
  type InlineFragment,
  type OperationDefinition,
  type Position,
  type QueryDocument,
  type Selection,
  type ValueNode,
  type VariableDefinition,
  required,
  typeNameOf,
  valueKinds,
} from "./graphqlast.ts";
import { newNode } from "./graphqlstructs.ts";
import { named } from "./graphqldefinitions.ts";
import type { Schema } from "./graphqltypes.ts";

export interface Walk {
  readonly schema: Schema;
  readonly document: QueryDocument;
  /** Null within a fragment that is walked by itself. */
  operation: OperationDefinition | null;
  readonly report: (position: Position | null, text: string) => void;
  /** Fragments that this operation has spread. */
  spread: Set<string>;
  depth: number;
}

/** What a rule wants to see. */
export interface Rule {
  readonly operation?: (walk: Walk, operation: OperationDefinition) => void;
  readonly field?: (walk: Walk, field: Field) => void;
  readonly fragment?: (walk: Walk, fragment: FragmentDefinition) => void;
  readonly inlineFragment?: (walk: Walk, fragment: InlineFragment) => void;
  readonly fragmentSpread?: (walk: Walk, spread: FragmentSpread) => void;
  readonly directive?: (walk: Walk, directive: Directive) => void;
  readonly directives?: (walk: Walk, directives: readonly Directive[]) => void;
  readonly value?: (walk: Walk, value: ValueNode) => void;
  readonly variable?: (walk: Walk, variable: VariableDefinition) => void;
}

/** About what a node costs, in steps. */
const nodeCost = 2000;

export function walkDocument(walk: Walk, rules: readonly Rule[]): void {
  for (const operation of walk.document.Operations) {
    walk.spread = new Set();
    walkOperation(walk, rules, operation);
  }
  for (const fragment of walk.document.Fragments) {
    walk.spread = new Set();
    const type = walk.schema.types.get(fragment.TypeCondition) ?? null;
    fragment.Definition = type;
    walkDirectives(walk, rules, { directives: fragment.Directives, type, location: "FRAGMENT_DEFINITION" });
    walkSelections(walk, rules, type, fragment.SelectionSet);
    for (const rule of rules) rule.fragment?.(walk, fragment);
  }
}

function walkOperation(walk: Walk, rules: readonly Rule[], operation: OperationDefinition): void {
  const { schema } = walk;
  walk.operation = operation;
  for (const variable of operation.VariableDefinitions) {
    variable.Definition = schema.types.get(typeNameOf(variable.Type)) ?? null;
    for (const rule of rules) rule.variable?.(walk, variable);
    if (variable.DefaultValue === null) continue;
    variable.DefaultValue.ExpectedType = variable.Type;
    variable.DefaultValue.Definition = variable.Definition;
  }
  for (const { DefaultValue: value, Definition: type, Directives: directives } of operation.VariableDefinitions) {
    if (value !== null) walkValue(walk, rules, value);
    walkDirectives(walk, rules, { directives, type, location: "VARIABLE_DEFINITION" });
  }
  const [type, location] = rootOf(schema, operation.Operation);
  walkDirectives(walk, rules, { directives: operation.Directives, type, location });
  walkSelections(walk, rules, type, operation.SelectionSet);
  for (const rule of rules) rule.operation?.(walk, operation);
  walk.operation = null;
}

export function rootOf(schema: Schema, operation: string): readonly [Definition | null, string] {
  if (operation === "mutation") return [schema.mutation, "MUTATION"];
  if (operation === "subscription") return [schema.subscription, "SUBSCRIPTION"];
  return operation === "query" || operation === "" ? [schema.query, "QUERY"] : [null, ""];
}

interface DirectivesAt {
  readonly directives: readonly Directive[];
  readonly type: Definition | null;
  readonly location: string;
}

function walkDirectives(walk: Walk, rules: readonly Rule[], { directives, type, location }: DirectivesAt): void {
  for (const directive of directives) {
    walk.schema.budget.step(nodeCost);
    directive.Definition = walk.schema.directives.get(directive.Name) ?? null;
    directive.ParentDefinition = type;
    directive.Location = location;
    walkArguments(walk, rules, directive.Arguments, directive.Definition?.Arguments ?? []);
    for (const rule of rules) rule.directive?.(walk, directive);
  }
  for (const rule of rules) rule.directives?.(walk, directives);
}

function walkArguments(
  walk: Walk,
  rules: readonly Rule[],
  list: readonly Argument[],
  definitions: readonly ArgumentDefinition[],
): void {
  for (const argument of list) {
    const value = required(argument.Value);
    const definition = named(walk.schema, definitions, argument.Name);
    if (definition !== undefined) expectType(walk, value, definition);
    walkValue(walk, rules, value);
  }
}

function expectType(walk: Walk, value: ValueNode, { Type: type, DefaultValue: other }: ArgumentDefinition): void {
  value.ExpectedType = type;
  value.ExpectedTypeHasDefault = other !== null && other.Kind !== valueKinds.null;
  value.Definition = walk.schema.types.get(typeNameOf(type)) ?? null;
}

function walkValue(walk: Walk, rules: readonly Rule[], value: ValueNode): void {
  walk.schema.budget.step(nodeCost);
  if (value.Kind === valueKinds.variable && walk.operation !== null) {
    const variable = walk.operation.VariableDefinitions.find(({ Variable: name }) => name === value.Raw) ?? null;
    value.VariableDefinition = variable;
    if (variable !== null) variable.Used = true;
  }
  if (value.Kind === valueKinds.object || value.Kind === valueKinds.list) {
    for (const child of value.Children) {
      const inner = required(child.Value);
      if (value.Kind === valueKinds.object) {
        const field = value.Definition === null ? undefined : named(walk.schema, value.Definition.Fields, child.Name);
        if (field !== undefined) expectType(walk, inner, field);
      } else if (value.ExpectedType !== null && value.ExpectedType.Elem !== null) {
        inner.ExpectedType = value.ExpectedType.Elem;
        inner.Definition = value.Definition;
      }
      walkValue(walk, rules, inner);
    }
  }
  for (const rule of rules) rule.value?.(walk, value);
}

// ── selections

const depthMax = 1000;

function walkSelections(
  walk: Walk,
  rules: readonly Rule[],
  parent: Definition | null,
  selections: readonly Selection[],
): void {
  if (++walk.depth > depthMax) throw new LimitError("depth");
  for (const selection of selections) {
    walk.schema.budget.step(nodeCost);
    if (selection.node === "Field") walkField(walk, rules, parent, selection);
    else if (selection.node === "InlineFragment") walkInlineFragment(walk, rules, parent, selection);
    else walkSpread(walk, rules, parent, selection);
  }
  walk.depth--;
}

function walkField(walk: Walk, rules: readonly Rule[], parent: Definition | null, field: Field): void {
  const definition = fieldDefinitionOf(walk, parent, field.Name);
  field.Definition = definition;
  field.ObjectDefinition = parent;
  const type = definition === null ? null : (walk.schema.types.get(typeNameOf(definition.Type)) ?? null);
  walkArguments(walk, rules, field.Arguments, definition?.Arguments ?? []);
  walkDirectives(walk, rules, { directives: field.Directives, type, location: "FIELD" });
  walkSelections(walk, rules, type, field.SelectionSet);
  for (const rule of rules) rule.field?.(walk, field);
}

function fieldDefinitionOf(walk: Walk, parent: Definition | null, name: string): FieldDefinition | null {
  if (name === "__typename") {
    return newNode("FieldDefinition", { Name: name, Type: newNode("Type", { NamedType: "String" }) });
  }
  return parent === null ? null : (named(walk.schema, parent.Fields, name) ?? null);
}

function walkInlineFragment(
  walk: Walk,
  rules: readonly Rule[],
  parent: Definition | null,
  fragment: InlineFragment,
): void {
  fragment.ObjectDefinition = parent;
  const { TypeCondition: condition, Directives: directives } = fragment;
  const type = condition === "" ? parent : (walk.schema.types.get(condition) ?? null);
  walkDirectives(walk, rules, { directives, type, location: "INLINE_FRAGMENT" });
  walkSelections(walk, rules, type, fragment.SelectionSet);
  for (const rule of rules) rule.inlineFragment?.(walk, fragment);
}

function walkSpread(walk: Walk, rules: readonly Rule[], parent: Definition | null, spread: FragmentSpread): void {
  const definition = named(walk.schema, walk.document.Fragments, spread.Name) ?? null;
  spread.Definition = definition;
  spread.ObjectDefinition = parent;
  const type = definition === null ? null : (walk.schema.types.get(definition.TypeCondition) ?? null);
  walkDirectives(walk, rules, { directives: spread.Directives, type, location: "FRAGMENT_SPREAD" });
  if (definition !== null && !walk.spread.has(definition.Name)) {
    walk.spread.add(definition.Name);
    walkDirectives(walk, rules, { directives: definition.Directives, type, location: "FRAGMENT_DEFINITION" });
    walkSelections(walk, rules, type, definition.SelectionSet);
  }
  for (const rule of rules) rule.fragmentSpread?.(walk, spread);
}
