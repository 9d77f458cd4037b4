// The certificates of all replicas, kept in one Secret: whoever starts first makes them, everybody watches the Secret and
// serves what is in it, and whoever finds something due writes it, guarded by the Secret's resourceVersion, so that of
// several who do it at once one succeeds and the others take what it wrote.

import {
  ApiError,
  type ClusterClient,
  type ClusterObject,
  type Informers,
  type ObjectName,
} from "../../cluster/api.ts";
import type { CertificateSource } from "../../server/certificates/reload.ts";
import { createLoop } from "../loop.ts";
import { type Lifetimes, type SharedCertificates, isWaiting, planned, usualLifetimes } from "./plan.ts";
import { secretOf, secrets, sharedIn } from "./secret.ts";

export interface CertificateOptions {
  readonly client: ClusterClient;
  readonly informers: Informers;
  readonly secret: ObjectName;
  /** DNS names and addresses that clients use. */
  readonly names: readonly string[];
  readonly lifetimes?: Lifetimes;
  /** Whether every client trusts this bundle (PEM), as far as is known here; never when absent. */
  readonly isTrusted?: (bundle: string) => boolean;
  /** How long that has to be so before it counts; 30 s when absent. */
  readonly trustMs?: number;
  /** Between two looks at the clock; 10 minutes when absent. */
  readonly checkMs?: number;
  readonly onError: (error: Error) => void;
}

export interface SharedCertificateSource extends CertificateSource {
  /** What clients must trust now (PEM). */
  bundle(): string;
  /** Called with every later bundle. */
  onBundle(handler: (bundle: string) => void): void;
  /** Looks now, as when clients have begun to trust the bundle. */
  check(): void;
  close(): Promise<void>;
}

/** Resolves once there are certificates. Rejects when the Secret can be neither read nor written. */
export async function sharedCertificates(options: CertificateOptions): Promise<SharedCertificateSource> {
  const { client, secret, informers, onError, checkMs = 600_000 } = options;
  const first = await settle(options, await stored(client, secret), false);
  let current = first;
  const trust = trustOf(options);
  const pairHandlers = new Set<(pair: CertificateSource["pair"]) => void>();
  const bundleHandlers = new Set<(bundle: string) => void>();
  const informer = informers.watch(secrets, {
    namespace: secret.namespace,
    fieldSelector: `metadata.name=${secret.name}`,
    keep: (object) => object,
    onError,
  });
  const loop = createLoop(
    async () => {
      await informer.synced;
      const seen = informer.get(secret);
      const shared = await settle(options, seen, trust.isTrusted(current));
      take(shared);
      loop.soon(trust.soonMs(current) ?? checkMs);
    },
    (error) => {
      onError(error);
      loop.soon(5000);
    },
  );
  const stop = informer.onChange(() => loop.soon(0));
  loop.soon(checkMs);

  function take(next: SharedCertificates): void {
    const before = current;
    current = next;
    if (bundleOf(before) !== bundleOf(next)) for (const handler of bundleHandlers) handler(bundleOf(next));
    if (before.cert !== next.cert) for (const handler of pairHandlers) handler({ cert: next.cert, key: next.key });
  }

  return {
    pair: { cert: first.cert, key: first.key },
    ca: bundleOf(first),
    bundle: () => bundleOf(current),
    onBundle: (handler) => {
      bundleHandlers.add(handler);
    },
    follow: (onPair, onPairError) => {
      const handler = (pair: CertificateSource["pair"]): void => {
        try {
          onPair(pair);
        } catch (error) {
          onPairError(error as Error);
        }
      };
      pairHandlers.add(handler);
      return { close: () => void pairHandlers.delete(handler) };
    },
    check: () => loop.soon(0),
    close: async () => {
      stop();
      informer.close();
      await loop.close();
    },
  };
}

function bundleOf({ authorities }: SharedCertificates): string {
  return authorities.join("");
}

/** For how long clients have trusted what waits for it. */
function trustOf({ isTrusted = () => false, trustMs = 30_000 }: CertificateOptions) {
  let since: { readonly bundle: string; readonly atMs: number } | null = null;
  return {
    isTrusted: (shared: SharedCertificates): boolean => {
      const bundle = bundleOf(shared);
      if (!isWaiting(shared) || !isTrusted(bundle)) {
        since = null;
        return false;
      }
      if (since?.bundle !== bundle) since = { bundle, atMs: performance.now() };
      return performance.now() - since.atMs >= trustMs;
    },
    /** When to look again; null when nothing waits. */
    soonMs: (shared: SharedCertificates): number | null => (isWaiting(shared) ? Math.min(trustMs, 1000) : null),
  };
}

const attempts = 5;

/** Writes what is due over what was seen, and gives what there is in the end. */
async function settle(
  options: CertificateOptions,
  seen: ClusterObject | null,
  isTrusted: boolean,
): Promise<SharedCertificates> {
  const { client, secret, names, lifetimes = usualLifetimes } = options;
  let there = seen;
  for (let attempt = 1; ; attempt++) {
    const now = sharedIn(there);
    // oxlint-disable-next-line no-await-in-loop -- each attempt starts from what the last one found
    const next = await planned({ now, names, lifetimes, nowMs: Date.now(), isTrusted });
    if (next === null && now !== null) return now;
    if (next === null) throw new Error(`the Secret ${secret.namespace}/${secret.name} cannot be used`);
    const object = secretOf(secret, next, there);
    try {
      // oxlint-disable-next-line no-await-in-loop
      await (there === null ? client.create(secrets, object) : client.update(secrets, object));
      return next;
    } catch (error) {
      if (!isConflict(error) || attempt === attempts) throw error;
      // oxlint-disable-next-line no-await-in-loop
      there = await stored(client, secret);
    }
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409;
}

async function stored(client: ClusterClient, name: ObjectName): Promise<ClusterObject | null> {
  try {
    return await client.get(secrets, name);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

/** The names under which an API server calls a Service. */
export function serviceNames({ namespace, name }: ObjectName): readonly string[] {
  return [`${name}.${namespace}.svc`, `${name}.${namespace}.svc.cluster.local`, `${name}.${namespace}`];
}
