// What must come back unchanged: values through JSON and YAML text, bytes through base64, hexadecimal and UTF-8, times
// through their layouts, and what must stop: built-ins whose result is larger than the budget.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Budget, LimitError, type World } from "@portcullis/lang";
import {
  decodeBase64,
  decodeUtf8,
  encodeBase64,
  encodeUtf8,
  formatTime,
  parseTime,
  standardBase64,
} from "@portcullis/lang/go";
import { type BuiltinCall, type Value, equals, lookup } from "@portcullis/rego";

const world: World = {
  nowMs: 0,
  random: () => () => 0,
  host: { digest: () => assert.fail(), hmac: () => assert.fail(), zone: () => null },
  ask: () => assert.fail(),
};

function call(name: string, args: readonly Value[], budget = new Budget({}, () => 0)): Value | undefined {
  const context: BuiltinCall = {
    world,
    budget,
    cache: new Map(),
    fail: (message) => assert.fail(`${name}: ${message}`),
    failType: (message) => assert.fail(`${name}: ${message}`),
  };
  return lookup(name)?.evaluate(context, ...args);
}

/** JSON values whose texts are well formed; -0 is left out, because JavaScript prints it as 0. */
const values = fc
  .jsonValue({ noUnicodeString: false, maxDepth: 4 })
  .map((value) => JSON.parse(JSON.stringify(value)) as Value);

test("JSON text gives the value back", () => {
  fc.assert(
    fc.property(values, fc.boolean(), (value, pretty) => {
      const text = call("json.marshal_with_options", [value, { pretty }]) as Value;
      assert.ok(equals(call("json.unmarshal", [text]) as Value, value));
    }),
  );
});

test("YAML text gives the value back", () => {
  // go-yaml reads numbers as doubles and U+0085, U+2028 and U+2029 as line ends.
  const plain = values.filter((value) => !/[\u0085\u2028\u2029]|[eE][+-]\d/.test(JSON.stringify(value)));
  fc.assert(
    fc.property(plain, (value) => {
      const text = call("yaml.marshal", [value]) as string;
      assert.ok(equals(call("yaml.unmarshal", [text]) as Value, value), text);
    }),
  );
});

test("bytes survive UTF-8 text and base64", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      assert.deepEqual(encodeUtf8(decodeUtf8(bytes)), bytes);
      assert.deepEqual(decodeBase64(encodeBase64(bytes, standardBase64), standardBase64), bytes);
    }),
  );
});

test("a time survives its layout", () => {
  const layout = "2006-01-02T15:04:05.999999999-07:00:00";
  const seconds = fc.integer({ min: -62_135_596_800, max: 253_402_300_799 - 86_400 });
  const offsets = fc.integer({ min: -86_000, max: 86_000 });
  fc.assert(
    fc.property(seconds, fc.integer({ min: 0, max: 999_999_999 }), offsets, (at, nanoseconds, offset) => {
      // A negative offset below a minute is written without its sign, as in Go.
      const offsetSeconds = offset < 0 && offset > -60 ? 0 : offset;
      const time = { seconds: Math.max(at, -62_135_510_400), nanoseconds, offsetSeconds, abbreviation: "" };
      assert.deepEqual(parseTime(layout, formatTime(time, layout)), { seconds: time.seconds, nanoseconds });
    }),
  );
});

const graphqlNames = fc.constantFrom("a", "b", "Query", "on", "null", "type");
const graphqlLiterals = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? "0.5" : value.toFixed(3))),
  fc.string().map((text) => JSON.stringify(text.replaceAll(" ", "_"))),
  fc.constantFrom("true", "null", "ENUM", "$x", "[1, [], {}]", '{a: {b: ["c"]}}', '"""\n  block\n   text\n"""'),
);
const graphqlFields = fc.letrec<{ fields: string; field: string }>((tie) => ({
  fields: fc.array(tie("field"), { minLength: 1, maxLength: 3 }).map((list) => `{ ${list.join(" ")} }`),
  field: fc
    .tuple(graphqlNames, fc.option(graphqlNames), fc.option(graphqlLiterals), fc.option(tie("fields"), { maxDepth: 3 }))
    .map(([name, alias, value, below]) => {
      const start = alias === null ? name : `${alias}: ${name}`;
      return `${start} ${value === null ? "" : `(v: ${value}) @d(v: ${value})`} ${below ?? ""}`;
    }),
})).fields;

test("a GraphQL tree says what its text says", () => {
  fc.assert(
    fc.property(graphqlFields, (text) => {
      const tree = call("graphql.parse_query", [text]) as Value;
      // Comments, commas and space mean nothing.
      const spread = text.replaceAll(" ", " ,\n");
      assert.ok(equals(call("graphql.parse_query", [spread.includes("block") ? text : spread]) as Value, tree));
      const schema = "type Query { a: Query }";
      const fromText = call("graphql.is_valid", [text, schema]);
      assert.equal(call("graphql.is_valid", [tree, call("graphql.parse_schema", [schema]) as Value]), fromText);
    }),
  );
});

test("large results stop at the budget, before they are made", () => {
  const shared = Array.from({ length: 40 }).reduce<Value>((inner) => [inner, inner], "x");
  const cases: readonly (readonly [string, readonly Value[]])[] = [
    ["net.cidr_expand", ["::/0"]],
    ["net.cidr_expand", ["10.0.0.0/8"]],
    ["json.marshal", [shared]],
    ["yaml.marshal", [shared]],
    ["walk", [shared]],
  ];
  for (const [name, args] of cases) {
    const budget = new Budget({ outputBytes: 1 << 20 }, () => 0);
    assert.throws(() => call(name, args, budget), LimitError, name);
  }
});
