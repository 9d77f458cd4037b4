// World is everything that a decision may learn from outside, as parameters: the time and random numbers are fixed for
// one decision, primitives are synchronous, and whatever needs waiting is a Need. A policy asks for its needs; if they
// are not there, `ask` throws Suspend, the driver fetches them all at once, and only what suspended runs again.

/** Something to fetch; equal keys are fetched once. */
export interface Need {
  readonly kind: string;
  readonly key: string;
  readonly call: unknown;
}

/** A failed fetch is an answer, not an exception. */
export type Answer = { readonly value: unknown } | { readonly error: string };

export class Suspend extends Error {
  readonly needs: readonly Need[];

  constructor(needs: readonly Need[]) {
    super("suspended");
    this.name = "Suspend";
    this.needs = needs;
  }
}

export interface World {
  /** Milliseconds since 1970, fixed for one decision, so that a re-run sees the same time. */
  readonly nowMs: number;
  /** Equal streams give equal numbers in [0, 1) on a re-run. */
  random(stream: string): () => number;
  readonly host: Host;
  /** Throws Suspend with all that are missing: a loop asks for its elements at once. */
  ask(needs: readonly Need[]): readonly Answer[];
}

/** Synchronous primitives that the pure packages do not have. */
export interface Host {
  /** `md5`, `sha1`, `sha256`, `sha512`. */
  digest(algorithm: string, bytes: Uint8Array): Uint8Array;
  hmac(algorithm: string, key: Uint8Array, bytes: Uint8Array): Uint8Array;
  /** UTC offset of an IANA zone at a moment, in seconds, with its abbreviation; null for an unknown zone. */
  zone(name: string, epochMs: number): { readonly offsetSeconds: number; readonly abbreviation: string } | null;
  /** Absent where the host cannot check signatures synchronously (a browser). */
  readonly signatures?: Signatures;
}

/** A key as the host keeps it; `kind` says which algorithms it serves. */
export interface SignatureKey {
  readonly kind: "rsa" | "ec" | "ed25519" | "other";
  readonly handle: unknown;
}

/** Signatures by their JOSE names: RS256, PS384, ES512, EdDSA and so on. */
export interface Signatures {
  /** The public key of a PEM text (a certificate or a public key), or of a JWK. */
  publicKey(source: { readonly pem: string } | { readonly jwk: unknown }): SignatureKey | { readonly error: string };
  /** False for a wrong signature and for a key of the wrong kind. */
  verify(algorithm: string, key: SignatureKey, bytes: Uint8Array, signature: Uint8Array): boolean;
  /** The signature with a private JWK. */
  sign(algorithm: string, jwk: unknown, bytes: Uint8Array): Uint8Array | { readonly error: string };
}
