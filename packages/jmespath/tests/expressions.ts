// Random expressions and inputs for property tests: texts made by the grammar, with names that the inputs have.

import fc from "fast-check";

const names = ["a", "b", "c", "labels"];
const name = fc.constantFrom(...names, '"a b"');
const literal = fc.constantFrom(
  "'x'",
  "''",
  "`1`",
  "`null`",
  "`[1, 2]`",
  '`{"a": 1}`',
  "'1Gi'",
  "'30m'",
  "'2.0.1'",
  "'[a-z]+'",
);

/** Functions with the number of their arguments. */
const functions: Readonly<Record<string, number>> = {
  length: 1,
  keys: 1,
  to_string: 1,
  type: 1,
  not_null: 2,
  add: 2,
  divide: 2,
  compare: 2,
  items: 3,
  regex_match: 2,
  semver_compare: 2,
  time_add: 2,
  random: 1,
  image_normalize: 1,
  parse_yaml: 1,
  x509_decode: 1,
  unknown: 1,
};

export const expressionText: fc.Arbitrary<string> = fc.letrec<{ expression: string; call: string }>((tie) => {
  const one = tie("expression");
  return {
    call: fc
      .constantFrom(...Object.keys(functions))
      .chain((fn) =>
        fc
          .array(one, { minLength: functions[fn] ?? 1, maxLength: functions[fn] ?? 1 })
          .map((args) => `${fn}(${args.join(", ")})`),
      ),
    expression: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.oneof(name, literal, fc.constant("@")),
      fc.tuple(one, name).map(([left, right]) => `(${left}).${right}`),
      fc.tuple(name, name).map(([left, right]) => `${left}.${right}`),
      fc
        .tuple(name, fc.constantFrom("[0]", "[-1]", "[*]", "[]", ".*", "[1:]", "[::-1]"))
        .map((parts) => parts.join("")),
      fc.tuple(name, name).map(([left, right]) => `${left}[*].${right}[0]`),
      fc.tuple(name, one).map(([left, condition]) => `${left}[?${condition}].a`),
      fc.tuple(name, one).map(([left, condition]) => `${left}[?${condition}] | length(@)`),
      fc
        .tuple(one, fc.constantFrom("||", "&&", "|", "==", "!=", "<", ">="), one)
        .map(([left, sign, right]) => `(${left}) ${sign} (${right})`),
      one.map((operand) => `!(${operand})`),
      fc.array(one, { minLength: 1, maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
      fc.tuple(name, one).map(([key, value]) => `{${key}: ${value}}`),
      fc.tuple(one, one).map(([by, list]) => `map(&${by}, ${list})`),
      fc.tuple(one, one).map(([list, by]) => `sort_by(${list}, &(${by}))`),
      tie("call"),
    ),
  };
}).expression;

const tree = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.integer(),
      fc.double(),
      fc.string(),
      fc.constantFrom("1Gi", "1h", "2.0.1"),
    ),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...names, "a b", "__proto__", "length"), tie("value"), { maxKeys: 4 }),
  ),
})).value;

/** As JSON.parse gives it: plain objects, no negative zero, no NaN. */
export const input: fc.Arbitrary<unknown> = tree.map((value) => JSON.parse(JSON.stringify(value)) as unknown);
