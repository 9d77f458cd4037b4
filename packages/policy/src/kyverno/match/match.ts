// `match` and `exclude` of a rule. `any` needs one of its filters, `all` every one, and the old flat form is one filter. An
// object is matched when `match` takes it and `exclude` does not; a filter that says nothing matches nothing.
// Kyverno: pkg/engine/utils/match.go MatchesResourceDescription.

import type { Json } from "../../engine/request.ts";
import { isObject } from "@portcullis/kube";
import { type Asking, type Candidate, type Filter, compileFilter, listOf } from "./filter.ts";

export interface Match {
  /** Every filter of `match`, and how they are joined. */
  readonly filters: readonly Filter[];
  readonly usesNamespaceLabels: boolean;
  /** Whether an object is matched. Throws Suspend. */
  matches(candidate: Candidate, asking: Asking): boolean;
}

/** Compiles `match` and `exclude`; `exclude` may be undefined. */
export function compileMatch(match: Json, exclude: Json): Match {
  const included = compileGroup(match);
  const excluded = compileGroup(exclude);
  return {
    filters: included.filters,
    usesNamespaceLabels: [...included.filters, ...excluded.filters].some((filter) => filter.usesNamespaceLabels),
    matches: (candidate, asking) =>
      joined(included, includes, candidate, asking) &&
      !(excluded.filters.length > 0 && joined(excluded, excludes, candidate, asking)),
  };
}

interface Group {
  readonly filters: readonly Filter[];
  readonly how: "any" | "all";
}

function compileGroup(block: Json): Group {
  const any = listOf(block, "any");
  if (any.length > 0) return { filters: any.map((filter) => compileFilter(filter)), how: "any" };
  const all = listOf(block, "all");
  if (all.length > 0) return { filters: all.map((filter) => compileFilter(filter)), how: "all" };
  return { filters: isObject(block) ? [compileFilter(block)] : [], how: "all" };
}

type Test = (filter: Filter, candidate: Candidate, asking: Asking) => boolean;

/** Whether some of the filters take an object, or all. */
function joined({ filters, how }: Group, test: Test, candidate: Candidate, asking: Asking): boolean {
  const isAny = how === "any";
  for (const filter of filters) if (test(filter, candidate, asking) === isAny) return isAny;
  return !isAny;
}

function includes(filter: Filter, candidate: Candidate, asking: Asking): boolean {
  // Where nobody asks, what is said about users does not count.
  const users = asking.user !== null && filter.namesUsers;
  if (!filter.describes && !users) return false;
  return filter.matchesObject(candidate, asking) && (!users || filter.matchesUser(asking.user));
}

function excludes(filter: Filter, candidate: Candidate, asking: Asking): boolean {
  if (!filter.describes && !filter.namesUsers) return false;
  return filter.matchesObject(candidate, asking) && filter.matchesUser(asking.user);
}
