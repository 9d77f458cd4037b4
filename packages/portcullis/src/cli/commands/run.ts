// `portcullis run`: the webhook on a cluster, until a signal.

import { homedir } from "node:os";
import type { Registration } from "../../app/registration.ts";
import { type RunOptions, run } from "../../app/run.ts";
import { type ConfigOptions, readClusterConfig } from "../../cluster/kubeconfig.ts";
import { auditFlags } from "../auditing.ts";
import type { RunFlags } from "../flags.ts";
import { UsageError } from "../usage.ts";
import { serveOptions, started, stayUp, terminalProgress } from "./serve.ts";

export async function runCommand(flags: RunFlags, version: string): Promise<number> {
  const namespace = flags.namespace ?? process.env["POD_NAMESPACE"] ?? "portcullis";
  const id = flags.podName ?? process.env["POD_NAME"];
  const serving = await started(
    run({
      serve: { ...serveOptions(flags), progress: terminalProgress },
      config: clusterConfig(flags),
      namespace,
      registration: registrationOf(flags, namespace),
      yields: flags.neighbours === "yield",
      audit: auditOptions(flags),
      userAgent: `portcullis/${version}`,
      ...(id !== undefined && { id }),
    }),
  );
  process.stderr.write(`portcullis answers on ${serving.url}/v1/admit\n`);
  return stayUp(serving);
}

function registrationOf(flags: RunFlags, namespace: string): Registration {
  const { webhookConfigurationName, excludedNamespace, disableCertRotation } = flags;
  if (disableCertRotation === true && flags.tlsCertFile === undefined) {
    throw new UsageError("--disable-cert-rotation needs --tls-cert-file and --tls-key-file");
  }
  return {
    reached: reachedBy(flags, namespace),
    configurationName: webhookConfigurationName,
    isInjected: disableCertRotation === true,
    ...(excludedNamespace.length > 0 && { webhooks: { excludedNamespaces: excludedNamespace } }),
  };
}

function reachedBy({ webhookUrl, serviceName }: RunFlags, namespace: string): Registration["reached"] {
  if (webhookUrl === undefined) {
    return serviceName === undefined ? null : { service: { namespace, name: serviceName, port: 443 } };
  }
  if (!URL.canParse(webhookUrl) || new URL(webhookUrl).protocol !== "https:") {
    throw new UsageError(`--webhook-url: expected https://HOST:PORT, got ${webhookUrl}`);
  }
  return { url: webhookUrl.replace(/\/+$/, "") };
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
