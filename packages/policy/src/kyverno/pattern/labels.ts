// Wildcards in the keys of a pattern's labels and annotations: `app.kubernetes.io/*: "?*"` asks about the first key of
// the object that fits. Kyverno rewrites the pattern for it, and the rewritten map keeps only values that are text.
// Where several keys fit, Kyverno takes any; here it is the first by name.
// Behaviour from Kyverno pkg/engine/wildcards ExpandInMetadata.

import type { Budget } from "@portcullis/lang";
import { byCodePoints } from "@portcullis/kube";
import { anchorOf, anchorText } from "./anchor.ts";
import { type MapPattern, compilePattern } from "./compile.ts";
import { isMap } from "./govalue.ts";
import { containsWildcard, matchesWildcard } from "./wildcard.ts";

type Tree = Readonly<Record<string, unknown>>;

/** The pattern with its metadata fitted to an object; the same pattern where nothing has to be. */
export function fitMetadata(pattern: MapPattern, resource: Tree, budget: Budget): MapPattern {
  const { metadata: name, raw } = pattern;
  if (name === null) return pattern;
  const metadata = raw[name];
  const given = own(resource, "metadata");
  if (!isMap(metadata) || !isMap(given)) return pattern;
  const fitted: Record<string, unknown> = { ...metadata };
  for (const tag of ["labels", "annotations"]) {
    const [key, wanted] = textsAt(tag, metadata);
    const [, present] = textsAt(tag, given);
    if (wanted !== null && present !== null) fitted[key] = fitKeys(wanted, [...present.keys()], budget);
  }
  const compiled = compilePattern({ ...raw, [name]: fitted });
  return compiled.kind === "map" ? { ...compiled, tracked: pattern.tracked } : pattern;
}

function own(tree: Tree, key: string): unknown {
  return Object.hasOwn(tree, key) ? tree[key] : undefined;
}

type Texts = ReadonlyMap<string, string>;

/** The key (an anchor, perhaps) and those values of the map there that are text. */
function textsAt(tag: string, tree: Tree): readonly [string, Texts | null] {
  const key = Object.hasOwn(tree, tag) ? tag : Object.keys(tree).find((name) => anchorOf(name)?.key === tag);
  const map = key === undefined ? undefined : tree[key];
  if (key === undefined || !isMap(map)) return ["", null];
  const texts = Object.entries(map).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return [key, new Map(texts.toSorted(([a], [b]) => byCodePoints(a, b)))];
}

function fitKeys(wanted: Texts, present: readonly string[], budget: Budget): Tree {
  const fitted: [string, string][] = [];
  for (const [name, value] of wanted) {
    if (!containsWildcard(name)) {
      fitted.push([name, value]);
      continue;
    }
    const anchor = anchorOf(name);
    const glob = anchor?.key ?? name;
    const key = present.find((candidate) => matchesWildcard(glob, candidate, budget)) ?? glob;
    fitted.push([anchor === null ? key : anchorText({ ...anchor, key }), value]);
  }
  return Object.fromEntries(fitted);
}
