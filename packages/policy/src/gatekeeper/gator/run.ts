// Running a suite. A test's template and constraint are loaded once for all its cases (gator loads them for each, with
// the same result); a case reviews one object against them with its own inventory. An AdmissionReview as the object is
// reviewed as the request that it holds. Errors have gator's texts, including the prefix that says at which step.
// Gatekeeper: pkg/gator/verify/{runner,assertion}.go, pkg/gator/reader.

import { gvkOf, gvkText, isObject, nameOf, namespaceOf, parseYaml } from "@portcullis/kube";
import { type Answer, Source, type World, hasError } from "@portcullis/lang";
import { quote } from "@portcullis/lang/go";
import { canonicalJson } from "../../engine/digest.ts";
import type { Outcome } from "../../engine/outcome.ts";
import { type PatchOperation, jsonPatch } from "../../engine/patch.ts";
import type { EvaluateOptions, PolicySet, PolicySource } from "../../engine/policyset.ts";
import type { EvaluationRequest, Json } from "../../engine/request.ts";
import { schemaPattern } from "../patterns.ts";
import { joinConstraint } from "../constraint/read.ts";
import { expansionGroup } from "../expansion/read.ts";
import { snapshotOf } from "../inventory.ts";
import { mutationGroup } from "../mutation/read.ts";
import { sortedResults } from "../respond.ts";
import { missingOldObject } from "../review.ts";
import { constraintGroup } from "../template/crd.ts";
import { templateGroup } from "../template/read.ts";
import { admissionRequest } from "./admission.ts";
import { type Expander, expanderOf } from "./expand.ts";
import { type Observer, createObserver } from "./observe.ts";
import { type GatorOptions, type Policies, loadPolicies, noCatalog, plainRequest } from "./policies.ts";
import type { Assertion, Filter, Suite, SuiteCase, SuiteTest } from "./suite.ts";
import { gatorWorld } from "./world.ts";

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
  /** How its policies were evaluated; null unless that was asked for. */
  readonly trace: string | null;
  /** What its policies printed, a line each. */
  readonly printed: string;
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
  const expansion = loadExpansion(test, folder, options);
  if (expansion !== null && "error" in expansion) return finished(expansion.error, []);
  const mutation = loadMutators(test, folder, options);
  if (mutation !== null && "error" in mutation) return finished(mutation.error, []);
  const context = { test, folder, policies: loaded.policies, expansion, mutation, options, observer: null };
  return finished(
    null,
    test.cases.map((one) => runCase(one, context)),
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
  const onlyMutates = test.mutators.length > 0 && test.template === "" && test.constraint === "";
  if (onlyMutates) return { policies: loadPolicies([], options) };
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

interface LoadedExpansion {
  readonly expander: Expander;
  readonly objects: readonly Json[];
}

/** Gatekeeper: pkg/gator/reader/read_resources.go ReadExpansions. */
function loadExpansion(
  { expansion }: SuiteTest,
  folder: string,
  options: VerifyOptions,
): LoadedExpansion | { readonly error: string } | null {
  if (expansion === "") return null;
  const path = joinPath(folder, expansion);
  const file = options.readFile(path);
  if ("error" in file) return { error: `reading ExpansionTemplate from ${quote(path)}: ${file.error}` };
  const read = objectsIn(file.text, path);
  if ("error" in read) return read;
  const isExpansion = (object: Json): boolean => {
    const { group, kind } = gvkOf(object);
    return group === expansionGroup && kind === "ExpansionTemplate";
  };
  if (read.objects.length === 0 || !read.objects.every(isExpansion))
    return { error: `not an Expansion Template: ${quote(path)}` };
  const expander = expanderOf(read.objects);
  return "error" in expander ? expander : { expander, objects: read.objects };
}

/** The mutators of a test, as a cluster would have them; null when it has none. */
function loadMutators(
  { mutators }: SuiteTest,
  folder: string,
  options: VerifyOptions,
): PolicySet | { readonly error: string } | null {
  if (mutators.length === 0) return null;
  const sources: PolicySource[] = [];
  for (const file of mutators) {
    const path = joinPath(folder, file);
    const read = readObjects(path, options);
    if ("error" in read) return read;
    for (const object of read.objects) {
      if (gvkOf(object).group !== mutationGroup) return { error: `not a mutator: ${quote(path)}` };
      sources.push({ object, file: path });
    }
  }
  const { set } = loadPolicies(sources, options, "cluster");
  for (const [key, diagnostics] of set.status) {
    const wrong = diagnostics.find(({ severity }) => severity === "error");
    if (wrong !== undefined) return { error: `${key.replace("//", "/")}: ${wrong.message}` };
  }
  return set;
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
  const tree = document?.value ?? {};
  if (document === undefined || !isObject(tree) || gvkOf(tree).kind === "") {
    return { error: `Object 'Kind' is missing in '${asGoWrites(tree)}'` };
  }
  const locate: PolicySource["locate"] = (place) => document.positionOf([...place]);
  return { object: tree, file: path, locate };
}

/** encoding/json: keys in order, and no signs of HTML. */
function asGoWrites(tree: Json): string {
  return canonicalJson(tree).replace(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
}

type Objects = { readonly objects: readonly Json[] } | { readonly error: string };

/** All documents of a file, cut at lines that begin with `---`; those of only comments are none. */
function readObjects(path: string, options: VerifyOptions): Objects {
  const read = options.readFile(path);
  if ("error" in read) return read;
  const found = objectsIn(read.text, path);
  if ("error" in found || found.objects.length > 0) return found;
  return { error: `missing objects: path ${quote(path)} defines no YAML objects` };
}

function objectsIn(text: string, path: string): Objects {
  const objects: Json[] = [];
  for (const part of text.split("\n---").map(withoutComments)) {
    if (part === "") continue;
    const parsed = parseOne(part, path);
    if ("error" in parsed) return { error: `reading ${quote(path)}: invalid yaml: ${parsed.error}` };
    objects.push(parsed.object);
  }
  return { objects };
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
  readonly expansion: LoadedExpansion | null;
  /** The test's mutators. */
  readonly mutation: PolicySet | null;
  readonly options: VerifyOptions;
  /** Of one case. */
  readonly observer: Observer | null;
}

function runCase(one: SuiteCase, context: CaseContext): CaseResult {
  const { test, options } = context;
  const { name } = one;
  if (one.skip || !options.filter.case(test.name, name)) {
    return { name, skipped: true, error: null, milliseconds: 0, trace: null, printed: "" };
  }
  const began = options.nowMs();
  const observer = observerOf(options);
  const error = caseError(one, { ...context, observer });
  const milliseconds = options.nowMs() - began;
  return {
    name,
    skipped: false,
    error,
    milliseconds,
    trace: observer?.trace() ?? null,
    printed: observer?.printed() ?? "",
  };
}

function observerOf({ trace = false, print = false, nowMs }: VerifyOptions): Observer | null {
  return trace || print ? createObserver({ stats: false, trace, print, nowMs }) : null;
}

/** Why the case fails; null when all assertions hold. */
function caseError(one: SuiteCase, context: CaseContext): string | null {
  if (one.object === "") return "invalid Case: must define object";
  if (one.expected !== "" && context.mutation === null) return "invalid Case: expected needs mutators in the test";
  if (one.assertions.length === 0 && one.expected === "") return "invalid Case: assertions must be non-empty";
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

function reviewCase(one: SuiteCase, context: CaseContext): Reviewed {
  const { folder, policies, options } = context;
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
    for (const item of found.objects) inventory.push(item);
  }
  const bare = requestOf(object);
  if ("error" in bare) return bare;
  const request = withNamespace(one, bare, context);
  if ("error" in request) return request;
  const mutated = mutateCase(one, request, inventory, context);
  if ("error" in mutated) return mutated;
  const isReview = gvkOf(object).kind === "AdmissionReview";
  const expanded = isReview ? { requests: [] } : expandCase(mutated.request, context);
  if ("error" in expanded) return expanded;
  const world = worldOf(inventory, options.world);
  const outcomes: Outcome[] = [];
  for (const asked of [mutated.request, ...expanded.requests]) {
    const phases = { phases: ["validate"] as const };
    const evaluate = (trace: EvaluateOptions["trace"]): ReturnType<PolicySet["evaluate"]> =>
      policies.set.evaluate(asked, world, options.budget(), trace === undefined ? phases : { ...phases, trace });
    const { observer } = context;
    const decision = observer === null ? evaluate(undefined) : observer.review(asked.implied?.by ?? null, evaluate);
    if ("needs" in decision) return { error: "a need stayed open although every need was answered" };
    outcomes.push(...decision.outcomes);
  }
  return { outcomes: sortedResults(outcomes) };
}

/** The request with the Namespace that the case gives. */
function withNamespace(
  one: SuiteCase,
  request: EvaluationRequest,
  { folder, options }: CaseContext,
): EvaluationRequest | { readonly error: string } {
  if (one.namespace === "") return request;
  const path = joinPath(folder, one.namespace);
  const read = readObjects(path, options);
  if ("error" in read) return read;
  const [namespaceObject] = read.objects;
  if (read.objects.length !== 1 || gvkOf(namespaceObject).kind !== "Namespace") {
    return { error: `namespace file must contain exactly one Namespace: ${quote(path)}` };
  }
  return { ...request, namespaceObject };
}

/** The requests about what the object will make. gator expands no AdmissionReview. */
function expandCase(
  { object }: EvaluationRequest,
  { expansion, options }: CaseContext,
): { readonly requests: readonly EvaluationRequest[] } | { readonly error: string } {
  if (expansion === null) return { requests: [] };
  const world = gatorWorld(expansion.objects, options.world);
  const evaluation = { world, budget: options.budget(), catalog: noCatalog, shared: new Map() };
  const expanded = expansion.expander.expand(object, evaluation);
  if ("error" in expanded) return { error: `expanding resource ${nameOf(object)}: ${expanded.error}` };
  return { requests: expanded.resultants.map(({ request }) => request) };
}

type MutatedCase = { readonly request: EvaluationRequest } | { readonly error: string };

/**
 * What the test's mutators make of the object when it is created, compared with what the case expects; that is then
 * reviewed. gator has nothing like it.
 */
function mutateCase(
  one: SuiteCase,
  request: EvaluationRequest,
  inventory: readonly Json[],
  { mutation, folder, options }: CaseContext,
): MutatedCase {
  if (mutation === null) return { request };
  const created = { ...request, operation: request.operation ?? "CREATE" };
  const world = gatorWorld(inventory, options.world);
  const decision = mutation.evaluate(created, world, options.budget(), { phases: ["mutate"] });
  if ("needs" in decision) return { error: "a need stayed open although every need was answered" };
  const failed = decision.outcomes.find(({ result }) => result === "error");
  if (failed !== undefined) return { error: failed.message };
  if (one.expected !== "") {
    const path = joinPath(folder, one.expected);
    const read = readObjects(path, options);
    if ("error" in read) return read;
    const different = jsonPatch(read.objects[0], decision.object);
    if (different.length > 0) return { error: `mutated object is not as in ${quote(path)}: ${patchText(different)}` };
  }
  return { request: { ...request, object: decision.object } };
}

function patchText(operations: readonly PatchOperation[]): string {
  return operations
    .map(({ op, path, value }) => (op === "remove" ? `${path} is missing` : `${path} is ${canonicalJson(value)}`))
    .join("; ");
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
