// Rules in CEL that would run away. Kubernetes' costs bound little of what they do: a call may cost a million, variables are
// only counted when the expression that reads them has ended, and much costs one, however large its arguments are. Each ends
// within its budget, with an error that says so, and hurts no other policy.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../../src/engine/request.ts";
import { answerOf, policy } from "./hostile.ts";

interface Hostile {
  readonly expressions: readonly string[];
  /** `v0`, `v1`, … */
  readonly variables?: readonly string[];
  readonly message?: string;
  readonly spec?: Readonly<Record<string, Json>>;
}

function answer({ expressions, variables = [], message = "", spec = {} }: Hostile, deadlineMs?: number): string {
  const cel = {
    variables: variables.map((expression, at) => ({ name: `v${at}`, expression })),
    expressions: expressions.map((expression) => ({ expression, messageExpression: message })),
  };
  const object = { apiVersion: "v1", kind: "Pod", metadata: { name: "a" }, spec };
  return answerOf(policy("bad", `validate: {message: m, cel: ${JSON.stringify(cel)}}`), object, deadlineMs);
}

/** Less than servers allow: there are many cases that are stopped, and each uses half of it. What ends by itself has all. */
const deadlineMsOfStopped = 900;

/** A variable, and so many after it that are each made of the one before. */
function chain(first: string, next: (before: string) => string, count: number): readonly string[] {
  return [first, ...Array.from({ length: count }, (_, at) => next(`variables.v${at}`))];
}

const texts = (count: number, lead: string): readonly string[] =>
  Array.from({ length: count }, (_, at) => `${lead}${at}`);
const keys = (count: number): Json => Object.fromEntries(texts(count, "k").map((key) => [key, 1]));
const million = "a".repeat(1_000_000);
const emoji = "😀".repeat(500_000);
const turns = "lists.range(100000)";

/** 2^40 elements in 41 lists. */
const shared = chain("[dyn(1)]", (before) => `[dyn(${before}), dyn(${before})]`, 40);
const sharedMaps = chain("{'a': dyn(1)}", (before) => `{'a': dyn(${before}), 'b': dyn(${before})}`, 40);
const twice = "[dyn(variables.v39), dyn(variables.v39)]";

const stopped = /^error: the policy (?:made too much output|did not end before its deadline|used up its steps)$/;
const tooDeep = /^error: the policy's calls are nested too deeply$/;
const tooDear = /(?:actual cost limit exceeded|running out of cost budget, no further validation rules will be run)$/;
const either = new RegExp(`${tooDear.source}|${stopped.source}`);

const cases: Readonly<Record<string, readonly [Hostile, RegExp]>> = {
  // ── what its parts share
  "lists that share their parts are compared": [
    { variables: shared, expressions: [`variables.v40 == ${twice}`] },
    stopped,
  ],
  "maps that share their parts are compared": [
    { variables: sharedMaps, expressions: ["variables.v40 == {'a': dyn(variables.v39), 'b': dyn(variables.v39)}"] },
    stopped,
  ],
  "one is looked for": [{ variables: shared, expressions: [`dyn(${twice}) in [dyn(variables.v40)]`] }, stopped],
  "one is printed": [{ variables: shared, expressions: ["'%s'.format([variables.v40]) == ''"] }, stopped],
  "one of empty lists is flattened": [
    { variables: ["[]", ...shared.slice(1)], expressions: ["size(variables.v40.flatten(100)) < 0"] },
    stopped,
  ],
  "the cost of one is counted": [{ variables: shared, expressions: ["variables.v40.isSorted()"] }, stopped],
  "one is in an error's text, which is cut": [
    { variables: shared, expressions: ["[dyn('a'), dyn(variables.v40)].join() == ''"] },
    /^fail: .{0,200}join: invalid input: \[\[.{10000,20000}…$/,
  ],

  // ── what costs one, and looks at much
  "the size of a large map, again and again": [
    { expressions: [`${turns}.all(a, size(object.spec.m) > 0)`], spec: { m: keys(20_000) } },
    stopped,
  ],
  "a large map is not equal to a number": [
    { expressions: [`${turns}.all(a, object.spec.m != 1)`], spec: { m: keys(20_000) } },
    stopped,
  ],
  "a key of a large map": [
    { expressions: [`${turns}.all(a, 'k5' in object.spec.m)`], spec: { m: keys(20_000) } },
    stopped,
  ],
  "the first turn of a fold over a large map": [
    { expressions: [`${turns}.all(a, object.spec.m.exists(k, true))`], spec: { m: keys(20_000) } },
    stopped,
  ],
  "a character of a text of pairs of surrogates": [
    { expressions: [`${turns}.all(a, object.spec.t.charAt(a) != 'a')`], spec: { t: emoji } },
    stopped,
  ],
  "moments and lengths of time of a megabyte": [
    {
      expressions: [
        `${turns}.exists(a, timestamp(object.spec.t) == timestamp(0) || duration(object.spec.t) == duration('1s'))`,
      ],
      spec: { t: "1h".repeat(500_000) },
    },
    stopped,
  ],
  "bytes that are no key, in errors that are absorbed": [
    {
      expressions: [`[bytes(object.spec.t)].exists(b, ${turns}.exists(a, dyn({'a': 1})[dyn(b)] == 1))`],
      spec: { t: million },
    },
    stopped,
  ],
  "long texts that differ at their end are sorted": [
    {
      expressions: ["object.spec.l.map(a, string(a)).sort().size() < 0"],
      spec: { l: texts(300, million.slice(0, 100_000)) },
    },
    /^fail: m$/,
  ],

  // ── searches and patterns
  "a part that repeats itself": [
    {
      expressions: ["object.spec.t.contains(object.spec.p)"],
      spec: { t: million, p: `${million.slice(0, 200_000)}b${million.slice(0, 200_000)}` },
    },
    tooDear,
  ],
  "a part that repeats itself, from behind": [
    {
      expressions: ["object.spec.t.lastIndexOf(object.spec.p) >= 0"],
      spec: { t: million, p: `${million.slice(0, 400_000)}b` },
    },
    /^fail: m$/,
  ],
  "a pattern that backtracks elsewhere": [
    { expressions: ["object.spec.t.matches('^(a+)+(a|aa)*$')"], spec: { t: `${million.slice(0, 100_000)}!` } },
    /^fail: m$/,
  ],
  "a new pattern with large counts in each turn": [
    { expressions: [`${turns}.all(a, !'a'.matches('((a{0,30}){0,30}){0,' + string(a % 30) + '}b' + string(a)))`] },
    stopped,
  ],
  "a pattern of a megabyte": [{ expressions: ["object.spec.t.matches(object.spec.t)"], spec: { t: million } }, stopped],
  "all empty matches": [
    { expressions: ["object.spec.t.findAll('').map(a, a).size() < 0"], spec: { t: million } },
    either,
  ],

  // ── what grows
  "a list that doubles": [
    { variables: chain("[1]", (before) => `${before} + ${before}`, 40), expressions: ["size(variables.v40) < 0"] },
    stopped,
  ],
  "a text that doubles": [
    {
      variables: chain("'aaaaaaaaaa'", (before) => `${before} + ${before}`, 40),
      expressions: ["size(variables.v40) < 0"],
    },
    tooDear,
  ],
  "a replacement that grows": [
    { expressions: ["object.spec.t.replace('', object.spec.t) == ''"], spec: { t: million } },
    stopped,
  ],
  "a separator that is large": [
    { expressions: [`lists.range(50000).map(a, '').join(object.spec.t) == ''`], spec: { t: million } },
    stopped,
  ],
  "a width of a million": [{ expressions: [`${turns}.map(a, '%.1000000e'.format([1.5])).size() < 0`] }, stopped],
  "a hundred variables of a hundred thousand moments": [
    {
      variables: Array.from({ length: 100 }, () => "lists.range(90000).map(a, timestamp(a))"),
      expressions: [Array.from({ length: 100 }, (_, at) => `size(variables.v${at}) > 0`).join(" && ")],
    },
    stopped,
  ],
  "a hundred variables of maps": [
    {
      variables: Array.from({ length: 100 }, () => "lists.range(90000).transformMapEntry(i, a, {a: a})"),
      expressions: [Array.from({ length: 100 }, (_, at) => `size(variables.v${at}) > 0`).join(" && ")],
    },
    stopped,
  ],
  "keys of a megabyte are not copied": [
    { expressions: ["lists.range(20000).map(a, {object.spec.t: a}).size() < 0"], spec: { t: million } },
    /^fail: m$/,
  ],
  "a thousand messages of two megabytes": [
    {
      expressions: Array.from({ length: 1000 }, () => "false"),
      message: "string(object.spec.t) + object.spec.t",
      spec: { t: million },
    },
    stopped,
  ],
  "a query of half a million names that are the same": [
    { expressions: ["url(object.spec.t).getQuery().size() == 1"], spec: { t: `http://a/?${"a&".repeat(500_000)}` } },
    /^(?:pass: .*|fail: m)$/,
  ],
  "loops in loops in loops, whose errors are absorbed": [
    {
      expressions: [
        "object.spec.l.exists(a, object.spec.l.exists(b, object.spec.l.exists(c, object.spec.no[a + b] == c)))",
      ],
      spec: { l: texts(3000, "x") },
    },
    tooDear,
  ],

  // ── what is compiled
  "a type that doubles": [
    { variables: chain("{1: 1}", (before) => `{${before}: ${before}}`, 40), expressions: ["size(variables.v40) < 0"] },
    /the types of the expression are too large/,
  ],
  "a type that is a thousand lists deep": [
    { variables: chain("[1]", (before) => `[${before}]`, 999), expressions: ["size(variables.v999) < 0"] },
    // The stack is just about as deep.
    /^(?:fail: m|error: the policy's calls are nested too deeply)$/,
  ],
  "ten thousand variables that read one another": [
    { variables: chain("1", (before) => `${before} + 0`, 9999), expressions: ["variables.v9999 == 1"] },
    tooDeep,
  ],
  "ten thousand expressions": [
    { expressions: Array.from({ length: 10_000 }, (_, at) => `object.spec.t != '${at}'`), spec: { t: million } },
    /^pass: /,
  ],
  "macros that copy what they stand behind": [
    { expressions: [`optional.of(1)${".optMap(a, a)".repeat(40)}.hasValue()`] },
    /expression count exceeds limit of 100000 while expanding macro 'optMap'/,
  ],
  "brackets without end": [
    { expressions: [`size(${"[".repeat(40_000)}1${"]".repeat(40_000)}) > 0`] },
    /expression recursion limit exceeded: 250$/,
  ],
  "a chain without end": [{ expressions: [`object${".a".repeat(45_000)} == 1`] }, /max recursion depth exceeded$/],
  "a text that is none of the language": [
    { expressions: ["1+".repeat(49_000), "(1,".repeat(30_000), "?".repeat(90_000), "a b ".repeat(20_000)] },
    /^fail: compilation error: compilation failed: ERROR: /,
  ],
};

for (const [what, [hostile, expected]] of Object.entries(cases)) {
  test(what, () => {
    const mayBeStopped = expected.test("error: the policy did not end before its deadline");
    const said = answer(hostile, mayBeStopped ? deadlineMsOfStopped : undefined);
    assert.match(said, expected, said.slice(0, 500));
  });
}

test("keys that mean something to JavaScript are keys, and nothing is inherited", () => {
  const spec = JSON.parse('{"__proto__": {"polluted": 1}}') as Record<string, Json>;
  const own = "object.spec['__proto__'].polluted == 1 && !has(object.spec.polluted)";
  const literal = "{'__proto__': 1, 'constructor': 2}.size() == 2 && {'__proto__': {'a': 1}}['__proto__'].a == 1";
  const inherited = "!has(object.spec.toString) && !('constructor' in object.spec) && !('valueOf' in {'a': 1})";
  assert.match(answer({ expressions: [own, literal, inherited], spec }), /^pass: /);
});

test("variables may be called like what objects inherit", () => {
  const variables = "[{name: __proto__, expression: '1'}, {name: constructor, expression: 'variables.__proto__ + 1'}]";
  const cel = (text: string): string =>
    `validate: {message: m, cel: {variables: ${variables}, expressions: [{expression: "${text}"}]}}`;
  const object = { apiVersion: "v1", kind: "Pod", metadata: { name: "a" } };
  assert.match(answerOf(policy("bad", cel("variables.constructor == 2")), object), /^pass: /);
  assert.match(answerOf(policy("bad", cel("variables.toString == 2")), object), /undefined field 'toString'/);
});
