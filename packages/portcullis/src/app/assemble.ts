// The one place where the parts become a product: dialects, the catalog of kinds, what Node gives, and the evaluator over
// them. Threads and the command line call it alike, so that they decide alike.

import { builtinCatalog } from "@portcullis/kube";
import {
  type AdmissionSettings,
  type Answered,
  type Engine,
  type EvaluationRequest,
  type GatekeeperOptions,
  type KyvernoOptions,
  type PolicyFrontend,
  type PolicySet,
  type Profile,
  createEngine,
  gatekeeperFrontend,
  housekeeping,
  kyvernoFrontend,
  isBookkeeping,
  isGatekeepers,
  kyvernoAdmission,
  labelAdmission,
  managedAdmission,
  mutationAdmission,
  policyAdmission,
  storesKyvernos,
} from "@portcullis/policy";
import type { EvaluatorSettings, KyvernoSetup } from "./config.ts";
import { createDecisions } from "./decision.ts";
import { type Before, type Evaluator, createEvaluator } from "./evaluator.ts";
import { loadCode } from "./host.ts";
import { answerFromCluster, answerOrFetch } from "./needs.ts";
import type { DataChange } from "./objectshare.ts";
import { createObjectStore } from "./objectstore.ts";
import { type SlicesOptions, createSlices } from "./slices.ts";
import { createTracing } from "./tracing.ts";

export { answerNeeds } from "./needs.ts";

export interface Assembled {
  readonly engine: Engine;
  readonly frontends: readonly PolicyFrontend[];
}

export interface DialectOptions {
  readonly gatekeeper?: Omit<GatekeeperOptions, "load">;
  readonly kyverno?: KyvernoOptions;
}

/** The engine with every dialect that there is. `wrap` may put something around each. */
export function assembleEngine(
  profile: Profile = "cluster",
  wrap: (frontend: PolicyFrontend) => PolicyFrontend = (frontend) => frontend,
  { gatekeeper = {}, kyverno = {} }: DialectOptions = {},
): Assembled {
  const frontends = [wrap(gatekeeperFrontend({ load: loadCode, ...gatekeeper })), wrap(kyvernoFrontend(kyverno))];
  return { engine: createEngine({ frontends, catalog: builtinCatalog(), profile }), frontends };
}

/** The evaluator of a webhook. */
export function assembleEvaluator(settings: EvaluatorSettings, slicing: SlicesOptions = {}): Evaluator {
  const slices = createSlices(slicing);
  const { engine, frontends } = assembleEngine("cluster", (frontend) => slices.wrap(frontend), dialects(settings));
  const { telling, tellAccount, admission, exempt, kyverno, decisions, notesEntries } = settings;
  const fetches = new Set(settings.fetches);
  const store = settings.isConnected ? createObjectStore() : null;
  return createEvaluator({
    engine,
    frontends,
    slices,
    answerNeeds: (objects) =>
      store === null ? answerOrFetch(objects, fetches) : answerFromCluster(store, objects, fetches),
    ...(store !== null && { takeData: (change: DataChange) => store.apply(change) }),
    telling,
    tracing: createTracing(admission.namespace, builtinCatalog()),
    tellAccount,
    notesEntries,
    ...(decisions !== null && { decided: createDecisions(decisions) }),
    admission: {
      isPolicy: (request) => (request.operation !== "DELETE" && isGatekeepers(request)) || storesKyvernos(request),
      before: (dialect, request, set) =>
        dialect === "kyverno" ? beforeKyverno(request, set, kyverno) : beforeGatekeeper(request, set, admission),
      label: (request) => labelAdmission(request, exempt),
      housekeeping: (what, request) =>
        housekeeping(what, request, { namespace: ownNamespace(kyverno), nowMs: Date.now() }),
      beforeMutation: (dialect, request, set) =>
        dialect === "kyverno"
          ? beforeKyvernosMutation(request, kyverno)
          : mutationAdmission(request, set, admission.namespace),
    },
  });
}

/** What the settings say to the dialects. */
export function dialects({ gatekeeper, admission: { namespace }, kyverno }: EvaluatorSettings): DialectOptions {
  const { externalData, mutationAnnotations, disabledBuiltins } = gatekeeper;
  const disabled = new Set(disabledBuiltins);
  return { gatekeeper: { externalData, mutationAnnotations, disabled, namespace }, kyverno };
}

function ownNamespace({ configMap }: KyvernoSetup): string {
  return configMap?.namespace ?? "kyverno";
}

function beforeGatekeeper(request: EvaluationRequest, set: PolicySet, settings: AdmissionSettings): Before | null {
  const answer = policyAdmission(request, set, settings);
  return answer === null ? null : { answer: { ...answer, dialect: "gatekeeper" }, isFinal: true };
}

/** What is said of a policy of Kyverno's does not keep other policies from looking at it, unless it is refused. */
function beforeKyverno(
  request: EvaluationRequest,
  set: PolicySet,
  { protectedBy }: Pick<KyvernoSetup, "protectedBy">,
): Before | null {
  const forbidden = protectedBy === null ? null : managedAdmission(request, protectedBy);
  if (forbidden !== null) return { answer: { ...forbidden, dialect: "kyverno" }, isFinal: true };
  if (isBookkeeping(request.kind?.kind ?? "")) return { answer: kyvernosSilence, isFinal: true };
  const answer = kyvernoAdmission(request, set);
  return answer === null ? null : { answer: { ...answer, dialect: "kyverno" }, isFinal: !answer.allowed };
}

function beforeKyvernosMutation(
  request: EvaluationRequest,
  { protectedBy }: Pick<KyvernoSetup, "protectedBy">,
): Answered | null {
  const { operation, kind } = request;
  const forbidden = protectedBy === null || operation === "DELETE" ? null : managedAdmission(request, protectedBy);
  if (forbidden !== null) return { ...forbidden, dialect: "kyverno" };
  return operation === "DELETE" || isBookkeeping(kind?.kind ?? "") ? kyvernosSilence : null;
}

const kyvernosSilence: Answered = {
  dialect: "kyverno",
  allowed: true,
  code: 200,
  reason: "",
  message: "",
  warnings: [],
};
