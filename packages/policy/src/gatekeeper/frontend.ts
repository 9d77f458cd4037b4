// Gatekeeper as a dialect of the engine: which objects are its own, how they are read, how templates and constraints
// are joined into policies, and what they want to exist in the cluster.

import { type Diagnostic, errorAt, hasError, warningAt } from "@portcullis/lang";
import { byCodePoints, gvkOf } from "@portcullis/kube";
import type { Linked, PolicyFrontend, Profile, ReadFrom } from "../engine/frontend.ts";
import type { Effect } from "../engine/outcome.ts";
import type { Policy } from "../engine/policy.ts";
import type { Json } from "../engine/request.ts";
import { enforcementCode, unrecognized } from "./constraint/enforcement.ts";
import {
  type Constraint,
  type ConstraintSource,
  joinConstraint,
  problemDiagnostic,
  readConstraint,
} from "./constraint/read.ts";
import { templatePolicy } from "./evaluate.ts";
import { linkExpansion } from "./expansion/link.ts";
import { type ExpansionUnit, expansionGroup, readExpansion } from "./expansion/read.ts";
import { lintPolicies, overlapFacts } from "./lint/lint.ts";
import { type MutatorUnit, mutationGroup, readMutator } from "./mutation/read.ts";
import { linkMutators } from "./mutation/stage.ts";
import { respond } from "./respond.ts";
import { constraintGroup } from "./template/crd.ts";
import { type Template, asWarning, readTemplate, templateGroup } from "./template/read.ts";
import type { RegoOptions } from "./template/rego.ts";

/** `read` compiles templates, so it needs what compiling needs. */
export interface GatekeeperOptions extends RegoOptions {
  /** Mutated objects say by what they were, in annotations; false unless said. */
  readonly mutationAnnotations?: boolean;
  /** Providers may be asked; true unless said. */
  readonly externalData?: boolean;
}

export type GatekeeperUnit = Template | ConstraintSource | MutatorUnit | ExpansionUnit;

export function gatekeeperFrontend(options: GatekeeperOptions): PolicyFrontend<GatekeeperUnit> {
  return {
    dialect: "gatekeeper",
    owns: ({ group, kind }) =>
      group === constraintGroup ||
      group === mutationGroup ||
      group === expansionGroup ||
      unbuilt.has(group) ||
      (group === templateGroup && kind === "ConstraintTemplate"),
    read: (object, from) => read(object, from, options),
    link: (units, _catalog, profile) => link(units, profile, options),
    respond,
    lint: lintPolicies,
    facts: overlapFacts,
  };
}

/** Gatekeeper's other groups: taken, so that nobody applies them in silence, and refused until they are built. */
const unbuilt: ReadonlySet<string> = new Set([
  "config.gatekeeper.sh",
  "syncset.gatekeeper.sh",
  "externaldata.gatekeeper.sh",
  "connection.gatekeeper.sh",
]);

interface Read {
  readonly unit: GatekeeperUnit | null;
  readonly diagnostics: readonly Diagnostic[];
}

function read(object: Json, from: ReadFrom, options: GatekeeperOptions): Read {
  const { group, kind } = gvkOf(object);
  if (group === templateGroup) {
    const { template, diagnostics } = readTemplate(object, from, options);
    return { unit: template, diagnostics };
  }
  if (group === constraintGroup) return { unit: readConstraint(object, from), diagnostics: [] };
  if (group === mutationGroup) return readMutator(object, from, { externalData: options.externalData ?? true });
  if (group === expansionGroup) return readExpansion(object, from);
  const message = `${kind} (${group}) is not supported yet`;
  return { unit: null, diagnostics: [errorAt("unsupported-kind", from.locate?.(["kind"]) ?? null, message)] };
}

function link(units: readonly GatekeeperUnit[], profile: Profile, options: GatekeeperOptions): Linked {
  const status = new Map<string, readonly Diagnostic[]>();
  const templates = new Map<string, Template>();
  for (const unit of units) {
    if (unit.unit === "template" && takes(unit, profile, status)) templates.set(unit.name, unit);
  }
  const groups = new Map<Template, Constraint[]>();
  for (const unit of units) {
    if (unit.unit !== "constraint") continue;
    const template = templates.get(unit.kind.toLowerCase()) ?? null;
    const { constraint, problem } = joinConstraint(unit, template);
    const found = problem === null ? enforcementStatus(unit, profile) : [problemDiagnostic(unit, problem)];
    if (found.length > 0) status.set(`${unit.kind}//${unit.name}`, found);
    if (constraint === null || template === null) continue;
    const group = groups.get(template);
    if (group === undefined) groups.set(template, [constraint]);
    else group.push(constraint);
  }
  const mutators = units.filter((unit) => unit.unit === "mutator");
  const mutation = linkMutators(mutators, { profile, annotations: options.mutationAnnotations ?? false });
  const expansions = units.filter((unit) => unit.unit === "expansion");
  const expansion = linkExpansion(expansions, { profile, mutating: mutation.system });
  for (const [key, found] of [...mutation.status, ...expansion.status]) status.set(key, found);
  // gator expands in its own way, before and beside the reviews.
  const derive = profile === "gator" ? undefined : expansion.derive;
  return {
    policies: policiesOf(groups, profile),
    mutations: mutation.stage === null ? [] : [mutation.stage],
    ...(derive === undefined ? {} : { derive }),
    status,
    effects: [...templates.values()].toSorted((a, b) => byCodePoints(a.name, b.name)).flatMap(crdOf),
  };
}

/** Whether a template takes part. gator drops unknown fields in silence; an API server's client refuses them. */
function takes(template: Template, profile: Profile, status: Map<string, readonly Diagnostic[]>): boolean {
  const strict = profile === "cluster" ? template.strict : template.strict.map(asWarning);
  if (strict.length > 0) status.set(`ConstraintTemplate//${template.name}`, strict);
  return template.ready !== null && !hasError(strict);
}

/** Gatekeeper's webhook would not take such a constraint; gator does, and enforces nothing. */
function enforcementStatus(unit: ConstraintSource, profile: Profile): readonly Diagnostic[] {
  const text = unrecognized(unit.object);
  if (text === null) return [];
  const span = unit.locate?.(["spec", "enforcementAction"]) ?? null;
  return [profile === "cluster" ? errorAt(enforcementCode, span, text) : warningAt(enforcementCode, span, text)];
}

function policiesOf(groups: ReadonlyMap<Template, readonly Constraint[]>, profile: Profile): readonly Policy[] {
  const sorted = [...groups].toSorted(([a], [b]) => byCodePoints(a.kind, b.kind));
  return sorted.flatMap(([template, constraints]) => {
    const byName = constraints.toSorted((a, b) => byCodePoints(a.name, b.name));
    return templatePolicy(template, byName, profile) ?? [];
  });
}

function crdOf({ name, ready }: Template): readonly Effect[] {
  if (ready === null) return [];
  const owner = `ConstraintTemplate//${name}`;
  return [{ kind: "ensure", owner, objects: [{ data: ready.crd }], synchronize: true, apply: true }];
}
