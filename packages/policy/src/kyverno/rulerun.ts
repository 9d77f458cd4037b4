// One rule against one request: match, context, preconditions, properties, exceptions, and then what the rule does. The
// context is put back afterwards, however the rule ends. What goes wrong becomes the rule's error; limits and missing
// needs end the whole policy's run. Kyverno: pkg/engine/engine.go invokeRuleHandler.

import { isObject } from "@portcullis/kube";
import type { Json } from "../engine/request.ts";
import { checkConditions } from "./condition/conditions.ts";
import { addEntries } from "./context/entries.ts";
import { type PolicyException, appliedExceptions } from "./exceptions.ts";
import { failureOf } from "./failure.ts";
import type { CompiledRule } from "./policy/rule.ts";
import type { CompiledPolicy } from "./policy/policy.ts";
import { type RuleId, type RuleResult, type RuleType, ruleError, ruleResult } from "./result.ts";
import type { Scope } from "./scope.ts";
import type { ContextSource, KyvernoSettings } from "./settings.ts";
import { type Subject, isMatched } from "./subject.ts";

/** A rule while it is evaluated. */
export interface RuleRun {
  readonly policy: CompiledPolicy;
  readonly rule: CompiledRule;
  readonly id: RuleId;
  readonly scope: Scope;
  readonly subject: Subject;
  readonly settings: KyvernoSettings;
  /** Of those that name the rule, those that apply. */
  readonly exceptions: readonly PolicyException[];
}

export interface Invocation {
  readonly policy: CompiledPolicy;
  readonly rule: CompiledRule;
  readonly type: RuleType;
  readonly scope: Scope;
  readonly subject: Subject;
  readonly settings: KyvernoSettings;
  /** Those that name the rule. */
  readonly exceptions: readonly PolicyException[];
}

export type RuleHandler = (run: RuleRun) => RuleResult | null;

/** What a rule says; null when it does not apply or has nothing to say. Throws Suspend, LimitError. */
export function invokeRule(invocation: Invocation, handler: RuleHandler): RuleResult | null {
  const { policy, rule, type, scope, subject } = invocation;
  const id: RuleId = { name: rule.name, type, properties: writtenProperties(rule) };
  try {
    if (!isMatched(rule.match, subject, policy.namespace)) return null;
  } catch (error) {
    return ruleError(id, failureOf(error).message);
  }
  return scope.within(() => evaluateRule(invocation, id, handler));
}

function evaluateRule(invocation: Invocation, id: RuleId, handler: RuleHandler): RuleResult | null {
  const { policy, rule, scope, settings, subject } = invocation;
  try {
    loadContext(invocation);
  } catch (error) {
    return ruleError(id, "failed to load context", failureOf(error).message);
  }
  try {
    const { met, message } = checkConditions(rule.preconditions, scope);
    if (!met) return ruleResult(id, "skip", unmetText(message));
  } catch (error) {
    return ruleError(id, "failed to evaluate preconditions", failureOf(error).message);
  }
  const named = rule.properties === null ? unnamed(id) : { ...id, properties: resolvedProperties(rule, scope) };
  const exceptions =
    invocation.exceptions.length === 0 ? none : appliedExceptions(invocation.exceptions, subject, scope);
  return handler({ policy, rule, id: named, scope, subject, settings, exceptions });
}

const none: readonly PolicyException[] = [];

function unnamed(id: RuleId): RuleId {
  return id.properties === noProperties ? id : { ...id, properties: noProperties };
}

export function unmetText(message: string): string {
  return message === "" ? "preconditions not met" : `preconditions not met; ${message}`;
}

/** Puts given values and the rule's entries into the context. Throws Failure. */
export function loadContext({
  policy,
  rule,
  scope,
  settings,
}: Pick<Invocation, "policy" | "rule" | "scope" | "settings">): void {
  const { given } = settings;
  if (given !== undefined) putValues(scope, given.forRule(policy.name, rule.name));
  if (rule.context.length > 0) addEntries(scope, rule.context, given?.leavesOut ?? nothing);
}

const nothing: ReadonlySet<ContextSource> = new Set();

/** Puts values at paths with dots, where a part in quotes may have dots of its own. Kyverno: AddVariable. */
export function putValues(scope: Scope, values: Readonly<Record<string, Json>>): void {
  for (const [path, value] of Object.entries(values)) scope.merge(splitPath(path), value);
}

function splitPath(path: string): readonly string[] {
  const parts = path.match(/"(?:[^"]|"")*"|[^.]+|(?<=\.)(?=\.|$)|^(?=\.)/g) ?? [path];
  return parts.map((part) => (part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part));
}

// ── properties for reports

/** `reportProperties` as written. */
export function writtenProperties({ tree }: CompiledRule): Readonly<Record<string, string>> {
  return stringsOf(tree["reportProperties"]);
}

/** Properties with an unresolvable variable stay as they are written. */
function resolvedProperties(rule: CompiledRule, scope: Scope): Readonly<Record<string, string>> {
  if (rule.properties === null) return noProperties;
  try {
    return stringsOf(rule.properties.evaluate(scope));
  } catch (error) {
    failureOf(error);
    return writtenProperties(rule);
  }
}

const noProperties: Readonly<Record<string, string>> = Object.freeze({});

function stringsOf(tree: Json): Readonly<Record<string, string>> {
  if (!isObject(tree)) return noProperties;
  const entries = Object.entries(tree).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return Object.fromEntries(entries);
}
