// What an API server, or its client, refuses of an object whatever its kind means: a version that is not served, what does
// not fit the schema of its CRD, fields that nobody knows. gator takes all of that.

import { aggregateText, gvkOf, stringAt } from "@portcullis/kube";
import { type Diagnostic, errorAt } from "@portcullis/lang";
import { quote } from "@portcullis/lang/go";
import type { ReadFrom } from "../engine/frontend.ts";
import type { Json } from "../engine/request.ts";
import { type CompiledSchema, compileSchema } from "./schema.ts";

export interface ServedKind {
  readonly kind: string;
  readonly versions: readonly string[];
  readonly schema: CompiledSchema;
  /** The word that the codes of its diagnostics begin with. */
  readonly code: string;
}

export function servedKind(
  names: Pick<ServedKind, "kind" | "versions" | "code">,
  spec: Readonly<Record<string, Json>>,
): ServedKind {
  const compiled = compileSchema({
    type: "object",
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: { type: "object" },
      spec,
      status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    },
  });
  if ("error" in compiled) throw new Error(compiled.error);
  return { ...names, schema: compiled.schema };
}

/** Null when the object is of this kind; why it is none otherwise. */
export function unservedKind(object: Json, from: ReadFrom, { kind, code }: ServedKind): Diagnostic | null {
  return gvkOf(object).kind === kind ? null : errorAt(code, from.locate?.(["kind"]) ?? null, noMatch(object));
}

export function strictProblems(
  object: Json,
  { locate }: ReadFrom,
  { versions, schema, code }: ServedKind,
): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  if (!versions.includes(gvkOf(object).version)) {
    found.push(errorAt(code, locate?.(["apiVersion"]) ?? null, noMatch(object)));
  }
  const errors = schema.validate(schema.asStored(object), "");
  const text = aggregateText(errors);
  if (text !== null) found.push(errorAt(`${code}-schema`, locate?.(errors[0]?.path ?? ["spec"]) ?? null, text));
  for (const field of schema.unknownFields(object)) {
    found.push(errorAt(`${code}-field`, locate?.(field.path) ?? null, `unknown field ${quote(field.text)}`));
  }
  return found;
}

function noMatch(object: Json): string {
  return `no matches for kind ${quote(gvkOf(object).kind)} in version ${quote(stringAt(object, "apiVersion"))}`;
}
