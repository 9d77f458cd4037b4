// A rule in CEL: what a ValidatingAdmissionPolicy would be, decided here. Exceptions skip it, conditions (`celPreconditions`)
// choose, and the first expression that does not hold, or fails, is what it says. Expressions see the object as it is: on
// Kyverno's command line, where numbers are read as Go's JSON reads them, every number is a double.
// Kyverno: pkg/engine/handlers/validation/validate_cel.go, pkg/admissionpolicy/{compiler,utils}.go.

import { isObject, nameOf, namespaceOf, stringAt, valueAt } from "@portcullis/kube";
import { kubernetesOnCelGo30 } from "@portcullis/cel";
import {
  type AdmissionInput,
  type AdmissionResult,
  type CompiledAdmission,
  authorizerOf,
  compileAdmission,
  inDoubles,
  resourceAuthorizerOf,
} from "@portcullis/cel/kubernetes";
import type { Json } from "../../engine/request.ts";
import type { RuleTree } from "../autogen/rules.ts";
import { failureOf } from "../failure.ts";
import { listOf } from "../match/filter.ts";
import { type RuleResult, ruleError, ruleResult } from "../result.ts";
import type { RuleRun } from "../rulerun.ts";
import type { Scope } from "../scope.ts";
import { type Subject, namespaceObject } from "../subject.ts";
import { authorizeBy } from "./authorize.ts";
import { orValueLibrary } from "./orvalue.ts";
import { type Parameters, parametersOf } from "./parameters.ts";

export interface CelRule {
  /** Compiled when they are first asked for: of the rules that autogen makes most are never used on the command line. */
  readonly expressions: () => CompiledAdmission;
  /** `paramKind` and `paramRef`; null when the rule has no parameters. */
  readonly parameters: Parameters | null;
}

/** `rule` is the whole rule. */
export function compileCel(rule: RuleTree): CelRule {
  const cel = valueAt(rule, "validate", "cel");
  const ruleMessage = stringAt(rule["validate"], "message");
  const kind = valueAt(cel, "paramKind");
  const named = (tree: Json): { readonly name: string; readonly expression: string } => ({
    name: stringAt(tree, "name"),
    expression: stringAt(tree, "expression"),
  });
  const compile = (): CompiledAdmission =>
    compileAdmission(
      {
        matchConditions: listOf(rule, "celPreconditions").map(named),
        variables: listOf(cel, "variables").map(named),
        validations: listOf(cel, "expressions").map((tree) => ({
          expression: stringAt(tree, "expression"),
          message: stringAt(tree, "message") || ruleMessage,
          messageExpression: stringAt(tree, "messageExpression"),
          reason: stringAt(tree, "reason"),
        })),
        auditAnnotations: listOf(cel, "auditAnnotations").map((tree) => ({
          key: stringAt(tree, "key"),
          valueExpression: stringAt(tree, "valueExpression"),
        })),
      },
      {
        dialect: kubernetesOnCelGo30,
        libraries: [orValueLibrary],
        hasParams: isObject(kind),
        conditionsReadVariables: true,
      },
    );
  let compiled: CompiledAdmission | null = null;
  return {
    expressions: () => (compiled ??= compile()),
    parameters: isObject(kind) ? { kind, reference: valueAt(cel, "paramRef") } : null,
  };
}

/** Null where a ValidatingAdmissionPolicy that Kyverno made of the policy decides. */
export function checkCel(run: RuleRun, { expressions, parameters }: CelRule): RuleResult | null {
  const { id } = run;
  if (valueAt(run.policy.object, "status", "validatingadmissionpolicy", "generated") === true) return null;
  const input = inputOf(run);
  if (typeof input === "string") return ruleError(id, "Error getting the resource's namespace", input);
  let params: readonly Json[];
  try {
    const namespace = input.request["namespace"] as string | undefined;
    params = parameters === null ? [null] : parametersOf(run, parameters, namespace ?? "");
  } catch (error) {
    return ruleError(id, "error in parameterized resource", failureOf(error).message);
  }
  for (const one of params) {
    const result = resultOf(run, expressions().evaluate({ ...input, params: one as Seen }));
    if (result !== null) return result;
  }
  return ruleResult(id, "pass", `Validation rule '${id.name}' passed.`);
}

/** What one evaluation ends the rule with; null when everything holds. */
function resultOf({ id }: RuleRun, result: AdmissionResult): RuleResult | null {
  if (!result.matches) return ruleResult(id, "skip", "cel preconditions not met");
  if (result.error !== null) return ruleResult(id, "fail", result.error);
  const failed = result.validations.find(({ outcome }) => outcome !== "admit");
  return failed === undefined ? null : ruleResult(id, "fail", failed.message);
}

// ── what expressions see

type Seen = AdmissionInput["object"];

/** An error's text where the namespace cannot be had. */
function inputOf({ subject, scope }: RuleRun): Omit<AdmissionInput, "params"> | string {
  const { object, oldObject, gvk } = subject;
  const own = object ?? oldObject;
  const isNamespace = gvk.kind === "Namespace" && gvk.version === "v1" && gvk.group === "";
  const named = { namespace: isNamespace ? "" : namespaceOf(own), name: nameOf(own) };
  let about = known.get(subject);
  try {
    about ??= aboutOf(subject, scope, named);
  } catch (error) {
    return failureOf(error).message;
  }
  known.set(subject, about);
  const { world, budget } = scope.evaluation;
  const zoneOffset = (name: string, epochMs: number): number | null =>
    world.host.zone(name, epochMs)?.offsetSeconds ?? null;
  return { ...about, ...authorizersOf(subject, scope, named), budget, zoneOffset };
}

type About = Pick<AdmissionInput, "object" | "oldObject" | "request" | "namespaceObject">;

/** What all rules see of a subject. */
const known = new WeakMap<Subject, About>();

interface Named {
  readonly namespace: string;
  readonly name: string;
}

/** Throws Failure, Suspend where the namespace cannot be had. */
function aboutOf(subject: Subject, scope: Scope, named: Named): About {
  const { evaluation, profile } = scope;
  const { namespace } = named;
  const seen = (tree: Json): Seen => (profile === "kyverno-cli" ? doublesOf(tree) : (tree as Seen));
  return {
    object: seen(subject.object),
    oldObject: seen(subject.oldObject),
    request: requestOf(subject, scope, named),
    namespaceObject: (namespace === "" ? null : namespaceObject(namespace, evaluation, profile)) as Seen,
  };
}

const doubles = new WeakMap<object, Seen>();

function doublesOf(tree: Json): Seen {
  if (!isObject(tree)) return tree as Seen;
  const made = doubles.get(tree) ?? inDoubles(tree as Seen);
  doubles.set(tree, made);
  return made;
}

/** `authorizer` and `authorizer.requestResource`: about whoever asks, who may be nobody. */
function authorizersOf(
  { subresource }: Subject,
  scope: Scope,
  named: Named,
): Pick<AdmissionInput, "authorizer" | "requestResource"> {
  const { user, resource } = scope.request;
  const who = { username: "", uid: "", groups: [], extra: {}, ...user };
  const authorize = authorizeBy(scope);
  const about = { group: resource?.group ?? "", resource: resource?.resource ?? "", subresource, ...named };
  return { authorizer: authorizerOf(who, authorize), requestResource: resourceAuthorizerOf(who, authorize, about) };
}

/** What is empty is not there; Kyverno's command line knows no resources. Kubernetes: admission/v1 AdmissionRequest. */
function requestOf(
  { gvk, operation }: Subject,
  { request: { resource, user }, profile }: Scope,
  { name, namespace }: Named,
): AdmissionInput["request"] {
  const kind = { group: gvk.group, version: gvk.version, kind: gvk.kind };
  const gvr = { group: "", version: "", resource: "", ...(profile === "kyverno-cli" ? {} : resource) };
  const { username = "", uid = "", groups = [], extra = null } = user ?? {};
  return {
    kind,
    resource: gvr,
    requestKind: kind,
    requestResource: gvr,
    ...filled({ name, namespace }),
    operation,
    userInfo: {
      ...filled({ username, uid }),
      ...(groups.length > 0 ? { groups } : {}),
      ...(isObject(extra) && Object.keys(extra).length > 0 ? { extra: extra as AdmissionInput["request"] } : {}),
    },
    dryRun: false,
    options: null,
  };
}

function filled(texts: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== ""));
}
