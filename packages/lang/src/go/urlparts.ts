// A URL with everything that Go's url.URL keeps of it, and its text as Go would write it again.
// Go: net/url.URL, URL.String, EscapedPath, EscapedFragment.

import { parseUrl, type Failure } from "./url.ts";
import { encodeUtf8, decodeUtf8 } from "./utf8.ts";

/** Go's fields under their own names, as its JSON has them. */
export interface UrlParts {
  readonly Scheme: string;
  readonly Opaque: string;
  readonly User: Readonly<Record<string, never>> | null;
  readonly Host: string;
  readonly Path: string;
  readonly Fragment: string;
  readonly RawQuery: string;
  readonly RawPath: string;
  readonly RawFragment: string;
  readonly ForceQuery: boolean;
  readonly OmitHost: boolean;
}

export interface WholeUrl {
  readonly parts: UrlParts;
  /** Go: URL.String. */
  readonly text: string;
}

/** Go: url.Parse, with its errors. */
export function urlParts(text: string): WholeUrl | Failure {
  const url = parseUrl(text);
  if ("error" in url) return url;
  const [, beforeFragment = "", rawFragment = ""] = /^([^#]*)(?:#([^]*))?$/.exec(text) ?? [];
  const [, schemeText = "", hierarchy = "", query] =
    /^((?:[A-Za-z][A-Za-z0-9+.-]*:)?)([^?]*)(\?[^]*)?$/.exec(beforeFragment) ?? [];
  const isOpaque = schemeText !== "" && !hierarchy.startsWith("/");
  const hasAuthority = hierarchy.startsWith("//") && (schemeText !== "" || !hierarchy.startsWith("///"));
  const [authority = ""] = (hasAuthority ? /(?<=^\/\/)[^/]*/.exec(hierarchy) : null) ?? [];
  const path = hasAuthority ? hierarchy.slice(2 + authority.length) : hierarchy;
  const at = authority.lastIndexOf("@");
  const written = isOpaque ? "" : path;
  const defaultPath = escape(url.path, pathSafe);
  const defaultFragment = escape(url.fragment, fragmentSafe);
  const parts: UrlParts = {
    Scheme: url.scheme,
    Opaque: isOpaque ? hierarchy : "",
    User: at === -1 ? null : {},
    Host: authority.slice(at + 1),
    Path: url.path,
    Fragment: url.fragment,
    RawQuery: url.rawQuery,
    RawPath: defaultPath === written ? "" : written,
    RawFragment: defaultFragment === rawFragment ? "" : rawFragment,
    ForceQuery: query === "?",
    OmitHost: !hasAuthority && hierarchy.startsWith("/") && schemeText !== "",
  };
  const wire = {
    user: at === -1 ? null : authority.slice(0, at),
    path: parts.RawPath !== "" && isEncoded(written) ? written : defaultPath,
    fragment: parts.RawFragment !== "" && isEncoded(rawFragment) ? rawFragment : defaultFragment,
  };
  return { parts, text: textOf(parts, wire) };
}

interface Wire {
  readonly user: string | null;
  readonly path: string;
  readonly fragment: string;
}

function textOf(parts: UrlParts, wire: Wire): string {
  let text = parts.Scheme === "" ? "" : `${parts.Scheme}:`;
  if (parts.Opaque !== "") text += parts.Opaque;
  else text = withPath(text + authorityText(parts, wire), wire.path, parts.Host);
  if (parts.ForceQuery || parts.RawQuery !== "") text += `?${parts.RawQuery}`;
  return parts.Fragment === "" ? text : `${text}#${wire.fragment}`;
}

function authorityText({ Scheme, Host, Path, OmitHost }: UrlParts, { user }: Wire): string {
  if (Scheme === "" && Host === "" && user === null) return "";
  if (OmitHost && Host === "" && user === null) return "";
  const slashes = Host !== "" || Path !== "" || user !== null ? "//" : "";
  return `${slashes}${user === null ? "" : `${userText(user)}@`}${Host}`;
}

function withPath(before: string, path: string, host: string): string {
  const slash = path !== "" && !path.startsWith("/") && host !== "" ? "/" : "";
  // A first segment with a colon would be taken for a scheme.
  const dot = before === "" && /^[^/]*:/.test(path) ? "./" : "";
  return `${before}${slash}${dot}${path}`;
}

function userText(user: string): string {
  const [name = "", ...password] = user.split(":");
  const parts = password.length === 0 ? [name] : [name, password.join(":")];
  return parts.map((part) => escape(unescape(part), userSafe)).join(":");
}

function unescape(text: string): string {
  return text.replace(/(?:%[0-9a-fA-F]{2})+/g, (run) =>
    decodeUtf8(Uint8Array.from(run.slice(1).split("%"), (hex) => Number.parseInt(hex, 16))),
  );
}

const pathSafe = /[A-Za-z0-9\-_.~$&+,/:;=@]/;
const fragmentSafe = /[A-Za-z0-9\-_.~$&+,/:;=?@!()*]/;
const userSafe = /[A-Za-z0-9\-_.~$&+,;=]/;

function escape(text: string, safe: RegExp): string {
  return text.replace(/[^]/gu, (character) =>
    safe.test(character)
      ? character
      : Array.from(encodeUtf8(character), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""),
  );
}

/** Whether the text may go over the wire as it was written. Go: validEncoded. */
function isEncoded(text: string): boolean {
  return /^[A-Za-z0-9\-_.~!$&'()*+,;=:@[\]%/?]*$/.test(text);
}
