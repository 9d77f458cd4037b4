// URLs, with or without a host. What is read must be absolute, or a path from the root: Go's ParseRequestURI.
// k8s.io/apiserver: pkg/cel/library/urls.go, pkg/cel/url.go.

import type { Budget } from "@portcullis/lang";
import { type ParsedUrl, type WholeUrl, parseUrl, queryUnescape, quote, urlParts } from "@portcullis/lang/go";
import { global, method, readType } from "../library/declare.ts";
import type { Library } from "../library.ts";
import { CelError, CelMap, Opaque, type Value } from "../runtime/value.ts";

const urlType = readType("kubernetes.URL");

class Url extends Opaque {
  readonly type = urlType;
  readonly parsed: ParsedUrl;
  readonly whole: WholeUrl;

  constructor(parsed: ParsedUrl, whole: WholeUrl) {
    super();
    this.parsed = parsed;
    this.whole = whole;
  }

  equals(other: Opaque): boolean {
    return other instanceof Url && other.whole.text === this.whole.text;
  }
}

/** What Go's ParseRequestURI says of a text; null where it takes it. A fragment is no part of such a URI. */
export function requestUriError(text: string): string | null {
  const failed = (why: string): string => `parse ${quote(text)}: ${why}`;
  if (text === "") return failed("empty url");
  const whole = text.replaceAll("#", "%23");
  const parsed = parseUrl(whole);
  const why = "error" in parsed ? parsed.error.slice(`parse ${quote(whole)}: `.length) : null;
  const isAbsolute = text === "*" || text.startsWith("/") || /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text);
  // Of a text without a scheme Go looks no further than at its first characters.
  if (!isAbsolute && why !== "missing protocol scheme" && why !== controlCharacter) {
    return failed("invalid URI for request");
  }
  if (why === null) return null;
  return failed(text !== whole && why === 'invalid URL escape "%23"' ? 'invalid character "#" in host name' : why);
}

const controlCharacter = "net/url: invalid control character in URL";

function urlOf([text]: [string], budget: Budget): Value | CelError {
  budget.output(text.length * 8);
  const why = requestUriError(text);
  const parsed = parseUrl(text);
  const whole = urlParts(text);
  const error = why ?? ("error" in parsed ? parsed.error : "error" in whole ? whole.error : null);
  if (error !== null || "error" in parsed || "error" in whole) {
    return new CelError(`URL parse error during conversion from string: ${error}`);
  }
  return new Url(parsed, whole);
}

/** By name, in the order of the text; what cannot be read is left out. Go: URL.Query. */
function queryOf({ parsed }: Url, budget: Budget): CelMap {
  const values = new Map<string, string[]>();
  for (const pair of parsed.rawQuery === "" ? [] : parsed.rawQuery.split("&")) {
    budget.output(pair.length + 16);
    const at = pair.indexOf("=");
    const name = queryUnescape(at === -1 ? pair : pair.slice(0, at));
    const value = queryUnescape(at === -1 ? "" : pair.slice(at + 1));
    if (pair === "" || pair.includes(";") || typeof name !== "string" || typeof value !== "string") continue;
    const known = values.get(name);
    if (known === undefined) values.set(name, [value]);
    else known.push(value);
  }
  const map = new CelMap();
  for (const [name, list] of values) map.set(name, list);
  return map;
}

export const urlLibrary: Library = {
  name: "kubernetes.urls",
  overloads: [
    global("url(string) -> kubernetes.URL", "string_to_url", urlOf),
    global("isURL(string) -> bool", "is_url_string", ([text]: [string], budget) => {
      budget.output(text.length);
      return requestUriError(text) === null;
    }),
    method("kubernetes.URL.getScheme() -> string", "url_get_scheme", ([{ parsed }]: [Url]) => parsed.scheme),
    method("kubernetes.URL.getHost() -> string", "url_get_host", ([{ whole }]: [Url]) => whole.parts.Host),
    method("kubernetes.URL.getHostname() -> string", "url_get_hostname", ([{ parsed }]: [Url]) => parsed.hostname),
    method("kubernetes.URL.getPort() -> string", "url_get_port", ([{ parsed }]: [Url]) => parsed.port),
    method(
      "kubernetes.URL.getEscapedPath() -> string",
      "url_get_escaped_path",
      ([{ parsed }]: [Url]) => parsed.escapedPath,
    ),
    method("kubernetes.URL.getQuery() -> map(string, list(string))", "url_get_query", ([url]: [Url], budget) =>
      queryOf(url, budget),
    ),
  ],
};
