// `applyTo` says which kinds a mutator changes, because its location says something about their schema: groups, versions
// and kinds without globs, and the operations, which are CREATE and UPDATE unless it says otherwise. One entry has to
// hold for both. Where nobody asked (gator, expansion) only entries for all operations hold.
// Gatekeeper: pkg/mutation/match/apply_to.go, pkg/mutation/mutators/core/mutator.go.

import { quote } from "@portcullis/lang/go";
import type { Gvk, Json, Operation } from "../../engine/request.ts";
import { listAt, stringsAt } from "../tree.ts";

export interface ApplyTo {
  readonly groups: readonly string[];
  readonly versions: readonly string[];
  readonly kinds: readonly string[];
  /** Without `*`; empty: all. */
  readonly operations: readonly string[];
}

export function readApplyTo(spec: Json): readonly ApplyTo[] {
  return listAt(spec, "applyTo").map((entry) => ({
    groups: stringsAt(entry, "groups"),
    versions: stringsAt(entry, "versions"),
    kinds: stringsAt(entry, "kinds"),
    operations: stringsAt(entry, "operations"),
  }));
}

const supported = ["CREATE", "UPDATE"] as const;

/** Gatekeeper's text where the entries cannot be used. `mutator` is `Assign mutator name`. */
export function applyToProblem(entries: readonly ApplyTo[], mutator: string): string | null {
  const isPartial = ({ groups, versions, kinds }: ApplyTo): boolean =>
    groups.length === 0 || versions.length === 0 || kinds.length === 0;
  if (entries.some(isPartial)) {
    return `invalid applyTo for ${mutator}, all of group, version and kind must be specified`;
  }
  const problems = entries.flatMap(({ operations }, at) => operationProblems(operations, at));
  if (problems.length > 0) return `invalid applyTo for ${mutator}: ${problems.join("; ")}`;
  return entries.length === 0 ? `applyTo required for ${mutator}` : null;
}

function operationProblems(operations: readonly string[], at: number): readonly string[] {
  const place = `applyTo[${at}].operations`;
  const problems = operations.flatMap((operation, index) => {
    const found: string[] = [];
    if (operations.indexOf(operation) < index) found.push(`duplicate operation ${quote(operation)} in ${place}`);
    if (operation !== "*" && !isSupported(operation)) {
      found.push(`invalid operation ${quote(operation)} in ${place}: must be one of CREATE, UPDATE, *`);
    }
    return found;
  });
  if (!operations.includes("*") || operations.length === 1) return problems;
  return [...problems, `wildcard "*" in ${place} must not be combined with other operations`];
}

function isSupported(operation: string): boolean {
  return supported.some((one) => one === operation);
}

export function appliesTo(entries: readonly ApplyTo[], gvk: Gvk, operation: Operation | null): boolean {
  return entries.some(
    (entry) =>
      entry.kinds.includes(gvk.kind) &&
      entry.groups.includes(gvk.group) &&
      entry.versions.includes(gvk.version) &&
      (operation === null
        ? operationsOf(entry).length === supported.length
        : operationsOf(entry).some((one) => one === operation)),
  );
}

function operationsOf({ operations }: ApplyTo): readonly string[] {
  if (operations.length === 0 || operations.includes("*")) return supported;
  return supported.filter((one) => operations.includes(one));
}

/** Every kind with every operation, as keys: where mutators share one, their locations have to agree. */
export function bindingsOf(entries: readonly ApplyTo[]): readonly string[] {
  const keys = new Set<string>();
  for (const entry of entries) {
    for (const group of entry.groups) {
      for (const version of entry.versions) {
        for (const kind of entry.kinds) {
          for (const operation of operationsOf(entry)) keys.add(`${group}/${version} ${kind} ${operation}`);
        }
      }
    }
  }
  return [...keys];
}
