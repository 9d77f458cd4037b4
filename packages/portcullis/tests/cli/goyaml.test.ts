// YAML as go-yaml writes it: `goyaml.json` has trees with what sigs.k8s.io/yaml 1.6.0 and go.yaml.in/yaml v3.0.4 made of them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseYaml } from "@portcullis/kube";
import { Source } from "@portcullis/lang";
import fc from "fast-check";
import { writeGoYaml } from "../../src/cli/output/goyaml-writer.ts";

interface Case {
  readonly tree: unknown;
  readonly go: string;
  readonly v3: string;
}

const cases = JSON.parse(readFileSync(join(import.meta.dirname, "goyaml.json"), "utf8")) as readonly Case[];

for (const [index, { tree, go, v3 }] of cases.entries()) {
  test(`go-yaml: tree ${index} is written byte by byte as there`, () => {
    assert.equal(writeGoYaml(tree, "go"), go);
    assert.equal(writeGoYaml(tree, "yaml.v3", "doubles"), v3);
  });
}

test("go-yaml: doubles have an exponent from seven digits on, integers never", () => {
  assert.equal(writeGoYaml({ a: 1_000_000 }, "yaml.v3", "doubles"), "a: 1e+06\n");
  assert.equal(writeGoYaml({ a: 1_000_000 }, "yaml.v3"), "a: 1000000\n");
});

test("go-yaml: what is written reads back as the same tree", () => {
  const text = fc.oneof(
    fc.string({ maxLength: 20 }),
    fc.constantFrom("yes", "1", "a: b", "x\ny", "- z", "#", "2020-01-01"),
  );
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { depthSize: "small" },
      text,
      fc.integer(),
      fc.boolean(),
      fc.array(tie("tree"), { maxLength: 3 }),
      fc.dictionary(fc.stringMatching(/^[a-z0-9-]{1,5}$/), tie("tree"), { maxKeys: 3, noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(fc.record({ root: tree }, { noNullPrototype: true }), (value) => {
      const written = writeGoYaml(value, "go");
      const { value: documents, diagnostics } = parseYaml(new Source("y", written), { dialect: "go" });
      assert.deepEqual(diagnostics, [], written);
      assert.deepEqual(JSON.parse(JSON.stringify(documents[0]?.value)), value, written);
    }),
    { numRuns: 300 },
  );
});
