// What a type or a directive of a schema must obey by itself and towards the types that it names.
// gqlparser: validator/schema.go validateDefinition, validateArgs, validateDirectives, validateImplements.

import { quote } from "@portcullis/lang/go";
import {
  type ArgumentDefinition,
  type Definition,
  type Directive,
  type DirectiveDefinition,
  type FieldDefinition,
  type Position,
  type TypeReference,
  errorAt,
  required,
  typeNameOf,
  typeText,
  valueKinds,
} from "./graphqlast.ts";
import type { Schema } from "./graphqltypes.ts";

interface Named {
  readonly Name: string;
}

/** The first of a name. Lists are searched one by one, so that they may be long, but not for nothing. */
export function named<T extends Named>(schema: Schema, list: readonly T[], name: string): T | undefined {
  schema.budget.step(list.length);
  return list.find((one) => one.Name === name);
}

/** The second of the first two of one name. */
function repeated<T>(list: readonly T[], nameOf: (one: T) => string): T | undefined {
  const second = new Map<string, T | null>();
  for (const one of list) {
    const name = nameOf(one);
    const known = second.get(name);
    if (known === undefined) second.set(name, null);
    else if (known === null) second.set(name, one);
  }
  for (const one of second.values()) if (one !== null) return one;
  return undefined;
}

export function checkDefinition(schema: Schema, definition: Definition): void {
  for (const field of definition.Fields) checkField(schema, definition, field);
  for (const name of definition.Types) checkMember(schema, definition, name);
  for (const name of definition.Interfaces) checkImplements(schema, definition, name);
  checkKind(schema, definition);
  checkRepeated(definition);
  const { position, Name: name, Kind: location } = definition;
  if (!definition.BuiltIn) checkName(position, name);
  // Of a type and its extensions, which are places of their own.
  checkDirectives(schema, definition.Directives, { location, isOnePlace: false });
}

export function checkDirectiveDefinition(schema: Schema, definition: DirectiveDefinition): void {
  checkName(definition.position, definition.Name);
  checkArguments(schema, definition.Arguments, definition);
}

function checkName(position: Position | null, name: string): void {
  if (!name.startsWith("__")) return;
  throw errorAt(position, `Name "${name}" must not begin with "__", which is reserved by GraphQL introspection.`);
}

function checkField(schema: Schema, definition: Definition, field: FieldDefinition): void {
  checkName(field.position, field.Name);
  checkType(schema, field.Type);
  checkArguments(schema, field.Arguments, null);
  const location = definition.Kind === "INPUT_OBJECT" ? "INPUT_FIELD_DEFINITION" : "FIELD_DEFINITION";
  checkDirectives(schema, field.Directives, { location, isOnePlace: true });
}

function checkType(schema: Schema, reference: TypeReference | null): void {
  const name = typeNameOf(reference);
  if (!schema.types.has(name)) throw errorAt(required(reference).position, `Undefined type ${name}.`);
}

function checkMember(schema: Schema, { Kind: kind, position }: Definition, name: string): void {
  const member = schema.types.get(name);
  if (member === undefined) throw errorAt(position, `Undefined type ${quote(name)}.`);
  if (member.Kind !== "OBJECT") throw errorAt(position, `${kind} type ${quote(name)} must be OBJECT.`);
}

export function isInputType({ Kind: kind }: Definition): boolean {
  return kind === "SCALAR" || kind === "ENUM" || kind === "INPUT_OBJECT";
}

function checkArguments(
  schema: Schema,
  list: readonly ArgumentDefinition[],
  current: DirectiveDefinition | null,
): void {
  for (const argument of list) {
    const { position, Name: name, Type: type } = argument;
    checkName(position, name);
    checkType(schema, type);
    const definition = schema.types.get(typeNameOf(type)) as Definition;
    if (!isInputType(definition)) {
      const why = `because ${definition.Kind} is not a valid input type`;
      throw errorAt(position, `cannot use ${typeText(type)} as argument ${name} ${why}`);
    }
    checkDirectives(schema, argument.Directives, { location: "ARGUMENT_DEFINITION", current, isOnePlace: true });
  }
}

// ── kinds

const outputKinds: readonly string[] = ["SCALAR", "OBJECT", "INTERFACE", "UNION", "ENUM"];
const inputKinds: readonly string[] = ["SCALAR", "ENUM", "INPUT_OBJECT"];

function checkKind(schema: Schema, definition: Definition): void {
  const { Kind: kind, Name: name, position, Fields: fields } = definition;
  switch (kind) {
    case "OBJECT":
    case "INTERFACE":
      if (fields.length === 0) throw errorAt(position, `${kind} ${name}: must define one or more fields.`);
      for (const field of fields) {
        if (outputKinds.includes(kindOf(schema, field))) continue;
        throw errorAt(field.position, `${kind} ${name}: field must be one of ${outputKinds.join(", ")}.`);
      }
      return;
    case "ENUM":
      checkEnum(schema, definition);
      return;
    case "INPUT_OBJECT":
      if (fields.length === 0) throw errorAt(position, `${kind} ${name}: must define one or more input fields.`);
      for (const field of fields) {
        const own = kindOf(schema, field);
        if (inputKinds.includes(own)) continue;
        throw errorAt(field.position, `${own} ${field.Name}: field must be one of ${inputKinds.join(", ")}.`);
      }
      return;
    default:
  }
}

function kindOf(schema: Schema, field: FieldDefinition): string {
  return schema.types.get(typeNameOf(field.Type))?.Kind ?? "";
}

function checkEnum(schema: Schema, { Kind: kind, Name: name, position, EnumValues: values }: Definition): void {
  if (values.length === 0) throw errorAt(position, `${kind} ${name}: must define one or more unique enum values.`);
  for (const { Name: value, Directives: directives } of values) {
    if (value === "true" || value === "false" || value === "null") {
      throw errorAt(position, `${kind} ${name}: non-enum value ${value}.`);
    }
    checkDirectives(schema, directives, { location: "ENUM_VALUE", isOnePlace: true });
  }
}

function checkRepeated({ Name: name, Fields: fields, EnumValues: values, Types: types, ...rest }: Definition): void {
  const field = repeated(fields, (one) => one.Name);
  if (field !== undefined) throw errorAt(field.position, `Field ${name}.${field.Name} can only be defined once.`);
  const value = repeated(values, (one) => one.Name);
  if (value !== undefined) throw errorAt(value.position, `Enum value ${name}.${value.Name} can only be defined once.`);
  const { position, typePositions: positions } = rest;
  const places = types.map((type, at) => ({ type, at }));
  const member = repeated(places, ({ type }) => type);
  if (member === undefined) return;
  const place = positions.length === types.length ? positions[member.at] : undefined;
  throw errorAt(place ?? position, `Union type ${name} can only include type ${member.type} once.`);
}

// ── directives

interface DirectivePlace {
  readonly location: string;
  /** The directive in whose definition they stand. */
  readonly current?: DirectiveDefinition | null;
  /** Whether a directive that is not repeatable may stand here only once. */
  readonly isOnePlace: boolean;
}

export function checkDirectives(schema: Schema, directives: readonly Directive[], place: DirectivePlace): void {
  const seen = new Set<string>();
  for (const directive of directives) {
    const { position, Name: name } = directive;
    checkName(position, name);
    if (name === place.current?.Name) throw errorAt(position, `Directive ${name} cannot refer to itself.`);
    const definition = schema.directives.get(name);
    if (definition === undefined) throw errorAt(position, `Undefined directive ${name}.`);
    if (place.isOnePlace && seen.has(name) && !definition.IsRepeatable) {
      throw errorAt(position, `The directive ${name} can only be used once at this location.`);
    }
    seen.add(name);
    if (!definition.Locations.includes(place.location)) {
      throw errorAt(position, `Directive ${name} is not applicable on ${place.location}.`);
    }
    checkDirectiveArguments(schema, directive, definition);
  }
}

function checkDirectiveArguments(schema: Schema, directive: Directive, definition: DirectiveDefinition): void {
  const { position, Name: name, Arguments: own } = directive;
  for (const argument of own) {
    if (named(schema, definition.Arguments, argument.Name) !== undefined) continue;
    throw errorAt(argument.position, `Undefined argument ${argument.Name} for directive ${name}.`);
  }
  for (const wanted of definition.Arguments) {
    if (!required(wanted.Type).NonNull || wanted.DefaultValue !== null) continue;
    const argument = named(schema, own, wanted.Name);
    if (argument !== undefined && required(argument.Value).Kind !== valueKinds.null) continue;
    throw errorAt(position, `Argument ${wanted.Name} for directive ${name} cannot be null.`);
  }
}

// ── interfaces

function checkImplements(schema: Schema, definition: Definition, name: string): void {
  const { position } = definition;
  const wanted = schema.types.get(name);
  if (wanted === undefined) throw errorAt(position, `Undefined type ${quote(name)}.`);
  if (wanted.Kind !== "INTERFACE") throw errorAt(position, `${quote(name)} is a non interface type ${wanted.Kind}.`);
  const start = `For ${definition.Name} to implement ${wanted.Name}`;
  for (const field of wanted.Fields) {
    const own = named(schema, definition.Fields, field.Name);
    if (own === undefined) throw errorAt(position, `${start} it must have a field called ${field.Name}.`);
    if (!isCovariant(schema, required(field.Type), required(own.Type))) {
      throw errorAt(own.position, `${start} the field ${field.Name} must have type ${typeText(field.Type)}.`);
    }
    checkSameArguments(schema, start, field, own);
  }
  for (const above of wanted.Interfaces) {
    if (definition.Interfaces.includes(above)) continue;
    throw errorAt(
      position,
      above === definition.Name
        ? `Type ${definition.Name} cannot implement ${name} because it would create a circular reference.`
        : `Type ${definition.Name} must implement ${above} because it is implemented by ${name}.`,
    );
  }
}

function checkSameArguments(schema: Schema, start: string, field: FieldDefinition, own: FieldDefinition): void {
  const same = `${start} the field ${field.Name} must have the same arguments but`;
  for (const wanted of field.Arguments) {
    const found = named(schema, own.Arguments, wanted.Name);
    if (found === undefined) throw errorAt(own.position, `${same} it is missing ${wanted.Name}.`);
    if (isCompatible(required(wanted.Type), required(found.Type))) continue;
    throw errorAt(found.position, `${same} ${wanted.Name} has the wrong type.`);
  }
  for (const { Name: name, Type: type, DefaultValue: value, position } of own.Arguments) {
    if (named(schema, field.Arguments, name) !== undefined || !required(type).NonNull || value !== null) continue;
    const rule = `any additional arguments on ${own.Name} must be optional or have a default value`;
    throw errorAt(position, `${start} ${rule} but ${name} is required.`);
  }
}

function isCovariant(schema: Schema, wanted: TypeReference, actual: TypeReference): boolean {
  if (wanted.NonNull && !actual.NonNull) return false;
  if (wanted.NamedType !== "") {
    if (wanted.NamedType === actual.NamedType) return true;
    const possible = schema.possibleTypes.get(wanted.NamedType) ?? [];
    return possible.some(({ Name: name }) => name === actual.NamedType);
  }
  if (wanted.Elem === null || actual.Elem === null) return false;
  return isCovariant(schema, wanted.Elem, actual.Elem);
}

/** Whether a value of the one type may stand where the other is wanted. gqlparser: ast/type.go IsCompatible. */
export function isCompatible(type: TypeReference, wanted: TypeReference): boolean {
  if (type.NamedType !== wanted.NamedType) return false;
  if (type.Elem !== null && (wanted.Elem === null || !isCompatible(type.Elem, wanted.Elem))) return false;
  return !wanted.NonNull || type.NonNull;
}
