// `spec.match`, compiled once into a list of criteria, all of which must hold; a criterion that is absent or empty is
// not in the list. They are tried in Gatekeeper's order, because one of them can fail rather than answer: a
// namespaceSelector on an object whose Namespace is unknown. Then nobody can say whether the constraint applies, and it
// rejects with a text that says why. On UPDATE a constraint applies if the object or the old object matches.
// Gatekeeper: pkg/mutation/match/match.go, pkg/target/matcher.go.

import {
  type SelectorPredicate,
  compileGenerateNameWildcard,
  compileLabelSelector,
  compileWildcard,
  isObject,
  readLabelSelector,
  stringAt,
  valueAt,
} from "@portcullis/kube";
import { quote } from "@portcullis/lang/go";
import type { Json } from "../../engine/request.ts";
import type { Candidate, KnownNamespace, Review } from "../review.ts";
import { listAt, stringsAt } from "../tree.ts";

export interface Matcher {
  /** Whether a constraint applies, or Gatekeeper's text of why that cannot be said. */
  readonly match: (review: Review) => boolean | string;
  /** Each criterion with what it says about each object: for people who ask why. */
  readonly explain: (review: Review) => readonly ExplainedCriterion[];
  /** `group/Kind` with `*` for either part; null: any kind. Never narrower than `match`. */
  readonly kinds: readonly string[] | null;
}

export interface ExplainedCriterion {
  /** The field below `spec.match`. */
  readonly field: string;
  readonly expected: Json;
  /** The object that was looked at: its name, and what the criterion looked at in it. */
  readonly object: string;
  readonly actual: string;
  readonly result: boolean | string;
}

/** What a criterion looks at. */
export interface Subject {
  readonly object: Candidate;
  readonly namespace: KnownNamespace | null;
  readonly source: Review["source"];
}

interface Criterion {
  readonly field: string;
  readonly expected: Json;
  readonly test: (subject: Subject) => boolean | string;
  readonly actual: (subject: Subject) => string;
}

/** Compiles `spec.match`, or gives Gatekeeper's error text. */
export function compileMatch(constraint: Json): Matcher | string {
  const match = valueAt(constraint, "spec", "match");
  if (match === undefined) return everything;
  if (!isObject(match)) return `invalid Constraint: unable to create matcher: .spec.match accessor error`;
  const labels = selectorOf(match["labelSelector"]);
  if (typeof labels === "string") return matcherError(labels);
  const namespaces = selectorOf(match["namespaceSelector"]);
  if (typeof namespaces === "string") return matcherError(namespaces);
  const criteria = criteriaOf(match, labels, namespaces);
  return {
    match: (review: Review) => matchAny(criteria, review),
    explain: (review) => explainAll(criteria, review),
    kinds: kindsOf(match),
  };
}

/** Without `spec.match` nothing is looked at, not even whether there is an object. */
const everything: Matcher = { match: () => true, explain: () => [], kinds: null };

// ── mutators

/** `spec.match` of a mutator, which looks at one object, and where a selector that cannot be read fails each request. */
export interface ObjectMatcher {
  /** Whether it applies, or why that cannot be said. */
  readonly test: (subject: Subject) => boolean | string;
  /** `group/Kind` with `*` for either part; null: any kind. */
  readonly kinds: readonly string[] | null;
  /** Whether the labels of the object's Namespace are asked for. */
  readonly readsNamespace: boolean;
  /** Whether the labels of the object itself may be looked at: a Namespace's own stand for its Namespace's. */
  readonly readsLabels: boolean;
}

export function compileObjectMatch(tree: Json): ObjectMatcher {
  const match = isObject(tree) ? tree : {};
  const failing = (error: string): SelectorPredicate => {
    return () => {
      throw new SelectorError(error);
    };
  };
  const selectorAt = (field: string): SelectorPredicate | null => {
    const selector = selectorOf(match[field]);
    return typeof selector === "string" ? failing(selector) : selector;
  };
  const namespaces = selectorAt("namespaceSelector");
  const labels = selectorAt("labelSelector");
  const criteria = criteriaOf(match, labels, namespaces);
  return {
    test: (subject) => {
      try {
        const result = matchesAll(criteria, subject);
        return typeof result === "string" ? `failed to run Match criteria: ${result}` : result;
      } catch (error) {
        if (error instanceof SelectorError) return `failed to run Match criteria: ${error.message}`;
        throw error;
      }
    },
    kinds: kindsOf(match),
    readsNamespace: namespaces !== null,
    readsLabels: namespaces !== null || labels !== null,
  };
}

class SelectorError extends Error {}

function matcherError(text: string): string {
  return `admission.k8s.gatekeeper.sh: invalid Constraint: unable to create matcher: could not convert JSON to Match: ${text}\n`;
}

function matchAny(criteria: readonly Criterion[], review: Review): boolean | string {
  if (review.candidates.length === 0)
    return autoreject("invalid request object: neither object nor old object are defined");
  for (const object of review.candidates) {
    if (object.unreadable !== null) return autoreject(object.unreadable);
  }
  for (const object of review.candidates) {
    const result = matchesAll(criteria, { object, namespace: review.namespace, source: review.source });
    if (typeof result === "string") {
      return autoreject(`error matching the requested object: ${object.name} :failed to run Match criteria: ${result}`);
    }
    if (result) return true;
  }
  return false;
}

function autoreject(text: string): string {
  return `unable to match constraints: ${text}`;
}

function matchesAll(criteria: readonly Criterion[], subject: Subject): boolean | string {
  for (const criterion of criteria) {
    const result = criterion.test(subject);
    if (result !== true) return result;
  }
  return true;
}

function explainAll(criteria: readonly Criterion[], review: Review): readonly ExplainedCriterion[] {
  return review.candidates.flatMap((object) =>
    criteria.map(({ field, expected, test, actual }) => {
      const subject = { object, namespace: review.namespace, source: review.source };
      return { field, expected, object: object.name, actual: actual(subject), result: test(subject) };
    }),
  );
}

// ── criteria

type Match = Readonly<Record<string, Json>>;

function criteriaOf(
  match: Match,
  labels: SelectorPredicate | null,
  namespaces: SelectorPredicate | null,
): readonly Criterion[] {
  return [
    kindsCriterion(match),
    scopeCriterion(match),
    namespacesCriterion(match, "namespaces"),
    namespacesCriterion(match, "excludedNamespaces"),
    labelCriterion(match, labels),
    namespaceSelectorCriterion(match, namespaces),
    nameCriterion(match),
    sourceCriterion(match),
  ].filter((criterion) => criterion !== null);
}

function kindsCriterion(match: Match): Criterion | null {
  const entries = kindEntries(match);
  if (entries === null) return null;
  const groupsOf = new Map<string, Set<string>>();
  for (const { group, kind } of entries) groupsOf.set(kind, (groupsOf.get(kind) ?? new Set()).add(group));
  const holds = (groups: ReadonlySet<string> | undefined, group: string): boolean =>
    groups !== undefined && (groups.has(group) || groups.has("*"));
  const ofAnyKind = groupsOf.get("*");
  return {
    field: "kinds",
    expected: match["kinds"],
    test: ({ object: { group, kind } }) => holds(groupsOf.get(kind), group) || holds(ofAnyKind, group),
    actual: ({ object: { group, kind } }) => (group === "" ? kind : `${kind} (${group})`),
  };
}

function kindsOf(match: Match): readonly string[] | null {
  return kindEntries(match)?.map(({ group, kind }) => `${group}/${kind}`) ?? null;
}

function kindEntries(match: Match): readonly { readonly group: string; readonly kind: string }[] | null {
  const entries = listAt(match, "kinds");
  if (entries.length === 0) return null;
  return entries.flatMap((entry) => {
    const groups = orAny(stringsAt(entry, "apiGroups"));
    const kinds = orAny(stringsAt(entry, "kinds"));
    return groups.flatMap((group) => kinds.map((kind) => ({ group, kind })));
  });
}

/** An empty list and one with a `*` mean any. */
function orAny(names: readonly string[]): readonly string[] {
  return names.length === 0 || names.includes("*") ? ["*"] : names;
}

/** Anything but the two words means both, typing errors included. */
function scopeCriterion(match: Match): Criterion | null {
  const scope = stringAt(match, "scope");
  if (scope !== "Cluster" && scope !== "Namespaced") return null;
  const isNamespaced = ({ object, namespace }: Subject): boolean =>
    !object.isNamespace && (object.namespace !== "" || namespace !== null);
  return {
    field: "scope",
    expected: scope,
    test: (subject) => isNamespaced(subject) === (scope === "Namespaced"),
    actual: (subject) => (isNamespaced(subject) ? "Namespaced" : "Cluster"),
  };
}

function namespacesCriterion(match: Match, field: "namespaces" | "excludedNamespaces"): Criterion | null {
  const globs = stringsAt(match, field).map(compileWildcard);
  if (globs.length === 0) return null;
  const listed = field === "namespaces";
  return {
    field,
    expected: match[field],
    test: (subject) => {
      const name = namespaceName(subject);
      // A cluster-scoped object is in no namespace that could be listed, and none that could be excluded.
      return name === null || globs.some((matches) => matches(name)) === listed;
    },
    actual: (subject) => namespaceName(subject) ?? "cluster-scoped",
  };
}

/** A Namespace stands for itself. The object's own field counts when the Namespace is not known, as for command lines. */
function namespaceName({ object, namespace }: Subject): string | null {
  if (object.isNamespace) return object.name;
  if (namespace !== null) return namespace.name;
  return object.namespace === "" ? null : object.namespace;
}

function labelCriterion(match: Match, selector: SelectorPredicate | null): Criterion | null {
  if (selector === null) return null;
  return {
    field: "labelSelector",
    expected: match["labelSelector"],
    test: ({ object }) => selector(object.labels),
    actual: ({ object }) => JSON.stringify(object.labels),
  };
}

function namespaceSelectorCriterion(match: Match, selector: SelectorPredicate | null): Criterion | null {
  if (selector === null) return null;
  return {
    field: "namespaceSelector",
    expected: match["namespaceSelector"],
    test: ({ object, namespace }) => {
      if (object.isNamespace) return selector(object.labels);
      if (namespace !== null) return selector(namespace.labels);
      // Cluster-scoped objects are not deselected.
      if (object.namespace === "") return true;
      // A selector that cannot be read says so first.
      selector(object.labels);
      return unknownNamespace;
    },
    actual: ({ object, namespace }) => {
      if (object.isNamespace) return JSON.stringify(object.labels);
      return namespace === null ? "no Namespace" : JSON.stringify(namespace.labels);
    },
  };
}

const unknownNamespace = "namespace selector for namespace-scoped object but missing Namespace";

function nameCriterion(match: Match): Criterion | null {
  const glob = stringAt(match, "name");
  if (glob === "") return null;
  const matchesName = compileWildcard(glob);
  const matchesGenerateName = compileGenerateNameWildcard(glob);
  return {
    field: "name",
    expected: glob,
    test: ({ object }) => matchesName(object.name) || matchesGenerateName(object.generateName),
    actual: ({ object }) => (object.name === "" ? object.generateName : object.name),
  };
}

function sourceCriterion(match: Match): Criterion | null {
  const source = stringAt(match, "source");
  if (source === "" || source === "All") return null;
  const known = source === "Original" || source === "Generated";
  return {
    field: "source",
    expected: source,
    test: (subject) => (known ? subject.source === source : `invalid source field ${quote(source)}`),
    actual: (subject) => subject.source,
  };
}

/** The predicate of a selector that is there, null when none is, or why it cannot be read. */
function selectorOf(tree: Json): SelectorPredicate | null | string {
  if (tree === undefined || tree === null) return null;
  const selector = readLabelSelector(tree);
  if ("error" in selector) return selector.error;
  const compiled = compileLabelSelector(selector);
  return "error" in compiled ? compiled.error : compiled.matches;
}
