// Label selectors with wildcards in `matchLabels`. Kyverno puts in place of a label with wildcards the first label of the
// object that it matches, and where none does the same text with zeros for its wildcards, which then matches nothing.
// A label selects by what it becomes, so that the outcome is: some label matches both key and value.
// What makes the selector invalid is an error whenever it is used, and an error never matches.
// Kyverno: pkg/engine/wildcards ReplaceInSelector, pkg/utils/match CheckSelector.

import { type Labels, compileLabelSelector, readLabelSelector } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import { containsWildcard, matchesWildcard } from "../pattern/wildcard.ts";

export type LabelPredicate = (labels: Labels) => boolean;

/** A selector that cannot be read or used matches nothing. */
export function compileSelector(tree: Json): LabelPredicate {
  const selector = readLabelSelector(tree);
  if ("error" in selector) return () => false;
  const wild = selector.matchLabels.filter(([key, value]) => containsWildcard(key) || containsWildcard(value));
  const tame = compileLabelSelector({
    matchLabels: selector.matchLabels.filter((label) => !wild.includes(label)),
    matchExpressions: selector.matchExpressions,
  });
  if ("error" in tame || wild.some((label) => !isValidWithZeros(label))) return () => false;
  if (wild.length === 0) return tame.matches;
  return (labels) => tame.matches(labels) && wild.every((label) => hasMatch(label, labels));
}

function hasMatch([keyPattern, valuePattern]: readonly [string, string], labels: Labels): boolean {
  return Object.keys(labels).some(
    (key) =>
      matchesWildcard(keyPattern, key) &&
      matchesWildcard(valuePattern, labels[key] ?? "") &&
      isValid([key, labels[key] ?? ""]),
  );
}

/** What Kyverno asks for when no label matches has to be a valid label too. */
function isValidWithZeros([key, value]: readonly [string, string]): boolean {
  return isValid([key.replaceAll(/[*?]/g, "0"), value.replaceAll(/[*?]/g, "0")]);
}

/** A file may hold labels that no API server takes; Kyverno cannot select by them. */
function isValid(label: readonly [string, string]): boolean {
  return !("error" in compileLabelSelector({ matchLabels: [label], matchExpressions: [] }));
}
