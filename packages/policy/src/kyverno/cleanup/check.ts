// What hinders a cleanup policy: what does not fit its schema, then what Kyverno's admission refuses: a schedule that is
// none, context that is not to be had, filters by user, a match that the exclude takes away, variables that are no query.
// Kyverno: api/kyverno/v2 CleanupPolicySpec.Validate, ClusterCleanupPolicy.Validate; pkg/validation/cleanuppolicy.

import {
  type FieldError,
  aggregateText,
  goJson,
  invalid,
  isObject,
  nameOf,
  namespaceOf,
  stringAt,
  valueAt,
} from "@portcullis/kube";
import { type Diagnostic, errorAt } from "@portcullis/lang";
import type { ReadFrom } from "../../engine/frontend.ts";
import type { Json } from "../../engine/request.ts";
import { listOf } from "../match/filter.ts";
import { blockErrors, userErrors } from "../policy/fields.ts";
import { printedCleanup, printedContext } from "../policy/printed.ts";
import { checkCleanupVariables } from "../policy/variables.ts";
import { Mistake, explaining } from "../policy/mistake.ts";
import { misfits, stepsOf } from "../policy/misfits.ts";
import { compiled, conditions, contextSchema, filterBlock, newOperators } from "../policy/schema.ts";
import { object, oneOf, text } from "../policy/schemaparts.ts";
import { parseSchedule } from "./cron.ts";

/** As it stands in a CRD. */
export const cleanupTree = object(
  {
    metadata: { type: "object" },
    spec: object(
      {
        conditions: conditions(newOperators),
        context: contextSchema,
        deletionPropagationPolicy: oneOf("Foreground", "Background", "Orphan"),
        exclude: filterBlock,
        match: filterBlock,
        schedule: text,
      },
      { required: ["match", "schedule"] },
    ),
    status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
  },
  { required: ["spec"] },
);

const schema = compiled(cleanupTree);

/** Errors of a CleanupPolicy or ClusterCleanupPolicy. */
export function checkCleanup(policy: Json, from: ReadFrom): readonly Diagnostic[] {
  const wrong = misfits(policy, schema(), from);
  if (wrong.length > 0) return wrong;
  const errors = fieldErrors(policy);
  const message = aggregateText(errors);
  const place = from.locate?.(stepsOf(errors[0]?.field ?? "spec")) ?? null;
  return message === null ? variableErrors(policy, from) : [errorAt("policy", place, message)];
}

function variableErrors(policy: Json, { locate }: ReadFrom): readonly Diagnostic[] {
  try {
    explaining(`variable substitution failed for policy ${nameOf(policy)}: `, () =>
      checkCleanupVariables(valueAt(policy, "spec", "conditions"), ["spec", "conditions"]),
    );
    return [];
  } catch (error) {
    if (error instanceof Mistake) return [errorAt("policy", locate?.(error.path) ?? null, error.message)];
    throw error;
  }
}

function fieldErrors(policy: Json): readonly FieldError[] {
  const spec = valueAt(policy, "spec");
  const schedule = stringAt(spec, "schedule");
  const errors: FieldError[] = [];
  if (nameOf(policy).length > 63) {
    errors.push({ type: "Too long", field: "metadata.name", detail: "may not be more than 63 bytes" });
  }
  for (const entry of listOf(spec, "context")) {
    const what = isObject(valueAt(entry, "imageRegistry")) ? "ImageRegistry" : "ConfigMap";
    if (what === "ConfigMap" && !isObject(valueAt(entry, "configMap"))) continue;
    errors.push(
      invalid("spec.context", printedContext(valueAt(spec, "context")), `${what} is not allowed in CleanUp Policy`),
    );
  }
  if (parseSchedule(schedule) === null) {
    const why = "schedule spec in the cleanupPolicy is not in proper cron format";
    errors.push(invalid("spec.schedule", schedule, why));
  }
  const namespaced = stringAt(policy, "kind") === "CleanupPolicy";
  const options = { namespaced, namespace: namespaceOf(policy), knowsKinds: true };
  for (const field of ["match", "exclude"]) {
    const block = valueAt(spec, field);
    if (!isObject(block)) continue;
    const users = userErrors(block, `spec.${field}`);
    errors.push(...(users.length > 0 ? users : blockErrors(block, `spec.${field}`, options)));
  }
  return isEmptySet(spec)
    ? [...errors, invalid("spec", printedCleanup(spec), "CleanupPolicy is matching an empty set")]
    : errors;
}

/** Whether a filter of `exclude` is one of `match`. An exclude that says nothing else is an empty set too. */
function isEmptySet(spec: Json): boolean {
  const match = valueAt(spec, "match");
  const exclude = valueAt(spec, "exclude");
  if (!isObject(exclude) || listOf(exclude, "all").length > 0 || listOf(match, "all").length > 0) return false;
  const excluded = new Set(listOf(exclude, "any").map(filterText));
  const matched = listOf(match, "any").map(filterText);
  if (matched.length > 0 && excluded.size > 0) return matched.some((filter) => excluded.has(filter));
  return excluded.size > 0;
}

/** A struct is there though nobody wrote it. */
function filterText(filter: Json): string {
  return goJson(isObject(filter) ? { resources: {}, ...filter } : filter);
}
