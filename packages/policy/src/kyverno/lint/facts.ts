// What a Kyverno policy is about: the fields that its patterns name and its conditions look at, those that its Pod
// Security level checks, and the paths that its patches write. Fields that only choose objects (preconditions, conditional
// anchors) are not decided about.

import { isObject, nameOf, namespaceOf, stringAt, valueAt } from "@portcullis/kube";
import type { FieldFact, PolicyFacts } from "../../engine/overlap.ts";
import type { PolicySource } from "../../engine/policyset.ts";
import type { Json } from "../../engine/request.ts";
import { listOf, strings } from "../match/filter.ts";
import { parseKindSelector, scopeKinds } from "../match/kinds.ts";
import { anchorOf } from "../pattern/anchor.ts";
import { containsWildcard } from "../pattern/wildcard.ts";
import { type Names, fieldsOfQuery } from "./fields.ts";
import { type Steps, queriesIn } from "./queries.ts";
import { standardFields } from "./standards.ts";

/** The facts of a ClusterPolicy or Policy, one for each of its rules. */
export function policyFacts({ object, locate }: PolicySource): readonly PolicyFacts[] {
  const kind = stringAt(object, "kind");
  if (kind !== "ClusterPolicy" && kind !== "Policy") return [];
  const policy = kind === "Policy" ? `${kind} ${namespaceOf(object)}/${nameOf(object)}` : `${kind} ${nameOf(object)}`;
  return listOf(valueAt(object, "spec"), "rules").map((rule, at): PolicyFacts => {
    const place = (path: Steps): FieldFact["span"] =>
      locate?.(["spec", "rules", at, ...path]) ?? locate?.(["spec", "rules", at]) ?? null;
    const placed = (found: readonly Found[]): readonly FieldFact[] =>
      found.map(({ path, at: steps }) => ({ path, span: place(steps) }));
    const filters = filtersOf(rule);
    return {
      policy,
      kinds: kindsOf(filters),
      namespaces: kind === "Policy" ? [namespaceOf(object)] : namespacesOf(filters),
      decides: placed(decisionsOf(rule)),
      writes: placed(writesOf(rule)),
    };
  });
}

/** A field and the place below the rule that names it. */
interface Found {
  readonly path: string;
  readonly at: Steps;
}

// ── what is matched

function filtersOf(rule: Json): readonly Json[] {
  const match = valueAt(rule, "match");
  const filters = [match, ...listOf(match, "any"), ...listOf(match, "all")];
  return filters.map((filter) => valueAt(filter, "resources")).filter(isObject);
}

function kindsOf(filters: readonly Json[]): readonly string[] | null {
  const named = filters.flatMap((filter) => strings(filter, "kinds"));
  return named.length === 0 ? null : scopeKinds(named.map((kind) => parseKindSelector(kind)));
}

function namespacesOf(filters: readonly Json[]): readonly string[] | null {
  const lists = filters.map((filter) => strings(filter, "namespaces"));
  const isOpen = lists.length === 0 || lists.some((list) => list.length === 0 || list.some(containsWildcard));
  return isOpen ? null : lists.flat();
}

// ── what is decided

function decisionsOf(rule: Json): readonly Found[] {
  const validate = valueAt(rule, "validate");
  if (!isObject(validate)) return [];
  const level = stringAt(validate, "podSecurity", "level");
  const standards = standardFields(level).map((path) => ({ path, at: ["validate", "podSecurity"] }));
  return [...standards, ...checkFields(validate, { at: ["validate"], names: namesOf(rule, new Map()), base: "" })];
}

interface Checked {
  readonly at: Steps;
  readonly names: Names;
  /** What patterns are laid over: "" for the object. */
  readonly base: string;
}

function checkFields(check: Json, { at, names, base }: Checked): readonly Found[] {
  const patterns = [
    ...patternFields(valueAt(check, "pattern"), base, [...at, "pattern"]),
    ...listOf(check, "anyPattern").flatMap((pattern, index) =>
      patternFields(pattern, base, [...at, "anyPattern", index]),
    ),
  ];
  const conditions = queriesIn(valueAt(check, "deny"), [...at, "deny"]).flatMap(({ text, path }) =>
    fieldsOfQuery(text, names).fields.map((field) => ({ path: field, at: path })),
  );
  const loops = listOf(check, "foreach").flatMap((loop, index) => {
    const [element = ""] = fieldsOfQuery(stringAt(loop, "list"), names).values;
    const inner = namesOf(loop, new Map([...names, ["element", [`${element.replace(/\[\]$/, "")}[]`]]]));
    const below = element.startsWith("request.object.") ? `${element.slice("request.object.".length)}[]` : null;
    return checkFields(loop, { at: [...at, "foreach", index], names: inner, base: below ?? "?" });
  });
  return [...patterns, ...conditions, ...loops];
}

/** What the variables of a context stand for, where they are parts of the object. */
function namesOf(tree: Json, outer: Names): Names {
  const names = new Map(outer);
  for (const entry of listOf(tree, "context")) {
    const variable = valueAt(entry, "variable");
    const [first] = queriesIn(valueAt(variable, "value"));
    const own = stringAt(variable, "jmesPath");
    const query = first === undefined ? own : own === "" ? first.text : `${first.text} | ${own}`;
    names.set(stringAt(entry, "name"), query === "" ? [] : fieldsOfQuery(query, names).values);
  }
  return names;
}

/** The leaves of a pattern; below an unknown list (`?`) there is nothing to compare with. */
function patternFields(pattern: Json, base: string, at: Steps): readonly Found[] {
  if (base.startsWith("?") || pattern === undefined) return [];
  if (Array.isArray(pattern)) {
    return pattern.flatMap((item: Json, index) => patternFields(item, `${base}[]`, [...at, index]));
  }
  if (!isObject(pattern) || Object.keys(pattern).length === 0) return [{ path: base, at }];
  return Object.keys(pattern).flatMap((name) => {
    const anchor = anchorOf(name);
    if (anchor !== null && (anchor.mark === "" || anchor.mark === "<")) return [];
    const key = anchor?.key ?? name;
    return containsWildcard(key) ? [] : patternFields(pattern[name], joined(base, key), [...at, name]);
  });
}

function joined(base: string, key: string): string {
  return base === "" ? key : `${base}.${key}`;
}

// ── what is written

function writesOf(rule: Json): readonly Found[] {
  const mutate = valueAt(rule, "mutate");
  // What is written to other objects is no part of the one that is matched.
  if (!isObject(mutate) || listOf(mutate, "targets").length > 0) return [];
  return patchFields(mutate, ["mutate"]);
}

function patchFields(mutate: Json, at: Steps): readonly Found[] {
  const patch = valueAt(mutate, "patchStrategicMerge");
  const operations = stringAt(mutate, "patchesJson6902");
  return [
    ...(patch === undefined ? [] : patchedFields(patch, "", [...at, "patchStrategicMerge"])),
    ...[...operations.matchAll(/^[ \t]*(?:-[ \t]+)?"?path"?:[ \t]*["']?(\/[^"'\n]*)/gm)].map(([, path = ""]) => ({
      path: pointerField(path.trim()),
      at: [...at, "patchesJson6902"],
    })),
    ...listOf(mutate, "foreach").flatMap((loop, index) => patchFields(loop, [...at, "foreach", index])),
  ];
}

function patchedFields(patch: Json, base: string, at: Steps): readonly Found[] {
  if (Array.isArray(patch)) {
    const isLeaf = !patch.some(isObject);
    return isLeaf
      ? [{ path: base, at }]
      : patch.flatMap((item: Json, index) => patchedFields(item, `${base}[]`, [...at, index]));
  }
  if (!isObject(patch)) return [{ path: base, at }];
  return Object.keys(patch).flatMap((name) => {
    const anchor = anchorOf(name);
    // Conditions and the keys of list elements choose; they are not written.
    if (anchor !== null && anchor.mark !== "+") return [];
    if (anchor === null && name === "name" && base.endsWith("[]")) return [];
    return patchedFields(patch[name], joined(base, anchor?.key ?? name), [...at, name]);
  });
}

/** `/spec/containers/{{elementIndex}}/image`: indexes, variables and `-` are items. */
function pointerField(pointer: string): string {
  return pointer
    .replaceAll(/\{\{[^{}]*\}\}/g, "0")
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce((base, step) => (/^(?:\d+|-)$/.test(step) ? `${base}[]` : joined(base, step)), "")
    .replace(/\[\]$/, "");
}
