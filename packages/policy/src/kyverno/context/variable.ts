// A context variable: a value of the policy, a query over the context, or a query over a value; with a default for what
// the query does not find. A variable that comes to nothing is an error. Kyverno: pkg/engine/context/loaders/variable.go.

import { isObject, stringAt, valueAt } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import { Failure, failureOf, prefixing } from "../failure.ts";
import { type Query, compileDynamicQuery, compileQuery } from "../query.ts";
import type { ContextEntry, Scope } from "../scope.ts";
import { type Template, compileTemplate } from "../template.ts";
import { percentS } from "./gotext.ts";

interface Variable {
  readonly name: string;
  /** Null when there is none. */
  readonly path: Part | null;
  readonly value: Part | null;
  readonly fallback: Part | null;
  /** The query, when no variable is in it. */
  readonly query: Query | null;
}

/** A part as written, for messages, and compiled. */
interface Part {
  readonly written: Json;
  readonly template: Template;
}

export function variableEntry(name: string, tree: Json): ContextEntry {
  const text = stringAt(tree, "jmesPath");
  const path = text === "" ? null : part(text);
  const variable: Variable = {
    name,
    path,
    value: partAt(tree, "value"),
    fallback: partAt(tree, "default"),
    query: path !== null && path.template.isStatic ? compileQuery(text) : null,
  };
  return { name, recomputed: true, load: (scope) => load(variable, scope) };
}

function part(written: Json): Part {
  return { written, template: compileTemplate(written) };
}

function partAt(tree: Json, field: string): Part | null {
  const written = isObject(tree) ? valueAt(tree, field) : undefined;
  return written === undefined || written === null ? null : part(written);
}

function load(variable: Variable, scope: Scope): Json {
  const { name, path, value } = variable;
  const query = path === null ? null : queryOf(variable, path, scope);
  const fallback = variable.fallback === null ? null : substituted(name, variable.fallback, scope);
  let output: Json = fallback;
  if (value !== null) {
    const data = substituted(name, value, scope);
    output = query === null ? data : found(query, fallback, () => searched(query, data, scope));
  } else if (query !== null) {
    output = found(query, fallback, () => scope.query(query) ?? fallback);
  }
  if (output === null || output === undefined) {
    throw new Failure(`failed to add context entry for variable ${name} since it evaluated to nil`);
  }
  return output;
}

function substituted(name: string, { written, template }: Part, scope: Scope): Json {
  return prefixing(`failed to substitute variables in context entry ${name} ${percentS(written)}`, () =>
    template.evaluate(scope),
  );
}

function queryOf({ name, query }: Variable, path: Part, scope: Scope): Query | null {
  if (query !== null) return query;
  const text = substituted(name, path, scope);
  if (typeof text !== "string") {
    throw new Failure(`jmespath value must be a string ${name} ${percentS(path.written)}: <nil>`);
  }
  return text === "" ? null : compileDynamicQuery(text);
}

function searched(query: Query, data: Json, scope: Scope): Json {
  if (query.problem !== null) throw new Failure(`failed to compile JMESPath: ${query.text}, error: ${query.problem}`);
  return query.search(data, scope.queryContext);
}

/** What a query gives; where it fails, the default, if there is one. */
function found(query: Query, fallback: Json, run: () => Json): Json {
  try {
    return run();
  } catch (error) {
    const { message, missingKey } = failureOf(error);
    if (fallback !== null && fallback !== undefined) return fallback;
    throw new Failure(`failed to apply jmespath ${query.text} to variable <nil>: ${message}`, missingKey);
  }
}
