// Suite files of `gator verify`: tests that pair a template with a constraint, and cases that review one object each and
// make assertions about the violations. Only the kind decides what is a suite; unknown fields are ignored, as gator does.
// Gatekeeper: pkg/gator/verify/{suite,assertion,read_suites,filter}.go.

import { gvkOf, isObject, member, stringAt } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import { flag, list, struct, text, texts, typeError } from "../gotype.ts";
import { schemaPattern } from "../patterns.ts";
import { listAt, stringsAt } from "../tree.ts";

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
  const wrong = typeError(document, suiteType);
  if (wrong !== null) return { error: `invalid yaml: ${wrong.text}` };
  return { skip: flagAt(document, "skip"), tests: listAt(document, "tests").map(readTest) };
}

const caseType = struct("verify.Case", {
  name: text,
  object: text,
  inventory: texts,
  assertions: list(struct("verify.Assertion", { violations: { is: "int32 or string", name: "int32" }, message: text })),
  expected: text,
  namespace: text,
  skip: flag,
});

const suiteType = struct("verify.Suite", {
  tests: list(
    struct("verify.Test", {
      name: text,
      template: text,
      constraint: text,
      expansion: text,
      mutators: texts,
      cases: { ...list(caseType), name: "[]*verify.Case" },
      invalid: flag,
      skip: flag,
    }),
  ),
  skip: flag,
});

function readTest(test: Json): SuiteTest {
  return {
    name: stringAt(test, "name"),
    template: stringAt(test, "template"),
    constraint: stringAt(test, "constraint"),
    expansion: stringAt(test, "expansion"),
    mutators: stringsAt(test, "mutators"),
    invalid: flagAt(test, "invalid"),
    skip: flagAt(test, "skip"),
    cases: listAt(test, "cases").map(readCase),
  };
}

function readCase(one: Json): SuiteCase {
  return {
    name: stringAt(one, "name"),
    object: stringAt(one, "object"),
    inventory: stringsAt(one, "inventory"),
    assertions: listAt(one, "assertions").map(readAssertion),
    expected: stringAt(one, "expected"),
    namespace: stringAt(one, "namespace"),
    skip: flagAt(one, "skip"),
  };
}

function readAssertion(assertion: Json): Assertion {
  const violations = member(assertion, "violations");
  const message = member(assertion, "message");
  return {
    violations: typeof violations === "string" || typeof violations === "number" ? violations : "yes",
    message: typeof message === "string" ? message : null,
  };
}

function flagAt(tree: Json, field: string): boolean {
  return member(tree, field) === true;
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
