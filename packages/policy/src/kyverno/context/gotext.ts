// Values in Go's messages. `%s` is made for strings: other values come out with their type, which users see in Kyverno's
// errors.

import { byCodePoints, isObject } from "@portcullis/kube";
import { Decimal } from "@portcullis/lang";
import type { Json } from "../../engine/request.ts";

/** A JSON value under `%s`. */
export function percentS(value: Json): string {
  if (typeof value === "string") return value;
  if (value === null || value === undefined) return "%!s(<nil>)";
  if (typeof value === "boolean") return `%!s(bool=${value})`;
  if (typeof value === "number") return `%!s(float64=${value})`;
  if (value instanceof Decimal) return `%!s(float64=${value.double})`;
  if (Array.isArray(value)) return `[${value.map((item: Json) => percentS(item)).join(" ")}]`;
  if (!isObject(value)) return "";
  const members = Object.keys(value).toSorted(byCodePoints);
  return `map[${members.map((key) => `${key}:${percentS(value[key])}`).join(" ")}]`;
}
