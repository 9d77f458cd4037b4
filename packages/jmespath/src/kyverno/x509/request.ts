// Certificate requests as Go's x509.CertificateRequest in JSON. Go reads them with its reflecting ASN.1 decoder, whose texts
// for broken requests tell its own types; of those only the first sentence is kept here.
// Go: crypto/x509/x509.go parseCertificateRequest, parseCSRExtensions, parseRawAttributes.

import { decodeUtf8 } from "@portcullis/lang/go";
import type { Value } from "../../runtime/value.ts";
import { readRsaKey, signatureAlgorithmOf } from "./algorithms.ts";
import { noAlternativeNames, readAlternativeNames } from "./alternatives.ts";
import { notRsa, rightAligned } from "./certificate.ts";
import { DerReader, arcsOf, contextTag, tags } from "./der.ts";
import { type Extension, extensionValue, readExtension } from "./extensions.ts";
import { base64Of, orNull } from "./json.ts";
import { Malformed, must } from "./malformed.ts";
import { readName } from "./names.ts";

const structureError = "asn1: structure error: tags don't match";

/** A part of a sequence, which ends too early or holds something else. */
function part<T>(reader: DerReader, read: (reader: DerReader) => T | null): T {
  if (reader.isEmpty) throw new Malformed("asn1: syntax error: sequence truncated");
  return must(read(reader), structureError);
}

const sequenceIn = (reader: DerReader): DerReader | null => reader.enter(tags.sequence);
const wholeSequence = (reader: DerReader): Uint8Array | null => reader.whole(tags.sequence);

export function readRequest(der: Uint8Array): Value {
  const all = new DerReader(der);
  const whole = part(all, wholeSequence);
  const outer = part(new DerReader(whole), sequenceIn);
  const rawTbs = part(outer, wholeSequence);
  const tbs = part(new DerReader(rawTbs), sequenceIn);
  const version = Number(part(tbs, (reader) => reader.integer()));
  const rawSubject = part(tbs, (reader) => reader.any()).whole;
  const rawKey = part(tbs, wholeSequence);
  const attributes = attributesIn(part(tbs, (reader) => reader.enter(contextTag(0, true))));
  const algorithm = part(outer, (reader) => reader.bytes(tags.sequence));
  const signature = part(outer, (reader) => reader.bitText());
  if (!all.isEmpty) throw new Malformed("asn1: syntax error: trailing data");
  const key = readRsaKey(rawKey);
  const subject = readName(rawSubject);
  const extensions = requestedExtensions(attributes);
  const names = extensions.findLast(({ id }) => id.join(".") === "2.5.29.17");
  return {
    Raw: base64Of(whole),
    RawTBSCertificateRequest: base64Of(rawTbs),
    RawSubjectPublicKeyInfo: base64Of(rawKey),
    RawSubject: base64Of(rawSubject),
    Version: version,
    Signature: base64Of(rightAligned(signature)),
    SignatureAlgorithm: signatureAlgorithmOf(algorithm),
    PublicKeyAlgorithm: 1,
    PublicKey: { ...must(key, notRsa) },
    Subject: subject,
    Attributes: orNull(attributes.flatMap((attribute) => pairsOf(attribute) ?? [])),
    Extensions: orNull(extensions.map(extensionValue)),
    ExtraExtensions: null,
    ...(names === undefined ? noAlternativeNames : readAlternativeNames(names.value)),
  };
}

interface Attribute {
  readonly id: readonly number[];
  readonly values: readonly Uint8Array[];
}

/** Attributes that cannot be read do not count. */
function attributesIn(content: DerReader): readonly Attribute[] {
  const attributes: Attribute[] = [];
  while (!content.isEmpty) {
    const fields = new DerReader(must(content.any(), structureError).whole).enter(tags.sequence);
    const id = fields?.objectIdentifier() ?? null;
    const set = fields?.enter(tags.set) ?? null;
    if (id === null || set === null) continue;
    const values: Uint8Array[] = [];
    for (let value = set.any(); value !== null; value = set.any()) values.push(value.whole);
    if (values.length > 0) attributes.push({ id, values });
  }
  return attributes;
}

const extensionRequest = "1.2.840.113549.1.9.14";

function requestedExtensions(attributes: readonly Attribute[]): readonly Extension[] {
  const extensions: Extension[] = [];
  for (const { id, values } of attributes) {
    const [first] = values;
    if (id.join(".") !== extensionRequest || first === undefined) continue;
    const list = must(new DerReader(first).enter(tags.sequence), structureError);
    const seen = new Set<string>();
    while (!list.isEmpty) {
      const extension = readExtension(must(list.enter(tags.sequence), structureError));
      if (seen.has(extension.id.join("."))) {
        throw new Malformed("x509: certificate request contains duplicate requested extensions");
      }
      seen.add(extension.id.join("."));
      extensions.push(extension);
    }
  }
  return extensions;
}

/** An attribute as a set of lists of pairs, which is what a request for extensions looks like; null for any other. */
function pairsOf({ id, values }: Attribute): Value | null {
  const lists: Value[] = [];
  for (const value of values) {
    const list = new DerReader(value).enter(tags.sequence);
    if (list === null) return null;
    const pairs: Value[] = [];
    while (!list.isEmpty) {
      const pair = list.enter(tags.sequence);
      const type = pair?.objectIdentifier() ?? null;
      const content = pair?.any() ?? null;
      if (type === null || content === null) return null;
      pairs.push({ Type: type, Value: anyValue(content.tag, content.content) });
    }
    lists.push(pairs);
  }
  return { Type: id, Value: lists };
}

/** What Go makes of a value of unknown type. */
function anyValue(tag: number, content: Uint8Array): Value {
  switch (tag) {
    case tags.octetString:
      return base64Of(content);
    case tags.utf8String:
    case tags.printableString:
    case tags.ia5String:
    case tags.numericString:
    case tags.t61String:
      return decodeUtf8(content);
    case tags.objectIdentifier:
      return arcsOf(content);
    case tags.boolean:
      return content[0] === 0xff;
    case tags.integer:
      return Number(new DerReader(Uint8Array.of(tag, content.length, ...content)).integer() ?? 0n);
    default:
      return null;
  }
}
