// What Kyverno's admission checks of a policy beyond its schema, in Kyverno's order; the first mistake ends it.
// Kyverno: pkg/validation/policy/validate.go, pkg/policy/{validate,mutate}/validate.go.

import { aggregateText, isObject, namespaceOf, stringAt, valueAt } from "@portcullis/kube";
import { quote } from "@portcullis/lang/go";
import type { Json } from "../../engine/request.ts";
import type { RuleTree } from "../autogen/rules.ts";
import { operatorNames } from "../condition/names.ts";
import { operationsOf } from "../mutate/json6902.ts";
import type { Budget } from "@portcullis/lang";
import { listOf, strings } from "../match/filter.ts";
import { parseKindSelector } from "../match/kinds.ts";
import { containsWildcard, matchesWildcard } from "../pattern/wildcard.ts";
import { findVariables } from "../template.ts";
import { checkContext } from "./context.ts";
import { checkGenerate, checkMutate, checkValidate } from "./declarations.ts";
import { fieldErrors } from "./fields.ts";
import { imageErrors } from "./imagefields.ts";
import { Mistake, type Steps, explaining } from "./mistake.ts";
import { checkLoopConditions, typedRule } from "./typedrule.ts";
import { checkElements, checkVariables } from "./variables.ts";

export interface ValidationOptions {
  /** Whether a cluster checks, or the command line, which knows no kinds. */
  readonly by: "cluster" | "cli";
  readonly budget: Budget;
}

/** `own` are the rules as written, `rules` all, autogen's included. Null when there is nothing wrong. */
export function policyMistake(
  policy: Json,
  own: readonly RuleTree[],
  rules: readonly RuleTree[],
  options: ValidationOptions,
): Mistake | null {
  try {
    checkAll(policy, own, rules, options);
    return null;
  } catch (error) {
    if (error instanceof Mistake) return error;
    throw error;
  }
}

function checkAll(
  policy: Json,
  own: readonly RuleTree[],
  rules: readonly RuleTree[],
  options: ValidationOptions,
): void {
  const spec = valueAt(policy, "spec");
  const namespaced = stringAt(policy, "kind") === "Policy";
  for (const [at, rule] of own.entries()) {
    const steps = ["spec", "rules", at];
    typedRule(rule, steps);
    if (options.by === "cli") checkLoopConditions(rule, steps);
  }
  if (!namespaced && namespaceOf(policy) !== "") {
    throw new Mistake("A clusterpolicy should not have the namespace defined", ["metadata", "namespace"]);
  }
  const background = valueAt(spec, "background") !== false;
  checkVariables(policy, rules, background, options.budget);
  const place = { namespaced, namespace: namespaceOf(policy), knowsKinds: options.by === "cluster" };
  const errors = fieldErrors(policy, own, place);
  const text = aggregateText(errors);
  if (text !== null) throw new Mistake(text, stepsOf(errors[0]?.field ?? "spec"));
  if (!namespaced) checkOverrides(spec, own);
  checkModes(spec, own, background);
  for (const [at, rule] of rules.entries()) checkKinds(rule, at, background, options);
  const audits = stringAt(spec, "validationFailureAction").toLowerCase() !== "enforce";
  for (const [at, rule] of rules.entries()) checkRule(rule, at, namespaced, { ...options, audits });
}

/** `spec.rules[0].match` as steps. */
function stepsOf(field: string): Steps {
  return [...field.matchAll(/[^.[\]]+/g)].map(([step]) => (/^\d+$/.test(step) ? Number(step) : step));
}

function checkModes(spec: Json, own: readonly RuleTree[], background: boolean): void {
  if (valueAt(spec, "admission") !== false) return;
  if (!background) {
    throw new Mistake("disabling both admission and background processing is not allowed", ["spec", "admission"]);
  }
  if (
    own.some((rule) => isObject(rule["mutate"]) || isObject(rule["generate"]) || Array.isArray(rule["verifyImages"]))
  ) {
    throw new Mistake("disabling admission processing is only allowed with validation policies", ["spec", "admission"]);
  }
}

// ── overrides that contradict each other

function checkOverrides(spec: Json, own: readonly RuleTree[]): void {
  for (const [at, rule] of own.entries()) {
    const overrides = listOf(rule["validate"], "failureActionOverrides");
    const shown = `spec.rules[${at}].validate.validationFailureActionOverrides`;
    checkNamespaces(overrides, shown, ["spec", "rules", at, "validate", "failureActionOverrides"]);
  }
  const field = "validationFailureActionOverrides";
  checkNamespaces(listOf(spec, field), `spec.${field}`, ["spec", field]);
}

function checkNamespaces(overrides: readonly Json[], shown: string, steps: Steps): void {
  const plain = { enforce: new Set<string>(), audit: new Set<string>() };
  const wild = { enforce: new Set<string>(), audit: new Set<string>() };
  for (const [at, override] of overrides.entries()) {
    const action = stringAt(override, "action").toLowerCase() === "enforce" ? "enforce" : "audit";
    const other = action === "enforce" ? "audit" : "enforce";
    const namespaces = strings(override, "namespaces");
    const path = `${shown}[${at}].namespaces`;
    const mine = namespaces.filter((name) => !containsWildcard(name));
    const both = mine.filter((name) => plain[other].has(name)).toSorted();
    const here = [...steps, at, "namespaces"];
    if (both.length > 0) throw new Mistake(`conflicting namespaces found in path: ${path}: ${both.join(", ")}`, here);
    for (const name of namespaces) (containsWildcard(name) ? wild : plain)[action].add(name);
    checkWildcards(plain, wild, path, here);
  }
}

type Sides = { readonly enforce: ReadonlySet<string>; readonly audit: ReadonlySet<string> };

function checkWildcards(plain: Sides, wild: Sides, path: string, steps: Steps): void {
  const matched = (patterns: ReadonlySet<string>, names: ReadonlySet<string>): readonly [string, string] | null => {
    for (const pattern of [...patterns].toSorted()) {
      for (const name of [...names].toSorted()) if (matchesWildcard(pattern, name)) return [pattern, name];
    }
    return null;
  };
  const named = matched(wild.audit, plain.enforce) ?? matched(wild.enforce, plain.audit);
  if (named !== null) {
    throw new Mistake(`path: ${path}: wildcard pattern '${named[0]}' matches with namespace '${named[1]}'`, steps);
  }
  const both = matched(wild.audit, wild.enforce) ?? matched(wild.enforce, wild.audit);
  if (both !== null) {
    throw new Mistake(`path: ${path}: wildcard pattern '${both[0]}' conflicts with the pattern '${both[1]}'`, steps);
  }
}

// ── kinds

function checkKinds(rule: RuleTree, at: number, background: boolean, options: ValidationOptions): void {
  for (const block of ["match", "exclude"]) {
    const tree = rule[block];
    const check = (resources: Json, steps: Steps, shown: string): void =>
      explaining(`path: spec.rules[${at}].${shown}.kinds: `, () => {
        const kinds = strings(resources, "kinds");
        checkKindList(kinds, rule, { background, by: options.by }, [
          "spec",
          "rules",
          at,
          ...steps,
          "resources",
          "kinds",
        ]);
      });
    for (const group of ["any", "all"]) {
      for (const [index, filter] of listOf(tree, group).entries()) {
        check(valueAt(filter, "resources"), [block, group, index], `${block}.${group}[${index}]`);
      }
    }
    check(valueAt(tree, "resources"), [block], block);
  }
}

interface KindPlace {
  readonly background: boolean;
  readonly by: ValidationOptions["by"];
}

function checkKindList(kinds: readonly string[], rule: RuleTree, { background, by }: KindPlace, steps: Steps): void {
  if (kinds.includes("*")) return checkWildcardRule(kinds, rule, background, steps);
  if (by === "cli" || !background || !isFilled(rule["validate"])) return;
  const sub = kinds.find((selector) => {
    const { kind, subresource } = parseKindSelector(selector);
    return subresource !== "" || kindsOfSubresources.has(kind);
  });
  if (sub !== undefined) throw new Mistake(`background scan enabled with subresource ${sub}`, steps);
}

/** Kinds that are found in subresources alone. Kyverno: pkg/clients/dclient/discovery.go findResourcesFromResult. */
const kindsOfSubresources: ReadonlySet<string> = new Set([
  "Eviction",
  "NodeProxyOptions",
  "PodAttachOptions",
  "PodExecOptions",
  "PodPortForwardOptions",
  "PodProxyOptions",
  "Scale",
  "ServiceProxyOptions",
  "TokenRequest",
]);

const onlyMetadata = "policy can only deal with the metadata field of the resource if the rule does not match any kind";

function checkWildcardRule(kinds: readonly string[], rule: RuleTree, background: boolean, steps: Steps): void {
  const refuse = (text: string): never => {
    throw new Mistake(text, steps);
  };
  if (background) {
    refuse(
      "wildcard policy not allowed in background mode. Set spec.background=false to disable background mode for this policy rule ",
    );
  }
  if (kinds.length > 1) refuse("wildcard policy can not deal with more than one kind");
  const { validate, mutate, generate } = rule;
  if (isFilled(generate) || listOf(rule, "verifyImages").length > 0 || Array.isArray(valueAt(validate, "foreach"))) {
    refuse("wildcard policy does not support rule type");
  }
  if (
    isFilled(validate) &&
    (hasValue(validate, "pattern") || hasValue(validate, "anyPattern")) &&
    !isAboutMetadata(rule)
  ) {
    refuse(onlyMetadata);
  }
  const conditions = valueAt(validate, "deny", "conditions");
  for (const condition of Array.isArray(conditions) ? (conditions as readonly Json[]) : []) {
    const key = stringAt(condition, "key");
    const isAllowed = /\{\{\s*(?:request\.|serviceAccountName|serviceAccountNamespace)[^{}]*\}\}/.test(key);
    if (!key.includes("request.object.metadata.") && (!isAllowed || key.includes("request.object.spec"))) {
      refuse(onlyMetadata);
    }
  }
  if (isFilled(mutate) && !isAboutMetadata(rule)) refuse(onlyMetadata);
}

function isFilled(tree: Json): tree is RuleTree {
  return isObject(tree) && Object.keys(tree).length > 0;
}

function hasValue(tree: Json, field: string): boolean {
  return (valueAt(tree, field) ?? null) !== null;
}

function isAboutMetadata({ validate, mutate }: RuleTree): boolean {
  const only = (tree: Json): boolean => !isObject(tree) || Object.keys(tree).every((key) => key === "metadata");
  const patterns = listOf(validate, "anyPattern");
  if (![valueAt(mutate, "patchStrategicMerge"), valueAt(validate, "pattern"), ...patterns].every(only)) return false;
  const patch = stringAt(mutate, "patchesJson6902");
  // Kyverno reads the patch as JSON here, so that one in YAML has no paths.
  if (!patch.trimStart().startsWith("[")) return true;
  return [...patch.matchAll(/"path"\s*:\s*"([^"]*)"/g)].every(([, path = ""]) => path.startsWith("/metadata"));
}

// ── one rule

interface RuleOptions extends ValidationOptions {
  /** Whether the policy itself does not enforce. */
  readonly audits: boolean;
}

function checkRule(rule: RuleTree, at: number, namespaced: boolean, options: RuleOptions): void {
  const steps: Steps = ["spec", "rules", at];
  const lead = `path: spec.rules[${at}]`;
  checkJsonPatch(rule, at, options.budget);
  checkResources(rule, lead, steps);
  checkElements(rule, steps);
  explaining(`${lead}: `, () => checkContext(rule, namespaced, [...steps, "context"]));
  checkHasKinds(rule, steps);
  if (isFilled(rule["mutate"])) checkMutate(rule, lead, steps);
  if (isFilled(rule["validate"])) checkValidate(rule, lead, steps);
  if (isFilled(rule["generate"])) checkGenerate(rule, lead, steps, options.by);
  const generated = stringAt(rule["generate"], "kind");
  if (generated !== "" && strings(valueAt(rule, "match", "resources"), "kinds").includes(generated)) {
    throw new Mistake("generation kind and match resource kind should not be the same", [...steps, "generate"]);
  }
  checkImages(rule, options.audits, steps);
  if (hasOddLabels(rule)) {
    const text = 'labels and annotations supports only string values, "use double quotes around the non string values"';
    throw new Mistake(text, steps);
  }
}

/** An image whose action is not said has that of the one before it. */
function checkImages(rule: RuleTree, policyAudits: boolean, steps: Steps): void {
  let audits = policyAudits;
  const errors = listOf(rule, "verifyImages").flatMap((image, at) => {
    const action = stringAt(image, "failureAction").toLowerCase();
    if (action !== "") audits = action !== "enforce";
    return imageErrors(image, `spec.rules[${steps[2]}].verifyImages[${at}]`, audits);
  });
  const text = aggregateText(errors);
  if (text !== null) throw new Mistake(text, stepsOf(errors[0]?.field ?? "spec"));
}

function checkJsonPatch(rule: RuleTree, at: number, budget: Budget): void {
  const steps: Steps = ["spec", "rules", at, "mutate", "patchesJson6902"];
  const patch = stringAt(rule["mutate"], "patchesJson6902");
  if (patch === "") return;
  const read = operationsOf(withoutVariables(patch), budget);
  if ("error" in read) {
    const why = read.error.replace("failed to decode patches: ", "");
    throw new Mistake(`path must begin with a forward slash: spec.rules[${at}]: ${why}`, steps);
  }
  const wrong = read.find(({ path }) => !path.startsWith("/"));
  if (wrong !== undefined) {
    throw new Mistake(`path must begin with a forward slash: spec.rules[${at}]: ${wrong.path}`, steps);
  }
}

/** Variables are checked elsewhere, and any text may stand for one. */
function withoutVariables(text: string): string {
  return findVariables(text).reduce((value, found) => {
    const variable = found.startsWith("{{") ? found : found.slice(1);
    return value.replace(variable, "kyvernojsonpatchvariable");
  }, text);
}

function checkHasKinds(rule: RuleTree, steps: Steps): void {
  const match = rule["match"];
  const any = listOf(match, "any");
  const filters = any.length > 0 ? any : listOf(match, "all").length > 0 ? listOf(match, "all") : [match];
  if (filters.every((filter) => strings(valueAt(filter, "resources"), "kinds").length > 0)) return;
  const missing =
    "at least one element must be specified in a kind block, the kind attribute is mandatory when working with the resources element";
  throw new Mistake(isAboutMetadata(rule) ? missing : onlyMetadata, [...steps, "match"]);
}

// ── match, exclude and conditions

function checkResources(rule: RuleTree, lead: string, steps: Steps): void {
  const { match, exclude } = rule;
  const grouped = (block: Json): boolean => listOf(block, "any").length > 0 || listOf(block, "all").length > 0;
  if (grouped(exclude) && isFilled(valueAt(exclude, "resources"))) {
    throw new Mistake(`${lead}.exclude.: can't specify any/all together with exclude resources`, [...steps, "exclude"]);
  }
  if (grouped(match) && isFilled(valueAt(match, "resources"))) {
    throw new Mistake(`${lead}.match.: can't specify any/all together with match resources`, [...steps, "match"]);
  }
  const any = listOf(match, "any");
  const filters = any.length > 0 ? any : grouped(match) ? listOf(match, "all") : [match];
  if (filters.some((filter) => !isFilled(valueAt(filter, "resources")))) {
    throw new Mistake(`${lead}.match.resources.: match resources not specified`, [...steps, "match"]);
  }
  const validate = [...steps, "validate"];
  checkConditions(rule["preconditions"], `${lead}.validate.preconditions`, [...steps, "preconditions"]);
  const deny = valueAt(rule["validate"], "deny", "conditions");
  checkConditions(deny, `${lead}.validate.deny.conditions`, [...validate, "deny", "conditions"]);
  checkLoops(listOf(rule["validate"], "foreach"), () => `${lead}.validate.foreach`, [...validate, "foreach"]);
  checkLoops(listOf(rule["mutate"], "foreach"), () => `${lead}.mutate.foreach`, [...steps, "mutate", "foreach"]);
}

/** A text that is made only where something is wrong: Kyverno doubles it with every loop in a loop. */
type Shown = () => string;

function checkLoops(loops: readonly Json[], shown: Shown, steps: Steps): void {
  const inner = (): string => {
    const outer = shown();
    return `${outer}.${outer}`;
  };
  for (const [at, loop] of loops.entries()) {
    const here = [...steps, at];
    checkOperators(valueAt(loop, "preconditions"), () => `${shown()}.conditions`, [...here, "preconditions"]);
    const deny = [...here, "deny", "conditions"];
    checkOperators(valueAt(loop, "deny", "conditions"), () => `${shown()}.deny.conditions`, deny);
    checkLoops(listOf(loop, "foreach"), inner, [...here, "foreach"]);
  }
}

function checkConditions(tree: Json, shown: string, steps: Steps): void {
  for (const { condition, name, path } of conditionsIn(tree, steps)) {
    const [key, value] = [valueAt(condition, "key") ?? null, valueAt(condition, "value") ?? null];
    if (key === null || value === null || stringAt(condition, "operator") === "") {
      const text = "entered value of `key`, `value` or `operator` is missing or misspelled";
      throw new Mistake(`${shown}${name}.: ${text}`, path);
    }
    if (typeof key === "string" && key.replaceAll(" ", "") === "{{request.operation}}") {
      checkOperationValue(value, `${shown}${name}`, [...path, "value"]);
    }
  }
  checkOperators(tree, () => shown, steps);
}

function checkOperators(tree: Json, shown: Shown, steps: Steps): void {
  for (const { condition, name, path } of conditionsIn(tree, steps)) {
    if (known.has(stringAt(condition, "operator"))) continue;
    const valid = `[${operatorNames.map((one) => quote(one)).join(" ")}]`;
    // Kyverno says `any` for both lists.
    const at = `${shown()}${name.replace(".all[", ".any[")}`;
    throw new Mistake(`${at}.: entered value of \`operator\` is invalid. valid values: ${valid}`, [
      ...path,
      "operator",
    ]);
  }
}

const known: ReadonlySet<string> = new Set(operatorNames);

interface Listed {
  readonly condition: Json;
  readonly name: string;
  readonly path: Steps;
}

function conditionsIn(tree: Json, steps: Steps): readonly Listed[] {
  const listed = (list: readonly Json[], name: string, path: Steps): readonly Listed[] =>
    list.map((condition, at) => ({ condition, name: `${name}[${at}]`, path: [...path, at] }));
  if (Array.isArray(tree)) return listed(tree, "", steps);
  return ["any", "all"].flatMap((group) => listed(listOf(tree, group), `.${group}`, [...steps, group]));
}

const operations: ReadonlySet<string> = new Set(["CREATE", "UPDATE", "DELETE", "CONNECT"]);

function checkOperationValue(value: Json, shown: string, steps: Steps): void {
  const unknown = (text: string): string =>
    `unknown value '${text}' found under the 'value' field. Only the following values are allowed: [CREATE, UPDATE, DELETE, CONNECT]`;
  if (typeof value === "string") {
    if (/^\{\{.*\}\}$/s.test(value) || operations.has(value)) return;
    throw new Mistake(`${shown}.value: ${value}: ${unknown(value)}`, steps);
  }
  if (!Array.isArray(value)) {
    const kind = isObject(value) ? "map" : typeof value === "boolean" ? "bool" : "int64";
    const text = `'value' field found to be of the type ${kind}. The provided value/values are expected to be either in the form of a string or list`;
    throw new Mistake(`${shown}.value: ${text}`, steps);
  }
  for (const [at, one] of (value as readonly Json[]).entries()) {
    if (typeof one !== "string") {
      const text = `'value[${at}]' found to be of the type ${goType(one)}. The provided values are expected to be strings`;
      throw new Mistake(`${shown}.value[${at}]: ${text}`, [...steps, at]);
    }
    if (!operations.has(one)) throw new Mistake(`${shown}.value[${at}]: ${unknown(one)}`, [...steps, at]);
  }
}

function goType(value: Json): string {
  if (value === null) return "<nil>";
  if (Array.isArray(value)) return "[]interface {}";
  if (isObject(value)) return "map[string]interface {}";
  return typeof value === "boolean" ? "bool" : "int64";
}

// ── labels and annotations

/** Labels and annotations in a pattern or patch that are no strings. Kyverno: isLabelAndAnnotationsString. */
function hasOddLabels({ validate, mutate }: RuleTree): boolean {
  const loops = valueAt(validate, "foreach");
  const patterns = Array.isArray(loops)
    ? [
        listOf(validate, "foreach")
          .map((loop) => valueAt(loop, "pattern"))
          .find(isObject),
      ]
    : [valueAt(validate, "pattern"), ...listOf(validate, "anyPattern")];
  const merges = [valueAt(mutate, "patchStrategicMerge"), valueAt(listOf(mutate, "foreach")[0], "patchStrategicMerge")];
  return [...patterns, ...merges].some((tree) => isObject(tree) && isOdd(tree));
}

function isOdd(tree: RuleTree): boolean {
  const metadata = isObject(tree["metadata"]) ? tree["metadata"] : valueAt(tree, "spec", "template", "metadata");
  return ["labels", "annotations"].some((field) => {
    const map = valueAt(metadata, field);
    return isObject(map) && Object.values(map).some((value) => typeof value !== "string");
  });
}
