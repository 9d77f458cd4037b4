// Certificates as Go reads them. Go: crypto/x509/parser.go parseCertificate.

import { numberOfInteger } from "../../decimal.ts";
import { quote } from "../quote.ts";
import { type ZonedTime, formatTime } from "../time.ts";
import { parseZonedTime } from "../timeparse.ts";
import { signatureAlgorithmOf } from "./algorithms.ts";
import type { AlternativeNames } from "./alternatives.ts";
import type { NameConstraints } from "./constraints.ts";
import { DerReader, contextTag, rightAligned, tags } from "./der.ts";
import { type Extension, extensionFields, extensionValue, readExtension } from "./extensions.ts";
import { type JsonObject, base64Of, orNull } from "./json.ts";
import { Malformed, must } from "./malformed.ts";
import { readName } from "./names.ts";
import { type PublicKey, publicKeyJson, readPublicKey } from "./publickey.ts";

export interface Certificate {
  readonly raw: Uint8Array;
  readonly rawTbs: Uint8Array;
  readonly rawSubject: Uint8Array;
  readonly rawIssuer: Uint8Array;
  /** The SubjectPublicKeyInfo. */
  readonly rawKey: Uint8Array;
  readonly publicKey: PublicKey | null;
  readonly signature: Uint8Array;
  /** Go's number. */
  readonly signatureAlgorithm: number;
  /** From one. */
  readonly version: number;
  /** First and last moment, in seconds since 1970. */
  readonly validity: readonly [number, number];
  readonly extensions: readonly Extension[];
  readonly names: AlternativeNames;
  readonly constraints: NameConstraints;
  /** Go's x509.Certificate in JSON. */
  readonly json: JsonObject;
}

/** One certificate and nothing behind it. Throws Malformed. Go: ParseCertificate. */
export function readCertificate(der: Uint8Array): Certificate {
  const certificate = readFirst(der);
  if (certificate.raw.length !== der.length) throw new Malformed("x509: trailing data");
  return certificate;
}

/** Certificates one behind the other. Throws Malformed. Go: ParseCertificates. */
export function readCertificates(der: Uint8Array): readonly Certificate[] {
  const certificates: Certificate[] = [];
  for (let at = 0; at < der.length;) {
    const certificate = readFirst(der.subarray(at));
    certificates.push(certificate);
    at += certificate.raw.length;
  }
  return certificates;
}

function readFirst(der: Uint8Array): Certificate {
  const raw = must(new DerReader(der).whole(tags.sequence), "x509: malformed certificate");
  const outer = must(new DerReader(raw).enter(tags.sequence), "x509: malformed certificate");
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
  const { algorithm, key } = readPublicKey(rawKey);
  const extensions = readExtensions(tbs, version);
  const { json: fields, names, constraints } = extensionFields(extensions);
  const signature = rightAligned(must(outer.bitText(), "x509: malformed signature"));
  const json = {
    Raw: base64Of(raw),
    RawTBSCertificate: base64Of(rawTbs),
    RawSubjectPublicKeyInfo: base64Of(rawKey),
    RawSubject: base64Of(rawSubject),
    RawIssuer: base64Of(rawIssuer),
    Signature: base64Of(signature),
    SignatureAlgorithm: signatureAlgorithm,
    PublicKeyAlgorithm: algorithm,
    PublicKey: publicKeyJson(key),
    Version: version,
    SerialNumber: numberOfInteger(serial),
    Issuer: issuer,
    Subject: subject,
    NotBefore: rfc3339Of(notBefore),
    NotAfter: rfc3339Of(notAfter),
    Extensions: orNull(extensions.map(extensionValue)),
    ExtraExtensions: null,
    ...fields,
  };
  const raws = { raw, rawTbs, rawSubject, rawIssuer, rawKey };
  const period = [notBefore.seconds, notAfter.seconds] as const;
  const signed = { signature, signatureAlgorithm, version, validity: period };
  return { ...raws, ...signed, publicKey: key, extensions, names, constraints, json };
}

/** Counted from one. */
function readVersion(tbs: DerReader): number {
  const wrapper = tbs.peek(contextTag(0, true)) ? tbs.enter(contextTag(0, true)) : undefined;
  const version = wrapper === undefined ? 0n : must(wrapper?.integer(), "x509: malformed version");
  if (version < 0n || wrapper?.isEmpty === false) throw new Malformed("x509: malformed version");
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

/** Two digits of a year lie between 1950 and 2049. */
function readTime(validity: DerReader): ZonedTime {
  if (validity.peek(tags.utcTime)) return readUtcTime(validity);
  if (!validity.peek(tags.generalizedTime)) throw new Malformed("x509: unsupported time format");
  const time = timeIn(validity.bytes(tags.generalizedTime), "20060102150405Z0700");
  return must(time, "x509: malformed GeneralizedTime");
}

function readUtcTime(validity: DerReader): ZonedTime {
  const content = validity.bytes(tags.utcTime);
  const time = must(
    timeIn(content, "060102150405Z0700") ?? timeIn(content, "0601021504Z0700"),
    "x509: malformed UTCTime",
  );
  const year = Number(formatTime(time, "2006"));
  if (year < 2050) return time;
  const date = formatTime(time, "-01-02T15:04:05Z07:00");
  const earlier = parseZonedTime("2006-01-02T15:04:05Z07:00", `${year - 100}${date}`);
  if ("error" in earlier) throw new Malformed("x509: malformed UTCTime");
  return earlier;
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
