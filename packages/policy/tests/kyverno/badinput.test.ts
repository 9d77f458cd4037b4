// Policies that would run away: each is stopped by its budget or answered within it, named, and hurts no other policy of
// the same set. (What is refused when a policy is read, with its place, is in check.test.ts.)

import assert from "node:assert/strict";
import { test } from "node:test";
import { answerOf, answers, pod, policy } from "./hostile.ts";
import { documents, policySet } from "./decide.ts";
import type { Json } from "../../src/engine/request.ts";

function deny(key: string): string {
  return `validate: {message: m, deny: {conditions: {any: [{key: ${key}, operator: Equals, value: "x"}]}}}`;
}

test("a bomb of context variables, each ten of the one before, stops at the size of a context", () => {
  const names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
  const entries = names.map((name, at) => {
    const value = at === 0 ? "lol" : `{{ ${names[at - 1]} }}`.repeat(10);
    return `{name: ${name}, variable: {value: "${value}"}}`;
  });
  const text = policy("bad", `context: [${entries.join(", ")}]\n    ${deny('"{{ i }}"')}`);
  const answer = answerOf(text);
  assert.match(answer, /^error: .*context size limit exceeded: \d+ bytes exceeds limit of 2097152 bytes$/);
  assert.ok(answer.length < 4096, "the message holds the bomb");
});

test("a variable whose value holds itself twice is stopped, and the policy is named", () => {
  const name = "request.object.metadata.annotations.bomb";
  const text = policy("bad", deny(`"x{{ ${name} }}"`));
  assert.match(
    answerOf(text, pod({ bomb: `{{ ${name} }}{{ ${name} }}` })),
    /^error: the policy (?:made too much output|did not end before its deadline)$/,
  );
});

test("a variable whose value is itself does not go on for ever", () => {
  const name = "request.object.metadata.annotations.bomb";
  const text = policy("bad", deny(`"x{{ ${name} }}"`));
  assert.match(answerOf(text, pod({ bomb: `{{ ${name} }}` })), /^error: .*: its variables make variables without end$/);
});

test("a context entry of more than 2 MB is an error that says so", () => {
  const big = "x".repeat(2 << 20);
  const text = policy(
    "bad",
    `context: [{name: big, variable: {jmesPath: request.object.metadata.annotations.big}}]\n    ${deny('"{{ big }}"')}`,
  );
  assert.match(
    answerOf(text, pod({ big })),
    /^error: .*context size limit exceeded: 2097154 bytes exceeds limit of 2097152 bytes$/,
  );
});

test("an expression whose value holds itself twice, again and again, is stopped before anybody walks it", () => {
  const doubled = Array.from({ length: 45 }, () => "[@, @]").join(" | ");
  const tooMuch = /^error: the policy (?:made too much output|did not end before its deadline)$/;
  assert.match(answerOf(policy("bad", deny(`"{{ ${doubled} }}"`))), tooMuch);
  assert.match(answerOf(policy("bad", deny(`"x{{ ${doubled} }}"`))), tooMuch);
  assert.match(answerOf(policy("bad", deny(`"{{ ${doubled} | to_string(@) }}"`))), tooMuch);
  assert.match(answerOf(policy("bad", deny(`"{{ ${doubled.replaceAll("]", "][]")} | length(@) }}"`))), tooMuch);
  const hash = Array.from({ length: 45 }, () => "{a: @, b: @}").join(" | ");
  assert.match(answerOf(policy("bad", deny(`"{{ ${hash} }}"`))), tooMuch);
});

test("a text that regular expressions make ten times as long, again and again, is stopped", () => {
  const grown = Array.from({ length: 12 }, () => `regex_replace_all('a', @, '${"$0".repeat(10)}')`).join(" | ");
  assert.match(
    answerOf(policy("bad", deny(`"{{ 'aaaaaaaaaa' | ${grown} }}"`))),
    /^error: the policy (?:made too much output|did not end before its deadline)$/,
  );
});

test("a catastrophic regular expression takes linear time", () => {
  const text = policy("bad", deny(`"{{ regex_match('^(a+)+$', request.object.metadata.annotations.long) }}"`));
  assert.equal(answerOf(text, pod({ long: `${"a".repeat(200_000)}!` })), "pass: validation rule 'r' passed.");
});

test("a regular expression that is none is a warning at its place when it is constant, and an error when it is met", () => {
  const text = policy("bad", deny(`"{{ regex_match('(?<=a)b', 'ab') }}"`));
  const found = [...policySet(documents(text)).status.values()].flat();
  assert.deepEqual(
    found.map(({ code, message }) => `${code}: ${message}`),
    ["regex: error parsing regexp: invalid named capture: `(?<=a)b`"],
  );
  assert.match(answerOf(text), /^error: .*error parsing regexp: invalid named capture/);
});

test("a list of a loop that does not parse is a warning at its place, and an error when it is met", () => {
  const text = policy("bad", 'validate: {message: m, foreach: [{list: "request.object.spec[", pattern: {a: b}}]}');
  const found = [...policySet(documents(text)).status.values()].flat();
  assert.deepEqual(
    found.map(({ severity, message }) => `${severity}: ${message}`),
    ["warning: SyntaxError: Expected tStar, received: tEOF"],
  );
  assert.match(answerOf(text), /^error: failed to evaluate list: incorrect query request\.object\.spec\[: SyntaxError/);
});

test("a wildcard with many stars takes no more than the product of the lengths", () => {
  const text = policy(
    "bad",
    `validate: {message: m, pattern: {metadata: {annotations: {long: "${"a*".repeat(40)}b"}}}}`,
  );
  assert.match(
    answerOf(text, pod({ long: "a".repeat(50_000) })),
    /^fail: validation error: m\. rule r failed at path /,
  );
});

test("a call of a function that does not exist is a warning when the policy is read, and an error when it is reached", () => {
  const text = policy("bad", deny('"{{ nonsense(request.object.metadata.name) }}"'));
  const found = [...policySet(documents(text)).status.values()].flat();
  assert.deepEqual(
    found.map(({ code, message }) => `${code}: ${message}`),
    ["unknown-function: unknown function: nonsense"],
  );
  assert.match(answerOf(text), /^error: .*unknown function: nonsense$/);
});

test("a pattern as deep as an object can be, over an object as deep", () => {
  let pattern = "x";
  let value: Json = "x";
  for (let at = 0; at < 400; at++) {
    pattern = `{a: ${pattern}}`;
    value = { a: value };
  }
  const text = policy("bad", `validate: {message: m, pattern: {spec: ${pattern}}}`);
  assert.equal(answerOf(text, { ...(pod({}) as object), spec: value }), "pass: validation rule 'r' passed.");
});

test("a loop in a loop in a loop over long lists is stopped before its deadline", () => {
  const list = "request.object.spec.list";
  const inner = `foreach: [{list: ${list}, foreach: [{list: ${list}, deny: {conditions: {any: [{key: "{{ element }}", operator: Equals, value: no}]}}}]}]`;
  const text = policy("bad", `validate: {message: m, foreach: [{list: ${list}, ${inner}}]}`);
  const object = { ...(pod({}) as object), spec: { list: Array.from({ length: 1000 }, (_, at) => `v${at}`) } };
  assert.match(answerOf(text, object), /^error: the policy did not end before its deadline$/);
});

const tooMuch = /^error: the policy (?:made too much output|did not end before its deadline)$/;
const spec = "request.object.spec";

function mutating(patch: string): string {
  return policy("bad", `mutate: {${patch}}`);
}

function podWith(more: Readonly<Record<string, Json>>): Json {
  return { ...(pod({}) as object), ...more };
}

function texts(count: number, text: string): readonly string[] {
  return Array.from({ length: count }, (_, at) => `${text}${at}`);
}

function members(names: readonly string[], value: string): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name) => [name, value]));
}

test("an object that is copied into itself, again and again, is stopped: in a patch, in a loop, by rules", () => {
  const copies = texts(40, "x").map((name) => ({ op: "copy", from: "/spec", path: `/spec/${name}` }));
  const loop = String.raw`"- op: copy\n  from: /spec/m\n  path: /spec/m/-\n"`;
  const object = podWith({ spec: { m: [], l: texts(60, "") } });
  assert.match(answerOf(mutating(`patchesJson6902: '${JSON.stringify(copies)}'`), object), tooMuch);
  assert.match(answerOf(mutating(`foreach: [{list: ${spec}.l, patchesJson6902: ${loop}}]`), object), tooMuch);
  const rules = texts(12, "").map((at) => {
    const thrice = copies.slice(0, 3).map((one) => ({ ...one, path: `${one.path}x${at}` }));
    return policy(`bad${at}`, `mutate: {patchesJson6902: '${JSON.stringify(thrice)}'}`);
  });
  const all = [...answers(rules.join(""), object)].filter(([name]) => name.startsWith("bad"));
  assert.equal(all.length, 12);
  assert.ok(all.some(([, answer]) => tooMuch.test(answer)));
});

test("a patch of YAML whose anchors put a large value at many places is stopped", () => {
  const patch = `- op: add\n  path: /spec/a\n  value: &a ${"x".repeat(100_000)}\n- op: add\n  path: /spec/b\n  value: [${"*a,".repeat(5000)}]\n`;
  assert.match(answerOf(mutating(`patchesJson6902: ${JSON.stringify(patch)}`)), tooMuch);
});

test("thousands of wildcards in keys of a pattern, over thousands of labels", () => {
  const wanted = members(texts(3000, "*a*b*c"), "*");
  const labels = members(texts(3000, "a".repeat(100)), "x");
  const object = podWith({ metadata: { name: "a", namespace: "default", labels } });
  const text = policy("bad", `validate: {message: m, pattern: {metadata: {labels: ${JSON.stringify(wanted)}}}}`);
  assert.match(answerOf(text, object), tooMuch);
});

test("thousands of images that are exempted, over thousands of containers", () => {
  const images = JSON.stringify(texts(500, "*a*b*"));
  const exclude = texts(9, "").map(() => `{controlName: Capabilities, images: ${images}}`);
  const text = policy(
    "bad",
    `validate: {podSecurity: {level: restricted, version: latest, exclude: [${exclude.join(", ")}]}}`,
  );
  const containers = texts(5000, "c").map((name) => ({ name, image: "a".repeat(200) }));
  assert.match(answerOf(text, podWith({ spec: { containers } })), tooMuch);
});

test("a range of a hundred thousand digits is read once for a whole list", () => {
  const text = policy(
    "bad",
    `validate: {message: m, deny: {conditions: {any: [{key: "{{ ${spec}.l }}", operator: AnyIn, value: "1-${"9".repeat(100_000)}"}]}}}`,
  );
  assert.equal(answerOf(text, podWith({ spec: { l: texts(20_000, "v") } })), "pass: validation rule 'r' passed.");
});

test("entries that ask for one another, ten thousand deep, end at the depth of a call", () => {
  const entries = texts(10_000, "v").map((name, at) => {
    return `{name: ${name}, variable: {jmesPath: "${at === 0 ? "'x'" : `v${at - 1}`}"}}`;
  });
  const text = policy("bad", `context: [${entries.join(", ")}]\n    ${deny('"{{ v9999 }}"')}`);
  assert.match(
    answerOf(text),
    /^error: the policy(?:'s calls are nested too deeply| did not end before its deadline)$/,
  );
});

test("fifty thousand variables in one text are checked one after the other when the policy is read", () => {
  const text = policy("bad", deny(`"${`{{ ${spec}.a }}`.repeat(50_000)}"`));
  assert.match(answerOf(text, podWith({ spec: { a: "x" } })), tooMuch);
});

test("loops in loops are checked without the text that Kyverno doubles with each", () => {
  let loop = `{list: ${spec}.l, pattern: {a: b}}`;
  for (let at = 0; at < 60; at++) loop = `{list: ${spec}.l, foreach: [${loop}]}`;
  const object = podWith({ spec: { l: [{ a: "b" }, { a: "b" }] } });
  assert.match(answerOf(policy("bad", `validate: {message: m, foreach: [${loop}]}`), object), tooMuch);
});
