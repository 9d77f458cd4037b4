// Name constraints. Go: crypto/x509/parser.go parseNameConstraintsExtension.

import { addressText, parseAddress, quote } from "@portcullis/lang/go";
import type { Value } from "../../runtime/value.ts";
import { ascii, isDomain } from "./alternatives.ts";
import { DerReader, contextTag, tags } from "./der.ts";
import { base64Of, orNull } from "./json.ts";
import { Malformed, must } from "./malformed.ts";

interface Subtrees {
  readonly domains: Value[];
  readonly ranges: Value[];
  readonly emails: Value[];
  readonly uriDomains: Value[];
  /** Whether a kind of name is there that Go does not know. */
  isUnhandled: boolean;
}

export interface NameConstraints {
  readonly fields: Readonly<Record<string, Value>>;
  readonly isUnhandled: boolean;
}

const invalid = "x509: invalid NameConstraints extension";

export function readNameConstraints(der: Uint8Array, isCritical: boolean): NameConstraints {
  const outer = new DerReader(der);
  const all = must(outer.enter(tags.sequence), invalid);
  const permitted = optional(all, contextTag(0, true));
  const excluded = optional(all, contextTag(1, true));
  if (!outer.isEmpty || !all.isEmpty) throw new Malformed(invalid);
  if (permitted.isEmpty && excluded.isEmpty) throw new Malformed("x509: empty name constraints extension");
  const [allowed, refused] = [readSubtrees(permitted), readSubtrees(excluded)];
  return {
    fields: {
      PermittedDNSDomainsCritical: isCritical,
      PermittedDNSDomains: orNull(allowed.domains),
      ExcludedDNSDomains: orNull(refused.domains),
      PermittedIPRanges: orNull(allowed.ranges),
      ExcludedIPRanges: orNull(refused.ranges),
      PermittedEmailAddresses: orNull(allowed.emails),
      ExcludedEmailAddresses: orNull(refused.emails),
      PermittedURIDomains: orNull(allowed.uriDomains),
      ExcludedURIDomains: orNull(refused.uriDomains),
    },
    isUnhandled: allowed.isUnhandled || refused.isUnhandled,
  };
}

function optional(reader: DerReader, tag: number): DerReader {
  return reader.peek(tag) ? must(reader.enter(tag), invalid) : new DerReader(new Uint8Array());
}

function readSubtrees(subtrees: DerReader): Subtrees {
  const found: Subtrees = { domains: [], ranges: [], emails: [], uriDomains: [], isUnhandled: false };
  while (!subtrees.isEmpty) {
    const { tag, content } = must(must(subtrees.enter(tags.sequence), invalid).any(), invalid);
    if (tag === contextTag(2)) found.domains.push(readDomain(content, "dnsName"));
    else if (tag === contextTag(7)) found.ranges.push(readRange(content));
    else if (tag === contextTag(1)) found.emails.push(readEmail(content));
    else if (tag === contextTag(6)) found.uriDomains.push(readUriDomain(content));
    else found.isUnhandled = true;
  }
  return found;
}

function readText(content: Uint8Array): string {
  const text = Array.from(content, (byte) => String.fromCharCode(byte)).join("");
  return ascii(content, `x509: invalid constraint value: x509: ${quote(text)} cannot be encoded as an IA5String`);
}

function readDomain(content: Uint8Array, kind: string): string {
  const domain = readText(content);
  if (!isDomain(domain, true)) throw new Malformed(`x509: failed to parse ${kind} constraint ${quote(domain)}`);
  return domain;
}

/** With an at sign it is one mailbox. */
function readEmail(content: Uint8Array): string {
  const text = readText(content);
  const mailbox = /^(.+)@([^@]+)$/.exec(text);
  if (mailbox === null) return readDomain(content, "rfc822Name");
  if (!isDomain(mailbox[2] ?? "", false)) {
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
function readRange(content: Uint8Array): Value {
  const { length } = content;
  if (length !== 8 && length !== 32) throw new Malformed(`x509: IP constraint contained value of length ${length}`);
  const mask = content.subarray(length / 2);
  const bits = Array.from(mask, (byte) => byte.toString(2).padStart(8, "0")).join("");
  if (!/^1*0*$/.test(bits)) {
    const hex = Array.from(mask, (byte) => byte.toString(16).padStart(2, "0")).join("");
    throw new Malformed(`x509: IP constraint contained invalid mask ${hex}`);
  }
  return { IP: addressText([...content.subarray(0, length / 2)]), Mask: base64Of(mask) };
}
