// A pattern tree compiled for matching: anchors parsed, the order of keys fixed, leaves turned into tests. A static
// pattern is compiled when its policy is read; one with variables after they are resolved.
//
// The order of a map's keys is Kyverno's, because the first error is the one that is reported: first the anchors `()`,
// `=()`, `^()` and `X()` by name, then the rest by name, where global anchors and branches that hold anchors come
// before the others, in reverse. Behaviour from Kyverno pkg/engine/validate/{validate,utils}.go.

import { LimitError } from "@portcullis/lang";
import { byCodePoints } from "@portcullis/kube";
import { type Anchor, anchorOf } from "./anchor.ts";
import { isMap } from "./govalue.ts";
import { type ScalarTest, compileScalar } from "./scalar.ts";

export type Pattern = MapPattern | ListPattern | ScalarPattern;

export interface MapPattern {
  readonly kind: "map";
  readonly raw: Readonly<Record<string, unknown>>;
  /** `()`, `=()`, `^()` and `X()`, in the order in which they are tried. */
  readonly anchors: readonly Entry[];
  /** All other keys, in the order in which they are tried. */
  readonly plain: readonly Entry[];
  /** Keys whose absence in the object turns a failure into an error, with their anchors' text. */
  readonly tracked: readonly Entry[];
  /** The key of `metadata` whose labels or annotations have to be fitted to the object. */
  readonly metadata: string | null;
}

export interface Entry {
  /** As written, with its anchor. */
  readonly name: string;
  readonly anchor: Anchor | null;
  readonly pattern: Pattern;
}

export interface ListPattern {
  readonly kind: "list";
  readonly raw: readonly unknown[];
  readonly items: readonly Pattern[];
}

export interface ScalarPattern {
  readonly kind: "scalar";
  readonly raw: unknown;
  readonly test: ScalarTest;
}

/** A pattern nested more deeply is refused. */
const depthMax = 1000;

/** Throws LimitError for a pattern that is nested too deeply. */
export function compilePattern(raw: unknown, depth = 0): Pattern {
  if (depth > depthMax) throw new LimitError("depth");
  if (Array.isArray(raw))
    return { kind: "list", raw, items: raw.map((item: unknown) => compilePattern(item, depth + 1)) };
  if (!isMap(raw)) return { kind: "scalar", raw, test: compileScalar(raw) };
  const entries = Object.keys(raw)
    .toSorted(byCodePoints)
    .map((name) => ({ name, anchor: anchorOf(name), pattern: compilePattern(raw[name], depth + 1) }));
  return {
    kind: "map",
    raw,
    anchors: entries.filter(isFirst),
    plain: inOrder(entries.filter((entry) => !isFirst(entry))),
    tracked: entries.filter(
      ({ anchor }) => anchor !== null && (anchor.mark === "" || anchor.mark === "^" || anchor.mark === "X"),
    ),
    metadata: metadataToFit(entries),
  };
}

function isFirst({ anchor }: Entry): boolean {
  return anchor !== null && anchor.mark !== "<" && anchor.mark !== "+";
}

function inOrder(entries: readonly Entry[]): readonly Entry[] {
  const isEarly = ({ anchor, pattern }: Entry): boolean => anchor?.mark === "<" || holdsAnchors(pattern);
  const early = entries.filter(isEarly);
  return [...early.toReversed(), ...entries.filter((entry) => !isEarly(entry))];
}

function holdsAnchors(pattern: Pattern): boolean {
  if (pattern.kind === "scalar") return false;
  if (pattern.kind === "list") return pattern.items.some(holdsAnchors);
  return (
    pattern.anchors.length > 0 ||
    pattern.plain.some((entry) => entry.anchor?.mark === "<" || holdsAnchors(entry.pattern))
  );
}

/** The metadata whose labels or annotations have a wildcard in a key, or a value that fitting drops. */
function metadataToFit(entries: readonly Entry[]): string | null {
  const entry = entryOf("metadata", entries);
  if (entry?.pattern.kind !== "map") return null;
  const inside = [...entry.pattern.anchors, ...entry.pattern.plain];
  const needsIt = ["labels", "annotations"].some((tag) => {
    const map = entryOf(tag, inside)?.pattern;
    return (
      map?.kind === "map" &&
      Object.entries(map.raw).some(([key, value]) => /[*?]/.test(key) || typeof value !== "string")
    );
  });
  return needsIt ? entry.name : null;
}

/** The entry of a key, be it plain or an anchor. */
function entryOf(key: string, entries: readonly Entry[]): Entry | null {
  return (
    entries.find(({ name }) => name === key) ??
    entries.find(({ anchor }) => anchor !== null && anchor.key === key) ??
    null
  );
}
