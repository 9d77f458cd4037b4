// All mutators of a set as one stage of a decision: which of them take part, what is wrong with the others, and what the
// stage does to a request. Objects of Gatekeeper itself are never mutated, and only CREATE and UPDATE are looked at.
// Gatekeeper: pkg/webhook/mutation.go, pkg/controller/mutators/core/reconciler.go.

import { byCodePoints, stringAt } from "@portcullis/kube";
import { type Diagnostic, type World, errorAt, hasError } from "@portcullis/lang";
import type { Profile } from "../../engine/frontend.ts";
import type { Outcome } from "../../engine/outcome.ts";
import type { MutationStage, Scope } from "../../engine/policy.ts";
import type { Evaluation, EvaluationRequest, Json } from "../../engine/request.ts";
import { type Providers, withProviders } from "../externaldata/need.ts";
import type { GoNumbers } from "../gocode.ts";
import { type KnownNamespace, namespaceFor } from "../review.ts";
import { asWarning } from "../template/read.ts";
import { MutationError } from "./change.ts";
import { findConflicts } from "./conflicts.ts";
import { resolvePlaceholders } from "./externaldata.ts";
import type { Mutator, MutatorUnit } from "./read.ts";
import { type MutationSystem, annotated, mutationSystem } from "./system.ts";

export interface StageOptions {
  readonly profile: Profile;
  /** Mutated objects say by what they were. */
  readonly annotations: boolean;
  /** Those of the set. */
  readonly providers?: Providers;
  /** How the numbers of objects were read; as the API server does unless said. */
  readonly numbers?: GoNumbers;
}

export interface LinkedMutators {
  /** Null when there are none. */
  readonly stage: MutationStage | null;
  /** For what expansion makes. */
  readonly system: Mutating | null;
  /** By `Kind//name`. */
  readonly status: ReadonlyMap<string, readonly Diagnostic[]>;
}

export function linkMutators(units: readonly MutatorUnit[], options: StageOptions): LinkedMutators {
  const status = new Map<string, readonly Diagnostic[]>();
  const mutators: Mutator[] = [];
  for (const unit of units) {
    const strict = options.profile === "cluster" ? unit.strict : unit.strict.map(asWarning);
    if (strict.length > 0) status.set(`${unit.kind}//${unit.name}`, strict);
    const { mutator } = unit.build(options.profile);
    if (mutator === null || hasError(strict)) continue;
    mutators.push(mutator);
  }
  const { disabled, texts } = findConflicts(mutators);
  for (const [{ kind, name }, text] of [...texts].toSorted(([a], [b]) => byCodePoints(a.id, b.id))) {
    const unit = units.find((one) => one.kind === kind && one.name === name);
    const found = errorAt("mutator-conflict", unit?.locate?.(["spec", "location"]) ?? null, text);
    status.set(`${kind}//${name}`, [...(status.get(`${kind}//${name}`) ?? []), found]);
  }
  const ordered = mutators
    .filter((mutator) => !disabled.has(mutator))
    .toSorted((a, b) => byCodePoints(a.kind, b.kind) || byCodePoints(a.name, b.name));
  if (ordered.length === 0) return { stage: null, system: null, status };
  const system: Mutating = { system: mutationSystem(ordered, mutators.length), options };
  return { stage: stageOf(ordered, system), system, status };
}

/** What mutates, with the settings of the set. */
export interface Mutating {
  readonly system: MutationSystem;
  readonly options: StageOptions;
}

function stageOf(mutators: readonly Mutator[], mutating: Mutating): MutationStage {
  return {
    id: stageId,
    scope: mutating.options.profile === "gator" ? {} : scopeOf(mutators),
    onError: "deny",
    rank: 20,
    reinvoke: false,
    mutate: (request, evaluation) =>
      isGatekeepers(request) ? { object: request.object, outcomes: [] } : mutateRequest(mutating, request, evaluation),
  };
}

/** The kind of the outcome that says why a request could not be mutated. */
export const mutationKind = "Mutation";

const stageId = { dialect: "gatekeeper", kind: mutationKind, namespace: "", name: "" };

/** Mutation must never keep anybody from mending what mutates. Gatekeeper: pkg/webhook/common.go. */
const ownGroups: ReadonlySet<string> = new Set([
  "templates.gatekeeper.sh",
  "constraints.gatekeeper.sh",
  "mutations.gatekeeper.sh",
  "config.gatekeeper.sh",
  "externaldata.gatekeeper.sh",
  "expansion.gatekeeper.sh",
  "status.gatekeeper.sh",
]);

export function isGatekeepers({ kind }: EvaluationRequest): boolean {
  return kind !== null && ownGroups.has(kind.group);
}

/** All kinds that one of the mutators may match; an operation that nobody named is looked at too. */
function scopeOf(mutators: readonly Mutator[]): Scope {
  const kinds = new Set<string>();
  for (const { applyTo, matcher } of mutators) {
    if (applyTo === null && matcher.kinds === null) return { operations: ["CREATE", "UPDATE"] };
    for (const kind of matcher.kinds ?? []) if (applyTo === null) kinds.add(kind);
    for (const entry of applyTo ?? []) {
      for (const group of entry.groups) for (const kind of entry.kinds) kinds.add(`${group}/${kind}`);
    }
  }
  return { kinds: [...kinds].toSorted(), operations: ["CREATE", "UPDATE"] };
}

function mutateRequest(
  mutating: Mutating,
  request: EvaluationRequest,
  evaluation: Evaluation,
): ReturnType<MutationStage["mutate"]> {
  if (stringAt(request.object, "kind") === "") {
    throw new MutationError(`Object 'Kind' is missing in '${JSON.stringify(request.object)}'`);
  }
  const { object, applied } = mutateObject(mutating, request, evaluation);
  return { object, outcomes: object === request.object ? [] : applied.map(outcomeOf) };
}

/** What a request's object becomes. Throws MutationError, Suspend and LimitError. */
export function mutateObject(
  { system, options }: Mutating,
  request: EvaluationRequest,
  evaluation: Evaluation,
): { readonly object: Json; readonly applied: readonly Mutator[] } {
  const { world, budget } = evaluation;
  const isNamespace = request.kind?.kind === "Namespace" && request.kind.group === "";
  const namespace = isNamespace ? "" : request.namespace;
  let known: KnownNamespace | null | undefined;
  let uuid: string | null = null;
  const mutationId = (): string => (uuid ??= uuidOf(world));
  const { object, applied, passes, asks } = system.mutate(
    {
      object: request.object,
      operation: request.operation,
      namespace,
      namespaceObject: (isSelected) => {
        // gator gives cluster-scoped objects an empty Namespace, which counts for every criterion.
        if (!isSelected && options.profile !== "gator") return null;
        if (known === undefined) known = namespaceFor(request, namespace, { evaluation, profile: options.profile });
        return known;
      },
      username: request.user?.username ?? "",
      source: request.implied === null ? "Original" : "Generated",
      numbers: options.numbers ?? "unstructured",
      budget,
    },
    mutationId,
    () => budget.step(chargePerMutator),
  );
  const told = { passes: passes.map((pass) => pass.map(({ label }) => label)) };
  if (object === request.object) {
    evaluation.trace?.({ what: mutationEvent, value: { ...told, id: "" } satisfies MutationEvent });
    return { object, applied: [] };
  }
  const resolved = asks ? resolvePlaceholders(object, withProviders(world, options.providers ?? noProviders)) : object;
  evaluation.trace?.({ what: mutationEvent, value: new Mutation(told.passes, mutationId) });
  return { object: options.annotations ? annotated(resolved, applied, mutationId()) : resolved, applied };
}

/**
 * Most events are only counted: a name is made for those that are told. A class, because an object with a getter of its own
 * gets a hidden class of its own, which only a full collection frees, with the object that was mutated.
 */
class Mutation implements MutationEvent {
  readonly passes: MutationEvent["passes"];
  readonly #mutationId: () => string;

  constructor(passes: MutationEvent["passes"], mutationId: () => string) {
    this.passes = passes;
    this.#mutationId = mutationId;
  }

  get id(): string {
    return this.#mutationId();
  }
}

/** Told to Evaluation.trace when the mutators of a set have come to an end with an object. */
export const mutationEvent = "gatekeeper.mutation";

export interface MutationEvent {
  /** What names it in logs and annotations; "" when nothing changed. */
  readonly id: string;
  /** `Kind/namespace/name:generation` of what applied in each pass that changed something. */
  readonly passes: readonly (readonly string[])[];
}

const noProviders: Providers = new Map();

/** Steps that trying a mutator is counted as. */
const chargePerMutator = 100;

const outcomes = new WeakMap<Mutator, Outcome>();

/** A mutator that applied has always the same to say. */
function outcomeOf(mutator: Mutator): Outcome {
  const known = outcomes.get(mutator);
  if (known !== undefined) return known;
  const { kind, name } = mutator;
  const outcome: Outcome = {
    policy: { dialect: "gatekeeper", kind, namespace: "", name },
    rule: "",
    result: "pass",
    actions: [],
    actionName: "",
    message: "",
    details: null,
    properties: {},
    effects: [],
  };
  outcomes.set(mutator, outcome);
  return outcome;
}

/** A random UUID of version 4; the same for one decision. */
function uuidOf(world: World): string {
  const random = world.random("gatekeeper.mutation");
  const digits = Array.from({ length: 32 }, (_, at) => {
    const digit = Math.floor(random() * 16);
    if (at === 12) return "4";
    return (at === 16 ? (digit % 4) + 8 : digit).toString(16);
  }).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
