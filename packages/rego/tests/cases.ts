// Cases of diagnostics: a file is one or more modules (`== name.rego` before each when there are several), a line
// `---`, and the diagnostics as `line:column code: message`, `-` where there is no place. A file called `x.v0.rego` is of
// version 0, `x.opa117.rego` is checked as OPA 1.17 does. The expectations were taken from `opa check`; where we differ, the file says so in a comment.
// `UPDATE=1` writes what we say now.

import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { suite, test } from "node:test";
import { type Diagnostic, Source } from "@portcullis/lang";
import { compileToChecked, type RegoText } from "../src/index.ts";

export function caseSuite(name: string, folder: URL): void {
  suite(name, () => {
    for (const file of readdirSync(folder).toSorted()) {
      test(file.replace(/\.rego$/, ""), () => runCase(new URL(file, folder)));
    }
  });
}

const separator = "\n---\n";

function runCase(file: URL): void {
  const text = readFileSync(file, "utf8");
  const at = text.indexOf(separator);
  const [policy, expected] = at === -1 ? [text, ""] : [text.slice(0, at + 1), text.slice(at + separator.length)];
  const version = file.pathname.endsWith(".v0.rego") ? "v0" : "v1";
  const opa = file.pathname.includes(".opa117.") ? "1.17" : "1.22";
  const { diagnostics } = compileToChecked({ modules: modulesOf(policy, version), print: true, opa });
  const found = diagnostics.map((one) => `${describe(one)}\n`).join("");
  if (process.env["UPDATE"] === undefined) assert.equal(found, expected);
  else writeFileSync(file, `${policy.slice(0, -1)}${separator}${found}`);
}

function modulesOf(policy: string, version: RegoText["version"]): readonly RegoText[] {
  const parts = policy.split(/^== (.*)\n/m);
  if (parts.length === 1) return [{ source: new Source("case.rego", policy), version }];
  const modules: RegoText[] = [];
  for (let at = 1; at < parts.length; at += 2) {
    modules.push({ source: new Source(parts[at] ?? "", parts[at + 1] ?? ""), version });
  }
  return modules;
}

function describe({ span, code, message }: Diagnostic): string {
  if (span === null) return `- ${code}: ${message}`;
  const { line, column } = span.source.position(span.start);
  return `${line}:${column} ${code}: ${message}`;
}
