// The values of a METADATA block in the shape in which `rego.metadata.rule()` and `opa inspect` show them: authors as
// objects, related resources as objects with a `ref`, empty values left out. OPA: v1/ast/parser.go metadataParser.Parse,
// parseAuthor, parseRelatedResource, v1/ast/annotations.go toObject.

import { isTrue, type Read } from "./metadatatypes.ts";

export interface Metadata {
  /** As written; empty when it was not. */
  readonly scope: string;
  readonly values: Readonly<Record<string, unknown>>;
}

type Fields = Readonly<Record<string, unknown>>;

/** A problem with one value, worded as OPA does. */
class Invalid extends Error {}

/** The values of a block whose types fit, or what is wrong with them. */
export function normalized(read: Read): Metadata | string {
  try {
    return { scope: text(read, "scope"), values: valuesOf(read) };
  } catch (error) {
    if (error instanceof Invalid) return error.message;
    throw error;
  }
}

function valuesOf(read: Read): Fields {
  const raw = read.values;
  const organizations = list(read.texts, "organizations");
  const all: Record<string, unknown> = {
    title: text(read, "title"),
    description: text(read, "description"),
    entrypoint: isTrue(raw["entrypoint"], read.texts["entrypoint"]) === true,
    organizations: organizations.filter((_, at) => list(raw, "organizations")[at] !== null),
    related_resources: list(raw, "related_resources").map(relatedResource),
    authors: list(raw, "authors").map(author),
    schemas: list(raw, "schemas").map(schema),
    custom: fields(raw, "custom"),
    labels: fields(raw, "labels"),
    compile: fields(raw, "compile"),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => !isEmpty(value)));
}

function isEmpty(value: unknown): boolean {
  if (value === "" || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isFields(value) && Object.keys(value).length === 0;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text({ values, texts }: Read, name: string): string {
  const value = values[name];
  return value === undefined || value === null ? "" : String(texts[name]);
}

function list(raw: Fields, name: string): readonly unknown[] {
  return (raw[name] ?? []) as readonly unknown[];
}

function fields(raw: Fields, name: string): Fields {
  return (raw[name] ?? {}) as Fields;
}

function author(value: unknown): Fields {
  if (typeof value === "string") return authorOfText(value);
  if (!isFields(value))
    throw new Invalid(`invalid author definition ${goText(value)}: invalid value type, must be string or map`);
  const name = trimmed(value, "name");
  const email = trimmed(value, "email");
  if (name === "" && email === "") {
    throw new Invalid(`invalid author definition ${goText(value)}: 'name' and/or 'email' values required in object`);
  }
  return withoutEmpty({ name, email });
}

/** `Ada Lovelace <ada@example.com>`: a last word in angle brackets is the address. */
function authorOfText(value: string): Fields {
  const words = value.split(/\s+/).filter((word) => word !== "");
  const last = words.at(-1);
  if (last === undefined) throw new Invalid(`invalid author definition ${value}: author is an empty string`);
  const hasEmail = last.startsWith("<") && last.endsWith(">");
  const name = (hasEmail ? words.slice(0, -1) : words).join(" ");
  return withoutEmpty({ name, email: hasEmail ? last.slice(1, -1) : "" });
}

function relatedResource(value: unknown): Fields {
  const wrong = (why: string) => new Invalid(`invalid related-resource definition ${goText(value)}: ${why}`);
  if (typeof value === "string") {
    if (value === "") throw wrong("ref URL may not be empty string");
    return { ref: value };
  }
  if (!isFields(value)) throw wrong("invalid value type, must be string or map");
  const ref = trimmed(value, "ref");
  if (ref === "") throw wrong("'ref' value required in object");
  return withoutEmpty({ description: trimmed(value, "description"), ref });
}

/** `data.x: schema.y` with a reference, or an inline definition. */
function schema(value: unknown): Fields {
  const [pair] = isFields(value) ? Object.entries(value) : [];
  if (pair === undefined) throw new Invalid("invalid document reference");
  const [path, definition] = pair;
  if (!/^[A-Za-z_][\w.]*$/.test(path)) throw new Invalid("invalid document reference");
  const steps = path.split(".");
  if (typeof definition === "string") {
    const schemaPath = definition.split(".");
    if (schemaPath[0] !== "schema") throw new Invalid("invalid schema reference");
    return { path: steps, schema: schemaPath };
  }
  if (!isFields(definition)) throw new Invalid(`invalid schema declaration for path "${path}"`);
  return { path: steps, definition };
}

function trimmed(value: Fields, name: string): string {
  const part = value[name];
  return typeof part === "string" ? part.trim() : "";
}

function withoutEmpty(value: Fields): Fields {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== ""));
}

function plainText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A value as Go's `%s` shows it, for what people get wrong here. */
function goText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goText).join(" ")}]`;
  if (isFields(value))
    return `map[${Object.entries(value)
      .map(([key, part]) => `${key}:${goText(part)}`)
      .join(" ")}]`;
  return typeof value === "number" ? `%!s(int=${value})` : plainText(value);
}
