// Subject alternative names. Go: crypto/x509/parser.go parseSANExtension.

import { addressText, parseUrl, quote } from "@portcullis/lang/go";
import type { Value } from "../../runtime/value.ts";
import { DerReader, contextTag, tags } from "./der.ts";
import { orNull } from "./json.ts";
import { Malformed, must } from "./malformed.ts";

export interface AlternativeNames {
  readonly DNSNames: Value;
  readonly EmailAddresses: Value;
  readonly IPAddresses: Value;
  readonly URIs: Value;
}

export const noAlternativeNames: AlternativeNames = {
  DNSNames: null,
  EmailAddresses: null,
  IPAddresses: null,
  URIs: null,
};

export function readAlternativeNames(der: Uint8Array): AlternativeNames {
  const names = must(new DerReader(der).enter(tags.sequence), "x509: invalid subject alternative names");
  const [dns, emails, addresses, uris]: [Value[], Value[], Value[], Value[]] = [[], [], [], []];
  while (!names.isEmpty) {
    const { tag, content } = must(names.any(), "x509: invalid subject alternative name");
    if (tag === contextTag(1)) emails.push(ascii(content, "x509: SAN rfc822Name is malformed"));
    else if (tag === contextTag(2)) dns.push(ascii(content, "x509: SAN dNSName is malformed"));
    else if (tag === contextTag(6))
      uris.push(readUri(ascii(content, "x509: SAN uniformResourceIdentifier is malformed")));
    else if (tag === contextTag(7)) addresses.push(readAddress(content));
  }
  return {
    DNSNames: orNull(dns),
    EmailAddresses: orNull(emails),
    IPAddresses: orNull(addresses),
    URIs: orNull(uris),
  };
}

export function ascii(content: Uint8Array, message: string): string {
  if (content.some((byte) => byte > 0x7f)) throw new Malformed(message);
  return Array.from(content, (byte) => String.fromCharCode(byte)).join("");
}

function readAddress(content: Uint8Array): string {
  const { length } = content;
  if (length !== 4 && length !== 16) throw new Malformed(`x509: cannot parse IP address of length ${length}`);
  return addressText([...content]);
}

/** Go's url.URL as JSON. */
function readUri(text: string): Value {
  const url = parseUrl(text);
  if ("error" in url) throw new Malformed(`x509: cannot parse URI ${quote(text)}: ${url.error}`);
  const [, rest = ""] = /^[^:/?#]*:([^?#]*)/.exec(text) ?? [];
  const authority = /^\/\/([^/]*)/.exec(rest)?.[1] ?? "";
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  if (!isDomain(host, false)) throw new Malformed(`x509: cannot parse URI ${quote(text)}: invalid domain`);
  return {
    Scheme: url.scheme,
    Opaque: url.scheme !== "" && !rest.startsWith("/") ? rest : "",
    User: authority.includes("@") ? {} : null,
    Host: host,
    Path: url.path,
    Fragment: url.fragment,
    RawQuery: url.rawQuery,
    RawPath: url.rawPath === url.path ? "" : url.rawPath,
    RawFragment: "",
    ForceQuery: text.endsWith("?"),
    OmitHost: rest.startsWith("/") && !rest.startsWith("//"),
  };
}

/** Go: domainNameValid. */
export function isDomain(name: string, isConstraint: boolean): boolean {
  if (name === "") return true;
  if (name.endsWith(".")) return false;
  const labels = (isConstraint && name.startsWith(".") ? name.slice(1) : name).split(".");
  return labels.every((label) => /^[!-~]+$/.test(label));
}
