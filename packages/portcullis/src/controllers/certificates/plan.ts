// What has to become of the certificates that all replicas share, from what they are now. A leaf is renewed before its end.
// An authority is exchanged in three steps, so that at every moment each client trusts each leaf that is served: the new one
// joins the bundle while the old leaf is still served; once every webhook configuration has had that bundle for a while,
// a leaf of the new one is served; the old one stays in the bundle until it has expired.

import { X509Certificate } from "node:crypto";
import { type Authority, createAuthority, openAuthority } from "../../server/certificates/authority.ts";

/** Everything in PEM. */
export interface SharedCertificates {
  /** What clients must trust. The first one signs. */
  readonly authorities: readonly string[];
  /** The key of the first. */
  readonly authorityKey: string;
  readonly cert: string;
  readonly key: string;
}

export interface Lifetimes {
  readonly authorityDays: number;
  readonly leafDays: number;
  /** Both are replaced so long before their end. */
  readonly renewBeforeDays: number;
}

/** cert-controller's figures, which Gatekeeper uses. */
export const usualLifetimes: Lifetimes = { authorityDays: 3652, leafDays: 365, renewBeforeDays: 90 };

export interface Planning {
  /** Null: there are none, or none that can be used. */
  readonly now: SharedCertificates | null;
  readonly names: readonly string[];
  readonly lifetimes: Lifetimes;
  readonly nowMs: number;
  /** Whether clients have trusted the whole bundle for long enough. */
  readonly isTrusted: boolean;
}

/** What they should be; null when they should stay. */
export async function planned(planning: Planning): Promise<SharedCertificates | null> {
  const { now, names, lifetimes, nowMs } = planning;
  const authority = now === null ? null : await opened(now);
  if (now === null || authority === null) {
    const made = await createAuthority("portcullis-ca", lifetimes.authorityDays);
    return withLeaf({ authorities: [made.ca], authority: made }, names, lifetimes);
  }
  const [first = ""] = now.authorities;
  const living = now.authorities.filter((ca) => endMs(ca) > nowMs);
  if (isDue(first, lifetimes, nowMs)) {
    const next = await createAuthority("portcullis-ca", lifetimes.authorityDays);
    return { ...now, authorities: [next.ca, ...living], authorityKey: next.key };
  }
  const isOurs = isIssuedBy(now.cert, first);
  const isUsable = endMs(now.cert) > nowMs && living.some((ca) => isIssuedBy(now.cert, ca));
  if (!isUsable || (isOurs && needsLeaf(now, planning)) || (!isOurs && planning.isTrusted)) {
    return withLeaf({ authorities: living, authority }, namesFor(now, planning), lifetimes);
  }
  return living.length < now.authorities.length ? { ...now, authorities: living } : null;
}

/** Whether the leaf is still of an older authority: the new one waits for being trusted. */
export function isWaiting({ cert, authorities }: SharedCertificates): boolean {
  return !isIssuedBy(cert, authorities[0] ?? "");
}

interface Signing {
  readonly authorities: readonly string[];
  readonly authority: Authority;
}

async function withLeaf(
  { authorities, authority }: Signing,
  names: readonly string[],
  { leafDays }: Lifetimes,
): Promise<SharedCertificates> {
  return { authorities, authorityKey: authority.key, ...(await authority.issue(names, leafDays)) };
}

function needsLeaf(now: SharedCertificates, { names, lifetimes, nowMs }: Planning): boolean {
  const covered = new Set(namesIn(now.cert));
  return isDue(now.cert, lifetimes, nowMs) || names.some((name) => !covered.has(name));
}

const namesMost = 100;

/** Replicas with different names must not take each other's away; the yearly renewal forgets those that are gone. */
function namesFor(now: SharedCertificates, { names, lifetimes, nowMs }: Planning): readonly string[] {
  if (isDue(now.cert, lifetimes, nowMs)) return names;
  return [...new Set([...names, ...namesIn(now.cert)])].slice(0, namesMost);
}

/** The loopback address as it is usually written, not with all its zeros. */
function namesIn(cert: string): readonly string[] {
  const text = new X509Certificate(cert).subjectAltName ?? "";
  return text.split(", ").map((entry) => entry.replace(/^(?:DNS|IP Address):/, "").replace(/^(?:0:){7}1$/, "::1"));
}

/** Close to its end, or already after half of a life that is shorter than that. */
function isDue(pem: string, { renewBeforeDays }: Lifetimes, nowMs: number): boolean {
  const startMs = Date.parse(new X509Certificate(pem).validFrom);
  const lifeMs = endMs(pem) - startMs;
  return endMs(pem) - nowMs < Math.min(renewBeforeDays * 86_400_000, lifeMs / 2);
}

function endMs(pem: string): number {
  return Date.parse(new X509Certificate(pem).validTo);
}

function isIssuedBy(cert: string, ca: string): boolean {
  try {
    return new X509Certificate(cert).verify(new X509Certificate(ca).publicKey);
  } catch {
    return false;
  }
}

/** Null when somebody put something else there. */
async function opened(now: SharedCertificates): Promise<Authority | null> {
  try {
    return await openAuthority(now.authorities[0] ?? "", now.authorityKey);
  } catch {
    return null;
  }
}
