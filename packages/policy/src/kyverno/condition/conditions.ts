// Blocks of conditions: `any` and `all`, and the older plain list. Operands are resolved one after another, because an
// error in one must come before, and stop, what follows. What a block says is whether it holds, and the messages of the
// conditions that made it so: of those that held, or of those that did not.
// Behaviour from Kyverno pkg/engine/variables/evaluate.go.

import { type JsonRecord, goJson, isObject } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import type { CompileTemplate, ConditionsResult } from "../contracts.ts";
import { Failure, failureOf } from "../failure.ts";
import type { Scope } from "../scope.ts";
import type { Template } from "../template.ts";
import { operatorNamed } from "./names.ts";
import type { Operator, OperatorOptions, Spelling, WildcardSide } from "./operator.ts";

interface Condition {
  readonly key: Template;
  /** Null for a name that is no operator. */
  readonly operator: Operator | null;
  readonly value: Template;
  /** As written: its variables are resolved with the rule's message. "" where there is none. */
  readonly message: string;
  /** Where wildcards count for AnyNotIn, AllNotIn and NotIn. */
  readonly wildcards: WildcardSide;
  readonly spelling: Spelling;
  readonly unequalLists: boolean;
}

export interface Conditions {
  /** Null where it is absent: an empty one never holds. */
  readonly any: readonly Condition[] | null;
  readonly all: readonly Condition[];
  /** A plain list: its messages are joined without a space. */
  readonly legacy: boolean;
}

export interface ConditionSettings {
  /**
   * As in Kyverno: wildcards that requesters write count everywhere, lists with integers that the policy wrote are never
   * equal to lists of an object, and numbers in lists are compared as texts. Off when absent.
   */
  readonly peerAnswers?: boolean;
}

/** Compiles `{any, all}` or a plain list; null where there are none. */
export function compileConditions(
  tree: Json,
  compile: CompileTemplate,
  settings: ConditionSettings = {},
): Conditions | null {
  const listed = (list: Json): readonly Condition[] =>
    Array.isArray(list) ? list.map((item: Json) => compileCondition(item, compile, settings)) : [];
  if (Array.isArray(tree)) return { any: null, all: listed(tree), legacy: true };
  if (!isObject(tree)) return null;
  const any = Array.isArray(tree["any"]) ? listed(tree["any"]) : null;
  return { any, all: listed(tree["all"]), legacy: false };
}

function compileCondition(tree: Json, compile: CompileTemplate, settings: ConditionSettings): Condition {
  const condition = isObject(tree) ? tree : {};
  const text = (field: string): string => (typeof condition[field] === "string" ? condition[field] : "");
  const key = compile(condition["key"] ?? null);
  const value = compile(condition["value"] ?? null);
  const isPeer = settings.peerAnswers === true;
  return {
    key,
    operator: operatorNamed(text("operator")),
    value,
    message: text("message"),
    wildcards: isPeer ? "both" : policySide(condition, key, value),
    spelling: spellingOf(key, value, isPeer),
    unequalLists: isPeer && comparesIntegers(condition),
  };
}

/** Numbers of the policy and of the object are equal when their values are; in Kyverno, when their texts are. */
function spellingOf(key: Template, value: Template, isPeer: boolean): Spelling {
  const spelled = ({ isStatic }: Template) => (isStatic ? "int64" : "float64");
  if (isPeer) return { key: spelled(key), value: spelled(value) };
  return { key: "float64", value: value.isStatic ? "both" : "float64" };
}

/**
 * Whether a list or map that the policy wrote has integers, and is compared with what a query gives: Kyverno reads the
 * former as int64 and the latter as float64.
 */
export function comparesIntegers({ key, value }: JsonRecord): boolean {
  const hasVariables = (tree: Json): boolean => goJson(tree ?? null).includes("{{");
  if (hasVariables(key) === hasVariables(value)) return false;
  const written = hasVariables(key) ? value : key;
  return typeof written === "object" && hasInteger(written);
}

function hasInteger(tree: Json): boolean {
  if (typeof tree === "number") return Number.isInteger(tree);
  if (Array.isArray(tree)) return tree.some((item: Json) => hasInteger(item));
  return isObject(tree) && Object.values(tree).some((item) => hasInteger(item));
}

/**
 * The side without variables is the policy's. Where both have some, the key is taken for the requester's, unless only
 * the value speaks of the request.
 */
function policySide(condition: JsonRecord, key: Template, value: Template): WildcardSide {
  if (key.isStatic) return value.isStatic ? "both" : "key";
  return !value.isStatic && speaksOfRequest(condition["value"]) && !speaksOfRequest(condition["key"]) ? "key" : "value";
}

function speaksOfRequest(operand: Json): boolean {
  return /\b(?:request|element\d*|images?|target)\b|@/.test(goJson(operand));
}

const none: ConditionsResult = { met: true, message: "" };

/** Throws Failure with Kyverno's text, LimitError, Suspend. No conditions hold. */
export function checkConditions(conditions: Conditions | null, scope: Scope): ConditionsResult {
  if (conditions === null) return none;
  return conditions.legacy ? checkList(conditions.all, scope) : checkBlock(conditions, scope);
}

/** Stops at the first condition that does not hold, and gives its message alone. */
function checkList(list: readonly Condition[], scope: Scope): ConditionsResult {
  let messages = "";
  for (const condition of list) {
    if (!holds(condition, scope)) return { met: false, message: condition.message };
    messages = joined(messages, ";", condition);
  }
  return { met: true, message: messages };
}

function checkBlock({ any, all }: Conditions, scope: Scope): ConditionsResult {
  let held = "";
  let failed = "";
  let anyMet = any === null;
  for (const condition of any ?? []) {
    anyMet = holds(condition, scope);
    if (anyMet) held = joined(held, "; ", condition);
    else failed = joined(failed, "; ", condition);
    if (anyMet) break;
  }
  // `all` is looked at even when `any` has failed: an error in it comes out, and so does its message.
  let allMet = true;
  for (const condition of all) {
    allMet = holds(condition, scope);
    if (allMet) held = joined(held, "; ", condition);
    else failed = joined(failed, "; ", condition);
    if (!allMet) break;
  }
  const met = anyMet && allMet;
  return { met, message: met ? held : failed };
}

/** The messages with that of one more condition, if it has one. */
function joined(messages: string, separator: string, { message }: Condition): string {
  if (message === "") return messages;
  return messages === "" ? message : `${messages}${separator}${message}`;
}

function holds(condition: Condition, scope: Scope): boolean {
  const { key, operator, value, wildcards, spelling, unequalLists } = condition;
  const { budget } = scope.evaluation;
  budget.step();
  const left = operandOf(key, "key", scope);
  const right = operandOf(value, "value", scope);
  // Kyverno wraps an error that is not there, and Go says so.
  if (operator === null) throw new Failure("failed to create handler for condition operator: %!w(<nil>)");
  return operator(left, right, { ...numbersOfConditions, budget, wildcards, spelling, unequalLists });
}

function operandOf(template: Template, side: "key" | "value", scope: Scope): Json {
  try {
    return template.evaluate(scope);
  } catch (error) {
    const { message, missingKey } = failureOf(error);
    throw new Failure(`failed to substitute variables in condition ${side}: ${message}`, missingKey);
  }
}

/**
 * Queries give float64 in a cluster too, where only literals of the policy are int64. Taking both for floats tells them
 * apart in nothing but lists of numbers, which Kyverno then never finds equal.
 */
const numbersOfConditions = { numbers: "float64" } satisfies Partial<OperatorOptions>;
