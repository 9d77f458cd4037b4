// The flags that say on which cluster a command works. They lie apart from the client, which no other command has to load.

import type { Command } from "commander";

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
