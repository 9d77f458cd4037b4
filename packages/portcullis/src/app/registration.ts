// How the API server comes to ask us: certificates that all replicas share, and webhook configurations for what the policies
// match. Without an address that the API server can reach nothing is registered, and a certificate of our own suffices.

import type { ClusterClient, Informers } from "../cluster/api.ts";
import {
  type SharedCertificateSource,
  serviceNames,
  sharedCertificates,
} from "../controllers/certificates/certificates.ts";
import type { PolicyFeed } from "../controllers/policies/feed.ts";
import type { Neighbours } from "../controllers/neighbours/neighbours.ts";
import { followConfigMap } from "../controllers/webhooks/configmap.ts";
import { type WebhookController, startWebhookController } from "../controllers/webhooks/controller.ts";
import type { Reached, WebhookSettings } from "../controllers/webhooks/wanted.ts";
import { givenAuthority } from "../server/certificates/given.ts";
import type { ServeOptions } from "./config.ts";
import type { Logger } from "./log.ts";

export interface Registration {
  /** How the API server reaches us; null: somebody else registers us. */
  readonly reached: Reached | null;
  /** Of both webhook configurations; `portcullis` when absent. */
  readonly configurationName?: string;
  /** What an operator says of the webhooks. */
  readonly webhooks?: Pick<WebhookSettings, "excludedNamespaces" | "excludedUsers" | "gatekeeper" | "kyverno">;
  /** Decide what a living neighbour answers, and let it pass. */
  readonly shadows?: boolean;
  /** With given certificates: somebody else (cert-manager) puts the authority into the configurations. */
  readonly isInjected?: boolean;
  /** Of both configurations, beside those of Kyverno's ConfigMap. */
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface RegistrationParts {
  readonly client: ClusterClient;
  readonly informers: Informers;
  /** Who else may guard the cluster; null: nobody is looked for. */
  readonly neighbours: Neighbours | null;
  readonly logger: Logger;
  readonly onError: (error: Error) => void;
}

export interface Registering {
  /** Null: the server's own are used. */
  readonly certificates: SharedCertificateSource | null;
  /** Begins to keep the webhook configurations as the policies want them. */
  follow(feed: PolicyFeed, isLeader: () => boolean): void;
  /** Who leads has changed. */
  check(): void;
  /** Whether the API server asks us about everything that the policies match; true when that is not our business. */
  readonly isCurrent: boolean;
  close(): Promise<void>;
}

interface Registered {
  readonly serve: ServeOptions;
  readonly namespace: string;
}

/** Rejects when the Secret with the certificates can be neither read nor written. */
export async function register(
  registration: Registration,
  options: Registered,
  parts: RegistrationParts,
): Promise<Registering> {
  const { reached, isInjected = false } = registration;
  if (reached === null) return unregistered;
  const { serve, namespace } = options;
  const { client, informers, logger, onError } = parts;
  let controller: WebhookController | null = null;
  const following: { close(): void }[] = [];
  const certificates =
    serve.tls === undefined
      ? await sharedCertificates({
          client,
          informers,
          secret: { namespace, name: "portcullis-certificates" },
          // Nothing of one machine alone: replicas have to agree.
          names: [...new Set([...namesOf(reached), ...(serve.names ?? []), "localhost", "127.0.0.1"])],
          isTrusted: (bundle) => controller?.trusts(bundle) ?? false,
          onError,
        })
      : null;
  const given = serve.tls === undefined || isInjected ? null : await givenAuthority(serve.tls.cert);
  certificates?.onBundle((bundle) => controller?.update({ caBundle: bundle }));
  return {
    certificates,
    follow: (feed, isLeader) => {
      controller = startWebhookController({
        client,
        informers,
        isLeader,
        onWrite: (written) => {
          logger.info(written, "a webhook configuration was written");
          certificates?.check();
        },
        onError,
      });
      const keeper = controller;
      keeper.update({ caBundle: certificates?.bundle() ?? given?.bundle() ?? null });
      following.push(followSettings(keeper, { registration, reached, options, parts }));
      if (given !== null) following.push(given.follow((caBundle) => keeper.update({ caBundle }), onError));
      feed.onServed(({ account }) => {
        if (account !== null) controller?.update({ policies: account.policies });
      });
    },
    check: () => controller?.check(),
    get isCurrent() {
      return controller?.isCurrent ?? false;
    },
    close: async () => {
      for (const one of following) one.close();
      await Promise.all([controller?.close(), certificates?.close()]);
    },
  };
}

interface Following {
  readonly registration: Registration;
  readonly reached: Reached;
  readonly options: Registered;
  readonly parts: RegistrationParts;
}

/** What an operator and Kyverno's ConfigMap say; a living neighbour enforces its own dialect. */
function followSettings(
  controller: WebhookController,
  { registration, reached, options, parts }: Following,
): { close(): void } {
  const { configurationName, webhooks } = registration;
  const { neighbours, informers, onError } = parts;
  const { namespace } = options;
  let said: Partial<WebhookSettings> | null = null;
  const tell = (): void => {
    if (said === null) return;
    const both = ["gatekeeper", "kyverno"] as const;
    const dialects = both.filter((dialect) => neighbours?.owns(dialect) !== true);
    const shadows = registration.shadows === true ? both.filter((dialect) => !dialects.includes(dialect)) : [];
    const named = configurationName === undefined ? {} : { configurationName };
    const kyverno = { ...webhooks?.kyverno, ...said.kyverno };
    // A policy about everything must not keep us from telling what it does.
    const excludedUsers = [`system:serviceaccount:${namespace}:portcullis`];
    const own = { reached, namespace, dialects, shadows, ...named };
    const annotations = { ...said.annotations, ...registration.annotations };
    controller.update({ settings: { excludedUsers, ...webhooks, ...said, kyverno, annotations, ...own } });
  };
  neighbours?.onChange(tell);
  const onSettings = (next: Partial<WebhookSettings>): void => {
    said = next;
    tell();
  };
  return followConfigMap({ informers, configMap: configMapName(options.serve), namespace, onSettings, onError });
}

const unregistered: Registering = {
  certificates: null,
  follow: () => {},
  check: () => {},
  isCurrent: true,
  close: () => Promise.resolve(),
};

function configMapName({ kyverno }: ServeOptions): { readonly namespace: string; readonly name: string } {
  const [namespace = "", name = ""] = (kyverno?.configMap ?? "kyverno/kyverno").split("/");
  return { namespace, name };
}

function namesOf(reached: Reached): readonly string[] {
  return "service" in reached
    ? serviceNames(reached.service)
    : [new URL(reached.url).hostname.replaceAll(/[[\]]/g, "")];
}
