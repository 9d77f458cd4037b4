// Certificates that are known only later: a server that has to be asked whether it lives cannot wait for them. Until then it
// shows a leaf of an authority that nobody knows, so that only clients that verify nothing (a kubelet's probes) get an
// answer.

import type { KeyPair } from "../https.ts";
import { createAuthority } from "./authority.ts";
import type { CertificateSource } from "./reload.ts";

export interface ExchangedCertificates extends CertificateSource {
  /** From now on these, and what follows them; called once. */
  exchange(source: CertificateSource): void;
}

export async function exchangedCertificates(names: readonly string[]): Promise<ExchangedCertificates> {
  const authority = await createAuthority();
  const pair = await authority.issue(names);
  const followers = new Set<Follower>();
  let source: CertificateSource | null = null;
  const attach = (follower: Follower, next: CertificateSource): void => {
    try {
      follower.onPair(next.pair);
    } catch (error) {
      follower.onError(error as Error);
    }
    follower.following = next.follow(follower.onPair, follower.onError);
  };
  return {
    pair,
    ca: null,
    follow: (onPair, onError) => {
      const follower: Follower = { onPair, onError, following: null };
      followers.add(follower);
      if (source !== null) attach(follower, source);
      return {
        close: () => {
          followers.delete(follower);
          follower.following?.close();
        },
      };
    },
    exchange: (next) => {
      source = next;
      for (const follower of followers) attach(follower, next);
    },
  };
}

interface Follower {
  readonly onPair: (pair: KeyPair) => void;
  readonly onError: (error: Error) => void;
  following: { close(): void } | null;
}
