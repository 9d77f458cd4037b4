// Suite files of `gator verify`: tests that pair a template with a constraint, and cases that review one object each and
// make assertions about the violations. Only the kind decides what is a suite; unknown fields are ignored, as gator does.
// Gatekeeper: pkg/gator/verify/{suite,assertion,read_suites,filter}.go.

import { type JsonRecord, gvkOf, isObject } from "@portcullis/kube";
import { Decimal } from "@portcullis/lang";
import type { Json } from "../../engine/request.ts";
import { schemaPattern } from "../patterns.ts";

export interface Suite {
  readonly skip: boolean;
  readonly tests: readonly SuiteTest[];
}

export interface SuiteTest {
  readonly name: string;
  /** Paths are relative to the suite's file. */
  readonly template: string;
  readonly constraint: string;
  readonly expansion: string;
  /** Files with mutators, which gator's suites do not have: cases then say what an object becomes. */
  readonly mutators: readonly string[];
  /** The constraint must not fit the template's schema. */
  readonly invalid: boolean;
  readonly skip: boolean;
  readonly cases: readonly SuiteCase[];
}

export interface SuiteCase {
  readonly name: string;
  readonly object: string;
  readonly inventory: readonly string[];
  readonly assertions: readonly Assertion[];
  /** The file with what the test's mutators make of the object; empty: it is not looked at. */
  readonly expected: string;
  /** The file with the object's Namespace, which gator's suites cannot give; empty: nobody knows it. */
  readonly namespace: string;
  readonly skip: boolean;
}

export interface Assertion {
  /** A count, `yes` or `no`; `yes` when absent. */
  readonly violations: number | string;
  /** A regular expression (RE2) that a violation's message has to contain; null: all violations count. */
  readonly message: string | null;
}

/** The suite in a document, null when it is something else, or an error text. */
export function readSuite(document: Json): Suite | null | { readonly error: string } {
  const { group, kind } = gvkOf(document);
  if (group !== "test.gatekeeper.sh" || kind !== "Suite" || !isObject(document)) return null;
  try {
    const suite = { skip: flag(document, "skip"), tests: list(document, "tests").map(readTest) };
    return suite;
  } catch (error) {
    if (error instanceof SuiteError) return { error: `invalid yaml: json: cannot unmarshal ${error.message}` };
    throw error;
  }
}

class SuiteError extends Error {}

function readTest(test: JsonRecord): SuiteTest {
  return {
    name: text(test, "name"),
    template: text(test, "template"),
    constraint: text(test, "constraint"),
    expansion: text(test, "expansion"),
    mutators: texts(test, "mutators", "Test.mutators"),
    invalid: flag(test, "invalid"),
    skip: flag(test, "skip"),
    cases: list(test, "cases").map(readCase),
  };
}

function readCase(one: JsonRecord): SuiteCase {
  return {
    name: text(one, "name"),
    object: text(one, "object"),
    inventory: texts(one, "inventory", "Case.inventory"),
    assertions: list(one, "assertions").map(readAssertion),
    expected: text(one, "expected"),
    namespace: text(one, "namespace"),
    skip: flag(one, "skip"),
  };
}

function texts(record: JsonRecord, key: string, shown: string): readonly string[] {
  const value = record[key] ?? [];
  if (!Array.isArray(value) || value.some((path) => typeof path !== "string")) throw wrong(value, shown, "[]string");
  return value as readonly string[];
}

function readAssertion(assertion: JsonRecord): Assertion {
  const violations = assertion["violations"] ?? "yes";
  if (typeof violations !== "string" && !Number.isInteger(violations)) {
    throw wrong(violations, "Assertion.violations", typeof violations === "number" ? "int32" : "string");
  }
  const message = assertion["message"] ?? null;
  if (message !== null && typeof message !== "string") throw wrong(message, "Assertion.message", "string");
  return { violations: violations as number | string, message };
}

function text(record: JsonRecord, key: string): string {
  const value = record[key] ?? "";
  if (typeof value !== "string") throw wrong(value, key, "string");
  return value;
}

function flag(record: JsonRecord, key: string): boolean {
  const value = record[key] ?? false;
  if (typeof value !== "boolean") throw wrong(value, key, "bool");
  return value;
}

function list(record: JsonRecord, key: string): readonly JsonRecord[] {
  const value = record[key] ?? [];
  if (!Array.isArray(value)) throw wrong(value, key, "[]");
  return value.map((item: Json) => {
    if (item !== null && !isObject(item)) throw wrong(item, key, "struct");
    return item ?? {};
  });
}

function wrong(value: Json, field: string, type: string): SuiteError {
  const isNumber = typeof value === "number" || value instanceof Decimal;
  const got = isNumber ? "number" : Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
  return new SuiteError(`${got} into Go struct field ${field} of type ${type}`);
}

// ── which tests and cases run

export interface Filter {
  readonly test: (test: SuiteTest) => boolean;
  readonly case: (testName: string, caseName: string) => boolean;
}

/** `--run`: one pattern for a test's or a case's name, or `TEST//CASE` for both. The error is gator's. */
export function compileFilter(run: string): Filter | { readonly error: string } {
  if (run === "") return { test: () => true, case: () => true };
  const parts = run.split("//");
  if (parts.length > 2) return { error: 'invalid test filter: a filter may include at most one "//"' };
  const patterns: ((text: string) => boolean)[] = [];
  for (const part of parts) {
    const pattern = schemaPattern(part);
    if ("error" in pattern) return { error: `invalid test filter: ${pattern.error}` };
    patterns.push(pattern);
  }
  const [first, second] = patterns;
  if (first === undefined) return { error: "invalid test filter" };
  if (second !== undefined) {
    return { test: ({ name }) => first(name), case: (testName, caseName) => second(caseName) && first(testName) };
  }
  const either = (testName: string, caseName: string): boolean => first(caseName) || first(testName);
  return { test: ({ name, cases }) => first(name) || cases.some((one) => either(name, one.name)), case: either };
}
