// Which policies a request reaches. A scope's criteria are compiled to sets once; the index then remembers, per kind,
// resource and operation that was asked about, which entries are left, so that a request costs one lookup plus one
// namespace test per candidate. The memory is bounded: requesters choose kinds, so they could fill it.

import type { EvaluationRequest } from "./request.ts";
import type { Scope } from "./policy.ts";

/** Finds the entries whose scope a request is in, in the order they were given. */
export interface ScopeIndex<Entry> {
  find(request: EvaluationRequest): readonly Entry[];
}

/** How many different (kind, resource, operation) the index remembers before it starts again. */
const remembered = 2048;

export function indexByScope<Entry extends { readonly scope: Scope }>(entries: readonly Entry[]): ScopeIndex<Entry> {
  const compiled = entries.map((entry) => ({ entry, scope: compileScope(entry.scope) }));
  const known = new Map<string, typeof compiled>();
  return {
    find(request) {
      const key = lookupKey(request);
      let candidates = known.get(key);
      if (candidates === undefined) {
        candidates = compiled.filter(({ scope }) => scope.reaches(request));
        if (known.size >= remembered) known.clear();
        known.set(key, candidates);
      }
      const found: Entry[] = [];
      for (const { entry, scope } of candidates) {
        if (scope.namespaces === null || scope.namespaces.has(request.namespace)) found.push(entry);
      }
      return found;
    },
  };
}

interface CompiledScope {
  /** Everything but the namespace. */
  readonly reaches: (request: EvaluationRequest) => boolean;
  readonly namespaces: ReadonlySet<string> | null;
}

function compileScope(scope: Scope): CompiledScope {
  const kinds = scope.kinds === undefined ? null : compileNames(scope.kinds);
  const resources = scope.resources === undefined ? null : compileNames(scope.resources);
  const operations = scope.operations === undefined ? null : new Set(scope.operations);
  return {
    reaches: ({ kind, resource, subResource, operation }) =>
      (kinds === null || (kind !== null && kinds(kind.group, kind.kind))) &&
      (resources === null ||
        (resource !== null && resources(resource.group, withSub(resource.resource, subResource)))) &&
      // Nobody asked (audit, gator): whatever the operation, the object may be matched.
      (operations === null || operation === null || operations.has(operation)),
    namespaces: scope.namespaces === undefined ? null : new Set(scope.namespaces),
  };
}

/** `group/name` with `*` for either part. */
function compileNames(names: readonly string[]): (group: string, name: string) => boolean {
  const exact = new Set(names);
  if (exact.has("*/*")) return () => true;
  return (group, name) => exact.has(`${group}/${name}`) || exact.has(`*/${name}`) || exact.has(`${group}/*`);
}

function withSub(resource: string, subResource: string): string {
  return subResource === "" ? resource : `${resource}/${subResource}`;
}

function lookupKey({ kind, resource, subResource, operation }: EvaluationRequest): string {
  const ofKind = kind === null ? "" : `${kind.group}/${kind.kind}`;
  const ofResource = resource === null ? "" : `${resource.group}/${resource.resource}`;
  return `${ofKind} ${ofResource} ${subResource} ${operation ?? ""}`;
}
