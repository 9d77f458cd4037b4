// Variables of a policy, checked before anything is evaluated: every query must parse, and begin with something that can
// be there: a built-in name, a context entry of the rule, or a function. Kyverno resolves the rule against a context that
// says yes to those names; here the rule's texts are walked with the same answers. In background mode nobody asks, so that
// nothing may look at the requester. Kyverno: pkg/validation/policy/{validate,background}.go.

import { byCodePoints, goJson, isObject, stringAt, valueAt } from "@portcullis/kube";
import type { Budget } from "@portcullis/lang";
import type { Json } from "../../engine/request.ts";
import type { RuleTree } from "../autogen/rules.ts";
import { failureOf } from "../failure.ts";
import { listOf } from "../match/filter.ts";
import { operationsOf } from "../mutate/json6902.ts";
import { matchesWildcard } from "../pattern/wildcard.ts";
import { jmesPathOf } from "../pointer.ts";
import { compileQuery } from "../query.ts";
import { pathBelow, resolveReferences } from "../references.ts";
import { findVariables, mayHoldVariables, replaceVariables } from "../template.ts";
import { Mistake, type Steps, explaining } from "./mistake.ts";

/** `rules` are all rules, autogen's included. Throws Mistake. */
export function checkVariables(policy: Json, rules: readonly RuleTree[], background: boolean, budget: Budget): void {
  if (background) {
    const lead =
      "only select variables are allowed in background mode. Set spec.background=false to disable background mode for this policy rule: ";
    try {
      refuseUsers(policy, rules);
    } catch (error) {
      if (error instanceof Mistake) throw new Mistake(`${lead}${error.message} `, error.path);
      throw error;
    }
  }
  explaining("policy contains invalid variables: ", () => {
    for (const [at, rule] of rules.entries()) {
      checkPatchPaths(rule, ["spec", "rules", at], budget);
      checkRule(rule, ["spec", "rules", at], background);
    }
  });
}

// ── who asks, in background mode

function refuseUsers(policy: Json, rules: readonly RuleTree[]): void {
  for (const [at, rule] of rules.entries()) {
    for (const field of ["match", "exclude"]) refuseUserFilters(rule[field], at, field);
  }
  const own = listOf(valueAt(policy, "spec"), "rules");
  if (own.some((rule) => Array.isArray(valueAt(rule, "mutate", "targets")))) return;
  visitTexts(policy, [], (text, path) => {
    if (path.includes("last-applied-configuration") || isComputed(path)) return;
    for (const variable of variablesIn(text)) {
      const shown = goJson(variable).slice(1, -1);
      if (forbidden.some((pattern) => pattern.test(shown))) throw new Mistake(`variable ${shown} is not allowed`, path);
    }
  });
}

/** `status.autogen.rules`, which an update brings along as they were. */
function isComputed([first, second]: Steps): boolean {
  return first === "status" && second === "autogen";
}

const forbidden = [
  "serviceAccountName",
  "serviceAccountNamespace",
  "request.userInfo",
  "request.roles",
  "request.clusterRoles",
].map((name) => new RegExp(`[^.]${name}\\b`));

function refuseUserFilters(block: Json, rule: number, field: string): void {
  refuseUserFilter(block, `spec/rules[${rule}]/${field}`, ["spec", "rules", rule, field]);
  for (const group of ["any", "all"]) {
    for (const [at, filter] of listOf(block, group).entries()) {
      refuseUserFilter(filter, `spec/rules[${rule}]/${field}/${group}[${at}]`, [
        "spec",
        "rules",
        rule,
        field,
        group,
        at,
      ]);
    }
  }
}

function refuseUserFilter(filter: Json, text: string, path: Steps): void {
  const found = ["roles", "clusterRoles", "subjects"].find((name) => listOf(filter, name).length > 0);
  if (found !== undefined) throw new Mistake(`invalid variable used at path: ${text}/${found}`, [...path, found]);
}

// ── what variables may ask for

/** A patch that cannot be read is refused later. Kyverno: jsonPatchPathHasVariables. */
function checkPatchPaths(rule: RuleTree, path: Steps, budget: Budget): void {
  const patch = stringAt(rule["mutate"], "patchesJson6902");
  if (!patch.includes("{{")) return;
  const operations = operationsOf(patch, budget);
  if ("error" in operations || operations.every((one) => findVariables(one.path).length === 0)) return;
  const text = `rule "${stringAt(rule, "name")}" should not have variables in patchesJSON6902 path section`;
  throw new Mistake(text, [...path, "mutate", "patchesJson6902"]);
}

function checkRule(rule: RuleTree, path: Steps, background: boolean): void {
  const name = stringAt(rule, "name");
  for (const field of ["exclude", "match"]) {
    const block = rule[field] ?? null;
    if (mayHoldVariables(block) && /\{\{[^{}]*\}\}/.test(goJson(block))) {
      throw new Mistake(`rule "${name}" should not have variables in ${field} section`, [...path, field]);
    }
  }
  const targets = listOf(rule["mutate"], "targets");
  checkTargets(rule, targets, path, background);
  const allowed = allowedFor(rule, background, targets.length > 0);
  const checked = { ...rule, ...withoutConditions(rule) };
  explaining(`variable substitution failed for rule ${name}: `, () => checkResolved(checked, path, allowed));
}

function checkResolved(rule: Json, path: Steps, allowed: Allowed): void {
  let resolved: Json;
  try {
    resolved = resolveReferences(rule);
  } catch (error) {
    throw new Mistake(failureOf(error).message, path);
  }
  checkTree(resolved, "", path, allowed);
}

/**
 * What chooses the targets is known before there is one: the rule's entries and preconditions, and the names of targets,
 * may not ask for `target`, nor for a target's own entries.
 */
function checkTargets(rule: RuleTree, targets: readonly Json[], path: Steps, background: boolean): void {
  const { context, preconditions } = rule;
  const chosen: Json[] = [];
  for (const [at, target] of targets.entries()) {
    chosen.push(Object.fromEntries(targetNames.map((field) => [field, valueAt(target, field)])));
    const choosing = { context, preconditions, mutate: { targets: chosen } };
    const allowed = allowedFor({ context }, background, false);
    explaining(`invalid variables defined at mutate.targets[${at}]: `, () => checkResolved(choosing, path, allowed));
  }
}

const targetNames = ["apiVersion", "kind", "namespace", "name", "uid"];

/** Conditions of attestations see what the attestation brings. */
function withoutConditions({ verifyImages }: RuleTree): RuleTree {
  if (!Array.isArray(verifyImages)) return {};
  const bare = (attestation: Json): Json => {
    if (!isObject(attestation)) return attestation;
    const { conditions: _conditions, ...rest } = attestation;
    return rest;
  };
  return {
    verifyImages: (verifyImages as readonly Json[]).map((image) =>
      isObject(image) && Array.isArray(image["attestations"])
        ? { ...image, attestations: listOf(image, "attestations").map(bare) }
        : image,
    ),
  };
}

interface Allowed {
  readonly pattern: RegExp;
  /** As Go writes the pattern. */
  readonly source: string;
  /** Wildcards. */
  readonly names: readonly string[];
}

const functionCall = String.raw`([a-z_0-9]+\()[^{}]`;
const account = "serviceAccountName|serviceAccountNamespace|";
const element = "element|elementIndex|@|images";

function allowedFor(rule: RuleTree, background: boolean, target: boolean): Allowed {
  const who = background ? "" : account;
  const source = target
    ? String.raw`request\.|${who}${element}|images\.|image\.|target\.|${functionCall}`
    : background
      ? String.raw`request\.|${element}|images\.|image\.|${functionCall}`
      : `request|${account}${element}|image|${functionCall}`;
  return { pattern: patternFor(source), source, names: entryNames(rule) };
}

/** One for each form of `source`. */
const compiledPatterns = new Map<string, RegExp>();

function patternFor(source: string): RegExp {
  // A name that is looked for begins where none is before: the same names, in linear time.
  const pattern =
    compiledPatterns.get(source) ?? new RegExp(source.replaceAll(functionCall, `(?<![a-z_0-9])${functionCall}`));
  compiledPatterns.set(source, pattern);
  return pattern;
}

function entryNames(rule: RuleTree): readonly string[] {
  const loops = [rule["validate"], rule["mutate"], rule["generate"]].flatMap((part) => listOf(part, "foreach"));
  const places: readonly Json[] = [rule, ...loops, ...listOf(rule["mutate"], "targets")];
  const images = listOf(rule, "verifyImages");
  const attestations = images.some((image) => isObject(valueAt(image, "validate")))
    ? images.flatMap((image) => listOf(image, "attestations")).map((one) => `${stringAt(one, "name")}*`)
    : [];
  const entries = places.flatMap((place) =>
    listOf(place, "context").flatMap((entry) => {
      const name = stringAt(entry, "name");
      if (!isObject(valueAt(entry, "configMap"))) return [`${name}*`];
      return [`${name}.data`, `${name}.metadata`, `${name}.data.*`, `${name}.metadata.*`];
    }),
  );
  return [...entries, ...attestations];
}

const nearlyAny = String.raw`([a-z_0-9]+)|(target\.|images\.|([a-z_0-9]+\()[^{}])`;

/** Throws Mistake for a variable in the conditions of a cleanup policy. Kyverno: cleanuppolicy.validateVariables. */
export function checkCleanupVariables(conditions: Json, steps: Steps): void {
  checkTree(conditions, "", steps, { pattern: patternFor(nearlyAny), source: nearlyAny, names: [] });
}

function checkTree(tree: Json, path: string, steps: Steps, allowed: Allowed): void {
  // Most of a policy holds no variable, and needs neither an order nor places.
  if (!mayHoldVariables(tree)) return;
  if (typeof tree === "string") return checkText(tree, path, steps, allowed);
  if (Array.isArray(tree)) {
    for (const [at, item] of (tree as readonly Json[]).entries())
      checkTree(item, `${path}/${at}`, [...steps, at], allowed);
  } else if (isObject(tree)) {
    for (const key of Object.keys(tree).toSorted(byCodePoints)) {
      checkText(key, path, steps, allowed);
      checkTree(tree[key], pathBelow(path, key), [...steps, key], allowed);
    }
  }
}

/** Every variable comes to null, which is the text `null` where it stands among others. */
function checkText(text: string, path: string, steps: Steps, allowed: Allowed): void {
  let value = text;
  for (let found = findVariables(value); found.length > 0; found = findVariables(value)) {
    let shallow = false;
    for (const one of found) {
      const variable = one.startsWith("{{") ? one : one.slice(1);
      const bare = variable.replaceAll("{{", "").replaceAll("}}", "").trim();
      shallow = bare.startsWith("-");
      checkVariable(shallow ? bare.slice(1).trim() : bare, path, steps, allowed);
      if (variable === value) return;
    }
    if (shallow) return;
    value = replaceVariables(value, "null");
  }
}

function checkVariable(written: string, path: string, steps: Steps, allowed: Allowed): void {
  const expression = written === "@" ? jmesPathOf(path, "request.object") : written;
  const failed = (why: string): Mistake =>
    new Mistake(`failed to resolve ${expression} at path ${path}: ${why}`, steps);
  if (expression === "") throw failed("invalid query (nil)");
  const { problem } = compileQuery(expression);
  if (problem !== null) throw failed(`invalid JMESPath query ${expression}: ${problem}`);
  const query = expression.replaceAll('"', "");
  if (allowed.pattern.test(query) || allowed.names.some((name) => matchesWildcard(name, query))) return;
  const patterns = `[${allowed.names.join(" ")}]`;
  throw new Mistake(`variable ${query} must match regex "${allowed.source}" or patterns ${patterns}`, steps);
}

// ── elements outside of a foreach

/** Throws Mistake for `{{ element }}` where no foreach gives one. Kyverno: ValidateElementInForEach. */
export function checkElements(rule: RuleTree, steps: Steps): void {
  visit(rule, "", steps, (text, path, at) => {
    for (const variable of variablesIn(text)) {
      const bare = variable.replaceAll("{{", "").replaceAll("}}", "").trim();
      const name = bare.startsWith("-") ? bare.slice(1).trim() : bare;
      if (name.startsWith("element") && !path.includes("/foreach/")) {
        throw new Mistake(`variable '${name}' present outside of foreach at path ${path}`, at);
      }
    }
  });
}

function variablesIn(text: string): readonly string[] {
  return findVariables(text).map((one) => (one.startsWith("{{") ? one : one.slice(1)));
}

type Visitor = (text: string, path: string, steps: Steps) => void;

/** Shows the texts that may hold variables to a visitor. */
function visit(tree: Json, path: string, steps: Steps, visitor: Visitor): void {
  if (!mayHoldVariables(tree)) return;
  if (typeof tree === "string") visitor(tree, path, steps);
  else if (Array.isArray(tree)) {
    for (const [at, item] of (tree as readonly Json[]).entries()) visit(item, `${path}/${at}`, [...steps, at], visitor);
  } else if (isObject(tree)) {
    for (const [key, value] of Object.entries(tree)) {
      visitor(key, path, steps);
      visit(value, pathBelow(path, key), [...steps, key], visitor);
    }
  }
}

function visitTexts(tree: Json, steps: Steps, visitor: (text: string, path: Steps) => void): void {
  visit(tree, "", steps, (text, _path, at) => visitor(text, at));
}
