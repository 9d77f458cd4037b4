// Policies and objects whose answer was taken from gator 3.23.1: `gator test` over each text. A case file has sections
// `=== name`, a YAML text, `>>>`, and what is expected: an error, or a line for each row. A section whose name begins
// with @ is a text that others include by a line with its name. Rows of the policy objects themselves are left out.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gvkOf, nameOf, namespaceOf } from "@portcullis/kube";
import { canonicalJson } from "../../src/engine/digest.ts";
import { type GatorRow, gatorTest } from "../../src/gatekeeper/gator/test.ts";
import { gatorOptions, objectsIn } from "./load.ts";

const folder = join(import.meta.dirname, "cases");

for (const file of readdirSync(folder).toSorted()) {
  const shared = new Map<string, string>();
  for (const [name, text, expected] of sections(readFileSync(join(folder, file), "utf8"))) {
    if (name.startsWith("@")) shared.set(name, text);
    else {
      test(`${file}: ${name}`, () => {
        const full = text
          .split("\n")
          .map((written) => shared.get(written) ?? written)
          .join("\n");
        assert.equal(answer(full), expected);
      });
    }
  }
}

function sections(text: string): readonly (readonly [name: string, text: string, expected: string])[] {
  return `\n${text}`
    .split("\n=== ")
    .slice(1)
    .map((section) => {
      const end = section.indexOf("\n");
      const [body = "", expected = ""] = section.slice(end + 1).split("\n>>>\n");
      return [section.slice(0, end), body.trimEnd(), expected.trimEnd()] as const;
    });
}

function answer(text: string): string {
  const result = gatorTest(objectsIn(text), gatorOptions);
  if ("error" in result) return `error auditing objects: ${result.error}`.trimEnd();
  const lines = result.rows.filter(isAboutObject).map(line);
  return lines.length === 0 ? "nothing" : lines.join("\n");
}

function isAboutObject({ violatingObject }: GatorRow): boolean {
  return !gvkOf(violatingObject).group.endsWith("gatekeeper.sh");
}

function line(row: GatorRow): string {
  const { violatingObject: object, scopedActions, metadata } = row;
  const scoped = scopedActions === undefined ? "" : ` (${scopedActions.join(",")})`;
  const namespace = namespaceOf(object);
  const name = `${namespace === "" ? "" : `${namespace}/`}${nameOf(object)}`;
  const details = metadata === undefined ? '"no details"' : canonicalJson(metadata.details);
  const head = `${row.enforcementAction ?? ""}${scoped} ${gvkOf(object).kind} ${name}`;
  return `${head} [${nameOf(row.constraint)}] ${JSON.stringify(row.msg)} ${details}`;
}
