// The cluster that a command works on: a client for the one that its flags name.

import { homedir } from "node:os";
import { ApiError } from "../cluster/api.ts";
import { type StreamingClient, createClient } from "../cluster/client.ts";
import { readClusterConfig } from "../cluster/kubeconfig.ts";
import type { ClusterFlags } from "./cluster-flags.ts";
import { UsageError } from "./usage.ts";

export type { ClusterFlags } from "./cluster-flags.ts";

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

/**
 * Runs a command on a cluster; what the cluster refuses, or that it is not there, is said in one line. Exit code 2, because 1 is for what
 * was found in a cluster.
 */
export async function onCluster(
  flags: ClusterFlags,
  userAgent: string,
  run: (client: StreamingClient) => Promise<number>,
): Promise<number> {
  const client = clusterClient(flags, userAgent);
  try {
    return await run(client);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    process.stderr.write(`${saidBy(client, error)}\n`);
    return 2;
  } finally {
    client.close();
  }
}

/** What a cluster said, and which one. */
function saidBy({ server }: Pick<StreamingClient, "server">, { message }: ApiError): string {
  return message.includes(server) ? message : `${server}: ${message}`;
}

export function ownNamespace({ namespace }: ClusterFlags): string {
  return namespace ?? process.env["POD_NAMESPACE"] ?? "portcullis";
}
