// What of an object does not fit its schema, with its place: what an API server refuses, and the fields that kubectl says
// nobody knows.

import {
  type FieldError,
  type Schema,
  type UnknownField,
  fieldErrorText,
  unknownFields,
  validateValue,
} from "@portcullis/kube";
import { type Diagnostic, errorAt } from "@portcullis/lang";
import type { ReadFrom } from "../../engine/frontend.ts";
import type { Json } from "../../engine/request.ts";

export interface Misfits {
  /** Each with its path. */
  readonly wrong: readonly FieldError[];
  readonly unknown: readonly UnknownField[];
}

export function misfitsOf(object: Json, schema: Schema): Misfits {
  return {
    wrong: validateValue(object, schema, { field: "", numbers: "json" }).map(placed),
    unknown: unknownFields(object, schema, true),
  };
}

/** Of combined schemas (`oneOf`, `not`) an API server says no field: it stands in the text. */
function placed(error: FieldError): FieldError {
  const { field, detail, path } = error;
  if (field !== "") return { ...error, path: path ?? stepsOf(field) };
  return { ...error, field: "<nil>", path: stepsOf(/^"([^"]*)" must /.exec(detail)?.[1] ?? "") };
}

export function misfits(object: Json, schema: Schema, { locate }: ReadFrom): readonly Diagnostic[] {
  const { wrong, unknown } = misfitsOf(object, schema);
  return [
    ...wrong.map((error) => errorAt("policy-schema", locate?.(error.path ?? []) ?? null, fieldErrorText(error))),
    ...unknown.map(({ path, text }) => errorAt("unknown-field", locate?.(path) ?? null, `unknown field "${text}"`)),
  ];
}

/** `spec.rules[0].match` as steps. */
export function stepsOf(field: string): readonly (string | number)[] {
  return [...field.matchAll(/[^.[\]]+/g)].map(([step]) => (/^\d+$/.test(step) ? Number(step) : step));
}
