// What Gatekeeper policies are about: a constraint decides about the fields that its template looks at, a mutator writes
// its location.

import { gvkOf, nameOf, stringAt, valueAt } from "@portcullis/kube";
import type { PolicyFacts } from "../../engine/overlap.ts";
import type { PolicySource } from "../../engine/policyset.ts";
import { compileMatch, compileObjectMatch } from "../constraint/match.ts";
import { readApplyTo } from "../mutation/applyto.ts";
import { type Location, parseLocation } from "../mutation/location.ts";
import { stringsAt } from "../tree.ts";
import type { TemplateFacts } from "./facts.ts";

/** A constraint's facts; none without a template, or when its match cannot be read. */
export function constraintFacts(source: PolicySource, template: TemplateFacts | null): readonly PolicyFacts[] {
  const { object, locate } = source;
  const matcher = compileMatch(object);
  if (template === null || typeof matcher === "string") return [];
  const span = locate?.(["metadata", "name"]) ?? null;
  return [
    {
      policy: `${gvkOf(object).kind} ${nameOf(object)}`,
      kinds: matcher.kinds,
      namespaces: namespacesOf(source),
      decides: template.fields.map((path) => ({ path, span })),
      writes: [],
    },
  ];
}

/** A mutator's facts; none when its location cannot be read. */
export function mutatorFacts(source: PolicySource): readonly PolicyFacts[] {
  const { object, locate } = source;
  const spec = valueAt(object, "spec");
  const location = parseLocation(stringAt(spec, "location"));
  if ("error" in location || location.length === 0) return [];
  const applyTo = valueAt(spec, "applyTo") === undefined ? null : readApplyTo(spec);
  const kinds = applyTo?.flatMap(({ groups, kinds: names }) =>
    groups.flatMap((group) => names.map((name) => `${group}/${name}`)),
  );
  const span = locate?.(["spec", "location"]) ?? locate?.(["metadata", "name"]) ?? null;
  return [
    {
      policy: `${gvkOf(object).kind} ${nameOf(object)}`,
      kinds: kinds ?? compileObjectMatch(valueAt(spec, "match")).kinds,
      namespaces: namespacesOf(source),
      decides: [],
      writes: [{ path: pathOf(location), span }],
    },
  ];
}

function namespacesOf({ object }: PolicySource): readonly string[] | null {
  const names = stringsAt(valueAt(object, "spec", "match"), "namespaces");
  return names.length === 0 || names.some((name) => name.includes("*")) ? null : names;
}

function pathOf(location: Location): string {
  return location.reduce((path, step) => {
    if (step.kind === "element") return `${path}[]`;
    return path === "" ? step.name : `${path}.${step.name}`;
  }, "");
}
