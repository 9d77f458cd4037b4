// What tests print: checks. Text for people names what failed, and all with --verbose; JSON, SARIF and JUnit have all.

import type { OutputFormat } from "./finding.ts";

export interface Check {
  readonly file: string;
  /** Of the row or case; "" for the whole file. */
  readonly name: string;
  readonly outcome: "pass" | "fail" | "skip";
  readonly message: string;
}

export function renderChecks(checks: readonly Check[], format: OutputFormat, verbose: boolean): string {
  switch (format) {
    case "text":
      return text(checks, verbose);
    case "json":
      return `${JSON.stringify({ checks, summary: summaryOf(checks) }, null, 2)}\n`;
    case "sarif":
      return `${JSON.stringify(sarif(checks), null, 2)}\n`;
    case "junit":
      return junit(checks);
  }
}

interface Summary {
  readonly files: number;
  readonly checks: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

function summaryOf(checks: readonly Check[]): Summary {
  const count = (outcome: Check["outcome"]): number => checks.filter((check) => check.outcome === outcome).length;
  return {
    files: new Set(checks.map(({ file }) => file)).size,
    checks: checks.length,
    passed: count("pass"),
    failed: count("fail"),
    skipped: count("skip"),
  };
}

const words = { pass: "ok", fail: "FAIL", skip: "skip" } as const;

function text(checks: readonly Check[], verbose: boolean): string {
  const lines = [...Map.groupBy(checks, ({ file }) => file)].flatMap(([file, own]) => {
    const failed = own.filter(({ outcome }) => outcome === "fail");
    const head = `${failed.length > 0 ? "FAIL" : "ok"}   ${file} (${own.length - failed.length} of ${own.length})`;
    return [head].concat((verbose ? own : failed).map(checkText));
  });
  const { files, checks: count, passed, failed, skipped } = summaryOf(checks);
  const total = `${count} checks in ${files} files: ${passed} passed, ${failed} failed, ${skipped} skipped`;
  return `${[...lines, total].join("\n")}\n`;
}

function checkText({ name, outcome, message }: Check): string {
  const shown = message.replaceAll("\n", "\n         ");
  return `  ${words[outcome].padEnd(4)} ${[name, shown].filter((part) => part !== "").join(": ")}`;
}

function sarif(checks: readonly Check[]): unknown {
  const failed = checks.filter(({ outcome }) => outcome === "fail");
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "portcullis", rules: [{ id: "test" }] } },
        results: failed.map(({ file, name, message }) => ({
          ruleId: "test",
          ruleIndex: 0,
          level: "error",
          message: { text: name === "" ? message : `${name}: ${message}` },
          locations: [{ physicalLocation: { artifactLocation: { uri: encodeURI(file) }, region: { startLine: 1 } } }],
        })),
      },
    ],
  };
}

function junit(checks: readonly Check[]): string {
  const suites = [...Map.groupBy(checks, ({ file }) => file)].map(([file, own]) => {
    const { failed, skipped } = summaryOf(own);
    const counts = `tests="${own.length}" failures="${failed}" skipped="${skipped}"`;
    return [`  <testsuite name="${xml(file)}" ${counts}>`, ...own.map(junitCase), "  </testsuite>"].join("\n");
  });
  return ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", ...suites, "</testsuites>", ""].join("\n");
}

function junitCase({ file, name, outcome, message }: Check): string {
  const head = `    <testcase classname="${xml(file)}" name="${xml(name === "" ? file : name)}">`;
  if (outcome === "fail") return `${head}<failure message="${xml(message)}"/></testcase>`;
  return outcome === "skip" ? `${head}<skipped/></testcase>` : `${head}</testcase>`;
}

/** Text for an XML attribute; control characters, which XML 1.0 does not allow, become U+FFFD. */
export function xml(value: string): string {
  return value
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("\n", "&#10;")
    .replaceAll(/\p{Cc}/gu, (control) => ("\t\n\r".includes(control) || control > "\u007E" ? control : "\uFFFD"));
}
