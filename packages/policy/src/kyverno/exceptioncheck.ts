// What hinders a PolicyException: what does not fit its schema, then what Kyverno's admission refuses. An exception that
// fits may still not count, because exceptions are switched off or its namespace is not the one that they must be in;
// whoever stores it is told. Kyverno: api/kyverno/v2 PolicyExceptionSpec.Validate, pkg/validation/exception.

import { type FieldError, aggregateText, required, stringAt, valueAt } from "@portcullis/kube";
import { type Diagnostic, errorAt, warningAt } from "@portcullis/lang";
import type { ReadFrom } from "../engine/frontend.ts";
import type { Json } from "../engine/request.ts";
import { listOf } from "./match/filter.ts";
import { blockErrors, userErrors } from "./policy/fields.ts";
import { misfits, stepsOf } from "./policy/misfits.ts";
import { compiled, conditions, exemptedControls, filterBlock, newOperators } from "./policy/schema.ts";
import { object, texts } from "./policy/schemaparts.ts";
import { excludeErrors } from "./validate/podsecurity/controls.ts";

const schema = compiled(
  object(
    {
      metadata: { type: "object" },
      spec: object(
        {
          background: { type: "boolean" },
          conditions: conditions(newOperators),
          exceptions: {
            type: "array",
            items: object(
              { policyName: { type: "string" }, ruleNames: texts },
              { required: ["policyName", "ruleNames"] },
            ),
          },
          match: filterBlock,
          podSecurity: exemptedControls,
        },
        { required: ["exceptions", "match"] },
      ),
    },
    { required: ["spec"] },
  ),
);

/** Errors of a PolicyException. */
export function checkException(exception: Json, from: ReadFrom): readonly Diagnostic[] {
  const wrong = misfits(exception, schema(), from);
  if (wrong.length > 0) return wrong;
  const errors = fieldErrors(valueAt(exception, "spec"));
  const message = aggregateText(errors);
  const place = from.locate?.(stepsOf(errors[0]?.field ?? "spec")) ?? null;
  return message === null ? [] : [errorAt("policy", place, message)];
}

function fieldErrors(spec: Json): readonly FieldError[] {
  const match = valueAt(spec, "match");
  const options = { namespaced: false, namespace: "", knowsKinds: false };
  return [
    ...(valueAt(spec, "background") === false ? [] : userErrors(match, "spec.match")),
    ...blockErrors(match, "spec.match", options),
    ...listOf(spec, "exceptions").flatMap((one, at) =>
      stringAt(one, "policyName") === ""
        ? [required(`spec.exceptions[${at}].policyName`, "An exception requires a policy name")]
        : [],
    ),
    ...listOf(spec, "podSecurity").flatMap((one, at) => excludeErrors(one, `spec.podSecurity[${at}]`)),
  ];
}

/** The code of the warning that an exception does not count. */
export const unusedException = "unused-exception";

/** What keeps an exception that fits from counting. `allowed` is the setting `exceptionNamespace`. */
export function exceptionWarnings(
  namespace: string,
  allowed: string | null,
  { locate }: ReadFrom,
): readonly Diagnostic[] {
  const text = unusedText(namespace, allowed);
  if (text === null) return [];
  return [warningAt(unusedException, locate?.(["metadata"]) ?? null, text)];
}

function unusedText(namespace: string, allowed: string | null): string | null {
  if (allowed === null) return "PolicyException resources would not be processed until it is enabled.";
  if (allowed === "") return "The exceptionNamespace flag is not set";
  if (allowed === "*" || allowed === namespace) return null;
  return "PolicyException resource namespace must match the defined namespace.";
}
