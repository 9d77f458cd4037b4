// Asking the webhook as kube-apiserver would, about an object in a file: `review` prints the AdmissionReview for curl, and
// the demo sends it and shows the answer as kubectl would print it.

import type { Catalog, EvaluationRequest, Operation } from "@portcullis/policy";
import { gvkOf, isObject, nameOf, namespaceOf } from "@portcullis/kube";
import { randomUUID } from "node:crypto";
import { type Agent, request as httpsRequest } from "node:https";
import type { Answer } from "../server/review.ts";

/** An AdmissionReview that asks about an object, as JSON text. */
export function reviewOf(object: unknown, catalog: Catalog, operation: Operation = "CREATE"): string {
  const kind = gvkOf(object);
  const known = catalog.resourceOf(kind);
  const resource = known?.resource ?? {
    group: kind.group,
    version: kind.version,
    resource: `${kind.kind.toLowerCase()}s`,
  };
  const isNamespaced = known?.namespaced ?? namespaceOf(object) !== "";
  const namespace = isNamespaced ? namespaceOf(object) || "default" : "";
  const placed = namespace === "" ? object : inNamespace(object, namespace);
  const isGone = operation === "DELETE";
  const request = {
    uid: randomUUID(),
    kind,
    resource,
    requestKind: kind,
    requestResource: resource,
    name: nameOf(object),
    ...(namespace !== "" && { namespace }),
    operation,
    userInfo: { username: "kubernetes-admin", groups: ["system:masters", "system:authenticated"] },
    object: isGone ? null : placed,
    oldObject: isGone || operation === "UPDATE" ? placed : null,
    dryRun: false,
    options: null,
  } satisfies Partial<Record<keyof EvaluationRequest | "userInfo", unknown>>;
  return JSON.stringify({ kind: "AdmissionReview", apiVersion: "admission.k8s.io/v1", request });
}

/** An API server writes the namespace of the request into an object without one. */
function inNamespace(object: unknown, namespace: string): unknown {
  if (!isObject(object) || namespaceOf(object) !== "") return object;
  const metadata = isObject(object["metadata"]) ? object["metadata"] : {};
  return { ...object, metadata: { ...metadata, namespace } };
}

/** The answer to a review, of all dialects or of one. Rejects when the webhook does not answer with an AdmissionReview. */
export async function askWebhook(
  url: string,
  review: string,
  how: { readonly ca: string | null; readonly agent?: Agent; readonly dialect?: "gatekeeper" | "kyverno" },
): Promise<Answer> {
  const path = how.dialect === undefined ? "/v1/admit?timeout=10s" : `/v1/admit?dialect=${how.dialect}&timeout=10s`;
  const text = await post(`${url}${path}`, review, how);
  const { response } = JSON.parse(text) as { readonly response?: WireResponse };
  if (response === undefined) throw new Error(`not an AdmissionReview: ${text.slice(0, 200)}`);
  const { allowed, status, warnings = [] } = response;
  // A denial of Kyverno has no code; an API server takes that for 400.
  const { code = allowed ? 200 : 400, reason = "", message = "" } = status ?? {};
  const dialect = status?.status === "Failure" ? { dialect: "kyverno" } : {};
  return { allowed, code, reason, message, warnings, ...dialect };
}

interface WireResponse {
  readonly allowed: boolean;
  readonly status?: {
    readonly status?: string;
    readonly code?: number;
    readonly reason?: string;
    readonly message?: string;
  };
  readonly warnings?: readonly string[];
}

function post(
  url: string,
  body: string,
  { ca, agent }: { readonly ca: string | null; readonly agent?: Agent },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      method: "POST",
      headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
      ...(ca !== null && { ca }),
      ...(agent !== undefined && { agent }),
    };
    const outgoing = httpsRequest(url, options, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        if (incoming.statusCode === 200) resolve(text);
        else reject(new Error(`HTTP ${incoming.statusCode ?? 0}: ${text.trim()}`));
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** As kubectl prints it when an object is created: warnings first, then what became of it. */
export function kubectlText(object: unknown, answer: Answer): string {
  const { group, kind } = gvkOf(object);
  const name = `${kind.toLowerCase()}${group === "" ? "" : `.${group}`}/${nameOf(object)}`;
  const warnings = answer.warnings.map((warning) => `Warning: ${warning}`);
  if (answer.allowed) return [...warnings, `${name} created`].join("\n");
  const webhook = answer.dialect === "kyverno" ? "validate.kyverno.svc-fail" : "validation.gatekeeper.sh";
  const why = answer.code >= 500 && answer.reason === "" ? "InternalError" : answer.reason;
  const from = why === "" ? "Error from server" : `Error from server (${why})`;
  const denial = `${from}: admission webhook "${webhook}" denied the request: ${answer.message}`;
  return [...warnings, denial].join("\n");
}
