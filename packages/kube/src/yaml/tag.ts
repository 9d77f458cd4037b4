// Explicit tags on scalars. go-yaml resolves the text as if it were plain and then demands that the kind agrees with the
// tag; an integer may become a float, anything may be a string, `!!binary` is decoded, and tags that it does not know
// are ignored.
// Behaviour from go.yaml.in/yaml/v2 resolve.go resolve and decode.go scalar.

import { Decimal } from "@portcullis/lang";
import { decodeBase64, decodeUtf8, standardBase64 } from "@portcullis/lang/go";
import { NotFinite, type ScalarValue, type YamlDialect, resolvePlain, timestamp } from "./scalar.ts";

const longPrefix = "tag:yaml.org,2002:";

/** The short form of a tag as written: `!!int` for `!!int`, `!<tag:yaml.org,2002:int>` and the like. */
export function tagOf(raw: string): string {
  const tag = raw.startsWith("!<") && raw.endsWith(">") ? raw.slice(2, -1) : raw;
  return tag.startsWith(longPrefix) ? `!!${tag.slice(longPrefix.length)}` : tag;
}

/** The value of a tagged scalar; undefined where the text is not of that kind. */
export function resolveTagged(tag: string, text: string, dialect: YamlDialect): ScalarValue | undefined {
  switch (tag) {
    case "!":
      return dialect === "go" ? text : resolvePlain(text, dialect);
    case "!!str":
      return text;
    case "!!binary":
      return decodeBinary(text);
    case "!!timestamp":
      return dialect === "go" ? text : (timestamp(text) ?? undefined);
    case "!!null":
    case "!!bool":
    case "!!int":
    case "!!float": {
      const value = resolvePlain(text, dialect);
      return agrees(tag, value) ? value : undefined;
    }
    default:
      return text;
  }
}

function agrees(tag: "!!null" | "!!bool" | "!!int" | "!!float", value: ScalarValue): boolean {
  if (tag === "!!null") return value === null;
  if (tag === "!!bool") return typeof value === "boolean";
  if (value instanceof Decimal) return tag === "!!float" || value.isInteger;
  if (typeof value === "number") return tag === "!!float" || Number.isInteger(value);
  return tag === "!!float" && value instanceof NotFinite;
}

/** Base64 to text; bytes that are not UTF-8 become U+FFFD, as encoding/json prints them. */
function decodeBinary(text: string): string | undefined {
  const bytes = decodeBase64(text, standardBase64);
  return bytes instanceof Uint8Array ? decodeUtf8(bytes) : undefined;
}
