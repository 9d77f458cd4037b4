// One JMESPath query of a policy, compiled when the policy is read. A query that does not parse is kept with its error,
// because Kyverno says so only when a request reaches it. Queries that variables put together at run time (`{{ a.{{b}} }}`)
// are compiled through a bounded memory of recent ones.
//
// Kyverno decides by the text of a query which context entries to load before it runs: a name counts when it stands at a
// word's start and not behind a dot, even inside a literal. Kyverno: pkg/engine/context/{evaluate,deferred}.go.

import type { Budget, World } from "@portcullis/lang";
import {
  type Expression,
  SearchError,
  compile,
  kyvernoDialect,
  makeKyvernoDialect,
} from "@portcullis/jmespath/kyverno";
import type { Json } from "../engine/request.ts";
import { Failure } from "./failure.ts";

export interface Query {
  /** As in the policy, white space included. */
  readonly text: string;
  /** What hinders compiling it; null when nothing does. */
  readonly problem: string | null;
  /** Whether a context entry of this name has to be loaded first. */
  mentions(name: string): boolean;
  /** The value that the query finds. Throws Failure with JMESPath's own text, LimitError, Suspend. */
  search(data: Json, context: QueryContext): Json;
  /** The same, where a missing key is an answer and not a failure. */
  find(data: Json, context: QueryContext): { readonly value: Json } | "missing";
}

export interface QueryContext {
  readonly world: World;
  readonly budget: Budget;
  /** Kyverno's answer where ours deviates: `length()` of a filter on an absent list is an error. */
  readonly peerAnswers?: boolean;
}

const peerDialect = makeKyvernoDialect({ absentFilterLength: "error" });

/** How many queries of policies are remembered, and how long they may be. */
const sharedMax = 4096;

const shared = new Map<string, Query>();

/**
 * Compiles a query of a policy. The same text is one query wherever it stands: a policy is checked before it is used, its
 * rules are made again for controllers, and policies ask the same things.
 */
export function compileQuery(text: string): Query {
  const known = shared.get(text);
  if (known !== undefined) return known;
  const query = makeQuery(text);
  if (text.length > sharedMax) return query;
  if (shared.size >= sharedMax) shared.clear();
  shared.set(text, query);
  return query;
}

function makeQuery(text: string): Query {
  const { value: expression, diagnostics } = compile(text.trim(), kyvernoDialect);
  const problem = expression === null ? (diagnostics[0]?.message ?? "invalid query") : null;
  const mentioned = new Map<string, boolean>();
  let strict: Expression | null = null;
  const found = (data: Json, context: QueryContext): Found => {
    if (expression === null) throw new Failure(problem ?? "");
    if (context.peerAnswers !== true) return expression.search(data, context);
    strict ??= compile(text.trim(), peerDialect).value ?? expression;
    return strict.search(data, context);
  };
  return {
    text,
    problem,
    mentions: (name) => {
      if (!text.includes(name)) return false;
      let known = mentioned.get(name);
      if (known === undefined) {
        known = mentionPattern(name).test(text);
        mentioned.set(name, known);
      }
      return known;
    },
    search: (data, context) => valueOf(found(data, context)),
    find: (data, context) => {
      const value = found(data, context);
      return isMissing(value) ? "missing" : { value: valueOf(value) };
    },
  };
}

type Found = ReturnType<Expression["search"]>;

function isMissing(found: Found): boolean {
  return found instanceof SearchError && found.kind === "not-found";
}

function valueOf(found: Found): Json {
  if (found instanceof SearchError) throw new Failure(found.message, isMissing(found));
  return found;
}

/** Go's `\b` and classes are ASCII; a name is no pattern, though Kyverno reads it as one. */
function mentionPattern(name: string): RegExp {
  return new RegExp(`(?:^|$|\\s|[^.0-9A-Za-z])${escaped(name)}\\b`);
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}

// ── queries made at run time

/** How many queries that were put together at run time are remembered. */
const remembered = 512;

const recent = new Map<string, Query>();

/** Compiles a query that exists only since its variables have values. Longer texts than a policy would write are not remembered. */
export function compileDynamicQuery(text: string): Query {
  const known = recent.get(text);
  if (known !== undefined) return known;
  const query = makeQuery(text);
  if (text.length > 4096) return query;
  if (recent.size >= remembered) recent.clear();
  recent.set(text, query);
  return query;
}
