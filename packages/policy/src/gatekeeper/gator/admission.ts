// An AdmissionReview in a file, as the request that it holds. Fields that Kubernetes does not know are refused, because
// they would have no effect; a review without an object to look at is refused too.
// Gatekeeper: pkg/gator/verify/runner.go validateAndReviewAdmissionReviewRequest.

import { type JsonRecord, gvkOf, isObject, stringAt, valueAt } from "@portcullis/kube";
import { quote } from "@portcullis/lang/go";
import type { EvaluationRequest, Gvk, Gvr, Json, Operation, UserInfo } from "../../engine/request.ts";
import { typeError } from "../gotype.ts";
import { stringsAt } from "../tree.ts";
import { convertError } from "./convert.ts";
import { reviewStruct } from "./structs.ts";

export function admissionRequest(review: Json): EvaluationRequest | { readonly error: string } {
  const cause = convertError(review, reviewStruct, "unstructured") ?? strictError(review);
  if (cause !== null) {
    return {
      error: `not a valid AdmissionReview object: unable to convert to an AdmissionReview object, error: ${cause}`,
    };
  }
  const request = valueAt(review, "request");
  if (!isObject(request)) {
    return { error: "missing an AdmissionRequest object: request did not actually pass in an AdmissionRequest" };
  }
  const object = request["object"] ?? null;
  const oldObject = request["oldObject"] ?? null;
  if (object === null && oldObject === null) {
    const text = 'AdmissionRequest does not contain an "object" or "oldObject" to review';
    return { error: `no object or oldObject found to review: ${text}` };
  }
  for (const one of [object, oldObject]) {
    const unreadable = one === null ? null : unreadableObject(one);
    if (unreadable !== null) return { error: `object or oldObject cannot be unmarshalled: ${unreadable}` };
  }
  return requestOf(request, object, oldObject);
}

function requestOf(request: JsonRecord, object: Json, oldObject: Json): EvaluationRequest {
  const dryRun = request["dryRun"];
  const kind = kindOf(request["kind"]);
  return {
    point: "cli",
    operation: stringAt(request, "operation") === "" ? null : (stringAt(request, "operation") as Operation),
    // A file may leave the kind out; the index needs one, and the object has it.
    kind: kind.kind === "" ? gvkOf(object ?? oldObject) : kind,
    resource: resourceOf(request["resource"]),
    subResource: stringAt(request, "subResource"),
    requestKind: isObject(request["requestKind"]) ? kindOf(request["requestKind"]) : null,
    requestResource: isObject(request["requestResource"]) ? resourceOf(request["requestResource"]) : null,
    requestSubResource: stringAt(request, "requestSubResource"),
    namespace: stringAt(request, "namespace"),
    name: stringAt(request, "name"),
    uid: stringAt(request, "uid"),
    object,
    oldObject,
    options: request["options"] ?? null,
    user: userOf(request["userInfo"]),
    dryRun: typeof dryRun === "boolean" ? dryRun : null,
    implied: null,
  };
}

function kindOf(tree: Json): Gvk {
  return { group: stringAt(tree, "group"), version: stringAt(tree, "version"), kind: stringAt(tree, "kind") };
}

function resourceOf(tree: Json): Gvr {
  return { group: stringAt(tree, "group"), version: stringAt(tree, "version"), resource: stringAt(tree, "resource") };
}

function userOf(tree: Json): UserInfo | null {
  if (!isObject(tree)) return null;
  return {
    username: stringAt(tree, "username"),
    uid: stringAt(tree, "uid"),
    groups: stringsAt(tree, "groups"),
    extra: tree["extra"] ?? null,
  };
}

const names = (text: string): readonly string[] => text.split(" ");
const known: ReadonlyMap<string, readonly string[]> = new Map([
  ["", names("kind apiVersion request response")],
  [
    "request",
    names(
      "uid kind resource subResource requestKind requestResource requestSubResource name namespace operation userInfo object oldObject dryRun options",
    ),
  ],
  ["request.kind", names("group version kind")],
  ["request.requestKind", names("group version kind")],
  ["request.resource", names("group version resource")],
  ["request.requestResource", names("group version resource")],
  ["request.userInfo", names("username uid groups extra")],
]);

function unreadableObject(object: Json): string | null {
  const wrong = typeError(object, { is: "map", name: "map[string]interface {}", of: { is: "any", name: "" } });
  if (wrong !== null) return wrong.text;
  return gvkOf(object).kind === "" ? `Object 'Kind' is missing in '${JSON.stringify(object)}'` : null;
}

function strictError(review: Json): string | null {
  const unknown = unknownFields(review);
  if (unknown.length === 0) return null;
  return `strict decoding error: ${unknown.map((path) => `unknown field ${quote(path)}`).join(", ")}`;
}

function unknownFields(review: Json): readonly string[] {
  return [...known].flatMap(([path, fields]) => {
    const tree = path === "" ? review : valueAt(review, ...path.split("."));
    if (!isObject(tree)) return [];
    const prefix = path === "" ? "" : `${path}.`;
    return Object.keys(tree)
      .filter((key) => !fields.includes(key))
      .map((key) => prefix + key);
  });
}
