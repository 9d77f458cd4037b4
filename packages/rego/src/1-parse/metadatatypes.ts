// What of a METADATA block is of another type than OPA's struct has, in the words of go-yaml, which reads the whole block
// first: a scalar fits every text, as it was written. OPA: v1/ast/parser.go rawAnnotation.

type Fields = Readonly<Record<string, unknown>>;

/** A block as YAML reads it, and with every scalar as the text that was written. */
export interface Read {
  readonly values: Fields;
  readonly texts: Fields;
}

const types: ReadonlyMap<
  string,
  "string" | "bool" | "[]string" | "[]interface {}" | "[]map[string]interface {}" | "map[string]interface {}"
> = new Map([
  ["scope", "string"],
  ["title", "string"],
  ["description", "string"],
  ["entrypoint", "bool"],
  ["organizations", "[]string"],
  ["related_resources", "[]interface {}"],
  ["authors", "[]interface {}"],
  ["schemas", "[]map[string]interface {}"],
  ["compile", "map[string]interface {}"],
  ["custom", "map[string]interface {}"],
  ["labels", "map[string]interface {}"],
]);

/** go-yaml's message, null when everything fits. */
export function typeErrors(source: string, { values, texts }: Read): string | null {
  const lines = Object.entries(values).flatMap(([name, value]) => {
    const type = types.get(name);
    if (type === undefined || value === null) return [];
    const line = lineOf(source, name);
    return misfits(type, value, texts[name]).map(({ text, item }) => {
      return `\n  line ${item === null ? line : itemLine(source, line, item)}: cannot unmarshal ${text}`;
    });
  });
  return lines.length === 0 ? null : `yaml: unmarshal errors:${lines.join("")}`;
}

interface Misfit {
  readonly text: string;
  /** Which member of a list it is; null where it is the value itself. */
  readonly item: number | null;
}

function misfits(type: string, value: unknown, text: unknown): readonly Misfit[] {
  if (!type.startsWith("[]") || !Array.isArray(value)) {
    return fits(type, value, text) ? [] : [{ text: `${shown(value, text)} into ${type}`, item: null }];
  }
  const of = type.slice(2);
  return value.flatMap((item: unknown, at) => {
    const written = (text as readonly unknown[])[at];
    const isFit = item === null || fits(of, item, written);
    return isFit ? [] : [{ text: `${shown(item, written)} into ${of}`, item: at }];
  });
}

function fits(type: string, value: unknown, text: unknown): boolean {
  if (type === "interface {}") return true;
  if (type === "string") return typeof value !== "object";
  return type === "bool" ? isTrue(value, text) !== null : !type.startsWith("[]") && isMapping(value);
}

function isMapping(value: unknown): boolean {
  return typeof value === "object" && !Array.isArray(value);
}

/** YAML 1.1 has more words for it, which go-yaml takes where it knows that it wants one; null for others. */
export function isTrue(value: unknown, text: unknown): boolean | null {
  if (typeof value === "boolean") return value;
  if (typeof text !== "string") return null;
  if (/^(?:[yY]|yes|Yes|YES|on|On|ON)$/.test(text)) return true;
  return /^(?:[nN]|no|No|NO|off|Off|OFF)$/.test(text) ? false : null;
}

function shown(value: unknown, text: unknown): string {
  if (Array.isArray(value)) return "!!seq";
  if (typeof value === "object") return "!!map";
  const written = String(text);
  return `${tagOf(value)} \`${written.length > 10 ? `${written.slice(0, 7)}...` : written}\``;
}

function tagOf(value: unknown): string {
  if (typeof value === "boolean") return "!!bool";
  if (typeof value === "number") return Number.isInteger(value) ? "!!int" : "!!float";
  return "!!str";
}

/** The 1-based line on which the value of a top-level key begins. */
function lineOf(source: string, name: string): number {
  const lines = source.split("\n");
  const at = lines.findIndex((line) => line.startsWith(`${name}:`));
  const isBelow = lines[at]?.slice(name.length + 1).trim() === "";
  return at + (isBelow ? 2 : 1);
}

/** The line of a member, where each stands on one of its own. */
function itemLine(source: string, first: number, item: number): number {
  const below = source.split("\n").slice(first - 1);
  const dashes = below.flatMap((line, at) => (/^\s*-(?:\s|$)/.test(line) ? [first + at] : []));
  return dashes[item] ?? first;
}
