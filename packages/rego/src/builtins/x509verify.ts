// Chains of certificates: from a leaf over intermediates to a root, each signed by the next, none expired, none that may
// not sign, and their policies, key usages and name constraints kept. The first chain found counts. Signatures are checked
// by the host. Go: crypto/x509/verify.go Verify; x509.go CheckSignatureFrom.

import type { SignatureKey } from "@portcullis/lang";
import {
  type Certificate,
  type PublicKey,
  DerReader,
  derTags,
  encodeBase64,
  standardBase64,
} from "@portcullis/lang/go";
import type { BuiltinCall } from "./builtin.ts";
import { equalBytes, signatures } from "./jwtkeys.ts";
import { constraintsAllow, isForHost } from "./x509names.ts";
import { policiesAllow } from "./x509policies.ts";
import { bitLength } from "./x509rsakey.ts";

export interface VerifyOptions {
  /** Empty: any host. */
  readonly host: string;
  /** The moment at which the chain must be valid, in nanoseconds since 1970; null: now. */
  readonly at: bigint | null;
  /** Go's numbers, any of which is enough; empty: server authentication. */
  readonly keyUsages: readonly number[];
}

interface Verification {
  readonly call: BuiltinCall;
  readonly root: Certificate;
  readonly intermediates: readonly Certificate[];
  readonly at: bigint;
  readonly keys: Map<Certificate, SignatureKey | null>;
  checks: number;
}

/** Certificates in the order root, intermediates, leaf. The chain from the leaf to the root, or null. */
export function verifiedChain(
  call: BuiltinCall,
  certificates: readonly Certificate[],
  options: VerifyOptions,
): readonly Certificate[] | null {
  const [root, leaf] = [certificates[0], certificates.at(-1)];
  if (root === undefined || leaf === undefined || certificates.length < 2) return null;
  const at = options.at ?? BigInt(Math.trunc(call.world.nowMs * 1000)) * 1000n;
  const intermediates = distinct(certificates.slice(1, -1));
  const verification: Verification = { call, root, intermediates, at, keys: new Map(), checks: 0 };
  if (!isValid(leaf, [], verification)) return null;
  if (options.host !== "" && !isForHost(leaf, options.host)) return null;
  const isRoot = equalBytes(root.raw, leaf.raw);
  const chains = isRoot ? [[leaf]] : chainsFrom(leaf, [leaf], verification);
  return chains.find((chain) => isAllowed(chain, options.keyUsages)) ?? null;
}

function distinct(certificates: readonly Certificate[]): readonly Certificate[] {
  return certificates.filter((one, at) => certificates.findIndex((other) => equalBytes(one.raw, other.raw)) === at);
}

function isAllowed(chain: readonly Certificate[], usages: readonly number[]): boolean {
  return policiesAllow(chain) && hasKeyUsage(chain, usages) && constraintsAllow(chain);
}

const anyUsage = 0;
const serverAuthentication = 1;

/** Whether one of the usages is left after each certificate has cut those that it does not have. */
function hasKeyUsage(chain: readonly Certificate[], wanted: readonly number[]): boolean {
  if (wanted.includes(anyUsage)) return true;
  let usages = wanted.length === 0 ? [serverAuthentication] : wanted;
  for (const { json } of chain.toReversed()) {
    const [known, unknown] = [json["ExtKeyUsage"], json["UnknownExtKeyUsage"]];
    const own = Array.isArray(known) ? (known as readonly number[]) : [];
    if ((own.length === 0 && !Array.isArray(unknown)) || own.includes(anyUsage)) continue;
    usages = usages.filter((usage) => own.includes(usage));
    if (usages.length === 0) return false;
  }
  return true;
}

/** In a list of untrusted certificates there may be very many chains. */
const checksMax = 100;

function chainsFrom(
  child: Certificate,
  chain: readonly Certificate[],
  verification: Verification,
): readonly (readonly Certificate[])[] {
  const found: (readonly Certificate[])[] = [];
  for (const parent of parentsOf(child, [verification.root])) {
    if (signs(parent, child, chain, verification) && isValid(parent, chain, verification))
      found.push([...chain, parent]);
  }
  for (const parent of parentsOf(child, verification.intermediates)) {
    if (!signs(parent, child, chain, verification) || !isValid(parent, chain, verification)) continue;
    const { BasicConstraintsValid: isKnown, IsCA: isCa } = parent.json;
    if (isKnown === true && isCa === true) found.push(...chainsFrom(parent, [...chain, parent], verification));
  }
  return found;
}

/** Those with the issuer's name; where the identifiers of keys agree first, then where one is missing, then the others. */
function parentsOf(child: Certificate, candidates: readonly Certificate[]): readonly Certificate[] {
  const wanted = child.json["AuthorityKeyId"];
  const rank = ({ json }: Certificate): number => {
    const own = json["SubjectKeyId"];
    const [a, b] = [own ?? "", wanted ?? ""];
    if (a === b) return 0;
    return a === "" || b === "" ? 1 : 2;
  };
  const named = candidates.filter(({ rawSubject }) => equalBytes(rawSubject, child.rawIssuer));
  return named.toSorted((a, b) => rank(a) - rank(b));
}

function signs(
  parent: Certificate,
  child: Certificate,
  chain: readonly Certificate[],
  verification: Verification,
): boolean {
  verification.checks++;
  if (verification.checks > checksMax || parent.publicKey === null || isInChain(parent, chain)) return false;
  const { json, version } = parent;
  const isCaUnknown = version === 3 && json["BasicConstraintsValid"] !== true;
  if (isCaUnknown || (json["BasicConstraintsValid"] === true && json["IsCA"] !== true)) return false;
  const usage = Number(json["KeyUsage"]);
  if (usage !== 0 && (usage & certificateSigning) === 0) return false;
  return isSignedBy(child, parent, parent.publicKey, verification);
}

const certificateSigning = 32;

/** The same subject, key and alternative names. */
function isInChain(candidate: Certificate, chain: readonly Certificate[]): boolean {
  for (const one of chain) {
    if (!equalBytes(one.rawSubject, candidate.rawSubject) || !equalBytes(one.rawKey, candidate.rawKey)) continue;
    const [a, b] = [one, candidate].map(({ extensions }) => extensions.find(({ id }) => id.join(".") === "2.5.29.17"));
    if (a === undefined && b === undefined) return true;
    if (a === undefined || b === undefined) return false;
    if (equalBytes(a.value, b.value)) return true;
  }
  return false;
}

/** Of a leaf when the chain is empty. */
function isValid(certificate: Certificate, chain: readonly Certificate[], { at }: Verification): boolean {
  const { json, validity } = certificate;
  if (json["UnhandledCriticalExtensions"] !== null) return false;
  const [from, to] = validity.map((seconds) => BigInt(seconds) * 1_000_000_000n) as [bigint, bigint];
  if (at < from || at > to) return false;
  const limit = Number(json["MaxPathLen"]);
  return json["BasicConstraintsValid"] !== true || limit < 0 || chain.length - 1 <= limit;
}

// ── signatures

/** By Go's number: the JOSE name and the kind of key. MD5, SHA-1 and DSA are refused. */
const algorithms: ReadonlyMap<number, readonly [name: string, kind: PublicKey["kind"]]> = new Map([
  [4, ["RS256", "rsa"]],
  [5, ["RS384", "rsa"]],
  [6, ["RS512", "rsa"]],
  [10, ["ES256", "ec"]],
  [11, ["ES384", "ec"]],
  [12, ["ES512", "ec"]],
  [13, ["PS256", "rsa"]],
  [14, ["PS384", "rsa"]],
  [15, ["PS512", "rsa"]],
  [16, ["EdDSA", "ed25519"]],
]);

/** Shorter keys do not count. Go: crypto/rsa checkKeySize. */
const rsaBitsMin = 1024;
/** About what checking a signature costs, in steps. */
const checkCost = 200_000;

function isSignedBy(child: Certificate, parent: Certificate, key: PublicKey, verification: Verification): boolean {
  const [name, kind] = algorithms.get(child.signatureAlgorithm) ?? [null, null];
  if (name === null || kind !== key.kind) return false;
  if (key.kind === "rsa" && bitLength(key.modulus) < rsaBitsMin) return false;
  const { call, keys } = verification;
  call.budget.step(checkCost);
  const host = signatures(call.world);
  let handle = keys.get(parent);
  if (handle === undefined) {
    const made = host.publicKey({ pem: publicKeyPem(parent.rawKey) });
    handle = "error" in made ? null : made;
    keys.set(parent, handle);
  }
  const signature = key.kind === "ec" ? plainSignature(child.signature, key.curve.size) : child.signature;
  return handle !== null && signature !== null && host.verify(name, handle, child.rawTbs, signature);
}

function publicKeyPem(der: Uint8Array): string {
  const lines = encodeBase64(der, standardBase64).match(/.{1,64}/g) ?? [];
  return `-----BEGIN PUBLIC KEY-----\n${lines.join("\n")}\n-----END PUBLIC KEY-----\n`;
}

/** The two numbers of an ECDSA signature one behind the other, as JOSE has them; null for anything else. */
function plainSignature(der: Uint8Array, size: number): Uint8Array | null {
  const all = new DerReader(der);
  const numbers = all.enter(derTags.sequence);
  const [r, s] = [numbers?.integer() ?? null, numbers?.integer() ?? null];
  if (r === null || s === null || r <= 0n || s <= 0n || !all.isEmpty || numbers?.isEmpty !== true) return null;
  const texts = [r, s].map((value) => value.toString(16).padStart(size * 2, "0"));
  if (texts.some((text) => text.length > size * 2)) return null;
  return Uint8Array.from(texts.join("").match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}
