// The JMESPath queries of a policy with their places: variables in any text below a rule, and the fields that are queries
// as they stand (`list`, `jmesPath`).

import { isObject } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import { findVariables } from "../template.ts";

export type Steps = readonly (string | number)[];

export interface PlacedQuery {
  readonly text: string;
  /** Of the text that holds it, below the tree that was searched. */
  readonly path: Steps;
  /** Offsets in that text. */
  readonly start: number;
  readonly end: number;
}

/** All queries in a tree. */
export function queriesIn(tree: Json, path: Steps = []): readonly PlacedQuery[] {
  if (typeof tree === "string") return isQueryField(path.at(-1)) ? [wholeQuery(tree, path)] : queriesInText(tree, path);
  if (Array.isArray(tree)) return tree.flatMap((item: Json, at) => queriesIn(item, [...path, at]));
  if (!isObject(tree)) return [];
  return Object.keys(tree).flatMap((key) => [...queriesInText(key, path), ...queriesIn(tree[key], [...path, key])]);
}

function isQueryField(key: string | number | undefined): boolean {
  return key === "list" || key === "jmesPath";
}

function wholeQuery(text: string, path: Steps): PlacedQuery {
  return { text, path, start: 0, end: text.length };
}

/** Variables in a text; those that other variables build are not known yet. */
function queriesInText(text: string, path: Steps): readonly PlacedQuery[] {
  let from = 0;
  return findVariables(text).flatMap((found): readonly PlacedQuery[] => {
    const at = text.indexOf(found, from);
    from = at + found.length;
    const open = found.startsWith("{{") ? 2 : 3;
    const inner = found.slice(open, -2).replace(/^-/, " ");
    if (inner.includes("{{")) return [];
    const lead = inner.length - inner.trimStart().length;
    const start = at + open + lead;
    const query = inner.trim();
    return [{ text: query, path, start, end: start + query.length }];
  });
}
