// `gator policy` with its commands and flags. Gatekeeper: cmd/gator/policy.

import type { Command } from "commander";
import type * as Commands from "./commands.ts";
import type { ChangeFlags, PolicyHost, SearchFlags, UninstallFlags, UpdateFlags, UpgradeFlags } from "./commands.ts";
import type { GenerateFlags } from "./generate.ts";

/** `own` gives a command the form of gator's errors. */
export function registerPolicy(gator: Command, own: (command: Command) => Command): void {
  const policy = own(gator.command("policy")).description("Manage Gatekeeper policies from the policy library");
  policy.argument("[command]").action(() => {
    policy.outputHelp();
  });
  addSearch(policy, own);
  addChanges(policy, own);
  addUpgrade(policy, own);
  own(policy.command("list"))
    .description("List installed policies")
    .option("-o, --output <format>", "Output format: table, json", "table")
    .action(({ output }: { readonly output: string }) => running((commands, host) => commands.list(host, output)));
  own(policy.command("update"))
    .description("Refresh the policy catalog")
    .option("--insecure", "Allow plain HTTP catalog URLs (not recommended)", false)
    .option("-o, --output <format>", "Output format: table (default) or json", "")
    .action((flags: UpdateFlags) => running((commands, host) => commands.update(host, flags)));
  own(policy.command("generate-catalog"))
    .description("Generate a policy catalog from gatekeeper-library")
    .option("--library-path <path>", "Path to the gatekeeper-library repository root", ".")
    .option("-o, --output <file>", "Output path for the generated catalog", "catalog.yaml")
    .option("--name <name>", "Name of the catalog", "gatekeeper-library")
    .option("--version <version>", "Version of the catalog", "v1.0.0")
    .option("--bundles <file>", "Path to bundles definition file (optional)", "")
    .option("--base-url <url>", "Base URL for template/constraint paths", "")
    .option("--validate [bool]", "Validate the generated catalog", "true")
    .action((flags: Omit<GenerateFlags, "validate"> & { readonly validate: string | boolean }) =>
      running((commands, host) => commands.generate(host, { ...flags, validate: String(flags.validate) === "true" })),
    );
}

function addSearch(policy: Command, own: (command: Command) => Command): void {
  own(policy.command("search"))
    .description("Search available policies in the catalog")
    .argument("<query>", "part of a name or description")
    .option("--category <category>", "Filter by category (e.g., general, pod-security)", "")
    .option("--bundle <bundle>", "Filter to policies within a bundle", "")
    .option("-o, --output <format>", "Output format: table, json", "table")
    .action((query: string, flags: SearchFlags) => running((commands, host) => commands.search(host, query, flags)));
}

function addChanges(policy: Command, own: (command: Command) => Command): void {
  own(policy.command("install"))
    .description("Install one or more policies")
    .argument("[policy...]", "names of policies in the catalog")
    .option("--bundle <bundle>", "Install a policy bundle (may be specified multiple times)", slice, none)
    .option("--enforcement-action <action>", "Override enforcement action (deny, warn, dryrun).", "")
    .option("--dry-run", "Preview changes without applying (does not require cluster access)", false)
    .option("-o, --output <format>", "Output format: table, json", "table")
    .action((names: readonly string[], flags: ChangeFlags) =>
      running((commands, host) => commands.installCommand(host, names, flags)),
    );
  own(policy.command("uninstall"))
    .description("Remove policies from the cluster")
    .argument("[policy...]", "names of installed policies")
    .option("--bundle <bundle>", "Uninstall all policies in a bundle (may be specified multiple times)", slice, none)
    .option("--dry-run", "Preview changes without applying (asks the cluster about its state)", false)
    .option("-o, --output <format>", "Output format: table, json", "table")
    .action((names: readonly string[], flags: UninstallFlags) =>
      running((commands, host) => commands.uninstallCommand(host, names, flags)),
    );
}

function addUpgrade(policy: Command, own: (command: Command) => Command): void {
  own(policy.command("upgrade"))
    .description("Upgrade installed policies to latest versions")
    .argument("[policy...]", "names of installed policies")
    .option("--all", "Upgrade all installed policies", false)
    .option("--bundle <bundle>", "Upgrade all policies in a bundle (may be specified multiple times)", slice, none)
    .option("--enforcement-action <action>", "Override enforcement action (deny, warn, dryrun)", "")
    .option("--dry-run", "Preview changes without applying (asks the cluster about its state)", false)
    .option("-o, --output <format>", "Output format: table, json", "table")
    .action((names: readonly string[], flags: UpgradeFlags) =>
      running((commands, host) => commands.upgradeCommand(host, names, flags)),
    );
}

const none: readonly string[] = [];

/** A flag that may be given more than once, each time with several values between commas. */
function slice(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, ...value.split(",")];
}

async function running(work: (commands: typeof Commands, host: PolicyHost) => Promise<void>): Promise<void> {
  const commands = await import("./commands.ts");
  process.exitCode = await commands.runPolicy(commands.processHost, () => work(commands, commands.processHost));
}
