// One template and its constraints as a Policy. Each constraint that holds at the request's enforcement point and
// matches is asked with the shared review and its own parameters. What a rule answers is a set; equal pairs of details
// and message count once, as in Gatekeeper, and stand in the order of that set.
//
// A constraint fails alone: where Gatekeeper drops the whole request's results because one message is no string, and
// gives every constraint of a template the error of one, here only that constraint carries the error, with its own
// enforcement action. OPA's text stays: `template:3: eval_conflict_error: …`.

import { type Budget, LimitError, type LimitName, Suspend } from "@portcullis/lang";
import {
  type PlainObject,
  RegoError,
  RegoObject,
  RegoSet,
  type TraceEvent,
  type Value,
  chargeText,
  compare,
  isObject,
  toJson,
} from "@portcullis/rego";
import type { Profile } from "../engine/frontend.ts";
import type { Outcome } from "../engine/outcome.ts";
import type { Policy, Scope } from "../engine/policy.ts";
import type { Evaluation, EvaluationRequest, Json } from "../engine/request.ts";
import { type Enforced, overriding, pointOf } from "./constraint/enforcement.ts";
import type { Constraint } from "./constraint/read.ts";
import { gathering } from "./externaldata/builtin.ts";
import { type Providers, withProviders } from "./externaldata/need.ts";
import { accessorError } from "./gocode.ts";
import { inventoryData } from "./inventory.ts";
import { type Review, reviewOf } from "./review.ts";
import type { ReadyTemplate, Template } from "./template/read.ts";
import { violationPath } from "./template/rego.ts";

/** The policy of a template and the constraints that were joined with it, in the order of their names. */
export function templatePolicy(
  template: Template,
  constraints: readonly Constraint[],
  { profile, providers }: { readonly profile: Profile; readonly providers: Providers },
): Policy | null {
  const { ready } = template;
  if (ready === null || constraints.length === 0) return null;
  return {
    id: { dialect: "gatekeeper", kind: template.kind, namespace: "", name: "" },
    // A review in a gator suite may name another kind than its object has.
    scope: profile === "gator" ? {} : scopeOf(constraints),
    ...admissionOf(template, constraints),
    reads: ready.rego.reads,
    ...(ready.rego.readsRequester ? { readsRequester: true } : {}),
    onError: "deny",
    evaluate: (request, evaluation) => {
      const point = pointOf(request, profile);
      if (point === null || !judges(template, request, point)) return [];
      // Without the old object there is nothing to look at; the answer says so.
      if (request.operation === "DELETE" && request.oldObject === null) return [];
      const outcomes: Outcome[] = [];
      // A constraint that misses something keeps no other from saying what it misses.
      const gathered = ready.rego.asks ? gathering(withProviders(evaluation.world, providers)) : null;
      const asking = gathered === null ? evaluation : { ...evaluation, world: gathered.world };
      const { observe } = observing(evaluation);
      observe?.({ event: "begin" });
      let matched = 0;
      for (const constraint of constraints) {
        const enforced = constraint.enforcement.at.get(point);
        if (enforced === undefined) continue;
        const review = reviewOf(request, evaluation, profile);
        const results = judge({ constraint, ready, review, evaluation: asking, ...reporting(observe) });
        if (observe !== undefined && constraint.matcher.match(review) === true) matched += 1;
        if (results.length === 0) continue;
        const applied = appliedTo(request, enforced);
        for (const result of results) outcomes.push(outcomeOf(constraint, applied, result));
      }
      gathered?.end();
      if (matched > 0) observe?.({ event: "end", kind: template.kind, constraints: matched });
      return outcomes;
    },
  };
}

// ── what an evaluation reports while it runs

/** Comes through Evaluation.trace; steps and prints only of programs that were compiled with them. */
export type Observed =
  | { readonly event: "begin" }
  /** How many of a template's constraints matched; missing where none did. */
  | { readonly event: "end"; readonly kind: string; readonly constraints: number }
  | { readonly event: "print"; readonly text: string }
  | { readonly event: "step"; readonly step: TraceEvent };

type Observe = (observed: Observed) => void;

const observedBy = "gatekeeper";

function observing({ trace }: Evaluation): { readonly observe?: Observe } {
  return trace === undefined ? {} : { observe: (value) => trace({ what: observedBy, value }) };
}

function reporting(observe: Observe | undefined): Pick<Judging, "trace" | "print"> {
  if (observe === undefined) return {};
  return {
    trace: (step) => observe({ event: "step", step }),
    print: (text) => observe({ event: "print", text }),
  };
}

/** A template may limit itself to some operations; only the webhook's requests have one that counts. */
function judges({ operations }: Template, { operation }: EvaluationRequest, point: string): boolean {
  if (point !== "validation.gatekeeper.sh" || operation === null || operations.length === 0) return true;
  return operations.includes(operation) || operations.includes("*");
}

/** All kinds that one of the constraints may match. */
function scopeOf(constraints: readonly Constraint[]): Scope {
  const kinds = new Set<string>();
  for (const { matcher } of constraints) {
    if (matcher.kinds === null) return {};
    for (const kind of matcher.kinds) kinds.add(kind);
  }
  return { kinds: [...kinds].toSorted() };
}

/** A template that names its operations is asked about them, whatever is usual. */
function admissionOf({ operations }: Template, constraints: readonly Constraint[]): Pick<Policy, "admission"> {
  const named = (["CREATE", "UPDATE", "DELETE", "CONNECT"] as const).filter((one) => operations.includes(one));
  if (named.length === 0) return {};
  const { kinds = ["*/*"] } = scopeOf(constraints);
  const admission = kinds.map((key) => {
    const [group = "", kind = ""] = key.split("/");
    return { group, version: "*", kind, subresource: null, operations: named };
  });
  return { admission };
}

// ── results

/** One result of one constraint. Details are undefined for an object that could not be matched. */
export interface Result {
  readonly kind: "violation" | "error";
  /** Which limit the constraint ran into. */
  readonly limit?: LimitName;
  readonly message: string;
  readonly details: Json;
}

export interface Judging {
  readonly constraint: Constraint;
  readonly ready: ReadyTemplate;
  readonly review: Review;
  readonly evaluation: Evaluation;
  /** For programs that were compiled with tracing. */
  readonly trace?: (event: TraceEvent) => void;
  /** For programs that were compiled with `print`. */
  readonly print?: (text: string) => void;
}

/** What a constraint says about a review. Throws Suspend. */
export function judge(judging: Judging): readonly Result[] {
  const matched = judging.constraint.matcher.match(judging.review);
  if (matched === false) return [];
  if (matched !== true) return [{ kind: "error", message: matched, details: undefined }];
  try {
    judging.evaluation.budget.refill();
    return resultsOf(violations(judging), judging.evaluation.budget);
  } catch (error) {
    if (error instanceof Suspend) throw error;
    const limit = error instanceof LimitError ? { limit: error.limit } : {};
    return [{ kind: "error", message: errorText(error), details: null, ...limit }];
  }
}

function violations({ constraint, ready, review, evaluation, trace, print }: Judging): Value | undefined {
  const { world, budget } = evaluation;
  const input: PlainObject = { review: review.value, parameters: constraint.parameters };
  const { program, reads } = ready.rego;
  const asked = trace === undefined ? { input, world, budget } : withReports({ input, world, budget }, trace, print);
  return program.entry(violationPath, reads.length === 0 ? asked : { ...asked, data: inventoryData(evaluation) });
}

function withReports<T>(
  asked: T,
  trace: NonNullable<Judging["trace"]>,
  print: Judging["print"],
): T & Pick<Judging, "trace" | "print"> {
  return print === undefined ? { ...asked, trace } : { ...asked, trace, print };
}

/** Gatekeeper has an older OPA, which does not say which values conflict. OPA: v1/topdown/errors.go of 1.17. */
function errorText(error: unknown): string {
  if (error instanceof RegoError) {
    const { file, line, code } = error;
    return `${file}:${line}: ${code}: ${olderText(error)}`;
  }
  if (error instanceof LimitError) return `eval_cancel_error: ${error.message}`;
  return `eval_internal_error: ${error instanceof Error ? error.message : String(error)}`;
}

function olderText(error: RegoError): string {
  if (error.subject === null) return error.message;
  return error.subject.startsWith("function ")
    ? "functions must not produce multiple outputs for same inputs"
    : "complete rules must not produce multiple outputs";
}

function resultsOf(value: Value | undefined, budget: Budget): readonly Result[] {
  const pairs: Pair[] = [];
  for (const answer of answersIn(value)) {
    const pair = pairOf(answer);
    if (pair !== null) pairs.push(pair);
  }
  if (pairs.length > 1) pairs.sort(comparePairs);
  return pairs
    .filter((pair, at) => at === 0 || comparePairs(pairs[at - 1] as Pair, pair) !== 0)
    .map(({ msg, details }) => {
      chargeText(details, budget);
      const shown = toJson(details) as Json;
      if (typeof msg === "string") return { kind: "violation", message: msg, details: shown };
      const text = accessorError({ field: ".msg", value: toJson(msg), numbers: "json.Number", expected: "string" });
      return { kind: "error", message: `extracting message binding: ${text}`, details: shown };
    });
}

interface Pair {
  readonly details: Value;
  readonly msg: Value;
}

/** The order of objects with these two keys. */
function comparePairs(a: Pair, b: Pair): number {
  return compare(a.details, b.details) || compare(a.msg, b.msg);
}

/** What `violation[r]` gives for r: the members of a set, the keys of an object. */
function answersIn(value: Value | undefined): readonly Value[] {
  if (value instanceof RegoSet) return value.items;
  if (value instanceof RegoObject) return value.entries().map(([key]) => key);
  return [];
}

/** Only an object with a message is an answer; details are optional. */
function pairOf(answer: Value): Pair | null {
  if (!isObject(answer)) return null;
  const msg = memberOf(answer, "msg");
  return msg === undefined ? null : { details: memberOf(answer, "details") ?? noDetails, msg };
}

const noDetails: PlainObject = {};

function memberOf(object: PlainObject | RegoObject, key: string): Value | undefined {
  if (object instanceof RegoObject) return object.get(key);
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

// ── outcomes

/** What a result leads to: the constraint's own action, or the one that an ExpansionTemplate puts in its place. */
interface Applied {
  readonly enforced: Enforced;
  readonly prefix: string;
}

function appliedTo({ implied }: EvaluationRequest, enforced: Enforced): Applied {
  if (implied === null) return { enforced, prefix: "" };
  const isOverridden = implied.action !== null || implied.actionName !== undefined;
  return { enforced: isOverridden ? overriding(implied, enforced) : enforced, prefix: `[Implied by ${implied.by}] ` };
}

function outcomeOf(constraint: Constraint, { enforced, prefix }: Applied, result: Result): Outcome {
  const { name, scoped, actions } = enforced;
  const failing = actions.includes("warn") && !actions.includes("deny") ? "warn" : "fail";
  return {
    policy: constraint.id,
    rule: "",
    result: result.kind === "error" ? "error" : failing,
    actions,
    actionName: name,
    message: prefix + result.message,
    details: result.details,
    properties: propertiesOf(scoped, result),
    effects: noEffects,
  };
}

const noEffects: Outcome["effects"] = [];
const noProperties: Outcome["properties"] = {};

function propertiesOf(scoped: readonly string[], { limit }: Result): Outcome["properties"] {
  if (scoped.length === 0 && limit === undefined) return noProperties;
  return {
    ...(scoped.length === 0 ? {} : { scopedActions: scoped.join(",") }),
    ...(limit === undefined ? {} : { limit }),
  };
}
