// Generated objects and constraints through the real `gator test -o json` and through ours: equal JSON once both are
// sorted. The seed is printed; SEED=n runs one again. Needs gator in $PEERS_DIR and the library in $CONFORMANCE_DIR, and
// says so loudly where one is not there.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { libraryPolicies } from "../../bench/library.ts";
import { peer } from "../../bench/peers.ts";
import { seededRandom } from "../../bench/random.ts";
import { readYaml } from "../../conformance/files.ts";
import { type TemplateShape, generateConstraint } from "../../conformance/generators/constraints.ts";
import { generateKubeObject } from "../../conformance/generators/objects.ts";

const main = resolve(import.meta.dirname, "../../packages/portcullis/src/cli/main.ts");
const gator = peer("gator");
const policies = libraryPolicies();
const absent =
  gator === null ? "gator is not in $PEERS_DIR" : policies === null ? "the library is not in $CONFORMANCE_DIR" : false;
if (absent !== false) process.stderr.write(`NOT RUN: generated objects through gator: ${absent}\n`);

const first = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e6));
const runs = process.env["SEED"] === undefined ? 3 : 1;

for (let seed = first; seed < first + runs; seed++) {
  test(
    `generated objects and constraints: gator and portcullis give equal JSON (SEED=${seed})`,
    { skip: absent },
    () => {
      const folder = mkdtempSync(join(tmpdir(), "portcullis-differential-"));
      try {
        writeCase(folder, seed);
        const theirs = spawnSync(
          gator ?? "",
          ["test", "-f", folder, "-o", "json", "--enable-k8s-native-validation=false"],
          { encoding: "utf8", maxBuffer: 1 << 30 },
        );
        const ours = spawnSync(process.execPath, [main, "gator", "test", "-f", folder, "-o", "json"], {
          encoding: "utf8",
          maxBuffer: 1 << 30,
        });
        const [got, want] = [rows(ours), rows(theirs)];
        assert.ok(want.length > 0, "gator found nothing to compare");
        const missing = want.filter((row) => !got.includes(row));
        const extra = got.filter((row) => !want.includes(row));
        assert.deepEqual(
          { missing: missing.slice(0, 3), extra: extra.slice(0, 3) },
          { missing: [], extra: [] },
          `SEED=${seed}: ${missing.length} missing, ${extra.length} extra of ${want.length}`,
        );
        assert.equal(ours.status, theirs.status, `SEED=${seed}`);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );
}

function writeCase(folder: string, seed: number): void {
  const random = seededRandom(seed);
  for (const { name, text } of policies ?? [])
    if (name.endsWith("template.yaml")) writeFileSync(join(folder, name), text);
  const templates = (policies ?? [])
    .filter(({ name }) => name.endsWith("template.yaml"))
    .map(({ name }) => readYaml(folder, name)[0] as TemplateShape);
  const constraints = templates.flatMap((template, index) =>
    [0, 1].map((at) => generateConstraint(random, template, index * 2 + at)),
  );
  const objects = Array.from({ length: 60 }, (_, index) => generateKubeObject(random, index));
  for (const [index, object] of [...constraints, ...objects].entries())
    writeFileSync(join(folder, `x-${String(index).padStart(4, "0")}.json`), JSON.stringify(object));
}

interface Result {
  readonly [field: string]: unknown;
}

/** Each result with sorted keys, all sorted; without the trace, which is text for people. */
function rows({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }): readonly string[] {
  assert.notEqual(stdout.trim(), "", stderr);
  return ((JSON.parse(stdout) as readonly Result[] | null) ?? [])
    .map((result) => withPlainNumbers(JSON.stringify(sorted(result))))
    .toSorted();
}

/** Where gator prints a million as 1e+06, we print 1000000: row G1 of docs/compatibility.md. */
function withPlainNumbers(text: string): string {
  return text.replaceAll(/\b\d(?:\.\d+)?e\+\d\d\b/g, (number) => String(Number(number)));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}
