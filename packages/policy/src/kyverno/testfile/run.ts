// What Kyverno's command line does with one object: every policy's mutate rules in turn, each on the result of the one
// before, then image rules, validation and generation. Each policy sees values of its own.
// Kyverno: cmd/cli/kubectl-kyverno/processor/policy_processor.go.

import { type Labels, gvkOf, isObject, nameOf, namespaceOf } from "@portcullis/kube";
import type { Evaluation, Gvk, Json } from "../../engine/request.ts";
import type { RuleResult } from "../result.ts";
import type { CliInput, CliPolicy, CliResult, CliUser, EvaluateCliPolicy, Phase } from "./port.ts";
import { splitName } from "./names.ts";
import type { NamedValues, Variables } from "./values.ts";

/** What one policy says about one object in one phase. Without rules when none matched. */
export interface PolicyResponse {
  readonly policy: CliPolicy;
  readonly phase: Phase;
  /** Of the namespace that the object is in. */
  readonly namespaceLabels: Labels;
  /** As it was before any policy. */
  readonly given: Json;
  /** Before and after the phase; null after a patch that failed. */
  readonly object: Json;
  readonly patched: Json;
  readonly rules: readonly RuleResult[];
}

export interface RunOptions {
  readonly evaluate: EvaluateCliPolicy;
  /** In the order in which they were loaded; those with a problem take no part. */
  readonly policies: readonly CliPolicy[];
  readonly variables: Variables;
  /** "" for what the values say. */
  readonly operation: string;
  readonly user: CliUser | null;
  readonly exceptions: readonly Json[];
  readonly available: CliInput["available"];
  /** The labels of a namespace that no values speak of; null when nothing is known of the cluster. */
  readonly clusterLabels: ((namespace: string) => Labels) | null;
  /** For one policy and phase, so that a policy that runs away does not stop the others. */
  readonly evaluation: () => Evaluation;
}

const phases: readonly Phase[] = ["mutate", "verifyImages", "validate", "generate"];

/** Runs all policies over an object. Throws what `clusterLabels` throws. */
export function runPolicies(object: Json, options: RunOptions): readonly PolicyResponse[] {
  const { policies } = options;
  const responses: PolicyResponse[] = [];
  const subject = subjectOf(object, options);
  let current = object;
  for (const phase of phases) {
    for (const policy of policies) {
      if (policy.problem !== null || !policy.phases.has(phase)) continue;
      const { rules, object: after } =
        current === null ? noRules : evaluatePhase({ policy, phase, subject, current }, options);
      if (phase !== "generate" || rules.length > 0) {
        responses.push({
          policy,
          phase,
          namespaceLabels: subject.namespaceLabels,
          given: object,
          object: current,
          patched: after,
          rules,
        });
      }
      if (phase !== "generate") current = after;
    }
  }
  return responses;
}

/** After a patch that failed there is no object any more, and nothing applies to it. */
const noRules: CliResult = { rules: [], object: null };

interface PhaseRun {
  readonly policy: CliPolicy;
  readonly phase: Phase;
  readonly subject: Subject;
  readonly current: Json;
}

function evaluatePhase({ policy, phase, subject, current }: PhaseRun, options: RunOptions): CliResult {
  const values = options.variables.forObject(policy.name, nameOf(current));
  const input = inputFor({ policy, subject, values, current }, options);
  return options.evaluate(policy, phase, input, options.evaluation());
}

interface Subject {
  readonly kind: Gvk;
  readonly subresource: string;
  readonly namespaceLabels: Labels;
}

function subjectOf(object: Json, { variables, clusterLabels }: RunOptions): Subject {
  const kind = gvkOf(object);
  const namespace = namespaceOf(object);
  const given = variables.namespaceLabels(namespace);
  if (clusterLabels === null) {
    const parent = variables.parentOf(kind) ?? { kind, subresource: "" };
    return { ...parent, namespaceLabels: given ?? {} };
  }
  const isSaid = given !== null && Object.keys(given).length > 0;
  const isAsked = !isSaid && kind.kind !== "Namespace" && namespace !== "";
  return { kind, subresource: "", namespaceLabels: isAsked ? clusterLabels(namespace) : (given ?? {}) };
}

interface Running {
  readonly policy: CliPolicy;
  readonly subject: Subject;
  readonly values: NamedValues;
  readonly current: Json;
}

function inputFor({ policy, subject, values, current }: Running, options: RunOptions): CliInput {
  const said = options.operation === "" ? values["request.operation"] : options.operation;
  const operation = said === "DELETE" || said === "UPDATE" ? said : "CREATE";
  const all = options.operation === "" ? values : { ...values, "request.operation": options.operation };
  return {
    operation,
    object: operation === "DELETE" ? null : withValues(current, "object", all),
    oldObject: operation === "CREATE" ? null : withValues(current, "oldObject", all),
    ...subject,
    user: options.user,
    values: all,
    ruleValues: (rule) => options.variables.forRule(policy.name, rule),
    exceptions: options.exceptions,
    available: options.available,
  };
}

/** The object with the values that lie inside it (`request.object.spec.replicas`). */
function withValues(object: Json, field: "object" | "oldObject", values: NamedValues): Json {
  let changed = object;
  for (const name of Object.keys(values)) {
    const [first, second, ...path] = splitName(name);
    if (first === "request" && second === field && path.length > 0) changed = merged(changed, path, values[name]);
  }
  return changed;
}

function merged(target: Json, path: readonly string[], value: Json): Json {
  const [step, ...rest] = path;
  const record = isObject(target) ? target : {};
  if (step === undefined) return isObject(value) && isObject(target) ? { ...target, ...value } : value;
  return { ...record, [step]: merged(record[step], rest, value) };
}
