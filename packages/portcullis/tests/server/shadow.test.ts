import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointAt } from "../../src/server/endpoints.ts";
import { errorReply } from "../../src/server/routes.ts";
import { shadowed } from "../../src/server/shadow.ts";

test("a path in shadow is the same path, and is known as one", () => {
  assert.deepEqual(endpointAt("/shadow/validate/fail?timeout=10s"), {
    ...endpointAt("/validate/fail"),
    isShadow: true,
  });
  assert.equal(endpointAt("/shadow/nowhere"), null);
});

test("whatever was decided, the request is allowed; the decision is told and not counted", () => {
  const refusal = errorReply({ uid: "u", apiVersion: "admission.k8s.io/v1" }, 500, "no");
  const { reply, decision } = shadowed(refusal);
  assert.deepEqual(decision, { allowed: false, message: "no", quotesSecret: false });
  assert.equal(shadowed({ ...refusal, quotesSecret: true }).decision?.quotesSecret, true);
  assert.equal(reply.record, null);
  const { response } = JSON.parse(reply.body) as { readonly response: Readonly<Record<string, unknown>> };
  assert.equal(response["uid"], "u");
  assert.equal(response["allowed"], true);
  assert.deepEqual(shadowed(errorReply(null, 400, "no review")).decision, null);
});
