// What a rule does, checked: that it does one thing, that patterns have anchors which mean something there, that parameters are
// whole. Kyverno: pkg/policy/{validate,mutate,generate}/validate.go, pkg/policy/common/validate_pattern.go.

import { goJson, isObject, stringAt, valueAt } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import type { RuleTree } from "../autogen/rules.ts";
import { jsonKind } from "../decode.ts";
import { listOf } from "../match/filter.ts";
import { anchorOf } from "../pattern/anchor.ts";
import { containsWildcard } from "../pattern/wildcard.ts";
import { Mistake, type Steps } from "./mistake.ts";

function hasValue(tree: Json, field: string): boolean {
  return (valueAt(tree, field) ?? null) !== null;
}

/** Throws Mistake. `lead` and `steps` are the rule's. */
export function checkMutate(rule: RuleTree, lead: string, steps: Steps): void {
  const mutate = rule["mutate"];
  const at = [...steps, "mutate"];
  const refuse = (path: string, text: string): never => {
    throw new Mistake(`${lead}.mutate.${path}.: ${text}`, at);
  };
  const merges = hasValue(mutate, "patchStrategicMerge");
  const patches = stringAt(mutate, "patchesJson6902") !== "";
  const loops = listOf(mutate, "foreach");
  if (loops.length > 0) {
    if (merges || patches)
      refuse("foreach", "only one of `foreach`, `patchStrategicMerge`, or `patchesJson6902` is allowed");
    checkMutateLoops(loops, "", refuse);
    return;
  }
  if (merges && patches) refuse("foreach", "only one of `patchStrategicMerge` or `patchesJson6902` is allowed");
  if (Array.isArray(rule["celPreconditions"])) refuse("", "celPrecondition can only be used with validate.cel");
}

function checkMutateLoops(loops: readonly Json[], lead: string, refuse: (path: string, text: string) => never): void {
  let tag = lead;
  for (const [at, loop] of loops.entries()) {
    tag += `foreach[${at}]`;
    const nested = listOf(loop, "foreach");
    const merges = hasValue(loop, "patchStrategicMerge");
    const patches = stringAt(loop, "patchesJson6902") !== "";
    if (nested.length > 0) {
      if (Array.isArray(valueAt(loop, "context")) || hasValue(loop, "preconditions") || merges || patches) {
        refuse(tag, "a nested foreach cannot contain other declarations");
      }
      return checkMutateLoops(nested, tag, refuse);
    }
    if (merges === patches) refuse(tag, "only one of `patchStrategicMerge` or `patchesJson6902` is allowed");
  }
}

/** Throws Mistake. */
export function checkValidate(rule: RuleTree, lead: string, steps: Steps): void {
  const validate = rule["validate"];
  const at = [...steps, "validate"];
  const refuse = (path: string, text: string): never => {
    throw new Mistake(`${lead}.validate.${path}.: ${text}`, at);
  };
  const fields = ["pattern", "anyPattern", "deny", "foreach", "podSecurity", "cel"];
  const images = listOf(valueAt(validate, "manifests"), "attestors").length > 0 ? 1 : 0;
  const count = fields.filter((field) => hasValue(validate, field)).length + images;
  if (count === 0) refuse("", "one of pattern, anyPattern, deny, foreach, cel must be specified");
  if (count > 1) refuse("", "only one of pattern, anyPattern, deny, foreach, cel can be specified");
  checkPattern(valueAt(validate, "pattern"), "/", (path, text) => refuse(`pattern.${path}`, text));
  const patterns = valueAt(validate, "anyPattern");
  if ((patterns ?? null) !== null && !Array.isArray(patterns)) {
    const text = `json: cannot unmarshal ${jsonKind(patterns)} into Go value of type []interface {}`;
    refuse("anyPattern", `failed to deserialize anyPattern, expect array: ${text}`);
  }
  for (const [index, pattern] of listOf(validate, "anyPattern").entries()) {
    checkPattern(pattern, "/", (path, text) => refuse(`anyPattern[${index}].${path}`, text));
  }
  for (const loop of listOf(validate, "foreach")) checkValidateLoop(loop, refuse);
  checkCel(valueAt(validate, "cel"), refuse);
  if (Array.isArray(rule["celPreconditions"]) && !hasValue(validate, "cel")) {
    refuse("", "celPrecondition can only be used with validate.cel");
  }
}

function checkValidateLoop(loop: Json, refuse: (path: string, text: string) => never): void {
  if (stringAt(loop, "list") === "") refuse("", "foreach.list is required");
  const nested = listOf(loop, "foreach").length > 0 ? 1 : 0;
  const count = ["pattern", "anyPattern", "deny"].filter((field) => hasValue(loop, field)).length + nested;
  if (count === 0) refuse("", "one of pattern, anyPattern, deny, or a nested foreach must be specified");
  if (count > 1) refuse("", "only one of pattern, anyPattern, deny, or a nested foreach can be specified");
}

/** Parameters of rules in CEL, which must be whole. */
function checkCel(cel: Json, refuse: (path: string, text: string) => never): void {
  if (!isObject(cel)) return;
  const [kind, reference] = [valueAt(cel, "paramKind"), valueAt(cel, "paramRef")];
  if (listOf(cel, "expressions").some((one) => stringAt(one, "expression") === "")) {
    refuse("", "cel.expressions.expression is required");
  }
  if (isObject(kind)) {
    for (const field of ["apiVersion", "kind"]) {
      if (stringAt(kind, field) === "") refuse("", `cel.paramKind.${field} is required`);
    }
    if (!isObject(reference)) refuse("", "cel.paramRef is required");
  }
  if (isObject(reference)) {
    if ((stringAt(reference, "name") !== "") === isObject(valueAt(reference, "selector"))) {
      refuse("", "one of cel.paramRef.name or cel.paramRef.selector must be set");
    }
    if (stringAt(reference, "parameterNotFoundAction") === "") {
      refuse("", "cel.paramRef.parameterNotFoundAction is required");
    }
    if (!isObject(kind)) refuse("", "cel.paramKind is required");
  }
  for (const annotation of listOf(cel, "auditAnnotations")) {
    for (const field of ["key", "valueExpression"]) {
      if (stringAt(annotation, field) === "") refuse("", `cel.auditAnnotation.${field} is required`);
    }
  }
}

/** Throws Mistake. Who may make things is left to the cluster. Kyverno: pkg/policy/generate/validate.go. */
export function checkGenerate(rule: RuleTree, lead: string, steps: Steps, by: "cluster" | "cli"): void {
  const generate = rule["generate"];
  const at = [...steps, "generate"];
  const refuse = (path: string, text: string): never => {
    throw new Mistake(`${lead}.generate.${path}.: ${text}`, at);
  };
  const selector = valueAt(generate, "cloneList", "selector");
  if (isObject(selector) && containsWildcard(goJson(selector))) {
    refuse("selector", "wildcard characters `*/?` not supported");
  }
  if (Array.isArray(rule["celPreconditions"]) && by === "cluster") {
    refuse("", "celPrecondition can only be used with validate.cel");
  }
  checkAnchors(valueAt(generate, "data"), "/", (path, key) =>
    refuse(`data.${path}`, `anchors not supported on generate resources: unsupported anchor ${key}`),
  );
}

/** Anchors where there must be none. */
function checkAnchors(tree: Json, path: string, refuse: (path: string, key: string) => never): void {
  if (Array.isArray(tree)) {
    for (const [at, item] of (tree as readonly Json[]).entries()) checkAnchors(item, `${path}${at}/`, refuse);
  } else if (isObject(tree)) {
    for (const [key, value] of Object.entries(tree)) {
      if (anchorOf(key) !== null) refuse(`${path}/${key}`, key);
      checkAnchors(value, `${path}/${key}`, refuse);
    }
  }
}

/** Anchors that a validating pattern may have, and what an existence anchor needs. Kyverno: common.ValidatePattern. */
function checkPattern(pattern: Json, path: string, refuse: (path: string, text: string) => void): void {
  if (Array.isArray(pattern)) {
    for (const [at, item] of (pattern as readonly Json[]).entries()) checkPattern(item, `${path}${at}/`, refuse);
    return;
  }
  if (!isObject(pattern)) return;
  for (const [key, value] of Object.entries(pattern)) {
    const anchor = anchorOf(key);
    const here = `${path}/${key}`;
    if (anchor?.mark === "+") refuse(here, `unsupported anchor ${key}`);
    if (anchor?.mark === "^" && !Array.isArray(value)) refuse(here, "existence anchor should have value of type list");
    if (anchor?.mark === "^" && Array.isArray(value) && value.length === 0) {
      refuse(here, "existence anchor: should have at least one value");
    }
    checkPattern(value, here, refuse);
  }
}
