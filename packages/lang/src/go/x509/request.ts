// Certificate requests as Go's x509.CertificateRequest.
// Go: crypto/x509/x509.go ParseCertificateRequest, parseCSRExtensions, parseRawAttributes.

import { numberOfInteger } from "../../decimal.ts";
import { signatureAlgorithmOf } from "./algorithms.ts";
import { alternativeNamesJson, noAlternativeNames, readAlternativeNames } from "./alternatives.ts";
import { Asn1Reader, type Element, anyValue } from "./asn1.ts";
import { rightAligned } from "./der.ts";
import { type Extension, extensionValue } from "./extensions.ts";
import { type Json, type JsonObject, base64Of, orNull } from "./json.ts";
import { Malformed, must } from "./malformed.ts";
import { nameJson } from "./names.ts";
import { type PublicKey, publicKeyJson, readPublicKey } from "./publickey.ts";

export interface CertificateRequest {
  readonly publicKey: PublicKey | null;
  /** Go's x509.CertificateRequest in JSON. */
  readonly json: JsonObject;
}

/** Throws Malformed. */
export function readRequest(der: Uint8Array): CertificateRequest {
  const all = new Asn1Reader(der);
  const outer = all.sequence("certificateRequest");
  const tbs = outer.fields.sequence("tbsCertificateRequest");
  const version = tbs.fields.int();
  const rawSubject = tbs.fields.some().whole;
  const key = tbs.fields.sequence("publicKeyInfo");
  skipIdentifier(key.fields);
  key.fields.bits();
  const attributes = rawElements(tbs.fields.sequence("", { tag: 0 }).fields);
  const algorithm = skipIdentifier(outer.fields);
  const signature = outer.fields.bits() ?? { bytes: new Uint8Array(), padding: 0 };
  if (!all.isEmpty) throw new Malformed("asn1: syntax error: trailing data");
  const signatureAlgorithm = signatureAlgorithmOf(algorithm);
  const { algorithm: keyAlgorithm, key: publicKey } = readPublicKey(key.whole);
  const subject = readSubject(rawSubject);
  const extensions = requestedExtensions(attributes);
  const alternatives = extensions.filter(({ id }) => id.join(".") === "2.5.29.17").map(({ value }) => value);
  const names = alternatives.map(readAlternativeNames).at(-1) ?? noAlternativeNames;
  const json = {
    Raw: base64Of(outer.whole),
    RawTBSCertificateRequest: base64Of(tbs.whole),
    RawSubjectPublicKeyInfo: base64Of(key.whole),
    RawSubject: base64Of(rawSubject),
    Version: numberOfInteger(version),
    Signature: base64Of(rightAligned(signature)),
    SignatureAlgorithm: signatureAlgorithm,
    PublicKeyAlgorithm: keyAlgorithm,
    PublicKey: publicKeyJson(publicKey),
    Subject: subject,
    Attributes: orNull(attributes.flatMap((attribute) => pairsOf(attribute) ?? [])),
    Extensions: orNull(extensions.map(extensionValue)),
    ExtraExtensions: null,
    ...alternativeNamesJson(names),
  };
  return { publicKey, json };
}

/** An algorithm identifier; its content. */
function skipIdentifier(reader: Asn1Reader): Uint8Array {
  const { fields } = reader.sequence("AlgorithmIdentifier");
  const content = fields.rest;
  fields.identifier();
  fields.any({ optional: true });
  return content;
}

function rawElements(reader: Asn1Reader): readonly Element[] {
  const elements: Element[] = [];
  reader.checkElements(null);
  while (!reader.isEmpty) elements.push(reader.some());
  return elements;
}

/** Go: asn1.Unmarshal into pkix.RDNSequence. */
function readSubject(der: Uint8Array): Json {
  const all = new Asn1Reader(der);
  const names: { readonly arcs: readonly number[]; readonly value: Json }[] = [];
  const { fields } = all.sequence("RDNSequence");
  fields.checkElements(17);
  while (!fields.isEmpty) {
    for (const pair of fields.sequences("RelativeDistinguishedNameSET", "AttributeTypeAndValue", { set: true })) {
      names.push(readPair(pair));
    }
  }
  if (!all.isEmpty) throw new Malformed("x509: trailing data after X.509 Subject");
  return nameJson(names);
}

function readPair(pair: Asn1Reader): { readonly arcs: readonly number[]; readonly value: Json } {
  const arcs = must(pair.identifier(), "asn1: syntax error: sequence truncated");
  const value = anyValue(pair.some());
  return { arcs, value: jsonOf(value) };
}

function jsonOf(value: ReturnType<typeof anyValue>): Json {
  if (value === undefined) return null;
  if (typeof value === "bigint") return numberOfInteger(value);
  return value instanceof Uint8Array ? base64Of(value) : value;
}

/** The result, or null where the reading ends early. */
function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}

const extensionRequest = "1.2.840.113549.1.9.14";

/** Attributes that cannot be read do not count. */
function requestedExtensions(attributes: readonly Element[]): readonly Extension[] {
  const extensions: Extension[] = [];
  const seen = new Set<string>();
  for (const attribute of attributes) {
    const read = attempt(() => {
      const { fields } = new Asn1Reader(attribute.whole).sequence("pkcs10Attribute");
      const id = fields.identifier() ?? [];
      return { id, values: rawElements(fields.sequence("", { set: true }).fields) };
    });
    const [first] = read?.values ?? [];
    if (read?.id.join(".") !== extensionRequest || first === undefined) continue;
    for (const fields of new Asn1Reader(first.whole).sequences("", "Extension")) {
      const id = must(fields.identifier(), "asn1: syntax error: sequence truncated");
      const critical = fields.boolean({ optional: true });
      extensions.push({ id, critical, value: fields.octets() });
      if (seen.has(id.join("."))) {
        throw new Malformed("x509: certificate request contains duplicate requested extensions");
      }
      seen.add(id.join("."));
    }
  }
  return extensions;
}

/** An attribute as a set of lists of pairs, which is what a request for extensions looks like; null for any other. */
function pairsOf(attribute: Element): Json | null {
  return attempt(() => {
    const { fields } = new Asn1Reader(attribute.whole).sequence("AttributeTypeAndValueSET");
    const id = must(fields.identifier(), "asn1: syntax error: sequence truncated");
    const lists: Json[] = [];
    const set = fields.sequence("", { set: true }).fields;
    set.checkElements(16);
    while (!set.isEmpty) {
      const pairs = set.sequences("", "AttributeTypeAndValue").map(readPair);
      lists.push(pairs.map(({ arcs, value }) => ({ Type: arcs, Value: value })));
    }
    return { Type: id, Value: lists };
  });
}
