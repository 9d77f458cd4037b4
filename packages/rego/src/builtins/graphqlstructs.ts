// The fields of every node with their types in Go, from which nodes are made, written as values and read back.
// gqlparser: ast/*.go.

import type {
  Argument,
  ArgumentDefinition,
  ChildValue,
  CommentGroup,
  Definition,
  Directive,
  DirectiveDefinition,
  EnumValueDefinition,
  Field,
  FieldDefinition,
  FragmentDefinition,
  FragmentSpread,
  InlineFragment,
  OperationDefinition,
  OperationTypeDefinition,
  QueryDocument,
  SchemaDefinition,
  SchemaDocument,
  TypeReference,
  ValueNode,
  VariableDefinition,
} from "./graphqlast.ts";

/** The struct types by their names in Go. */
export interface Nodes {
  Argument: Argument;
  ArgumentDefinition: ArgumentDefinition;
  ChildValue: ChildValue;
  Comment: { Value: string };
  CommentGroup: CommentGroup;
  Definition: Definition;
  Directive: Directive;
  DirectiveDefinition: DirectiveDefinition;
  EnumValueDefinition: EnumValueDefinition;
  Field: Field;
  FieldDefinition: FieldDefinition;
  FragmentDefinition: FragmentDefinition;
  FragmentSpread: FragmentSpread;
  InlineFragment: InlineFragment;
  OperationDefinition: OperationDefinition;
  OperationTypeDefinition: OperationTypeDefinition;
  QueryDocument: QueryDocument;
  SchemaDefinition: SchemaDefinition;
  SchemaDocument: SchemaDocument;
  Type: TypeReference;
  Value: ValueNode;
  VariableDefinition: VariableDefinition;
}

export type NodeName = keyof Nodes;

export interface PlainType {
  readonly plain: "string" | "bool" | "int";
  readonly goName: string;
}

/** The type of a field: a plain one, another struct (null when absent), or a list of either with its name in Go. */
export type FieldType =
  | "selections"
  | PlainType
  | { readonly struct: NodeName }
  | { readonly list: NodeName | PlainType; readonly goName: string };

export interface Structure {
  readonly fields: Readonly<Record<string, FieldType>>;
  /** Go reads such nodes with code of their own, which knows only exact names. */
  readonly isExact?: true;
}

const one = (struct: NodeName): FieldType => ({ struct });
const list = (of: NodeName, goName: string): FieldType => ({ list: of, goName: `ast.${goName}` });

const text: PlainType = { plain: "string", goName: "string" };
const flag: PlainType = { plain: "bool", goName: "bool" };
const operation: PlainType = { plain: "string", goName: "ast.Operation" };
const location: PlainType = { plain: "string", goName: "ast.DirectiveLocation" };
const comment = one("CommentGroup");
const definition = one("Definition");
const type = one("Type");
const value = one("Value");
const directives = list("Directive", "DirectiveList");
const texts: FieldType = { list: text, goName: "[]string" };
const argumentDefinitions = list("ArgumentDefinition", "ArgumentDefinitionList");
const described = {
  Description: text,
  BeforeDescriptionComment: comment,
  AfterDescriptionComment: comment,
} as const;

export const structures: Readonly<Record<NodeName, Structure>> = {
  Argument: { fields: { Name: text, Value: value, Comment: comment } },
  ArgumentDefinition: {
    fields: { ...described, Name: text, DefaultValue: value, Type: type, Directives: directives },
  },
  ChildValue: { fields: { Name: text, Value: value, Comment: comment } },
  Comment: { fields: { Value: text } },
  CommentGroup: { fields: { List: { list: "Comment", goName: "[]*ast.Comment" } } },
  Definition: {
    fields: {
      ...described,
      Kind: { plain: "string", goName: "ast.DefinitionKind" },
      Name: text,
      Directives: directives,
      Interfaces: texts,
      Fields: list("FieldDefinition", "FieldList"),
      Types: texts,
      EnumValues: list("EnumValueDefinition", "EnumValueList"),
      BuiltIn: flag,
      EndOfDefinitionComment: comment,
    },
  },
  Directive: {
    fields: {
      Name: text,
      Arguments: list("Argument", "ArgumentList"),
      ParentDefinition: definition,
      Definition: one("DirectiveDefinition"),
      Location: location,
    },
  },
  DirectiveDefinition: {
    fields: {
      ...described,
      Name: text,
      Arguments: argumentDefinitions,
      Locations: { list: location, goName: "[]ast.DirectiveLocation" },
      IsRepeatable: flag,
    },
  },
  EnumValueDefinition: { fields: { ...described, Name: text, Directives: directives } },
  Field: {
    fields: {
      Alias: text,
      Name: text,
      Arguments: list("Argument", "ArgumentList"),
      Directives: directives,
      SelectionSet: "selections",
      Comment: comment,
      Definition: one("FieldDefinition"),
      ObjectDefinition: definition,
    },
    isExact: true,
  },
  FieldDefinition: {
    fields: {
      ...described,
      Name: text,
      Arguments: argumentDefinitions,
      DefaultValue: value,
      Type: type,
      Directives: directives,
    },
  },
  FragmentDefinition: {
    fields: {
      Name: text,
      VariableDefinition: list("VariableDefinition", "VariableDefinitionList"),
      TypeCondition: text,
      Directives: directives,
      SelectionSet: "selections",
      Definition: definition,
      Comment: comment,
    },
    isExact: true,
  },
  FragmentSpread: {
    fields: {
      Name: text,
      Directives: directives,
      ObjectDefinition: definition,
      Definition: one("FragmentDefinition"),
      Comment: comment,
    },
  },
  InlineFragment: {
    fields: {
      TypeCondition: text,
      Directives: directives,
      SelectionSet: "selections",
      ObjectDefinition: definition,
      Comment: comment,
    },
    isExact: true,
  },
  OperationDefinition: {
    fields: {
      Operation: operation,
      Name: text,
      VariableDefinitions: list("VariableDefinition", "VariableDefinitionList"),
      Directives: directives,
      SelectionSet: "selections",
      Comment: comment,
    },
    isExact: true,
  },
  OperationTypeDefinition: { fields: { Operation: operation, Type: text, Comment: comment } },
  QueryDocument: {
    fields: {
      Operations: list("OperationDefinition", "OperationList"),
      Fragments: list("FragmentDefinition", "FragmentDefinitionList"),
      Comment: comment,
    },
  },
  SchemaDefinition: {
    fields: {
      ...described,
      Directives: directives,
      OperationTypes: list("OperationTypeDefinition", "OperationTypeDefinitionList"),
      EndOfDefinitionComment: comment,
    },
  },
  SchemaDocument: {
    fields: {
      Schema: list("SchemaDefinition", "SchemaDefinitionList"),
      SchemaExtension: list("SchemaDefinition", "SchemaDefinitionList"),
      Directives: list("DirectiveDefinition", "DirectiveDefinitionList"),
      Definitions: list("Definition", "DefinitionList"),
      Extensions: list("Definition", "DefinitionList"),
      Comment: comment,
    },
  },
  Type: { fields: { NamedType: text, Elem: type, NonNull: flag } },
  Value: {
    fields: {
      Raw: text,
      Children: list("ChildValue", "ChildValueList"),
      Kind: { plain: "int", goName: "ast.ValueKind" },
      Comment: comment,
      Definition: definition,
      VariableDefinition: one("VariableDefinition"),
      ExpectedType: type,
      ExpectedTypeHasDefault: flag,
    },
  },
  VariableDefinition: {
    fields: {
      Variable: text,
      Type: type,
      DefaultValue: value,
      Directives: directives,
      Comment: comment,
      Definition: definition,
      Used: flag,
    },
  },
};

/** A node with nothing in it but what is given. */
export function newNode<N extends NodeName>(name: N, given: Partial<Nodes[N]> = {}): Nodes[N] {
  const node: Record<string, unknown> = { node: name, position: null };
  for (const [key, fieldType] of Object.entries(structures[name].fields)) node[key] = zeroOf(fieldType);
  if (name === "Definition") node["typePositions"] = [];
  return Object.assign(node, given) as unknown as Nodes[N];
}

function zeroOf(fieldType: FieldType): unknown {
  if (fieldType === "selections" || "list" in fieldType) return [];
  return "plain" in fieldType ? zeroes[fieldType.plain] : null;
}

export const zeroes = { string: "", bool: false, int: 0 } as const;
