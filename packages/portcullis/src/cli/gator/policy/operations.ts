// Installing, upgrading and uninstalling policies. Each works on one policy after the other and stops at the first that
// fails, because what is wrong with one (rights, network) is mostly wrong with all; what was done stays and is said. A
// bundle brings its constraints, a policy named alone only its template; an upgrade keeps the enforcement action that
// somebody has set. Gatekeeper: pkg/gator/policy/client/{install,upgrade,uninstall}.go.

import { type JsonRecord, isObject, nameOf, stringAt, valueAt } from "@portcullis/kube";
import type { ClusterClient } from "../../../cluster/api.ts";
import {
  type CatalogPolicy,
  type PolicyCatalog,
  PolicyError,
  bundlePolicies,
  findPolicy,
  readDocument,
} from "./catalog.ts";
import {
  ConflictError,
  type Patience,
  findConstraint,
  findTemplate,
  isGatekeeperInstalled,
  isManaged,
  managedTemplates,
  marked,
  notInstalledText,
  patience,
  putConstraint,
  putTemplate,
  removeTemplate,
  versionOf,
  whenReady,
} from "./cluster.ts";
import type { CatalogSource } from "./fetch.ts";

export interface Operating {
  /** Null for a dry run, which asks no cluster about installations. */
  readonly client: ClusterClient | null;
  readonly source: CatalogSource;
  readonly catalog: PolicyCatalog;
  /** Overrides what constraints say; "" for none. */
  readonly enforcementAction: string;
  /** RFC 3339. */
  readonly now: () => string;
  readonly wait?: Patience;
}

export interface Failure {
  readonly name: string;
  readonly error: string;
}

export interface Installed {
  readonly installed: readonly string[];
  readonly skipped: readonly string[];
  readonly failed: readonly Failure[];
  /** A resource of somebody else stopped it. */
  readonly conflict: boolean;
  readonly constraints: number;
  readonly requested: number;
}

export interface Wanted {
  readonly policies: readonly string[];
  readonly bundles: readonly string[];
}

/** Throws PolicyError where nothing could begin. */
export async function install(wanted: Wanted, operating: Operating): Promise<Installed> {
  const names = wantedNames(wanted, operating.catalog);
  if (names.size === 0) throw new PolicyError("no policies specified");
  await requireGatekeeper(operating.client);
  const installed: string[] = [];
  const skipped: string[] = [];
  let constraints = 0;
  const result = (failed: readonly Failure[], conflict = false): Installed => ({
    installed,
    skipped,
    failed,
    conflict,
    constraints,
    requested: names.size,
  });
  for (const [name, bundle] of names) {
    const policy = findPolicy(operating.catalog, name);
    if (policy === null) return result([{ name, error: `policy not found: ${name}` }]);
    try {
      // Each only when the one before has succeeded.
      // oxlint-disable-next-line no-await-in-loop
      const done = await installPolicy(policy, bundle, operating);
      constraints += done.constraint ? 1 : 0;
      (done.skipped ? skipped : installed).push(name);
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      return result([{ name, error: error.message }], error instanceof ConflictError);
    }
  }
  return result([]);
}

/** The policies in their order, each with the bundle that brings it; "" where it was named alone. */
function wantedNames({ policies, bundles }: Wanted, catalog: PolicyCatalog): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const bundle of bundles) {
    for (const name of resolved(catalog, bundle)) if (!names.has(name)) names.set(name, bundle);
  }
  for (const name of policies) if (!names.has(name)) names.set(name, "");
  return names;
}

function resolved(catalog: PolicyCatalog, bundle: string): readonly string[] {
  try {
    return bundlePolicies(catalog, bundle);
  } catch (error) {
    if (error instanceof PolicyError) throw new PolicyError(`resolving bundle policies: ${error.message}`);
    throw error;
  }
}

async function requireGatekeeper(client: ClusterClient | null): Promise<void> {
  if (client === null) return;
  if (!(await isGatekeeperInstalled(client))) throw new PolicyError(notInstalledText, 2);
}

interface Done {
  readonly skipped: boolean;
  readonly constraint: boolean;
}

async function installPolicy(policy: CatalogPolicy, bundle: string, operating: Operating): Promise<Done> {
  const { client, now } = operating;
  const template = await fetchObject(policy.templatePath, "template", operating);
  const isCurrent = client === null ? false : await isSameVersion(client, template, policy.version);
  const marks = { version: policy.version, bundle, at: now() };
  if (client !== null && !isCurrent) await putTemplate(client, marked(template, marks));
  const path = bundle === "" ? "" : (policy.bundleConstraints[bundle] ?? "");
  if (path === "") return { skipped: isCurrent, constraint: false };
  const constraint = marked(await fetchObject(path, "constraint", operating), marks);
  if (client !== null) await installConstraint(client, { constraint, template, operating });
  return { skipped: false, constraint: true };
}

async function fetchObject(path: string, what: string, { source }: Operating): Promise<JsonRecord> {
  let text: string;
  try {
    text = await source.content(path);
  } catch (error) {
    if (error instanceof PolicyError) throw new PolicyError(`fetching ${what}: ${error.message}`);
    throw error;
  }
  const step = `parsing ${what} YAML`;
  const tree = readDocument(text, step);
  if (!isObject(tree)) throw new PolicyError(`${step}: no object`);
  return tree;
}

async function isSameVersion(client: ClusterClient, template: JsonRecord, version: string): Promise<boolean> {
  const name = nameOf(template);
  const existing = await findTemplate(client, name, "checking existing template");
  if (existing === null) return false;
  if (!isManaged(existing)) throw new ConflictError("ConstraintTemplate", name);
  return versionOf(existing) === version;
}

interface ConstraintToInstall {
  readonly constraint: JsonRecord;
  readonly template: JsonRecord;
  readonly operating: Operating;
}

async function installConstraint(
  client: ClusterClient,
  { constraint, template, operating }: ConstraintToInstall,
): Promise<void> {
  const kind = stringAt(constraint, "kind");
  await whenReady(client, { template: nameOf(template), kind }, operating.wait ?? patience);
  const existing = await findConstraint(client, kind, nameOf(constraint));
  if (existing !== null && !isManaged(existing)) throw new ConflictError(kind, nameOf(constraint));
  const kept = existing === null ? "" : stringAt(existing, "spec", "enforcementAction");
  const { enforcementAction } = operating;
  await putConstraint(client, withAction(constraint, enforcementAction === "" ? kept : enforcementAction));
}

function withAction(constraint: JsonRecord, action: string): JsonRecord {
  if (action === "") return constraint;
  const spec = valueAt(constraint, "spec");
  return { ...constraint, spec: { ...(isObject(spec) ? spec : {}), enforcementAction: action } };
}

// ── upgrades

export interface VersionChange {
  readonly name: string;
  readonly fromVersion: string;
  readonly toVersion: string;
}

export interface Upgraded {
  readonly upgraded: readonly VersionChange[];
  readonly alreadyCurrent: readonly string[];
  readonly notInstalled: readonly string[];
  readonly notFound: readonly string[];
  readonly failed: readonly Failure[];
}

export interface UpgradeOptions extends Operating {
  readonly client: ClusterClient;
  readonly dryRun: boolean;
}

/** `names` null upgrades whatever is installed. Throws PolicyError where nothing could begin. */
export async function upgrade(names: readonly string[] | null, operating: UpgradeOptions): Promise<Upgraded> {
  const { client, catalog, dryRun } = operating;
  if (!dryRun) await requireGatekeeper(client);
  const there = new Map((await listInstalled(client)).map((one) => [one.name, one]));
  const result = {
    upgraded: [] as VersionChange[],
    alreadyCurrent: [] as string[],
    notInstalled: [] as string[],
    notFound: [] as string[],
    failed: [] as Failure[],
  };
  for (const name of names ?? there.keys()) {
    const installed = there.get(name);
    const policy = findPolicy(catalog, name);
    if (installed === undefined) result.notInstalled.push(name);
    else if (policy === null) result.notFound.push(name);
    else if (installed.version === policy.version) result.alreadyCurrent.push(name);
    else {
      // oxlint-disable-next-line no-await-in-loop
      const failed = await upgradePolicy(policy, installed.bundle, operating);
      if (failed !== null) {
        result.failed.push({ name, error: failed });
        break;
      }
      result.upgraded.push({ name, fromVersion: installed.version, toVersion: policy.version });
    }
  }
  return result;
}

async function listInstalled(client: ClusterClient): ReturnType<typeof managedTemplates> {
  try {
    return await managedTemplates(client);
  } catch (error) {
    if (error instanceof PolicyError) throw new PolicyError(`listing installed policies: ${error.message}`);
    throw error;
  }
}

/** The new version in place of the old one; why not, or null. */
async function upgradePolicy(policy: CatalogPolicy, bundle: string, operating: UpgradeOptions): Promise<string | null> {
  const client = operating.dryRun ? null : operating.client;
  try {
    await installPolicy(policy, bundle, { ...operating, client });
    return null;
  } catch (error) {
    if (error instanceof PolicyError) return error.message;
    throw error;
  }
}

/** The installed policies of which the catalog has another version. */
export function upgradable(
  installed: readonly { readonly name: string; readonly version: string }[],
  catalog: PolicyCatalog,
): readonly VersionChange[] {
  return installed.flatMap(({ name, version }) => {
    const policy = findPolicy(catalog, name);
    return policy === null || policy.version === version
      ? []
      : [{ name, fromVersion: version, toVersion: policy.version }];
  });
}

// ── removal

export interface Uninstalled {
  readonly uninstalled: readonly string[];
  readonly notFound: readonly string[];
  readonly notManaged: readonly string[];
}

/** Throws PolicyError at the first trouble that is not about one policy alone. */
export async function uninstall(
  names: readonly string[],
  { client, dryRun }: { readonly client: ClusterClient; readonly dryRun: boolean },
): Promise<Uninstalled> {
  if (names.length === 0) throw new PolicyError("no policies specified");
  if (!dryRun) await requireGatekeeper(client);
  const result = { uninstalled: [] as string[], notFound: [] as string[], notManaged: [] as string[] };
  for (const name of names) {
    // oxlint-disable-next-line no-await-in-loop
    const existing = await findTemplate(client, name, "getting template");
    if (existing === null) result.notFound.push(name);
    else if (!isManaged(existing)) result.notManaged.push(name);
    else {
      // oxlint-disable-next-line no-await-in-loop
      if (!dryRun) await removeTemplate(client, name);
      result.uninstalled.push(name);
    }
  }
  return result;
}
