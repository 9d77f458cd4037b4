// A tree of a policy (a pattern, a message, a condition's key, a patch) with `{{ }}` variables in its strings and keys,
// compiled when the policy is read. What has no variable is kept as it is and given out as it is. A string that is one
// variable takes its typed value; in any other string the variable's text is put in, a value that is no string as JSON.
// The text that comes out is looked through again, so that variables can build variables; `{{- x }}` ends that after one
// round. `\{{` stands for `{{`. Values that come out as trees are looked through too.
// Kyverno: pkg/engine/variables/vars.go substituteVars, pkg/engine/jsonutils/traverse.go.

import { GoInteger } from "@portcullis/jmespath/kyverno";
import { byCodePoints, goJson, isObject } from "@portcullis/kube";
import type { Json } from "../engine/request.ts";
import { Failure, failureOf } from "./failure.ts";
import { jmesPathOf } from "./pointer.ts";
import { type Query, compileDynamicQuery, compileQuery } from "./query.ts";
import { pathBelow, resolveReferences } from "./references.ts";
import { type Scope, jsonSize } from "./scope.ts";

export interface Template {
  /** Whether nothing in it depends on a request. */
  readonly isStatic: boolean;
  /** The tree with variables resolved. Throws Failure with Kyverno's text, Suspend, LimitError. */
  evaluate(scope: Scope): Json;
}

/**
 * Compiles a tree. `at` is the path that errors name as the root: "" for nearly everything, since Kyverno substitutes
 * patterns, keys and messages on their own; mutate rules are substituted as parts of the whole rule.
 */
export function compileTemplate(tree: Json, at = ""): Template {
  let document: Json;
  try {
    document = resolveReferences(tree);
  } catch (error) {
    const { message, missingKey } = failureOf(error);
    return {
      isStatic: false,
      evaluate: () => {
        throw new Failure(message, missingKey);
      },
    };
  }
  const part = compilePart(document, at, compileQuery);
  return part.value === null
    ? { isStatic: false, evaluate: (scope) => part.evaluate(scope) }
    : { isStatic: true, evaluate: () => part.value?.json };
}

/** How many texts that were put together at run time are remembered. */
const remembered = 512;

const recent = new Map<string, Template>();

/** Compiles a text that is known only when a rule has run: a message with those of its conditions. */
export function compileDynamicTemplate(text: string): Template {
  const known = recent.get(text);
  if (known !== undefined) return known;
  const template = compileTemplate(text);
  if (recent.size >= remembered) recent.clear();
  recent.set(text, template);
  return template;
}

// ── trees

interface Part {
  /** The value of what has no variables. */
  readonly value: { readonly json: Json } | null;
  evaluate(scope: Scope): Json;
}

type Compile = (text: string) => Query;

function constant(json: Json): Part {
  return { value: { json }, evaluate: () => json };
}

function compilePart(tree: Json, path: string, compile: Compile): Part {
  if (!mayHoldVariables(tree)) return constant(tree);
  if (typeof tree === "string") return compileText(tree, path, compile);
  if (Array.isArray(tree)) return compileList(tree, path, compile);
  return isObject(tree) ? compileObject(tree, path, compile) : constant(tree);
}

function compileList(list: readonly Json[], path: string, compile: Compile): Part {
  const parts = list.map((item, at) => compilePart(item, `${path}/${at}`, compile));
  if (parts.every((part) => part.value !== null)) return constant(parts.map((part) => part.value?.json));
  return { value: null, evaluate: (scope) => parts.map((part) => part.evaluate(scope)) };
}

interface Member {
  readonly key: string;
  readonly keyPart: Part;
  readonly part: Part;
}

function compileObject(object: Readonly<Record<string, Json>>, path: string, compile: Compile): Part {
  const members = Object.keys(object).map((key): Member => {
    const below = pathBelow(path, key);
    return { key, keyPart: compileText(key, path, compile), part: compilePart(object[key], below, compile) };
  });
  if (members.every(({ keyPart, part }) => keyPart.value !== null && part.value !== null)) {
    return constant(Object.fromEntries(members.map(({ keyPart, part }) => [keyPart.value?.json, part.value?.json])));
  }
  // Go visits members in any order; errors are told apart by it, so that here they are met in the order of the keys.
  const ordered = members.toSorted((a, b) => byCodePoints(a.key, b.key));
  return { value: null, evaluate: (scope) => evaluateMembers(ordered, scope) };
}

function evaluateMembers(members: readonly Member[], scope: Scope): Json {
  const entries = members.map(({ key, keyPart, part }): readonly [string, Json] => {
    const newKey = keyPart.evaluate(scope) ?? key;
    if (typeof newKey !== "string") {
      throw new Failure(`expected string after substituting variables in key "${key}"`);
    }
    return [newKey, part.evaluate(scope)];
  });
  return Object.fromEntries(entries);
}

// ── strings

const variablePattern = /(?:^|[^\\])\{\{(?:\{[^{}]*\}|[^{}])*\}\}/gu;

/** `{{`, and one brace level inside, as Kyverno's pattern has it. */
export function findVariables(text: string): readonly string[] {
  return text.includes("{{") ? (text.match(variablePattern) ?? []) : [];
}

/** The text with each of its variables replaced, all at once. */
export function replaceVariables(text: string, by: string): string {
  return text.replace(variablePattern, (found) => (found.startsWith("{{") ? "" : found.slice(0, 1)) + by);
}

/** One variable in a string. */
interface Occurrence {
  /** The character before the braces; "" at the start. */
  readonly before: string;
  /** With its braces. */
  readonly text: string;
  readonly shallow: boolean;
  /** What it asks for; while an object is deleted, `request.object` is asked of the old one. */
  query(scope: Scope): Query;
}

function compileText(text: string, path: string, compile: Compile): Part {
  const found = findVariables(text);
  if (found.length === 0) return constant(unescaped(text));
  const occurrences = found.map((one) => compileOccurrence(one, path, compile));
  const [only] = occurrences;
  if (only !== undefined && only.text === text) {
    return { value: null, evaluate: (scope) => whole(only, scope, path) };
  }
  return { value: null, evaluate: (scope) => substitute({ text, occurrences, path }, scope) };
}

function compileOccurrence(found: string, path: string, compile: Compile): Occurrence {
  const [first = ""] = found;
  const initial = found.startsWith("{{");
  const text = initial ? found : found.slice(first.length);
  const bare = text.replaceAll("{{", "").replaceAll("}}", "").trim();
  const shallow = bare.startsWith("-");
  const expression = shallow ? bare.slice(1).trim() : bare;
  return { before: initial ? "" : first, text, shallow, query: queryOf(expression, path, compile) };
}

function queryOf(expression: string, path: string, compile: Compile): (scope: Scope) => Query {
  const live = compileBoth(expression === "@" ? jmesPathOf(path, "request.object") : expression, compile);
  if (expression !== "@") return live;
  const target = compileBoth(jmesPathOf(path, "target"), compile);
  return (scope) => (scope.has("target") ? target : live)(scope);
}

/** The query as written; while an object is deleted, the one about the old object, which few policies ever need. */
function compileBoth(expression: string, compile: Compile): (scope: Scope) => Query {
  const plain = compile(expression);
  let deleted: Query | null = null;
  return (scope) => {
    if (scope.operation !== "DELETE") return plain;
    deleted ??= compile(expression.replaceAll("request.object", "request.oldObject"));
    return deleted;
  };
}

function resolve(occurrence: Occurrence, scope: Scope, path: string): Json {
  const query = occurrence.query(scope);
  try {
    const value = scope.query(query);
    return value instanceof GoInteger ? value.value : value;
  } catch (error) {
    const failure = failureOf(error);
    throw new Failure(`failed to resolve ${query.text} at path ${path}: ${failure.message}`, failure.missingKey);
  }
}

/** The typed value of a string that is one variable; a tree is looked through for variables of its own. */
function whole(occurrence: Occurrence, scope: Scope, path: string): Json {
  const value = resolve(occurrence, scope, path);
  if (typeof value !== "object" || value === null || !mayHoldVariables(value)) return value;
  scope.evaluation.budget.output(jsonSize(value));
  return compilePart(value, path, compileDynamicQuery).evaluate(scope);
}

/** Whether something in a tree may be a variable, or be escaped as one. */
export function mayHoldVariables(tree: Json): boolean {
  if (typeof tree === "string") return tree.includes("{{");
  if (Array.isArray(tree)) return tree.some(mayHoldVariables);
  if (!isObject(tree)) return false;
  // A loop: this looks at every tree several times, and a function would be made for each object in it.
  for (const key of Object.keys(tree)) if (key.includes("{{") || mayHoldVariables(tree[key])) return true;
  return false;
}

interface Round {
  readonly text: string;
  readonly occurrences: readonly Occurrence[];
  readonly path: string;
}

function substitute(first: Round, scope: Scope): Json {
  const { path } = first;
  let round = first;
  for (let count = 0; count < roundsMax; count++) {
    let { text } = round;
    let shallow = false;
    for (const occurrence of round.occurrences) {
      if (occurrence.text === round.text) return whole(occurrence, scope, path);
      const value = resolve(occurrence, scope, path);
      const { before } = occurrence;
      ({ shallow } = occurrence);
      const replacement = before + textOf(value, shallow);
      text = text.replace(before + occurrence.text, () => replacement);
      // A text that makes ever longer texts is stopped by its budget.
      scope.evaluation.budget.output(text.length);
    }
    const found = shallow ? [] : findVariables(text);
    if (found.length === 0) return unescaped(text);
    round = { text, occurrences: found.map((one) => compileOccurrence(one, path, compileDynamicQuery)), path };
  }
  throw new Failure(`failed to resolve ${first.text} at path ${path}: its variables make variables without end`);
}

/** Variables that build variables go a few rounds; a value that holds its own variable goes on for ever, as in Kyverno. */
const roundsMax = 64;

function textOf(value: Json, shallow: boolean): string {
  const text = typeof value === "string" ? value : goJson(value ?? null);
  return shallow && typeof value === "string" ? text.replaceAll("{{", "\\{{") : text;
}

function unescaped(text: string): string {
  return text.includes("\\{{") ? text.replaceAll("\\{{", "{{") : text;
}
