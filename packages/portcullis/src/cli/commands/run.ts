// `portcullis run`: the webhook on a cluster, until a signal.

import { homedir } from "node:os";
import { type RunOptions, run } from "../../app/run.ts";
import { type ConfigOptions, readClusterConfig } from "../../cluster/kubeconfig.ts";
import { auditFlags, eventFlags } from "../auditing.ts";
import type { RunFlags } from "../flags.ts";
import { UsageError } from "../usage.ts";
import { registrationOf } from "../webhooks.ts";
import { serveOptions, started, stayUp, terminalProgress } from "./serve.ts";

export async function runCommand(flags: RunFlags, version: string): Promise<number> {
  const namespace = flags.namespace ?? process.env["POD_NAMESPACE"] ?? "portcullis";
  const id = flags.podName ?? process.env["POD_NAME"];
  const served = serveOptions(flags, id);
  const serving = await started(
    run({
      serve: { ...served, kyverno: { ...served.kyverno, ownNamespace: namespace }, progress: terminalProgress },
      config: clusterConfig(flags),
      namespace,
      registration: registrationOf(flags, namespace),
      services: serviceCallOptions(flags),
      yields: flags.neighbours !== "ignore",
      events: eventFlags(flags),
      audit: auditOptions(flags),
      userAgent: `portcullis/${version}`,
      ...(id !== undefined && { id }),
    }),
  );
  process.stderr.write(`portcullis answers on ${serving.url}/v1/admit\n`);
  return stayUp(serving);
}

function serviceCallOptions({ httpBlocklist, httpAllowlist }: RunFlags): NonNullable<RunOptions["services"]> {
  return {
    ...(httpBlocklist !== undefined && { blocklist: httpBlocklist.split(",") }),
    ...(httpAllowlist !== undefined && { allowlist: httpAllowlist.split(",") }),
  };
}

function auditOptions(flags: RunFlags): RunOptions["audit"] {
  const given = auditFlags(flags);
  return given === null ? null : { flags: given, cluster: configOptions(flags) };
}

function configOptions({ kubeconfig, context }: Pick<RunFlags, "kubeconfig" | "context">): ConfigOptions {
  return { kubeconfig, context, env: { ...process.env }, home: homedir() };
}

function clusterConfig(flags: RunFlags): ReturnType<typeof readClusterConfig> {
  try {
    return readClusterConfig(configOptions(flags));
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
