// Scalars of YAML by go-yaml v3's rules: a table of words, then Go's integer literals without underscores, then decimal
// floats, and the rest are strings. OPA's converter keeps what looks like a date as a string. Numbers pass through JSON as
// int64, uint64 or float64. Go: go.yaml.in/yaml/v3 resolve.go; OPA: internal/yaml/yaml.go.

import { type AnyNumber, Decimal, numberOf } from "@portcullis/lang";
import { decodeBase64, decodeUtf8, formatFloat, standardBase64 } from "@portcullis/lang/go";

export type Scalar =
  | { readonly tag: "!!null"; readonly value: null }
  | { readonly tag: "!!bool"; readonly value: boolean }
  | { readonly tag: "!!int"; readonly value: AnyNumber }
  | { readonly tag: "!!float"; readonly value: number }
  | { readonly tag: "!!timestamp" | "!!str"; readonly value: string };

const words: ReadonlyMap<string, Scalar> = new Map<string, Scalar>([
  ...["", "~", "null", "Null", "NULL"].map((word) => [word, { tag: "!!null", value: null }] as const),
  ...["true", "True", "TRUE"].map((word) => [word, { tag: "!!bool", value: true }] as const),
  ...["false", "False", "FALSE"].map((word) => [word, { tag: "!!bool", value: false }] as const),
  ...[".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"].map((word) => [word, floatOf(Infinity)] as const),
  ...["-.inf", "-.Inf", "-.INF"].map((word) => [word, floatOf(-Infinity)] as const),
  ...[".nan", ".NaN", ".NAN"].map((word) => [word, floatOf(Number.NaN)] as const),
]);

function floatOf(value: number): Scalar {
  return { tag: "!!float", value };
}

const decimalFloat = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/;
/** Where a number begins with its point, Go's own parser reads it, which wants digits around an underscore. */
const pointFloat = /^\.\d(?:_?\d)*(?:[eE][-+]?\d(?:_?\d)*)?$/;
const date =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:(?:[Tt]| +)(\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d+)?(?: *(Z|[-+]\d{1,2}(?::\d\d)?))?)?$/;

/** What a plain scalar is. */
export function resolvePlain(text: string): Scalar {
  const word = words.get(text);
  if (word !== undefined) return word;
  if (text.startsWith(".")) {
    return pointFloat.test(text) ? floatOf(Number(text.replaceAll("_", ""))) : { tag: "!!str", value: text };
  }
  if (!/^[-+\d]/.test(text)) return { tag: "!!str", value: text };
  if (date.test(text)) return { tag: "!!timestamp", value: text };
  const plain = text.replaceAll("_", "");
  const integer = integerOf(plain);
  if (integer !== null) return { tag: "!!int", value: integer };
  const double = decimalFloat.test(plain) ? Number(plain) : Infinity;
  return Number.isFinite(double) ? floatOf(double) : { tag: "!!str", value: text };
}

const integerText = /^([-+]?)(?:0[xX]([\da-fA-F]+)|0[bB]([01]+)|0[oO]([0-7]+)|0([0-7]+)|(0|[1-9]\d*))$/;

/** Go's ParseInt and then ParseUint, base 0, 64 bits; null where both refuse. */
function integerOf(text: string): AnyNumber | null {
  const match = text.length > 80 ? null : integerText.exec(text);
  if (match === null) return null;
  const [, sign, hex, binary, octal, oldOctal, decimal = "0"] = match;
  const other = octal ?? oldOctal;
  const magnitude = BigInt(
    hex !== undefined
      ? `0x${hex}`
      : binary !== undefined
        ? `0b${binary}`
        : other !== undefined
          ? `0o${other}`
          : decimal,
  );
  const value = sign === "-" ? -magnitude : magnitude;
  const largest = sign === "" ? 2n ** 64n - 1n : 2n ** 63n - 1n;
  return value < -(2n ** 63n) || value > largest ? null : numberOf(String(value));
}

/** The value of a tagged scalar, or go-yaml's complaint. `plain`: written without quotes. */
export function resolveTagged(tag: string, text: string, plain: boolean): Scalar | { readonly error: string } {
  if (tag === "!!str" || (tag === "!" && !plain)) return { tag: "!!str", value: text };
  if (tag === "!!binary") {
    const bytes = decodeBase64(text, standardBase64);
    if ("error" in bytes) return { error: "yaml: !!binary value contains invalid base64 data" };
    return { tag: "!!str", value: decodeUtf8(bytes) };
  }
  if (tag === "!") return resolvePlain(text);
  if (!["!!null", "!!bool", "!!int", "!!float", "!!timestamp"].includes(tag)) return { tag: "!!str", value: text };
  const found = resolvePlain(text);
  if (found.tag === tag) return found.tag === "!!timestamp" ? { tag: "!!str", value: timeText(found.value) } : found;
  if (tag === "!!float" && found.tag === "!!int") return floatOf(Number(String(found.value)));
  return { error: `yaml: cannot decode ${found.tag} \`${text}\` as a ${tag}` };
}

/** A time that was asked for by its tag, as Go's JSON prints it. */
function timeText(text: string): string {
  const [, year, month = "", day = "", hour = "", minute = "", second = "", fraction = "", zone = "Z"] =
    date.exec(text) ?? [];
  const two = (part: string): string => part.padStart(2, "0");
  const kept = fraction.replace(/(?<!0)\.?0+$/, "");
  return `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}${kept}${zone}`;
}

/** The JSON value of a scalar, or Go's complaint about infinity. */
export function jsonOf(scalar: Scalar): null | boolean | string | AnyNumber | { readonly error: string } {
  if (scalar.tag !== "!!float") return scalar.value;
  const { value } = scalar;
  if (Number.isNaN(value)) return { error: "json: unsupported value: NaN" };
  if (!Number.isFinite(value)) return { error: `json: unsupported value: ${value > 0 ? "+Inf" : "-Inf"}` };
  return numberOf(Object.is(value, -0) ? "-0" : String(value));
}

/** The text of a key; null for one that has none. Floats are written as go-yaml writes them: in 32 bits. */
export function keyOf(scalar: Scalar): string | null {
  if (scalar.value === null) return null;
  if (scalar.tag !== "!!float") {
    return scalar.value instanceof Decimal ? scalar.value.text : String(scalar.value);
  }
  if (Number.isNaN(scalar.value)) return ".nan";
  if (!Number.isFinite(scalar.value)) return scalar.value > 0 ? ".inf" : "-.inf";
  return float32Text(scalar.value);
}

/** Go: strconv.FormatFloat(value, 'g', -1, 32): the fewest digits that read back as the same float32. */
function float32Text(value: number): string {
  const single = Math.fround(value);
  for (let digits = 1; digits <= 9; digits++) {
    const near = Number(single.toPrecision(digits));
    if (Math.fround(near) === single) return formatFloat(near, "g", null);
  }
  return formatFloat(single, "g", null);
}
