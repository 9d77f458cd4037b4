// References that are read by one expression of the host's are read as by the grammar of the distribution project.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseByGrammar, parsePlain } from "../../src/kyverno/image.ts";

const pieces = fc.constantFrom(
  ..."a b0 9 A _ __ - -- . .. / : @ :5000 docker.io localhost library nginx v1 latest".split(" "),
);
const digest = fc.constantFrom("", `@sha256:${"0f".repeat(32)}`, `@sha256:${"0F".repeat(32)}`, "@sha256:00");
const references = fc.tuple(fc.array(pieces, { maxLength: 9 }), digest).map(([parts, end]) => parts.join("") + end);

test("an image is read alike on the short way and by the grammar", () => {
  let plain = 0;
  fc.assert(
    fc.property(
      fc.oneof(
        references,
        references.map((text) => `ghcr.io/x${text}`),
      ),
      (reference) => {
        const parsed = parsePlain(reference);
        if (parsed === null) return;
        plain += 1;
        assert.deepEqual(parseByGrammar(reference), parsed);
      },
    ),
    { numRuns: 3000, examples: [["ghcr.io/a/b:v1"], ["localhost:5000/a_b/c-d.e:V_1.x"], [`a/${"b".repeat(255)}`]] },
  );
  assert.ok(plain > 100, `only ${plain} were plain`);
});
