// What `gator verify` prints: like `go test`, quiet about what passed unless it is asked to be verbose.
// Gatekeeper: pkg/gator/verify/printer_go.go.

import { type CaseResult, type SuiteResult, type TestResult, isFailure } from "./run.ts";

export function suitesText(suites: readonly SuiteResult[], verbose: boolean): string {
  const lines = suites.flatMap((suite) => suiteLines(suite, verbose));
  return [...lines, suites.some(isFailure) ? "FAIL" : "PASS", ""].join("\n");
}

function suiteLines(suite: SuiteResult, verbose: boolean): readonly string[] {
  const tests = suite.tests.flatMap((test) => testLines(test, verbose));
  const state = isFailure(suite) ? "FAIL" : "ok";
  const lines = [...tests, `${state}\t${suite.path}\t${seconds(suite.milliseconds)}`];
  return suite.error === null ? lines : [...lines, `  ${suite.error}`];
}

function testLines(test: TestResult, verbose: boolean): readonly string[] {
  if (verbose && test.skipped) return [`=== SKIP  ${test.name}`];
  const lines = verbose ? [`=== RUN   ${test.name}`] : [];
  lines.push(...test.cases.flatMap((one) => caseLines(one, verbose)));
  const ran = `${test.name}\t(${seconds(test.milliseconds)})`;
  if (isFailure(test)) {
    lines.push(`--- FAIL: ${ran}`);
    if (test.error !== null) lines.push(`  ${test.error}`);
  } else if (verbose) {
    lines.push(`--- PASS: ${ran}`);
  }
  return lines;
}

function caseLines(one: CaseResult, verbose: boolean): readonly string[] {
  if (verbose && one.skipped) return [`    === SKIP  ${one.name}`];
  const lines = verbose ? [`    === RUN   ${one.name}`, ...printedLines(one)] : [];
  const ran = `${one.name}\t(${seconds(one.milliseconds)})`;
  if (one.error !== null) lines.push(`    --- FAIL: ${ran}`, `        ${one.error}`);
  else if (verbose) lines.push(`    --- PASS: ${ran}`);
  if (one.trace !== null) lines.push(...traceLines(one.name, one.trace, verbose ? "    --- " : ""));
  return lines;
}

function printedLines({ printed }: CaseResult): readonly string[] {
  if (printed === "") return [];
  const lines = printed.replace(/\n$/, "").split("\n");
  return ["        === PRINT ===", ...lines.map((line) => `        ${line}`)];
}

function traceLines(name: string, trace: string, prefix: string): readonly string[] {
  const text = `Target: admission.k8s.gatekeeper.sh\nTrace:\n${trace}`;
  return `${prefix}TRACE: ${name}\t${text.replaceAll("\n", `\n${prefix}`)}`.split("\n");
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(3)}s`;
}
