// What of an object does not fit its schema, with its place: what an API server refuses, and the fields that kubectl says
// nobody knows.

import { type Schema, fieldErrorText, unknownFields, validateValue } from "@portcullis/kube";
import { type Diagnostic, errorAt } from "@portcullis/lang";
import type { ReadFrom } from "../../engine/frontend.ts";
import type { Json } from "../../engine/request.ts";

export function misfits(object: Json, schema: Schema, { locate }: ReadFrom): readonly Diagnostic[] {
  return [
    ...validateValue(object, schema, { field: "", numbers: "json" }).map((error) =>
      errorAt("policy-schema", locate?.(stepsOf(error.field)) ?? null, fieldErrorText(error)),
    ),
    ...unknownFields(object, schema, true).map((one) =>
      errorAt("unknown-field", locate?.(one.path) ?? null, `unknown field "${one.text}"`),
    ),
  ];
}

/** `spec.rules[0].match` as steps. */
export function stepsOf(field: string): readonly (string | number)[] {
  return [...field.matchAll(/[^.[\]]+/g)].map(([step]) => (/^\d+$/.test(step) ? Number(step) : step));
}
