// JSON as Go's json.MarshalIndent prints it: four spaces, keys of maps sorted by bytes, `<`, `>` and `&` escaped. A
// constraint or object that stands in thousands of rows is printed once and remembered.

import { goJson } from "@portcullis/kube";
import { Decimal } from "@portcullis/lang";

const indentation = "    ";

/** How many bytes of printed values are kept for the next time. */
const rememberedBytes = 32 * 1024 * 1024;

/** Prints values at a depth; the same object at the same depth costs nothing after the first time. */
export function createIndenter(depth: number): (value: unknown) => string | Uint8Array {
  const known = new Map<object, Uint8Array>();
  let bytes = 0;
  return (value) => {
    if (typeof value !== "object" || value === null || value instanceof Decimal) return goJson(value);
    const remembered = known.get(value);
    if (remembered !== undefined) return remembered;
    const printed = Buffer.from(indent(value, depth));
    bytes += printed.length;
    if (bytes > rememberedBytes) {
      known.clear();
      bytes = printed.length;
    }
    known.set(value, printed);
    return printed;
  };
}

/** Structs of Go: fields in the order given, those without a value left out. `unit` is one step of indentation. */
export function structJson(value: unknown, depth: number, unit: string): string {
  if (typeof value !== "object" || value === null || value instanceof Decimal) return goJson(value);
  const inner = unit.repeat(depth + 1);
  const outer = unit.repeat(depth);
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    return `[\n${value.map((item: unknown) => `${inner}${structJson(item, depth + 1, unit)}`).join(",\n")}\n${outer}]`;
  }
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  if (fields.length === 0) return "{}";
  const lines = fields.map(([key, field]) => `${inner}${goJson(key)}: ${structJson(field, depth + 1, unit)}`);
  return `{\n${lines.join(",\n")}\n${outer}}`;
}

function indent(value: unknown, depth: number): string {
  if (typeof value !== "object" || value === null || value instanceof Decimal) return goJson(value);
  const inner = indentation.repeat(depth + 1);
  const outer = indentation.repeat(depth);
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    return `[\n${value.map((item: unknown) => `${inner}${indent(item, depth + 1)}`).join(",\n")}\n${outer}]`;
  }
  const record = value as Readonly<Record<string, unknown>>;
  const keys = Object.keys(record).toSorted((a, b) => (a < b ? -1 : 1));
  if (keys.length === 0) return "{}";
  return `{\n${keys.map((key) => `${inner}${goJson(key)}: ${indent(record[key], depth + 1)}`).join(",\n")}\n${outer}}`;
}
