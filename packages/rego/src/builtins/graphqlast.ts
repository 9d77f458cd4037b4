// The trees of GraphQL documents under the names that OPA's policies see: those of gqlparser's Go structs, in which absent
// texts are empty and absent parts null (graphqlstructs.ts makes them). Validation writes into the nodes of a query what it
// finds out about them. gqlparser: ast/*.go.

export interface Position {
  readonly line: number;
  readonly column: number;
  /** Of the document that is part of the language: errors name it. */
  readonly isBuiltIn: boolean;
}

interface Placed {
  /** Null for a node that was read from a value. */
  position: Position | null;
}

export interface CommentGroup {
  List: readonly { readonly Value: string }[];
}

type Commented = CommentGroup | null;

export interface TypeReference extends Placed {
  NamedType: string;
  Elem: TypeReference | null;
  NonNull: boolean;
}

export const valueKinds = {
  variable: 0,
  int: 1,
  float: 2,
  string: 3,
  block: 4,
  boolean: 5,
  null: 6,
  enum: 7,
  list: 8,
  object: 9,
} as const;

export interface ValueNode extends Placed {
  Raw: string;
  Children: ChildValue[];
  Kind: number;
  Comment: Commented;
  Definition: Definition | null;
  VariableDefinition: VariableDefinition | null;
  ExpectedType: TypeReference | null;
  ExpectedTypeHasDefault: boolean;
}

export interface ChildValue extends Placed {
  Name: string;
  Value: ValueNode | null;
  Comment: Commented;
}

export interface Argument extends Placed {
  Name: string;
  Value: ValueNode | null;
  Comment: Commented;
}

export interface Directive extends Placed {
  Name: string;
  Arguments: Argument[];
  ParentDefinition: Definition | null;
  Definition: DirectiveDefinition | null;
  Location: string;
}

// ── queries

export interface Field extends Placed {
  readonly node: "Field";
  Alias: string;
  Name: string;
  Arguments: Argument[];
  Directives: Directive[];
  SelectionSet: Selection[];
  Comment: Commented;
  Definition: FieldDefinition | null;
  ObjectDefinition: Definition | null;
}

export interface FragmentSpread extends Placed {
  readonly node: "FragmentSpread";
  Name: string;
  Directives: Directive[];
  ObjectDefinition: Definition | null;
  Definition: FragmentDefinition | null;
  Comment: Commented;
}

export interface InlineFragment extends Placed {
  readonly node: "InlineFragment";
  TypeCondition: string;
  Directives: Directive[];
  SelectionSet: Selection[];
  ObjectDefinition: Definition | null;
  Comment: Commented;
}

export type Selection = Field | FragmentSpread | InlineFragment;

export interface FragmentDefinition extends Placed {
  Name: string;
  VariableDefinition: VariableDefinition[];
  TypeCondition: string;
  Directives: Directive[];
  SelectionSet: Selection[];
  Definition: Definition | null;
  Comment: Commented;
}

export interface VariableDefinition extends Placed {
  Variable: string;
  Type: TypeReference | null;
  DefaultValue: ValueNode | null;
  Directives: Directive[];
  Comment: Commented;
  Definition: Definition | null;
  Used: boolean;
}

export interface OperationDefinition extends Placed {
  Operation: string;
  Name: string;
  VariableDefinitions: VariableDefinition[];
  Directives: Directive[];
  SelectionSet: Selection[];
  Comment: Commented;
}

export interface QueryDocument extends Placed {
  Operations: OperationDefinition[];
  Fragments: FragmentDefinition[];
  Comment: Commented;
}

// ── schemas

interface Described extends Placed {
  Description: string;
  BeforeDescriptionComment: Commented;
  AfterDescriptionComment: Commented;
}

export interface ArgumentDefinition extends Described {
  Name: string;
  DefaultValue: ValueNode | null;
  Type: TypeReference | null;
  Directives: Directive[];
}

export interface FieldDefinition extends Described {
  Name: string;
  Arguments: ArgumentDefinition[];
  DefaultValue: ValueNode | null;
  Type: TypeReference | null;
  Directives: Directive[];
}

export interface EnumValueDefinition extends Described {
  Name: string;
  Directives: Directive[];
}

export interface Definition extends Described {
  Kind: string;
  Name: string;
  Directives: Directive[];
  Interfaces: string[];
  Fields: FieldDefinition[];
  Types: string[];
  /** As many as there are types, or none. */
  typePositions: Position[];
  EnumValues: EnumValueDefinition[];
  BuiltIn: boolean;
  EndOfDefinitionComment: Commented;
}

export interface DirectiveDefinition extends Described {
  Name: string;
  Arguments: ArgumentDefinition[];
  Locations: string[];
  IsRepeatable: boolean;
}

export interface OperationTypeDefinition extends Placed {
  Operation: string;
  Type: string;
  Comment: Commented;
}

export interface SchemaDefinition extends Described {
  Directives: Directive[];
  OperationTypes: OperationTypeDefinition[];
  EndOfDefinitionComment: Commented;
}

export interface SchemaDocument extends Placed {
  Schema: SchemaDefinition[];
  SchemaExtension: SchemaDefinition[];
  Directives: DirectiveDefinition[];
  Definitions: Definition[];
  Extensions: Definition[];
  Comment: Commented;
}

/** How a wrong document ends its reading: with Go's text. It never leaves graphql.ts. */
export class GraphqlError extends Error {}

/** `input:1:2: text`, as gqlparser prints an error. */
export function placedText(position: Position | null, text: string): string {
  if (position === null) return `input:-1:-1: ${text}`;
  return `${position.isBuiltIn ? "prelude.graphql" : "input"}:${position.line}:${position.column}: ${text}`;
}

export function errorAt(position: Position | null, text: string): GraphqlError {
  return new GraphqlError(placedText(position, text));
}

/** Go would stop with a nil pointer here; only documents given as values have such holes. */
export function required<T>(part: T | null | undefined): T {
  if (part === null || part === undefined) throw new GraphqlError("the document has a part that is null");
  return part;
}

/** The innermost name: `Int` of `[Int!]!`. */
export function typeNameOf(reference: TypeReference | null): string {
  let inner = required(reference);
  while (inner.NamedType === "") inner = required(inner.Elem);
  return inner.NamedType;
}

export function typeText(reference: TypeReference | null): string {
  const { NamedType: name, Elem: element, NonNull: nonNull } = required(reference);
  return `${name === "" ? `[${typeText(element)}]` : name}${nonNull ? "!" : ""}`;
}
