// The rows of tests as a table, JSON, YAML, Markdown or JUnit, as Kyverno prints them.
// Kyverno: cmd/cli/kubectl-kyverno/commands/test/output.go.

import { goJson } from "@portcullis/kube";
import type { Row } from "@portcullis/policy";
import { writeGoYaml } from "../output/goyaml-writer.ts";
import type { Paint } from "./paint.ts";
import { renderTable } from "./table.ts";

/** A table with a message column when results are detailed. */
export function rowsTable(rows: readonly Row[], detailed: boolean, paint: Paint): string {
  const heads = ["id", "policy", "rule", "resource", "result", "reason", ...(detailed ? ["message"] : [])];
  return renderTable(
    heads,
    rows.map((row, at) => [...cells(row, at, paint), ...(detailed ? [messageOf(row, paint)] : [])]),
    paint,
  );
}

function cells(row: Row, at: number, paint: Paint): readonly string[] {
  const { policy, rule, result, reason } = row;
  const paintResult = { Pass: paint.pass, Fail: paint.fail, Skip: paint.name }[result];
  const isWord = ["Excluded", "Not found", "Invalid Policy"].includes(reason);
  return [
    String(at + 1),
    policy.split("/").slice(0, 2).map(paint.name).join("/"),
    paint.name(rule),
    paintedResource(row.resource, paint),
    paintResult(result),
    isWord ? paint.warn(reason) : reason,
  ];
}

function paintedResource(resource: string, paint: Paint): string {
  const slash = resource.lastIndexOf("/");
  return `${paint.name(resource.slice(0, slash))}/${paint.name(resource.slice(slash + 1))}`;
}

function messageOf({ message, reason }: Row, paint: Paint): string {
  return message === reason && (reason === "Excluded" || reason === "Not found") ? paint.warn(message) : message;
}

/** The rows in one of Kyverno's formats. */
export function formatRows(rows: readonly Row[], format: string, detailed: boolean): string {
  if (format === "markdown") return markdown(rows, detailed);
  if (format === "junit") return junit(rows, detailed);
  const objects = rows.map((row, at) => ({
    ID: at + 1,
    ...(detailed ? { Message: row.message } : {}),
    POLICY: row.policy,
    REASON: row.reason,
    RESOURCE: row.resource,
    RESULT: row.result,
    RULE: row.rule,
  }));
  return format === "yaml" ? writeGoYaml(objects, "yaml.v3") : indentedJson(objects);
}

function indentedJson(objects: readonly Readonly<Record<string, string | number>>[]): string {
  if (objects.length === 0) return "[]";
  const texts = objects.map((object) => {
    const members = Object.entries(object).map(([key, value]) => `    ${goJson(key)}: ${goJson(value)}`);
    return `  {\n${members.join(",\n")}\n  }`;
  });
  return `[\n${texts.join(",\n")}\n]`;
}

function markdown(rows: readonly Row[], detailed: boolean): string {
  const heads = ["ID", "POLICY", "RULE", "RESOURCE", "RESULT", "REASON", ...(detailed ? ["MESSAGE"] : [])];
  const lines = rows.map((row, at) => {
    const texts = [String(at + 1), row.policy, row.rule, row.resource, row.result, row.reason];
    return `| ${texts.join(" | ")} |${detailed ? ` ${row.message} |` : ""}\n`;
  });
  return `| ${heads.join(" | ")} | \n|${"----|".repeat(heads.length)}\n${lines.join("")}`;
}

function junit(rows: readonly Row[], detailed: boolean): string {
  const failures = rows.filter(({ counts }) => counts === "fail").length;
  const suites = Map.groupBy(rows, ({ policy }) => policy);
  const texts = [...suites].map(([policy, own]) => {
    const failed = own.filter(({ counts }) => counts === "fail").length;
    const head = ` <testsuite name="${xml(policy)}" tests="${own.length}" failures="${failed}">\n`;
    return `${head}${own.map((row) => junitCase(row, detailed)).join("")} </testsuite>\n`;
  });
  const head = `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites tests="${rows.length}" failures="${failures}">\n`;
  return `${head}${texts.join("")}</testsuites>`;
}

/** Kyverno leaves the failure open when results are not detailed, and escapes nothing: no reader takes that. */
function junitCase({ policy, rule, resource, result, reason, message, counts }: Row, detailed: boolean): string {
  const head = `  <testcase classname="${xml(rule)}" name="${xml(resource)}">\n`;
  const lines = { Policy: policy, Rule: rule, Resource: resource };
  const shown = (fields: Readonly<Record<string, string>>): string =>
    Object.entries({ ...fields, ...(detailed ? { Message: message } : {}) })
      .map(([name, value]) => `    ${name}: ${value}\n`)
      .join("");
  if (counts === "fail") {
    const body = xml(shown({ ...lines, Result: result }));
    return `${head}   <failure message="${xml(reason)}">\n${body}   </failure>\n  </testcase>\n`;
  }
  const body = shown({ Reason: reason, ...lines }).replaceAll("]]>", "]]]]><![CDATA[>");
  return `${head}   <system-out><![CDATA[\n${body}   ]]></system-out>\n  </testcase>\n`;
}

function xml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
