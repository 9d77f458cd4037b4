// The policies of a set as the audit sees them. A unit is what is evaluated as one: all constraints of a template, or one
// Kyverno policy. Its fingerprint is made of everything that its answer about an object depends on, except for the object
// and the data it looks up: its own specification, the exceptions that name it, and for Gatekeeper what expands objects.
// While the fingerprint stays, nothing has to be evaluated again.

import { hash } from "node:crypto";
import {
  annotationsOf,
  compileWildcard,
  gvkOf,
  labelsOf,
  nameOf,
  namespaceOf,
  stringAt,
  valueAt,
} from "@portcullis/kube";
import { type Policy, type PolicyId, type PolicySet, type Scope, canonicalJson, policyInfo } from "@portcullis/policy";

export interface AuditedPolicy {
  readonly unit: string;
  readonly dialect: string;
  readonly scope: Scope;
  readonly reads: readonly Scope[];
  readonly readsRequester: boolean;
  readonly fingerprint: string;
}

/** What reports say of a policy beside its results; of a Gatekeeper constraint, and of a Kyverno policy. */
export interface PolicyObject {
  readonly id: PolicyId;
  readonly group: string;
  readonly version: string;
  readonly uid: string;
  readonly generation: number;
  readonly annotations: Readonly<Record<string, string>>;
  /** `reports.kyverno.io/disabled` keeps a policy out of reports. */
  readonly reported: boolean;
  /** Kyverno's, for its metrics. */
  readonly mode: "enforce" | "audit";
}

export interface AuditedPolicies {
  readonly set: PolicySet;
  readonly units: ReadonlyMap<string, AuditedPolicy>;
  /** Constraints and Kyverno's policies by `keyOfPolicy`. */
  readonly objects: ReadonlyMap<string, PolicyObject>;
  /** Kinds (`group/Kind`) whose objects are expanded into others, which policies of other kinds judge. */
  readonly expanded: readonly string[];
  /** Namespaces that Config takes out of Gatekeeper's audit. */
  readonly excludes: (namespace: string) => boolean;
}

/** The unit that an outcome's policy belongs to. */
export function unitOf({ dialect, kind, namespace, name }: PolicyId): string {
  return dialect === "gatekeeper" ? `gatekeeper/${kind}` : `${dialect}/${kind}/${namespace}/${name}`;
}

export function keyOfPolicy({ dialect, kind, namespace, name }: PolicyId): string {
  return `${dialect}/${kind}/${namespace}/${name}`;
}

export function auditedPolicies(set: PolicySet): AuditedPolicies {
  const sources = set.sources.map(({ object }) => object);
  const parts = partsOf(sources);
  const units = new Map<string, AuditedPolicy>();
  for (const policy of set.policies) {
    if (policy.schedule !== undefined) continue;
    const audited = auditedPolicy(policy, parts);
    const known = units.get(audited.unit);
    units.set(audited.unit, known === undefined ? audited : { ...known, scope: joined(known.scope, audited.scope) });
  }
  return {
    set,
    units,
    objects: new Map(sources.flatMap(policyObject).map((one) => [keyOfPolicy(one.id), one])),
    expanded: parts.expansions.flatMap(expandedKinds),
    excludes: anyOf(sources.flatMap(excludedNamespaces)),
  };
}

interface Parts {
  /** Templates and constraints by the constraint's kind. */
  readonly gatekeeper: ReadonlyMap<string, readonly unknown[]>;
  readonly kyverno: ReadonlyMap<string, unknown>;
  readonly exceptions: readonly unknown[];
  readonly globals: readonly unknown[];
  readonly expansions: readonly unknown[];
  readonly mutators: readonly unknown[];
  /** Digest of what expands objects; "" where nothing does. */
  readonly expanding: string;
}

function partsOf(sources: readonly unknown[]): Parts {
  const ofGroup = (wanted: string): readonly unknown[] => sources.filter((object) => gvkOf(object).group === wanted);
  const ofKind = (wanted: string): readonly unknown[] =>
    ofGroup("kyverno.io").filter((object) => gvkOf(object).kind === wanted);
  const expansions = ofGroup("expansion.gatekeeper.sh");
  const mutators = ofGroup("mutations.gatekeeper.sh");
  const gatekeeper = [
    ...ofGroup("templates.gatekeeper.sh").map((object) => [constraintKind(object), object] as const),
    ...ofGroup("constraints.gatekeeper.sh").map((object) => [gvkOf(object).kind, object] as const),
  ];
  const grouped = Map.groupBy(gatekeeper, ([kind]) => kind);
  return {
    gatekeeper: new Map([...grouped].map(([kind, pairs]) => [kind, pairs.map(([, object]) => object)])),
    kyverno: new Map(
      [...ofKind("ClusterPolicy"), ...ofKind("Policy")].map((object) => [unitOf(kyvernoId(object)), object]),
    ),
    exceptions: ofKind("PolicyException"),
    globals: ofKind("GlobalContextEntry"),
    expansions,
    mutators,
    expanding: expansions.length === 0 ? "" : [...expansions, ...mutators].map(digestOfObject).toSorted().join(),
  };
}

function auditedPolicy({ id, scope, reads, readsRequester }: Policy, parts: Parts): AuditedPolicy {
  const base = { unit: unitOf(id), dialect: id.dialect, scope, reads, readsRequester: readsRequester === true };
  if (id.dialect === "gatekeeper") {
    const own = (parts.gatekeeper.get(id.kind) ?? []).map(digestOfObject).toSorted();
    return { ...base, fingerprint: hash("sha1", [...own, parts.expanding].join()) };
  }
  const key = id.namespace === "" ? id.name : `${id.namespace}/${id.name}`;
  const exceptions = parts.exceptions.filter((object) => exempts(object, key));
  const own = [parts.kyverno.get(base.unit), ...exceptions, ...parts.globals].map(digestOfObject);
  return { ...base, fingerprint: hash("sha1", own.join()) };
}

function exempts(exception: unknown, policy: string): boolean {
  const exempted = valueAt(exception, "spec", "exceptions");
  return Array.isArray(exempted) && exempted.some((one) => stringAt(one, "policyName") === policy);
}

const digests = new WeakMap<object, string>();

/** Of what an object says; not of its status and version, which our own writes change. */
function digestOfObject(object: unknown): string {
  if (typeof object !== "object" || object === null) return "";
  const known = digests.get(object);
  if (known !== undefined) return known;
  const { kind } = gvkOf(object);
  const said = [kind, namespaceOf(object), nameOf(object), labelsOf(object), valueAt(object, "spec")];
  const digest = hash("sha1", canonicalJson([...said, annotationsOf(object)[autogenControllers] ?? null]));
  digests.set(object, digest);
  return digest;
}

/** The one annotation that a policy's answer depends on; tools write others all the time, and reports look at theirs by themselves. */
const autogenControllers = "pod-policies.kyverno.io/autogen-controllers";

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

function ownAnnotations(object: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(annotationsOf(object)).filter(([name]) => name !== lastApplied));
}

function constraintKind(template: unknown): string {
  return stringAt(template, "spec", "crd", "spec", "names", "kind");
}

function kyvernoId(object: unknown): PolicyId {
  const { kind } = gvkOf(object);
  return {
    dialect: "kyverno",
    kind,
    namespace: kind === "Policy" ? namespaceOf(object) || "default" : "",
    name: nameOf(object),
  };
}

// ── policies as objects

function policyObject(object: unknown): readonly PolicyObject[] {
  const { group, version, kind } = gvkOf(object);
  const isConstraint = group === "constraints.gatekeeper.sh";
  const info = isConstraint ? null : policyInfo(object);
  if (!isConstraint && info === null) return [];
  const generation = valueAt(object, "metadata", "generation");
  return [
    {
      id: isConstraint ? { dialect: "gatekeeper", kind, namespace: "", name: nameOf(object) } : kyvernoId(object),
      group,
      version,
      uid: stringAt(object, "metadata", "uid"),
      generation: typeof generation === "number" ? generation : 0,
      annotations: ownAnnotations(object),
      reported: !Object.hasOwn(labelsOf(object), "reports.kyverno.io/disabled"),
      mode: info?.mode ?? "audit",
    },
  ];
}

// ── what else decides about which objects are looked at

function expandedKinds(expansion: unknown): readonly string[] {
  const list = valueAt(expansion, "spec", "applyTo");
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry) => {
    const groups = strings(valueAt(entry, "groups"));
    return groups.flatMap((group) => strings(valueAt(entry, "kinds")).map((kind) => `${group}/${kind}`));
  });
}

/** Gatekeeper: pkg/controller/config/process/excluder.go. */
function excludedNamespaces(object: unknown): readonly string[] {
  const { group, kind } = gvkOf(object);
  if (group !== "config.gatekeeper.sh" || kind !== "Config") return [];
  const match = valueAt(object, "spec", "match");
  if (!Array.isArray(match)) return [];
  return match.flatMap((entry) => {
    const processes = strings(valueAt(entry, "processes"));
    return processes.includes("audit") || processes.includes("*") ? strings(valueAt(entry, "excludedNamespaces")) : [];
  });
}

function anyOf(patterns: readonly string[]): (namespace: string) => boolean {
  const globs = patterns.map(compileWildcard);
  return (namespace) => globs.some((matches) => matches(namespace));
}

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** A scope that is in neither narrower. */
function joined(a: Scope, b: Scope): Scope {
  const kinds = a.kinds === undefined || b.kinds === undefined ? undefined : [...new Set([...a.kinds, ...b.kinds])];
  return kinds === undefined ? {} : { kinds };
}
