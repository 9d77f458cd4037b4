// What is said when a policy is applied although Kyverno takes it in silence: calls that can only fail (unknown functions,
// wrong numbers of arguments, expressions that are no regular expressions), lists of loops that do not parse, and the places where our answer may let through
// what Kyverno's refuses: the length of a filter on a list that is absent, and lists of integers that are compared. Each at
// its place in the file.

import { type Node, childrenOf } from "@portcullis/jmespath";
import { compile, kyvernoDialect } from "@portcullis/jmespath/kyverno";
import { isObject, stringAt, valueAt } from "@portcullis/kube";
import { type Diagnostic, warningAt } from "@portcullis/lang";
import { compileRegex } from "@portcullis/lang/go";
import type { ReadFrom } from "../../engine/frontend.ts";
import type { Json } from "../../engine/request.ts";
import { comparesIntegers } from "../condition/conditions.ts";
import { type PlacedQuery, queriesIn } from "./queries.ts";

/** Warnings about the queries of a policy, in the order of its text, and about its conditions. */
export function queryWarnings(object: Json, from: ReadFrom, peerAnswers: boolean): readonly Diagnostic[] {
  const rules = valueAt(object, "spec", "rules");
  return [
    ...warningsOfQueries(object, from, peerAnswers),
    ...(peerAnswers ? [] : listWarnings(rules, ["spec", "rules"], from)),
  ];
}

const equalities: ReadonlySet<string> = new Set(["Equal", "Equals", "NotEqual", "NotEquals"]);

/** Conditions that compare a list of integers, which Kyverno never finds equal to any. */
function listWarnings(tree: Json, path: readonly (string | number)[], from: ReadFrom): readonly Diagnostic[] {
  if (Array.isArray(tree)) {
    return (tree as readonly Json[]).flatMap((item, at) => listWarnings(item, [...path, at], from));
  }
  if (!isObject(tree)) return [];
  if (equalities.has(stringAt(tree, "operator")) && comparesIntegers(tree)) {
    const text = "these integers equal those of an object with the same values; Kyverno never finds such lists equal";
    return [warningAt("list-of-integers", from.locate?.(path) ?? null, text)];
  }
  return Object.entries(tree).flatMap(([key, value]) => listWarnings(value, [...path, key], from));
}

function warningsOfQueries(object: Json, { locate }: ReadFrom, peerAnswers: boolean): readonly Diagnostic[] {
  return queriesIn(valueAt(object, "spec", "rules"), ["spec", "rules"]).flatMap((query) =>
    warningsOf(query)
      .filter(({ code }) => !peerAnswers || code !== "length-of-absent-filter")
      .map(({ code, message, hint, span }) =>
        warningAt(code, locate?.(query.path, within(query, span)) ?? locate?.(query.path) ?? null, message, hint),
      ),
  );
}

function within(
  { start, end }: PlacedQuery,
  span: Diagnostic["span"],
): { readonly start: number; readonly end: number } {
  return span === null ? { start, end } : { start: start + span.start, end: start + span.end };
}

function warningsOf({ text, path }: PlacedQuery): readonly Diagnostic[] {
  const { value: expression, diagnostics } = compile(text, kyvernoDialect);
  if (expression !== null) return [...diagnostics, ...regexWarnings(expression.tree)];
  // What does not parse is an error, which the check of the policy reports; of a loop's list Kyverno says it to requests.
  return path.at(-1) === "list" && !text.includes("{{") ? diagnostics : [];
}

const takesRegex: ReadonlySet<string> = new Set(["regex_match", "regex_replace_all", "regex_replace_all_literal"]);

function regexWarnings(node: Node): readonly Diagnostic[] {
  const own = node.kind === "call" && node.name !== null && takesRegex.has(node.name) ? brokenRegex(node) : [];
  return [...own, ...childrenOf(node).flatMap(regexWarnings)];
}

function brokenRegex({ arguments: [pattern] }: Extract<Node, { kind: "call" }>): readonly Diagnostic[] {
  if (pattern?.kind !== "literal" || typeof pattern.value !== "string") return [];
  const compiled = compileRegex(pattern.value);
  if (!("error" in compiled)) return [];
  return [
    warningAt("regex", pattern.span, compiled.error, "regular expressions are those of RE2, without look-around"),
  ];
}
