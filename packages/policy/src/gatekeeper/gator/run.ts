// Running a suite. A test's template and constraint are loaded once for all its cases (gator loads them for each, with
// the same result); a case reviews one object against them with its own inventory. An AdmissionReview as the object is
// reviewed as the request that it holds. Errors have gator's texts, including the prefix that says at which step.
// Gatekeeper: pkg/gator/verify/{runner,assertion}.go, pkg/gator/reader.

import { gvkOf, gvkText, isObject, nameOf, namespaceOf, parseYaml } from "@portcullis/kube";
import { type Answer, Source, type World, hasError } from "@portcullis/lang";
import { quote } from "@portcullis/lang/go";
import type { Outcome } from "../../engine/outcome.ts";
import type { PolicySource } from "../../engine/policyset.ts";
import type { EvaluationRequest, Json } from "../../engine/request.ts";
import { schemaPattern } from "../patterns.ts";
import { joinConstraint } from "../constraint/read.ts";
import { snapshotOf } from "../inventory.ts";
import { sortedResults } from "../respond.ts";
import { missingOldObject } from "../review.ts";
import { constraintGroup } from "../template/crd.ts";
import { templateGroup } from "../template/read.ts";
import { admissionRequest } from "./admission.ts";
import { type GatorOptions, type Policies, loadPolicies, plainRequest } from "./policies.ts";
import type { Assertion, Filter, Suite, SuiteCase, SuiteTest } from "./suite.ts";

export interface VerifyOptions extends GatorOptions {
  /** A file's text, or why it cannot be read. */
  readonly readFile: (path: string) => { readonly text: string } | { readonly error: string };
  readonly filter: Filter;
  /** Milliseconds of any clock; run times are shown. */
  readonly nowMs: () => number;
}

export interface SuiteResult {
  /** As the user named it. */
  readonly path: string;
  readonly skipped: boolean;
  readonly error: string | null;
  readonly milliseconds: number;
  readonly tests: readonly TestResult[];
}

export interface TestResult {
  readonly name: string;
  readonly skipped: boolean;
  readonly error: string | null;
  readonly milliseconds: number;
  readonly cases: readonly CaseResult[];
}

export interface CaseResult {
  readonly name: string;
  readonly skipped: boolean;
  readonly error: string | null;
  readonly milliseconds: number;
  /** What the case asks for and is not built yet: its error is a gap, not a wrong answer. */
  readonly unsupported: boolean;
}

export interface SuiteFile {
  /** From where relative paths in it start. */
  readonly file: string;
  /** For people. */
  readonly shown: string;
  readonly suite: Suite;
}

export function runSuite({ file, shown, suite }: SuiteFile, options: VerifyOptions): SuiteResult {
  const began = options.nowMs();
  const folder = file.includes("/") ? file.slice(0, file.lastIndexOf("/")) : ".";
  const tests = suite.skip ? [] : suite.tests.map((test) => runTest(test, folder, options));
  return { path: shown, skipped: suite.skip, error: null, milliseconds: options.nowMs() - began, tests };
}

export function isFailure(result: SuiteResult | TestResult | CaseResult): boolean {
  if (result.error !== null) return true;
  if ("tests" in result) return result.tests.some(isFailure);
  return "cases" in result && result.cases.some(isFailure);
}

function runTest(test: SuiteTest, folder: string, options: VerifyOptions): TestResult {
  const { name } = test;
  if (test.skip || !options.filter.test(test)) return { name, skipped: true, error: null, milliseconds: 0, cases: [] };
  const began = options.nowMs();
  const loaded = loadTest(test, folder, options);
  const finished = (error: string | null, cases: readonly CaseResult[]): TestResult => ({
    name,
    skipped: false,
    error,
    milliseconds: options.nowMs() - began,
    cases,
  });
  if (test.invalid) return finished(invalidError(loaded), []);
  if ("error" in loaded) return finished(loaded.error, []);
  return finished(
    null,
    test.cases.map((one) => runCase(one, { test, folder, policies: loaded.policies, options })),
  );
}

/** `invalid: true` wants an error about the schema, and nothing else. */
function invalidError(loaded: Loaded): string | null {
  if ("error" in loaded && loaded.schema) return null;
  const got = "error" in loaded ? loaded.error : "%!w(<nil>)";
  return `constraint should have failed schema validation: got error ${got} but want schema validation failed`;
}

// ── loading

type Loaded =
  | { readonly policies: Policies }
  /** `schema`: the constraint does not fit the template's schema. */
  | { readonly error: string; readonly schema: boolean };

function loadTest(test: SuiteTest, folder: string, options: VerifyOptions): Loaded {
  const failed = (error: string, schema = false): Loaded => ({ error, schema });
  if (test.template === "") return failed("invalid Suite: missing template");
  const template = readTemplateFile(joinPath(folder, test.template), options);
  if ("error" in template) return failed(template.error);
  const alone = loadPolicies([template], options);
  const [read] = alone.templates.values();
  if (read?.problem != null) {
    const place = read.undecodable ? `path ${quote(joinPath(folder, test.template))}: ` : "";
    return failed(`${place}adding template: ${read.problem}`);
  }
  if (test.constraint === "") return failed("invalid Suite: missing constraint");
  const constraint = readConstraintFile(joinPath(folder, test.constraint), options);
  if ("error" in constraint) return failed(constraint.error);
  const policies = alone.with(constraint);
  for (const source of policies.constraints.values()) {
    const joined = joinConstraint(source, policies.templateOf(source));
    if (joined.problem !== null) return failed(joined.problem.text, joined.problem.schema);
  }
  return { policies };
}

type FileObject = PolicySource | { readonly error: string };

function readTemplateFile(path: string, options: VerifyOptions): FileObject {
  const read = options.readFile(path);
  if ("error" in read) return { error: `reading ConstraintTemplate from ${quote(path)}: ${read.error}` };
  const parsed = parseOne(read.text, path);
  if ("error" in parsed)
    return { error: `adding template: parsing ConstraintTemplate YAML from ${quote(path)}: ${parsed.error}` };
  const { group, kind } = gvkOf(parsed.object);
  if (group !== templateGroup || kind !== "ConstraintTemplate")
    return { error: `path ${quote(path)}: not a ConstraintTemplate` };
  return parsed;
}

function readConstraintFile(path: string, options: VerifyOptions): FileObject {
  const read = options.readFile(path);
  if ("error" in read) return { error: `reading Constraint from ${quote(path)}: ${read.error}` };
  const parsed = parseOne(read.text, path);
  if ("error" in parsed) return { error: `adding constraint: parsing Constraint from ${quote(path)}: ${parsed.error}` };
  return gvkOf(parsed.object).group === constraintGroup ? parsed : { error: "not a Constraint" };
}

/** The first document of a file. */
function parseOne(text: string, path: string): FileObject {
  const { value, diagnostics } = parseYaml(new Source(path, text), { dialect: "yaml.v3" });
  const [document] = value;
  if (hasError(diagnostics)) return { error: `${diagnostics[0]?.message}` };
  if (document === undefined || !isObject(document.value)) return { error: "no object" };
  const locate: PolicySource["locate"] = (place) => document.positionOf([...place]);
  return { object: document.value, file: path, locate };
}

type Objects = { readonly objects: readonly Json[] } | { readonly error: string };

/** All documents of a file, cut at lines that begin with `---`; those of only comments are none. */
function readObjects(path: string, options: VerifyOptions): Objects {
  const read = options.readFile(path);
  if ("error" in read) return read;
  const objects: Json[] = [];
  for (const part of read.text.split("\n---").map(withoutComments)) {
    if (part === "") continue;
    const parsed = parseOne(part, path);
    if ("error" in parsed) return { error: `reading ${quote(path)}: invalid yaml: ${parsed.error}` };
    objects.push(parsed.object);
  }
  return objects.length === 0 ? { error: `missing objects: path ${quote(path)} defines no YAML objects` } : { objects };
}

function withoutComments(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.trim().startsWith("#"));
  return lines.map((line) => `${line}\n`).join("");
}

/** A path below a folder, without `.` and `..` where that is possible. */
function joinPath(folder: string, path: string): string {
  const parts: string[] = [];
  for (const part of `${folder}/${path}`.split("/")) {
    if (part === "..") {
      if (parts.length > 0 && parts.at(-1) !== "..") parts.pop();
      else if (!folder.startsWith("/")) parts.push(part);
    } else if (part !== "" && part !== ".") {
      parts.push(part);
    }
  }
  return (folder.startsWith("/") ? "/" : "") + parts.join("/");
}

// ── cases

interface CaseContext {
  readonly test: SuiteTest;
  readonly folder: string;
  readonly policies: Policies;
  readonly options: VerifyOptions;
}

function runCase(one: SuiteCase, context: CaseContext): CaseResult {
  const { test, options } = context;
  const { name } = one;
  if (one.skip || !options.filter.case(test.name, name)) {
    return { name, skipped: true, error: null, milliseconds: 0, unsupported: false };
  }
  const began = options.nowMs();
  const unsupported = test.expansion !== "";
  const error = unsupported ? "expansion is not supported yet" : caseError(one, context);
  return { name, skipped: false, error, milliseconds: options.nowMs() - began, unsupported };
}

/** Why the case fails; null when all assertions hold. */
function caseError(one: SuiteCase, context: CaseContext): string | null {
  if (one.object === "") return "invalid Case: must define object";
  if (one.assertions.length === 0) return "invalid Case: assertions must be non-empty";
  const reviewed = reviewCase(one, context);
  if ("error" in reviewed) return reviewed.error;
  const messages = reviewed.outcomes.map((outcome) => outcome.message);
  for (const assertion of one.assertions) {
    const error = assertionError(assertion, messages);
    if (error !== null) return error;
  }
  return null;
}

type Reviewed = { readonly outcomes: readonly Outcome[] } | { readonly error: string };

function reviewCase(one: SuiteCase, { folder, policies, options }: CaseContext): Reviewed {
  const path = joinPath(folder, one.object);
  const read = readObjects(path, options);
  if ("error" in read) return read;
  const { objects } = read;
  const [object] = objects;
  if (objects.length !== 1) {
    return { error: `object file must contain exactly one object: ${quote(path)} defines ${objects.length} objects` };
  }
  const inventory: Json[] = [];
  for (const file of one.inventory) {
    const found = readObjects(joinPath(folder, file), options);
    if ("error" in found) return found;
    const wrong = found.objects.flatMap((item) => inventoryError(item) ?? []);
    if (wrong[0] !== undefined) return { error: wrong[0] };
    inventory.push(...found.objects);
  }
  const request = requestOf(object);
  if ("error" in request) return request;
  const world = worldOf(inventory, options.world);
  const decision = policies.set.evaluate(request, world, options.budget(), { phases: ["validate"] });
  if ("needs" in decision) return { error: "a need stayed open although every need was answered" };
  return { outcomes: sortedResults(decision.outcomes) };
}

function inventoryError(object: Json): string | null {
  const gvk = gvkOf(object);
  const missing = gvk.version === "" ? "version" : gvk.kind === "" ? "kind" : null;
  if (missing === null) return null;
  const place = `${gvkText(gvk)} ${namespaceOf(object)}/${nameOf(object)}`;
  const cause = `admission.k8s.gatekeeper.sh: invalid request object: resource ${nameOf(object)} has no ${missing}\n`;
  return `unable to add object to data.inventory: ${place}: ${cause}`;
}

function requestOf(object: Json): EvaluationRequest | { readonly error: string } {
  const { group, kind } = gvkOf(object);
  if (kind !== "AdmissionReview" || group !== "admission.k8s.io") return plainRequest(object);
  const request = admissionRequest(object);
  if ("error" in request) return request;
  if (request.operation === "DELETE" && request.oldObject === null) {
    const target = "admission.k8s.gatekeeper.sh";
    return { error: `${target}: target.HandleReview failed for target ${quote(target)}: ${missingOldObject}\n` };
  }
  return request;
}

/** Namespaces are known only from the inventory. */
function worldOf(inventory: readonly Json[], base: Omit<World, "ask">): World {
  const snapshot = snapshotOf(inventory);
  const answers: World["ask"] = (needs) =>
    needs.map((need): Answer => snapshot.answer(need) ?? { error: `${need.kind} is not in the inventory` });
  return { ...base, ask: answers };
}

// ── assertions

function assertionError({ violations, message }: Assertion, messages: readonly string[]): string | null {
  let matches = (_text: string): boolean => true;
  if (message !== null && messages.length > 0) {
    const pattern = schemaPattern(message);
    if ("error" in pattern) return `message contains invalid regular expression: ${pattern.error}`;
    matches = pattern;
  }
  const error = countError(violations, messages.filter((text) => matches(text)).length, message);
  return error === null ? null : `${error}: got messages [${messages.join(" ")}]`;
}

const badCount = 'invalid yaml: assertion.violation, if set, must be a nonnegative integer, "yes", or "no"';

function countError(wanted: number | string, got: number, message: string | null): string | null {
  const containing = message === null ? "" : ` containing ${quote(message)}`;
  const unexpected = (want: string): string =>
    `unexpected number of violations: got ${got} violations${containing} but want ${want}`;
  if (typeof wanted === "number") {
    if (wanted < 0) return badCount;
    return wanted === got ? null : unexpected(`exactly ${wanted}`);
  }
  if (wanted === "yes") return got > 0 ? null : unexpected("at least 1");
  if (wanted === "no") return got === 0 ? null : unexpected("none");
  return badCount;
}
