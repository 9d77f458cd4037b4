// What schemas of Kyverno's kinds are put together from.

import type { JsonRecord } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";

export const text = { type: "string" };
export const flag = { type: "boolean" };
export const anything = { "x-kubernetes-preserve-unknown-fields": true };

export const list = (items: Json): JsonRecord => ({ type: "array", items });
export const oneOf = (...values: readonly string[]): JsonRecord => ({ type: "string", enum: values });
export const mapOf = (values: Json): JsonRecord => ({ type: "object", additionalProperties: values });

export function object(properties: Record<string, Json>, more: Record<string, Json> = {}): JsonRecord {
  return { type: "object", properties, ...more };
}

export const texts = list(text);
