// A miniature dialect whose policies do what a test wants: deny, spin within their budget, hang without looking at it, fill
// the memory. With it the pool is tested without a policy language.

import { gvkOf, nameOf, stringAt } from "@portcullis/kube";
import { errorAt } from "@portcullis/lang";
import { type Outcome, type Policy, type PolicyFrontend, createEngine } from "@portcullis/policy";
import { type Evaluator, createEvaluator } from "../../src/app/evaluator.ts";
import { type SlicesOptions, createSlices } from "../../src/app/slices.ts";

/** `when` is compared with the object's name; `act` is what happens. */
export interface Rule {
  readonly name: string;
  readonly when: string;
  readonly act: "deny" | "spin" | "hang" | "fill" | "crash" | "work";
  readonly onError?: "deny" | "allow";
  readonly message?: string;
}

export function ruleText({ name, ...spec }: Rule): string {
  return JSON.stringify({ apiVersion: "mini.test/v1", kind: "Rule", metadata: { name }, spec });
}

const frontend: PolicyFrontend = {
  dialect: "gatekeeper",
  owns: ({ group }) => group === "mini.test",
  read: (object) =>
    stringAt(object, "spec", "act") === ""
      ? { unit: null, diagnostics: [errorAt("mini", null, "spec.act is missing")] }
      : { unit: object, diagnostics: [] },
  link: (units) => ({ policies: units.map((unit) => policyOf(unit)), mutations: [], status: new Map(), effects: [] }),
  respond: (outcomes) => {
    const messages = outcomes.filter(({ actions }) => actions.includes("deny")).map((outcome) => outcome.message);
    const isAllowed = messages.length === 0;
    return {
      allowed: isAllowed,
      code: isAllowed ? 200 : 403,
      reason: isAllowed ? "" : "Forbidden",
      message: messages.join("\n"),
      warnings: [],
    };
  },
};

function policyOf(rule: unknown): Policy {
  const id = { dialect: "gatekeeper", kind: gvkOf(rule).kind, namespace: "", name: nameOf(rule) };
  return {
    id,
    scope: {},
    reads: [],
    onError: stringAt(rule, "spec", "onError") === "allow" ? "allow" : "deny",
    evaluate: (request, { budget }) => {
      if (request.name !== stringAt(rule, "spec", "when")) return [];
      budget.refill();
      switch (stringAt(rule, "spec", "act")) {
        case "spin":
          for (;;) budget.step();
        case "work": {
          const endMs = budget.nowMs() + 100;
          while (budget.nowMs() < endMs) budget.step();
          break;
        }
        case "hang":
          for (;;);
        case "fill":
          for (const all: unknown[] = []; ;) all.push(Array.from({ length: 1000 }, () => ({})));
        case "crash":
          process.exit(3);
        default:
      }
      const message = stringAt(rule, "spec", "message") || "denied";
      const outcome: Outcome = {
        policy: id,
        rule: "",
        result: "fail",
        actions: ["deny"],
        actionName: "deny",
        message,
        details: {},
        properties: {},
        effects: [],
      };
      return [outcome];
    },
  };
}

export function miniatureEvaluator(onPolicy?: SlicesOptions["onPolicy"]): Evaluator {
  const slices = createSlices(onPolicy === undefined ? {} : { onPolicy });
  const frontends = [slices.wrap(frontend)];
  const catalog = { resourceOf: () => null, schemaOf: () => null };
  const answerNeeds = () => () => ({ error: "nothing is known" });
  const engine = createEngine({ frontends, catalog });
  const answered = { allowed: true, code: 200, reason: "", message: "", warnings: [] };
  const admission = {
    isPolicy: () => false,
    before: () => null,
    label: () => answered,
    beforeMutation: () => null,
    housekeeping: () => ({ ...answered, patch: [] }),
  };
  return createEvaluator({
    engine,
    frontends,
    slices,
    answerNeeds,
    admission,
    telling: { violations: false, mutations: false, stats: false, kyverno: false, reports: false },
  });
}
