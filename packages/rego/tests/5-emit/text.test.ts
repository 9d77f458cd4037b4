// Every generated program parses, and uses only the runtime names on the list: for generated policies, and for hostile
// names and strings, which must neither reach the code nor any prototype.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { Source } from "@portcullis/lang";
import { compile } from "../../src/index.ts";
import { parameters } from "../../src/5-emit/emit.ts";
import { runtimeNames } from "../../src/5-emit/runtime.ts";
import { isSafeProperty } from "../../src/5-emit/names.ts";
import { generatePolicy } from "./generate.ts";
import { load, valueOfP } from "./program.ts";

const words = new Set(
  (
    "use strict const onlyInput let class constructor this return function if else for new switch case break continue null true " +
    "false undefined throw try catch typeof string Array isArray Map e m h o r a x g i n s c b d key fork bare State"
  ).split(" "),
);

/** Names that emitted code makes itself: v3, k12, s1, L7, … */
const own = /^(?:[vkpbrdlcqtaiLCDEsSmMNfx]\d+|k_a\d+)$/;

const members = new Set(
  "input data fuel refill length push clear add get set has size c b g u span value member finish query entries".split(
    " ",
  ),
);

function strangers(code: string): readonly string[] {
  const allowed = new Set([...runtimeNames, ...parameters]);
  const found: string[] = [];
  for (const match of code.matchAll(/(\?\.|\.)?\b([A-Za-z_$][\w$]*)\b(: )?/g)) {
    const [, dot, name = "", colon] = match;
    const isProperty = dot !== undefined || colon !== undefined;
    const known = allowed.has(name) || words.has(name) || own.test(name) || members.has(name);
    if (!known && !(isProperty && isSafeProperty(name))) found.push(name);
  }
  return found;
}

suite("emitted text", () => {
  test("of generated policies uses only names on the list", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000 }), (seed) => {
        const { module, rules } = generatePolicy(seed);
        const { value } = compile({
          modules: [{ source: new Source("g.rego", module), version: "v1" }],
          entrypoints: rules,
          load,
        });
        if (value !== null) assert.deepEqual(strangers(value.js), []);
      }),
      { numRuns: 300 },
    );
  });

  const hostile = fc.oneof(
    fc.string(),
    fc.constantFrom(
      "__proto__",
      "constructor",
      "prototype",
      "toString",
      "hasOwnProperty",
      "__defineGetter__",
      "length",
      "then",
      "text",
      "size",
      "valueOf",
      "`",
      "${x}",
      "*/",
      "//",
      "\u2028",
      "\\",
      '"',
      "'",
      "\n",
      "if",
      "class",
      "0",
      "-1",
      "ſ",
      "a b",
    ),
  );

  test("holds no string of the policy, and reads hostile keys as keys", () => {
    fc.assert(
      fc.property(hostile, hostile, (key, value) => {
        const [k, v] = [JSON.stringify(key), JSON.stringify(value)];
        const module = `p := [input[${k}], {${k}: ${v}}[${k}], object.get(input, ${k}, 0), [x | x := input[${v}].nope]]`;
        const answer = valueOfP(module, { input: `{${k}: ${v}}` });
        assert.deepEqual(JSON.parse(answer), [value, value, value, []]);
        const rule = valueOfP(`q[${k}] := ${v}\np := [q, q[${k}], {y: z | some y, z in q}]`);
        assert.equal(rule, `[{${k}:${v}},${v},{${k}:${v}}]`);
      }),
    );
  });

  test("does not find what a prototype has", () => {
    for (const key of ["constructor", "toString", "__proto__", "length", "map", "text", "size", "parts"]) {
      const reference = `["${key}"]`;
      assert.equal(
        valueOfP(`p := [x | some v in input; x := v${reference}]`, { input: '[{}, [], "s", 1.0, 1, true, null]' }),
        "[]",
      );
      const composites = "some v in [{1, 2}, {1: 2}, 1.0]; some w in [v | input]";
      assert.equal(
        valueOfP(`p := [x | ${composites}; x := object.get({"k": w}, ["k", "${key}"], 0)]`, { input: "1" }),
        "[0,0,0]",
      );
      assert.equal(valueOfP(`p := input.a.${key}.b`, { input: '{"a":{}}' }), "undefined");
    }
    assert.equal(Object.hasOwn(Object.prototype, "b"), false);
  });

  test("makes __proto__ a key like any other", () => {
    const module =
      'q[k] := v if some k, v in input\np := [q, {k: v | some k, v in input}, object.union(input, {"b": 1}).b]';
    assert.equal(
      valueOfP(module, { input: '{"__proto__": {"b": 2}}' }),
      '[{"__proto__":{"b":2}},{"__proto__":{"b":2}},1]',
    );
  });
});
