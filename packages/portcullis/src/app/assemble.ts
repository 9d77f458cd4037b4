// The one place where the parts become a product: dialects, the catalog of kinds, what Node gives, and the evaluator over
// them. Threads and the command line call it alike, so that they decide alike.

import { builtinCatalog } from "@portcullis/kube";
import type { Answer, Need } from "@portcullis/lang";
import {
  type Engine,
  type PolicyFrontend,
  type Profile,
  createEngine,
  gatekeeperFrontend,
  kyvernoFrontend,
  isGatekeepers,
  labelAdmission,
  mutationAdmission,
  policyAdmission,
  snapshotOf,
} from "@portcullis/policy";
import type { EvaluatorSettings } from "./config.ts";
import { type Evaluator, createEvaluator } from "./evaluator.ts";
import { loadCode } from "./host.ts";
import { createSlices } from "./slices.ts";

export interface Assembled {
  readonly engine: Engine;
  readonly frontends: readonly PolicyFrontend[];
}

/** The engine with every dialect that there is. `wrap` may put something around each. */
export function assembleEngine(
  profile: Profile = "cluster",
  wrap: (frontend: PolicyFrontend) => PolicyFrontend = (frontend) => frontend,
): Assembled {
  const frontends = [wrap(gatekeeperFrontend({ load: loadCode })), wrap(kyvernoFrontend())];
  return { engine: createEngine({ frontends, catalog: builtinCatalog(), profile }), frontends };
}

/** Answers every need that objects at hand can answer; any other is told that no cluster is connected. */
export function answerNeeds(context: readonly unknown[]): (need: Need) => Answer {
  const snapshot = snapshotOf(context);
  return (need) => snapshot.answer(need) ?? { error: `${need.kind} ${need.key}: no cluster is connected` };
}

/** The evaluator of a webhook. `onPolicy` is told the number of each policy before it runs. */
export function assembleEvaluator(settings: EvaluatorSettings, onPolicy?: (number: number) => void): Evaluator {
  const slices = createSlices(onPolicy === undefined ? {} : { onPolicy });
  const { engine, frontends } = assembleEngine("cluster", (frontend) => slices.wrap(frontend));
  const { tellViolations, admission, exempt } = settings;
  return createEvaluator({
    engine,
    frontends,
    slices,
    answerNeeds,
    tellViolations,
    admission: {
      isPolicy: (request) => request.operation !== "DELETE" && isGatekeepers(request),
      before: (request, set) => policyAdmission(request, set, admission),
      label: (request) => labelAdmission(request, exempt),
      beforeMutation: (request) => mutationAdmission(request, admission.namespace),
    },
  });
}
