// The commands that put the product and its policies onto a cluster, say what it does there, and take it off again.

import type { Command } from "commander";
import { Option } from "commander";
import { collect, seconds, wholeNumber, withPaths } from "./arguments.ts";
import { withCluster } from "./cluster-flags.ts";
import type { AuditFlags } from "./commands/audit.ts";
import type { InstallFlags } from "./commands/install.ts";
import type { RenderCrdsFlags, RenderManifestsFlags, UninstallFlags } from "./commands/render.ts";
import type { RenderRolesFlags } from "./commands/roles.ts";
import type { StatusFlags } from "./commands/status.ts";

export function registerCluster(program: Command, version: string): void {
  withPaths(withCluster(program.command("install")), "files and folders with policies")
    .description("put policies onto a cluster in the right order, and wait until every replica enforces each")
    .option("--timeout <seconds>", "how long to wait", seconds, 60)
    .option("--no-wait", "do not wait until they are enforced")
    .action(async (paths: string[], options: InstallFlags & { readonly filename: string[] }) => {
      const { installCommand } = await import("./commands/install.ts");
      process.exitCode = await installCommand([...options.filename, ...paths], options, version);
    });
  withCluster(program.command("status"))
    .description("say what is enforced where, what is wrong, and what entered unchecked")
    .addOption(new Option("-o, --output <format>", "how to print").choices(["text", "json"]).default("text"))
    .option("--webhook-configuration-name <name>", "the name of both webhook configurations", "portcullis")
    .action(async (options: StatusFlags) => {
      const { statusCommand } = await import("./commands/status.ts");
      process.exitCode = await statusCommand(options, version);
    });
  withCluster(program.command("audit"))
    .description("judge every object of a cluster once; nothing is written to it")
    .option(
      "--policies <path>",
      "by the policies in this file or folder, instead of the cluster's; may be repeated",
      collect,
      [],
    )
    .addOption(
      new Option("-o, --output <format>", "how to print the findings")
        .choices(["table", "text", "json", "sarif", "junit"])
        .default("table"),
    )
    .action(async (options: AuditFlags) => {
      const { auditCommand } = await import("./commands/audit.ts");
      process.exitCode = await auditCommand(options, version);
    });
  withCluster(program.command("uninstall"))
    .description("take webhook configurations, certificates and Leases off a cluster; policies stay")
    .option("--webhook-configuration-name <name>", "the name of both webhook configurations", "portcullis")
    .action(async (options: UninstallFlags) => {
      const { uninstallCommand } = await import("./commands/render.ts");
      process.exitCode = await uninstallCommand(options, version);
    });
  registerRender(program, version);
}

function registerRender(program: Command, version: string): void {
  const render = program.command("render").description("print manifests for a repository (GitOps)").exitOverride();
  withPaths(render.command("crds"), "files and folders with templates")
    .description("print the definitions of constraints that templates want")
    .option("--own", "print the definitions of policies and reports, too")
    .action(async (paths: string[], options: RenderCrdsFlags) => {
      const { renderCrds } = await import("./commands/render.ts");
      process.exitCode = renderCrds({ ...options, filename: [...options.filename, ...paths] });
    });
  withPaths(withCluster(render.command("roles")), "files and folders with policies, instead of the cluster's")
    .description("print the ClusterRole for what policies on custom resources look at")
    .action(async (paths: string[], options: RenderRolesFlags) => {
      const { renderRoles } = await import("./commands/roles.ts");
      process.exitCode = await renderRoles({ ...options, filename: [...options.filename, ...paths] }, version);
    });
  render
    .command("manifests")
    .description("print what runs the product on a cluster: Deployment, Service, rights")
    .option("--namespace <name>", "the product's own namespace", "portcullis")
    .requiredOption("--image <reference>", "the image of the product")
    .option("--replicas <number>", "how many Pods", wholeNumber, 2)
    .option("--cert-manager", "let cert-manager make the certificates")
    .action(async (options: RenderManifestsFlags) => {
      const { renderManifests } = await import("./commands/render.ts");
      process.exitCode = renderManifests(options);
    });
}
