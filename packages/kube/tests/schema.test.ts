import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  type FieldError,
  type Schema,
  applyDefaults,
  definitionErrors,
  dropUnwantedNulls,
  fieldErrorText,
  goJson,
  prune,
  readSchema,
  unknownFields,
  validateValue,
} from "../src/index.ts";
import { readCases } from "./cases.ts";

interface SchemaCase {
  readonly schema: unknown;
  readonly value: unknown;
  readonly read?: string;
  readonly definition: readonly string[];
  readonly errors: readonly string[];
  readonly asFloats: readonly string[] | null;
  readonly defaulted?: unknown;
  readonly unknown?: readonly string[];
}

function schemaOf(tree: unknown): Schema {
  const schema = readSchema(tree);
  assert.ok(!("error" in schema));
  return schema;
}

function texts(errors: readonly FieldError[]): string[] {
  return [...new Set(errors.map((error) => fieldErrorText(error)))].toSorted();
}

suite("schemas equal the API server's", () => {
  const cases = readCases("schema.jsonl") as readonly SchemaCase[];
  assert.ok(cases.length > 300);
  for (const one of cases)
    test(`${goJson(one.schema)} ${goJson(one.value)}`, () => {
      const schema = readSchema(one.schema);
      if ("error" in schema) {
        assert.equal(schema.error, one.read);
        return;
      }
      assert.equal(one.read, undefined);
      const path = "spec.validation.openAPIV3Schema";
      assert.deepEqual(texts(definitionErrors(schema, path, { statusSubresource: false })), one.definition);
      assert.deepEqual(texts(validateValue(one.value, schema, { field: "root", numbers: "json" })), one.errors);
      assert.deepEqual(texts(validateValue(one.value, schema, { field: "[]", numbers: "float" })), one.asFloats ?? []);
      if (one.unknown === undefined) return;
      assert.equal(goJson(applyDefaults(one.value, schema)), goJson(one.defaulted));
      assert.deepEqual(
        unknownFields(one.value, schema, true).map((field) => field.text),
        one.unknown,
      );
    });
});

test("defaults share what they do not change", () => {
  const schema = schemaOf({
    type: "object",
    properties: {
      a: { type: "object", properties: { x: { type: "string", default: "d" } } },
      b: { type: "object", properties: { y: { type: "string" } } },
    },
  });
  const value = Object.freeze({ a: Object.freeze({}), b: Object.freeze({ y: "1" }) });
  const filled = applyDefaults(value, schema) as { a: unknown; b: unknown };
  assert.deepEqual(filled, { a: { x: "d" }, b: { y: "1" } });
  assert.equal(filled.b, value.b);
  assert.equal(applyDefaults(filled, schema), filled);
});

test("nulls that may not be null and have no default are dropped", () => {
  const schema = schemaOf({
    type: "object",
    properties: { a: { type: "string" }, b: { type: "string", nullable: true }, c: { type: "string", default: "x" } },
  });
  assert.deepEqual(dropUnwantedNulls({ a: null, b: null, c: null, d: null }, schema), { b: null, c: null, d: null });
});

test("pruning removes what is unknown and says where it was", () => {
  const schema = schemaOf({ type: "object", properties: { list: { type: "array", items: { type: "object" } } } });
  const value = { kind: "X", list: [{ a: 1 }, {}], z: 1 };
  assert.deepEqual(
    prune(value, schema, true).map((field) => field.text),
    ["list[0].a", "z"],
  );
  assert.deepEqual(value, { kind: "X", list: [{}, {}] });
});

test("a schema nested too deeply is refused, not followed", () => {
  let tree: unknown = { type: "string" };
  for (let i = 0; i < 5000; i++) tree = { type: "array", items: tree };
  assert.deepEqual(readSchema(tree), { error: "exceeded max depth of 200" });
});

test("patterns run as RE2", () => {
  const schema = schemaOf({ type: "string", pattern: "^(?i)a+$" });
  assert.deepEqual(validateValue("AAA", schema, { field: "x", numbers: "json" }), []);
  const bad = schemaOf({ type: "object", properties: { a: { type: "string", pattern: "(?=a)" } } });
  const [error] = definitionErrors(bad, "s", { statusSubresource: true });
  assert.match(
    fieldErrorText(error ?? assert.fail()),
    /^s\.properties\[a\]\.pattern: Invalid value: "\(\?=a\)": must be a valid regular expression, but isn't: error parsing regexp/,
  );
});
