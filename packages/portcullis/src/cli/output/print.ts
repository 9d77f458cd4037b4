// Findings as text for people, JSON for programs, SARIF for code scanning and JUnit for test reports.

import { xml } from "./check.ts";
import { type Finding, type OutputFormat, type Summary, objectName } from "./finding.ts";

export function render(findings: readonly Finding[], summary: Summary, format: OutputFormat): string {
  return renderers[format](findings, summary);
}

const renderers: Readonly<Record<OutputFormat, (findings: readonly Finding[], summary: Summary) => string>> = {
  text: renderText,
  json: (findings, summary) => renderJson(findings, summary),
  sarif: (findings) => `${JSON.stringify(sarif(findings), null, 2)}\n`,
  junit,
};

/** JSON with what policies want to exist, where a command asks for it. */
export function renderJson(findings: readonly Finding[], summary: Summary, effects?: readonly unknown[]): string {
  return `${JSON.stringify({ findings, ...(effects === undefined ? {} : { effects }), summary }, null, 2)}\n`;
}

function renderText(findings: readonly Finding[], { checked, policies }: Summary): string {
  const lines = findings.map(({ rule, action, message, object, place, level }) => {
    const where = place === null ? "" : `${place.file}:${place.line}:${place.column}: `;
    const what = object === null ? "" : `${objectName(object)}: `;
    return `${where}${action ?? level}: ${what}[${rule}] ${message}`;
  });
  const errors = findings.filter((finding) => finding.level === "error").length;
  const counted = `${plural(findings.length, "finding")} (${plural(errors, "error")}) in ${plural(checked, "object")} against ${plural(policies, "policy", "policies")}`;
  return `${[...lines, counted].join("\n")}\n`;
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
  const cases = findings.map(({ rule, level, message, object }) => {
    const name = object === null ? rule : objectName(object);
    const head = `    <testcase classname="${xml(rule)}" name="${xml(name)}">`;
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
