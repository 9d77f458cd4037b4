// Go's net/url: percent-encoding of query strings and the parser of URLs, with Go's error texts.
// Text is percent-encoded by its UTF-8 bytes; bytes that are not UTF-8 after decoding become U+FFFD, one each.

import { parseAddress } from "./cidr.ts";
import { quote } from "./quote.ts";
import { decodeUtf8, encodeUtf8 } from "./utf8.ts";

export type Failure = { readonly error: string };

/** Go: url.QueryEscape. */
export function queryEscape(text: string, step: Step = free): string {
  return text.replace(/[^A-Za-z0-9\-_.~]/gu, (character) => {
    step(stepsPerEscape);
    return character === " " ? "+" : percentEncode(character);
  });
}

/** Told what the work costs, before it is done; may throw to stop. */
type Step = (steps: number) => void;

const free: Step = () => {};

/** In about as many nanoseconds. */
const stepsPerEscape = 500;

function percentEncode(text: string): string {
  return Array.from(encodeUtf8(text), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
}

/** Go: url.QueryUnescape. Error: `invalid URL escape "%zz"`. */
export function queryUnescape(text: string): string | Failure {
  return unescape(text, "query");
}

/** How a part of a URL may be escaped. In a host only bytes beyond ASCII, and the `%25` that begins a zone. */
type Component = "query" | "path" | "host" | "zone";

function unescape(text: string, component: Component): string | Failure {
  const isHost = component === "host" || component === "zone";
  for (const [token] of text.matchAll(/%[\s\S]{0,2}|[^%]/gu)) {
    if (token.startsWith("%")) {
      if (!/^%[0-9a-fA-F]{2}$/.test(token) || (isHost && !mayEscape(token, component))) {
        return { error: `invalid URL escape ${quote(token)}` };
      }
    } else if (isHost && !hostCharacter.test(token)) {
      return { error: `invalid character ${quote(token)} in host name` };
    }
  }
  const spaced = component === "query" ? text.replaceAll("+", " ") : text;
  return spaced.replace(/(?:%[0-9a-fA-F]{2})+/g, (run) =>
    decodeUtf8(Uint8Array.from(run.slice(1).split("%"), (hex) => Number.parseInt(hex, 16))),
  );
}

const hostCharacter = /^[A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"\u0080-\u{10ffff}]$/u;

function mayEscape(escape: string, component: Component): boolean {
  if (escape === "%25") return true;
  const byte = Number.parseInt(escape.slice(1), 16);
  if (component === "host") return byte >= 0x80;
  // Windows puts spaces in zones.
  return byte === 0x20 || (byte < 0x80 && hostCharacter.test(String.fromCharCode(byte)));
}

/** Go: url.Values.Encode: sorted by key. */
export function encodeQuery(pairs: readonly (readonly [string, string])[], step: Step = free): string {
  return pairs.map(([key, value]) => `${queryEscape(key, step)}=${queryEscape(value, step)}`).join("&");
}

const maxQueryParameters = 10_000;

/** Values by key in order of appearance, and the first error (Go goes on after one). Go: url.ParseQuery. */
export function parseQuery(query: string): ReadonlyMap<string, readonly string[]> | Failure {
  const values = new Map<string, string[]>();
  let failure: Failure | null = null;
  const parts = query.split("&");
  if (parts.length > maxQueryParameters) return { error: "number of URL query parameters exceeded limit" };
  for (const part of parts) {
    if (part.includes(";")) {
      failure ??= { error: "invalid semicolon separator in query" };
      continue;
    }
    if (part === "") continue;
    const equals = part.indexOf("=");
    const key = queryUnescape(equals === -1 ? part : part.slice(0, equals));
    const value = queryUnescape(equals === -1 ? "" : part.slice(equals + 1));
    if (typeof key !== "string") failure ??= key;
    else if (typeof value !== "string") failure ??= value;
    else {
      const known = values.get(key);
      if (known === undefined) values.set(key, [value]);
      else known.push(value);
    }
  }
  return failure ?? values;
}

/** The parts of a URL; absent parts are empty. */
export interface ParsedUrl {
  readonly scheme: string;
  readonly hostname: string;
  readonly port: string;
  readonly path: string;
  /** The path as written when Go's own escaping of `path` would be another, else `path`. */
  readonly rawPath: string;
  /** The path as it goes over the wire. */
  readonly escapedPath: string;
  readonly rawQuery: string;
  readonly fragment: string;
}

/** Go: url.Parse. Error: `parse "http://[x": missing ']' in host`. */
export function parseUrl(text: string): ParsedUrl | Failure {
  const [beforeFragment, fragmentText] = cut(text, "#");
  const url = parseWithoutFragment(beforeFragment);
  if ("error" in url) return { error: `parse ${quote(beforeFragment)}: ${url.error}` };
  const fragment = unescape(fragmentText, "path");
  if (typeof fragment !== "string") return { error: `parse ${quote(text)}: ${fragment.error}` };
  return { ...url, fragment };
}

function parseWithoutFragment(text: string): ParsedUrl | Failure {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text)) return { error: "net/url: invalid control character in URL" };
  const url = {
    scheme: "",
    hostname: "",
    port: "",
    path: "",
    rawPath: "",
    escapedPath: "",
    rawQuery: "",
    fragment: "",
  };
  if (text === "*") return { ...url, path: "*", rawPath: "*", escapedPath: "*" };
  if (text.startsWith(":")) return { error: "missing protocol scheme" };
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1];
  url.scheme = scheme?.toLowerCase() ?? "";
  const [hierarchy, rawQuery] = cut(scheme === undefined ? text : text.slice(scheme.length + 1), "?");
  url.rawQuery = rawQuery;
  let rest = hierarchy;
  if (!rest.startsWith("/")) {
    // With a scheme this is opaque (`mailto:a@b`): it has neither host nor path.
    if (scheme !== undefined) return url;
    if (cut(rest, "/")[0].includes(":")) return { error: "first path segment in URL cannot contain colon" };
  }
  if (rest.startsWith("//") && (scheme !== undefined || !rest.startsWith("///"))) {
    const slash = rest.indexOf("/", 2);
    const host = parseAuthority(url.scheme, slash === -1 ? rest.slice(2) : rest.slice(2, slash));
    if (typeof host !== "string") return host;
    rest = slash === -1 ? "" : rest.slice(slash);
    Object.assign(url, splitPort(host));
  }
  const path = unescape(rest, "path");
  if (typeof path !== "string") return path;
  const escaped = escapePath(path);
  return { ...url, path, rawPath: escaped === rest ? path : rest, escapedPath: isEncodedPath(rest) ? rest : escaped };
}

/** Whether a path may go over the wire as it was written. Go: validEncoded. */
function isEncodedPath(path: string): boolean {
  return /^[A-Za-z0-9\-_.~!$&'()*+,;=:@[\]%/]*$/.test(path);
}

/** Cuts at the first separator; what follows is empty without one. */
function cut(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function escapePath(path: string): string {
  return path.replace(/[^A-Za-z0-9\-_.~$&+,/:;=@]/gu, percentEncode);
}

function parseAuthority(scheme: string, authority: string): string | Failure {
  const at = authority.lastIndexOf("@");
  const host = parseHost(scheme, authority.slice(at + 1));
  if (at === -1 || typeof host !== "string") return host;
  const user = authority.slice(0, at);
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(user)) return { error: "net/url: invalid userinfo" };
  const [name, password] = cut(user, ":");
  const wrong = [unescape(name, "path"), unescape(password, "path")].find((part) => typeof part !== "string");
  return wrong ?? host;
}

function parseHost(scheme: string, host: string): string | Failure {
  const bracket = host.lastIndexOf("[");
  if (bracket > 0) return { error: "invalid IP-literal" };
  if (bracket === 0) return parseIpLiteral(host);
  // Go allows further colons (lists of hosts, as databases use them) except in http and https.
  const strict = scheme === "http" || scheme === "https";
  const colon = strict ? host.indexOf(":") : host.lastIndexOf(":");
  if (colon !== -1 && !isPort(host.slice(colon))) {
    return { error: `invalid port ${quote(host.slice(colon))} after host` };
  }
  return unescape(host, "host");
}

function parseIpLiteral(host: string): string | Failure {
  const close = host.lastIndexOf("]");
  if (close === -1) return { error: "missing ']' in host" };
  const port = host.slice(close + 1);
  if (!isPort(port)) return { error: `invalid port ${quote(port)} after host` };
  const name = host.slice(1, close);
  const zoneAt = name.indexOf("%25");
  const address = unescape(zoneAt === -1 ? name : name.slice(0, zoneAt), "host");
  const zone = zoneAt === -1 ? "" : unescape(name.slice(zoneAt), "zone");
  if (typeof address !== "string") return address;
  if (typeof zone !== "string") return zone;
  const bytes = parseAddress(address);
  if (bytes === null || zone === "%") {
    return { error: `invalid host: ParseAddr(${quote(address + zone)}): unable to parse IP` };
  }
  if (bytes.length === 4) return { error: "invalid IP-literal" };
  return `[${address}${zone}]${port}`;
}

function isPort(text: string): boolean {
  return /^(?::\d*)?$/.test(text);
}

/** Go: URL.Hostname and URL.Port. */
function splitPort(host: string): { readonly hostname: string; readonly port: string } {
  const colon = host.lastIndexOf(":");
  const hasPort = colon !== -1 && isPort(host.slice(colon));
  const name = hasPort ? host.slice(0, colon) : host;
  const bare = name.startsWith("[") && name.endsWith("]") ? name.slice(1, -1) : name;
  return { hostname: bare, port: hasPort ? host.slice(colon + 1) : "" };
}
