// Whether an object has the shape that a pattern draws. The walk follows the pattern; at every map the anchors decide
// first whether the rest applies. Three things come back from a node: nothing (it matches), a skip (a condition does not
// hold, so the pattern does not apply here) or a failure with the path that messages name. A list of maps applies its
// first pattern to every element and is skipped only when all elements are.
//
// Most nodes match, so that paths and texts are made only of a miss: a place is a chain of steps, and functions that make
// the closures of texts are kept apart from those that walk, which would otherwise pay for the closures at every node.
//
// Kyverno tells skips from failures by searching the texts of nested errors for its own phrases, so that an object with
// such a phrase in a value turns its own failure into a skip. Here the kind of an outcome is a field, and no text counts.
// Behaviour from Kyverno pkg/engine/validate/validate.go and pkg/engine/anchor/{handlers,anchormap,error}.go.

import { LimitError } from "@portcullis/lang";
import type { Entry, ListPattern, MapPattern, Pattern, ScalarPattern } from "./compile.ts";
import { type Numbers, goText, goType, isMap } from "./govalue.ts";
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
  const walk: Walk = { options, present: null };
  const miss = visit(resource, pattern, walk, root);
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
  /** Anchors that were met, and whether the object had their key anywhere; null before the first. */
  present: Map<string, boolean> | null;
}

interface Place {
  readonly above: Place | null;
  readonly step: string | number;
  readonly depth: number;
}

const root: Place = { above: null, step: "", depth: 0 };

/** Begins and ends with a slash. */
function pathOf({ above, step }: Place): string {
  return above === null ? "/" : `${pathOf(above)}${step}/`;
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

function below(above: Place, step: string | number): Place {
  return { above, step, depth: above.depth + 1 };
}

function visit(value: unknown, pattern: Pattern, walk: Walk, place: Place): Miss | null {
  const { budget } = walk.options;
  budget.step();
  if (place.depth > budget.depthMax) throw new LimitError("depth");
  if (pattern.kind === "scalar") return visitScalar(value, pattern, walk, place);
  if (pattern.kind === "list") {
    return Array.isArray(value) ? visitList(value, pattern, walk, place) : noList(pathOf(place));
  }
  if (!isMap(value)) return noMap(value, walk, pathOf(place));
  if (pattern.tracked.length > 0) noteAnchors(value, pattern, walk);
  return visitMap(value, fitMetadata(pattern, value, budget), walk, place);
}

function noList(path: string): Miss {
  return mismatch(
    path,
    () => `validation rule failed at path ${path}, resource does not satisfy the expected overlay pattern`,
  );
}

function noMap(value: unknown, { options }: Walk, path: string): Miss {
  return mismatch(
    path,
    () =>
      `pattern and resource have different structures. Path: ${path}. ` +
      `Expected map[string]interface {}, found ${goType(value, options.numbers)}`,
  );
}

/** Every element of a list has to pass a scalar's test. */
function visitScalar(value: unknown, pattern: ScalarPattern, walk: Walk, place: Place): Miss | null {
  const { options } = walk;
  const passes = Array.isArray(value) ? eachPasses(value, pattern, options) : pattern.test(value, options);
  return passes ? null : differentScalar(value, pattern, options, pathOf(place));
}

function eachPasses(list: readonly unknown[], { test }: ScalarPattern, options: MatchOptions): boolean {
  return list.every((item) => test(item, options));
}

function differentScalar(value: unknown, pattern: ScalarPattern, options: MatchOptions, path: string): Miss {
  const { numbers, patternNumbers, budget } = options;
  const shown = (what: unknown, read: Numbers): string => goText(what, read, budget);
  return mismatch(path, () => {
    const wanted = shown(pattern.raw, patternNumbers ?? numbers);
    return `resource value '${shown(value, numbers)}' does not match '${wanted}' at path ${path}`;
  });
}

// ── maps

type Tree = Readonly<Record<string, unknown>>;

function visitMap(value: Tree, pattern: MapPattern, walk: Walk, place: Place): Miss | null {
  let skips: Miss[] | null = null;
  let applied = 0;
  // A condition of this very map that does not hold silences failures of the anchors after it.
  let conditionFailed = false;
  for (const entry of pattern.anchors) {
    const miss = visitAnchor(value, entry, walk, place);
    if (miss === null) applied++;
    else if (isSkip(miss)) {
      (skips ??= []).push(miss);
      if (miss.kind !== "skipped") conditionFailed = true;
    } else if (!conditionFailed) return miss;
  }
  if (skips !== null && (conditionFailed || applied === 0)) return skipped(pathOf(place), skips);
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
  return notFound(pathOf(place), name);
}

function notFound(path: string, name: string): Miss {
  return mismatch(path, () => `${path}/${name} not found`);
}

function visitAnchor(value: Tree, { anchor, pattern }: Entry, walk: Walk, place: Place): Miss | null {
  if (anchor === null) return null;
  const { mark, key } = anchor;
  if (!Object.hasOwn(value, key)) return mark === "" ? unmet(pathOf(below(place, key)), noKey) : null;
  const inner = below(place, key);
  if (mark === "X") return forbidden(pathOf(inner));
  if (mark === "^") return visitExistence(value[key], pattern, walk, inner);
  const miss = visit(value[key], pattern, walk, inner);
  if (miss === null || mark === "=") return miss;
  return mark === "<" ? unmetGlobally(miss) : unmet(miss.path, miss.text);
}

function noKey(): string {
  return "conditional anchor key doesn't exist in the resource";
}

function unmet(path: string, why: () => string): Miss {
  return { kind: "conditional", path, text: () => `conditional anchor mismatch: ${why()}` };
}

function unmetGlobally({ path, text }: Miss): Miss {
  return { kind: "global", path, text: () => `global anchor mismatch: ${text()}` };
}

function forbidden(path: string): Miss {
  return { kind: "negation", path, text: () => `negation anchor matched in resource: ${path} is not allowed` };
}

/** Each pattern of the list has to match at least one element. */
function visitExistence(value: unknown, pattern: Pattern, walk: Walk, place: Place): Miss | null {
  const { numbers, patternNumbers } = walk.options;
  const path = pathOf(place);
  if (!Array.isArray(value)) {
    return mismatch(
      path,
      () =>
        `invalid resource type ${goType(value, numbers)}: ` +
        "Existence ^ () anchor can be used only on list/array type resource",
    );
  }
  const wrong = (wanted: string) => (): string =>
    `invalid pattern type ${goType(pattern.raw, patternNumbers ?? numbers)}: Pattern has to be ${wanted}`;
  if (pattern.kind !== "list") return mismatch(path, wrong("of list to compare against resource"));
  for (const item of pattern.items) {
    if (item.kind !== "map") return mismatch(path, wrong("of type map to compare against items in resource"));
    const found = value.some((element, index) => visit(element, item, walk, below(place, index)) === null);
    if (!found) return mismatch(path, () => `existence anchor validation failed at path ${path}`);
  }
  return null;
}

/** Remembers for each anchor whether its key was there, in whatever map. Kyverno: AnchorMap.CheckAnchorInResource. */
function noteAnchors(value: Tree, { tracked }: MapPattern, walk: Walk): void {
  const present = (walk.present ??= new Map<string, boolean>());
  for (const { name, anchor } of tracked) {
    if (anchor !== null && present.get(name) !== true) present.set(name, Object.hasOwn(value, anchor.key));
  }
}

/** Kyverno: AnchorMap.KeysAreMissing. What a negation forbids is meant to be missing. */
function lacksKeys({ present }: Walk): boolean {
  if (present === null) return false;
  for (const [name, isThere] of present) {
    if (!isThere && !name.trimStart().startsWith("X")) return true;
  }
  return false;
}

// ── lists

function visitList(value: readonly unknown[], pattern: ListPattern, walk: Walk, place: Place): Miss | null {
  const [first] = pattern.items;
  if (first === undefined) return mismatch(pathOf(place), () => "pattern Array empty");
  if (first.kind === "scalar") return visit(value, first, walk, { ...place, depth: place.depth + 1 });
  if (first.kind === "map") return visitElements(value, pattern.items, walk, place);
  if (value.length < pattern.items.length) return tooShort(value.length, pattern.items.length);
  return visitElements(value.slice(0, pattern.items.length), pattern.items, walk, place);
}

function tooShort(length: number, wanted: number): Miss {
  const text =
    `validate Array failed, array length mismatch, resource Array len is ${length} ` +
    `and pattern Array len is ${wanted}`;
  return mismatch("", () => text);
}

/** A map is the pattern of all elements; other patterns are for one each. */
function visitElements(value: readonly unknown[], patterns: readonly Pattern[], walk: Walk, place: Place): Miss | null {
  const [first] = patterns;
  let skips: Miss[] | null = null;
  for (let index = 0; index < value.length; index++) {
    const pattern = (first?.kind === "map" ? first : patterns[index]) as Pattern;
    const miss = visit(value[index], pattern, walk, below(place, index));
    if (miss === null) continue;
    if (!isSkip(miss)) return miss;
    (skips ??= []).push(miss);
  }
  return skips !== null && skips.length === value.length ? skipped(pathOf(place), skips) : null;
}
