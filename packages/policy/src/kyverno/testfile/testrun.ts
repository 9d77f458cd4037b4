// Running one test: everything that it names is loaded, every object goes through the policies once, and once more for each
// operation that a result names. Lines that Kyverno prints on the way go to `print`. What hinders the run is thrown as an
// Error with Kyverno's text. Kyverno: cmd/cli/kubectl-kyverno/commands/test/test.go runTest.

import { type Labels, gvkOf, labelsOf, nameOf, namespaceOf, stringAt } from "@portcullis/kube";
import type { Answer, Need } from "@portcullis/lang";
import { quote } from "@portcullis/lang/go";
import type { Evaluation, Json } from "../../engine/request.ts";
import { type Answers, type ObjectResponses, type Responses, objectKey } from "./check.ts";
import { type StandIn, answerFrom } from "./cluster.ts";
import { decode } from "../decode.ts";
import { patchedTarget } from "./effects.ts";
import { type Files, type LoadedPolicies, type Remark, loadPolicies } from "./load.ts";
import { loadObjects } from "./load-objects.ts";
import { mockedCalls, mockedEntries } from "./mocks.ts";
import { readDocuments, withoutDuplicates } from "./objects.ts";
import { folderOf, joinPaths, pathFrom } from "./path.ts";
import type { CliInput, CliUser, EvaluateCliPolicy, ReadCliPolicy } from "./port.ts";
import { type PolicyResponse, type RunOptions, runPolicies } from "./run.ts";
import { clusterResourceShape, userInfoShape, valuesShape } from "./shapes.ts";
import { type TestFile, listAt, stringsAt } from "./testfile.ts";
import { type Variables, readVariables } from "./values.ts";

export interface TestOptions {
  readonly files: Files;
  readonly read: ReadCliPolicy;
  readonly evaluate: EvaluateCliPolicy;
  /** What one policy may use, with the answers to its needs. */
  readonly evaluation: (answer: (need: Need) => Answer) => () => Evaluation;
  readonly print: (text: string) => void;
  readonly warningsAsErrors: boolean;
}

export interface TestRun {
  readonly answers: Answers;
  readonly loaded: LoadedPolicies;
  readonly folder: string;
}

/** Runs the test of a file. */
export function runTest(path: string, test: TestFile, options: TestOptions): TestRun {
  const { files, read, print } = options;
  const folder = folderOf(path);
  const full = (paths: readonly string[]): readonly string[] => paths.map((one) => pathFrom(folder, one));
  print(`Loading test  ( ${path} ) ...`);
  print("  Loading values/variables ...");
  const variables = loadVariables(test, folder, options);
  const user = test.userInfo === "" ? null : loadUser(test.userInfo, folder, options);
  print("  Loading policies ...");
  const loaded = prefixed("error: failed to load policies", () => loadPolicies(full(test.policies), files, read));
  for (const { path: where, text } of loaded.errors) print(`  ERROR: ${where}: ${text}`);
  printWarnings(loaded.warnings, options);
  print("  Loading resources ...");
  const objects = load("resources", full(test.resources), options);
  const { unique, duplicates } = withoutDuplicates(objects);
  for (const one of duplicates) {
    print(`  warning: found duplicated resource ${gvkOf(one).kind} ${nameOf(one)} ${namespaceOf(one)}`);
  }
  const targets = load("target resources", full(test.targetResources), options);
  const params = load("parameter resources", full(test.paramResources), options);
  const cluster = test.clusterResources.length === 0 ? null : loadCluster(test, folder, options);
  print("  Loading exceptions ...");
  const exceptions = loadExceptions(full(test.exceptions), options);
  const standIn = standInFor(test, [...unique, ...targets, ...params, ...(cluster ?? [])], { folder, options });
  printApplying(loaded, { objects: unique.length, exceptions: exceptions.length }, print);
  const run: RunOptions = {
    evaluate: options.evaluate,
    policies: loaded.policies,
    variables,
    operation: "",
    user,
    exceptions,
    available: availableIn(standIn, cluster !== null),
    clusterLabels: cluster === null ? null : (name) => namespaceLabels(standIn.objects, name),
    evaluation: options.evaluation(answerFrom(standIn)),
  };
  return { answers: answersOf(unique, targets, test, run), loaded, folder };
}

function printApplying(
  { policies, unsupported }: LoadedPolicies,
  counts: { readonly objects: number; readonly exceptions: number },
  print: (text: string) => void,
): void {
  const count = (number: number, one: string, many = `${one}s`): string => `${number} ${number === 1 ? one : many}`;
  const applied = count(policies.length + unsupported.length, "policy", "policies");
  print(
    `  Applying ${applied} to ${count(counts.objects, "resource")} with ${count(counts.exceptions, "exception")} ...`,
  );
}

// ── answers

function answersOf(objects: readonly Json[], targets: readonly Json[], test: TestFile, run: RunOptions): Answers {
  checkOperation(run.variables.globalOperation, "request.operation value", ["CREATE", "UPDATE", "DELETE", "CONNECT"]);
  const operations = new Set<string>();
  for (const { operation, policy, isDeletingPolicy } of test.results) {
    prefixedWith(`invalid test result for policy ${policy}`, () =>
      checkOperation(operation, "operation", ["CREATE", "UPDATE", "DELETE"]),
    );
    if (operation === "") continue;
    if (isDeletingPolicy) {
      throw new Error(`invalid test result for policy ${policy}: operation is not supported for deleting policies`);
    }
    operations.add(operation);
  }
  const byOperation = [...operations]
    .toSorted()
    .map((operation): readonly [string, Responses] => [operation, respond(objects, { ...run, operation })]);
  const trigger = respond(objects, run);
  const all = [trigger, ...byOperation.map(([, responses]) => responses)];
  const responses = all.flatMap((one) => [...one.values()].flatMap((each) => each.responses));
  const invalid = run.policies.flatMap(({ name, problem }) => (problem === null ? [] : [[name, problem] as const]));
  return {
    trigger,
    byOperation: new Map(byOperation),
    targets: new Map(targets.flatMap((object) => changedBy(object, responses))),
    invalid: new Map(invalid),
  };
}

/** An object that exists already, if a rule changed it. */
function changedBy(object: Json, all: readonly PolicyResponse[]): readonly (readonly [string, ObjectResponses])[] {
  const responses = all.filter(({ rules }) => rules.some((rule) => patchedTarget(rule, object) !== undefined));
  return responses.length === 0 ? [] : [[objectKey(object), { object, responses }]];
}

function respond(objects: readonly Json[], run: RunOptions): Responses {
  return new Map(
    objects.map((object): readonly [string, ObjectResponses] => [
      objectKey(object),
      {
        object,
        responses: prefixed(`failed to apply policies on resource ${nameOf(object)}`, () => runPolicies(object, run)),
      },
    ]),
  );
}

function checkOperation(operation: string, what: string, known: readonly string[]): void {
  if (operation === "" || known.includes(operation)) return;
  throw new Error(`invalid ${what} ${quote(operation)}, must be one of ${known.join(", ")}`);
}

// ── loading

function loadVariables({ variables, values }: TestFile, folder: string, { files, print }: TestOptions): Variables {
  if (values !== null || variables === "") return readVariables(values);
  return prefixed("failed to decode yaml", () => readVariables(loadValues(joinPaths(folder, variables), files, print)));
}

/** A Values file, decoded. Throws an Error with Kyverno's text. */
export function loadValues(path: string, files: Files, print: (text: string) => void): Json {
  const values = prefixed(`unable to load variable file: ${path}`, () =>
    decode(firstDocument(path, files), valuesShape),
  );
  if (isDeprecated(values)) {
    print(`\nWARNING: values file (${path}) uses a deprecated schema that will be removed in 1.15`);
    throw new Error(`values file ${path} uses a deprecated schema — please migrate to the latest format`);
  }
  return values;
}

function loadUser(path: string, folder: string, { files, print }: TestOptions): CliUser {
  print("  Loading user infos ...");
  const info = prefixed("error: failed to load request info", () => readUser(joinPaths(folder, path), files));
  if (!info.isDeprecated) return info.user;
  print(`\nWARNING: user infos file (${path}) uses a deprecated schema that will be removed in 1.15`);
  throw new Error(`userInfo file ${path} uses a deprecated schema — please migrate to the latest format`);
}

/** Who asks, from a UserInfo file. Throws an Error with Kyverno's text. */
export function readUser(path: string, files: Files): { readonly user: CliUser; readonly isDeprecated: boolean } {
  const text = prefixed("unable to read yaml", () => prefixed("unable to read yaml", () => textOf(path, files)));
  const info = prefixed("failed to decode yaml", () => decode(firstOf(path, text), userInfoShape));
  const userInfo = {
    username: stringAt(info, "userInfo", "username"),
    uid: stringAt(info, "userInfo", "uid"),
    groups: stringsAt(info, "userInfo", "groups"),
    extra: (info as { readonly userInfo?: { readonly extra?: Json } }).userInfo?.extra ?? null,
  };
  const user = { userInfo, roles: stringsAt(info, "roles"), clusterRoles: stringsAt(info, "clusterRoles") };
  return { user, isDeprecated: isDeprecated(info) };
}

function isDeprecated(document: Json): boolean {
  return stringAt(document, "apiVersion") === "" || stringAt(document, "kind") === "";
}

function firstDocument(path: string, files: Files): Json {
  return firstOf(path, textOf(path, files));
}

function firstOf(path: string, text: string): Json {
  return readDocuments(path, text)[0]?.value ?? null;
}

function textOf(path: string, files: Files): string {
  const file = files.readFile(path);
  if ("error" in file) throw new Error(file.error);
  return file.text;
}

function load(what: string, paths: readonly string[], { files, print }: TestOptions): readonly Json[] {
  const { objects, remarks } = prefixed(`error: failed to load ${what}`, () => loadObjects(paths, files));
  for (const remark of remarks) print(remark.replace(/\n$/, ""));
  return objects;
}

/** The objects of a cluster that a test describes, with its CustomResourceDefinitions. */
function loadCluster(test: TestFile, folder: string, { files, print }: TestOptions): readonly Json[] {
  print("Loading Kubernetes resources ...");
  return test.clusterResources.flatMap((path) => {
    const spec = prefixedWith("error: failed to load Kubernetes resources", () =>
      decode(firstDocument(pathFrom(folder, path), files), clusterResourceShape),
    );
    const definitions = stringsAt(spec, "spec", "crds").map((crd) => {
      const full = pathFrom(folder, crd);
      return prefixedWith(`error: failed to load CRDs from path ${full}`, () => firstDocument(full, files));
    });
    return [...definitions, ...listAt(spec, "spec", "resources")];
  });
}

function loadExceptions(paths: readonly string[], options: TestOptions): readonly Json[] {
  const { exceptions, warnings } = prefixed("error: failed to load exceptions", () =>
    readExceptions(paths, options.files),
  );
  printWarnings(warnings, options);
  return exceptions;
}

/** The exceptions in files. Throws an Error with Kyverno's text. */
export function readExceptions(
  paths: readonly string[],
  files: Files,
): { readonly exceptions: readonly Json[]; readonly warnings: readonly Remark[] } {
  const none: ReadCliPolicy = () => ({ policy: null, diagnostics: [] });
  for (const path of paths) prefixed("unable to read yaml", () => textOf(path, files));
  const { exceptions, warnings } = loadPolicies(paths, files, none);
  return { exceptions, warnings };
}

function printWarnings(warnings: readonly Remark[], { print, warningsAsErrors }: TestOptions): void {
  for (const { path, text } of warnings) print(`  Warning: ${path}: ${text}`);
  if (warningsAsErrors && warnings.length > 0) {
    throw new Error(`found ${warnings.length} deprecation warning(s) and --warnings-as-errors is set`);
  }
}

// ── the cluster

function standInFor(
  test: TestFile,
  objects: readonly Json[],
  { folder, options }: { readonly folder: string; readonly options: TestOptions },
): StandIn {
  const context = options.evaluation(() => ({ error: "there is nothing to ask yet" }))();
  const entries = mockedEntries(test.globalContextEntries, { folder, readFile: options.files.readFile, context });
  return { objects, calls: mockedCalls(test.apiCallResponses), entries };
}

function availableIn({ calls, entries }: StandIn, isCluster: boolean): CliInput["available"] {
  const found = new Set<"configMap" | "apiCall" | "globalReference">();
  if (isCluster) found.add("configMap");
  if (isCluster || calls.size > 0) found.add("apiCall");
  if (entries.size > 0) found.add("globalReference");
  return found;
}

function namespaceLabels(objects: readonly Json[], name: string): Labels {
  const found = objects.find((object) => {
    const { group, version, kind } = gvkOf(object);
    return group === "" && version === "v1" && kind === "Namespace" && nameOf(object) === name;
  });
  if (found !== undefined) return labelsOf(found);
  throw new Error(`failed to get the resource's namespace (namespaces ${quote(name)} not found)`);
}

// ── errors

/** `prefix (cause)`, as most of Kyverno's command line wraps errors. */
export function prefixed<Result>(prefix: string, run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    throw new Error(`${prefix} (${messageOf(error)})`, { cause: error });
  }
}

function prefixedWith<Result>(prefix: string, run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    throw new Error(`${prefix}: ${messageOf(error)}`, { cause: error });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
