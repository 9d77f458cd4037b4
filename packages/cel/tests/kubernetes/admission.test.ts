// Groups of expressions: which of them decides, what a group may cost, when variables are computed, which message is said.
// k8s.io/apiserver: pkg/admission/plugin/policy/validating/validator_test.go has more of the same.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Budget } from "@portcullis/lang";
import { type Value, kubernetes136 } from "../../src/index.ts";
import { type AdmissionExpressions, type AdmissionResult, compileAdmission } from "../../src/kubernetes/index.ts";

interface Policy {
  readonly conditions?: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
  /** Expressions, or expressions with messages. */
  readonly validations?: readonly (string | Partial<AdmissionExpressions["validations"][number]>)[];
  readonly annotations?: readonly string[];
  readonly object?: Value;
  readonly conditionsReadVariables?: boolean;
}

function compiled({ conditions = [], variables = {}, validations = [], annotations = [], ...more }: Policy) {
  const empty = { expression: "", message: "", messageExpression: "", reason: "" };
  return compileAdmission(
    {
      matchConditions: conditions.map((expression, at) => ({ name: `c${at}`, expression })),
      variables: Object.entries(variables).map(([name, expression]) => ({ name, expression })),
      validations: validations.map((one) => ({ ...empty, ...(typeof one === "string" ? { expression: one } : one) })),
      auditAnnotations: annotations.map((valueExpression, at) => ({ key: `a${at}`, valueExpression })),
    },
    { dialect: kubernetes136, hasParams: false, conditionsReadVariables: more.conditionsReadVariables ?? false },
  );
}

function decide(policy: Policy, budget = new Budget({}, () => 0)): AdmissionResult {
  const nothing = { oldObject: null, params: null, request: {}, namespaceObject: null };
  const unasked = { authorizer: undefined, requestResource: undefined };
  return compiled(policy).evaluate({ object: policy.object ?? {}, ...nothing, ...unasked, budget });
}

/** `admit`, or outcome and message. */
function said(policy: Policy): readonly string[] {
  const result = decide(policy);
  if (!result.matches) return ["no match"];
  if (result.error !== null) return [`error: ${result.error}`];
  return result.validations.map(({ outcome, message }) => (outcome === "admit" ? outcome : `${outcome}: ${message}`));
}

const outOfBudget = "validation failed due to running out of cost budget, no further validation rules will be run";
const cancelled = "operation cancelled: actual cost limit exceeded";

/** Costs 600,012. */
const dear = "lists.range(100000).all(x, x >= 0)";

for (const [what, policy, expected] of [
  ["all conditions have to hold", { conditions: ["true", "1 == 1"], validations: ["true"] }, ["admit"]],
  [
    "a condition that does not hold decides",
    { conditions: ["object.no == 1", "false"], validations: ["false"] },
    ["no match"],
  ],
  [
    "of conditions that fail all are said, each once",
    { conditions: ["object.no == 1", "true", "object.no == 1", "1 / 0 == 1"], validations: ["false"] },
    [
      "error: [expression 'object.no == 1' resulted in error: no such key: no, expression '1 / 0 == 1' resulted in error: division by zero]",
    ],
  ],
  [
    "conditions may cost less than a group",
    { conditions: [dear, dear, dear, dear, dear], validations: ["true"] },
    [`error: ${outOfBudget}`],
  ],
  [
    "each validation is answered",
    { validations: ["true", "1 == 2", "object.no"] },
    ["admit", "deny: failed expression: 1 == 2", "error: compilation"],
  ],
  [
    "a call may cost a million",
    { validations: ["lists.range(900000).all(x, x >= 0)", "true"] },
    [`error: expression 'lists.range(900000).all(x, x >= 0)' resulted in error: ${cancelled}`, "admit"],
  ],
  [
    "no condition absorbs what costs too much",
    { validations: ["lists.range(900000).all(x, x >= 0) || true"] },
    [`error: expression 'lists.range(900000).all(x, x >= 0) || true' resulted in error: ${cancelled}`],
  ],
  ["a group may cost ten million", { validations: Array.from({ length: 20 }, () => dear) }, [`error: ${outOfBudget}`]],
  [
    "a variable's cost counts once, for whoever reads it first",
    { variables: { v: dear }, validations: Array.from({ length: 20 }, () => "variables.v") },
    Array.from({ length: 20 }, () => "admit"),
  ],
  [
    "a variable that nobody reads costs nothing, and may fail",
    { variables: { v: "1 / 0", w: dear }, validations: ["true || variables.v == 1"] },
    ["admit"],
  ],
  [
    "a variable that fails says so, through those that read it",
    { variables: { v: "object.no", w: "variables.v" }, validations: ["variables.w == 1"] },
    [
      `error: expression 'variables.w == 1' resulted in error: composited variable "w" fails to evaluate: composited variable "v" fails to evaluate: no such key: no`,
    ],
  ],
  [
    "a variable that does not compile fails where it is read",
    { variables: { v: "nobody" }, validations: ["true", "variables.v == 1"] },
    ["admit", /^error: expression 'variables.v == 1' resulted in error: composited variable "v" fails to compile: /],
  ],
  ["a message", { validations: [{ expression: "false", message: " no\n" }] }, ["deny: no"]],
  [
    "a message that is computed",
    {
      variables: { v: "'x'" },
      validations: [{ expression: "false", message: "no", messageExpression: "' not ' + variables.v" }],
    },
    ["deny: not x"],
  ],
  [
    "a computed message that fails",
    { validations: [{ expression: "false", message: "no", messageExpression: "string(object.no)" }] },
    ["deny: no"],
  ],
  [
    "a computed message of two lines",
    { validations: [{ expression: "false", message: "no", messageExpression: "'a\\nb'" }] },
    ["deny: no"],
  ],
  [
    "a computed message of more than 5 KB",
    {
      validations: [{ expression: "false", message: "no", messageExpression: "lists.range(5121).map(x, 'a').join()" }],
    },
    ["deny: no"],
  ],
  [
    "messages see no authorizer",
    {
      validations: [
        {
          expression: "false",
          message: "no",
          messageExpression: "string(authorizer.requestResource.check('get').allowed())",
        },
      ],
    },
    ["deny: no"],
  ],
] as const satisfies readonly (readonly [string, Policy, readonly (string | RegExp)[]])[]) {
  test(what, () => {
    const answers = said(policy);
    assert.equal(answers.length, expected.length, answers.join("\n"));
    for (const [at, wanted] of expected.entries()) {
      const answer = answers[at] as string;
      if (wanted instanceof RegExp) assert.match(answer, wanted);
      else if (wanted === "error: compilation")
        assert.match(answer, /^error: compilation error: must evaluate to bool/);
      else assert.equal(answer, wanted);
    }
  });
}

test("annotations are published where they are texts that are not empty", () => {
  const result = decide({ annotations: ["'a'", "' '", "null", "object.no == 1 ? 'x' : 'y'"], validations: ["true"] });
  assert.ok(result.matches && result.error === null);
  assert.deepEqual(
    result.annotations.map(({ outcome, text }) => `${outcome}: ${text}`),
    [
      "publish: a",
      "exclude: ",
      "exclude: ",
      "error: expression 'object.no == 1 ? 'x' : 'y'' resulted in error: no such key: no",
    ],
  );
});

test("only where they may do conditions read variables", () => {
  const policy = { conditions: ["variables.v"], variables: { v: "false" }, validations: ["false"] };
  assert.deepEqual(said({ ...policy, conditionsReadVariables: true }), ["no match"]);
  assert.match(said(policy)[0] ?? "", /undeclared reference to 'variables'/);
});

test("a variable sees those before it, with their types", () => {
  const problems = (variables: Readonly<Record<string, string>>): readonly string[] =>
    compiled({ variables }).problems.map(({ path }) => path.join("."));
  assert.deepEqual(problems({ a: "1", b: "variables.a + 1" }), []);
  assert.deepEqual(problems({ b: "variables.a + 1", a: "1" }), ["variables.0.expression"]);
  assert.deepEqual(problems({ a: "'text'", b: "variables.a + 1" }), ["variables.1.expression"]);
});

test("a variable is computed once in a group", () => {
  let asked = 0;
  const object = {
    get a() {
      asked++;
      return 1;
    },
  };
  const validations = ["variables.v == 1", "variables.v == 1 && variables.v > 0"];
  assert.deepEqual(said({ variables: { v: "object.a" }, validations, object }), ["admit", "admit"]);
  assert.equal(asked, 1);
});

test("what a policy costs more than the budget has ends it", () => {
  const budget = new Budget({ steps: 10_000 }, () => 0);
  assert.throws(() => decide({ validations: [dear] }, budget), { name: "LimitError", limit: "steps" });
});
