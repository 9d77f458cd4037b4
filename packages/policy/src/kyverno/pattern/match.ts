// Whether an object has the shape that a pattern draws. The walk follows the pattern; at every map the anchors decide
// first whether the rest applies. Three things come back from a node: nothing (it matches), a skip (a condition does not
// hold, so the pattern does not apply here) or a failure with the path that messages name. A list of maps applies its
// first pattern to every element and is skipped only when all elements are.
//
// Kyverno tells skips from failures by searching the texts of nested errors for its own phrases, so that an object with
// such a phrase in a value turns its own failure into a skip. Here the kind of an outcome is a field, and no text counts.
// Behaviour from Kyverno pkg/engine/validate/validate.go and pkg/engine/anchor/{handlers,anchormap,error}.go.

import { LimitError } from "@portcullis/lang";
import type { Entry, ListPattern, MapPattern, Pattern } from "./compile.ts";
import { goText, goType, isMap } from "./govalue.ts";
import { fitMetadata } from "./labels.ts";
import type { ScalarOptions } from "./scalar.ts";

/** `path` is empty where Kyverno cannot name one; it then reports an execution error with `message`. */
export type PatternResult =
  | { readonly result: "match" }
  | { readonly result: "skip"; readonly message: string }
  | { readonly result: "fail"; readonly path: string; readonly message: string };

export type MatchOptions = ScalarOptions;

const match: PatternResult = { result: "match" };

/** Kyverno: validate.MatchPattern. Throws LimitError. */
export function matchCompiled(resource: unknown, pattern: Pattern, options: MatchOptions): PatternResult {
  const walk: Walk = { options, present: new Map() };
  const miss = visit(resource, pattern, walk, { path: "/", depth: 0 });
  if (miss === null) return match;
  if (miss.kind !== "negation" && miss.kind !== "mismatch") return { result: "skip", message: miss.text() };
  const path = miss.kind === "negation" || !lacksKeys(walk) ? miss.path : "";
  return { result: "fail", path, message: miss.text() };
}

/** Why a node does not match. Texts are made only when somebody reads them. */
interface Miss {
  /** `conditional` and `global` come straight from an anchor, `skipped` joins those of a map or list. */
  readonly kind: "conditional" | "global" | "negation" | "skipped" | "mismatch";
  readonly path: string;
  readonly text: () => string;
}

interface Walk {
  readonly options: MatchOptions;
  /** Anchors that were met, and whether the object had their key anywhere. */
  readonly present: Map<string, boolean>;
}

interface Place {
  /** Ends with a slash. */
  readonly path: string;
  readonly depth: number;
}

function isSkip(miss: Miss): boolean {
  return miss.kind !== "negation" && miss.kind !== "mismatch";
}

function mismatch(path: string, text: () => string): Miss {
  return { kind: "mismatch", path, text };
}

function skipped(path: string, skips: readonly Miss[]): Miss {
  return { kind: "skipped", path, text: () => skips.map((skip) => skip.text()).join("; ") };
}

function below({ path, depth }: Place, step: string | number): Place {
  return { path: `${path}${step}/`, depth: depth + 1 };
}

function visit(value: unknown, pattern: Pattern, walk: Walk, place: Place): Miss | null {
  const { budget } = walk.options;
  budget.step();
  if (place.depth > budget.depthMax) throw new LimitError("depth");
  if (pattern.kind === "scalar") return visitScalar(value, pattern, walk, place.path);
  if (pattern.kind === "list") {
    if (Array.isArray(value)) return visitList(value, pattern, walk, place);
    const text = `validation rule failed at path ${place.path}, resource does not satisfy the expected overlay pattern`;
    return mismatch(place.path, () => text);
  }
  if (!isMap(value)) {
    return mismatch(
      place.path,
      () =>
        `pattern and resource have different structures. Path: ${place.path}. ` +
        `Expected map[string]interface {}, found ${goType(value, walk.options.numbers)}`,
    );
  }
  noteAnchors(value, pattern, walk);
  return visitMap(value, fitMetadata(pattern, value, budget), walk, place);
}

/** Every element of a list has to pass a scalar's test. */
function visitScalar(value: unknown, pattern: Pattern & { kind: "scalar" }, walk: Walk, path: string): Miss | null {
  const { options } = walk;
  const passes = Array.isArray(value)
    ? value.every((item) => pattern.test(item, options))
    : pattern.test(value, options);
  if (passes) return null;
  const shown = (what: unknown): string => goText(what, options.numbers, options.budget);
  return mismatch(
    path,
    () => `resource value '${shown(value)}' does not match '${shown(pattern.raw)}' at path ${path}`,
  );
}

// ── maps

type Tree = Readonly<Record<string, unknown>>;

function visitMap(value: Tree, pattern: MapPattern, walk: Walk, place: Place): Miss | null {
  const skips: Miss[] = [];
  let applied = 0;
  // A condition of this very map that does not hold silences failures of the anchors after it.
  let conditionFailed = false;
  for (const entry of pattern.anchors) {
    const miss = visitAnchor(value, entry, walk, place);
    if (miss === null) applied++;
    else if (isSkip(miss)) {
      skips.push(miss);
      if (miss.kind !== "skipped") conditionFailed = true;
    } else if (!conditionFailed) return miss;
  }
  if (conditionFailed || (skips.length > 0 && applied === 0)) return skipped(place.path, skips);
  for (const entry of pattern.plain) {
    const miss =
      entry.anchor?.mark === "<" ? visitAnchor(value, entry, walk, place) : visitKey(value, entry, walk, place);
    if (miss !== null) return miss;
  }
  return null;
}

function visitKey(value: Tree, { name, pattern }: Entry, walk: Walk, place: Place): Miss | null {
  const inside = Object.hasOwn(value, name) ? value[name] : null;
  if (pattern.raw !== "*") return visit(inside, pattern, walk, below(place, name));
  if (inside !== null && inside !== undefined) return null;
  return mismatch(place.path, () => `${place.path}/${name} not found`);
}

function visitAnchor(value: Tree, { anchor, pattern }: Entry, walk: Walk, place: Place): Miss | null {
  if (anchor === null) return null;
  const { mark, key } = anchor;
  const inner = below(place, key);
  const { path } = inner;
  if (!Object.hasOwn(value, key)) {
    if (mark !== "") return null;
    const text = "conditional anchor mismatch: conditional anchor key doesn't exist in the resource";
    return { kind: "conditional", path, text: () => text };
  }
  if (mark === "X")
    return { kind: "negation", path, text: () => `negation anchor matched in resource: ${path} is not allowed` };
  if (mark === "^") return visitExistence(value[key], pattern, walk, inner);
  const miss = visit(value[key], pattern, walk, inner);
  if (miss === null || mark === "=") return miss;
  if (mark === "<") return { kind: "global", path: miss.path, text: () => `global anchor mismatch: ${miss.text()}` };
  return { kind: "conditional", path: miss.path, text: () => `conditional anchor mismatch: ${miss.text()}` };
}

/** Each pattern of the list has to match at least one element. */
function visitExistence(value: unknown, pattern: Pattern, walk: Walk, place: Place): Miss | null {
  const { numbers } = walk.options;
  const { path } = place;
  if (!Array.isArray(value)) {
    return mismatch(
      path,
      () =>
        `invalid resource type ${goType(value, numbers)}: ` +
        "Existence ^ () anchor can be used only on list/array type resource",
    );
  }
  const wrong = (wanted: string) => (): string =>
    `invalid pattern type ${goType(pattern.raw, numbers)}: Pattern has to be ${wanted}`;
  if (pattern.kind !== "list") return mismatch(path, wrong("of list to compare against resource"));
  for (const item of pattern.items) {
    if (item.kind !== "map") return mismatch(path, wrong("of type map to compare against items in resource"));
    const found = value.some((element, index) => visit(element, item, walk, below(place, index)) === null);
    if (!found) return mismatch(path, () => `existence anchor validation failed at path ${path}`);
  }
  return null;
}

/** Remembers for each anchor whether its key was there, in whatever map. Kyverno: AnchorMap.CheckAnchorInResource. */
function noteAnchors(value: Tree, { tracked }: MapPattern, { present }: Walk): void {
  for (const { name, anchor } of tracked) {
    if (anchor !== null && present.get(name) !== true) present.set(name, Object.hasOwn(value, anchor.key));
  }
}

/** Kyverno: AnchorMap.KeysAreMissing. What a negation forbids is meant to be missing. */
function lacksKeys({ present }: Walk): boolean {
  for (const [name, isThere] of present) {
    if (!isThere && !name.trimStart().startsWith("X")) return true;
  }
  return false;
}

// ── lists

function visitList(value: readonly unknown[], pattern: ListPattern, walk: Walk, place: Place): Miss | null {
  const [first] = pattern.items;
  if (first === undefined) return mismatch(place.path, () => "pattern Array empty");
  if (first.kind === "scalar") return visit(value, first, walk, { ...place, depth: place.depth + 1 });
  if (first.kind === "map") return visitElements(value, () => first, walk, place);
  if (value.length < pattern.items.length) {
    const text =
      `validate Array failed, array length mismatch, resource Array len is ${value.length} ` +
      `and pattern Array len is ${pattern.items.length}`;
    return mismatch("", () => text);
  }
  return visitElements(value.slice(0, pattern.items.length), (index) => pattern.items[index] as Pattern, walk, place);
}

function visitElements(
  value: readonly unknown[],
  patternAt: (index: number) => Pattern,
  walk: Walk,
  place: Place,
): Miss | null {
  const skips: Miss[] = [];
  for (const [index, element] of value.entries()) {
    const miss = visit(element, patternAt(index), walk, below(place, index));
    if (miss === null) continue;
    if (!isSkip(miss)) return miss;
    skips.push(miss);
  }
  return skips.length > 0 && skips.length === value.length ? skipped(place.path, skips) : null;
}
