// One block of `match` or `exclude`: attributes of the object and of who asks. All attributes that are given must hold; of
// a list one entry is enough. Who asks counts only where somebody asks: a background scan drops it from `match`, while an
// `exclude` that names users then excludes nothing. Kyverno: pkg/engine/utils/match.go.

import { isObject, stringAt, valueAt } from "@portcullis/kube";
import type { Labels } from "@portcullis/kube";
import type { Gvk, Json, UserInfo } from "../../engine/request.ts";
import { matchesWildcard } from "../pattern/wildcard.ts";
import { type KindSelector, matchesKind, parseKindSelector } from "./kinds.ts";
import { type LabelPredicate, compileSelector } from "./selector.ts";

/** What a filter looks at. */
export interface Candidate {
  /** Of the request; its own kind when nobody asks. */
  readonly gvk: Gvk;
  readonly subresource: string;
  /** As the object itself says it. */
  readonly kind: string;
  /** Or what names are generated from. */
  readonly name: string;
  readonly namespace: string;
  readonly labels: Labels;
  readonly annotations: Labels;
}

export interface Asking {
  /** "" when there is none. */
  readonly operation: string;
  /** Null when nobody asks. */
  readonly user: Requester | null;
  /** Throws Suspend when the namespace has to be fetched. */
  namespaceLabels(): Labels;
}

export interface Requester {
  readonly user: UserInfo;
  /** `namespace:name`, and names of cluster roles, bound to the user. Throws Suspend when they have to be fetched. */
  roles(): readonly string[];
  clusterRoles(): readonly string[];
}

/** What a filter asks of an object, compiled. */
export interface Filter {
  readonly kinds: readonly KindSelector[];
  readonly operations: readonly string[];
  readonly usesNamespaceLabels: boolean;
  /** Whether it says anything about the object, and about who asks. */
  readonly describes: boolean;
  readonly namesUsers: boolean;
  /** Without who asks. */
  matchesObject(candidate: Candidate, asking: Asking): boolean;
  matchesUser(user: Requester | null): boolean;
}

/**
 * `block` is a filter as written: `resources`, `subjects`, `roles`, `clusterRoles`. The filters of exceptions ask for no
 * operation, and their namespace selectors let Namespaces pass instead of matching none.
 */
export function compileFilter(block: Json, of: "rule" | "exception" = "rule"): Filter {
  const resources = valueAt(block, "resources");
  const kinds = strings(resources, "kinds").map(parseKindSelector);
  const operations = of === "rule" ? strings(resources, "operations") : [];
  const tests = objectTests(resources, kinds);
  const namespaceSelector = selectorOf(resources, "namespaceSelector");
  const anyKind = strings(resources, "kinds").includes("*");
  const users = userTests(block);
  return {
    kinds,
    operations,
    usesNamespaceLabels: namespaceSelector !== null,
    describes: tests.length > 0 || operations.length > 0 || namespaceSelector !== null,
    namesUsers: users.length > 0,
    matchesObject: (candidate, asking) => {
      if (operations.length > 0 && !operations.includes(asking.operation)) return false;
      if (!tests.every((test) => test(candidate))) return false;
      if (namespaceSelector === null) return true;
      if (candidate.kind === "Namespace") return of === "exception";
      return (candidate.kind === "" && !anyKind) || namespaceSelector(asking.namespaceLabels());
    },
    matchesUser: (user) => users.every((test) => test(user)),
  };
}

type ObjectTest = (candidate: Candidate) => boolean;

function objectTests(resources: Json, kinds: readonly KindSelector[]): readonly ObjectTest[] {
  const tests: ObjectTest[] = [];
  if (kinds.length > 0) tests.push(({ gvk, subresource }) => matchesKind(kinds, gvk, subresource));
  const oneName = stringAt(resources, "name");
  if (oneName !== "") tests.push(({ name }) => matchesWildcard(oneName, name));
  const names = strings(resources, "names");
  if (names.length > 0) tests.push(({ name }) => names.some((pattern) => matchesWildcard(pattern, name)));
  const namespaces = strings(resources, "namespaces");
  if (namespaces.length > 0) {
    tests.push((candidate) => {
      const namespace = candidate.kind === "Namespace" ? candidate.name : candidate.namespace;
      return namespaces.some((pattern) => matchesWildcard(pattern, namespace));
    });
  }
  const annotations = annotationTest(valueAt(resources, "annotations"));
  if (annotations !== null) tests.push(annotations);
  const selector = selectorOf(resources, "selector");
  if (selector !== null) tests.push(({ labels }) => selector(labels));
  return tests;
}

function annotationTest(wanted: Json): ObjectTest | null {
  if (!isObject(wanted) || Object.keys(wanted).length === 0) return null;
  const patterns = Object.entries(wanted);
  return ({ annotations }) =>
    patterns.every(([keyPattern, valuePattern]) =>
      Object.keys(annotations).some(
        (key) =>
          matchesWildcard(keyPattern, key) &&
          matchesWildcard(typeof valuePattern === "string" ? valuePattern : "", annotations[key] ?? ""),
      ),
    );
}

function selectorOf(resources: Json, field: string): LabelPredicate | null {
  const tree = valueAt(resources, field);
  return tree === undefined || tree === null ? null : compileSelector(tree);
}

// ── who asks

type UserTest = (user: Requester | null) => boolean;

function userTests(block: Json): readonly UserTest[] {
  const tests: UserTest[] = [];
  const roles = new Set(strings(block, "roles"));
  if (roles.size > 0) tests.push((user) => user !== null && user.roles().some((role) => roles.has(role)));
  const clusterRoles = new Set(strings(block, "clusterRoles"));
  if (clusterRoles.size > 0) {
    tests.push((user) => user !== null && user.clusterRoles().some((role) => clusterRoles.has(role)));
  }
  const subjects = listOf(block, "subjects");
  if (subjects.length > 0) {
    tests.push((user) => user !== null && subjects.some((subject) => matchesSubject(subject, user.user)));
  }
  return tests;
}

/** Kyverno: pkg/utils/match/subjects.go. */
function matchesSubject(subject: Json, { username, groups }: UserInfo): boolean {
  const name = stringAt(subject, "name");
  switch (stringAt(subject, "kind")) {
    case "ServiceAccount":
      return matchesWildcard(`system:serviceaccount:${stringAt(subject, "namespace")}:${name}`, username);
    case "Group":
      return groups.some((group) => matchesWildcard(name, group));
    case "User":
      return matchesWildcard(name, username);
    default:
      return false;
  }
}

// ── reading

export function listOf(tree: Json, field: string): readonly Json[] {
  const value = valueAt(tree, field);
  return Array.isArray(value) ? value : [];
}

export function strings(tree: Json, field: string): readonly string[] {
  return listOf(tree, field).filter((item) => typeof item === "string");
}
