// The fields of `verifyImages`, as Kyverno's types check them, the old short form with `image`, `key` and `issuer` included.
// Kyverno: api/kyverno/v1 ImageVerification.Validate, Convert.

import { type FieldError, invalid, isObject, stringAt, valueAt } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import { listOf } from "../match/filter.ts";

/** `field` is the entry's; `audits` says whether its failure action is Audit. */
export function imageErrors(tree: Json, field: string, audits: boolean): readonly FieldError[] {
  const image = converted(tree);
  const errors: FieldError[] = [];
  if (audits && valueAt(tree, "mutateDigest") === true) {
    const text = "mutateDigest must be set to false for ‘Audit’ failure action";
    errors.push(invalid(`${field}.mutateDigest`, true, text));
  }
  if (image.references === 0) errors.push(invalid(field, tree, "An image reference is required"));
  for (const [at, attestation] of listOf(tree, "attestations").entries()) {
    errors.push(...setErrors(listOf(attestation, "attestors"), `${field}.attestations[${at}].attestors`));
  }
  errors.push(...setErrors(image.attestors, `${field}.attestors`));
  if (stringAt(tree, "type") !== "Notary") return errors;
  for (const entry of listOf(tree, "attestors").flatMap((set) => listOf(set, "entries"))) {
    for (const name of ["keyless", "keys"]) {
      if (!isObject(valueAt(entry, name))) continue;
      const shown = name === "keys" ? "Keys" : "Keyless";
      errors.push(invalid(`${field}.attestors`, tree, `${shown} field is not allowed for type notary`));
    }
  }
  return errors;
}

interface Converted {
  readonly references: number;
  readonly attestors: readonly Json[];
}

function converted(tree: Json): Converted {
  const references = listOf(tree, "imageReferences").length;
  const attestors = listOf(tree, "attestors");
  const [image, key, issuer] = ["image", "key", "issuer"].map((name) => stringAt(tree, name));
  if (image === "" && key === "" && issuer === "") return { references, attestors };
  const hasOwn = isObject(valueAt(tree, "annotations")) || key !== "" || issuer !== "";
  const keyless = { issuer, subject: stringAt(tree, "subject"), roots: stringAt(tree, "roots") };
  const entry = key === "" ? (issuer === "" ? {} : { keyless }) : { keys: { publicKeys: key } };
  const added = hasOwn && listOf(tree, "attestations").length === 0 ? [{ entries: [entry] }] : [];
  return { references: references + (image === "" ? 0 : 1), attestors: [...attestors, ...added] };
}

function setErrors(sets: readonly Json[], field: string): readonly FieldError[] {
  return sets.flatMap((set, at) => attestorSetErrors(set, `${field}[${at}]`));
}

function attestorSetErrors(set: Json, field: string): readonly FieldError[] {
  const entries = listOf(set, "entries");
  const count = valueAt(set, "count");
  const errors: FieldError[] = [];
  if (typeof count === "number" && count > entries.length) {
    errors.push(invalid(field, set, "Count cannot exceed length of entries"));
  }
  if (entries.length === 0) errors.push(invalid(field, set, "An entry is required"));
  return [...errors, ...entries.flatMap((entry, at) => attestorErrors(entry, `${field}.entries[${at}]`))];
}

function attestorErrors(entry: Json, field: string): readonly FieldError[] {
  const there = ["keys", "certificates", "keyless", "attestor"].filter((name) => isObject(valueAt(entry, name)));
  const errors: FieldError[] = [];
  if (there.length !== 1) {
    errors.push(invalid(field, entry, "keys, certificates, keyless, or a nested attestor is required"));
  }
  return [...errors, ...there.flatMap((name) => partErrors(name, valueAt(entry, name), `${field}.${name}`))];
}

const algorithms: ReadonlySet<string> = new Set(["", "sha224", "sha256", "sha384", "sha512"]);

function partErrors(name: string, part: Json, field: string): readonly FieldError[] {
  const has = (key: string): boolean => stringAt(part, key) !== "";
  const wrong = (isWrong: boolean, text: string): readonly FieldError[] =>
    isWrong ? [invalid(field, part, text)] : [];
  switch (name) {
    case "keys":
      return [
        ...wrong(
          !has("publicKeys") && !has("kms") && !isObject(valueAt(part, "secret")),
          "A public key, kms key or secret is required",
        ),
        ...wrong(
          has("publicKeys") && !algorithms.has(stringAt(part, "signatureAlgorithm")),
          "Invalid signature algorithm provided",
        ),
      ];
    case "certificates":
      return wrong(!has("cert") && !has("certChain"), "cert or certChain required");
    case "keyless": {
      const rekor = valueAt(part, "rekor");
      return [
        ...wrong(!isObject(rekor) && !has("roots"), "Either Rekor URL or roots are required"),
        ...wrong(isObject(rekor) && stringAt(rekor, "url") === "", "An URL is required"),
      ];
    }
    default:
      return attestorSetErrors(part, field);
  }
}
