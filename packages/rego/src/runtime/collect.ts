// What rules and comprehensions gather, with the conflicts that can arise. A complete rule may give one value only; when
// it gives another, the rest of its definitions still runs, so that the error can list every value with its place.
// OPA: v1/topdown/conflicts.go, v1/topdown/eval.go evalVirtualPartial.reduce, v1/topdown/errors.go.

import type { Span } from "@portcullis/lang";
import { RegoError } from "../program.ts";
import { compareStrings } from "./compare.ts";
import { format } from "./format.ts";
import { type Draft, assign, insert } from "./objects.ts";
import { RegoObject, RegoSet, type Value, equals } from "./value.ts";

export function placeOf(span: Span): { readonly file: string; readonly line: number } {
  return { file: span.source.name, line: span.source.position(span.start).line };
}

/** OPA: v1/topdown/errors.go objectDocKeyConflictErr. */
export function keyConflict(span: Span): RegoError {
  return new RegoError("eval_conflict_error", "object keys must be unique", placeOf(span));
}

/** Adds a key to an object being made; throws when it is there with another value. */
export function put(draft: Draft, key: Value, value: Value, span: Span): Draft {
  const result = insert(draft, key, value);
  if (result === null) throw keyConflict(span);
  return result;
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

/** `what` is `rule data.a.p` or `function data.a.f`. */
export function conflictError(conflicts: Conflicts, what: string): RegoError {
  const suffix = what.startsWith("function ") ? " for the same inputs" : "";
  const lines = conflicts.values
    .map(({ value, span }) => ({ value, place: placeOf(span), column: span.source.position(span.start).column }))
    .toSorted(
      (a, b) => compareStrings(a.place.file, b.place.file) || a.place.line - b.place.line || a.column - b.column,
    )
    .map(({ value, place }) => `\n  ${shorten(format(value))} at ${place.file}:${place.line}`);
  const rest = conflicts.more ? "\n  ..." : "";
  const message = `${what} produced conflicting values${suffix}:${lines.join("")}${rest}`;
  return new RegoError("eval_conflict_error", message, placeOf(conflicts.span));
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
  /** Paths that have a value or members, by length. */
  readonly #filled = new Map<number, RegoSet>();

  /** Puts a value at a path; throws where a rule made something else there. */
  value(path: readonly Value[], value: Value, span: Span): void {
    this.#visit(path, span);
    const level = this.#levelAt(path, span);
    const key = path.at(-1) as Value;
    const known = level.get(key);
    if (known === undefined) level.set(key, value);
    else if (!equals(this.#finished(known), value)) throw keyConflict(span);
  }

  /** Adds a member to the set at a path. */
  member(path: readonly Value[], value: Value, span: Span): void {
    this.#visit(path, span);
    const level = this.#levelAt(path, span);
    const key = path.at(-1) as Value;
    const known = level.get(key);
    if (known === undefined) level.set(key, RegoSet.of([value]));
    else if (known instanceof RegoSet) known.add(value);
    else throw keyConflict(span);
  }

  finish(): Value {
    return this.#finished(this.#root);
  }

  /** A path below one that a rule has already given a value cannot be filled. */
  #visit(path: readonly Value[], span: Span): void {
    for (const [length, paths] of this.#filled) {
      if (length < path.length && paths.has(path.slice(0, length))) throw keyConflict(span);
    }
    const paths = this.#filled.get(path.length) ?? new RegoSet();
    this.#filled.set(path.length, paths.add(path));
  }

  #levelAt(path: readonly Value[], span: Span): RegoObject {
    let level = this.#root;
    for (const key of path.slice(0, -1)) {
      const known = level.get(key);
      if (known === undefined) {
        const next = this.#newLevel();
        level.set(key, next);
        level = next;
      } else if (known instanceof RegoObject && this.#levels.has(known)) {
        level = known;
      } else {
        throw keyConflict(span);
      }
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
