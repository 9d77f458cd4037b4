import assert from "node:assert/strict";
import { test } from "node:test";
import { type Answer, Budget, LimitError } from "@portcullis/lang";
import { createEngine } from "../../src/engine/engine.ts";
import type { Linked, PolicyFrontend } from "../../src/engine/frontend.ts";
import type { Decision, Outcome, Suspended } from "../../src/engine/outcome.ts";
import type { PolicySet } from "../../src/engine/policyset.ts";
import type { Evaluation, Json } from "../../src/engine/request.ts";
import { fixedFrontend, labelled, noCatalog, outcome, policy, request, stage, unlimited, worldWith } from "./world.ts";

function setOf(linked: Partial<Linked>, ...others: readonly PolicyFrontend[]): PolicySet {
  return createEngine({ frontends: [fixedFrontend(linked), ...others], catalog: noCatalog, rounds: 3 }).policySet([]);
}

function decided(result: Decision | Suspended): Decision {
  assert.ok("allowed" in result, "suspended");
  return result;
}

function asks(kind: string, key: string): (evaluation: Evaluation) => Answer | undefined {
  return ({ world }) => world.ask([{ kind, key, call: null }])[0];
}

test("a policy that fails leaves an outcome of its own, and the others decide", () => {
  const set = setOf({
    policies: [
      policy("broken", () => {
        throw new TypeError("oops");
      }),
      policy("strict", () => [outcome("strict", ["deny"])]),
    ],
  });
  const decision = decided(set.evaluate(request(), worldWith(), unlimited()));
  assert.deepEqual(
    decision.outcomes.map((one) => [one.policy.name, one.result, one.message]),
    [
      ["broken", "error", "oops"],
      ["strict", "fail", "strict says no"],
    ],
  );
  assert.equal(decision.message, "oops\nstrict says no");
  assert.deepEqual(decision.unchecked, []);
});

test("a policy that fails open is named as unchecked", () => {
  const failing = (): never => {
    throw new LimitError("deadline");
  };
  const set = setOf({ policies: [policy("lenient", failing, { onError: "allow" })] });
  const decision = decided(set.evaluate(request(), worldWith(), unlimited()));
  assert.equal(decision.allowed, true);
  assert.deepEqual(
    decision.unchecked.map((one) => one.name),
    ["lenient"],
  );
});

test("a runaway policy is stopped at its share of the time and leaves the rest to others", () => {
  let now = 0;
  const spin = (_: unknown, { budget }: Evaluation): never => {
    for (;;) {
      now += 1;
      budget.step(5000);
    }
  };
  let left = 0;
  const set = setOf({
    policies: [
      policy("runaway", spin),
      policy("quick", (_, { budget }) => {
        left = budget.deadlineMs - budget.nowMs();
        return [];
      }),
    ],
  });
  const budget = new Budget({ deadlineMs: 1000 }, () => now);
  const decision = decided(set.evaluate(request(), worldWith(), budget));
  assert.equal(decision.outcomes[0]?.message, "the policy did not end before its deadline");
  assert.equal(decision.outcomes[0]?.properties["limit"], "deadline");
  assert.ok(now > 500 && now < 520, `stopped at ${now}`);
  assert.ok(left > 200, `${left} ms were left`);
});

test("only what suspended runs again, equal needs are asked once, and the order is that of the policies", () => {
  const runs: string[] = [];
  const asking = (name: string, key: string) =>
    policy(name, (_, evaluation) => {
      runs.push(name);
      const answer = asks("configmap", key)(evaluation);
      return [outcome(name, ["deny"], { message: JSON.stringify(answer) })];
    });
  const plain = policy("plain", () => {
    runs.push("plain");
    return [outcome("plain", ["warn"])];
  });
  const set = setOf({ policies: [asking("a", "x"), plain, asking("b", "x"), asking("c", "y")] });
  const first = set.evaluate(request(), worldWith(), unlimited());
  assert.ok("needs" in first);
  assert.deepEqual(
    first.needs.map((need) => need.key),
    ["x", "y"],
  );
  const answered = worldWith({ "configmap x": { value: 1 }, "configmap y": { error: "gone" } });
  const decision = decided(first.resume(answered));
  assert.deepEqual(runs, ["a", "plain", "b", "c", "a", "b", "c"]);
  assert.deepEqual(
    decision.outcomes.map((one) => one.policy.name),
    ["a", "plain", "b", "c"],
  );
  assert.equal(decision.outcomes[3]?.message, '{"error":"gone"}');
  // A suspended decision may be resumed again: it keeps nothing.
  assert.deepEqual(decided(first.resume(answered)), decision);
});

test("a policy that never has enough data fails after some rounds", () => {
  let round = 0;
  const greedy = policy("greedy", (_, { world }) => {
    world.ask([{ kind: "page", key: String(round++), call: null }]);
    return [];
  });
  const set = setOf({ policies: [greedy] });
  let result = set.evaluate(request(), worldWith(), unlimited());
  let rounds = 0;
  while ("needs" in result) {
    rounds++;
    result = result.resume(worldWith());
  }
  assert.equal(rounds, 3);
  assert.equal(result.outcomes[0]?.message, "the policy keeps asking for more data");
  assert.equal(result.allowed, false);
});

test("stages run by rank on what the one before left, and a stage that asks for it once more", () => {
  const seen: string[] = [];
  const adding = (name: string, rank: number, reinvoke = false) =>
    stage(
      name,
      ({ object }) => {
        const labels = (object as { metadata: { labels?: Record<string, string> } }).metadata.labels ?? {};
        seen.push(`${name}:${Object.keys(labels).join(",")}`);
        return { object: labels[name] === undefined ? labelled(object, name, "1") : object, outcomes: [] };
      },
      { rank, reinvoke },
    );
  const set = setOf({ mutations: [adding("late", 30), adding("early", 10, true), adding("middle", 20)] });
  const decision = decided(set.evaluate(request(), worldWith(), unlimited()));
  assert.deepEqual(seen, ["early:", "middle:early", "late:early,middle", "early:early,middle,late"]);
  assert.deepEqual(decision.patch, [
    { op: "add", path: "/metadata/labels", value: { early: "1", middle: "1", late: "1" } },
  ]);
});

test("a stage that suspends resumes with the object that earlier stages made, and policies see the result", () => {
  let firstRuns = 0;
  const first = stage(
    "first",
    ({ object }) => {
      firstRuns++;
      return { object: labelled(object, "first", "1"), outcomes: [] };
    },
    { rank: 1 },
  );
  const second = stage("second", ({ object }, evaluation) => {
    const answer = asks("value", "v")(evaluation);
    const value = answer !== undefined && "value" in answer ? String(answer.value) : "";
    return { object: labelled(object, "second", value), outcomes: [] };
  });
  const judge = policy("judge", ({ object }) => [outcome("judge", [], { details: object })]);
  const set = setOf({ mutations: [second, first], policies: [judge] });
  const waiting = set.evaluate(request(), worldWith(), unlimited());
  assert.ok("needs" in waiting);
  const decision = decided(waiting.resume(worldWith({ "value v": { value: "two" } })));
  assert.equal(firstRuns, 1);
  const { labels } = ((decision.outcomes[0] as Outcome).details as { metadata: { labels: Json } }).metadata;
  assert.deepEqual(labels, { first: "1", second: "two" });
});

test("a stage that fails leaves the object and is an outcome", () => {
  const broken = stage("broken", () => {
    throw new Error("no schema");
  });
  const decision = decided(setOf({ mutations: [broken] }).evaluate(request(), worldWith(), unlimited()));
  assert.equal(decision.allowed, false);
  assert.equal(decision.message, "no schema");
  assert.deepEqual(decision.patch, []);
});

test("the audit changes nothing, and phases can be left out", () => {
  const adding = stage("adding", ({ object }) => ({ object: labelled(object, "a", "1"), outcomes: [] }));
  const judge = policy("judge", () => [outcome("judge", ["deny"])]);
  const set = setOf({ mutations: [adding], policies: [judge] });
  assert.deepEqual(decided(set.evaluate(request({ point: "audit" }), worldWith(), unlimited())).patch, []);
  const mutated = decided(set.evaluate(request(), worldWith(), unlimited(), { phases: ["mutate"] }));
  assert.equal(mutated.allowed, true);
  assert.equal(mutated.patch.length, 1);
  const validated = decided(set.evaluate(request(), worldWith(), unlimited(), { phases: ["validate"] }));
  assert.equal(validated.allowed, false);
  assert.deepEqual(validated.patch, []);
});

test("scope: kinds, resources, operations and namespaces, each with its wildcard", () => {
  const scoped = (name: string, scope: object) => policy(name, () => [outcome(name, ["warn"])], { scope });
  const set = setOf({
    policies: [
      scoped("pods", { kinds: ["/Pod"] }),
      scoped("core", { kinds: ["/*"] }),
      scoped("anyPod", { kinds: ["*/Pod"] }),
      scoped("apps", { kinds: ["apps/*"] }),
      scoped("all", { kinds: ["*/*"] }),
      scoped("status", { resources: ["/pods/status"] }),
      scoped("updates", { operations: ["UPDATE"] }),
      scoped("prod", { namespaces: ["prod"] }),
    ],
  });
  const names = (changes: Parameters<typeof request>[0]): string =>
    decided(set.evaluate(request(changes), worldWith(), unlimited()))
      .outcomes.map((one) => one.policy.name)
      .join(" ");
  assert.equal(names({}), "pods core anyPod all");
  assert.equal(names({ subResource: "status" }), "pods core anyPod all status");
  assert.equal(names({ operation: "UPDATE" }), "pods core anyPod all updates");
  assert.equal(names({ operation: null }), "pods core anyPod all updates");
  assert.equal(names({ namespace: "prod" }), "pods core anyPod all prod");
  assert.equal(names({ kind: { group: "apps", version: "v1", kind: "Deployment" } }), "apps all");
  assert.equal(names({ kind: null, resource: null, operation: "DELETE" }), "");
});

test("two dialects that deny are joined; one alone answers in its own words", () => {
  const gatekeeper = fixedFrontend(
    {
      policies: [
        policy("gk", () => [
          outcome("gk", ["deny", "warn"], { policy: { dialect: "gatekeeper", kind: "K", namespace: "", name: "gk" } }),
        ]),
      ],
    },
    "gatekeeper",
  );
  const kyverno = (actions: readonly ("deny" | "warn")[]): PolicyFrontend =>
    fixedFrontend(
      {
        policies: [
          policy("ky", () => [
            outcome("ky", actions, { policy: { dialect: "kyverno", kind: "K", namespace: "", name: "ky" } }),
          ]),
        ],
      },
      "kyverno",
    );
  const answer = (...frontends: readonly PolicyFrontend[]): Decision =>
    decided(
      createEngine({ frontends, catalog: noCatalog }).policySet([]).evaluate(request(), worldWith(), unlimited()),
    );
  const both = answer(gatekeeper, kyverno(["deny"]));
  assert.deepEqual([both.code, both.reason, both.message], [403, "Forbidden", "gk says no\n\nky says no"]);
  const one = answer(gatekeeper, kyverno(["warn"]));
  assert.deepEqual([one.code, one.message, one.warnings], [422, "gk says no", ["gk says no", "ky says no"]]);
});

test("derived requests are asked of their own dialect only", () => {
  const own = fixedFrontend({
    policies: [policy("own", ({ name }) => [outcome("own", ["warn"], { message: name })])],
    derive: (from) => [{ ...from, name: "derived", implied: { by: "expansion", action: null } }],
  });
  const other = fixedFrontend({
    policies: [policy("other", ({ name }) => [outcome("other", ["warn"], { message: name })])],
  });
  const set = createEngine({ frontends: [own, other], catalog: noCatalog }).policySet([]);
  const decision = decided(set.evaluate(request(), worldWith(), unlimited()));
  assert.deepEqual(
    decision.outcomes.map((one) => `${one.policy.name} ${one.message}`),
    ["own derived", "own web", "other web"],
  );
});
