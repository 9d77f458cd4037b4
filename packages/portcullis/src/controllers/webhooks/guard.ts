// How a cluster comes to ask us: certificates that API servers trust, webhook configurations that name us, and the manners to
// leave to a living neighbour what is its own. The caller starts it once it can answer, tells it of policies and of who leads,
// and gives the certificates to its server.

import type { ClusterClient, Informers } from "../../cluster/api.ts";
import type { SharedCertificateSource } from "../certificates/certificates.ts";
import type { Neighbour, Neighbours } from "../neighbours/neighbours.ts";
import { type WebhookController, startWebhookController } from "./controller.ts";
import type { AskingPolicy, Dialect, WebhookSettings } from "./wanted.ts";

export interface GuardOptions {
  readonly client: ClusterClient;
  readonly informers: Informers;
  readonly isLeader: () => boolean;
  readonly settings: WebhookSettings;
  /** Ours, or what API servers must trust: PEM, or null when somebody else puts it into the configurations. */
  readonly certificates: SharedCertificateSource | { readonly bundle: string | null };
  /** Null: whoever else is there is not looked for. */
  readonly neighbours: Neighbours | null;
  readonly onWrite?: (written: { readonly configuration: string; readonly because: string }) => void;
  readonly onNeighbours?: (neighbours: readonly Neighbour[]) => void;
  readonly onError: (error: Error) => void;
}

export interface Guard {
  /** What is asked for now. */
  policies(policies: readonly AskingPolicy[]): void;
  /** Looks again, as when this replica has become the leader. */
  check(): void;
  readonly webhooks: WebhookController;
  close(): Promise<void>;
}

export function startGuard(options: GuardOptions): Guard {
  const { settings, certificates, neighbours, onNeighbours } = options;
  const webhooks = startWebhookController({
    ...options,
    onWrite: (written) => {
      options.onWrite?.(written);
      if ("check" in certificates) certificates.check();
    },
  });
  if ("onBundle" in certificates) {
    certificates.onBundle((caBundle) => webhooks.update({ caBundle }));
    webhooks.update({ caBundle: certificates.bundle() });
  } else {
    webhooks.update({ caBundle: certificates.bundle });
  }
  const enforced = (): readonly Dialect[] =>
    (settings.dialects ?? ["gatekeeper", "kyverno"]).filter((dialect) => neighbours?.owns(dialect) !== true);
  void introduce();

  /** Nothing is written before it is known who else is there. */
  async function introduce(): Promise<void> {
    try {
      await neighbours?.known;
    } catch {
      return;
    }
    webhooks.update({ settings: { ...settings, dialects: enforced() } });
    neighbours?.onChange((found) => {
      onNeighbours?.(found);
      webhooks.update({ settings: { ...settings, dialects: enforced() } });
    });
  }

  return {
    policies: (policies) => webhooks.update({ policies }),
    check: () => webhooks.check(),
    webhooks,
    close: () => webhooks.close(),
  };
}
