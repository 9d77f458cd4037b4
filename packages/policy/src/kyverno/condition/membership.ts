// The In family. Elements are compared as text, as Go prints them, with wildcards in either of the two: a policy may
// write them in the key or in the value. The value is a list, a JSON list as text, a range (`1-5`) or a single text.
//
// Wildcards count where the policy wrote them. Kyverno takes them from the other side as well, so that a requester who
// writes `team: "*"` is in every allow-list; for AnyNotIn, AllNotIn and NotIn that lets through what the policy's text
// denies, hence `wildcards` says which side may hold them there. With "both" the answer is Kyverno's.
// Behaviour from Kyverno pkg/engine/variables/operator/{in,notin,anyin,allin,anynotin,allnotin}.go.

import { chargeJson } from "@portcullis/lang";
import { type GoNumber, goNumber, goText } from "../pattern/govalue.ts";
import { compileScalar, operatorOf } from "../pattern/scalar.ts";
import { matchesWildcard } from "../pattern/wildcard.ts";
import type { Operator, OperatorOptions, WildcardSide } from "./operator.ts";

export const anyIn: Operator = (key, value, options) => {
  if (!Array.isArray(key)) return oneIn(key, value, options, "both") ?? false;
  const elements = elementsOf(key, options);
  const place = placeOf(elements, value, options, true);
  switch (place.kind) {
    case "equal":
      return true;
    case "range":
      return elements.some(rangeOf(place.text, options));
    case "list":
      return elements.some((element) => matchesAny(element, place.items, options, "both"));
    case "none":
      return false;
  }
};

export const allIn: Operator = (key, value, options) => {
  if (!Array.isArray(key)) return oneIn(key, value, options, "both") ?? false;
  const elements = elementsOf(key, options);
  const place = placeOf(elements, value, options, false);
  switch (place.kind) {
    case "equal":
      return true;
    case "range":
      return elements.every(rangeOf(place.text, options));
    case "list":
      return elements.every((element) => matchesAny(element, place.items, options, "both"));
    case "none":
      return false;
  }
};

export const anyNotIn: Operator = (key, value, options) => {
  if (!Array.isArray(key)) return !(oneIn(key, value, options, options.wildcards) ?? true);
  const elements = elementsOf(key, options);
  const place = placeOf(elements, value, options, true);
  switch (place.kind) {
    case "equal":
    case "none":
      return false;
    case "range":
      // Kyverno turns `1-5` into `1!-5` by its first dash, so that `-5-1` is no range any more.
      return elements.some(rangeOf(place.text.replace("-", "!-"), options));
    case "list":
      return elements.some((element) => !matchesAny(element, place.items, options, options.wildcards));
  }
};

export const allNotIn: Operator = (key, value, options) => {
  if (!Array.isArray(key)) return !(oneIn(key, value, options, options.wildcards) ?? true);
  const elements = elementsOf(key, options);
  const place = placeOf(elements, value, options, false);
  switch (place.kind) {
    case "equal":
    case "none":
      return false;
    case "range":
      return !elements.some(rangeOf(place.text, options));
    case "list":
      return !elements.some((element) => matchesAny(element, place.items, options, options.wildcards));
  }
};

// ── keys that are one text

/** Whether one key is in the value; null where key or value is of a kind that the family does not take. */
function oneIn(key: unknown, value: unknown, options: OperatorOptions, side: WildcardSide): boolean | null {
  const text = elementOf(key, options);
  if (text === null) return null;
  if (Array.isArray(value)) return matchesAny(text, itemsOf(value, options), options, side);
  if (typeof value !== "string") return null;
  if (side === "key" ? value === text : matchesWildcard(value, text, options.budget)) return true;
  if (operatorOf(value) === "-") return rangeOf(value, options)(text);
  return jsonTexts(value, options)?.includes(text) ?? null;
}

/** A scalar as text; null for null and maps. */
function elementOf(key: unknown, { numbers, budget }: OperatorOptions): string | null {
  if (typeof key === "string") return key;
  const isScalar = typeof key === "boolean" || isNumber(goNumber(key, numbers));
  return isScalar ? goText(key, numbers, budget) : null;
}

function isNumber(number: GoNumber | null): boolean {
  return number !== null;
}

// ── keys that are lists

type Place =
  | { readonly kind: "list"; readonly items: readonly string[] }
  | { readonly kind: "range"; readonly text: string }
  /** The key's only element is the value. */
  | { readonly kind: "equal" }
  /** No kind of value that can hold elements. */
  | { readonly kind: "none" };

function placeOf(elements: readonly string[], value: unknown, options: OperatorOptions, takesScalars: boolean): Place {
  if (Array.isArray(value)) return { kind: "list", items: itemsOf(value, options) };
  if (typeof value !== "string") {
    const text = takesScalars ? elementOf(value, options) : null;
    return text === null ? { kind: "none" } : { kind: "list", items: [text] };
  }
  if (elements.length === 1 && elements[0] === value) return { kind: "equal" };
  if (operatorOf(value) === "-") return { kind: "range", text: value };
  const items = jsonTexts(value, options);
  return items === null ? { kind: "none" } : { kind: "list", items };
}

/** The list that a JSON text holds, or the text alone where it is no JSON; null for other JSON. */
function jsonTexts(text: string, { budget }: OperatorOptions): readonly string[] | null {
  chargeJson(text, budget);
  let tree: unknown;
  try {
    tree = JSON.parse(text);
  } catch {
    return [text];
  }
  return stringList(tree);
}

/** Go: json.Unmarshal into a slice of strings, where null is an empty slice or an empty text. */
function stringList(tree: unknown): readonly string[] | null {
  if (tree === null) return [];
  if (!Array.isArray(tree)) return null;
  const items = tree.map((item: unknown) => item ?? "");
  return items.every((item) => typeof item === "string") ? items : null;
}

function elementsOf(list: readonly unknown[], { spelling, budget }: OperatorOptions): readonly string[] {
  return list.map((item) => goText(item, spelling.key, budget));
}

/** The texts of a value's items, those of a number in either spelling. */
function itemsOf(list: readonly unknown[], { spelling, budget }: OperatorOptions): readonly string[] {
  const { value } = spelling;
  if (value !== "both") return list.map((item) => goText(item, value, budget));
  return list.flatMap((item) => {
    const text = goText(item, "int64", budget);
    const float = typeof item === "object" || typeof item === "number" ? goText(item, "float64", budget) : text;
    return float === text ? [text] : [text, float];
  });
}

function matchesAny(text: string, items: readonly string[], { budget }: OperatorOptions, side: WildcardSide): boolean {
  return items.some((item) => {
    budget.step();
    return (
      text === item ||
      (side !== "key" && matchesWildcard(item, text, budget)) ||
      (side !== "value" && matchesWildcard(text, item, budget))
    );
  });
}

function rangeOf(range: string, options: OperatorOptions): (text: string) => boolean {
  const matches = compileScalar(range);
  return (text) => matches(text, options);
}

// ── the deprecated operators In and NotIn

export const isIn: Operator = (key, value, options) => {
  if (!Array.isArray(key)) return oneInStrictly(key, value, options, "both") ?? false;
  const place = strictPlaceOf(elementsOf(key, options), value);
  if (place.kind !== "list") return place.kind === "equal";
  const items = new Set(place.items);
  return elementsOf(key, options).every((element) => items.has(element));
};

export const isNotIn: Operator = (key, value, options) => {
  if (!Array.isArray(key)) return !(oneInStrictly(key, value, options, options.wildcards) ?? true);
  const place = strictPlaceOf(elementsOf(key, options), value);
  // A single element that is the value counts as not in it: Kyverno's answer, however odd.
  if (place.kind !== "list") return place.kind === "equal";
  const items = new Set(place.items);
  return elementsOf(key, options).some((element) => !items.has(element));
};

/** As `oneIn`, without ranges, and text that is no JSON list is of the wrong kind. */
function oneInStrictly(key: unknown, value: unknown, options: OperatorOptions, side: WildcardSide): boolean | null {
  const text = elementOf(key, options);
  if (text === null) return null;
  if (Array.isArray(value)) return matchesAny(text, itemsOf(value, options), options, side);
  if (typeof value !== "string") return null;
  if (side === "key" ? value === text : matchesWildcard(value, text, options.budget)) return true;
  return jsonList(value)?.includes(text) ?? null;
}

function strictPlaceOf(elements: readonly string[], value: unknown): Place {
  if (typeof value === "string" && elements.length === 1 && elements[0] === value) return { kind: "equal" };
  const items = typeof value === "string" ? jsonList(value) : Array.isArray(value) ? textsOnly(value) : null;
  return items === null ? { kind: "none" } : { kind: "list", items };
}

function textsOnly(list: readonly unknown[]): readonly string[] | null {
  return list.every((item) => typeof item === "string") ? list : null;
}

function jsonList(text: string): readonly string[] | null {
  try {
    return stringList(JSON.parse(text));
  } catch {
    return null;
  }
}
