// The ExpansionTemplates of a set as what a decision asks: for a request, the requests about what its object will make.
// Those are asked of the same constraints, as reviews that nobody sent, with the request's operation; the mutators that
// change them see no operation. Gatekeeper: pkg/webhook/policy.go reviewRequest.

import { gvkOf, nameOf, namespaceOf } from "@portcullis/kube";
import { type Diagnostic, errorAt, hasError } from "@portcullis/lang";
import type { Linked, Profile } from "../../engine/frontend.ts";
import type { Action } from "../../engine/outcome.ts";
import type { Evaluation, EvaluationRequest, Gvk, Json } from "../../engine/request.ts";
import { unsentRequest } from "../../engine/unsent.ts";
import { type Mutating, mutateObject } from "../mutation/stage.ts";
import { asWarning } from "../template/read.ts";
import { type Expansion, ExpansionError, type Resultant, cyclic, expandObject, expansionOf } from "./expand.ts";
import type { ExpansionTemplate, ExpansionUnit } from "./read.ts";

export interface LinkedExpansion {
  /** Undefined when there are no templates. */
  readonly derive: NonNullable<Linked["derive"]> | undefined;
  /** By `ExpansionTemplate//name`. */
  readonly status: ReadonlyMap<string, readonly Diagnostic[]>;
}

export interface ExpansionOptions {
  readonly profile: Profile;
  /** What generated objects are mutated with; null: nothing. */
  readonly mutating: Mutating | null;
}

export const cycleText = "template forms expansion cycle";

export function linkExpansion(
  units: readonly ExpansionUnit[],
  { profile, mutating }: ExpansionOptions,
): LinkedExpansion {
  const status = new Map<string, readonly Diagnostic[]>();
  const unitOf = new Map<ExpansionTemplate, ExpansionUnit>();
  for (const unit of units) {
    const strict = profile === "cluster" ? unit.strict : unit.strict.map(asWarning);
    if (strict.length > 0) status.set(keyOf(unit), strict);
    if (unit.template !== null && !hasError(strict)) unitOf.set(unit.template, unit);
  }
  const templates = [...unitOf.keys()];
  const disabled = cyclic(templates);
  for (const [template, unit] of unitOf) {
    if (!disabled.has(template)) continue;
    const found = errorAt("expansion-cycle", unit.locate?.(["spec", "generatedGVK"]) ?? null, cycleText);
    status.set(keyOf(unit), [...(status.get(keyOf(unit)) ?? []), found]);
  }
  const usable = templates.filter((template) => !disabled.has(template));
  if (usable.length === 0) return { derive: undefined, status };
  const expansion = expansionOf(usable);
  return { derive: (request, evaluation) => derive(request, evaluation, { expansion, mutating }), status };
}

function keyOf({ name }: ExpansionUnit): string {
  return `ExpansionTemplate//${name}`;
}

interface Deriving {
  readonly expansion: Expansion;
  readonly mutating: Mutating | null;
}

/** Throws ExpansionError, and Suspend where a mutator needs something. */
function derive(
  request: EvaluationRequest,
  evaluation: Evaluation,
  { expansion, mutating }: Deriving,
): readonly EvaluationRequest[] {
  const { kind } = request;
  const object = request.operation === "DELETE" ? request.oldObject : request.object;
  if (kind === null || object === null || expansion.templatesFor(kind).length === 0) return [];
  const isNamespace = kind.kind === "Namespace" && kind.group === "";
  const namespace = isNamespace || request.namespace === "" ? null : request.namespace;
  try {
    const resultants = expandObject(baseOf(object, kind), kind, {
      expansion,
      namespace,
      numbers: "unstructured",
      mutate: (one) =>
        mutating === null ? one : mutateObject(mutating, mutationRequest(request, one), evaluation).object,
    });
    return resultants.map((resultant) => impliedRequest(request, resultant));
  } catch (error) {
    if (!(error instanceof ExpansionError)) throw error;
    throw new ExpansionError(`unable to expand object: ${error.message}`);
  }
}

/** The object is of the request's kind, whatever it says itself. */
function baseOf(object: Json, kind: Gvk): Json {
  const own = gvkOf(object);
  if (own.kind === kind.kind && own.group === kind.group && own.version === kind.version) return object;
  const apiVersion = kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
  return { ...(object as object), apiVersion, kind: kind.kind };
}

/** What mutators see of a generated object: nobody asked for an operation. */
export function mutationRequest(request: EvaluationRequest, object: Json): EvaluationRequest {
  return {
    ...request,
    operation: null,
    kind: gvkOf(object),
    namespace: namespaceOf(object),
    name: nameOf(object),
    object,
    oldObject: null,
    implied: { by: "", action: null },
  };
}

/** The review of a generated object. Gatekeeper: pkg/target/target.go augmentedUnstructuredToAdmissionRequest. */
export function impliedRequest(request: EvaluationRequest, { object, template }: Resultant): EvaluationRequest {
  const isGone = request.operation === "DELETE";
  const { action } = template;
  return {
    ...unsentRequest(object, request.point),
    operation: request.operation,
    object: isGone ? null : object,
    oldObject: isGone ? object : null,
    implied: {
      by: template.name,
      action: actions.get(action) ?? null,
      ...(action === "" ? {} : { actionName: action }),
    },
  };
}

const actions: ReadonlyMap<string, Action> = new Map([
  ["deny", "deny"],
  ["warn", "warn"],
  ["dryrun", "record"],
]);
