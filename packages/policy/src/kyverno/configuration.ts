// Kyverno's ConfigMap (`kyverno` in the namespace `kyverno`, unless somebody names another one): which requests no policy
// sees, how images are completed, how large a context may grow, and what its webhooks look like. What cannot be read leaves
// its default, as in Kyverno, which says so in its log only; here it is a warning with its place. Kyverno:
// pkg/config/config.go load, pkg/config/types.go.

import { gvkOf, isObject, nameOf, namespaceOf, parseQuantity, valueAt } from "@portcullis/kube";
import { type Diagnostic, parseJson, warningAt } from "@portcullis/lang";
import type { ReadFrom } from "../engine/frontend.ts";
import type { Json } from "../engine/request.ts";
import { type KyvernoSettings, type Requesters, defaultSettings, parseResourceFilters } from "./settings.ts";

/** Which ConfigMap is Kyverno's own. Kyverno: KYVERNO_NAMESPACE, INIT_CONFIG. */
export interface ConfigMapName {
  readonly namespace: string;
  readonly name: string;
}

export const defaultConfigMap: ConfigMapName = { namespace: "kyverno", name: "kyverno" };

type ConfiguredSettings = Pick<
  KyvernoSettings,
  "resourceFilters" | "excluded" | "included" | "defaultRegistry" | "enableDefaultRegistryMutation" | "maxContextSize"
>;

/** What the ConfigMap says for whoever writes webhook configurations and events. */
export interface ConfiguredCluster {
  /** Null when the webhooks say nothing. */
  readonly namespaceSelector: Json;
  readonly objectSelector: Json;
  readonly webhookAnnotations: Readonly<Record<string, string>>;
  readonly webhookLabels: Readonly<Record<string, string>>;
  /** CEL, for the API server to evaluate. */
  readonly matchConditions: readonly Json[];
  readonly generateSuccessEvents: boolean;
  /** Of these actions only; all when empty. */
  readonly successEventActions: readonly string[];
  readonly updateRequestThreshold: number;
}

export interface Configuration {
  readonly unit: "configuration";
  readonly settings: ConfiguredSettings;
  readonly cluster: ConfiguredCluster;
}

export function isConfiguration(object: Json, { namespace, name }: ConfigMapName): boolean {
  const { group, kind } = gvkOf(object);
  return group === "" && kind === "ConfigMap" && nameOf(object) === name && namespaceOf(object) === namespace;
}

/** Never null: what cannot be read has its default. */
export function readConfiguration(
  object: Json,
  from: ReadFrom,
): { readonly unit: Configuration; readonly diagnostics: readonly Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const data = createData(object, (key, problem) => {
    const span = from.locate?.(["data", key]) ?? null;
    diagnostics.push(warningAt("kyverno-configuration", span, `${key} ${problem}`));
  });
  const unit: Configuration = { unit: "configuration", settings: settingsOf(data), cluster: clusterOf(data) };
  return { unit, diagnostics };
}

// ── values of the ConfigMap

interface Data {
  /** Undefined when the key is not there. */
  text(key: string): string | undefined;
  /** Says that the value of a key, or a part of it, is not used. */
  refuse(key: string, problem: string): void;
}

function createData(object: Json, refuse: Data["refuse"]): Data {
  const data = valueAt(object, "data");
  return {
    text: (key) => {
      const value = isObject(data) ? data[key] : undefined;
      return typeof value === "string" ? value : undefined;
    },
    refuse,
  };
}

function settingsOf(data: Data): ConfiguredSettings {
  const requesters = (key: string): { readonly out: readonly string[]; readonly in: readonly string[] } => {
    const names = (data.text(key) ?? "").split(",").map((name) => name.trim());
    return {
      out: names.filter((name) => name !== "" && !name.startsWith("!")),
      in: names.filter((name) => name.startsWith("!")).flatMap((name) => name.slice(1).trim() || []),
    };
  };
  const lists = {
    usernames: requesters("excludeUsernames"),
    groups: requesters("excludeGroups"),
    roles: requesters("excludeRoles"),
    clusterRoles: requesters("excludeClusterRoles"),
  };
  const side = (which: "out" | "in"): Requesters => ({
    usernames: lists.usernames[which],
    groups: lists.groups[which],
    roles: lists.roles[which],
    clusterRoles: lists.clusterRoles[which],
  });
  return {
    resourceFilters: filtersOf(data),
    excluded: side("out"),
    included: side("in"),
    defaultRegistry: registryOf(data),
    enableDefaultRegistryMutation: flagOf(
      data,
      "enableDefaultRegistryMutation",
      defaultSettings.enableDefaultRegistryMutation,
    ),
    maxContextSize: contextSizeOf(data),
  };
}

function filtersOf(data: Data): KyvernoSettings["resourceFilters"] {
  const text = data.text("resourceFilters") ?? "";
  for (const [written, inner = ""] of text.matchAll(/\[([^[\]]*)\]/g)) {
    if (inner.split(",").length !== 3) {
      data.refuse("resourceFilters", `has ${written}, which filters nothing: expected [kind,namespace,name]`);
    }
  }
  return parseResourceFilters(text);
}

function registryOf(data: Data): string {
  const text = data.text("defaultRegistry");
  if (text === undefined) return defaultSettings.defaultRegistry;
  const host = text.split("/", 1)[0] ?? "";
  const isName =
    /^\w[\w-]{0,62}(?:\.\w[\w-]{0,62})*[._]?$/.test(host) && host.replaceAll(".", "").length <= 255 && !isAddress(host);
  if (isName) return text;
  data.refuse("defaultRegistry", "is not a valid DNS hostname: it has its default");
  return defaultSettings.defaultRegistry;
}

function isAddress(host: string): boolean {
  return /^(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(host);
}

const truths: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "true", "TRUE", "True"].map((text) => [text, true] as const),
  ...["0", "f", "F", "false", "FALSE", "False"].map((text) => [text, false] as const),
]);

function flagOf(data: Data, key: string, fallback: boolean): boolean {
  const text = data.text(key);
  if (text === undefined) return fallback;
  const value = truths.get(text);
  if (value === undefined) data.refuse(key, "is not a boolean: it has its default");
  return value ?? fallback;
}

/** In bytes. */
function contextSizeOf(data: Data): number {
  const text = data.text("maxContextSize");
  if (text === undefined) return defaultSettings.maxContextSize;
  const quantity = parseQuantity(text);
  if ("error" in quantity) {
    data.refuse(
      "maxContextSize",
      "is not a valid quantity (use formats like 100Mi, 2Gi, or plain bytes): it has its default",
    );
    return defaultSettings.maxContextSize;
  }
  const { digits, scale } = quantity;
  const factor = 10n ** BigInt(scale);
  // Kubernetes rounds up.
  return Number((digits + factor - 1n) / factor);
}

// ── what is written to a cluster

function clusterOf(data: Data): ConfiguredCluster {
  const webhooks = jsonOf(data, "webhooks", isObject) ?? {};
  return {
    namespaceSelector: valueAt(webhooks, "namespaceSelector") ?? null,
    objectSelector: valueAt(webhooks, "objectSelector") ?? null,
    webhookAnnotations: jsonOf(data, "webhookAnnotations", isTextMap) ?? {},
    webhookLabels: jsonOf(data, "webhookLabels", isTextMap) ?? {},
    matchConditions: jsonOf(data, "matchConditions", (value) => Array.isArray(value)) ?? [],
    generateSuccessEvents: flagOf(data, "generateSuccessEvents", false),
    successEventActions: (data.text("successEventActions") ?? "").split(",").flatMap((action) => action.trim() || []),
    updateRequestThreshold: thresholdOf(data),
  };
}

/** Null when there is nothing that can be used. */
function jsonOf<T extends Json>(data: Data, key: string, fits: (value: Json) => value is T): T | null {
  const text = data.text(key);
  if (text === undefined) return null;
  try {
    const value: Json = parseJson(text);
    if (value === null) return null;
    if (fits(value)) return value;
    data.refuse(key, "does not have the shape that is expected: it has its default");
  } catch (error) {
    data.refuse(key, `is not JSON and has its default: ${(error as Error).message}`);
  }
  return null;
}

function isTextMap(value: Json): value is Readonly<Record<string, string>> {
  return isObject(value) && Object.values(value).every((one) => typeof one === "string");
}

function thresholdOf(data: Data): number {
  const text = data.text("updateRequestThreshold");
  if (text === undefined) return 1000;
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  data.refuse("updateRequestThreshold", "is not a number: it has its default");
  return 1000;
}
