// Findings as text for people, JSON for programs, SARIF for code scanning and JUnit for test reports. Text and JSON are
// written while findings are found, so that two hundred thousand of them need no memory; SARIF names all rules before the
// first result and JUnit counts first, so these two are written at the end.

import { xml } from "./check.ts";
import { type Finding, type OutputFormat, type Summary, findingLine, objectName } from "./finding.ts";

/** Prints findings in the order in which they are added. */
export interface Printer {
  add(finding: Finding): void;
  /** The last call. What policies do besides finding fault has a place in JSON only. */
  end(summary: Summary, done?: Done): void;
}

export function createPrinter(format: OutputFormat, write: (text: string) => void): Printer {
  switch (format) {
    case "text":
      return textPrinter(write);
    case "json":
      return jsonPrinter(write);
    case "sarif":
      return collecting((findings) => write(`${JSON.stringify(sarif(findings), null, 2)}\n`));
    case "junit":
      return collecting((findings, summary) => write(junit(findings, summary)));
  }
}

/** All at once. */
export function render(findings: readonly Finding[], summary: Summary, format: OutputFormat): string {
  return printed(createPrinterOf(format), findings, summary);
}

/** JSON with what else came of the run. */
export function renderJson(findings: readonly Finding[], summary: Summary, done: Done): string {
  return printed(createPrinterOf("json"), findings, summary, done);
}

/** What else came of a run, by its name: `effects` are what policies want to exist, `changes` what they make of objects. */
export type Done = Readonly<Record<string, readonly unknown[]>>;

type MakePrinter = (write: (text: string) => void) => Printer;

function createPrinterOf(format: OutputFormat): MakePrinter {
  return (write) => createPrinter(format, write);
}

function printed(make: MakePrinter, findings: readonly Finding[], summary: Summary, done: Done = {}): string {
  const parts: string[] = [];
  const printer = make((text) => parts.push(text));
  for (const finding of findings) printer.add(finding);
  printer.end(summary, done);
  return parts.join("");
}

function collecting(end: (findings: readonly Finding[], summary: Summary) => void): Printer {
  const findings: Finding[] = [];
  return { add: (finding) => void findings.push(finding), end: (summary) => end(findings, summary) };
}

function textPrinter(write: (text: string) => void): Printer {
  let count = 0;
  let errors = 0;
  return {
    add: (finding) => {
      count++;
      if (finding.level === "error") errors++;
      write(findingLine(finding));
    },
    end: ({ checked, policies }) => {
      const found = `${plural(count, "finding")} (${plural(errors, "error")})`;
      write(`${found} in ${plural(checked, "object")} against ${plural(policies, "policy", "policies")}\n`);
    },
  };
}

/** The text of `JSON.stringify({ findings, ...done, summary }, null, 2)`, piece by piece. */
function jsonPrinter(write: (text: string) => void): Printer {
  let isFirst = true;
  return {
    add: (finding) => {
      write(`${isFirst ? '{\n  "findings": [' : ","}\n    ${indented(finding, "    ")}`);
      isFirst = false;
    },
    end: (summary, done = {}) => {
      write(isFirst ? '{\n  "findings": []' : "\n  ]");
      for (const [name, list] of Object.entries(done)) write(`,\n  "${name}": ${indented(list, "  ")}`);
      write(`,\n  "summary": ${indented(summary, "  ")}\n}\n`);
    },
  };
}

function indented(value: unknown, indent: string): string {
  return JSON.stringify(value, null, 2).replaceAll("\n", `\n${indent}`);
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** SARIF 2.1.0: one rule per policy or lint, one result per finding. */
function sarif(findings: readonly Finding[]): unknown {
  const rules = [...new Set(findings.map((finding) => finding.rule))].toSorted();
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "portcullis", rules: rules.map((id) => ({ id })) } },
        results: findings.map(({ rule, level, message, object, place }) => ({
          ruleId: rule,
          ruleIndex: rules.indexOf(rule),
          level,
          message: { text: object === null ? message : `${objectName(object)}: ${message}` },
          locations:
            place === null
              ? []
              : [
                  {
                    physicalLocation: {
                      artifactLocation: { uri: encodeURI(place.file) },
                      region: { startLine: place.line, startColumn: place.column },
                    },
                  },
                ],
        })),
      },
    ],
  };
}

/** JUnit: a test case per finding, and one that passed when there is none, because an empty suite reads as "not run". */
function junit(findings: readonly Finding[], { checked }: Summary): string {
  const failures = findings.filter((finding) => finding.level === "error").length;
  const cases = findings.map(({ rule, level, message, object, place }) => {
    const name = object === null ? rule : objectName(object);
    const where = place === null ? "" : ` file="${xml(place.file)}" line="${place.line}"`;
    const head = `    <testcase classname="${xml(rule)}" name="${xml(name)}"${where}>`;
    const body =
      level === "error" ? `<failure message="${xml(message)}"/>` : `<system-out>${xml(message)}</system-out>`;
    return `${head}${body}</testcase>`;
  });
  const all =
    cases.length > 0 ? cases : [`    <testcase classname="portcullis" name="${checked} objects without a finding"/>`];
  return [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<testsuites>`,
    `  <testsuite name="portcullis" tests="${all.length}" failures="${failures}">`,
    ...all,
    `  </testsuite>`,
    `</testsuites>`,
    ``,
  ].join("\n");
}
