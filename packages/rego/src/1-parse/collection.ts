// Arrays, sets, objects and their comprehensions, and the lists of terms that calls have too. `[x | y]` could be a
// comprehension or an array with a union in it; the comprehension wins where it parses, so each reader first takes one
// plain term and looks at what follows. OPA: parseArray, parseSetOrObject, parseSet, parseObject, parseObjectFinish.

import { spanOf, type Span } from "@portcullis/lang";
import type { Term } from "../ast.ts";
import type { TokenKind } from "./lexer.ts";
import { advance, type Parser, type Place, unexpected } from "./state.ts";

type Entry = readonly [key: Term, value: Term];

/** At `[`; the place is then at `]`. */
export function array(p: Parser): Term | null {
  const { start } = p.place.token;
  advance(p);
  if (at(p, "]")) return { kind: "array", items: [], span: spanToHere(p, start) };
  const mayComprehend = !skipComma(p);
  const saved = p.place;
  const head = p.grammar.term(p);
  if (head === null) return null;
  if (at(p, "or") && mayComprehend) {
    advance(p);
    const body = p.grammar.body(p, "]");
    if (body !== null) return { kind: "array-comprehension", term: head, body, span: spanToHere(p, start) };
    if (!at(p, ",")) return null;
    p.place = saved;
  }
  const items = restOfList(p, { end: "]", head, saved });
  return items === null ? null : { kind: "array", items, span: spanToHere(p, start) };
}

interface ListStart {
  readonly end: TokenKind;
  readonly head: Term;
  /** The place of the head. */
  readonly saved: Place;
}

/** The list whose first term was read; read again with operators unless the list ends or goes on right after it. */
function restOfList(p: Parser, { end, head, saved }: ListStart): Term[] | null {
  if (p.place !== saved && at(p, end)) return [head];
  if (p.place !== saved && at(p, ",")) {
    advance(p);
    return termList(p, end, [head]);
  }
  p.place = saved;
  return termList(p, end, []);
}

/** At `{`; the place is then at `}`. */
export function setOrObject(p: Parser): Term | null {
  const { start } = p.place.token;
  advance(p);
  if (at(p, "}")) return { kind: "object", entries: [], span: spanToHere(p, start) };
  const mayComprehend = !skipComma(p);
  const saved = p.place;
  const plain = p.grammar.term(p);
  if (plain === null) return null;
  if (at(p, ":")) return object(p, { start, key: plain, mayComprehend });
  if (at(p, "or") && mayComprehend) return setComprehension(p, { start, head: plain, saved });
  if (at(p, "}") || at(p, ",")) return set(p, { start, head: plain, saved });
  p.place = saved;
  const head = p.grammar.element(p);
  if (head === null) return null;
  if (at(p, ":")) return object(p, { start, key: head, mayComprehend });
  if (at(p, "}") || at(p, ",")) return set(p, { start, head, saved });
  unexpected(p, "non-terminated set");
  return null;
}

interface SetStart {
  readonly start: number;
  readonly head: Term;
  readonly saved: Place;
}

function set(p: Parser, { start, head, saved }: SetStart): Term | null {
  const items = restOfList(p, { end: "}", head, saved });
  return items === null ? null : { kind: "set", items, span: spanToHere(p, start) };
}

/** At the `|` after the first term: a comprehension, or a set whose first element is a union. */
function setComprehension(p: Parser, { start, head, saved }: SetStart): Term | null {
  advance(p);
  const body = p.grammar.body(p, "}");
  if (body !== null) return { kind: "set-comprehension", term: head, body, span: spanToHere(p, start) };
  if (!at(p, ",")) return null;
  p.place = saved;
  return set(p, { start, head, saved });
}

interface ObjectStart {
  readonly start: number;
  readonly key: Term;
  readonly mayComprehend: boolean;
}

/** At the `:` after the first key. */
function object(p: Parser, { start, key, mayComprehend }: ObjectStart): Term | null {
  advance(p);
  const saved = p.place;
  const plain = p.grammar.term(p);
  if (plain === null) return null;
  if (mayComprehend && (at(p, "}") || at(p, ","))) {
    const made = plainObject(p, start, [key, plain]);
    if (made !== null || p.options.opa !== "1.17") return made;
    // OPA 1.17 goes back here, and forgets what was wrong behind it.
    p.place = saved;
    unexpected(p, "non-terminated object");
    return null;
  }
  if (mayComprehend && at(p, "or")) {
    advance(p);
    const body = p.grammar.body(p, "}");
    if (body !== null) return { kind: "object-comprehension", key, value: plain, body, span: spanToHere(p, start) };
  }
  p.place = saved;
  const value = p.grammar.element(p);
  if (value === null) return null;
  if (at(p, "}") || at(p, ",")) return plainObject(p, start, [key, value]);
  unexpected(p, "non-terminated object");
  return null;
}

/** After the first value. */
function plainObject(p: Parser, start: number, first: Entry): Term | null {
  const entries: Entry[] = [first];
  while (at(p, ",")) {
    advance(p);
    if (at(p, "}")) break;
    const entry = pair(p);
    if (entry === null) return null;
    entries.push(entry);
  }
  return { kind: "object", entries, span: spanToHere(p, start) };
}

/** `key: value`, which a comma or the end of the object must follow. */
function pair(p: Parser): Entry | null {
  const key = p.grammar.element(p);
  if (key === null) return null;
  if (!at(p, ":")) {
    unexpected(p, 'expected ":"');
    return null;
  }
  advance(p);
  const value = p.grammar.element(p);
  if (value === null) return null;
  if (!at(p, "}") && !at(p, ",")) {
    unexpected(p, 'expected "," or "}"');
    return null;
  }
  return [key, value];
}

/** Terms with commas between, up to `end`, after those that were read before. A comma may stand before the end. */
export function termList(p: Parser, end: TokenKind, first: readonly Term[]): Term[] | null {
  const items = [...first];
  if (at(p, end)) return items;
  for (;;) {
    const term = p.grammar.element(p);
    if (term === null) return null;
    items.push(term);
    if (at(p, end)) return items;
    if (!at(p, ",")) {
      unexpected(p, `expected "," or "${end}"`);
      return null;
    }
    advance(p);
    if (at(p, end)) return items;
  }
}

/** `[, x]` is legal; OPA keeps it for old texts. */
function skipComma(p: Parser): boolean {
  if (!at(p, ",")) return false;
  advance(p);
  return true;
}

function at(p: Parser, kind: TokenKind): boolean {
  return p.place.kind === kind;
}

/** From an offset to the end of the current token. */
function spanToHere(p: Parser, start: number): Span {
  return spanOf(p.source, start, p.place.token.end);
}
