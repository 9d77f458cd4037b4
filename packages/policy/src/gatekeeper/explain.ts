// Why an object was or was not matched, and which lines of which rule made a message. The policies are compiled once
// more with tracing and asked as the webhook would ask them; nothing here is on the way of a request.
//
// A traced program reports every literal that held or failed. For a message the path is what held in the rule that
// made it: the literals of that rule's text since it was entered, where a literal that is tried again drops those
// behind it, because the search went back.

import type { Span } from "@portcullis/lang";
import { type TraceEvent, type Value, isObject, toJson } from "@portcullis/rego";
import type { Profile } from "../engine/frontend.ts";
import type { PolicySource } from "../engine/policyset.ts";
import type { Catalog, Evaluation, EvaluationRequest, Json } from "../engine/request.ts";
import { type Enforced, pointOf } from "./constraint/enforcement.ts";
import type { ExplainedCriterion } from "./constraint/match.ts";
import { type Constraint, joinConstraint } from "./constraint/read.ts";
import { type Result, judge } from "./evaluate.ts";
import { type GatorOptions, loadPolicies } from "./gator/policies.ts";
import { reviewOf } from "./review.ts";
import type { ReadyTemplate, Template } from "./template/read.ts";

export interface ExplainOptions extends GatorOptions {
  /** Answers everything: a need that is missing is not explained but thrown. */
  readonly ask: Evaluation["world"]["ask"];
  readonly catalog: Catalog;
  readonly profile?: Profile;
}

export interface ExplainedConstraint {
  readonly kind: string;
  readonly name: string;
  /** Gatekeeper's text when the constraint does not take part at all. */
  readonly problem: string | null;
  /** What it leads to at this request's enforcement point; null when it does not hold there. */
  readonly enforced: Enforced | null;
  /** Of the template; empty: all. */
  readonly operations: readonly string[];
  /** Whether it matches, or why that cannot be said. */
  readonly matched: boolean | string;
  readonly criteria: readonly ExplainedCriterion[];
  readonly results: readonly ExplainedResult[];
}

export interface ExplainedResult extends Result {
  /** The rules that made it, with what held in them; several may make the same. */
  readonly rules: readonly ExplainedRule[];
}

export interface ExplainedRule extends ExplainedStep {
  readonly literals: readonly ExplainedStep[];
}

export interface ExplainedStep {
  /** `template` or `libs["lib_0"]`, with the place in it, and the place in the template's file. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly span: Span | null;
  readonly text: string;
  /** What the variables of the rule are bound to there, by the names that the user gave them. */
  readonly values: Readonly<Record<string, Json>>;
}

/** Every constraint's view of a request, in the order of kinds and names. */
export function explainRequest(
  sources: readonly PolicySource[],
  request: EvaluationRequest,
  options: ExplainOptions,
): readonly ExplainedConstraint[] {
  const { profile = "cluster", catalog, world, ask } = options;
  const policies = loadPolicies(sources, { ...options, trace: true }, profile);
  const shared = new Map<unknown, unknown>();
  const evaluation: Evaluation = { world: { ...world, ask }, budget: options.budget(), catalog, shared };
  const keys = [...policies.constraints.keys()].toSorted();
  return keys.flatMap((key) => {
    const source = policies.constraints.get(key);
    if (source === undefined) return [];
    const template = policies.templateOf(source);
    const { constraint, problem } = joinConstraint(source, template);
    if (constraint === null || template?.ready == null) {
      return [{ ...nothing, kind: source.kind, name: source.name, problem: problem?.text ?? null }];
    }
    return [explain({ constraint, template, ready: template.ready, request, evaluation, profile })];
  });
}

const nothing = { enforced: null, operations: [], matched: false, criteria: [], results: [] };

interface Explaining {
  readonly constraint: Constraint;
  readonly template: Template;
  readonly ready: ReadyTemplate;
  readonly request: EvaluationRequest;
  readonly evaluation: Evaluation;
  readonly profile: Profile;
}

function explain(explaining: Explaining): ExplainedConstraint {
  const { constraint, template, ready, request, evaluation, profile } = explaining;
  const review = reviewOf(request, evaluation, profile);
  const point = pointOf(request, profile);
  const events: TraceEvent[] = [];
  const trace = (event: TraceEvent): void => {
    // Bindings change while the search goes on.
    events.push({ ...event, locals: new Map(event.locals) });
  };
  const results = judge({ constraint, ready, review, evaluation, trace });
  return {
    kind: constraint.kind,
    name: constraint.name,
    problem: null,
    enforced: point === null ? null : (constraint.enforcement.at.get(point) ?? null),
    operations: template.operations,
    matched: constraint.matcher.match(review),
    criteria: constraint.matcher.explain(review),
    results: results.map((result) => explainedResult(result, events, ready)),
  };
}

function explainedResult(result: Result, events: readonly TraceEvent[], ready: ReadyTemplate): ExplainedResult {
  return { ...result, rules: rulesFor(result, events, ready) };
}

/** The exits of `violation` with this message. */
function rulesFor(result: Result, events: readonly TraceEvent[], ready: ReadyTemplate): readonly ExplainedRule[] {
  const starts = events.filter((event) => event.op === "enter");
  return events.flatMap((event, at) => {
    if (event.op !== "exit" || !isViolation(event) || messageOf(event.value) !== result.message) return [];
    const path = heldBefore(events.slice(0, at), event, starts);
    const literals = path.map((literal) => step(literal, ready));
    return [{ ...step(event, ready), literals }];
  });
}

function isViolation({ file, text }: TraceEvent): boolean {
  return file === "template" && /^violation\b/.test(text);
}

function messageOf(value: Value | undefined): Value | undefined {
  return value !== undefined && isObject(value) && "msg" in value ? value.msg : undefined;
}

/** What held in a rule before its exit, since it was entered. */
function heldBefore(
  events: readonly TraceEvent[],
  rule: TraceEvent,
  starts: readonly TraceEvent[],
): readonly TraceEvent[] {
  const entered = events.findLastIndex((event) => event.op === "enter" && samePlace(event, rule));
  const held: TraceEvent[] = [];
  for (const event of events.slice(entered + 1)) {
    if (event.op !== "literal" || !samePlace(ruleOf(event, starts), rule)) continue;
    const again = held.findIndex((one) => isBehind(one, event));
    if (again !== -1) held.splice(again);
    held.push(event);
  }
  return held;
}

/** The rule whose text a literal is in: the last that begins before it. */
function ruleOf(literal: TraceEvent, starts: readonly TraceEvent[]): TraceEvent | null {
  let found: TraceEvent | null = null;
  for (const start of starts) {
    if (start.file === literal.file && isBehind(literal, start) && (found === null || isBehind(start, found)))
      found = start;
  }
  return found;
}

function samePlace(a: TraceEvent | null, b: TraceEvent): boolean {
  return a !== null && a.file === b.file && a.line === b.line && a.column === b.column;
}

/** At the same place or later in the text. */
function isBehind(a: TraceEvent, b: TraceEvent): boolean {
  return a.line > b.line || (a.line === b.line && a.column >= b.column);
}

function step({ file, line, column, text, locals }: TraceEvent, { placeOf }: ReadyTemplate): ExplainedStep {
  const values = Object.fromEntries([...locals].map(([name, value]) => [name, toJson(value) as Json]));
  return { file, line, column, span: placeOf(file, line, column), text, values };
}
