// The body of a provider's response as Gatekeeper's Go reads it: a ProviderResponse, of which only the types of fields are
// checked. What has another type, or is no JSON, is an error in Go's words.
// Frameworks: pkg/externaldata/{request,response}.go.

import { type JsonRecord, isObject } from "@portcullis/kube";
import { decodeJson } from "@portcullis/lang/go";
import type { Json } from "../../engine/request.ts";

/** The `response` of the body; its items have keys, and values or errors. */
export function readProviderResponse(body: string): { readonly response: JsonRecord } | { readonly error: string } {
  const decoded = decodeJson(body);
  if ("error" in decoded) return { error: decoded.error };
  const wrong = wrongType(decoded.value, rootFields, { struct: "ProviderResponse", path: "" });
  if (wrong !== null) return { error: `json: cannot unmarshal ${wrong}` };
  const response = isObject(decoded.value) ? decoded.value["response"] : undefined;
  return { response: isObject(response) ? response : {} };
}

type Expected = "string" | "bool" | "any" | { readonly go: string; readonly fields: Fields; readonly list?: true };

type Fields = Readonly<Record<string, Expected>>;

const itemFields: Fields = { key: "string", value: "any", error: "string" };

const responseFields: Fields = {
  idempotent: "bool",
  items: { go: "[]externaldata.Item", fields: itemFields, list: true },
  systemError: "string",
};

const rootFields: Fields = {
  apiVersion: "string",
  kind: "string",
  response: { go: "externaldata.Response", fields: responseFields },
};

interface Place {
  readonly struct: string;
  readonly path: string;
}

/** `number into Go struct field ProviderResponse.response.items of type []externaldata.Item`; null when all fits. */
function wrongType(value: Json, fields: Fields, { struct, path }: Place): string | null {
  if (value === null) return null;
  if (!isObject(value)) return `${goKind(value)} into Go value of type externaldata.${struct}`;
  for (const [name, expected] of Object.entries(fields)) {
    const wrong = wrongField(value[name], expected, { struct, path: path === "" ? name : `${path}.${name}` });
    if (wrong !== null) return wrong;
  }
  return null;
}

function wrongField(value: Json, expected: Expected, place: Place): string | null {
  if (value === undefined || value === null || expected === "any") return null;
  const mismatch = (type: string): string =>
    `${goKind(value)} into Go struct field ${place.struct}.${place.path} of type ${type}`;
  if (expected === "string") return typeof value === "string" ? null : mismatch("string");
  if (expected === "bool") return typeof value === "boolean" ? null : mismatch("bool");
  if (expected.list !== true) return isObject(value) ? wrongType(value, expected.fields, place) : mismatch(expected.go);
  if (!Array.isArray(value)) return mismatch(expected.go);
  for (const item of value as readonly Json[]) {
    if (item !== null && !isObject(item)) {
      return `${goKind(item)} into Go struct field ${place.struct}.${place.path} of type ${expected.go.slice(2)}`;
    }
    const wrong = wrongType(item, expected.fields, place);
    if (wrong !== null) return wrong;
  }
  return null;
}

function goKind(value: Json): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  return typeof value === "string" || typeof value === "object" ? typeof value : "number";
}
