// A certificate authority of our own, for the time when nobody gives us certificates: made at start, valid for ten years,
// with a leaf for a year that is renewed 90 days before its end (cert-controller's figures, which Gatekeeper uses). Keys
// are P-256: with them a handshake costs a tenth of what RSA costs.

import "reflect-metadata";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate as PeculiarCertificate,
  X509CertificateGenerator,
  cryptoProvider,
} from "@peculiar/x509";
import { KeyObject, X509Certificate, createPrivateKey, createPublicKey, randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import type { KeyPair } from "../https.ts";

export interface Authority {
  /** PEM; what clients must trust. */
  readonly ca: string;
  /** Its private key, PEM. */
  readonly key: string;
  /** A leaf for these DNS names and IP addresses. */
  issue(names: readonly string[], validDays?: number): Promise<KeyPair>;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const dayMs = 86_400_000;
const authorityDays = 3652;
const leafDays = 365;
const renewBeforeDays = 90;

/** A new authority. It exists only in memory, unless somebody keeps its key. */
export async function createAuthority(commonName = "portcullis-ca", days = authorityDays): Promise<Authority> {
  cryptoProvider.set(webcrypto);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=${commonName}`,
    ...validity(days),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return authorityOf(certificate, keys);
}

/** An authority that was kept. Rejects when the two do not belong together or are no PEM. */
export async function openAuthority(ca: string, key: string): Promise<Authority> {
  cryptoProvider.set(webcrypto);
  const certificate = new PeculiarCertificate(ca);
  if (!new X509Certificate(ca).checkPrivateKey(createPrivateKey(key))) {
    throw new Error("the authority's key does not belong to its certificate");
  }
  const privateKey = createPrivateKey(key).toCryptoKey(algorithm, true, ["sign"]);
  const publicKey = createPublicKey(key).toCryptoKey(algorithm, true, ["verify"]);
  return authorityOf(certificate, { privateKey, publicKey });
}

function authorityOf(certificate: PeculiarCertificate, keys: webcrypto.CryptoKeyPair): Authority {
  return {
    ca: `${certificate.toString("pem")}\n`,
    key: String(KeyObject.from(keys.privateKey).export({ type: "pkcs8", format: "pem" })),
    issue: (names, validDays = leafDays) => issueLeaf({ certificate, keys, names, validDays }),
  };
}

interface Issuing {
  readonly certificate: PeculiarCertificate;
  readonly keys: webcrypto.CryptoKeyPair;
  readonly names: readonly string[];
  readonly validDays: number;
}

async function issueLeaf({ certificate, keys, names, validDays }: Issuing): Promise<KeyPair> {
  const leafKeys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const leaf = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `CN=${names[0] ?? "portcullis"}`,
    issuer: certificate.subject,
    ...validity(validDays),
    publicKey: leafKeys.publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      new SubjectAlternativeNameExtension(
        names.map((name) => ({ type: isIP(name) === 0 ? "dns" : "ip", value: name }) as const),
      ),
      await AuthorityKeyIdentifierExtension.create(keys.publicKey),
      await SubjectKeyIdentifierExtension.create(leafKeys.publicKey),
    ],
  });
  const key = KeyObject.from(leafKeys.privateKey).export({ type: "pkcs8", format: "pem" });
  return { cert: `${leaf.toString("pem")}\n`, key: String(key) };
}

/** Whether this certificate (PEM) should be replaced by now. */
export function isDueForRenewal(cert: string, nowMs: number, beforeMs = renewBeforeDays * dayMs): boolean {
  return Date.parse(new X509Certificate(cert).validTo) - nowMs < beforeMs;
}

/** Starts an hour ago, for clients whose clock is late. */
function validity(days: number): { readonly notBefore: Date; readonly notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - 3_600_000), notAfter: new Date(now + days * dayMs) };
}

/** Positive, as RFC 5280 wants it. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}
