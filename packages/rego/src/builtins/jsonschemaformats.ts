// The formats that JSON Schema's `format` knows, as gojsonschema checks them; an unknown one accepts everything.
// OPA: internal/gojsonschema/format_checkers.go.

import { compileRegex, parseAddress, parseTime, parseUrl } from "@portcullis/lang/go";

type Check = (text: string) => boolean;

function isTime(...layouts: readonly string[]): Check {
  return (text) => layouts.some((layout) => !("error" in parseTime(layout, text)));
}

const isUriReference: Check = (text) => !("error" in parseUrl(text)) && !text.includes("\\");

const isUri: Check = (text) => {
  const url = parseUrl(text);
  return !("error" in url) && url.scheme !== "" && !text.includes("\\");
};

const isUriTemplate: Check = (text) => {
  const url = parseUrl(text);
  return !("error" in url) && !text.includes("\\") && hasPairedBraces(url.path);
};

/** Every `{` is closed before the next one opens, and nothing after the first `{` is outside braces unless text follows. */
function hasPairedBraces(path: string): boolean {
  let open = false;
  for (const character of path) {
    if (character === "{" && open) continue;
    if (character === "{") open = true;
    else if (character === "}") open = false;
  }
  return !open;
}

/** A name or none before an address in angle brackets, or the bare address: local part, `@`, domain. Go: mail.ParseAddress. */
const isEmail: Check = (text) => {
  const address = /^[^<>@]*<([^<>]*)>\s*$/.exec(text)?.[1] ?? text.trim();
  return /^(?:[^\s@<>()[\]\\,;:".]+(?:\.[^\s@<>()[\]\\,;:".]+)*|"(?:[^"\\]|\\.)*")@(?:[^\s@<>()[\]\\,;:".]+(?:\.[^\s@<>()[\]\\,;:".]+)*|\[[^[\]]*\])$/.test(
    address,
  );
};

const label = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]{0,61}[a-zA-Z0-9])";
const hostname = new RegExp(`^${label}(?:\\.${label})*$`);
const uuid = /^[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}$/i;
const rfc3339 = "2006-01-02T15:04:05Z07:00";

const checks: ReadonlyMap<string, Check> = new Map([
  ["date", isTime("2006-01-02")],
  ["time", isTime("15:04:05Z07:00", "15:04:05")],
  ["date-time", isTime("15:04:05", "15:04:05Z07:00", "2006-01-02", rfc3339)],
  ["hostname", (text) => text.length < 256 && hostname.test(text)],
  ["email", isEmail],
  ["idn-email", isEmail],
  ["ipv4", (text) => text.includes(".") && parseAddress(text) !== null],
  ["ipv6", (text) => text.includes(":") && parseAddress(text) !== null],
  ["uri", isUri],
  ["uri-reference", isUriReference],
  ["iri", isUri],
  ["iri-reference", isUriReference],
  ["uri-template", isUriTemplate],
  ["uuid", (text) => uuid.test(text)],
  ["regex", (text) => text === "" || !("error" in compileRegex(text))],
  ["json-pointer", (text) => /^(?:\/(?:[^~/]|~0|~1)*)*$/.test(text)],
  ["relative-json-pointer", (text) => /^(?:0|[1-9][0-9]*)(?:#|(?:\/(?:[^~/]|~0|~1)*)*)$/.test(text)],
]);

export function hasFormat(format: string, text: string): boolean {
  return checks.get(format)?.(text) ?? true;
}
