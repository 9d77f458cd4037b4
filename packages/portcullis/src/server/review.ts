// AdmissionReview on the wire. Reading is strict about what the API's types are and silent about fields it does not know,
// as Kubernetes itself is (kube's admission.ts); writing gives the fields in the order in which Gatekeeper's server writes them. Where a body
// cannot be read as a whole (cut, too large, not JSON), `findReview` still looks for `request.uid` in its first part: with
// it the API server gets a real answer with a reason instead of a failed call.

import { isObject, readAdmissionReview, stringAt } from "@portcullis/kube";
import type { EvaluationRequest } from "@portcullis/policy";

export interface Review {
  /** `admission.k8s.io/v1` or `admission.k8s.io/v1beta1`: the answer is given in the same version. */
  readonly apiVersion: string;
  readonly request: EvaluationRequest;
}

/** What the client is told: Gatekeeper's codes 200, 299, 403, 422, 500 and our own 400, 413, 503. */
export interface Answer {
  /** Whose answer it is: a denial of Kyverno has no code, which API servers read as 400, and what it allows no status. */
  readonly dialect?: string;
  readonly allowed: boolean;
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly warnings: readonly string[];
  /** RFC 6902 operations; absent when nothing is changed. */
  readonly patch?: readonly unknown[];
}

/** Reads the tree of an AdmissionReview. Throws ReviewError, whose message says what was expected and where. */
export function readReview(tree: unknown): Review {
  const read = readAdmissionReview(tree);
  if ("error" in read) throw new ReviewError(read.error);
  if (read.uid === "") throw new ReviewError("request.uid is missing");
  const { raw, userInfo, ...request } = read;
  return {
    apiVersion: stringAt(tree, "apiVersion"),
    request: {
      ...request,
      point: "webhook",
      user: isObject(raw["userInfo"]) ? userInfo : null,
      dryRun: typeof raw["dryRun"] === "boolean" ? raw["dryRun"] : null,
      implied: null,
    },
  };
}

/** What is wrong with a body that should be an AdmissionReview. */
export class ReviewError extends Error {
  override readonly name = "ReviewError";

  constructor(problem: string) {
    super(`expected an AdmissionReview of admission.k8s.io/v1: ${problem}`);
  }
}

/**
 * The response as text, with Go's final line break. Only strings that come from outside are written by JSON.stringify,
 * because building objects for it costs more than everything else about an answer.
 * Gatekeeper: controller-runtime pkg/webhook/admission/http.go; Kyverno: pkg/utils/admission/response.go (it sends the
 * request back too, which nobody reads).
 */
export function writeReview(uid: string, answer: Answer, apiVersion = "admission.k8s.io/v1"): string {
  const { allowed, warnings, patch = [] } = answer;
  const warned = warnings.length === 0 ? "" : `,"warnings":${JSON.stringify(warnings)}`;
  const patched = patch.length === 0 ? "" : `,"patch":"${patchText(patch)}","patchType":"JSONPatch"`;
  const response = `{"uid":${JSON.stringify(uid)},"allowed":${allowed}${statusText(answer)}${patched}${warned}}`;
  return `{"kind":"AdmissionReview","apiVersion":${JSON.stringify(apiVersion)},"response":${response}}\n`;
}

function statusText({ dialect, allowed, code, reason, message }: Answer): string {
  const said = message === "" ? "" : `,"message":${JSON.stringify(message)}`;
  if (dialect === "kyverno") return allowed ? "" : `,"status":{"metadata":{},"status":"Failure"${said}}`;
  const why = reason === "" ? "" : `,"reason":${JSON.stringify(reason)}`;
  return `,"status":{"metadata":{}${said}${why},"code":${code}}`;
}

/** A patch travels in base64. */
function patchText(patch: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(patch)).toString("base64");
}

/** To whom an answer goes. */
export interface Addressee {
  readonly uid: string;
  /** The version that was asked in, as far as it is known. */
  readonly apiVersion: string;
}

/** How far `findReview` looks, in characters; kube-apiserver writes version and uid first. */
const uidWindow = 1024 * 1024;

/**
 * `request.uid` of a body that may be cut off or broken, or null. Only JSON's brackets, strings and separators are
 * looked at, so that it needs no valid JSON behind the uid.
 */
export function findReview(body: string): Addressee | null {
  const text = body.slice(0, uidWindow);
  const path: string[] = [];
  let apiVersion = "admission.k8s.io/v1";
  let key = "";
  let afterColon = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') {
      const end = stringEnd(text, at);
      if (end === -1) return null;
      const value = (): string | null => stringValue(text.slice(at, end));
      if (!afterColon) key = value() ?? "";
      else if (key === "uid" && path.length === 2 && path[1] === "request") return addressee(value(), apiVersion);
      else if (key === "apiVersion" && path.length === 1 && value() === betaVersion) apiVersion = betaVersion;
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

const betaVersion = "admission.k8s.io/v1beta1";

function addressee(uid: string | null, apiVersion: string): Addressee | null {
  return uid === null || uid === "" ? null : { uid, apiVersion };
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
