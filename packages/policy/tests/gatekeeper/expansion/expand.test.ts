// Expansion: what gator 3.23.1's `expand` answered to each case, in cases.jsonl, and what the webhook does with what an
// object will make.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { parseJson } from "@portcullis/lang";
import { canonicalJson } from "../../../src/engine/digest.ts";
import type { Json } from "../../../src/engine/request.ts";
import { gatorExpand } from "../../../src/gatekeeper/gator/expand.ts";
import { gatorOptions } from "../load.ts";

interface ExpansionCase {
  readonly name: string;
  readonly objects: readonly Json[];
  readonly want: { readonly objects?: readonly Json[]; readonly error?: string };
}

const cases = readFileSync(new URL("cases.jsonl", import.meta.url), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => parseJson(line) as ExpansionCase);

const ids = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

suite("expansion as gator's", () => {
  for (const { name, objects, want } of cases) {
    test(name, () => {
      const got = gatorExpand(objects, gatorOptions);
      const error = "error" in got ? got.error.replaceAll(ids, "00000000-0000-0000-0000-000000000000") : undefined;
      assert.equal(error, want.error);
      if ("objects" in got) assert.equal(canonicalJson(got.objects), canonicalJson(want.objects ?? []));
    });
  }
});
