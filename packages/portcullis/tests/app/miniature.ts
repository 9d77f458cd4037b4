// A miniature dialect whose policies do what a test wants: deny, with what was fetched or without, spin within their budget, hang or stall without looking at it,
// fill the memory. With it the pool is tested without a policy language.

import { gvkOf, nameOf, stringAt } from "@portcullis/kube";
import { type Answer, type Need, errorAt } from "@portcullis/lang";
import { type Outcome, type Policy, type PolicyFrontend, createEngine } from "@portcullis/policy";
import { type Evaluator, createEvaluator } from "../../src/app/evaluator.ts";
import { type SlicesOptions, createSlices } from "../../src/app/slices.ts";

/** `when` is compared with the object's name; `act` is what happens. */
export interface Rule {
  readonly name: string;
  readonly when: string;
  readonly act: "fetch" | "deny" | "spin" | "hang" | "stall" | "fill" | "crash" | "work";
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
    evaluate: (request, { budget, world }) => {
      if (!isMeant(request.name, stringAt(rule, "spec", "when"))) return [];
      budget.refill();
      switch (stringAt(rule, "spec", "act")) {
        case "spin":
          for (;;) budget.step();
        case "work": {
          const endMs = budget.nowMs() + 100;
          while (budget.nowMs() < endMs) budget.step();
          break;
        }
        case "stall": {
          const endMs = performance.now() + 100;
          while (performance.now() < endMs);
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
      const isAsking = stringAt(rule, "spec", "act") === "fetch";
      const fetched = isAsking ? answerText(world.ask([{ kind: "mini", key: request.name, call: null }])) : "";
      const message = fetched || stringAt(rule, "spec", "message") || "denied";
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

/** `when` is a name, or with a star at its end the beginning of one. */
function isMeant(name: string, when: string): boolean {
  return when.endsWith("*") ? name.startsWith(when.slice(0, -1)) : name === when;
}

function answerText([answer]: readonly Answer[]): string {
  if (answer === undefined) return "no answer";
  return "error" in answer ? answer.error : String(answer.value);
}

export function miniatureEvaluator(onPolicy?: SlicesOptions["onPolicy"]): Evaluator {
  const slices = createSlices(onPolicy === undefined ? {} : { onPolicy });
  const frontends = [slices.wrap(frontend)];
  const catalog = { resourceOf: () => null, schemaOf: () => null };
  const answerNeeds = () => (need: Need) => (need.kind === "mini" ? null : { error: "nothing is known" });
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
