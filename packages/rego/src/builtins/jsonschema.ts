// json.verify_schema and json.match_schema. Documents and schemas come as JSON text or as values; a value is written as JSON
// first, which is where its size is charged. OPA: v1/topdown/jsonschema.go.

import { isJson, decodeJson, encodeJson } from "./jsontext.ts";
import { type Value, isArray, isObject } from "../runtime/value.ts";
import { type Type, t } from "../types.ts";
import type { Builtin, BuiltinCall } from "./builtin.ts";
import { type Schema, SchemaError, parseSchema } from "./jsonschemaparse.ts";
import { validate } from "./jsonschemavalidate.ts";

type Loaded = { readonly value: Value } | { readonly error: string };

function load(call: BuiltinCall, value: Value): Loaded {
  if (typeof value === "string") {
    call.budget.output(value.length);
    return isJson(value) ? decodeJson(value) : { error: "invalid JSON string" };
  }
  if (!isObject(value) && !isArray(value)) return { error: "wrong type, expected string or object" };
  return decodeJson(encodeJson(value, call.budget));
}

function compileSchema(call: BuiltinCall, value: Value): { readonly schema: Schema } | { readonly error: string } {
  const loaded = load(call, value);
  if ("error" in loaded) return loaded;
  try {
    return { schema: parseSchema(loaded.value, call.budget) };
  } catch (error) {
    if (error instanceof SchemaError) return { error: error.message };
    throw error;
  }
}

function verify(call: BuiltinCall, value: Value): Value {
  const compiled = compileSchema(call, value);
  return "error" in compiled ? [false, `jsonschema: ${compiled.error}`] : [true, null];
}

function match(call: BuiltinCall, document: Value, schema: Value): Value | undefined {
  const loaded = load(call, document);
  if ("error" in loaded) return call.fail(loaded.error);
  const compiled = compileSchema(call, schema);
  if ("error" in compiled) return call.fail(compiled.error);
  const errors = validate(compiled.schema, loaded.value, call.budget);
  const described = errors.map(({ type, field, description }) => ({
    desc: description,
    error: `${field}: ${description}`,
    field,
    type,
  }));
  return [errors.length === 0, described];
}

const document: Type = t.union(t.string, t.object(t.any, t.any));
const problem: Type = t.struct({ desc: t.string, error: t.string, field: t.string, type: t.string });

export const jsonSchemaBuiltins: readonly Builtin[] = [
  {
    name: "json.verify_schema",
    type: t.function([document], t.tuple(t.boolean, t.union(t.null, t.string))),
    nondeterministic: true,
    evaluate: verify,
  },
  {
    name: "json.match_schema",
    type: t.function([document, document], t.tuple(t.boolean, t.array(problem))),
    nondeterministic: true,
    evaluate: match,
  },
];
