// The flags of `run` that say how the API server comes to ask us, and what it is told about our webhooks.

import { type Command, InvalidArgumentError, Option } from "commander";
import type { Registration } from "../app/registration.ts";
import { collect, wholeNumber } from "./arguments.ts";
import { UsageError } from "./usage.ts";

export interface WebhookFlags {
  readonly webhookUrl?: string;
  readonly serviceName?: string;
  readonly webhookConfigurationName: string;
  readonly excludedNamespace: readonly string[];
  readonly disableCertRotation?: boolean;
  readonly injectCaFrom?: string;
  readonly neighbours: "yield" | "shadow" | "ignore";
  readonly validatingWebhookFailurePolicy?: "Fail" | "Ignore";
  /** In seconds, as the next ones. */
  readonly validatingWebhookTimeout?: number;
  readonly mutatingWebhookFailurePolicy?: "Fail" | "Ignore";
  readonly mutatingWebhookTimeout?: number;
  readonly enableDeleteOperations?: boolean;
  readonly enableConnectOperations?: boolean;
  readonly webhookTimeout?: number;
  readonly forceFailurePolicyIgnore?: boolean;
}

export function withWebhooks(command: Command): Command {
  const failurePolicies = ["Fail", "Ignore"];
  return command
    .option("--webhook-url <url>", "where the API server finds this server: https://HOST:PORT")
    .option("--service-name <name>", "the Service, in the product's namespace, by which the API server finds us")
    .option("--webhook-configuration-name <name>", "the name of both webhook configurations", "portcullis")
    .option(
      "--excluded-namespace <name>",
      "no webhook asks about it, nor about our own; may be repeated; default: kube-system",
      collect,
      [],
    )
    .option(
      "--disable-cert-rotation",
      "with --tls-cert-file: somebody else (cert-manager) puts the CA into the webhook configurations",
    )
    .option(
      "--inject-ca-from <namespace/name>",
      "the same, by cert-manager, from this Certificate: the configurations are annotated for it",
      certificateName,
    )
    .addOption(
      new Option(
        "--neighbours <manner>",
        "beside a living Gatekeeper or Kyverno: leave it what is its own; the same, and decide in its shadow; or enforce, too",
      )
        .choices(["yield", "shadow", "ignore"])
        .default("yield"),
    )
    .addOption(
      new Option(
        "--validating-webhook-failure-policy <policy>",
        "Gatekeeper's: what the API server does when we do not answer; default: Ignore",
      ).choices(failurePolicies),
    )
    .option("--validating-webhook-timeout <seconds>", "Gatekeeper's; default: 3", webhookSeconds)
    .addOption(
      new Option("--mutating-webhook-failure-policy <policy>", "Gatekeeper's; default: Ignore").choices(
        failurePolicies,
      ),
    )
    .option("--mutating-webhook-timeout <seconds>", "Gatekeeper's; default: 1", webhookSeconds)
    .option("--enable-delete-operations", "Gatekeeper's policies are asked about deletions, too")
    .option("--enable-connect-operations", "Gatekeeper's policies are asked about connections (exec), too")
    .option("--webhookTimeout <seconds>", "Kyverno's; default: 10", webhookSeconds)
    .option("--forceFailurePolicyIgnore", "Kyverno's webhooks never hold up a request when we do not answer");
}

function certificateName(value: string): string {
  if (!/^[^/]+\/[^/]+$/.test(value)) throw new InvalidArgumentError("expected namespace/name of a Certificate");
  return value;
}

function webhookSeconds(value: string): number {
  const seconds = wholeNumber(value);
  if (seconds < 1 || seconds > 30) throw new InvalidArgumentError("expected seconds, 1 to 30");
  return seconds;
}

/** Throws UsageError when flags do not go together. */
export function registrationOf(
  flags: WebhookFlags & { readonly tlsCertFile?: string },
  namespace: string,
): Registration {
  const { webhookConfigurationName, excludedNamespace, injectCaFrom } = flags;
  const isInjected = flags.disableCertRotation === true || injectCaFrom !== undefined;
  if (isInjected && flags.tlsCertFile === undefined) {
    const flag = injectCaFrom === undefined ? "--disable-cert-rotation" : "--inject-ca-from";
    throw new UsageError(`${flag} needs --tls-cert-file and --tls-key-file`);
  }
  return {
    reached: reachedBy(flags, namespace),
    configurationName: webhookConfigurationName,
    isInjected,
    ...(injectCaFrom !== undefined && { annotations: { "cert-manager.io/inject-ca-from": injectCaFrom } }),
    shadows: flags.neighbours === "shadow",
    webhooks: {
      ...(excludedNamespace.length > 0 && { excludedNamespaces: excludedNamespace }),
      gatekeeper: gatekeepers(flags),
      kyverno: {
        ...(flags.webhookTimeout !== undefined && { timeoutSeconds: flags.webhookTimeout }),
        forceFailurePolicyIgnore: flags.forceFailurePolicyIgnore === true,
      },
    },
  };
}

function gatekeepers(flags: WebhookFlags): NonNullable<NonNullable<Registration["webhooks"]>["gatekeeper"]> {
  const { validatingWebhookFailurePolicy, validatingWebhookTimeout, mutatingWebhookFailurePolicy } = flags;
  const { mutatingWebhookTimeout, enableDeleteOperations, enableConnectOperations } = flags;
  return {
    operations: [
      "CREATE",
      "UPDATE",
      ...(enableDeleteOperations === true ? (["DELETE"] as const) : []),
      ...(enableConnectOperations === true ? (["CONNECT"] as const) : []),
    ],
    ...(validatingWebhookFailurePolicy !== undefined && { failurePolicy: validatingWebhookFailurePolicy }),
    ...(validatingWebhookTimeout !== undefined && { timeoutSeconds: validatingWebhookTimeout }),
    ...(mutatingWebhookFailurePolicy !== undefined && { mutationFailurePolicy: mutatingWebhookFailurePolicy }),
    ...(mutatingWebhookTimeout !== undefined && { mutationTimeoutSeconds: mutatingWebhookTimeout }),
  };
}

function reachedBy({ webhookUrl, serviceName }: WebhookFlags, namespace: string): Registration["reached"] {
  if (webhookUrl === undefined) {
    return serviceName === undefined ? null : { service: { namespace, name: serviceName, port: 443 } };
  }
  if (!URL.canParse(webhookUrl) || new URL(webhookUrl).protocol !== "https:") {
    throw new UsageError(`--webhook-url: expected https://HOST:PORT, got ${webhookUrl}`);
  }
  return { url: webhookUrl.replace(/(?<!\/)\/+$/, "") };
}
