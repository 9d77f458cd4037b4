// Where a schema's references lead: every (sub)schema with an id is known by its absolute address, and what stands behind
// `#` is a JSON pointer into it, or an id of its own. OPA: internal/gojsonschema/schemaPool.go.

import { type PlainObject, type Value, isArray, isPlainObject } from "../runtime/value.ts";

export interface References {
  readonly root: Value;
  /** By absolute address, without an empty fragment. */
  readonly byAddress: ReadonlyMap<string, Value>;
  /** The address that a schema gives itself; undefined for one without an id. */
  baseOf(schema: PlainObject): string | undefined;
}

export type Resolved =
  | { readonly document: Value; readonly base: string; readonly absolute: string }
  | { readonly error: string };

export function referencesOf(root: Value): References {
  const byAddress = new Map<string, Value>();
  const bases = new Map<PlainObject, string>();
  const pending: { readonly value: Value; readonly base: string }[] = [{ value: root, base: "" }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value, base } = next;
    let inner = base;
    if (isPlainObject(value)) {
      const id = idOf(value);
      if (id !== undefined) {
        const address = join(base, id).replace(/#$/, "");
        byAddress.set(address, value);
        if (!id.startsWith("#")) {
          inner = address;
          bases.set(value, address);
        }
      }
    }
    const children = isArray(value) ? value : isPlainObject(value) ? Object.values(value) : [];
    for (const child of children) pending.push({ value: child, base: inner });
  }
  return { root, byAddress, baseOf: (schema) => bases.get(schema) };
}

function idOf(schema: PlainObject): string | undefined {
  const id = Object.hasOwn(schema, "$id") ? schema["$id"] : Object.hasOwn(schema, "id") ? schema["id"] : undefined;
  return typeof id === "string" && id !== "" ? id : undefined;
}

/** The document behind a reference, or gojsonschema's complaint. */
export function resolveReference(references: References, base: string, reference: string): Resolved {
  const absolute = join(base, reference);
  const named = references.byAddress.get(absolute);
  if (named !== undefined) return { document: named, base: absolute, absolute };
  const hash = absolute.indexOf("#");
  const address = hash === -1 ? absolute : absolute.slice(0, hash);
  const pointer = hash === -1 ? "" : absolute.slice(hash + 1);
  const document = address === "" ? references.root : references.byAddress.get(address);
  if (document === undefined) return { error: `remote reference loading disabled: ${absolute}` };
  const found = followPointer(document, pointer);
  return "error" in found ? found : { document: found.value, base: address, absolute };
}

function followPointer(root: Value, pointer: string): { readonly value: Value } | { readonly error: string } {
  let value = root;
  for (const token of pointer.split("/").slice(1)) {
    const key = percentDecoded(token).replaceAll("~1", "/").replaceAll("~0", "~");
    if (isPlainObject(value)) {
      if (!Object.hasOwn(value, key)) return { error: `Object has no key '${key}'` };
      value = value[key] as Value;
    } else if (isArray(value)) {
      const item = /^\d+$/.test(key) ? value[Number(key)] : undefined;
      if (item === undefined) return { error: `Out of bound array[0,${value.length}] index '${key}'` };
      value = item;
    } else return { error: `Invalid token reference '${key}'` };
  }
  return { value };
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A reference on its base: enough of RFC 3986 for the addresses that schemas have. */
function join(base: string, reference: string): string {
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(reference)) return reference;
  const withoutFragment = base.split("#", 1)[0] ?? "";
  if (reference === "" || reference.startsWith("#")) return withoutFragment + reference;
  const origin = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/]*/.exec(base)?.[0] ?? "";
  if (reference.startsWith("/")) return origin + reference;
  const folder = withoutFragment.slice(0, withoutFragment.lastIndexOf("/") + 1);
  return (folder.length > origin.length ? folder : origin === "" ? "" : `${origin}/`) + reference;
}
