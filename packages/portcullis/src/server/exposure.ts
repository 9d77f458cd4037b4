// What Kyverno's ConfigMap `kyverno-metrics` lets be seen of its metrics: series about some namespaces only, without some labels, with
// fewer buckets, or not at all. The numbers are kept as always and left out when they are read, so that a change of the
// ConfigMap needs no restart; series that differ in a label that is left out are added up. Bounds of buckets that are not among ours
// cannot be shown.
// Kyverno: pkg/config/metricsconfig.go.

import { isObject } from "@portcullis/kube";

export interface Exposure {
  readonly includedNamespaces: readonly string[];
  readonly excludedNamespaces: readonly string[];
  /** For all; null: as they are. */
  readonly buckets: readonly number[] | null;
  readonly metrics: ReadonlyMap<string, MetricExposure>;
}

interface MetricExposure {
  readonly isEnabled: boolean;
  readonly disabledLabels: readonly string[];
  readonly buckets: readonly number[] | null;
}

/** Of the data of the ConfigMap; what cannot be read is as if it were not there. */
export function readExposure(data: unknown): Exposure {
  const namespaces = parsed(data, "namespaces");
  const metrics = parsed(data, "metricsExposure");
  const entries = isObject(metrics) ? Object.entries(metrics) : [];
  return {
    includedNamespaces: texts(namespaces, "include"),
    excludedNamespaces: texts(namespaces, "exclude"),
    buckets: boundsIn(isObject(data) ? data["bucketBoundaries"] : null),
    metrics: new Map(
      entries.map(([name, tree]) => [
        name,
        {
          isEnabled: !isObject(tree) || tree["enabled"] !== false,
          disabledLabels: texts(tree, "disabledLabelDimensions"),
          buckets:
            isObject(tree) && Array.isArray(tree["bucketBoundaries"]) ? tree["bucketBoundaries"].map(Number) : null,
        },
      ]),
    ),
  };
}

function parsed(data: unknown, key: string): unknown {
  const text = isObject(data) ? data[key] : null;
  if (typeof text !== "string") return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function texts(tree: unknown, key: string): readonly string[] {
  const list = isObject(tree) ? tree[key] : null;
  return Array.isArray(list) ? list.filter((item) => typeof item === "string") : [];
}

function boundsIn(text: unknown): readonly number[] | null {
  if (typeof text !== "string") return null;
  const bounds = text.split(",").map((part) => Number.parseFloat(part));
  return bounds.some(Number.isNaN) ? null : bounds;
}

const sample = /^(kyverno_[a-z_]+?)(_bucket|_sum|_count|_total)?(?:\{(.*)\})? (\S+)$/;
const label = /(?<![a-z_])([a-z_]+)="((?:[^"\\]|\\.)*)",?/g;

/** The same text, of which only what is to be seen is left. */
export function exposed(text: string, exposure: Exposure): string {
  const lines: string[] = [];
  /** Where the line of a series stands, and its sum. */
  const sums = new Map<string, { readonly at: number; value: number }>();
  for (const line of text.split("\n")) {
    const match = sample.exec(line);
    if (match === null) {
      if (!isDropped(line, exposure)) lines.push(line);
      continue;
    }
    const [, family = "", suffix = "", labels = "", value = ""] = match;
    const kept = keptLabels(family, labels, exposure);
    if (kept === null) continue;
    const series = `${family}${suffix}${kept === "" ? "" : `{${kept}}`}`;
    const known = sums.get(series);
    if (known === undefined) {
      sums.set(series, { at: lines.length, value: Number(value) });
      lines.push(`${series} ${value}`);
    } else {
      known.value += Number(value);
      lines[known.at] = `${series} ${known.value}`;
    }
  }
  return lines.join("\n");
}

function settingOf(family: string, { metrics }: Exposure): MetricExposure | undefined {
  return metrics.get(family) ?? metrics.get(`${family}_total`);
}

/** Help and type of a metric that is not to be seen. */
function isDropped(line: string, exposure: Exposure): boolean {
  const [, name = ""] = /^# (?:HELP|TYPE) (kyverno_[a-z_]+)/.exec(line) ?? [];
  return name !== "" && settingOf(name.replace(/_total$/, ""), exposure)?.isEnabled === false;
}

/** Null: the series is not to be seen. */
function keptLabels(family: string, labels: string, exposure: Exposure): string | null {
  const setting = settingOf(family, exposure);
  if (setting?.isEnabled === false) return null;
  const bounds = setting?.buckets ?? exposure.buckets;
  const kept: string[] = [];
  for (const [, name = "", value = ""] of labels.matchAll(label)) {
    if (isNamespace(family, name) && !isSeen(value, exposure)) return null;
    if (name === "le" && bounds !== null && value !== "+Inf" && !bounds.includes(Number(value))) return null;
    if (setting?.disabledLabels.includes(name) !== true) kept.push(`${name}="${value}"`);
  }
  return kept.join(",");
}

/** Of requests and results it is the object's namespace that counts, of policies their own. */
function isNamespace(family: string, name: string): boolean {
  const ofPolicies = family === "kyverno_policy_changes" || family === "kyverno_policy_rule_info";
  return name === (ofPolicies ? "policy_namespace" : "resource_namespace");
}

function isSeen(namespace: string, { includedNamespaces, excludedNamespaces }: Exposure): boolean {
  if (namespace === "" || namespace === "-") return true;
  if (excludedNamespaces.includes(namespace)) return false;
  return includedNamespaces.length === 0 || includedNamespaces.includes(namespace);
}
