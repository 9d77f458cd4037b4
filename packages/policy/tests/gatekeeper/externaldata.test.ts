// Providers, external_data in Rego, and how a decision asks for external data.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Answer, Need } from "@portcullis/lang";
import type { Decision, Suspended } from "../../src/engine/outcome.ts";
import type { PolicySet } from "../../src/engine/policyset.ts";
import { readProviderResponse } from "../../src/gatekeeper/externaldata/response.ts";
import { namespaceNeed } from "../../src/gatekeeper/review.ts";
import { request, unlimited, worldWith } from "../engine/world.ts";
import { constraint, policySet, template } from "./load.ts";

/** A certificate of nobody, in PEM and Base64. */
const caBundle =
  "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJjakNDQVJlZ0F3SUJBZ0lVZm5wTW9TeGZLRVFjSXBIWExhMGJLSStvZWtFd0NnWUlLb1pJemowRUF3SXcKRFRFTE1Ba0dBMVVFQXd3Q1kyRXdJQmNOTWpZeE1USXhNRE15TXpNNVdoZ1BNakV5TmpFd01qZ3dNekl6TXpsYQpNQTB4Q3pBSkJnTlZCQU1NQW1OaE1Ga3dFd1lIS29aSXpqMENBUVlJS29aSXpqMERBUWNEUWdBRTlaWmUySk9oClU5cCtKMDFQVm85VVlOY1hrVUJDK1lpL1BCUHhwbWNJWjRkSC9uZklJL2loeEJDNWFlQldFem1MeWp5aW5DbmsKN0g0OGRNR2VkZzQ5YnFOVE1GRXdIUVlEVlIwT0JCWUVGRGk5Y3BrVERKWmhpL3pQZWtSSDFYY3lXTU95TUI4RwpBMVVkSXdRWU1CYUFGRGk5Y3BrVERKWmhpL3pQZWtSSDFYY3lXTU95TUE4R0ExVWRFd0VCL3dRRk1BTUJBZjh3CkNnWUlLb1pJemowRUF3SURTUUF3UmdJaEFKNXdvV09sUVlqVG43NUdHeU5PS2l4eXhlV1hESEZxL2FjVTZaNFMKV1Q3cUFpRUExanNoRFVqL0dzeHBJUTA5NFpVbEF1TFNmZG81VkJnNEVtWTBEL2N0SWdzPQotLS0tLUVORCBDRVJUSUZJQ0FURS0tLS0tCg==";

function provider(spec: string, name = "p"): string {
  return `---
apiVersion: externaldata.gatekeeper.sh/v1beta1
kind: Provider
metadata: {name: ${name}}
spec: ${spec}
`;
}

const good = provider(`{url: "https://localhost:8090", timeout: 2, caBundle: ${caBundle}}`);

function problemsOf(set: PolicySet, key = "Provider//p"): readonly string[] | undefined {
  return set.status.get(key)?.map(({ message }) => message);
}

const refused: readonly (readonly [spec: string, message: string])[] = [
  ["{}", "invalid provider url. value: "],
  ["{url: 'https://x', timeout: -1}", "provider timeout should be a positive integer. value: -1"],
  ["{url: 'http://x'}", "only HTTPS scheme is supported for Providers"],
  ["{url: 'https://[x'}", "parse \"https://[x\": missing ']' in host"],
  ["{url: 'https://x'}", "caBundle should be set for HTTPS scheme"],
  ["{url: 'https://x', caBundle: '*'}", "failed to base64 decode caBundle: illegal base64 data at input byte 0"],
  ["{url: 'https://x', caBundle: aGVsbG8=}", "bad caBundle"],
  [
    "{url: 'https://x', caBundle: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCmFHVnNiRzg9Ci0tLS0tRU5EIENFUlRJRklDQVRFLS0tLS0K}",
    "failed to parse caBundle: x509: malformed certificate",
  ],
];

for (const [spec, message] of refused) {
  test(`a Provider is refused: ${message}`, () => {
    assert.equal(problemsOf(policySet(provider(spec)))?.[0], message);
  });
}

test("a Provider with an address and a bundle is taken; with an unknown field or version it is refused", () => {
  assert.equal(problemsOf(policySet(good)), undefined);
  assert.deepEqual(problemsOf(policySet(good.replace("timeout: 2", "timeout: 2, proxy: x"))), [
    'unknown field "spec.proxy"',
  ]);
  assert.deepEqual(problemsOf(policySet(good.replace("v1beta1", "v1"))), [
    'no matches for kind "Provider" in version "externaldata.gatekeeper.sh/v1"',
  ]);
});

/** The answer about the Namespace of the requests. */
const namespace: Readonly<Record<string, Answer>> = {
  [`object ${namespaceNeed("default").key}`]: { value: { apiVersion: "v1", kind: "Namespace", metadata: {} } },
};

const images = `package images
violation[{"msg": msg, "details": response}] {
  response := external_data({"provider": "p", "keys": input.parameters.keys})
  msg := sprintf("%v", [response])
}`;

function need(run: Decision | Suspended): Need {
  assert.ok("needs" in run, "it was decided");
  assert.equal(run.needs.length, 1);
  return run.needs[0] as Need;
}

/** Decides after each need was answered. */
function decided(set: PolicySet, answer: (need: Need) => Answer): { messages: string[]; rounds: number } {
  let said = set.evaluate(request(), worldWith(namespace), unlimited());
  let rounds = 0;
  const known: Record<string, Answer> = { ...namespace };
  while ("needs" in said) {
    rounds++;
    for (const one of said.needs) known[`${one.kind} ${one.key}`] = answer(one);
    said = said.resume(worldWith(known));
  }
  return { messages: said.outcomes.map(({ message }) => message), rounds };
}

const withKeys = (keys: string): PolicySet =>
  policySet(good + template("Images", images) + constraint("Images", "c", `{parameters: {keys: ${keys}}}`));

test("external_data asks for its keys, with the address of the Provider", () => {
  const { kind, call } = need(withKeys("[a, b]").evaluate(request(), worldWith(namespace), unlimited()));
  assert.deepEqual(
    [kind, call],
    [
      "external_data",
      {
        provider: "p",
        keys: ["a", "b"],
        purpose: "validation",
        spec: { url: "https://localhost:8090", timeoutSeconds: 2, caBundle },
      },
    ],
  );
});

test("the result has responses, errors, status code and system error, as Gatekeeper's", () => {
  const items = [
    { key: "a", value: "A" },
    { key: "b", error: "no b" },
    { key: "c", value: { n: 1 } },
  ];
  const { messages } = decided(withKeys("[a, b, c]"), () => ({
    value: { statusCode: 200, response: { idempotent: true, items, systemError: "" } },
  }));
  assert.deepEqual(messages, [
    '{"errors": [["b", "no b"]], "responses": [["a", "A"], ["c", {"n": 1}]], "status_code": 200, "system_error": ""}',
  ]);
});

test("a request that fails is a system error with null lists; an unknown provider has status 400", () => {
  const failing = decided(withKeys("[a]"), () => ({ error: "failed to send external data request: no" }));
  assert.deepEqual(failing.messages, [
    '{"errors": null, "responses": null, "status_code": 500, "system_error": "failed to send external data request: no"}',
  ]);
  const unknown = decided(withKeys("[a]"), () => ({ value: null }));
  assert.deepEqual(unknown.messages, [
    '{"errors": null, "responses": null, "status_code": 400, "system_error": "key is not found in provider cache"}',
  ]);
});

test("no keys are no question", () => {
  const { messages, rounds } = decided(withKeys("[]"), () => assert.fail("asked"));
  assert.deepEqual(messages, ['{"errors": [], "responses": [], "status_code": 0, "system_error": ""}']);
  assert.equal(rounds, 0);
});

test("a request that is none is undefined", () => {
  const bad = images.replace("input.parameters.keys", "[1]");
  const set = policySet(good + template("Images", bad) + constraint("Images", "c"));
  assert.deepEqual(decided(set, () => assert.fail("asked")).messages, []);
});

const loop = `package loop
violation[{"msg": msg}] {
  key := input.parameters.keys[_]
  response := external_data({"provider": "p", "keys": [key]})
  msg := response.responses[_][1]
}`;

test("keys that are asked for one by one, by several constraints, take one round", () => {
  const keys = Array.from({ length: 26 }, (_, at) => `k${at}`);
  const set = policySet(
    good +
      template("Loop", loop) +
      constraint("Loop", "some", `{parameters: {keys: [${keys.slice(0, 20).join(", ")}]}}`) +
      constraint("Loop", "more", `{parameters: {keys: [${keys.slice(10).join(", ")}]}}`),
  );
  const { messages, rounds } = decided(set, ({ call }) => {
    const asked = (call as { readonly keys: readonly string[] }).keys;
    const items = asked.map((key) => ({ key, value: key.toUpperCase() }));
    return { value: { statusCode: 200, response: { items } } };
  });
  assert.equal(rounds, 1);
  assert.equal(messages.length, 36);
});

test("an answer that a question depends on takes a second round", () => {
  const chained = `package chained
violation[{"msg": msg}] {
  first := external_data({"provider": "p", "keys": ["a"]}).responses[_][1]
  msg := external_data({"provider": "p", "keys": [first]}).responses[_][1]
}`;
  const set = policySet(good + template("Chained", chained) + constraint("Chained", "c"));
  const { messages, rounds } = decided(set, ({ call }) => {
    const [key = ""] = (call as { readonly keys: readonly string[] }).keys;
    return { value: { statusCode: 200, response: { items: [{ key, value: `${key}!` }] } } };
  });
  assert.deepEqual([messages, rounds], [["a!!"], 2]);
});

const bodies: readonly (readonly [body: string, read: unknown])[] = [
  ['{"response": {"idempotent": true, "items": []}}', { response: { idempotent: true, items: [] } }],
  ["{}", { response: {} }],
  ["<html>", { error: "invalid character '<' looking for beginning of value" }],
  ["", { error: "unexpected end of JSON input" }],
  ["[]", { error: "json: cannot unmarshal array into Go value of type externaldata.ProviderResponse" }],
  [
    '{"response": {"items": [{"key": 1}]}}',
    { error: "json: cannot unmarshal number into Go struct field ProviderResponse.response.items.key of type string" },
  ],
  [
    '{"response": {"items": {}}}',
    {
      error:
        "json: cannot unmarshal object into Go struct field ProviderResponse.response.items of type []externaldata.Item",
    },
  ],
];

for (const [body, read] of bodies) {
  test(`a response ${body === "" ? "without a body" : body} is read as Go reads it`, () => {
    assert.deepEqual(readProviderResponse(body), read);
  });
}
