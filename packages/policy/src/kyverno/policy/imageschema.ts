// The schema of what is not built yet and yet is checked when a policy is stored: images, their attestors, signatures of
// manifests. Kyverno: config/crds/kyverno/kyverno.io_clusterpolicies.yaml.

import type { JsonRecord } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import { anything, flag, list, mapOf, object, oneOf, text, texts } from "./schemaparts.ts";

const whole = { type: "integer" };

const rekor = object({ ignoreTlog: flag, pubkey: text, url: text });
const ctlog = object({ ignoreSCT: flag, pubkey: text, tsaCertChain: text });

const attestor = object({
  annotations: mapOf(text),
  attestor: anything,
  certificates: object({ cert: text, certChain: text, ctlog, rekor }),
  keyless: object({
    additionalExtensions: mapOf(text),
    ctlog,
    issuer: text,
    issuerRegExp: text,
    rekor,
    roots: text,
    subject: text,
    subjectRegExp: text,
  }),
  keys: object({
    ctlog,
    kms: text,
    publicKeys: text,
    rekor,
    secret: object({ name: text, namespace: text }, { required: ["name", "namespace"] }),
    signatureAlgorithm: text,
  }),
  repository: text,
  signatureAlgorithm: text,
});

const attestors = list(object({ count: { ...whole, minimum: 1 }, entries: list(attestor) }));

/** The fields of the oldest form, which later versions have no more. */
const oldest: Record<string, Json> = {
  additionalExtensions: mapOf(text),
  annotations: mapOf(text),
  cosignOCI11: flag,
  image: text,
  issuer: text,
  key: text,
  roots: text,
  subject: text,
};

export interface ImageParts {
  /** With the fields of the oldest form. */
  readonly flat: boolean;
  /** Of attestations. */
  readonly conditions: JsonRecord;
  readonly credentials: JsonRecord;
}

export function imagesSchema({ flat, conditions, credentials }: ImageParts): JsonRecord {
  return list(
    object({
      ...(flat ? oldest : {}),
      attestations: list(
        object({ attestors, conditions: list(conditions), name: text, predicateType: text, type: text }),
      ),
      attestors,
      failureAction: oneOf("Audit", "Enforce"),
      imageReferences: texts,
      imageRegistryCredentials: credentials,
      mutateDigest: flag,
      repository: text,
      required: flag,
      skipImageReferences: texts,
      type: oneOf("Cosign", "SigstoreBundle", "Notary"),
      useCache: flag,
      validate: object({ deny: object({ conditions: anything }), message: text }),
      verifyDigest: flag,
    }),
  );
}

export const manifestsSchema = object({
  annotationDomain: text,
  attestors,
  dryRun: object({ enable: flag, namespace: text }),
  ignoreFields: list(
    object({
      fields: texts,
      objects: list(object({ group: text, kind: text, name: text, namespace: text, version: text })),
    }),
  ),
  repository: text,
});

export const extractorsSchema = mapOf(
  list(object({ jmesPath: text, key: text, name: text, path: text, value: text }, { required: ["path"] })),
);
