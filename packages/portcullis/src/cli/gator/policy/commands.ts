// `portcullis gator policy`: its commands with gator's flags, output and exit codes: 0 done, 1 general, 2 the cluster, 3 a
// conflict with somebody else's resource, 4 done in part. Gatekeeper: cmd/gator/policy, pkg/gator/policy/exitcodes.go.

import type { ClusterClient } from "../../../cluster/api.ts";
import { clusterClient } from "../../cluster.ts";
import { cachedCatalog, cachedSource, catalogUrl, saveCatalog } from "./cache.ts";
import {
  type PolicyCatalog,
  PolicyError,
  bundlePolicies,
  findPolicy,
  namesWithBundles,
  parseCatalog,
} from "./catalog.ts";
import { isGatekeeperInstalled, managedTemplates, notInstalledText } from "./cluster.ts";
import { type CatalogSource, catalogSource } from "./fetch.ts";
import { type GenerateFlags, generateCatalog } from "./generate.ts";
import { install, uninstall, upgradable, upgrade } from "./operations.ts";
import {
  type UpdateResult,
  installText,
  listText,
  parsePrintFormat,
  searchText,
  uninstallText,
  updateText,
  upgradeText,
} from "./print.ts";

/** What the commands touch outside; tests give their own. */
export interface PolicyHost {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Throws an Error for the user when no cluster is configured. */
  readonly connect: () => ClusterClient;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** RFC 3339 with seconds. */
  readonly now: () => string;
}

export const processHost: PolicyHost = {
  environment: process.env,
  connect: () => clusterClient({}, "gator"),
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  now: () => new Date().toISOString().replace(/\.\d+Z$/, "Z"),
};

/** Runs a command; its exit code. What goes wrong stands behind `Error:`. */
export async function runPolicy(host: PolicyHost, command: () => Promise<void>): Promise<number> {
  try {
    await command();
    return 0;
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    host.err(`Error: ${error.message}\n`);
    return error.exitCode;
  }
}

const refreshHint = "\nRun 'gator policy update' to refresh the catalog.\n";

function loadCached(host: PolicyHost): PolicyCatalog {
  try {
    return cachedCatalog(host.environment);
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    host.err(refreshHint);
    throw new PolicyError(`loading catalog: ${error.message}`);
  }
}

function cachedContent(host: PolicyHost): CatalogSource {
  try {
    return catalogSource(cachedSource(host.environment), { environment: host.environment, insecure: false });
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    host.err(refreshHint);
    throw new PolicyError(`loading catalog: ${error.message}`);
  }
}

function connected(host: PolicyHost): ClusterClient {
  try {
    return host.connect();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new PolicyError(`creating Kubernetes client: getting kubeconfig: ${text}`);
  }
}

async function using<T>(client: ClusterClient | null, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    client?.close();
  }
}

// ── the catalog

export interface SearchFlags {
  readonly category: string;
  readonly bundle: string;
  readonly output: string;
}

export async function search(
  host: PolicyHost,
  query: string,
  { category, bundle, output }: SearchFlags,
): Promise<void> {
  const catalog = await anyCatalog(host);
  const inBundle = bundle === "" ? null : new Set(bundlePolicies(catalog, bundle));
  const word = query.toLowerCase();
  const found = catalog.policies.filter(
    (policy) =>
      (inBundle === null || inBundle.has(policy.name)) &&
      (category === "" || policy.category.toLowerCase() === category.toLowerCase()) &&
      (policy.name.toLowerCase().includes(word) || policy.description.toLowerCase().includes(word)),
  );
  host.out(searchText(found, parsePrintFormat(output)));
}

/** The cached one, or a fresh one that is not kept. */
async function anyCatalog(host: PolicyHost): Promise<PolicyCatalog> {
  try {
    return cachedCatalog(host.environment);
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
  }
  try {
    const source = catalogSource(catalogUrl(host.environment), { environment: host.environment, insecure: false });
    return parseCatalog(await fetched(source));
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    host.err(refreshHint);
    throw new PolicyError(`loading catalog: ${error.message}`);
  }
}

async function fetched(source: CatalogSource): Promise<string> {
  try {
    return await source.catalog();
  } catch (error) {
    if (error instanceof PolicyError) throw new PolicyError(`fetching catalog: ${error.message}`);
    throw error;
  }
}

export interface UpdateFlags {
  readonly insecure: boolean;
  readonly output: string;
}

export async function update(host: PolicyHost, { insecure, output }: UpdateFlags): Promise<void> {
  const format = parsePrintFormat(output);
  const url = catalogUrl(host.environment);
  host.err(`Fetching catalog from ${url}...\n`);
  if (insecure) {
    host.err("Warning: --insecure flag set, allowing plain HTTP (not recommended for production)\n");
  }
  const text = await freshText(host, url, insecure);
  let catalog: PolicyCatalog;
  try {
    catalog = parseCatalog(text);
  } catch (error) {
    if (error instanceof PolicyError) throw new PolicyError(`parsing catalog: ${error.message}`);
    throw error;
  }
  saveCatalog(text, url, host.environment);
  const result: UpdateResult = {
    catalogVersion: catalog.metadata.version,
    policyCount: catalog.policies.length,
    bundleCount: catalog.bundles.length,
    upgradable: await upgradableNow(host, catalog),
  };
  host.out(updateText(result, format));
}

async function freshText(host: PolicyHost, url: string, insecure: boolean): Promise<string> {
  try {
    return await catalogSource(url, { environment: host.environment, insecure }).catalog();
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    const isInsecure = error.message.startsWith("plain HTTP is not allowed");
    const text = isInsecure
      ? `${error.message}; use --insecure to override (not recommended)`
      : `fetching catalog: ${error.message}`;
    throw new PolicyError(text);
  }
}

/** Nothing where no cluster is at hand. */
async function upgradableNow(host: PolicyHost, catalog: PolicyCatalog): Promise<UpdateResult["upgradable"]> {
  let client: ClusterClient;
  try {
    client = host.connect();
  } catch {
    return [];
  }
  return using(client, async () => {
    try {
      return upgradable(await managedTemplates(client), catalog);
    } catch {
      return [];
    }
  });
}

export async function generate(host: PolicyHost, flags: GenerateFlags): Promise<void> {
  generateCatalog(flags, host.now(), (line) => {
    host.err(`${line}\n`);
  });
  return Promise.resolve();
}

// ── the cluster

export async function list(host: PolicyHost, output: string): Promise<void> {
  const client = connected(host);
  const policies = await using(client, async () => {
    if (!(await isGatekeeperInstalled(client))) throw new PolicyError("gatekeeper CRDs not found in cluster", 2);
    try {
      return await managedTemplates(client);
    } catch (error) {
      if (error instanceof PolicyError) throw new PolicyError(`listing policies: ${error.message}`);
      throw error;
    }
  });
  const behind = countUpgradable(host, policies);
  if (behind > 0) {
    host.err(
      `Hint: ${behind} policy(ies) have updates available. Run 'gator policy update' then 'gator policy upgrade --all'.\n\n`,
    );
  }
  host.out(listText(policies, parsePrintFormat(output)));
}

function countUpgradable(host: PolicyHost, policies: Awaited<ReturnType<typeof managedTemplates>>): number {
  try {
    return upgradable(policies, cachedCatalog(host.environment)).length;
  } catch {
    return 0;
  }
}

export interface ChangeFlags {
  readonly bundle: readonly string[];
  readonly enforcementAction: string;
  readonly dryRun: boolean;
  readonly output: string;
}

export async function installCommand(host: PolicyHost, names: readonly string[], flags: ChangeFlags): Promise<void> {
  const { bundle: bundles, enforcementAction, dryRun } = flags;
  if (bundles.length === 0 && names.length === 0) {
    throw new PolicyError("specify policy name(s) or use --bundle to install a bundle");
  }
  if (enforcementAction.toLowerCase() === "scoped") {
    throw new PolicyError("'scoped' enforcement action is not supported in this release");
  }
  checkAction(enforcementAction);
  if (enforcementAction !== "" && bundles.length === 0) {
    host.err("Warning: --enforcement-action is ignored for template-only installs (no bundle specified)\n");
  }
  const format = parsePrintFormat(flags.output);
  const catalog = loadCached(host);
  const source = cachedContent(host);
  const client = dryRun ? null : connected(host);
  const result = await using(client, () =>
    reporting(host, () =>
      install({ policies: names, bundles }, { client, source, catalog, enforcementAction, now: host.now }),
    ),
  );
  const { installed, skipped, failed, constraints, requested } = result;
  const shown = {
    installed: installed.map((name) => ({ name, version: findPolicy(catalog, name)?.version ?? "" })),
    skipped,
    failed,
    templatesInstalled: installed.length,
    constraintsInstalled: constraints,
    dryRun,
  };
  host.out(installText(shown, format));
  const [failure] = failed;
  if (failure === undefined) return;
  if (result.conflict) throw new PolicyError(`installation incomplete: ${failure.error}`, 3);
  host.err("\nRe-run command to continue (already installed will be skipped).\n");
  throw new PolicyError(`installation incomplete: ${installed.length} of ${requested} policies installed`, 4);
}

/** That Gatekeeper is missing is said twice, as there. */
async function reporting<T>(host: PolicyHost, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PolicyError && error.message === notInstalledText) host.err(`${notInstalledText}\n`);
    throw error;
  }
}

function checkAction(action: string): void {
  if (["", "deny", "warn", "dryrun"].includes(action.toLowerCase())) return;
  throw new PolicyError(`invalid enforcement action: ${action} (must be deny, warn, or dryrun)`);
}

export type UninstallFlags = Omit<ChangeFlags, "enforcementAction">;

export async function uninstallCommand(
  host: PolicyHost,
  names: readonly string[],
  flags: UninstallFlags,
): Promise<void> {
  const { bundle: bundles, dryRun } = flags;
  if (bundles.length === 0 && names.length === 0) {
    throw new PolicyError("specify policy name(s) or use --bundle to uninstall a bundle");
  }
  const format = parsePrintFormat(flags.output);
  const wanted = namesWithBundles(names, bundles, bundles.length === 0 ? null : loadCached(host));
  const client = connected(host);
  const result = await using(client, () => reporting(host, () => uninstall(wanted, { client, dryRun })));
  host.out(uninstallText({ ...result, failed: [] }, { format, dryRun }));
  if (result.notManaged.length > 0) {
    throw new PolicyError("uninstall failed: some policies are not managed by gator", 3);
  }
}

export interface UpgradeFlags extends ChangeFlags {
  readonly all: boolean;
}

export async function upgradeCommand(host: PolicyHost, names: readonly string[], flags: UpgradeFlags): Promise<void> {
  const { all, bundle: bundles, enforcementAction, dryRun } = flags;
  if (!all && bundles.length === 0 && names.length === 0) {
    throw new PolicyError("specify policy name(s), use --bundle, or use --all to upgrade all policies");
  }
  checkAction(enforcementAction);
  const format = parsePrintFormat(flags.output);
  const catalog = loadCached(host);
  const source = cachedContent(host);
  const client = connected(host);
  const wanted = namesWithBundles(names, bundles, catalog);
  const operating = { client, source, catalog, enforcementAction, dryRun, now: host.now };
  const result = await using(client, () => reporting(host, () => upgrade(all ? null : wanted, operating)));
  host.out(upgradeText(result, { format, dryRun }));
  if (result.failed.length > 0) throw new PolicyError("upgrade incomplete: some policies failed to upgrade", 4);
}
