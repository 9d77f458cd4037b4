// Lints of a template alone: what its Rego cannot see, and names that lead nowhere.

import { type Diagnostic, warningAt } from "@portcullis/lang";
import { isObject, valueAt } from "@portcullis/kube";
import type { TemplateFacts } from "./facts.ts";

export function lintTemplate(facts: TemplateFacts): readonly Diagnostic[] {
  return [...ephemeralContainers(facts), ...inputNames(facts), ...parameterNames(facts), ...messages(facts)];
}

/** `kubectl debug` adds containers that a policy on containers does not see unless it names them. */
function ephemeralContainers({ kind, inputs, names }: TemplateFacts): readonly Diagnostic[] {
  if (!names.has("containers") || names.has("ephemeralContainers")) return [];
  const first =
    inputs.find(({ path }) => path.includes("containers")) ?? inputs.find(({ path }) => path.includes("spec"));
  const text = `${kind} does not check ephemeral containers: with \`kubectl debug\` any container enters a Pod that it judges`;
  return [
    warningAt(
      "lint/ephemeral-containers",
      first?.span ?? null,
      text,
      "look at input.review.object.spec.ephemeralContainers too",
    ),
  ];
}

/** A template sees `input.review` and `input.parameters`; anything else is undefined, and the rule then never holds. */
function inputNames({ inputs }: TemplateFacts): readonly Diagnostic[] {
  return inputs.flatMap(({ path: [first], span }) => {
    if (first === undefined || first === "review" || first === "parameters") return [];
    const hint =
      first === "request" || first === "object"
        ? "write input.review"
        : "a template sees input.review and input.parameters";
    return [warningAt("lint/unknown-input", span, `\`input.${first}\` is always undefined`, hint)];
  });
}

/** Parameters that are read but not described, and described but not read. */
function parameterNames({ inputs, names, source }: TemplateFacts): readonly Diagnostic[] {
  const path = ["spec", "crd", "spec", "validation", "openAPIV3Schema"] as const;
  const schema = valueAt(source.object, ...path);
  const properties = valueAt(schema, "properties");
  if (!isObject(properties)) return [];
  const isOpen =
    valueAt(schema, "x-kubernetes-preserve-unknown-fields") === true ||
    valueAt(schema, "additionalProperties") !== undefined;
  const read = inputs.filter(({ path: [first] }) => first === "parameters");
  const unknown = read.flatMap(({ path: [, name], span }) => {
    if (name === undefined || isOpen || Object.hasOwn(properties, name)) return [];
    const text = `\`input.parameters.${name}\` is always undefined: the template's schema has no such parameter`;
    return [warningAt("lint/unknown-parameter", span, text, `describe it in ${path.join(".")}`)];
  });
  // A reference that takes the parameters as a whole may read all of them.
  if (read.some(({ path: { length } }) => length === 1)) return unknown;
  const unused = Object.keys(properties).filter((name) => !names.has(name));
  return [
    ...unknown,
    ...unused.map((name) => {
      const span = source.locate?.([...path, "properties", name]) ?? null;
      return warningAt("lint/unused-parameter", span, `the parameter \`${name}\` is described but never read`);
    }),
  ];
}

/** A message that is no string fails the whole request in Gatekeeper; here only its own constraint. */
function messages({ oddMessages }: TemplateFacts): readonly Diagnostic[] {
  const text =
    "`msg` is no string here: Gatekeeper refuses every request that gets here, whatever the enforcement action; Portcullis reports an error of this constraint alone";
  return oddMessages.map((span) => warningAt("lint/message-not-a-string", span, text, "make it with sprintf"));
}
