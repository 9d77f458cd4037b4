// Rules about values and variables. gqlparser: validator/rules/*.go.

import { quote } from "@portcullis/lang/go";
import { type Definition, type TypeReference, type ValueNode, required, typeText, valueKinds } from "./graphqlast.ts";
import { isCompatible, isInputType, named } from "./graphqldefinitions.ts";
import { didYouMean, didYouMeanUnquoted } from "./graphqlsuggest.ts";
import type { Rule, Walk } from "./graphqlwalk.ts";

/** As messages show it. gqlparser: ast/value.go String. */
function valueText({ Kind: kind, Raw: raw, Children: children }: ValueNode): string {
  switch (kind) {
    case valueKinds.variable:
      return `$${raw}`;
    case valueKinds.string:
    case valueKinds.block:
      return quote(raw);
    case valueKinds.list:
      return `[${children.map((child) => valueText(required(child.Value))).join(",")}]`;
    case valueKinds.object:
      return `{${children.map((child) => `${child.Name}:${valueText(required(child.Value))}`).join(",")}}`;
    default:
      return raw;
  }
}

// ── variables

export const noUndefinedVariables: Rule = {
  value: (walk, value) => {
    const { operation } = walk;
    if (operation === null || value.Kind !== valueKinds.variable || value.VariableDefinition !== null) return;
    const by = operation.Name === "" ? "" : ` by operation "${operation.Name}"`;
    walk.report(value.position, `Variable "${valueText(value)}" is not defined${by}.`);
  },
};

export const noUnusedVariables: Rule = {
  operation: (walk, { Name: name, VariableDefinitions: variables }) => {
    const where = name === "" ? "" : ` in operation "${name}"`;
    for (const { Variable: variable, Used: isUsed, position } of variables) {
      if (!isUsed) walk.report(position, `Variable "$${variable}" is never used${where}.`);
    }
  },
};

/** Reports the second of a name, not the third. */
export const uniqueVariableNames: Rule = {
  operation: (walk, { VariableDefinitions: variables }) => {
    const counts = new Map<string, number>();
    for (const { Variable: name, position } of variables) {
      const count = counts.get(name) ?? 0;
      if (count === 1) walk.report(position, `There can be only one variable named "$${name}".`);
      counts.set(name, count + 1);
    }
  },
};

export const variablesAreInputTypes: Rule = {
  operation: (walk, { VariableDefinitions: variables }) => {
    for (const { Variable: name, Type: type, Definition: definition, position } of variables) {
      if (definition === null || isInputType(definition)) continue;
      walk.report(position, `Variable "$${name}" cannot be non-input type "${typeText(type)}".`);
    }
  },
};

export const variablesInAllowedPosition: Rule = {
  value: (walk, value) => {
    checkPosition(walk, value);
    checkOneOfVariables(walk, value);
  },
};

function checkPosition(walk: Walk, value: ValueNode): void {
  const { VariableDefinition: variable, ExpectedType: wanted } = value;
  if (value.Kind !== valueKinds.variable || wanted === null || variable === null || walk.operation === null) return;
  const { DefaultValue: other } = variable;
  // With a default of either side a variable that may be null is none.
  const mayBeNull = value.ExpectedTypeHasDefault || (other !== null && other.Kind !== valueKinds.null);
  const relaxed: TypeReference = mayBeNull ? { ...wanted, NonNull: false } : wanted;
  const type = required(variable.Type);
  if (isCompatible(type, relaxed)) return;
  const expecting = `used in position expecting type "${typeText(wanted)}".`;
  walk.report(value.position, `Variable "${valueText(value)}" of type "${typeText(type)}" ${expecting}`);
}

function isOneOf({ Directives: directives }: Definition): boolean {
  return directives.some(({ Name: name }) => name === "oneOf");
}

function checkOneOfVariables(walk: Walk, { Kind: kind, Definition: definition, Children: children }: ValueNode): void {
  if (kind !== valueKinds.object || definition === null || !isOneOf(definition)) return;
  for (const { Value: value } of children) {
    const variable = value?.VariableDefinition ?? null;
    if (value?.Kind !== valueKinds.variable || variable === null || required(variable.Type).NonNull) continue;
    const must = `but must be non-nullable to be used for OneOf Input Object "${definition.Name}".`;
    const text = `Variable "${valueText(value)}" is of type "${typeText(variable.Type)}" ${must}`;
    walk.report(variable.position ?? value.position, text);
  }
}

export const uniqueInputFieldNames: Rule = {
  value: (walk, { Kind: kind, Children: children }) => {
    if (kind !== valueKinds.object) return;
    const seen = new Set<string>();
    for (const { Name: name, position } of children) {
      if (seen.has(name)) walk.report(position, `There can be only one input field named "${name}".`);
      seen.add(name);
    }
  },
};

// ── types

const knownScalars: ReadonlySet<string> = new Set(["Int", "Float", "String", "Boolean", "ID"]);

export const valuesOfCorrectType: Rule = {
  value: (walk, value) => {
    const { Definition: type, ExpectedType: wanted, position } = value;
    if (type === null || wanted === null) return;
    if (value.Kind === valueKinds.null && wanted.NonNull) {
      walk.report(position, `Expected value of type "${typeText(wanted)}", found ${valueText(value)}.`);
    }
    // Other scalars have their own mind about values.
    if (type.Kind === "SCALAR" && !knownScalars.has(type.Name)) return;
    const checking: Checking = { walk, value, type, wanted };
    if (isUnreadable(value)) reportUnexpected(checking);
    checkKind(checking);
  },
};

interface Checking {
  readonly walk: Walk;
  readonly value: ValueNode;
  readonly type: Definition;
  readonly wanted: TypeReference;
}

/** Whether Go cannot make a number of it, or of anything in it. */
function isUnreadable({ Kind: kind, Raw: raw, Children: children, VariableDefinition: variable }: ValueNode): boolean {
  switch (kind) {
    case valueKinds.variable:
      return variable !== null && variable.DefaultValue !== null && isUnreadable(variable.DefaultValue);
    case valueKinds.int:
      return !/^[+-]?\d+$/.test(raw) || BigInt.asIntN(64, BigInt(raw)) !== BigInt(raw);
    case valueKinds.float:
      return !Number.isFinite(Number(raw)) || raw === "";
    case valueKinds.boolean:
      return raw !== "true" && raw !== "false";
    case valueKinds.list:
    case valueKinds.object:
      return children.some((child) => isUnreadable(required(child.Value)));
    default:
      return false;
  }
}

function checkKind(checking: Checking): void {
  const { value, type, wanted } = checking;
  const isOf = (...names: readonly string[]): boolean => names.includes(type.Name);
  switch (value.Kind) {
    case valueKinds.list:
      if (wanted.Elem === null) reportUnexpected(checking);
      return;
    case valueKinds.int:
      if (!isOf("Int", "Float", "ID")) reportUnexpected(checking);
      return;
    case valueKinds.float:
      if (!isOf("Float")) reportUnexpected(checking);
      return;
    case valueKinds.boolean:
      if (!isOf("Boolean")) reportUnexpected(checking);
      return;
    case valueKinds.string:
    case valueKinds.block:
      if (type.Kind === "ENUM") reportNoEnum(checking);
      else if (!isOf("String", "ID")) reportUnexpected(checking);
      return;
    case valueKinds.enum:
      checkEnum(checking);
      return;
    case valueKinds.object:
      checkObject(checking);
      return;
    default:
  }
}

function reportUnexpected({ walk, value, type, wanted }: Checking): void {
  walk.report(value.position, unexpectedText(value, type, wanted));
}

function unexpectedText(value: ValueNode, type: Definition, wanted: TypeReference): string {
  const [name, text] = [typeText(wanted), valueText(value)];
  switch (name) {
    case "Int":
    case "Int!":
      return isBeyond32Bits(value.Raw)
        ? `Int cannot represent non 32-bit signed integer value: ${text}`
        : `Int cannot represent non-integer value: ${text}`;
    case "String":
    case "String!":
    case "[String]":
      return `String cannot represent a non string value: ${text}`;
    case "Boolean":
    case "Boolean!":
      return `Boolean cannot represent a non boolean value: ${text}`;
    case "Float":
    case "Float!":
      return `Float cannot represent non numeric value: ${text}`;
    case "ID":
    case "ID!":
      return `ID cannot represent a non-string and non-integer value: ${text}`;
    default:
      return type.Kind === "ENUM"
        ? `Enum "${name}" cannot represent non-enum value: ${text}.`
        : `Expected value of type "${name}", found ${text}.`;
  }
}

function isBeyond32Bits(raw: string): boolean {
  return /^[+-]?\d+$/.test(raw) && BigInt.asIntN(32, BigInt(raw)) !== BigInt(raw);
}

const theEnumValue = "Did you mean the enum value";

function suggestingEnum({ walk, value, type }: Checking): Parameters<typeof didYouMean>[0] {
  const options = type.Kind === "ENUM" ? type.EnumValues.map(({ Name: name }) => name) : [];
  return { budget: walk.schema.budget, text: value.Raw, options };
}

function reportNoEnum(checking: Checking): void {
  const { walk, value, wanted } = checking;
  const hint = didYouMean(suggestingEnum(checking), theEnumValue);
  const text = `Enum "${typeText(wanted)}" cannot represent non-enum value: ${valueText(value)}.${hint}`;
  walk.report(value.position, text);
}

function checkEnum(checking: Checking): void {
  const { walk, value, type, wanted } = checking;
  if (type.Kind !== "ENUM") {
    const hint = didYouMeanUnquoted(suggestingEnum(checking), theEnumValue);
    walk.report(value.position, unexpectedText(value, type, wanted) + hint);
  } else if (named(walk.schema, type.EnumValues, value.Raw) === undefined) {
    const hint = didYouMean(suggestingEnum(checking), theEnumValue);
    const text = `Value "${valueText(value)}" does not exist in "${typeText(wanted)}" enum.${hint}`;
    walk.report(value.position, text);
  }
}

function checkObject({ walk, value, type }: Checking): void {
  const { position, Children: children } = value;
  for (const { Name: name, Type: fieldType, DefaultValue: other } of type.Fields) {
    if (!required(fieldType).NonNull || other !== null || named(walk.schema, children, name) !== undefined) continue;
    const text = `Field "${type.Name}.${name}" of required type "${typeText(fieldType)}" was not provided.`;
    walk.report(position, text);
  }
  if (isOneOf(type)) checkOneOf(walk, value, type);
  const options = type.Fields.map(({ Name: name }) => name);
  for (const child of children) {
    if (named(walk.schema, type.Fields, child.Name) !== undefined) continue;
    const hint = didYouMean({ budget: walk.schema.budget, text: child.Name, options });
    walk.report(child.position, `Field "${child.Name}" is not defined by type "${type.Name}".${hint}`);
  }
}

function checkOneOf(walk: Walk, { position, Children: children }: ValueNode, type: Definition): void {
  const [only] = children;
  if (only === undefined || children.length !== 1) {
    walk.report(position, `OneOf Input Object "${type.Name}" must specify exactly one key.`);
    return;
  }
  const value = required(only.Value);
  if (value.Kind !== valueKinds.null) return;
  // gqlparser names the first field of the type, whichever it was.
  const field = type.Fields[0]?.Name ?? "";
  walk.report(value.position, `Field "${type.Name}.${field}" must be non-null.`);
}
