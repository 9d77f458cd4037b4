// Everything that a thread needs to answer admission requests: policy sets by version, and from the bytes of a body to the
// bytes of an answer. It runs in worker threads (worker.ts) or, without any, in the thread of the server. Sets are
// prepared beside the one that is being served and used from the moment that requests name their version, so that all
// threads change over between two requests, together.

import { gvkOf, nameOf } from "@portcullis/kube";
import { Budget, type Answer as NeedAnswer, type Need, parseJson } from "@portcullis/lang";
import type {
  Answered,
  Decision,
  Engine,
  EvaluateOptions,
  EvaluationRequest,
  Outcome,
  PolicyFrontend,
  PolicySet,
  Suspended,
} from "@portcullis/policy";
import { mutationAnswer } from "@portcullis/policy";
import type { AdmissionRecord, PolicyResult, Subject, Violation } from "../server/metrics.ts";
import { type Review, ReviewError, findReview, readReview, writeReview } from "../server/review.ts";
import { type Endpoint, type Reply, errorReply } from "../server/routes.ts";
import { clockMs } from "./clock.ts";
import { type Census, censusOf } from "./census.ts";
import { type FileText, type Problem, createComposer } from "./compose.ts";
import { worldNow } from "./host.ts";
import { type Lane, type Reading, type Slices, policyName } from "./slices.ts";

/** Files that are new or different, and files that are gone, since the version before. */
export interface Change {
  readonly version: number;
  readonly changed: readonly FileText[];
  readonly removed: readonly string[];
}

/** What a change led to. */
export interface Report {
  readonly version: number;
  readonly digest: string;
  readonly problems: readonly Problem[];
  readonly broken: readonly string[];
  readonly census: Census;
  readonly readings: readonly Reading[];
  /** Names of policies by the number that the watchdog sees. */
  readonly names: readonly string[];
}

export interface Question {
  readonly version: number;
  readonly body: string;
  /** On the clock of `clockMs`. */
  readonly deadlineMs: number;
  readonly lane: Lane;
  readonly endpoint: Endpoint;
}

export type Result =
  | { readonly kind: "reply"; readonly reply: Reply; readonly fault?: string }
  /** The policy took more than its slice: ask the slow lane. */
  | { readonly kind: "overrun"; readonly policy: string }
  /** It will take long, whatever the policies: ask the slow lane, one of a key at a time. */
  | { readonly kind: "slow"; readonly key: string };

export interface Evaluator {
  prepare(change: Change): Report;
  /** Drops the sets of versions below this one. */
  release(version: number): void;
  answer(question: Question): Result;
}

export interface EvaluatorOptions {
  readonly engine: Engine;
  readonly frontends: readonly PolicyFrontend[];
  readonly slices: Slices;
  /** What is known about a need, from the context objects of a version. */
  readonly answerNeeds: (context: readonly unknown[]) => (need: Need) => NeedAnswer;
  /** What is answered before policies are asked, or for the label's path; null: ask them. */
  readonly admission: Admission;
  /** Records tell each violation, for the log; without it they only count. */
  readonly tellViolations: boolean;
}

export interface Admission {
  /** Whether a request is about a policy, so that deciding it means compiling it. */
  readonly isPolicy: (request: EvaluationRequest) => boolean;
  readonly before: (request: EvaluationRequest, set: PolicySet) => Answered | null;
  readonly label: (request: EvaluationRequest) => Answered;
  /** As `before`, for the path of mutation. */
  readonly beforeMutation: (request: EvaluationRequest) => Answered | null;
}

interface Served {
  readonly set: PolicySet;
  readonly answerNeed: (need: Need) => NeedAnswer;
  /** Groups and versions of policies by `Kind/name`, made when the log first asks. */
  versions: ReadonlyMap<string, { readonly group: string; readonly version: string }> | null;
}

export function createEvaluator(options: EvaluatorOptions): Evaluator {
  const { engine, frontends, slices } = options;
  const served = new Map<number, Served>();
  const owns = (kind: { readonly group: string; readonly kind: string }): boolean =>
    frontends.some((frontend) => frontend.owns(kind));
  const composer = createComposer({ engine, owns });
  return {
    prepare: ({ version, changed, removed }) => {
      const { set, context, problems, broken } = composer.compose(changed, removed);
      served.set(version, { set, answerNeed: options.answerNeeds(context), versions: null });
      return {
        version,
        digest: set.digest,
        problems,
        broken,
        census: censusOf(set),
        readings: slices.takeReadings(),
        names: slices.names,
      };
    },
    release: (version) => {
      for (const old of served.keys()) if (old < version) served.delete(old);
    },
    answer: (question) => answer(options, served.get(question.version), question),
  };
}

function answer(options: EvaluatorOptions, served: Served | undefined, question: Question): Result {
  const { body, lane, endpoint } = question;
  if (served === undefined) return replyOf(errorReply(findReview(body), 503, "the policies are not loaded yet"));
  const review = readBody(body);
  if (typeof review === "string") return replyOf(errorReply(findReview(body), 400, review));
  const { request, apiVersion } = review;
  const { admission } = options;
  if (endpoint === "label") return unrecorded(review, admission.label(request));
  if (endpoint === "mutate") return mutate(options, served, { question, review });
  const isPolicy = admission.isPolicy(request);
  if (lane === "fast" && isPolicy) return { kind: "slow", key: "policies that are admitted" };
  const before = admission.before(request, served.set);
  // What was read for the answer is not served, and does not count.
  if (isPolicy) options.slices.takeReadings();
  if (before !== null) return unrecorded(review, before);
  options.slices.begin(lane);
  const decision = decide(served, question, review, { phases: ["validate"] });
  const { overrun } = options.slices;
  if (overrun !== null) return { kind: "overrun", policy: overrun };
  if (!("allowed" in decision)) return missingData(review, decision);
  const text = writeReview(request.uid, decision, apiVersion);
  return replyOf({ status: 200, body: text, record: recordOf(options, served, decision, request) });
}

function decide(
  served: Served,
  { deadlineMs }: Question,
  { request }: Review,
  how: EvaluateOptions,
): Decision | Suspended {
  const budget = new Budget({ deadlineMs }, clockMs);
  return served.set.evaluate(request, worldNow(served.answerNeed), budget, how);
}

function missingData({ request, apiVersion }: Review, { needs }: Suspended): Result {
  const keys = needs.map((need) => `${need.kind} ${need.key}`);
  const message = `data that policies need are not there: ${keys.join(", ")}`;
  return replyOf(errorReply({ uid: request.uid, apiVersion }, 500, message));
}

interface Asked {
  readonly question: Question;
  readonly review: Review;
}

/** The answer of Gatekeeper's own path, where only its mutators are asked. */
function mutate({ admission }: EvaluatorOptions, served: Served, { question, review }: Asked): Result {
  const { request, apiVersion } = review;
  const before = admission.beforeMutation(request);
  if (before !== null) return unrecorded(review, before);
  const decision = decide(served, question, review, { phases: ["mutate"], dialects: ["gatekeeper"] });
  if (!("allowed" in decision)) return missingData(review, decision);
  const text = writeReview(request.uid, { ...mutationAnswer(decision), patch: decision.patch }, apiVersion);
  return replyOf({ status: 200, body: text, record: null });
}

/** Gatekeeper counts only requests that policies were asked about. */
function unrecorded({ request, apiVersion }: Review, answered: Answered): Result {
  return replyOf({ status: 200, body: writeReview(request.uid, answered, apiVersion), record: null });
}

function replyOf(reply: Reply): Result {
  return { kind: "reply", reply };
}

/** The review, or what is wrong with the body. */
function readBody(body: string): ReturnType<typeof readReview> | string {
  try {
    return readReview(parseJson(body));
  } catch (error) {
    if (error instanceof ReviewError) return error.message;
    if (error instanceof SyntaxError) return `expected an AdmissionReview in JSON: ${error.message}`;
    if (error instanceof RangeError) return "the body is nested too deeply";
    throw error;
  }
}

function recordOf(
  options: EvaluatorOptions,
  served: Served,
  decision: Decision,
  request: EvaluationRequest,
): AdmissionRecord {
  const told = decision.outcomes.filter(({ result }) => result !== "pass" && result !== "skip");
  const status = decision.allowed ? "allow" : decision.code >= 500 ? "error" : "deny";
  const record = { status, dryRun: request.dryRun ?? false, results: countedResults(told) } as const;
  if (!options.tellViolations || told.length === 0) return record;
  const violations = told.filter(({ actions }) => actions.length > 0).map((outcome) => violationOf(served, outcome));
  return { ...record, violations: { subject: subjectOf(request), violations } };
}

/** Equal results of a policy as one: thirty violations of a Pod are not thirty records to post. */
function countedResults(outcomes: readonly Outcome[]): readonly PolicyResult[] {
  const results: PolicyResult[] = [];
  for (const outcome of outcomes) {
    const { result, actionName: action } = outcome;
    const policy = policyName(outcome.policy);
    const overran = outcome.properties["limit"] === "deadline";
    const last = results.at(-1);
    if (last?.policy === policy && last.result === result && last.action === action && last.overran === overran) {
      results[results.length - 1] = { ...last, count: last.count + 1 };
    } else {
      results.push({ policy, result, action, overran, count: 1 });
    }
  }
  return results;
}

function violationOf(served: Served, { policy, actionName, message, details, properties }: Outcome): Violation {
  const { kind, name } = policy;
  const scoped = properties["scopedActions"];
  return {
    ...groupVersionOf(served, kind, name),
    kind,
    name,
    action: actionName,
    actions: scoped === undefined ? [] : scoped.split(","),
    message,
    details,
  };
}

function groupVersionOf(
  served: Served,
  kind: string,
  name: string,
): { readonly group: string; readonly version: string } {
  served.versions ??= new Map(
    served.set.sources.map(({ object }) => {
      const { group, version, kind: of } = gvkOf(object);
      return [`${of}/${nameOf(object)}`, { group, version }] as const;
    }),
  );
  return served.versions.get(`${kind}/${name}`) ?? { group: "", version: "" };
}

/** Gatekeeper gives a Namespace no namespace, whatever the client did. */
function subjectOf({ kind, namespace, name, object, oldObject, user }: EvaluationRequest): Subject {
  const isNamespace = kind?.kind === "Namespace" && kind.group === "";
  return {
    group: kind?.group ?? "",
    version: kind?.version ?? "",
    kind: kind?.kind ?? "",
    namespace: isNamespace ? "" : namespace,
    name: name === "" ? nameOf(object ?? oldObject) : name,
    username: user?.username ?? "",
  };
}
