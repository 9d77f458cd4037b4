// Everything that a thread needs to answer admission requests: policy sets by version, and from the bytes of a body to the
// bytes of an answer. It runs in worker threads (worker.ts) or, without any, in the thread of the server. Sets are
// prepared beside the one that is being served and used from the moment that requests name their version, so that all
// threads change over between two requests, together.

import { Budget, type Answer as NeedAnswer, type Need, type World, parseJson, valuesIn } from "@portcullis/lang";
import {
  type Answered,
  type Decision,
  type Engine,
  type EvaluateOptions,
  type EvaluationRequest,
  type Housekeeping,
  type HousekeepingAnswer,
  type PolicyFrontend,
  type PolicyId,
  type PolicySet,
  type MutationEvent,
  type Suspended,
  createObserver,
  joinAnswers,
  mutationAnswer,
  mutationEvent,
} from "@portcullis/policy";
import { noteOf } from "../controllers/entries/note.ts";
import type { Decided } from "../server/decided.ts";
import type { Endpoint } from "../server/endpoints.ts";
import { type Review, ReviewError, findReview, readReview, writeReview } from "../server/review.ts";
import { type Reply, errorReply } from "../server/routes.ts";
import type { Tally } from "../server/tally.ts";
import { type Account, accountOf } from "./account.ts";
import { clockMs } from "./clock.ts";
import { type Census, censusOf } from "./census.ts";
import type { Deciding } from "./decision.ts";
import { type FileText, type Problem, createComposer } from "./compose.ts";
import { type Fetched, needKey, worldNow, worldWith } from "./host.ts";
import type { DataChange } from "./objectshare.ts";
import type { Tracing } from "./tracing.ts";
import { recordOf, withExcluded } from "./record.ts";
import type { Telling } from "./recorded.ts";
import { isSecret } from "./redaction.ts";
import { type RuleCounts, createRuleCounts } from "./rulecounts.ts";
import { type Served, servedSet } from "./served.ts";
import type { Failed, Lane, Reading, Slices } from "./slices.ts";

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
  /** Null unless the settings ask for it. */
  readonly account: Account | null;
}

export interface Question {
  readonly version: number;
  readonly body: string;
  /** On the clock of `clockMs`. */
  readonly deadlineMs: number;
  readonly lane: Lane;
  readonly endpoint: Endpoint;
  /** What was fetched for it before, by `needKey`: it was asked elsewhere. */
  readonly fetched?: Fetched;
  /** Policies that took a thread down over it. */
  readonly failed?: Failed;
}

export type Result =
  | Settled
  /** Something has to be fetched first. It goes on, once, with answers in the order of the needs. */
  | {
      readonly kind: "needs";
      readonly needs: readonly Need[];
      readonly resume: (answers: readonly NeedAnswer[]) => Result;
    };

export type Settled =
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
  /** Takes what changed among the objects of the cluster. */
  takeData(change: DataChange): void;
  /** Takes what Kyverno's rules said since the last call. */
  takeTallies(): readonly Tally[];
}

export interface EvaluatorOptions {
  readonly engine: Engine;
  readonly frontends: readonly PolicyFrontend[];
  readonly slices: Slices;
  /** What is known about a need, from the context objects of a version; null: it has to be fetched. */
  readonly answerNeeds: (context: readonly unknown[]) => (need: Need) => NeedAnswer | null;
  /** What is answered before policies are asked, or for the label's path; null: ask them. */
  readonly admission: Admission;
  /** What records tell, for the log, beside what they count. */
  readonly telling: Telling;
  readonly takeData?: (change: DataChange) => void;
  readonly tracing?: Tracing;
  /** Reports have an account of the set. */
  readonly tellAccount?: boolean;
  /** Makes what the decision log keeps of a request; absent: there is none. */
  readonly decided?: (deciding: Deciding) => Decided;
  /** Replies say which write they let through. */
  readonly notesEntries?: boolean;
}

interface Admission {
  /** Whether a request is about a policy, so that deciding it means compiling it. */
  readonly isPolicy: (request: EvaluationRequest) => boolean;
  /** What a dialect answers before its policies are asked; null: nothing. */
  readonly before: (dialect: string, request: EvaluationRequest, set: PolicySet) => Before | null;
  readonly label: (request: EvaluationRequest) => Answered;
  /** What Kyverno's webhooks are asked beside policies. */
  readonly housekeeping: (what: Housekeeping, request: EvaluationRequest) => HousekeepingAnswer;
  /** As `before`, for the path of mutation. */
  readonly beforeMutation: (dialect: string, request: EvaluationRequest, set: PolicySet) => Answered | null;
}

export interface Before {
  readonly answer: Answered;
  /** The dialect's policies are not asked any more. */
  readonly isFinal: boolean;
}

export function createEvaluator(options: EvaluatorOptions): Evaluator {
  const { engine, frontends, slices } = options;
  const sets = new Map<number, Served>();
  const counts = createRuleCounts(mostSeries);
  const owns = (kind: { readonly group: string; readonly kind: string }): boolean =>
    frontends.some((frontend) => frontend.owns(kind));
  const configures = (object: unknown): boolean => frontends.some((frontend) => frontend.configures?.(object) === true);
  const composer = createComposer({ engine, owns, configures });
  const dialects = frontends.map(({ dialect }) => dialect);
  return {
    prepare: ({ version, changed, removed }) => {
      const { set, context, problems, broken } = composer.compose(changed, removed);
      const served = servedSet(set, options.answerNeeds(context));
      sets.set(version, served);
      return {
        version,
        digest: set.digest,
        problems,
        broken,
        census: censusOf(set),
        readings: slices.takeReadings(),
        names: slices.names,
        account: options.tellAccount === true ? accountOf(set, new Set(changed.map(({ file }) => file))) : null,
      };
    },
    release: (version) => {
      for (const old of sets.keys()) if (old < version) sets.delete(old);
    },
    answer: (question) => answer({ ...options, dialects, counts }, sets.get(question.version), question),
    takeData: (change) => options.takeData?.(change),
    takeTallies: () => counts.take(),
  };
}

/** How many series of Kyverno's rules a thread counts apart. */
const mostSeries = 5000;

interface Answering extends EvaluatorOptions {
  readonly dialects: readonly string[];
  readonly counts: RuleCounts;
}

interface Asked {
  readonly served: Served;
  readonly question: Question;
  readonly review: Review;
}

function answer(answering: Answering, served: Served | undefined, question: Question): Result {
  const { body, endpoint } = question;
  if (served === undefined) return replyOf(errorReply(findReview(body), 503, "the policies are not loaded yet"));
  const review = readBody(body);
  if (typeof review === "string") return replyOf(errorReply(findReview(body), 400, review));
  const asked = { served, question, review };
  const unknown = unknownPolicy(served, endpoint);
  if (unknown !== null) return settled(answering, asked, { answered: unknown });
  switch (endpoint.what) {
    case "label":
      return settled(answering, asked, { answered: answering.admission.label(review.request) });
    case "mutate":
      return mutate(answering, asked);
    case "policy":
    case "validate":
      return validate(answering, asked);
    case "heartbeat":
    case "time-to-live":
    case "policy-defaults":
      return unrecorded(review, answering.admission.housekeeping(endpoint.what, review.request));
    default:
      return endpoint.what satisfies never;
  }
}

/** Kyverno: pkg/webhooks/resource/handlers.go retrieveAndCategorizePolicies, where a policy has a path of its own. */
function unknownPolicy({ infos }: Served, { policy }: Endpoint): Answered | null {
  if (policy === null) return null;
  const isNamespaced = policy.includes("/");
  if (infos.has(policy)) return null;
  const kind = isNamespaced ? "policy.kyverno.io" : "clusterpolicy.kyverno.io";
  const key = isNamespaced ? policy : `/${policy}`;
  const message = `failed to fetch policy with key: key ${key}: ${kind} "${policy.replace(/^.*\//, "")}" not found`;
  return { dialect: "kyverno", allowed: false, code: 400, reason: "", message, warnings: [] };
}

/** A dialect's answer before its policies are asked joins what they say; where it is final they are not asked. */
function validate(answering: Answering, asked: Asked): Result {
  const { admission, slices } = answering;
  const { served, question, review } = asked;
  const { request } = review;
  const { endpoint, lane } = question;
  const isPolicy = admission.isPolicy(request);
  if (lane === "fast" && isPolicy) return { kind: "slow", key: "policies that are admitted" };
  const isTraced = answering.tracing?.wants(served.set, request) === true;
  if (lane === "fast" && isTraced) return { kind: "slow", key: "requests that are traced" };
  const wanted = dialectsOf(answering, endpoint);
  const before = wanted.map((dialect) => admission.before(dialect, request, served.set));
  // What was read for the answer is not served, and does not count.
  if (isPolicy) slices.takeReadings();
  const dialects = endpoint.what === "policy" ? [] : wanted.filter((_, at) => before[at]?.isFinal !== true);
  if (dialects.length === 0) {
    const answers = before.flatMap((one) => (one === null ? [] : [one.answer]));
    const said = answers.length === 0 ? silence(endpoint) : joinAnswers(answers);
    const record = withExcluded(null, "ValidatingWebhookConfiguration", answers);
    return settled(answering, asked, { answered: said, record });
  }
  const observer = answering.telling.stats ? createObserver(timing) : null;
  const how: EvaluateOptions = {
    phases: ["validate"],
    ...choice(answering, endpoint, dialects),
    ...(observer !== null && { trace: observer.review(null, (trace = () => {}) => trace) }),
  };
  return decide(answering, asked, how, (decision, world) => {
    const joined = before.every((one) => one === null)
      ? decision
      : joinAnswers(inOrder(wanted, before, dialects, decision));
    const webhook = "ValidatingWebhookConfiguration";
    const traces = isTraced ? answering.tracing?.texts(served.set, request, world) : undefined;
    const recorded = {
      served,
      request,
      decision,
      asked: dialects,
      webhook,
      ...(traces !== undefined && { traces }),
      ...(observer !== null && { stats: observer.stats }),
    } as const;
    if (served.infos.size > 0) answering.counts.add({ served, request, decision, spentMs: slices.spentMs });
    const record = withExcluded(
      recordOf(recorded, answering.telling),
      webhook,
      before.map((one) => one?.answer ?? null),
    );
    return settled(answering, asked, { answered: joined, decision, record });
  });
}

const timing = { stats: true, trace: false, print: false, nowMs: () => performance.now() };

/** What came before and the decision of the dialects that were asked, in the order of the dialects. */
function inOrder(
  wanted: readonly string[],
  before: readonly (Before | null)[],
  asked: readonly string[],
  decision: Decision,
): readonly Answered[] {
  return wanted.flatMap((dialect, at) => [
    ...(before[at] === null || before[at] === undefined ? [] : [before[at].answer]),
    ...(dialect === asked[0] ? [decision] : []),
  ]);
}

function dialectsOf({ dialects }: Answering, { dialect }: Endpoint): readonly string[] {
  return dialect === null ? dialects : dialects.filter((one) => one === dialect);
}

/** Nothing to say. */
function silence({ dialect }: Endpoint): Answered {
  const plain: Answered = { allowed: true, code: 200, reason: "", message: "", warnings: [] };
  return dialect === null ? plain : { ...plain, dialect };
}

/** Of which dialects, failure policies and names the policies are that decide. */
function choice(
  { dialects }: Answering,
  { failurePolicy, policy }: Endpoint,
  asked: readonly string[],
): Pick<EvaluateOptions, "dialects" | "only"> {
  const some = asked.length === dialects.length ? {} : { dialects: asked };
  if (failurePolicy === null && policy === null) return some;
  const isOne = ({ kind, namespace, name }: PolicyId): boolean =>
    policy === null || policy === (kind === "Policy" ? `${namespace}/${name}` : name);
  return {
    ...some,
    only: ({ id, failurePolicy: own }) => (failurePolicy === null || own === failurePolicy) && isOne(id),
  };
}

/** Asks the policies, as often as something had to be fetched, and then what their decision leads to. */
function decide(
  { slices }: Answering,
  { served: { set, answerNeed }, question, review }: Asked,
  how: EvaluateOptions,
  finish: (decision: Decision, world: World) => Settled,
): Result {
  const { deadlineMs, lane, failed } = question;
  const fetched = new Map(question.fetched);
  const now = worldNow(answerNeed);
  const world = (): World => (fetched.size === 0 ? now : worldWith(now, new Map(fetched), answerNeed));
  const goOn = (said: Decision | Suspended): Result => {
    const { overrun } = slices;
    if (overrun !== null) return { kind: "overrun", policy: overrun };
    if ("allowed" in said) return finish(said, world());
    const { needs } = said;
    const resume = (answers: readonly NeedAnswer[]): Result => {
      needs.forEach((need, at) => fetched.set(needKey(need), answers[at] ?? { error: "nothing was fetched" }));
      slices.begin(lane, failed);
      return goOn(said.resume(world()));
    };
    return { kind: "needs", needs, resume };
  };
  slices.begin(lane, failed);
  return goOn(set.evaluate(review.request, world(), new Budget({ deadlineMs }, clockMs), how));
}

/** All dialects' mutations make one patch; Gatekeeper's words say that there is none. */
function mutate(answering: Answering, asked: Asked): Result {
  const { admission, slices } = answering;
  const { served, review } = asked;
  const { endpoint } = asked.question;
  const { request } = review;
  const wanted = dialectsOf(answering, endpoint);
  const before = wanted.map((dialect) => admission.beforeMutation(dialect, request, served.set));
  const dialects = wanted.filter((_, at) => before[at] === null);
  const webhook = "MutatingWebhookConfiguration";
  if (dialects.length === 0) {
    const said = joinAnswers(before.filter((one) => one !== null));
    return settled(answering, asked, { answered: said, record: withExcluded(null, webhook, before) });
  }
  const mutations: MutationEvent[] = [];
  const how: EvaluateOptions = {
    phases: ["mutate"],
    ...choice(answering, endpoint, dialects),
    trace: ({ what, value }) => {
      if (what === mutationEvent) mutations.push(value as MutationEvent);
    },
  };
  return decide(answering, asked, how, (decision) => {
    const isGatekeepers = dialects.includes("gatekeeper") && served.mutates;
    const recorded = {
      served,
      request,
      decision,
      asked: dialects,
      webhook,
      ...(isGatekeepers && { mutations }),
    } as const;
    if (served.infos.size > 0) answering.counts.add({ served, request, decision, spentMs: slices.spentMs });
    const isOurs = dialects.includes("gatekeeper") && decision.dialect !== "kyverno";
    const said = isOurs ? gatekeepersText(decision) : decision;
    const answers = wanted.flatMap((dialect, at) => before[at] ?? (dialect === dialects[0] ? [said] : []));
    const patch = decision.allowed ? decision.patch : [];
    const record = withExcluded(recordOf(recorded, answering.telling), webhook, before);
    return settled(answering, asked, { answered: joinAnswers(answers), patch, decision, record });
  });
}

function gatekeepersText(decision: Decision): Answered {
  return { ...mutationAnswer(decision), warnings: decision.warnings };
}

interface Settling {
  readonly answered: Answered;
  readonly patch?: readonly unknown[];
  /** Absent: no policy was asked. */
  readonly decision?: Decision;
  /** For the metrics; Gatekeeper counts only requests that policies were asked about. */
  readonly record?: Reply["record"];
}

/** The reply, with what others want to know of it. */
function settled({ decided, notesEntries }: Answering, asked: Asked, settling: Settling): Settled {
  const { answered, patch, decision = null, record = null } = settling;
  const { request, apiVersion } = asked.review;
  const { endpoint } = asked.question;
  const entersWhatever = answered.allowed || endpoint.isShadow === true;
  const note = notesEntries === true && entersWhatever ? noteOf(request, endpoint) : null;
  const policySet = asked.served.set.digest;
  return replyOf({
    status: 200,
    body: writeReview(request.uid, patch === undefined ? answered : { ...answered, patch }, apiVersion),
    record,
    ...(decided !== undefined && { decided: decided({ request, what: endpoint.what, answered, decision, policySet }) }),
    ...(note !== null && { note }),
    ...(request.kind !== null && isSecret(request.kind) && { quotesSecret: true }),
  });
}

function unrecorded({ request, apiVersion }: Review, answered: Answered): Settled {
  return replyOf({ status: 200, body: writeReview(request.uid, answered, apiVersion), record: null });
}

function replyOf(reply: Reply): Settled {
  return { kind: "reply", reply };
}

/** The review, or what is wrong with the body. */
/**
 * A body of more values than this is not read: JSON.parse would fill the heap of this thread, and with it end the process. The
 * largest objects that an API server stores have a tenth of it.
 */
const mostValues = 1_000_000;

function readBody(body: string): ReturnType<typeof readReview> | string {
  if (body.length > mostValues && valuesIn(body) > mostValues) return `the body holds more than ${mostValues} values`;
  try {
    return readReview(parseJson(body));
  } catch (error) {
    if (error instanceof ReviewError) return error.message;
    if (error instanceof SyntaxError) return `expected an AdmissionReview in JSON: ${error.message}`;
    if (error instanceof RangeError) return "the body is nested too deeply";
    throw error;
  }
}
