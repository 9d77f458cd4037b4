// Answers of providers written down in files, for tests and for whoever decides without asking anybody: an object of our
// own kind, named like its provider. gator has nothing like it: there a template with external_data does not compile.
//
//   apiVersion: externaldata.portcullis.dev/v1alpha1
//   kind: ExternalDataAnswers
//   metadata: {name: PROVIDER}
//   spec:
//     values: {KEY: VALUE}
//     errors: {KEY: ERROR}
//     systemError: TEXT

import { gvkOf, isObject, nameOf, stringAt, valueAt } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import type { ExternalData, ExternalDataCall } from "./need.ts";

export function isExternalDataAnswers(object: Json): boolean {
  const { group, kind } = gvkOf(object);
  return group === "externaldata.portcullis.dev" && kind === "ExternalDataAnswers";
}

/** What the last such object of the provider's name says; null without one. A key that it does not name has no answer. */
export function writtenAnswer(objects: readonly Json[], { provider, keys }: ExternalDataCall): ExternalData | null {
  const found = objects.findLast((object) => isExternalDataAnswers(object) && nameOf(object) === provider);
  if (found === undefined) return null;
  const values = recordAt(found, "values");
  const errors = recordAt(found, "errors");
  const items = keys.flatMap((key) => {
    if (Object.hasOwn(errors, key)) return { key, error: String(errors[key]) };
    return Object.hasOwn(values, key) ? { key, value: values[key] } : [];
  });
  const systemError = stringAt(found, "spec", "systemError");
  return { statusCode: 200, response: { idempotent: true, items: systemError === "" ? items : [], systemError } };
}

function recordAt(object: Json, field: string): Readonly<Record<string, Json>> {
  const found = valueAt(object, "spec", field);
  return isObject(found) ? found : {};
}
