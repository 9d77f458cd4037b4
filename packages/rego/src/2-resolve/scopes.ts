// The variables of the scopes around a place: what each is called now, how it came into the scope, how often it was
// seen. OPA: v1/ast/compile.go localDeclaredVars.

import type { Names } from "../names.ts";

/** How a variable came into its scope. */
export type Occurrence = "argument" | "seen" | "assigned" | "declared";

interface Scope {
  readonly renamed: Map<string, string>;
  readonly occurrence: Map<string, Occurrence>;
}

export interface Scopes {
  /** Innermost last. */
  readonly stack: Scope[];
  readonly names: Names;
}

export function newScopes(names: Names, start?: Scopes): Scopes {
  const scope: Scope = { renamed: new Map(), occurrence: new Map() };
  for (const outer of start?.stack ?? []) {
    for (const [name, renamed] of outer.renamed) scope.renamed.set(name, renamed);
    for (const [name, how] of outer.occurrence) scope.occurrence.set(name, how);
  }
  return { stack: [scope], names };
}

/** Runs in a scope of its own. */
export function inScope<T>(scopes: Scopes, run: () => T): T {
  scopes.stack.push({ renamed: new Map(), occurrence: new Map() });
  try {
    return run();
  } finally {
    scopes.stack.pop();
  }
}

export function insert(scopes: Scopes, name: string, renamed: string, how: Occurrence): void {
  const scope = innermost(scopes);
  scope.renamed.set(name, renamed);
  scope.occurrence.set(name, how);
  if (name !== renamed) scopes.names.written.set(renamed, name);
}

/** What a variable is called now, wherever around it was declared. */
export function renamedTo(scopes: Scopes, name: string): string | undefined {
  return scopes.stack.findLast((scope) => scope.renamed.has(name))?.renamed.get(name);
}

/** In the innermost scope. */
export function occurrenceHere(scopes: Scopes, name: string): Occurrence | undefined {
  return innermost(scopes).occurrence.get(name);
}

/** Whether the innermost scope gave the variable a name of its own. */
export function declaredHere(scopes: Scopes, name: string): boolean {
  const renamed = innermost(scopes).renamed.get(name);
  return renamed !== undefined && renamed !== name;
}

/** In the innermost scope that knows the variable. */
export function anyOccurrence(scopes: Scopes, name: string): Occurrence | undefined {
  return scopes.stack.findLast((scope) => scope.occurrence.has(name))?.occurrence.get(name);
}

export function innermost(scopes: Scopes): Scope {
  return scopes.stack.at(-1) as Scope;
}

/** A fresh name for a declared variable, or why it may not be declared here. OPA: rewriteDeclaredVar. */
export function declare(scopes: Scopes, name: string, how: Occurrence): { readonly error: string } | string {
  const before = occurrenceHere(scopes, name);
  if (before !== undefined) return { error: redeclared[before].replace("%", () => name) };
  const fresh = scopes.names.fresh();
  insert(scopes, name, fresh, how);
  return fresh;
}

const redeclared: { readonly [K in Occurrence]: string } = {
  argument: "arg % redeclared",
  seen: "var % referenced above",
  assigned: "var % assigned above",
  declared: "var % declared above",
};
