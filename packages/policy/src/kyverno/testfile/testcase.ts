// Test files in folders, and one test from its file to its rows. A file may hold several tests; one that cannot be read is
// reported with its path. Kyverno: cmd/cli/kubectl-kyverno/test/load.go, commands/test/command.go.

import { apiVersionOf, gvkOf, nameOf, namespaceOf } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import { type CheckOptions, type Row, checkResults } from "./check.ts";
import { describeDifference } from "./compare.ts";
import { copies, generatedBy } from "./effects.ts";
import { type Files, type Unsupported } from "./load.ts";
import { readDocuments, readObjects } from "./objects.ts";
import { joinPaths, pathFrom } from "./path.ts";
import type { PolicyResponse } from "./run.ts";
import { type TestFile, readTestFile } from "./testfile.ts";
import { type TestOptions, runTest } from "./testrun.ts";

export interface TestCase {
  readonly path: string;
  readonly test: TestFile;
}

export interface LoadedTests {
  readonly tests: readonly TestCase[];
  readonly errors: readonly { readonly path: string; readonly error: string }[];
}

/** The tests below a folder, in the order of names. Throws an Error when the folder cannot be read. */
export function loadTests(folder: string, fileName: string, files: Files): LoadedTests {
  const entries = files.list(folder);
  if (entries === null) throw new Error(`open ${folder}: not a directory`);
  const tests: TestCase[] = [];
  const errors: { readonly path: string; readonly error: string }[] = [];
  for (const { name, isFolder } of entries) {
    const path = joinPaths(folder, name);
    if (isFolder) {
      const below = loadTests(path, fileName, files);
      tests.push(...below.tests);
      errors.push(...below.errors);
    } else if (name === fileName) {
      try {
        tests.push(...readTests(path, files));
      } catch (error) {
        errors.push({ path, error: error instanceof Error ? error.message : String(error) });
      }
    }
  }
  return { tests, errors };
}

/** The tests of a file. Throws an Error that says what is wrong. */
export function readTests(path: string, files: Files): readonly TestCase[] {
  const file = files.readFile(path);
  if ("error" in file) throw new Error(file.error);
  return readDocuments(path, file.text).map(({ value }) => ({ path, test: readTestFile(value) }));
}

/** Whether a test is written in the form that Kyverno refuses since 1.15. */
export function isDeprecated({ apiVersion, kind, name }: TestFile): boolean {
  return apiVersion === "" || kind === "" || name !== "";
}

export interface TestOutcome {
  readonly rows: readonly Row[];
  /** Policies of kinds that are not built: nothing was tested about them. */
  readonly unsupported: readonly Unsupported[];
}

/** Runs a test. Throws an Error with Kyverno's text when it cannot be run. */
export function runTestCase({ path, test }: TestCase, options: TestOptions): TestOutcome {
  const { answers, loaded, folder } = runTest(path, test, options);
  options.print("  Checking results ...");
  const read = reader(options.files);
  const rows = checkResults(test.results, answers, {
    generated: generation(test, (source) => read(pathFrom(folder, source))),
    expected: (file, like) => expectedObject(read(pathFrom(folder, file)), like),
    difference: describeDifference,
  });
  return { rows, unsupported: loaded.unsupported };
}

type ReadObjects = { readonly objects: readonly Json[] } | { readonly error: string };

/** Reads the objects of files, each file once: many rows are compared with one. */
function reader({ readFile }: Files): (path: string) => ReadObjects {
  const known = new Map<string, ReadObjects>();
  const read = (path: string): ReadObjects => {
    const file = readFile(path);
    if ("error" in file) return file;
    try {
      return { objects: readObjects(path, file.text).map(({ object }) => object) };
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) };
    }
  };
  return (path) => {
    const found = known.get(path) ?? read(path);
    known.set(path, found);
    return found;
  };
}

/**
 * What rules generate, each response once: copies are made of the files that the first result about a rule names.
 * Kyverno: cmd/cli/kubectl-kyverno/commands/test/test.go ruleToCloneSourceResource.
 */
function generation({ results }: TestFile, read: (path: string) => ReadObjects): CheckOptions["generated"] {
  const sourcesOf = ({ policy, rules }: PolicyResponse): readonly Json[] =>
    rules.filter(copies).flatMap(({ rule }) => {
      const about = results.find((one) => one.rule === rule && isAbout(one.policy, policy));
      const file = about === undefined || about.cloneSourceResource === "" ? null : read(about.cloneSourceResource);
      return file === null || "error" in file ? [] : file.objects;
    });
  const known = new Map<PolicyResponse, ReturnType<typeof generatedBy>>();
  return (response, rule) => {
    const found = known.get(response) ?? generatedBy(response.object, response.rules, sourcesOf(response));
    known.set(response, found);
    return found.get(rule) ?? [];
  };
}

function isAbout(named: string, { namespace, name }: PolicyResponse["policy"]): boolean {
  return named === (namespace === "" ? name : `${namespace}/${name}`);
}

function expectedObject(file: ReadObjects, like: Json): { readonly object: Json } | { readonly error: string } {
  if ("error" in file) return file;
  const key = identity(like);
  const object = file.objects.find((one) => identity(one) === key);
  return object === undefined ? { error: `resource with name ${nameOf(like)} not found in manifest` } : { object };
}

function identity(object: Json): string {
  const gvk = gvkOf(object);
  return JSON.stringify([apiVersionOf(gvk), gvk.kind, namespaceOf(object), nameOf(object)]);
}
