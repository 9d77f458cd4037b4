// Name constraints. Go: crypto/x509/parser.go parseNameConstraintsExtension.

import { type Address, addressText, parseAddress } from "../cidr.ts";
import { quote } from "../quote.ts";
import { decodeUtf8, isValidUtf8 } from "../utf8.ts";
import { ascii, isDomain } from "./alternatives.ts";
import { DerReader, contextTag, tags } from "./der.ts";
import { type JsonObject, base64Of, orNull } from "./json.ts";
import { parseMailbox } from "./mailbox.ts";
import { Malformed, must } from "./malformed.ts";

/** Names of one kind of list, permitted or excluded. */
export interface Subtrees {
  readonly domains: readonly string[];
  readonly ranges: readonly Range[];
  readonly emails: readonly string[];
  readonly uriDomains: readonly string[];
}

/** Of equal lengths. */
interface Range {
  readonly address: Address;
  readonly mask: Address;
}

export interface NameConstraints {
  readonly permitted: Subtrees;
  readonly excluded: Subtrees;
  readonly isCritical: boolean;
  /** Whether a kind of name is there that Go does not know. */
  readonly isUnhandled: boolean;
}

const noSubtrees: Subtrees = { domains: [], ranges: [], emails: [], uriDomains: [] };

export const noConstraints: NameConstraints = {
  permitted: noSubtrees,
  excluded: noSubtrees,
  isCritical: false,
  isUnhandled: false,
};

const invalid = "x509: invalid NameConstraints extension";

export function readNameConstraints(der: Uint8Array, isCritical: boolean): NameConstraints {
  const outer = new DerReader(der);
  const all = must(outer.enter(tags.sequence), invalid);
  const permitted = optional(all, contextTag(0, true));
  const excluded = optional(all, contextTag(1, true));
  if (!outer.isEmpty || !all.isEmpty) throw new Malformed(invalid);
  if (permitted.isEmpty && excluded.isEmpty) throw new Malformed("x509: empty name constraints extension");
  const [allowed, refused] = [readSubtrees(permitted), readSubtrees(excluded)];
  const isUnhandled = allowed.isUnhandled || refused.isUnhandled;
  return { permitted: allowed, excluded: refused, isCritical, isUnhandled };
}

/** Go's fields of them. */
export function nameConstraintsJson({ permitted, excluded, isCritical }: NameConstraints): JsonObject {
  const fields = (prefix: string, { domains, ranges, emails, uriDomains }: Subtrees): JsonObject => ({
    [`${prefix}DNSDomains`]: orNull(domains),
    [`${prefix}IPRanges`]: orNull(
      ranges.map(({ address, mask }) => ({ IP: addressText(address), Mask: base64Of(Uint8Array.from(mask)) })),
    ),
    [`${prefix}EmailAddresses`]: orNull(emails),
    [`${prefix}URIDomains`]: orNull(uriDomains),
  });
  return {
    PermittedDNSDomainsCritical: isCritical,
    ...fields("Permitted", permitted),
    ...fields("Excluded", excluded),
  };
}

function optional(reader: DerReader, tag: number): DerReader {
  return reader.peek(tag) ? must(reader.enter(tag), invalid) : new DerReader(new Uint8Array());
}

function readSubtrees(subtrees: DerReader): Subtrees & { readonly isUnhandled: boolean } {
  const [domains, ranges, emails, uriDomains]: [string[], Range[], string[], string[]] = [[], [], [], []];
  let isUnhandled = false;
  while (!subtrees.isEmpty) {
    const { tag, content } = must(must(subtrees.enter(tags.sequence), invalid).any(), invalid);
    if (tag === contextTag(2)) domains.push(readDomain(content, "dnsName"));
    else if (tag === contextTag(7)) ranges.push(readRange(content));
    else if (tag === contextTag(1)) emails.push(readEmail(content));
    else if (tag === contextTag(6)) uriDomains.push(readUriDomain(content));
    else isUnhandled = true;
  }
  return { domains, ranges, emails, uriDomains, isUnhandled };
}

function readText(content: Uint8Array): string {
  return ascii(content, `x509: invalid constraint value: x509: ${quoted(content)} cannot be encoded as an IA5String`);
}

/** As Go quotes bytes. */
function quoted(content: Uint8Array): string {
  if (isValidUtf8(content)) return quote(decodeUtf8(content));
  const texts = Array.from(content, (byte) =>
    byte < 0x80 ? quote(String.fromCharCode(byte)).slice(1, -1) : `\\x${byte.toString(16)}`,
  );
  return `"${texts.join("")}"`;
}

function readDomain(content: Uint8Array, kind: string): string {
  const domain = readText(content);
  if (!isDomain(domain, true)) throw new Malformed(`x509: failed to parse ${kind} constraint ${quote(domain)}`);
  return domain;
}

/** With an at sign it is one mailbox. */
function readEmail(content: Uint8Array): string {
  const text = readText(content);
  if (!text.includes("@")) return readDomain(content, "rfc822Name");
  if (parseMailbox(text) === null) {
    throw new Malformed(`x509: failed to parse rfc822Name constraint ${quote(text)}`);
  }
  return text;
}

function readUriDomain(content: Uint8Array): string {
  const domain = readText(content);
  if (parseAddress(domain) !== null) {
    throw new Malformed(`x509: failed to parse URI constraint ${quote(domain)}: cannot be IP address`);
  }
  return readDomain(content, "URI");
}

/** Address and mask, as Go's net.IPNet. */
function readRange(content: Uint8Array): Range {
  const { length } = content;
  if (length !== 8 && length !== 32) throw new Malformed(`x509: IP constraint contained value of length ${length}`);
  const mask = content.subarray(length / 2);
  const bits = Array.from(mask, (byte) => byte.toString(2).padStart(8, "0")).join("");
  if (!/^1*0*$/.test(bits)) {
    const hex = Array.from(mask, (byte) => byte.toString(16).padStart(2, "0")).join("");
    throw new Malformed(`x509: IP constraint contained invalid mask ${hex}`);
  }
  return { address: [...content.subarray(0, length / 2)], mask: [...mask] };
}
