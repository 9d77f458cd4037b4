// What Gatekeeper's webhook answers before, or without, asking a constraint. It does not judge its own administrator, and
// a policy is read before it is stored: what would be wrong with it is the answer, 422 where the user can mend the
// object's text and 500 where Gatekeeper's own server says 500. A second path of the webhook guards the label that takes
// a Namespace out of Gatekeeper's sight. Gatekeeper: pkg/webhook/{policy,common,namespacelabel}.go.
//
// Two answers differ on purpose: Rego is compiled here and not only after the template is stored, and a policy may
// always be deleted, however broken.

import { gvkOf, labelsOf, nameOf, stringAt } from "@portcullis/kube";
import { type Diagnostic, formatDiagnostic } from "@portcullis/lang";
import { admissionProblems } from "../engine/engine.ts";
import type { Answered } from "../engine/outcome.ts";
import type { PolicySet } from "../engine/policyset.ts";
import type { EvaluationRequest } from "../engine/request.ts";
import { configOf, excludesRequest } from "./configuration/config.ts";
import { enforcementCode, unrecognized } from "./constraint/enforcement.ts";
import { constraintGroup } from "./template/crd.ts";

export interface AdmissionSettings {
  /** Where Gatekeeper would be installed: its administrator is a service account of this namespace. */
  readonly namespace: string;
  /** Refuse enforcement actions and points that nobody knows. */
  readonly validatesEnforcement: boolean;
}

/** The longest name of a policy, in characters. */
const nameMax = 63;

/** The webhook's answer when no policy has to be asked; null when they have to. */
export function policyAdmission(
  request: EvaluationRequest,
  set: PolicySet,
  settings: AdmissionSettings,
): Answered | null {
  if (request.user?.username === `system:serviceaccount:${settings.namespace}:gatekeeper-admin`) {
    return allowed("Gatekeeper does not self-manage");
  }
  const problem = storageProblem(request, set, settings);
  if (problem !== null) return problem;
  const config = configOf(set, settings.namespace);
  return config !== null && excludesRequest(config, "webhook", request) ? allowed(excludedText) : null;
}

/** Gatekeeper: pkg/webhook/{policy,mutation}.go. */
export const excludedText = "Namespace is set to be ignored by Gatekeeper config";

/** What is wrong with a policy or a setting that is to be stored. */
function storageProblem(request: EvaluationRequest, set: PolicySet, settings: AdmissionSettings): Answered | null {
  if (!isGatekeepers(request) || request.operation === "DELETE") return null;
  const { length } = request.name;
  if (length > nameMax && request.kind?.group !== "status.gatekeeper.sh") {
    return refused(500, tooLong(length));
  }
  return request.object === null ? null : policyProblem(request.object, set, settings);
}

/** Whether a request is about a policy or a setting of Gatekeeper. */
export function isGatekeepers({ kind }: EvaluationRequest): boolean {
  return kind !== null && kind.group.endsWith(".gatekeeper.sh");
}

function policyProblem(object: unknown, set: PolicySet, settings: AdmissionSettings): Answered | null {
  const errors = admissionProblems(set, { object, file: "" }).filter(
    ({ severity, code }) => severity === "error" && !statusOnly.has(code),
  );
  const isConstraint = gvkOf(object).group === constraintGroup;
  const users = errors.filter(({ code }) => code !== enforcementCode);
  if (users.length > 0) return refused(users.every(isServers) ? 500 : 422, users.map(textOf).join("\n"));
  if (!isConstraint || !settings.validatesEnforcement) return null;
  const text = unrecognized(object);
  if (text !== null) return refused(500, text);
  return errors.length === 0 ? null : refused(422, errors.map(textOf).join("\n"));
}

/** What only the status says: policies that do not go together are taken, and none of them is used. */
const statusOnly: ReadonlySet<string> = new Set(["mutator-conflict", "expansion-cycle"]);

/** What Gatekeeper's webhook does not take for a mistake of the user. */
function isServers({ code }: Diagnostic): boolean {
  return code === "template-field";
}

/** A mistake in Rego with its line and column in the module, anything else in Gatekeeper's words alone. */
function textOf(found: Diagnostic): string {
  return found.code.startsWith("rego_") ? formatDiagnostic(found) : found.message;
}

function tooLong(length: number): string {
  return `resource cannot have metadata.name larger than ${nameMax} char; length: ${length}`;
}

// ── the label that takes a Namespace out of sight

const ignoreLabel = "admission.gatekeeper.sh/ignore";

/** Namespaces that may have the label. */
export interface ExemptNamespaces {
  readonly names: readonly string[];
  readonly prefixes: readonly string[];
  readonly suffixes: readonly string[];
}

/** Refuses the label on a Namespace that is not exempt. */
export function labelAdmission(request: EvaluationRequest, exempt: ExemptNamespaces): Answered {
  const { kind, object } = request;
  if (request.operation === "DELETE") return allowed("Delete is always allowed");
  if (kind?.group !== "" || kind.kind !== "Namespace") return allowed("Not a namespace");
  const problem = namespaceProblem(object);
  if (problem !== null) {
    return { allowed: false, code: 500, reason: "Forbidden", message: problem, warnings: [] };
  }
  const name = nameOf(object);
  if (isExempt(name, exempt)) return allowed(`Namespace ${name} is allowed to set ${ignoreLabel}`);
  if (!Object.hasOwn(labelsOf(object), ignoreLabel))
    return allowed(`Namespace is not setting the ${ignoreLabel} label`);
  const message = `Only exempt namespace can have the ${ignoreLabel} label`;
  return { allowed: false, code: 403, reason: "Forbidden", message, warnings: [] };
}

function namespaceProblem(object: unknown): string | null {
  if (object === null) return "while deserializing resource: unexpected end of JSON input";
  if (stringAt(object, "kind") !== "") return null;
  return `while deserializing resource: Object 'Kind' is missing in '${JSON.stringify(object)}'`;
}

function isExempt(name: string, { names, prefixes, suffixes }: ExemptNamespaces): boolean {
  return (
    names.includes(name) ||
    prefixes.some((prefix) => name.startsWith(prefix)) ||
    suffixes.some((suffix) => name.endsWith(suffix))
  );
}

function allowed(message: string): Answered {
  return { allowed: true, code: 200, reason: "", message, warnings: [] };
}

function refused(code: number, message: string): Answered {
  return { allowed: false, code, reason: "", message, warnings: [] };
}
