// The extensions of a certificate: each in raw form, and the fields that Go reads out of those it knows.
// Go: crypto/x509/parser.go processExtensions.

import {
  type AlternativeNames,
  alternativeNamesJson,
  noAlternativeNames,
  readAlternativeNames,
} from "./alternatives.ts";
import { type NameConstraints, nameConstraintsJson, noConstraints, readNameConstraints } from "./constraints.ts";
import { decodeUtf8 } from "../utf8.ts";
import { DerReader, arcsOf, contextTag, tags } from "./der.ts";
import { type Json, type JsonObject, base64Of, orNull } from "./json.ts";
import { Malformed, must } from "./malformed.ts";

export interface Extension {
  readonly id: readonly number[];
  readonly critical: boolean;
  readonly value: Uint8Array;
}

export function readExtension(content: DerReader): Extension {
  const id = must(content.objectIdentifier(), "x509: malformed extension OID field");
  const critical = content.peek(tags.boolean)
    ? must(content.boolean(), "x509: malformed extension critical field")
    : false;
  return { id, critical, value: must(content.bytes(tags.octetString), "x509: malformed extension value field") };
}

export function extensionValue({ id, critical, value }: Extension): Json {
  return { Id: id, Critical: critical, Value: base64Of(value) };
}

type Fields = JsonObject;

/** What the fields are without extensions. */
const absent: Fields = {
  UnhandledCriticalExtensions: null,
  KeyUsage: 0,
  ExtKeyUsage: null,
  UnknownExtKeyUsage: null,
  BasicConstraintsValid: false,
  IsCA: false,
  MaxPathLen: 0,
  MaxPathLenZero: false,
  SubjectKeyId: null,
  AuthorityKeyId: null,
  OCSPServer: null,
  IssuingCertificateURL: null,
  ...alternativeNamesJson(noAlternativeNames),
  ...nameConstraintsJson(noConstraints),
  CRLDistributionPoints: null,
  PolicyIdentifiers: null,
  Policies: null,
  InhibitAnyPolicy: 0,
  InhibitAnyPolicyZero: false,
  InhibitPolicyMapping: 0,
  InhibitPolicyMappingZero: false,
  RequireExplicitPolicy: 0,
  RequireExplicitPolicyZero: false,
  PolicyMappings: null,
};

/** The fields, or null where the extension says nothing that Go reads. */
type Read = (extension: Extension) => Fields | null;

export interface ExtensionFields {
  /** Go's fields. */
  readonly json: JsonObject;
  readonly names: AlternativeNames;
  readonly constraints: NameConstraints;
}

export function extensionFields(extensions: readonly Extension[]): ExtensionFields {
  const found: Record<string, Json> = { ...absent };
  const unhandled: Json[] = [];
  let [names, constraints] = [noAlternativeNames, noConstraints];
  for (const extension of extensions) {
    const id = extension.id.join(".");
    let isHandled = true;
    if (id === "2.5.29.17") {
      names = readAlternativeNames(extension.value);
      Object.assign(found, alternativeNamesJson(names));
      isHandled = Object.values(names).some((list: readonly unknown[]) => list.length > 0);
    } else if (id === "2.5.29.30") {
      constraints = readNameConstraints(extension.value, extension.critical);
      Object.assign(found, nameConstraintsJson(constraints));
      isHandled = !constraints.isUnhandled;
    } else {
      const fields = readers.get(id)?.(extension) ?? null;
      Object.assign(found, fields);
      isHandled = fields !== null;
    }
    if (extension.critical && !isHandled) unhandled.push(extension.id);
  }
  return { json: { ...found, UnhandledCriticalExtensions: orNull(unhandled) }, names, constraints };
}

const keyUsage: Read = ({ value }) => {
  const bits = must(new DerReader(value).bitText(), "x509: invalid key usage");
  let usage = 0;
  for (let bit = 0; bit < 9; bit++) {
    if ((((bits.bytes[bit >> 3] ?? 0) << (bit & 7)) & 0x80) !== 0) usage |= 1 << bit;
  }
  return { KeyUsage: usage };
};

const basicConstraints: Read = ({ value }) => {
  const message = "x509: invalid basic constraints";
  const content = must(new DerReader(value).enter(tags.sequence), message);
  const isCA = content.peek(tags.boolean) ? must(content.boolean(), message) : false;
  const length = content.peek(tags.integer) ? must(content.integer(), message) : -1n;
  if (length < -1n || length >= 2n ** 63n) throw new Malformed(message);
  const max = Number(length);
  return { IsCA: isCA, MaxPathLen: max, BasicConstraintsValid: true, MaxPathLenZero: max === 0 };
};

const distributionPoints: Read = ({ value }) => {
  const all = must(new DerReader(value).enter(tags.sequence), "x509: invalid CRL distribution points");
  const message = "x509: invalid CRL distribution point";
  const points: Json[] = [];
  while (!all.isEmpty) {
    const point = must(all.enter(tags.sequence), message);
    if (!point.peek(contextTag(0, true))) continue;
    const names = must(must(point.enter(contextTag(0, true)), message).enter(contextTag(0, true)), message);
    while (names.peek(contextTag(6))) points.push(jsonText(must(names.bytes(contextTag(6)), message)));
  }
  return { CRLDistributionPoints: orNull(points) };
};

/** Go's JSON shows bytes that are no UTF-8 as U+FFFD. */
function jsonText(bytes: Uint8Array): string {
  return decodeUtf8(bytes).toWellFormed();
}

const authorityKey: Read = ({ value, critical }) => {
  if (critical) throw new Malformed("x509: authority key identifier incorrectly marked critical");
  const message = "x509: invalid authority key identifier";
  const content = must(new DerReader(value).enter(tags.sequence), message);
  if (!content.peek(contextTag(0))) return { AuthorityKeyId: null };
  return { AuthorityKeyId: base64Of(must(content.bytes(contextTag(0)), message)) };
};

const subjectKey: Read = ({ value, critical }) => {
  if (critical) throw new Malformed("x509: subject key identifier incorrectly marked critical");
  return {
    SubjectKeyId: base64Of(must(new DerReader(value).bytes(tags.octetString), "x509: invalid subject key identifier")),
  };
};

const policyConstraints: Read = ({ value }) => {
  const message = "x509: invalid policy constraints extension";
  const content = must(new DerReader(value).enter(tags.sequence), message);
  const fields: Record<string, Json> = {};
  for (const [number, name] of [
    [0, "RequireExplicitPolicy"],
    [1, "InhibitPolicyMapping"],
  ] as const) {
    if (!content.peek(contextTag(number))) continue;
    const count = Number(must(content.integer(contextTag(number)), message));
    fields[name] = count;
    fields[`${name}Zero`] = count === 0;
  }
  return fields;
};

/** In the order of Go's numbers. */
const keyUsages: readonly string[] = [
  "2.5.29.37.0",
  ...Array.from({ length: 9 }, (_, at) => `1.3.6.1.5.5.7.3.${at + 1}`),
  "1.3.6.1.4.1.311.10.3.3",
  "2.16.840.1.113730.4.1",
  "1.3.6.1.4.1.311.2.1.22",
  "1.3.6.1.4.1.311.61.1.1",
];

const extendedKeyUsage: Read = ({ value }) => {
  const message = "x509: invalid extended key usages";
  const content = must(new DerReader(value).enter(tags.sequence), message);
  const [known, unknown]: [Json[], Json[]] = [[], []];
  while (!content.isEmpty) {
    const arcs = must(content.objectIdentifier(), message);
    const usage = keyUsages.indexOf(arcs.join("."));
    if (usage === -1) unknown.push(arcs);
    else known.push(usage);
  }
  return { ExtKeyUsage: orNull(known), UnknownExtKeyUsage: orNull(unknown) };
};

const policies: Read = ({ value }) => {
  const message = "x509: invalid certificate policies";
  const content = must(new DerReader(value).enter(tags.sequence), message);
  const identifiers: (readonly number[])[] = [];
  while (!content.isEmpty) {
    const policy = must(content.enter(tags.sequence), message);
    identifiers.push(must(policy.objectIdentifier(), message));
  }
  const texts = identifiers.map((arcs) => arcs.join("."));
  if (new Set(texts).size < texts.length) throw new Malformed(message);
  return { Policies: orNull(texts), PolicyIdentifiers: identifiers };
};

const policyMappings: Read = ({ value }) => {
  const message = "x509: invalid policy mappings extension";
  const content = must(new DerReader(value).enter(tags.sequence), message);
  const mappings: Json[] = [];
  while (!content.isEmpty) {
    const pair = must(content.enter(tags.sequence), message);
    const [issuer, subject] = [pair, pair].map((reader) => {
      const arcs = arcsOf(must(reader.bytes(tags.objectIdentifier), message));
      return arcs === null ? "" : arcs.join(".");
    });
    mappings.push({ IssuerDomainPolicy: issuer ?? "", SubjectDomainPolicy: subject ?? "" });
  }
  return { PolicyMappings: orNull(mappings) };
};

const inhibitAnyPolicy: Read = ({ value }) => {
  const count = Number(must(new DerReader(value).integer(), "x509: invalid inhibit any policy extension"));
  return { InhibitAnyPolicy: count, InhibitAnyPolicyZero: count === 0 };
};

const ocsp = "1.3.6.1.5.5.7.48.1";
const caIssuers = "1.3.6.1.5.5.7.48.2";

const authorityInformation: Read = ({ value, critical }) => {
  if (critical) throw new Malformed("x509: authority info access incorrectly marked critical");
  const message = "x509: invalid authority info access";
  const content = must(new DerReader(value).enter(tags.sequence), message);
  const [servers, issuers]: [Json[], Json[]] = [[], []];
  while (!content.isEmpty) {
    const access = must(content.enter(tags.sequence), message);
    const method = must(access.objectIdentifier(), message).join(".");
    if (!access.peek(contextTag(6))) continue;
    const place = jsonText(must(access.bytes(contextTag(6)), message));
    if (method === ocsp) servers.push(place);
    else if (method === caIssuers) issuers.push(place);
  }
  return { OCSPServer: orNull(servers), IssuingCertificateURL: orNull(issuers) };
};

const readers: ReadonlyMap<string, Read> = new Map([
  ["2.5.29.14", subjectKey],
  ["2.5.29.15", keyUsage],
  ["2.5.29.19", basicConstraints],
  ["2.5.29.31", distributionPoints],
  ["2.5.29.32", policies],
  ["2.5.29.33", policyMappings],
  ["2.5.29.35", authorityKey],
  ["2.5.29.36", policyConstraints],
  ["2.5.29.37", extendedKeyUsage],
  ["2.5.29.54", inhibitAnyPolicy],
  ["1.3.6.1.5.5.7.1.1", authorityInformation],
]);
