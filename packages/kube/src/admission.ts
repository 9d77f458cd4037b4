// admission.k8s.io/v1 AdmissionReview. A body is read strictly in shape and leniently in content: what decides must have
// the right type, unknown members are left alone. An error names the member, what was expected and what was there.
// Behaviour from k8s.io/api admission/v1 and sigs.k8s.io/controller-runtime pkg/webhook/admission/http.go.

import type { GroupVersionKind, GroupVersionResource } from "./gvk.ts";
import { isObject, type JsonRecord } from "./object.ts";
import { type UserInfo, readUserInfo } from "./userinfo.ts";

export type AdmissionOperation = "CREATE" | "UPDATE" | "DELETE" | "CONNECT";

export interface AdmissionRequest {
  readonly uid: string;
  readonly kind: GroupVersionKind;
  readonly resource: GroupVersionResource;
  readonly subResource: string;
  readonly requestKind: GroupVersionKind | null;
  readonly requestResource: GroupVersionResource | null;
  readonly requestSubResource: string;
  readonly name: string;
  readonly namespace: string;
  readonly operation: AdmissionOperation;
  readonly userInfo: UserInfo;
  /** Null where there is none. */
  readonly object: JsonRecord | null;
  readonly oldObject: JsonRecord | null;
  readonly dryRun: boolean;
  readonly options: JsonRecord | null;
  /** The request as it arrived. */
  readonly raw: JsonRecord;
}

export interface AdmissionResponse {
  readonly uid: string;
  readonly allowed: boolean;
  readonly status?: { readonly code: number; readonly reason?: string; readonly message?: string };
  readonly warnings?: readonly string[];
  readonly patch?: string;
  readonly patchType?: "JSONPatch";
  readonly auditAnnotations?: Readonly<Record<string, string>>;
}

/** What is wrong with a body that should be an AdmissionReview; the uid where it could be read. */
export interface AdmissionProblem {
  readonly error: string;
  readonly uid: string;
}

const operations: ReadonlySet<string> = new Set(["CREATE", "UPDATE", "DELETE", "CONNECT"]);

/** Reads the request of an AdmissionReview. */
export function readAdmissionReview(tree: unknown): AdmissionRequest | AdmissionProblem {
  if (!isObject(tree)) return problem("", `an AdmissionReview must be a JSON object, not ${typeName(tree)}`);
  const { apiVersion, kind, request } = tree;
  if (kind !== "AdmissionReview") return problem("", `kind must be "AdmissionReview", not ${shown(kind)}`);
  if (apiVersion !== "admission.k8s.io/v1" && apiVersion !== "admission.k8s.io/v1beta1")
    return problem("", `apiVersion must be "admission.k8s.io/v1", not ${shown(apiVersion)}`);
  if (!isObject(request)) return problem("", `request must be an object, not ${typeName(request)}`);
  return readAdmissionRequest(request);
}

/** Reads the `request` member alone. */
export function readAdmissionRequest(request: JsonRecord): AdmissionRequest | AdmissionProblem {
  const uid = typeof request["uid"] === "string" ? request["uid"] : "";
  const reader: Reader = { errors: [] };
  const operation = text(reader, request, "operation");
  if (!operations.has(operation))
    reader.errors.push(
      `request.operation must be CREATE, UPDATE, DELETE or CONNECT, not ${shown(request["operation"])}`,
    );
  const kind = gvk(reader, request, "kind");
  if (kind === null) reader.errors.push("request.kind is missing");
  const read: Omit<AdmissionRequest, "kind" | "operation"> = {
    uid: text(reader, request, "uid"),
    resource: gvr(reader, request, "resource") ?? { group: "", version: "", resource: "" },
    subResource: text(reader, request, "subResource"),
    requestKind: gvk(reader, request, "requestKind"),
    requestResource: gvr(reader, request, "requestResource"),
    requestSubResource: text(reader, request, "requestSubResource"),
    name: text(reader, request, "name"),
    namespace: text(reader, request, "namespace"),
    userInfo: readUserInfo(object(reader, request, "userInfo")),
    object: object(reader, request, "object"),
    oldObject: object(reader, request, "oldObject"),
    dryRun: request["dryRun"] === true,
    options: object(reader, request, "options"),
    raw: request,
  };
  const [error] = reader.errors;
  if (error !== undefined || kind === null) return problem(uid, error ?? "");
  return { ...read, kind, operation: operation as AdmissionOperation };
}

/** The AdmissionReview around a response, in the version that was asked. */
export function admissionReviewOf(response: AdmissionResponse, apiVersion = "admission.k8s.io/v1") {
  return { kind: "AdmissionReview", apiVersion, response } as const;
}

interface Reader {
  readonly errors: string[];
}

function text(reader: Reader, record: JsonRecord, key: string, path = "request"): string {
  const value = record[key];
  if (value === undefined || value === null || typeof value === "string") return value ?? "";
  reader.errors.push(`${path}.${key} must be a string, not ${typeName(value)}`);
  return "";
}

function object(reader: Reader, record: JsonRecord, key: string): JsonRecord | null {
  const value = record[key];
  if (value === undefined || value === null) return null;
  if (isObject(value)) return value;
  reader.errors.push(`request.${key} must be an object, not ${typeName(value)}`);
  return null;
}

function gvk(reader: Reader, record: JsonRecord, key: string): GroupVersionKind | null {
  const value = object(reader, record, key);
  const path = `request.${key}`;
  return value === null
    ? null
    : {
        group: text(reader, value, "group", path),
        version: text(reader, value, "version", path),
        kind: text(reader, value, "kind", path),
      };
}

function gvr(reader: Reader, record: JsonRecord, key: string): GroupVersionResource | null {
  const value = object(reader, record, key);
  const path = `request.${key}`;
  return value === null
    ? null
    : {
        group: text(reader, value, "group", path),
        version: text(reader, value, "version", path),
        resource: text(reader, value, "resource", path),
      };
}

function problem(uid: string, error: string): AdmissionProblem {
  return { error, uid };
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "absent";
  if (Array.isArray(value)) return "an array";
  return isObject(value) ? "an object" : typeof value === "object" ? "a number" : `a ${typeof value}`;
}

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 100)) : typeName(value);
}
