// `gator expand`, and the expansion that `gator test` and `gator verify` do: every object is mutated and then expanded with
// the templates and mutators among the objects. What a cluster would only say in a status (a mutator that cannot be used,
// a conflict, a cycle) ends gator's run, at the first object with such a problem in the order of the input.
// Gatekeeper: pkg/gator/expand/expand.go, cmd/gator/expand/expand.go.

import { gvkOf, nameOf, namespaceOf, stringAt } from "@portcullis/kube";
import type { Evaluation, EvaluationRequest, Json } from "../../engine/request.ts";
import { type Expansion, ExpansionError, cyclic, expandObject, expansionOf } from "../expansion/expand.ts";
import { cycleText, impliedRequest, mutationRequest } from "../expansion/link.ts";
import { type ExpansionTemplate, type ExpansionUnit, expansionGroup, readExpansion } from "../expansion/read.ts";
import { MutationError } from "../mutation/change.ts";
import { findConflicts } from "../mutation/conflicts.ts";
import { type Mutator, type MutatorUnit, mutationGroup, readMutator } from "../mutation/read.ts";
import { expansionStruct, mutatorStructs } from "./structs.ts";
import { isMutatorKind } from "../mutation/schema.ts";
import { type Mutating, linkMutators, mutateObject } from "../mutation/stage.ts";
import { convertError } from "./convert.ts";
import { type GatorOptions, noCatalog, plainRequest } from "./policies.ts";
import { gatorWorld } from "./world.ts";

export interface Expander {
  /** What an object becomes, and what it will make; or gator's error. */
  expand(object: Json, evaluation: Evaluation): Expanded | { readonly error: string };
}

interface Expanded {
  /** The object after its own mutators: gator reviews it as it was, and shows it as it is. */
  readonly object: Json;
  readonly resultants: readonly ExpandedObject[];
}

interface ExpandedObject {
  readonly object: Json;
  readonly request: EvaluationRequest;
}

/** The expander of the templates and mutators among some objects, or gator's error. */
export function expanderOf(objects: readonly Json[]): Expander | { readonly error: string } {
  const mutators: MutatorUnit[] = [];
  const templates: ExpansionUnit[] = [];
  for (const object of objects) {
    const problem = addPolicy(object, mutators, templates);
    if (problem !== null) return { error: `error parsing resources: ${problem}` };
  }
  const error = templateError(templates) ?? conflictError(mutators);
  if (error !== null) return { error };
  // A later mutator or template takes the place of one with its name.
  const last = new Map(mutators.map((unit) => [keyOf(unit), unit]));
  const { system } = linkMutators([...last.values()], { profile: "gator", annotations: false, numbers: "float64" });
  const named = new Map(
    templates.flatMap(({ name, template }) => (template === null ? [] : [[name, template] as const])),
  );
  const expansion = expansionOf([...named.values()]);
  return { expand: (object, evaluation) => expand(object, evaluation, { system, expansion }) };
}

/** Takes a mutator or a template, or says what is wrong with the mutator. */
function addPolicy(object: Json, mutators: MutatorUnit[], templates: ExpansionUnit[]): string | null {
  const { group, kind } = gvkOf(object);
  if (group === mutationGroup && isMutatorKind(kind)) {
    const wrong = convertError(object, mutatorStructs[kind]);
    if (wrong !== null) return wrong;
    const { unit } = readMutator(object, { file: "" }, { externalData: true });
    const problem = unit?.build("gator").problem ?? null;
    if (unit !== null && problem === null) mutators.push(unit);
    return problem?.text ?? null;
  }
  if (group === expansionGroup && kind === "ExpansionTemplate") {
    const wrong = convertError(object, expansionStruct);
    if (wrong !== null) return wrong;
    const { unit } = readExpansion(object, { file: "" });
    if (unit !== null) templates.push(unit);
  }
  return null;
}

function templateError(units: readonly ExpansionUnit[]): string | null {
  const taken = new Map<string, ExpansionTemplate>();
  for (const { name, template, problem } of units) {
    if (template !== null) taken.set(name, template);
    const wrong = problem ?? (cyclic([...taken.values()]).size > 0 ? cycleText : null);
    if (wrong !== null) return `error upserting template ${name}: ${wrong}`;
  }
  return null;
}

function conflictError(units: readonly MutatorUnit[]): string | null {
  const taken = new Map<string, Mutator>();
  for (const unit of units) {
    const { mutator } = unit.build("gator");
    if (mutator === null) continue;
    taken.set(keyOf(unit), mutator);
    const text = findConflicts([...taken.values()]).texts.get(mutator);
    if (text !== undefined) return `error upserting mutator: ${text}`;
  }
  return null;
}

function keyOf({ kind, name }: MutatorUnit): string {
  return `${kind}//${name}`;
}

interface Expansions {
  readonly system: Mutating | null;
  readonly expansion: Expansion;
}

function expand(
  object: Json,
  evaluation: Evaluation,
  { system, expansion }: Expansions,
): Expanded | { readonly error: string } {
  const request = plainRequest(object);
  const mutate = (one: EvaluationRequest): Json =>
    system === null ? one.object : mutateObject(system, one, evaluation).object;
  try {
    const base = mutate(request);
    return { object: base, resultants: resultantsOf(base, expansion, mutate) };
  } catch (error) {
    if (error instanceof MutationError) {
      return { error: `error mutating base resource ${nameOf(object)}: ${error.message}` };
    }
    if (error instanceof ExpansionError) {
      return { error: `error expanding resource ${nameOf(object)}: ${error.message}` };
    }
    throw error;
  }
}

function resultantsOf(
  object: Json,
  expansion: Expansion,
  mutate: (request: EvaluationRequest) => Json,
): readonly ExpandedObject[] {
  const request = plainRequest(object);
  const resultants = expandObject(object, gvkOf(object), {
    expansion,
    namespace: namespaceOf(object),
    numbers: "float64",
    mutate: (one) => mutate(mutationRequest(request, one)),
  });
  return resultants.map((resultant) => ({ object: resultant.object, request: impliedRequest(request, resultant) }));
}

// ── the command

/** What `gator expand` prints: all that the objects will make, by name, apiVersion and kind downwards. */
export function gatorExpand(
  objects: readonly Json[],
  options: GatorOptions,
): { readonly objects: readonly Json[] } | { readonly error: string } {
  const expander = expanderOf(objects);
  if ("error" in expander) return expander;
  const world = gatorWorld(objects, options.world);
  const made: Json[] = [];
  for (const object of objects) {
    const evaluation: Evaluation = { world, budget: options.budget(), catalog: noCatalog, shared: new Map() };
    const expanded = expander.expand(object, evaluation);
    if ("error" in expanded) return expanded;
    made.push(...expanded.resultants.map((resultant) => resultant.object));
  }
  return { objects: made.toSorted((a, b) => descending(sortKey(a), sortKey(b))) };
}

function sortKey(object: Json): string {
  return nameOf(object) + stringAt(object, "apiVersion") + stringAt(object, "kind");
}

function descending(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? 1 : -1;
}
