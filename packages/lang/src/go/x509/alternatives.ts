// Subject alternative names. Go: crypto/x509/parser.go parseSANExtension.

import { type Address, addressText } from "../cidr.ts";
import { quote } from "../quote.ts";
import { type WholeUrl, urlParts } from "../urlparts.ts";
import { DerReader, contextTag, tags } from "./der.ts";
import { type JsonObject, orNull } from "./json.ts";
import { Malformed, must } from "./malformed.ts";

export interface AlternativeNames {
  readonly domains: readonly string[];
  readonly emails: readonly string[];
  readonly addresses: readonly Address[];
  readonly uris: readonly WholeUrl[];
}

export const noAlternativeNames: AlternativeNames = { domains: [], emails: [], addresses: [], uris: [] };

export function readAlternativeNames(der: Uint8Array): AlternativeNames {
  const names = must(new DerReader(der).enter(tags.sequence), "x509: invalid subject alternative names");
  const found = { domains: [] as string[], emails: [] as string[], addresses: [] as Address[], uris: [] as WholeUrl[] };
  while (!names.isEmpty) {
    const { tag, content } = must(names.any(), "x509: invalid subject alternative name");
    if (tag === contextTag(1)) found.emails.push(ascii(content, "x509: SAN rfc822Name is malformed"));
    else if (tag === contextTag(2)) found.domains.push(ascii(content, "x509: SAN dNSName is malformed"));
    else if (tag === contextTag(6))
      found.uris.push(readUri(ascii(content, "x509: SAN uniformResourceIdentifier is malformed")));
    else if (tag === contextTag(7)) found.addresses.push(readAddress(content));
  }
  return found;
}

/** Go's fields of them. */
export function alternativeNamesJson({ domains, emails, addresses, uris }: AlternativeNames): JsonObject {
  return {
    DNSNames: orNull(domains),
    EmailAddresses: orNull(emails),
    IPAddresses: orNull(addresses.map(addressText)),
    URIs: orNull(uris.map(({ parts }) => ({ ...parts }))),
  };
}

export function ascii(content: Uint8Array, message: string): string {
  if (content.some((byte) => byte > 0x7f)) throw new Malformed(message);
  return Array.from(content, (byte) => String.fromCharCode(byte)).join("");
}

function readAddress(content: Uint8Array): Address {
  const { length } = content;
  if (length !== 4 && length !== 16) throw new Malformed(`x509: cannot parse IP address of length ${length}`);
  return [...content];
}

function readUri(text: string): WholeUrl {
  const url = urlParts(text);
  if ("error" in url) throw new Malformed(`x509: cannot parse URI ${quote(text)}: ${url.error}`);
  if (!isDomain(url.parts.Host, false)) throw new Malformed(`x509: cannot parse URI ${quote(text)}: invalid domain`);
  return url;
}

/** Go: domainNameValid. */
export function isDomain(name: string, isConstraint: boolean): boolean {
  if (name === "") return true;
  if (name.endsWith(".")) return false;
  const labels = (isConstraint && name.startsWith(".") ? name.slice(1) : name).split(".");
  return labels.every((label) => /^[!-~]+$/.test(label));
}
