// Certificates as Go's x509.Certificate in JSON. Go: crypto/x509/parser.go parseCertificate.

import { type ZonedTime, formatTime, parseZonedTime, quote } from "@portcullis/lang/go";
import type { Value } from "../../runtime/value.ts";
import { readRsaKey, signatureAlgorithmOf } from "./algorithms.ts";
import { type BitText, DerReader, contextTag, tags } from "./der.ts";
import { type Extension, extensionFields, extensionValue, readExtension } from "./extensions.ts";
import { base64Of, orNull } from "./json.ts";
import { Malformed, must } from "./malformed.ts";
import { readName } from "./names.ts";

/** Kyverno takes only RSA. */
export const notRsa = "certificate should use rsa algorithm";

export function readCertificate(der: Uint8Array): Value {
  const whole = must(new DerReader(der).whole(tags.sequence), "x509: malformed certificate");
  if (whole.length !== der.length) throw new Malformed("x509: trailing data");
  const outer = must(new DerReader(der).enter(tags.sequence), "x509: malformed certificate");
  const rawTbs = must(outer.whole(tags.sequence), "x509: malformed tbs certificate");
  const tbs = must(new DerReader(rawTbs).enter(tags.sequence), "x509: malformed tbs certificate");
  const version = readVersion(tbs);
  const serial = must(tbs.integer(), "x509: malformed serial number");
  if (serial < 0n) throw new Malformed("x509: negative serial number");
  const signatureAlgorithm = readSignatureAlgorithm(tbs, outer);
  const rawIssuer = must(tbs.whole(tags.sequence), "x509: malformed issuer");
  const issuer = readName(rawIssuer);
  const validity = must(tbs.enter(tags.sequence), "x509: malformed validity");
  const [notBefore, notAfter] = [readTime(validity), readTime(validity)];
  const rawSubject = must(tbs.whole(tags.sequence), "x509: malformed issuer");
  const subject = readName(rawSubject);
  const rawKey = must(tbs.whole(tags.sequence), "x509: malformed spki");
  const key = readRsaKey(rawKey);
  const extensions = readExtensions(tbs, version);
  const fields = extensionFields(extensions);
  const signature = must(outer.bitText(), "x509: malformed signature");
  return {
    Raw: base64Of(whole),
    RawTBSCertificate: base64Of(rawTbs),
    RawSubjectPublicKeyInfo: base64Of(rawKey),
    RawSubject: base64Of(rawSubject),
    RawIssuer: base64Of(rawIssuer),
    Signature: base64Of(rightAligned(signature)),
    SignatureAlgorithm: signatureAlgorithm,
    PublicKeyAlgorithm: 1,
    PublicKey: { ...must(key, notRsa) },
    Version: version,
    SerialNumber: Number(serial),
    Issuer: issuer,
    Subject: subject,
    NotBefore: notBefore,
    NotAfter: notAfter,
    Extensions: orNull(extensions.map(extensionValue)),
    ExtraExtensions: null,
    ...fields,
  };
}

/** Counted from one. */
function readVersion(tbs: DerReader): number {
  const wrapper = tbs.peek(contextTag(0, true)) ? tbs.enter(contextTag(0, true)) : undefined;
  const version = wrapper === undefined ? 0n : must(wrapper?.integer(), "x509: malformed version");
  if (version < 0n) throw new Malformed("x509: malformed version");
  if (version > 2n) throw new Malformed("x509: invalid version");
  return Number(version) + 1;
}

/** It is written twice and must agree. */
function readSignatureAlgorithm(tbs: DerReader, outer: DerReader): number {
  const inner = must(tbs.bytes(tags.sequence), "x509: malformed signature algorithm identifier");
  const other = must(outer.bytes(tags.sequence), "x509: malformed algorithm identifier");
  if (inner.join() !== other.join()) {
    throw new Malformed("x509: inner and outer signature algorithm identifiers don't match");
  }
  return signatureAlgorithmOf(inner);
}

function readExtensions(tbs: DerReader, version: number): readonly Extension[] {
  const extensions: Extension[] = [];
  if (version < 2) return extensions;
  for (const number of [1, 2]) if (tbs.peek(contextTag(number))) tbs.any();
  if (version < 3 || !tbs.peek(contextTag(3, true))) return extensions;
  const wrapper = must(tbs.enter(contextTag(3, true)), "x509: malformed extensions");
  const list = must(wrapper.enter(tags.sequence), "x509: malformed extensions");
  const seen = new Set<string>();
  while (!list.isEmpty) {
    const extension = readExtension(must(list.enter(tags.sequence), "x509: malformed extension"));
    const id = extension.id.join(".");
    if (seen.has(id)) {
      throw new Malformed(`x509: certificate contains duplicate extension with OID ${quote(id)}`);
    }
    seen.add(id);
    extensions.push(extension);
  }
  return extensions;
}

/** In RFC 3339. Two digits of a year lie between 1950 and 2049. */
function readTime(validity: DerReader): string {
  if (validity.peek(tags.utcTime)) return readUtcTime(validity);
  if (!validity.peek(tags.generalizedTime)) throw new Malformed("x509: unsupported time format");
  const time = timeIn(validity.bytes(tags.generalizedTime), "20060102150405Z0700");
  return rfc3339Of(must(time, "x509: malformed GeneralizedTime"));
}

function readUtcTime(validity: DerReader): string {
  const content = validity.bytes(tags.utcTime);
  const time = must(
    timeIn(content, "060102150405Z0700") ?? timeIn(content, "0601021504Z0700"),
    "x509: malformed UTCTime",
  );
  const text = rfc3339Of(time);
  const year = Number(text.slice(0, 4));
  return year >= 2050 ? `${year - 100}${text.slice(4)}` : text;
}

/** Only what the layout would print again is accepted. */
function timeIn(content: Uint8Array | null, layout: string): ZonedTime | null {
  if (content === null) return null;
  const text = Array.from(content, (byte) => String.fromCharCode(byte)).join("");
  const time = parseZonedTime(layout, text);
  return "error" in time || formatTime(time, layout) !== text ? null : time;
}

function rfc3339Of(time: ZonedTime): string {
  return formatTime(time, "2006-01-02T15:04:05.999999999Z07:00");
}

/** The bits at the end of the bytes. Go: asn1.BitString RightAlign. */
export function rightAligned({ bytes, padding }: BitText): Uint8Array {
  if (padding === 0) return bytes;
  return bytes.map((byte, at) => (byte >> padding) | ((bytes[at - 1] ?? 0) << (8 - padding)));
}
