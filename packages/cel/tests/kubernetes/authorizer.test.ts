// What an expression asks an authorizer.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Budget } from "@portcullis/lang";
import { CelError, type Value, compile, createEnvironment, kubernetes136, types } from "../../src/index.ts";
import {
  type AuthorizationQuestion,
  type Authorize,
  authorizerOf,
  kubernetesLibraries,
  resourceAuthorizerOf,
} from "../../src/kubernetes/index.ts";

const environment = createEnvironment({
  libraries: kubernetesLibraries(kubernetes136),
  variables: {
    authorizer: types.struct("kubernetes.authorization.Authorizer"),
    "authorizer.requestResource": types.struct("kubernetes.authorization.ResourceCheck"),
  },
  dialect: kubernetes136,
});

const user = { username: "ann", uid: "1", groups: ["dev"], extra: {} };

function evaluate(
  expression: string,
  authorize: Authorize | null,
): { readonly value: Value | CelError; readonly cost: number } {
  const compiled = compile(expression, environment);
  assert.ok("program" in compiled, JSON.stringify(compiled));
  const resource = { group: "apps", resource: "deployments", subresource: "", namespace: "shop", name: "web" };
  const variables: Readonly<Record<string, Value>> = {
    authorizer: authorizerOf(user, authorize),
    "authorizer.requestResource": resourceAuthorizerOf(user, authorize, resource),
  };
  return compiled.program.evaluate({ read: (name) => variables[name], budget: new Budget({}, () => 0), costMax: 1e6 });
}

function questionOf(expression: string): AuthorizationQuestion | undefined {
  let asked: AuthorizationQuestion | undefined;
  evaluate(expression, (question) => {
    asked = question;
    return { allowed: true, reason: "", error: "" };
  });
  return asked;
}

test("a question about a resource has all that was said of it", () => {
  const text = `authorizer.group('apps').resource('deployments').subresource('scale').namespace('shop').name('web')
    .fieldSelector('a=b').labelSelector('c').check('update').allowed()`;
  assert.deepEqual(questionOf(text), {
    user,
    verb: "update",
    about: {
      group: "apps",
      resource: "deployments",
      subresource: "scale",
      namespace: "shop",
      name: "web",
      fieldSelector: "a=b",
      labelSelector: "c",
    },
  });
});

test("the request's own resource, and a path", () => {
  const asked = questionOf("authorizer.requestResource.check('get').allowed()");
  assert.ok(asked !== undefined && "name" in asked.about && asked.about.name === "web");
  assert.deepEqual(questionOf("authorizer.path('/healthz').check('get').allowed()")?.about, { path: "/healthz" });
});

test("a service account is another user", () => {
  const asked = questionOf("authorizer.serviceAccount('shop', 'robot').path('/x').check('get').allowed()");
  assert.equal(asked?.user.username, "system:serviceaccount:shop:robot");
  assert.deepEqual(asked?.user.groups, ["system:serviceaccounts", "system:serviceaccounts:shop"]);
});

for (const [expression, message] of [
  ["authorizer.path(' ').check('get').allowed()", "path must not be empty"],
  ["authorizer.group('').resource('').check('get').allowed()", "resource must not be empty"],
  ["authorizer.serviceAccount('a', 'B').path('/').check('get').allowed()", "Invalid service account name"],
  ["authorizer.serviceAccount('A', 'b').path('/').check('get').allowed()", "Invalid service account namespace"],
] as const) {
  test(message, () => {
    assert.deepEqual(evaluate(expression, null).value, new CelError(message));
  });
}

test("the answer is allowed, or has a reason or an error", () => {
  const refuse: Authorize = () => ({ allowed: false, reason: "no", error: "broken" });
  const check = "authorizer.path('/').check('get')";
  assert.equal(evaluate(`${check}.allowed()`, refuse).value, false);
  assert.equal(evaluate(`${check}.reason() + ' ' + ${check}.error()`, refuse).value, "no broken");
  assert.equal(evaluate(`${check}.errored()`, refuse).value, true);
});

test("with nobody to ask, asking is an error", () => {
  const { value } = evaluate("authorizer.path('/').check('get').allowed()", null);
  assert.ok(value instanceof CelError);
});

test("an expression may ask twice, and not three times", () => {
  const allow: Authorize = () => ({ allowed: true, reason: "", error: "" });
  const check = "authorizer.path('/').check('get').allowed()";
  assert.equal(evaluate(`${check} && ${check}`, allow).value, true);
  assert.deepEqual(
    evaluate(`${check} && ${check} && ${check}`, allow).value,
    new CelError("operation cancelled: actual cost limit exceeded"),
  );
});
