// Label selectors. A metav1.LabelSelector is compiled once into a predicate over labels; what is wrong with it is said
// in apimachinery's words, of which there are two sets: what an API server says when it validates the object, and what
// the conversion to a selector says when it is used.
// Behaviour from k8s.io/apimachinery pkg/apis/meta/v1 (helpers.go, validation) and pkg/labels/selector.go.

import { quote } from "@portcullis/lang/go";
import {
  type FieldError,
  aggregateTexts,
  byCodePoints,
  fieldErrorText,
  forbidden,
  invalid,
  required,
} from "./fielderror.ts";
import { labelValueErrors, qualifiedNameErrors } from "./names.ts";
import { isObject } from "./object.ts";

export interface LabelSelectorRequirement {
  readonly key: string;
  readonly operator: string;
  readonly values: readonly string[];
}

export interface LabelSelector {
  readonly matchLabels: readonly (readonly [key: string, value: string])[];
  readonly matchExpressions: readonly LabelSelectorRequirement[];
}

/** Labels as they stand in an object; keys of a prototype do not count. */
export type Labels = Readonly<Record<string, string>>;

export type SelectorPredicate = (labels: Labels) => boolean;

/** The selector in a JSON tree, or what hinders reading it (a wrong type, with encoding/json's text). */
export function readLabelSelector(tree: unknown): LabelSelector | { readonly error: string } {
  if (tree === null || tree === undefined) return { matchLabels: [], matchExpressions: [] };
  if (!isObject(tree)) return typeError(tree, "", "v1.LabelSelector");
  const matchLabels: [string, string][] = [];
  const labels = tree["matchLabels"] ?? {};
  if (!isObject(labels)) return typeError(labels, "matchLabels", "map[string]string");
  for (const key of Object.keys(labels).toSorted(byCodePoints)) {
    const value = labels[key];
    if (typeof value !== "string" && value !== null) return typeError(value, "matchLabels", "string");
    matchLabels.push([key, value ?? ""]);
  }
  const expressions = tree["matchExpressions"] ?? [];
  if (!Array.isArray(expressions)) return typeError(expressions, "matchExpressions", "[]v1.LabelSelectorRequirement");
  const matchExpressions: LabelSelectorRequirement[] = [];
  for (const expression of expressions) {
    const read = readRequirement(expression);
    if ("error" in read) return read;
    matchExpressions.push(read);
  }
  return { matchLabels, matchExpressions };
}

function readRequirement(tree: unknown): LabelSelectorRequirement | { readonly error: string } {
  if (tree === null) return { key: "", operator: "", values: [] };
  if (!isObject(tree)) return typeError(tree, "matchExpressions", "v1.LabelSelectorRequirement");
  const { key = "", operator = "", values } = tree;
  if (typeof key !== "string") return typeError(key, "matchExpressions.key", "string");
  if (typeof operator !== "string") return typeError(operator, "matchExpressions.operator", "v1.LabelSelectorOperator");
  const list = values ?? [];
  if (!Array.isArray(list)) return typeError(list, "matchExpressions.values", "[]string");
  const wrong: unknown = list.find((value) => typeof value !== "string" && value !== null);
  if (wrong !== undefined) return typeError(wrong, "matchExpressions.values", "string");
  return { key, operator, values: list.map((value: string | null) => value ?? "") };
}

function typeError(value: unknown, field: string, type: string): { readonly error: string } {
  const kind = Array.isArray(value)
    ? "array"
    : typeof value === "boolean"
      ? "bool"
      : isObject(value) || typeof value === "string"
        ? typeof value
        : "number";
  const place =
    field === ""
      ? "value"
      : `struct field ${field.includes(".") ? "LabelSelectorRequirement" : "LabelSelector"}.${field}`;
  return { error: `json: cannot unmarshal ${kind} into Go ${place} of type ${type}` };
}

/** What an API server (and Gatekeeper on a constraint) says about a selector at this field. */
export function validateLabelSelector(selector: LabelSelector, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of selector.matchLabels) {
    for (const detail of qualifiedNameErrors(key)) errors.push(invalid(`${field}.matchLabels`, key, detail));
    for (const detail of labelValueErrors(value)) errors.push(invalid(`${field}.matchLabels`, value, detail));
  }
  for (const [index, requirement] of selector.matchExpressions.entries())
    errors.push(...validateRequirement(requirement, `${field}.matchExpressions[${index}]`));
  return errors;
}

function validateRequirement(requirement: LabelSelectorRequirement, field: string): FieldError[] {
  const { key, operator, values } = requirement;
  const errors: FieldError[] = [];
  if (operator === "In" || operator === "NotIn") {
    if (values.length === 0)
      errors.push(required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (operator === "Exists" || operator === "DoesNotExist") {
    if (values.length > 0)
      errors.push(forbidden(`${field}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
  } else errors.push(invalid(`${field}.operator`, operator, "not a valid selector operator"));
  for (const detail of qualifiedNameErrors(key)) errors.push(invalid(`${field}.key`, key, detail));
  for (const [index, value] of values.entries())
    for (const detail of labelValueErrors(value)) errors.push(invalid(`${field}.values[${index}]`, value, detail));
  return errors;
}

/** The predicate of a selector, or the error that its conversion gives. An empty selector matches everything. */
export function compileLabelSelector(
  selector: LabelSelector,
): { readonly matches: SelectorPredicate } | { readonly error: string } {
  const tests: SelectorPredicate[] = [];
  for (const [key, value] of selector.matchLabels) {
    const error = requirementError(key, "=", [value]);
    if (error !== null) return { error };
    tests.push((labels) => Object.hasOwn(labels, key) && labels[key] === value);
  }
  for (const { key, operator, values } of selector.matchExpressions) {
    const test = requirementTest(key, operator, values);
    if (test === null) return { error: `${quote(operator)} is not a valid label selector operator` };
    const error = requirementError(key, operator, values);
    if (error !== null) return { error };
    tests.push(test);
  }
  const [only, second] = tests;
  if (only === undefined) return { matches: () => true };
  if (second === undefined) return { matches: only };
  return { matches: (labels) => tests.every((test) => test(labels)) };
}

function requirementTest(key: string, operator: string, values: readonly string[]): SelectorPredicate | null {
  const set = new Set(values);
  switch (operator) {
    case "In":
      return (labels) => Object.hasOwn(labels, key) && set.has(labels[key] ?? "");
    case "NotIn":
      return (labels) => !Object.hasOwn(labels, key) || !set.has(labels[key] ?? "");
    case "Exists":
      return (labels) => Object.hasOwn(labels, key);
    case "DoesNotExist":
      return (labels) => !Object.hasOwn(labels, key);
    default:
      return null;
  }
}

/** Go: `labels.NewRequirement`. */
function requirementError(key: string, operator: string, values: readonly string[]): string | null {
  const errors: FieldError[] = [];
  const keyErrors = qualifiedNameErrors(key);
  if (keyErrors.length > 0) errors.push(invalid("key", key, keyErrors.join("; ")));
  if ((operator === "In" || operator === "NotIn") && values.length === 0)
    // Go's nil slice prints as null.
    errors.push(invalid("values", null, "for 'in', 'notin' operators, values set can't be empty"));
  if ((operator === "Exists" || operator === "DoesNotExist") && values.length > 0)
    errors.push(invalid("values", values, "values set must be empty for exists and does not exist"));
  for (const [index, value] of values.entries()) {
    const valueErrors = labelValueErrors(value);
    if (valueErrors.length > 0) errors.push(invalid(`values[${index}][${key}]`, value, valueErrors.join("; ")));
  }
  return aggregateTexts(errors.map((error) => fieldErrorText(error)));
}
