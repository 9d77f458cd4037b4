// One constraint. Reading it alone finds what needs no template; joining it with its template validates it against the
// generated schema, fills in defaults, and compiles what decides. The first check that fails gives the constraint's
// problem in Gatekeeper's words, in Gatekeeper's order.
// Frameworks: pkg/client/{client,template_client}.go AddConstraint, pkg/client/crds/validate.go ValidateCR.

import {
  aggregateText,
  dns1123SubdomainErrors,
  gvkOf,
  isObject,
  nameOf,
  readLabelSelector,
  validateLabelSelector,
  valueAt,
} from "@portcullis/kube";
import { type Diagnostic, errorAt } from "@portcullis/lang";
import { quote } from "@portcullis/lang/go";
import type { PlainObject, Value } from "@portcullis/rego";
import type { Locate, ReadFrom } from "../../engine/frontend.ts";
import type { PolicyId } from "../../engine/outcome.ts";
import type { Json } from "../../engine/request.ts";
import { constraintGroup } from "../template/crd.ts";
import type { Template } from "../template/read.ts";
import { accessorError } from "../gocode.ts";
import { asRecord } from "../tree.ts";
import { type Enforcement, enforcementCode, readEnforcement } from "./enforcement.ts";
import { type Matcher, compileMatch } from "./match.ts";

/** A constraint as it was read, not yet joined with a template. */
export interface ConstraintSource {
  readonly unit: "constraint";
  readonly kind: string;
  readonly name: string;
  readonly object: Json;
  readonly locate: Locate | null;
}

/** A constraint that decides. */
export interface Constraint {
  readonly id: PolicyId;
  readonly kind: string;
  readonly name: string;
  /** With defaults, without status. */
  readonly object: Json;
  readonly parameters: Value;
  readonly matcher: Matcher;
  readonly enforcement: Enforcement;
}

export type Joined =
  | { readonly constraint: Constraint; readonly problem: null }
  | { readonly constraint: null; readonly problem: Problem };

export interface Problem {
  /** Gatekeeper's error text. */
  readonly text: string;
  /** The constraint does not fit the template's schema: what a suite's `invalid` asks for. */
  readonly schema: boolean;
  readonly path: readonly (string | number)[];
}

export function readConstraint(object: Json, from: ReadFrom): ConstraintSource {
  const { kind } = gvkOf(object);
  return { unit: "constraint", kind, name: nameOf(object), object, locate: from.locate ?? null };
}

/** The problem as a diagnostic in the constraint's file. */
export function problemDiagnostic(source: ConstraintSource, problem: Problem): Diagnostic {
  const code = problem.path[1] === "enforcementAction" ? enforcementCode : "constraint";
  return errorAt(code, source.locate?.(problem.path) ?? null, problem.text.trimEnd());
}

/** Joins a constraint with the template of its kind. Remembered, so that a changed set checks only what changed. */
export function joinConstraint(source: ConstraintSource, template: Template | null): Joined {
  if (template === null) return join(source, null);
  const known = joined.get(source);
  if (known !== undefined && known.template === template) return known.result;
  const result = join(source, template);
  joined.set(source, { template, result });
  return result;
}

const joined = new WeakMap<ConstraintSource, { readonly template: Template; readonly result: Joined }>();

function join(source: ConstraintSource, template: Template | null): Joined {
  const problem =
    metadataProblem(source) ??
    (template?.ready == null ? missingTemplate(source) : null) ??
    selectorProblem(source.object) ??
    identityProblem(source, template as Template) ??
    schemaProblem(source, template as Template);
  if (problem !== null) return { constraint: null, problem };
  const object = withoutStatus(template?.ready?.schema.withDefaults(source.object));
  const enforcement = readEnforcement(object);
  if (typeof enforcement === "string") return failed(enforcement, ["spec", "enforcementAction"]);
  const matcher = compileMatch(object);
  if (typeof matcher === "string") return failed(matcher, ["spec", "match"]);
  const parameters = (valueAt(object, "spec", "parameters") ?? {}) as Value;
  const { kind, name } = source;
  const id: PolicyId = { dialect: "gatekeeper", kind, namespace: "", name };
  return { constraint: { id, kind, name, object, parameters, matcher, enforcement }, problem: null };
}

function failed(text: string, path: Problem["path"]): Joined {
  return { constraint: null, problem: { text, schema: false, path } };
}

function invalid(text: string, path: Problem["path"]): Problem {
  return { text: `invalid Constraint: ${text}`, schema: false, path };
}

function metadataProblem({ object, name, kind }: ConstraintSource): Problem | null {
  const { group } = gvkOf(object);
  if (name === "") return invalid("missing metadata.name", ["metadata"]);
  if (kind === "") return invalid("missing kind", []);
  if (group === constraintGroup) return null;
  const text = `wrong API Group for Constraint ${quote(name)}, got ${quote(group)} but need "${constraintGroup}"`;
  return invalid(text, ["apiVersion"]);
}

function missingTemplate({ kind }: ConstraintSource): Problem {
  const text = `missing ConstraintTemplate: template ${quote(kind.toLowerCase())} not found`;
  return { text, schema: false, path: ["kind"] };
}

/** Both selectors are reported as `spec.labelSelector`, as Gatekeeper does. */
function selectorProblem(object: Json): Problem | null {
  for (const field of ["labelSelector", "namespaceSelector"]) {
    const tree = valueAt(object, "spec", "match", field);
    const path = ["spec", "match", field];
    const inaccessible = accessProblem(object, path);
    if (inaccessible !== null) return inaccessible;
    if (!isObject(tree)) continue;
    const selector = readLabelSelector(tree);
    if ("error" in selector) return invalid(`Could not convert JSON to LabelSelector: ${selector.error}`, path);
    const text = aggregateText(validateLabelSelector(selector, "spec.labelSelector"));
    if (text !== null) return invalid(text, path);
  }
  return null;
}

/** A step of the path is there and no object. What is null counts as not there, but for the last step. */
function accessProblem(object: Json, path: readonly string[]): Problem | null {
  for (let length = 1; length <= path.length; length++) {
    const steps = path.slice(0, length);
    const value = valueAt(object, ...steps);
    if (value === undefined || (value === null && length < path.length)) return null;
    if (isObject(value)) continue;
    // Go names the field below the one that is no object.
    const field = `.${path.slice(0, Math.min(length + 1, path.length)).join(".")}`;
    return invalid(accessorError({ field, value, numbers: "float64", expected: "map[string]interface{}" }), steps);
  }
  return null;
}

function identityProblem({ object, name, kind }: ConstraintSource, template: Template): Problem | null {
  const wrong = dns1123SubdomainErrors(name);
  if (wrong.length > 0) return invalid(`invalid name: ${quote(wrong.join("\n"))}`, ["metadata", "name"]);
  if (kind !== template.kind) {
    // Gatekeeper names the two the wrong way round.
    const text = `wrong kind ${quote(name)} for constraint ${quote(kind)}; want ${quote(template.kind)}`;
    return invalid(text, ["kind"]);
  }
  const { version } = gvkOf(object);
  if (version === "v1beta1" || version === "v1alpha1") return null;
  const supported = "supported versions: map[v1alpha1:true v1beta1:true]";
  const text = `unsupported version ${quote(version)} for Constraint ${quote(name)}; ${supported}`;
  return invalid(text, ["apiVersion"]);
}

function schemaProblem({ object }: ConstraintSource, template: Template): Problem | null {
  const schema = template.ready?.schema;
  if (schema === undefined) return null;
  const errors = schema.validate(object, "[]");
  const text = aggregateText(errors);
  if (text !== null) {
    return { text: `schema validation failed: ${text}`, schema: true, path: errors[0]?.path ?? ["spec"] };
  }
  const unknown = schema.unknownFields(object);
  const [first] = unknown;
  if (first === undefined) return null;
  return invalid(`unknown fields: [${unknown.map((field) => field.text).join(" ")}]`, first.path);
}

function withoutStatus(object: Json): Json {
  const record = asRecord(object) as PlainObject | null;
  if (record === null || !Object.hasOwn(record, "status")) return object;
  const { status: _status, ...rest } = record;
  return rest;
}
