// Policies and objects whose answer was taken from Kyverno 1.19.1: `kyverno apply` over each text. A case file has sections
// `=== name`, a YAML text, `>>>`, and a line for each row of the report. A section whose name begins with @ is a text that
// others include by its name. Documents of kind Values and UserInfo stand for the files of the same name.
//
// Rows that differ on purpose (docs/compatibility.md) are in `ours`, with the reason.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { decideAll } from "./decide.ts";

const folder = join(import.meta.dirname, "apply");

/** `file: case: row of Kyverno` to our row; "" where we have none. */
const ours: ReadonlyMap<string, string> = new Map([]);

for (const file of readdirSync(folder).toSorted()) {
  const all = sections(readFileSync(join(folder, file), "utf8"));
  const shared = all.filter(([name]) => name.startsWith("@")).toSorted(([a], [b]) => b.length - a.length);
  for (const [name, text, expected] of all) {
    if (name.startsWith("@")) continue;
    test(`${file}: ${name}`, () => {
      const full = shared.reduce(
        (body, [included, body2]) => body.replaceAll(new RegExp(`${included}(?![\\w-])`, "g"), () => body2),
        text,
      );
      const rows = expected.split("\n").map((row) => ours.get(`${file}: ${name}: ${row}`) ?? row);
      assert.deepEqual(decideAll(full), rows.filter((row) => row !== "" && row !== "nothing").toSorted());
    });
  }
}

function sections(text: string): readonly (readonly [name: string, text: string, expected: string])[] {
  return `\n${text}`
    .split("\n=== ")
    .slice(1)
    .map((section) => {
      const end = section.indexOf("\n");
      const [body = "", expected = ""] = section.slice(end + 1).split("\n>>>\n");
      return [section.slice(0, end), body.trim(), expected.replace(/\n+$/, "")] as const;
    });
}
