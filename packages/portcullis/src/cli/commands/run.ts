// `portcullis run`: the webhook on a cluster, until a signal.

import { homedir } from "node:os";
import { run } from "../../app/run.ts";
import { readClusterConfig } from "../../cluster/kubeconfig.ts";
import type { RunFlags } from "../flags.ts";
import { UsageError } from "../usage.ts";
import { serveOptions, started, stayUp, terminalProgress } from "./serve.ts";

export async function runCommand(flags: RunFlags, version: string): Promise<number> {
  const { kubeconfig, context, namespace } = flags;
  const id = flags.podName ?? process.env["POD_NAME"];
  const serving = await started(
    run({
      serve: { ...serveOptions(flags), progress: terminalProgress },
      config: clusterConfig(kubeconfig, context),
      namespace: namespace ?? process.env["POD_NAMESPACE"] ?? "portcullis",
      userAgent: `portcullis/${version}`,
      ...(id !== undefined && { id }),
    }),
  );
  process.stderr.write(`portcullis answers on ${serving.url}/v1/admit\n`);
  return stayUp(serving);
}

function clusterConfig(
  kubeconfig: string | undefined,
  context: string | undefined,
): ReturnType<typeof readClusterConfig> {
  try {
    return readClusterConfig({ kubeconfig, context, env: process.env, home: homedir() });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
