// The rows of a test: each expected result is compared with what the policies said about each object that it names. The
// order is that of the test file and of the objects in it. What Kyverno lets pass although nothing was tested (a rule that
// does not exist, an object that does not match, a policy that is not valid) is marked, so that a strict caller can fail it.
// Kyverno: cmd/cli/kubectl-kyverno/commands/test/output.go printTestResult.

import { gvkOf, nameOf, namespaceOf, stringAt } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import type { RuleResult } from "../result.ts";
import { sameObject } from "./compare.ts";
import { patchedTarget } from "./effects.ts";
import { reportedResult } from "./outcome.ts";
import type { PolicyResponse } from "./run.ts";
import type { ExpectedResult, ResourceSpec } from "./testfile.ts";

export interface Row {
  readonly policy: string;
  readonly rule: string;
  /** `v1/Pod/default/web`; `/name` for a generated object. */
  readonly resource: string;
  readonly result: "Pass" | "Fail" | "Skip";
  readonly reason: string;
  readonly message: string;
  /** How the row counts. */
  readonly counts: "pass" | "fail" | "skip";
  /** It passes in Kyverno though it tests nothing: why. */
  readonly vacuous: string | null;
}

/** Responses by object, in the order of the objects. */
export type Responses = ReadonlyMap<string, ObjectResponses>;

export interface ObjectResponses {
  readonly object: Json;
  readonly responses: readonly PolicyResponse[];
}

export interface Answers {
  readonly trigger: Responses;
  /** By operation, for results that name one. */
  readonly byOperation: ReadonlyMap<string, Responses>;
  /** Of objects that `mutate existing` rules changed. */
  readonly targets: Responses;
  /** Names of policies that are not valid, and why. */
  readonly invalid: ReadonlyMap<string, string>;
}

export interface CheckOptions {
  /** What one of a response's rules generated. */
  readonly generated: (response: PolicyResponse, rule: RuleResult) => readonly Json[];
  /** The expected object of a file, or what is wrong. */
  readonly expected: (path: string, like: Json) => { readonly object: Json } | { readonly error: string };
  /** What differs, for people. */
  readonly difference: (expected: Json, actual: Json) => string;
}

/** The key of an object in Responses. */
export function objectKey(object: Json): string {
  return [stringAt(object, "apiVersion"), gvkOf(object).kind, namespaceOf(object), nameOf(object)].join(",");
}

export function checkResults(
  results: readonly ExpectedResult[],
  answers: Answers,
  options: CheckOptions,
): readonly Row[] {
  return results.flatMap((expected) => {
    const trigger =
      expected.operation === "" ? answers.trigger : (answers.byOperation.get(expected.operation) ?? new Map());
    const { keys, missing } = selectObjects(expected, answers.targets, trigger);
    const rows = keys.flatMap((key) => checkObject({ expected, key, trigger, answers, options }));
    return missing === null || rows.length === 0 ? rows : markVacuous(rows, missing);
  });
}

/** Which objects a result is about: all when it names none, and, as in Kyverno, when none has such a name. */
function selectObjects(
  { resources, resourceSpecs }: ExpectedResult,
  targets: Responses,
  trigger: Responses,
): { readonly keys: readonly string[]; readonly missing: string | null } {
  const all = [...targets.keys(), ...trigger.keys()];
  if (resources === null) return { keys: all, missing: null };
  const tests = [...resources.map(hasName), ...resourceSpecs.map(fitsSpec)];
  const found = tests.map((test) => all.filter(test));
  const absent = resources.filter((_, at) => found[at]?.length === 0);
  const missing = absent.length === 0 ? null : `no object is named ${absent.join(", ")}`;
  const keys = found.flat();
  return { keys: keys.length === 0 ? all : keys, missing };
}

function hasName(wanted: string): (key: string) => boolean {
  const parts = wanted.split("/");
  if (parts.length > 2 || wanted.includes(",")) return () => false;
  const end = `,${parts.join(",")}`;
  return (key) => key.endsWith(end);
}

function fitsSpec({ group, version, namespace, name }: ResourceSpec): (key: string) => boolean {
  const apiVersion = group === "" ? version : `${group}/${version}`;
  return (key) => {
    const parts = key.split(",");
    return parts[0] === apiVersion && parts.at(-2) === namespace && parts.at(-1) === name;
  };
}

function markVacuous(rows: readonly Row[], why: string): readonly Row[] {
  return rows.map((row) => (row.vacuous === null ? { ...row, vacuous: why } : row));
}

interface Checking {
  readonly expected: ExpectedResult;
  readonly key: string;
  readonly trigger: Responses;
  readonly answers: Answers;
  readonly options: CheckOptions;
}

function checkObject(checking: Checking): readonly Row[] {
  const { expected, key, trigger, answers } = checking;
  const rows: Row[] = [];
  let isSkipped = false;
  for (const response of trigger.get(key)?.responses ?? []) {
    if (response.policy.name !== lastPart(expected.policy)) continue;
    for (const rule of wantedRules(expected, response)) {
      const found = checkRule(checking, response, rule);
      if (found === null) isSkipped = true;
      else rows.push(...found);
    }
    if (rows.length === 0 && !isSkipped) rows.push(excluded(expected, key, response));
  }
  rows.push(...checkTarget(checking));
  if (rows.length > 0 || isSkipped) return rows;
  const invalid = answers.invalid.get(lastPart(expected.policy));
  return [invalid === undefined ? notFound(expected, key) : invalidPolicy(expected, key, invalid)];
}

function wantedRules({ rule }: ExpectedResult, { rules }: PolicyResponse): readonly RuleResult[] {
  if (rule === "") return rules;
  return rules.filter((one) => [rule, `autogen-${rule}`, `autogen-cronjob-${rule}`].includes(one.rule));
}

/** Null when the expected object is missing and the test does not insist on it. */
function checkRule(checking: Checking, response: PolicyResponse, rule: RuleResult): readonly Row[] | null {
  const { expected, key } = checking;
  if (rule.type !== "Generation") {
    const object = rule.type === "Mutation" ? response.patched : response.object;
    const verdict = compareAll(checking, { response, rule, object });
    if (!expected.failOnMissingResources && verdict.message.includes("not found in manifest")) return null;
    return [rowOf({ expected, rule: rule.rule, resource: shownResource(key), verdict })];
  }
  const generated = checking.options.generated(response, rule);
  if (generated.length === 0) {
    const verdict = compareResult(expected, response, rule);
    return [rowOf({ expected, rule: rule.rule, resource: shownResource(key), verdict })];
  }
  return generated.map((object) => {
    const verdict = compareAll(checking, { response, rule, object });
    return rowOf({ expected, rule: rule.rule, resource: `/${nameOf(object)}`, verdict });
  });
}

function checkTarget({ expected, key, answers, options, ...rest }: Checking): readonly Row[] {
  const target = answers.targets.get(key);
  if (target === undefined) return [];
  return target.responses.flatMap((response) => {
    const rule = response.rules.find((one) => patchedTarget(one, target.object) !== undefined);
    if (rule === undefined) return [];
    const object = patchedTarget(rule, target.object);
    const verdict = compareAll({ expected, key, answers, options, ...rest }, { response, rule, object });
    return [rowOf({ expected, rule: rule.rule, resource: shownResource(key), verdict })];
  });
}

// ── verdicts

interface Verdict {
  readonly passes: boolean;
  readonly message: string;
  readonly reason: string;
}

interface Compared {
  readonly response: PolicyResponse;
  readonly rule: RuleResult;
  readonly object: Json;
}

function compareAll({ expected, options }: Checking, { response, rule, object }: Compared): Verdict {
  const { patchedResources, generatedResource, generatedResources } = expected;
  if (patchedResources !== "") {
    const problem = compareObject([patchedResources], object, { what: "Patched", file: "PatchedResources" }, options);
    if (problem !== null) return problem;
  }
  if (generatedResource !== "" && generatedResources.length === 0) {
    const problem = compareObject(
      [generatedResource],
      object,
      { what: "Generated", file: "GeneratedResource" },
      options,
    );
    if (problem !== null) return problem;
  } else if (generatedResources.length > 0) {
    const problem = compareObject(generatedResources, object, { what: "Any", file: "GeneratedResources" }, options);
    if (problem !== null) return problem;
  }
  return compareResult(expected, response, rule);
}

const differs: Readonly<Record<"Patched" | "Generated" | "Any", string>> = {
  Patched: "Patched resource didn't match the patched resource in the test result",
  Generated: "Patched resource didn't match the generated resource in the test result",
  Any: "Generated resource didn't match any of the expected generated resources in the test result",
};

/** Null when the object is that of one of the files. */
function compareObject(
  paths: readonly string[],
  object: Json,
  { what, file }: { readonly what: "Patched" | "Generated" | "Any"; readonly file: string },
  { expected, difference }: CheckOptions,
): Verdict | null {
  let last: Verdict | null = null;
  for (const path of paths) {
    const found = expected(path, object);
    if ("error" in found) {
      const message = `error: failed to load ${file} resource (${found.error})`;
      // A difference says more than a file that has no such object.
      if (last?.reason !== "Resource diff") last = { passes: false, message, reason: "Resource error" };
    } else if (sameObject(object, found.object)) return null;
    else {
      const text = `${differs[what]}\n(only in expected, only in actual)\n\n${difference(found.object, object)}`;
      last = { passes: false, message: text, reason: "Resource diff" };
    }
  }
  return last;
}

function compareResult({ result: wanted }: ExpectedResult, response: PolicyResponse, rule: RuleResult): Verdict {
  const { result, message } = reportedResult(response, rule, false);
  if (result === wanted) return { passes: true, message, reason: "Ok" };
  return { passes: false, message, reason: `Want ${wanted}, got ${result}` };
}

// ── rows

interface RowParts {
  readonly expected: ExpectedResult;
  readonly rule: string;
  readonly resource: string;
  readonly verdict: Verdict;
}

function rowOf({ expected, rule, resource, verdict: { passes, message, reason } }: RowParts): Row {
  const counts = !passes ? "fail" : expected.result === "skip" ? "skip" : "pass";
  const result = passes ? "Pass" : "Fail";
  return { policy: expected.policy, rule, resource, result, reason, message, counts, vacuous: null };
}

/** No rule said anything: Kyverno takes that as a pass, whatever was expected. */
function excluded(expected: ExpectedResult, key: string, { policy, phase }: PolicyResponse): Row {
  const names = policy.rules.filter((one) => one.phase === phase).map(({ name }) => name);
  const { rule } = expected;
  const vacuous =
    rule === "" || names.includes(rule)
      ? `no rule matches the object, so that ${expected.result} was not tested`
      : `the policy has no rule ${JSON.stringify(rule)}; it has ${names.join(", ")}`;
  return { ...blank(expected, key), result: "Pass", reason: "Excluded", message: "Excluded", counts: "skip", vacuous };
}

function notFound(expected: ExpectedResult, key: string): Row {
  return { ...blank(expected, key), result: "Fail", reason: "Not found", message: "Not found", counts: "fail" };
}

function invalidPolicy(expected: ExpectedResult, key: string, why: string): Row {
  const vacuous = `the policy is not valid: ${why}`;
  return { ...blank(expected, key), result: "Skip", reason: "Invalid Policy", message: why, counts: "skip", vacuous };
}

function blank({ policy, rule }: ExpectedResult, key: string): Pick<Row, "policy" | "rule" | "resource" | "vacuous"> {
  return { policy, rule, resource: shownResource(key), vacuous: null };
}

function shownResource(key: string): string {
  return key.replaceAll(",", "/");
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
