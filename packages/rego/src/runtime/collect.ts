// What rules and comprehensions gather, with the conflicts that can arise. A complete rule may give one value only; when
// it gives another, the rest of its definitions still runs, so that the error can list every value with its place.
// OPA: v1/topdown/conflicts.go, v1/topdown/eval.go evalVirtualPartial.reduce, v1/topdown/errors.go.

import type { Span } from "@portcullis/lang";
import { RegoError } from "../program.ts";
import { compareStrings } from "./compare.ts";
import { format } from "./format.ts";
import { get } from "./lookup.ts";
import { type Draft, assign, insert } from "./objects.ts";
import { RegoObject, RegoSet, type Value, equals } from "./value.ts";

export function placeOf(span: Span): { readonly file: string; readonly line: number } {
  return { file: span.source.name, line: span.source.position(span.start).line };
}

/** OPA: v1/topdown/errors.go objectDocKeyConflictErr. */
function keyConflict(span: Span): RegoError {
  return new RegoError("eval_conflict_error", "object keys must be unique", placeOf(span));
}

/** Adds a key to an object being made; throws when it is there with another value. */
export function put(draft: Draft, key: Value, value: Value, span: Span): Draft {
  const result = insert(draft, key, value);
  if (result === null) throw keyConflict(span);
  return result;
}

// ── partial rules

/**
 * An object of which some keys were given two values. Reading it as a whole, or one of those keys, is an error; OPA does
 * not evaluate the other keys when a rule is read at one key, so reading those is none.
 */
export class Conflicted {
  readonly object: Draft;
  readonly keys: RegoSet;
  readonly error: RegoError;

  constructor(object: Draft, keys: RegoSet, error: RegoError) {
    this.object = object;
    this.keys = keys;
    this.error = error;
  }
}

/** Adds a key to a partial object; a conflict stays with the key. */
export function contribute(draft: Draft | Conflicted, key: Value, value: Value, span: Span): Draft | Conflicted {
  const object = draft instanceof Conflicted ? draft.object : draft;
  const result = insert(object, key, value);
  if (result === null) return conflicted(draft, key, span);
  return draft instanceof Conflicted ? new Conflicted(result, draft.keys, draft.error) : result;
}

function conflicted(draft: Draft | Conflicted, key: Value, span: Span): Conflicted {
  if (!(draft instanceof Conflicted)) return new Conflicted(draft, RegoSet.of([key]), keyConflict(span));
  draft.keys.add(key);
  return draft;
}

/** The whole of a partial object. */
export function whole(value: Value | Conflicted): Value {
  if (value instanceof Conflicted) throw value.error;
  return value;
}

/** One key of a partial object. */
export function keyOf(value: Value | Conflicted, key: Value): Value | undefined {
  if (!(value instanceof Conflicted)) return get(value, key);
  if (value.keys.has(key)) throw value.error;
  return get(value.object, key);
}

// ── complete rules

/** OPA lists at most this many values. */
const conflictMax = 10;

/** The values that a complete rule gave, the first one first, each with its rule's place. */
export interface Conflicts {
  readonly values: { readonly value: Value; readonly span: Span }[];
  more: boolean;
  /** The rule that gave the first other value. */
  readonly span: Span;
}

/** Notes that `value` at `span` differs from the first value. */
export function conflict(known: Conflicts | null, first: Value, firstSpan: Span, value: Value, span: Span): Conflicts {
  const conflicts = known ?? { values: [{ value: first, span: firstSpan }], more: false, span };
  if (conflicts.values.length === conflictMax) conflicts.more = true;
  else conflicts.values.push({ value, span });
  return conflicts;
}

/**
 * What to throw when a definition failed with an error: the conflict that was found before, if any. A limit that is
 * reached, or a need that is missing, ends the evaluation all the same.
 */
export function afterConflict(conflicts: Conflicts | null, what: string, error: unknown): unknown {
  return conflicts !== null && error instanceof RegoError ? conflictError(conflicts, what) : error;
}

/** `what` is `rule data.a.p` or `function data.a.f`. */
export function conflictError(conflicts: Conflicts, what: string): RegoError {
  const at = { ...placeOf(conflicts.span), subject: what };
  return new RegoError("eval_conflict_error", () => conflictText(conflicts, what), at);
}

function conflictText(conflicts: Conflicts, what: string): string {
  const suffix = what.startsWith("function ") ? " for the same inputs" : "";
  const lines = conflicts.values
    .map(({ value, span }) => ({ value, place: placeOf(span), column: span.source.position(span.start).column }))
    .toSorted(
      (a, b) => compareStrings(a.place.file, b.place.file) || a.place.line - b.place.line || a.column - b.column,
    )
    .map(({ value, place }) => `\n  ${shorten(format(value))} at ${place.file}:${place.line}`);
  const rest = conflicts.more ? "\n  ..." : "";
  return `${what} produced conflicting values${suffix}:${lines.join("")}${rest}`;
}

/** OPA: v1/topdown/stacktrace.go frameText. */
function shorten(text: string): string {
  const characters = Array.from(text.trim().split(/\s+/).join(" "));
  return characters.length <= 80 ? characters.join("") : `${characters.slice(0, 80).join("")}...`;
}

// ── partial objects with nested paths

/**
 * The object that rules such as `p[x].y := 1` and `p[x].z contains y` make together. Levels made by references are kept
 * apart from values, because a value that is an object takes no further keys.
 */
export class PartialObject {
  readonly #levels = new Set<RegoObject>();
  readonly #root = this.#newLevel();
  /** Sets made of members here; a set that is a value is never written to. */
  readonly #members = new Set<RegoSet>();
  /** Paths that have a value or members, by length. */
  readonly #filled = new Map<number, RegoSet>();
  /** First keys of paths with a conflict. */
  readonly #conflicts = new RegoSet();
  #error: RegoError | null = null;

  /** Puts a value at a path. */
  value(path: readonly Value[], value: Value, span: Span): void {
    const level = this.#levelAt(path);
    const key = path.at(-1) as Value;
    const known = level?.get(key);
    if (level === null || (known !== undefined && !equals(this.#finished(known), value))) this.#conflict(path, span);
    else if (known === undefined) level.set(key, value);
  }

  /** Adds a member to the set at a path. */
  member(path: readonly Value[], value: Value, span: Span): void {
    const level = this.#levelAt(path);
    const key = path.at(-1) as Value;
    const known = level?.get(key);
    if (level === null || !(known === undefined || known instanceof RegoSet)) {
      this.#conflict(path, span);
    } else if (known !== undefined && this.#members.has(known)) {
      known.add(value);
    } else {
      const members = RegoSet.of(known ?? []).add(value);
      this.#members.add(members);
      level.set(key, members);
    }
  }

  finish(): Value | Conflicted {
    const object = this.#finished(this.#root) as Draft;
    return this.#error === null ? object : new Conflicted(object, this.#conflicts, this.#error);
  }

  #conflict(path: readonly Value[], span: Span): void {
    this.#conflicts.add(path[0] as Value);
    this.#error ??= keyConflict(span);
  }

  /** The level that holds the last key of a path; null where a rule made something else on the way. */
  #levelAt(path: readonly Value[]): RegoObject | null {
    // What has a value or members cannot be filled from below.
    for (const [length, paths] of this.#filled) {
      if (length < path.length && paths.has(path.slice(0, length))) return null;
    }
    const paths = this.#filled.get(path.length) ?? new RegoSet();
    this.#filled.set(path.length, paths.add(path));
    let level = this.#root;
    for (const key of path.slice(0, -1)) {
      const known = level.get(key);
      const next = known ?? this.#newLevel();
      if (!(next instanceof RegoObject && this.#levels.has(next))) return null;
      if (known === undefined) level.set(key, next);
      level = next;
    }
    return level;
  }

  #newLevel(): RegoObject {
    const level = new RegoObject();
    this.#levels.add(level);
    return level;
  }

  #finished(value: Value): Value {
    if (!(value instanceof RegoObject) || !this.#levels.has(value)) return value;
    let draft: Draft = {};
    for (const [key, item] of value.entries()) draft = assign(draft, key, this.#finished(item));
    return draft;
  }
}
