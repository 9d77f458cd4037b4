// Kyverno as a dialect of the engine: which objects are its own, how they are read, and how policies and exceptions are
// joined. Policies are asked in the order of their names, and mutate in it.

import { byCodePoints, gvkOf, namespaceOf } from "@portcullis/kube";
import { type Diagnostic, errorAt, hasError } from "@portcullis/lang";
import type { Linked, PolicyFrontend, Profile, ReadFrom } from "../engine/frontend.ts";
import type { Json } from "../engine/request.ts";
import {
  type ConfigMapName,
  type Configuration,
  defaultConfigMap,
  isConfiguration,
  readConfiguration,
} from "./configuration.ts";
import { checkCleanup } from "./cleanup/check.ts";
import { type CompiledCleanup, cleanupPolicy, compileCleanup } from "./cleanup/cleanup.ts";
import { type LinkedPolicy, validationPolicy } from "./evaluate.ts";
import { checkException, exceptionWarnings } from "./exceptioncheck.ts";
import { type PolicyException, readException } from "./exceptions.ts";
import { backgroundPolicy } from "./generate/background.ts";
import { type GlobalEntry, readGlobalEntry } from "./globalcontext.ts";
import { policyFacts } from "./lint/facts.ts";
import { lintPolicies } from "./lint/lint.ts";
import { mutationStage } from "./mutation.ts";
import { expressionWarnings } from "./lint/expressions.ts";
import { unbuiltWarnings } from "./lint/unbuilt.ts";
import { queryWarnings } from "./lint/warnings.ts";
import { type CompiledPolicy, compilePolicy } from "./policy/policy.ts";
import { checkPolicy } from "./policy/check.ts";
import { respond } from "./respond.ts";
import { createScreen } from "./screen.ts";
import { type KyvernoSettings, defaultSettings } from "./settings.ts";

export interface KyvernoOptions {
  /** What Kyverno's ConfigMap says of the same counts more. */
  readonly settings?: Partial<KyvernoSettings>;
  /** `kyverno/kyverno` when absent. */
  readonly configMap?: ConfigMapName;
}

export type KyvernoUnit = CompiledPolicy | PolicyException | CompiledCleanup | GlobalEntry | Configuration;

export function kyvernoFrontend(options: KyvernoOptions = {}): PolicyFrontend<KyvernoUnit> {
  const settings: KyvernoSettings = { ...defaultSettings, ...options.settings };
  const configMap = options.configMap ?? defaultConfigMap;
  return {
    dialect: "kyverno",
    owns: ({ group, kind }) => (group === "kyverno.io" && ownKinds.has(kind)) || group === "policies.kyverno.io",
    configures: (object) => isConfiguration(object, configMap),
    read: (object, from) => read(object, from, settings),
    link: (units, _catalog, profile) => link(units, profile, settings),
    respond,
    lint: lintPolicies,
    facts: (sources) => sources.flatMap(policyFacts),
  };
}

const ownKinds: ReadonlySet<string> = new Set([
  "ClusterPolicy",
  "Policy",
  "PolicyException",
  "CleanupPolicy",
  "ClusterCleanupPolicy",
  "GlobalContextEntry",
]);

interface Read {
  readonly unit: KyvernoUnit | null;
  readonly diagnostics: readonly Diagnostic[];
}

function read(object: Json, from: ReadFrom, settings: KyvernoSettings): Read {
  const { group, version, kind } = gvkOf(object);
  if (group === "kyverno.io" && (kind === "ClusterPolicy" || kind === "Policy")) {
    const diagnostics = checkPolicy(object, from);
    if (hasError(diagnostics)) return { unit: null, diagnostics };
    const unit = compilePolicy(object, { peerAnswers: settings.peerAnswers });
    const warnings = [
      ...queryWarnings(object, from, settings.peerAnswers),
      ...expressionWarnings(unit, from),
      ...unbuiltWarnings(object, from),
    ];
    return { unit, diagnostics: [...diagnostics, ...warnings] };
  }
  if (group === "kyverno.io" && kind === "PolicyException") {
    const wrong = checkException(object, from);
    const unused = exceptionWarnings(namespaceOf(object), settings.exceptionNamespace, from);
    return { unit: hasError(wrong) ? null : readException(object), diagnostics: [...wrong, ...unused] };
  }
  if (group === "kyverno.io" && (kind === "CleanupPolicy" || kind === "ClusterCleanupPolicy")) {
    const diagnostics = checkCleanup(object, from);
    return { unit: hasError(diagnostics) ? null : compileCleanup(object, settings.peerAnswers), diagnostics };
  }
  if (group === "kyverno.io" && kind === "GlobalContextEntry") return readGlobalEntry(object, from);
  if (group === "" && kind === "ConfigMap") return readConfiguration(object, from);
  const message = `${kind} (${group}/${version}) is not supported yet`;
  return { unit: null, diagnostics: [errorAt("unsupported-kind", from.locate?.(["kind"]) ?? null, message)] };
}

function link(units: readonly KyvernoUnit[], profile: Profile, given: KyvernoSettings): Linked {
  const configured = units.find((unit) => unit.unit === "configuration");
  const settings: KyvernoSettings = { ...given, ...configured?.settings };
  const exceptions = units.filter((unit) => unit.unit === "exception").filter((unit) => isAllowed(unit, settings));
  const policies = units.filter((unit) => unit.unit === "policy").toSorted(byName);
  const cleanups = units.filter((unit) => unit.unit === "cleanup").toSorted(byName);
  const entries = units.filter((unit) => unit.unit === "globalContext");
  const globals = new Map(entries.map((entry) => [entry.name, entry]));
  const shared = { settings, profile, globals, isScreened: createScreen(settings) };
  const linked = policies.map((policy): LinkedPolicy => Object.assign({ policy, exceptions }, shared));
  return {
    policies: [
      ...linked.map(validationPolicy),
      ...linked.flatMap((one) => backgroundPolicy(one) ?? []),
      ...cleanups.map((cleanup) => cleanupPolicy(Object.assign({ cleanup }, shared))),
    ],
    mutations: linked.flatMap((one) => mutationStage(one) ?? []),
    status: new Map(),
    effects: [],
  };
}

function isAllowed({ namespace }: PolicyException, { exceptionNamespace }: KyvernoSettings): boolean {
  return exceptionNamespace === "*" || exceptionNamespace === namespace;
}

interface Named {
  readonly namespace: string;
  readonly name: string;
}

function byName(a: Named, b: Named): number {
  return byCodePoints(a.namespace, b.namespace) || byCodePoints(a.name, b.name);
}
