// AdmissionReview on the wire. Reading is strict about what the API's types are and silent about fields it does not know,
// as Kubernetes itself is; writing gives the fields in the order in which Gatekeeper's server writes them. Where a body
// cannot be read as a whole (cut, too large, not JSON), `findUid` still looks for `request.uid` in its first part: with it
// the API server gets a real answer with a reason instead of a failed call.

import type { EvaluationRequest, Gvk, Gvr, Operation, UserInfo } from "@portcullis/policy";

export interface Review {
  /** `admission.k8s.io/v1` or `admission.k8s.io/v1beta1`: the answer is given in the same version. */
  readonly apiVersion: string;
  readonly request: EvaluationRequest;
}

/** What the client is told: Gatekeeper's codes 200, 299, 403, 422, 500 and our own 400, 413, 503. */
export interface Answer {
  readonly allowed: boolean;
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly warnings: readonly string[];
}

const versions: ReadonlySet<string> = new Set(["admission.k8s.io/v1", "admission.k8s.io/v1beta1"]);
const expected = "expected an AdmissionReview of admission.k8s.io/v1 with a request";

/** Reads the tree of an AdmissionReview. Throws ReviewError, whose message says what was expected and where. */
export function readReview(tree: unknown): Review {
  const review = objectAt(tree, "the body");
  const { kind, apiVersion } = review;
  if (kind !== "AdmissionReview" || typeof apiVersion !== "string" || !versions.has(apiVersion)) {
    throw new ReviewError(`${expected}, got ${describeKind(apiVersion, kind)}`);
  }
  if (review["request"] === undefined || review["request"] === null) {
    throw new ReviewError(`${expected}, but request is missing`);
  }
  return { apiVersion, request: readRequest(objectAt(review["request"], "request")) };
}

export class ReviewError extends Error {
  override readonly name = "ReviewError";
}

function readRequest(request: Tree): EvaluationRequest {
  const uid = textAt(request, "uid", "request");
  if (uid === "") throw new ReviewError(`${expected}, but request.uid is missing`);
  const kind = gvkAt(request, "kind");
  if (kind === null) throw new ReviewError(`${expected}, but request.kind is missing`);
  return {
    point: "webhook",
    operation: operationOf(textAt(request, "operation", "request")),
    kind,
    resource: gvrAt(request, "resource"),
    subResource: textAt(request, "subResource", "request"),
    requestKind: gvkAt(request, "requestKind"),
    requestResource: gvrAt(request, "requestResource"),
    requestSubResource: textAt(request, "requestSubResource", "request"),
    namespace: textAt(request, "namespace", "request"),
    name: textAt(request, "name", "request"),
    uid,
    object: manifestAt(request, "object"),
    oldObject: manifestAt(request, "oldObject"),
    options: manifestAt(request, "options"),
    user: userAt(request),
    dryRun: flagAt(request, "dryRun"),
    implied: null,
  };
}

type Tree = Readonly<Record<string, unknown>>;

function objectAt(value: unknown, path: string): Tree {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Tree;
  throw new ReviewError(`${expected}, but ${path} is ${describe(value)}`);
}

function textAt(tree: Tree, key: string, path: string): string {
  const value = tree[key];
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  throw new ReviewError(`${path}.${key} must be a string, but is ${describe(value)}`);
}

function flagAt(tree: Tree, key: string): boolean | null {
  const value = tree[key] ?? null;
  if (value === null || typeof value === "boolean") return value;
  throw new ReviewError(`request.${key} must be true or false, but is ${describe(value)}`);
}

function manifestAt(tree: Tree, key: string): Tree | null {
  const value = tree[key] ?? null;
  if (value === null) return null;
  if (typeof value === "object" && !Array.isArray(value)) return value as Tree;
  throw new ReviewError(`request.${key} must be an object, but is ${describe(value)}`);
}

function gvkAt(request: Tree, key: string): Gvk | null {
  const tree = manifestAt(request, key);
  if (tree === null) return null;
  const path = `request.${key}`;
  return {
    group: textAt(tree, "group", path),
    version: textAt(tree, "version", path),
    kind: textAt(tree, "kind", path),
  };
}

function gvrAt(request: Tree, key: string): Gvr | null {
  const tree = manifestAt(request, key);
  if (tree === null) return null;
  const path = `request.${key}`;
  return {
    group: textAt(tree, "group", path),
    version: textAt(tree, "version", path),
    resource: textAt(tree, "resource", path),
  };
}

function userAt(request: Tree): UserInfo | null {
  const tree = manifestAt(request, "userInfo");
  if (tree === null) return null;
  const path = "request.userInfo";
  const groups = tree["groups"] ?? [];
  if (!Array.isArray(groups) || !groups.every((group) => typeof group === "string")) {
    throw new ReviewError(`${path}.groups must be a list of strings, but is ${describe(groups)}`);
  }
  return {
    username: textAt(tree, "username", path),
    uid: textAt(tree, "uid", path),
    groups,
    extra: tree["extra"] ?? null,
  };
}

function operationOf(text: string): Operation | null {
  switch (text) {
    case "CREATE":
    case "UPDATE":
    case "DELETE":
    case "CONNECT":
      return text;
    case "":
      return null;
    default:
      throw new ReviewError(`request.operation must be CREATE, UPDATE, DELETE or CONNECT, but is ${describe(text)}`);
  }
}

function describeKind(apiVersion: unknown, kind: unknown): string {
  if (kind === undefined && apiVersion === undefined) return "an object without kind and apiVersion";
  return `kind ${describe(kind)} of apiVersion ${describe(apiVersion)}`;
}

function describe(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  return typeof value === "string" ? JSON.stringify(value.slice(0, 60)) : `a ${typeof value}`;
}

/** The response as text, with Go's final line break. Gatekeeper: controller-runtime pkg/webhook/admission/http.go. */
export function writeReview(uid: string, answer: Answer, apiVersion = "admission.k8s.io/v1"): string {
  const { allowed, code, reason, message, warnings } = answer;
  const status = {
    metadata: {},
    ...(message !== "" && { message }),
    ...(reason !== "" && { reason }),
    code,
  };
  const response = { uid, allowed, status, ...(warnings.length > 0 && { warnings }) };
  return `${JSON.stringify({ kind: "AdmissionReview", apiVersion, response })}\n`;
}

/** How far `findUid` looks, in bytes; kube-apiserver writes the uid first. */
const uidWindow = 1024 * 1024;

/**
 * `request.uid` of a body that may be cut off or broken, or null. Only JSON's brackets, strings and separators are
 * looked at, so that it needs no valid JSON behind the uid.
 */
export function findUid(bytes: Uint8Array): string | null {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, uidWindow)).toString("utf8");
  const path: string[] = [];
  let key = "";
  let afterColon = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') {
      const end = stringEnd(text, at);
      if (end === -1) return null;
      if (!afterColon) key = stringValue(text.slice(at, end)) ?? "";
      else if (key === "uid" && path.length === 2 && path[1] === "request") return stringValue(text.slice(at, end));
      at = end - 1;
    } else if (char === ":") afterColon = true;
    else if (char === "{" || char === "[") {
      path.push(char === "{" && afterColon ? key : "");
      afterColon = false;
    } else if (char === "}" || char === "]") {
      path.pop();
      afterColon = false;
    } else if (char === ",") afterColon = false;
  }
  return null;
}

/** The offset behind the closing quote of the string that starts at `start`, or -1. */
function stringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at];
    if (char === "\\") at++;
    else if (char === '"') return at + 1;
  }
  return -1;
}

function stringValue(token: string): string | null {
  try {
    return JSON.parse(token) as string;
  } catch {
    return null;
  }
}
