// The cluster that a command works on: the flags that say which, and a client for it.

import { homedir } from "node:os";
import type { Command } from "commander";
import { type StreamingClient, createClient } from "../cluster/client.ts";
import { readClusterConfig } from "../cluster/kubeconfig.ts";
import { UsageError } from "./usage.ts";

export interface ClusterFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
}

export function withCluster(command: Command): Command {
  return command
    .option(
      "--kubeconfig <file>",
      "how to reach the API server; default: $KUBECONFIG, ~/.kube/config, or the Pod's own",
    )
    .option("--context <name>", "the context of the kubeconfig")
    .option("--namespace <name>", "the product's own namespace; default: $POD_NAMESPACE, or portcullis");
}

/** Throws UsageError when no cluster is configured. */
export function clusterClient({ kubeconfig, context }: ClusterFlags, userAgent: string): StreamingClient {
  try {
    const config = readClusterConfig({ kubeconfig, context, env: process.env, home: homedir() });
    return createClient(config, {
      userAgent,
      onWarning: (text) => {
        process.stderr.write(`Warning: ${text}\n`);
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

export function ownNamespace({ namespace }: ClusterFlags): string {
  return namespace ?? process.env["POD_NAMESPACE"] ?? "portcullis";
}
