// What an API server refuses of an object's metadata, and with it Kyverno's command line: values of the wrong type (`name: y` is a
// boolean in YAML 1.1) and names that are none. A cluster has refused them before a policy arrives; files have not been asked.
// Kubernetes: apimachinery pkg/apis/meta/v1 ObjectMeta, pkg/api/validation ValidateObjectMeta.

import {
  type FieldError,
  dns1123SubdomainErrors,
  generateNameOf,
  invalid,
  isObject,
  nameOf,
  required,
  valueAt,
} from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import { DecodeError, type Struct, decodePart } from "../decode.ts";

const objectMeta: Struct = {
  name: "ObjectMeta",
  package: "v1",
  fields: {
    annotations: { map: "string" },
    deletionGracePeriodSeconds: "int64",
    finalizers: { list: "string" },
    generateName: "string",
    generation: "int64",
    labels: { map: "string" },
    name: "string",
    namespace: "string",
    resourceVersion: "string",
    selfLink: "string",
    uid: { text: "types.UID" },
  },
};

/** Read by nobody here. */
const otherFields: ReadonlySet<string> = new Set([
  "creationTimestamp",
  "deletionTimestamp",
  "managedFields",
  "ownerReferences",
]);

/** Fields that nobody knows. */
export function unknownMetadata(object: Json): readonly string[] {
  const metadata = valueAt(object, "metadata");
  const fields = isObject(metadata) ? Object.keys(metadata) : [];
  return fields.filter((field) => !Object.hasOwn(objectMeta.fields, field) && !otherFields.has(field));
}

export interface Mistyped {
  readonly path: readonly string[];
  /** Of encoding/json. */
  readonly text: string;
}

/** The first value of the wrong type, by the order of fields; null when all are right. */
export function mistypedMetadata(object: Json): Mistyped | null {
  const metadata = valueAt(object, "metadata");
  if (!isObject(metadata)) return null;
  for (const field of Object.keys(metadata).toSorted()) {
    try {
      decodePart({ [field]: metadata[field] }, objectMeta, "ObjectMeta", []);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return { path: ["metadata", field], text: error.message };
    }
  }
  return null;
}

/** What is wrong with the name of an object that stands in a file. */
export function nameErrors(object: Json): readonly FieldError[] {
  const path = ["metadata", "name"];
  const name = nameOf(object);
  if (name !== "")
    return dns1123SubdomainErrors(name).map((text) => ({ ...invalid("metadata.name", name, text), path }));
  if (generateNameOf(object) !== "") return [];
  return [{ ...required("metadata.name", "name or generateName is required"), path: ["metadata"] }];
}
