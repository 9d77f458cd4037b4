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
import { type BystanderUnit, connectionGroup, readBystander, syncSetGroup } from "./configuration/bystanders.ts";
import { type Config, type ConfigUnit, configGroup, readConfig } from "./configuration/config.ts";
import { excluding } from "./configuration/excluding.ts";
import { templatePolicy } from "./evaluate.ts";
import { linkExpansion } from "./expansion/link.ts";
import { type ExpansionUnit, expansionGroup, readExpansion } from "./expansion/read.ts";
import { externalDataBuiltin } from "./externaldata/builtin.ts";
import type { Providers } from "./externaldata/need.ts";
import { type Provider, type ProviderUnit, externalDataGroup, readProvider } from "./externaldata/provider.ts";
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
  /** Where Gatekeeper is, and its Config; gatekeeper-system unless said. */
  readonly namespace?: string;
}

export type GatekeeperUnit =
  | Template
  | ConstraintSource
  | MutatorUnit
  | ExpansionUnit
  | ProviderUnit
  | ConfigUnit
  | BystanderUnit;

export function gatekeeperFrontend(given: GatekeeperOptions): PolicyFrontend<GatekeeperUnit> {
  const options = given.externalData === false ? given : withExternalData(given);
  return {
    dialect: "gatekeeper",
    owns: ({ group, kind }) => ownGroups.has(group) || (group === templateGroup && kind === "ConstraintTemplate"),
    read: (object, from) => read(object, from, options),
    link: (units, _catalog, profile) => link(units, profile, options),
    respond,
    lint: lintPolicies,
    facts: overlapFacts,
  };
}

const ownGroups: ReadonlySet<string> = new Set([
  constraintGroup,
  mutationGroup,
  expansionGroup,
  externalDataGroup,
  configGroup,
  syncSetGroup,
  connectionGroup,
]);

function withExternalData(options: GatekeeperOptions): GatekeeperOptions {
  return { ...options, extra: [...(options.extra ?? []), externalDataBuiltin] };
}

interface Read {
  readonly unit: GatekeeperUnit | null;
  readonly diagnostics: readonly Diagnostic[];
}

function read(object: Json, from: ReadFrom, options: GatekeeperOptions): Read {
  const externalData = options.externalData ?? true;
  switch (gvkOf(object).group) {
    case templateGroup: {
      const { template, diagnostics } = readTemplate(object, from, options);
      return { unit: template, diagnostics };
    }
    case constraintGroup:
      return { unit: readConstraint(object, from), diagnostics: [] };
    case mutationGroup:
      return readMutator(object, from, { externalData });
    case expansionGroup:
      return readExpansion(object, from);
    case externalDataGroup:
      return readProvider(object, from, { externalData });
    case configGroup:
      return readConfig(object, from, { namespace: options.namespace ?? "gatekeeper-system" });
    default:
      return readBystander(object, from);
  }
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
  const { providers, config } = settingsOf(units, profile, status);
  const mutators = units.filter((unit) => unit.unit === "mutator");
  const annotations = options.mutationAnnotations ?? false;
  const mutation = linkMutators(mutators, { profile, annotations, providers });
  const expansions = units.filter((unit) => unit.unit === "expansion");
  const expansion = linkExpansion(expansions, { profile, mutating: mutation.system });
  for (const [key, found] of [...mutation.status, ...expansion.status]) status.set(key, found);
  // gator expands in its own way, before and beside the reviews.
  const derive = profile === "gator" ? undefined : expansion.derive;
  const linked: Linked = {
    policies: policiesOf(groups, profile, providers),
    mutations: mutation.stage === null ? [] : [mutation.stage],
    ...(derive === undefined ? {} : { derive }),
    status,
    effects: [...templates.values()].toSorted((a, b) => byCodePoints(a.name, b.name)).flatMap(crdOf),
  };
  return config === null ? linked : excluding(linked, config);
}

interface Settings {
  readonly providers: Providers;
  readonly config: Config | null;
}

/** gator drops unknown fields in silence, and looks at no Config. */
function settingsOf(
  units: readonly GatekeeperUnit[],
  profile: Profile,
  status: Map<string, readonly Diagnostic[]>,
): Settings {
  const providers = new Map<string, Provider>();
  let config: Config | null = null;
  for (const unit of units) {
    if (unit.unit !== "provider" && unit.unit !== "config" && unit.unit !== "bystander") continue;
    const strict = profile === "cluster" ? unit.strict : unit.strict.map(asWarning);
    const [kind, namespace] = unit.unit === "provider" ? ["Provider", ""] : placeOf(unit);
    if (strict.length > 0) status.set(`${kind}/${namespace}/${unit.name}`, strict);
    if (unit.unit === "provider" && unit.provider !== null) providers.set(unit.name, unit.provider);
    if (unit.unit === "config" && profile === "cluster") config ??= unit.config;
  }
  return { providers, config };
}

function placeOf(unit: ConfigUnit | BystanderUnit): readonly [string, string] {
  return [unit.unit === "config" ? "Config" : unit.kind, unit.namespace];
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

function policiesOf(
  groups: ReadonlyMap<Template, readonly Constraint[]>,
  profile: Profile,
  providers: Providers,
): readonly Policy[] {
  const sorted = [...groups].toSorted(([a], [b]) => byCodePoints(a.kind, b.kind));
  return sorted.flatMap(([template, constraints]) => {
    const byName = constraints.toSorted((a, b) => byCodePoints(a.name, b.name));
    return templatePolicy(template, byName, { profile, providers }) ?? [];
  });
}

function crdOf({ name, ready }: Template): readonly Effect[] {
  if (ready === null) return [];
  const owner = `ConstraintTemplate//${name}`;
  return [{ kind: "ensure", owner, objects: [{ data: ready.crd }], synchronize: true, apply: true }];
}
