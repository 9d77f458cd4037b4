// What `gator policy` prints: tables for people, JSON for programs. Gatekeeper: pkg/gator/policy/output.

import { structJson } from "../../output/gojson.ts";
import { alignTabs } from "../../output/tabwriter.ts";
import { type CatalogPolicy, PolicyError } from "./catalog.ts";
import type { InstalledPolicy } from "./cluster.ts";
import type { Failure, Uninstalled, Upgraded, VersionChange } from "./operations.ts";

export type PrintFormat = "table" | "json";

/** Throws PolicyError. */
export function parsePrintFormat(text: string): PrintFormat {
  if (text === "json") return "json";
  if (text === "table" || text === "") return "table";
  throw new PolicyError(`invalid output format: ${text} (must be table or json)`);
}

const apiVersion = "gator.gatekeeper.sh/v1alpha1";

function json(value: object): string {
  return `${structJson(value, 0, "  ")}\n`;
}

/** Left out when empty, as Go's `omitempty` does. */
function filled<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

export function searchText(found: readonly CatalogPolicy[], format: PrintFormat): string {
  const results = found.map(({ name, version, category, description }) => ({ name, version, category, description }));
  if (format === "json") return json({ apiVersion, results: results.length === 0 ? null : results });
  if (results.length === 0) return "No policies found.\n";
  const rows = results.map(({ name, version, category, description }) => {
    const short = Buffer.byteLength(description) > 50 ? `${cut(description, 47)}...` : description;
    return [name, version, category, short].join("\t");
  });
  return `${alignTabs(["NAME\tVERSION\tCATEGORY\tDESCRIPTION", ...rows].join("\n"))}\n`;
}

/** The first bytes of a text. */
function cut(text: string, bytes: number): string {
  return Buffer.from(text).subarray(0, bytes).toString("utf8");
}

export function listText(policies: readonly InstalledPolicy[], format: PrintFormat): string {
  if (format === "json") {
    const shown = policies.map(({ name, version, bundle, installedAt }) => ({
      name,
      version,
      bundle: bundle === "" ? undefined : bundle,
      installedAt: installedAt === "" ? undefined : installedAt,
    }));
    return json({ apiVersion, policies: shown });
  }
  if (policies.length === 0) return "No policies installed.\n";
  const rows = policies.map(({ name, version, bundle, installedAt }) =>
    [name, version, bundle === "" ? "-" : bundle, installedAt.slice(0, 10)].join("\t"),
  );
  return `${alignTabs(["NAME\tVERSION\tBUNDLE\tINSTALLED", ...rows].join("\n"))}\n`;
}

export interface UpdateResult {
  readonly catalogVersion: string;
  readonly policyCount: number;
  readonly bundleCount: number;
  readonly upgradable: readonly VersionChange[];
}

export function updateText(result: UpdateResult, format: PrintFormat): string {
  const { catalogVersion, policyCount, bundleCount, upgradable } = result;
  if (format === "json") {
    return json({ apiVersion, kind: "UpdateResult", result: { ...result, upgradable: filled(upgradable) } });
  }
  const head = `Updated catalog to version ${catalogVersion} (${policyCount} policies, ${bundleCount} bundles)\n`;
  if (upgradable.length === 0) return head;
  const rows = upgradable.map(({ name, fromVersion, toVersion }) => `  ${name}  ${fromVersion} → ${toVersion}\n`);
  const end = "\nRun 'gator policy upgrade --all' to upgrade.\n";
  return `${head}\n${upgradable.length} policies have updates available:\n${rows.join("")}${end}`;
}

export interface InstallResult {
  readonly installed: readonly { readonly name: string; readonly version: string }[];
  readonly skipped: readonly string[];
  readonly failed: readonly Failure[];
  readonly templatesInstalled: number;
  readonly constraintsInstalled: number;
  readonly dryRun: boolean;
}

export function installText(result: InstallResult, format: PrintFormat): string {
  const { installed, skipped, failed, dryRun, templatesInstalled, constraintsInstalled } = result;
  if (format === "json") {
    const shown = { ...result, installed: filled(installed), skipped: filled(skipped), failed: filled(failed) };
    return json({ apiVersion, kind: "InstallResult", result: shown });
  }
  const lines = [
    ...installed.map(({ name, version }) =>
      dryRun ? `(dry-run) ${name} ${version}` : `✓ ${name} (${version}) installed`,
    ),
    ...skipped.map((name) => `- ${name} (already installed at same version)`),
    ...failures(failed),
  ];
  if (failed.length === 0 && !dryRun && templatesInstalled > 0) {
    lines.push("", `✓ Installed ${templatesInstalled} templates, ${constraintsInstalled} constraints`);
  }
  return lined(lines);
}

export function uninstallText(
  result: Uninstalled & { readonly failed: readonly Failure[] },
  { format, dryRun }: { readonly format: PrintFormat; readonly dryRun: boolean },
): string {
  const { uninstalled, notFound, notManaged, failed } = result;
  if (format === "json") {
    const shown = {
      uninstalled: filled(uninstalled),
      notFound: filled(notFound),
      notManaged: filled(notManaged),
      failed: filled(failed),
      dryRun,
    };
    return json({ apiVersion, kind: "UninstallResult", result: shown });
  }
  return lined([
    ...uninstalled.map((name) => (dryRun ? name : `✓ ${name} uninstalled`)),
    ...notFound.map((name) => `- ${name} (not found)`),
    ...notManaged.map((name) => `✗ ${name} - not managed by gator`),
    ...failures(failed),
  ]);
}

export function upgradeText(
  result: Upgraded,
  { format, dryRun }: { readonly format: PrintFormat; readonly dryRun: boolean },
): string {
  const { upgraded, alreadyCurrent, notInstalled, notFound, failed } = result;
  if (format === "json") {
    const shown = {
      upgraded: filled(upgraded),
      alreadyCurrent: filled(alreadyCurrent),
      notInstalled: filled(notInstalled),
      notFound: filled(notFound),
      failed: filled(failed),
      dryRun,
    };
    return json({ apiVersion, kind: "UpgradeResult", result: shown });
  }
  const lines = dryRun && upgraded.length > 0 ? [`==> Would upgrade ${upgraded.length} policies:`] : [];
  lines.push(
    ...upgraded.map(({ name, fromVersion, toVersion }) =>
      dryRun ? `${name} ${fromVersion} -> ${toVersion}` : `✓ ${name} upgraded (${fromVersion} → ${toVersion})`,
    ),
    ...alreadyCurrent.map((name) => `- ${name} (already at latest version)`),
    ...notInstalled.map((name) => `- ${name} (not installed)`),
    ...notFound.map((name) => `- ${name} (not found in catalog)`),
    ...failures(failed),
  );
  if (upgraded.length === 0 && failed.length === 0) {
    const none = `No upgrades available. ${notFound.length} policies not found in catalog.`;
    lines.push("", notFound.length > 0 ? none : "All policies are up to date.");
  }
  return lined(lines);
}

function failures(failed: readonly Failure[]): readonly string[] {
  return failed.map(({ name, error }) => `✗ ${name} - failed: ${error}`);
}

function lined(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}
