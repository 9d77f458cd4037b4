// What phases 2 and 3 make of policies: names, hoisted literals, order. A file is a module, a line `---`, and the rules
// as they are evaluated; `UPDATE=1` writes what they are now.

import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { suite, test } from "node:test";
import { Source } from "@portcullis/lang";
import { compileToChecked } from "../../src/index.ts";
import { checkedText } from "../checkedtext.ts";

const folder = new URL("bodies/", import.meta.url);

suite("3-check bodies", () => {
  for (const file of readdirSync(folder).toSorted()) {
    test(file.replace(/\.rego$/, ""), () => {
      const url = new URL(file, folder);
      const [policy = "", expected = ""] = readFileSync(url, "utf8").split("\n---\n");
      const version = file.endsWith(".v0.rego") ? "v0" : "v1";
      const { value, diagnostics } = compileToChecked({
        modules: [{ source: new Source("case.rego", policy), version }],
      });
      assert.deepEqual(diagnostics, []);
      const found = value === null ? "" : checkedText(value);
      if (process.env["UPDATE"] === undefined) assert.equal(found, expected);
      else writeFileSync(url, `${policy}\n---\n${found}`);
    });
  }
});
