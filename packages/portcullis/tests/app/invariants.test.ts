// Two promises of the design, on made-up bodies and on the examples: for every body with a readable uid the webhook
// answers a valid AdmissionReview, and equal requests get equal decisions from the webhook and from the command line.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { builtinCatalog, isObject, stringAt, valueAt } from "@portcullis/kube";
import { reviewOf } from "../../src/app/ask.ts";
import { assembleEvaluator } from "../../src/app/assemble.ts";
import { admitEndpoint, labelEndpoint } from "../../src/server/endpoints.ts";
import { clockMs } from "../../src/app/clock.ts";
import { evaluatorSettings } from "../../src/app/config.ts";
import type { Question } from "../../src/app/evaluator.ts";
import { answered } from "../../src/app/thread.ts";
import { createDecider, partObjects, requestOf } from "../../src/cli/commands/decide.ts";
import { loadObjects } from "../../src/cli/load/files.ts";
import { writeReview } from "../../src/server/review.ts";
import type { Reply } from "../../src/server/routes.ts";

const examples = fileURLToPath(new URL("../../../../examples/", import.meta.url));
const folders = ["repos", "registries"].map((name) => join(examples, name));
const catalog = builtinCatalog();

const evaluator = assembleEvaluator(evaluatorSettings());
evaluator.prepare({
  version: 1,
  removed: [],
  changed: folders.flatMap((folder) =>
    readdirSync(join(folder, "policies")).map((name) => {
      const file = join(folder, "policies", name);
      return { file, role: "policies" as const, text: readFileSync(file, "utf8"), lastGood: null };
    }),
  ),
});

function ask(body: string, endpoint: Question["endpoint"] = admitEndpoint): Reply {
  const result = answered(evaluator, { version: 1, body, deadlineMs: clockMs() + 5000, lane: "slow", endpoint });
  assert.ok(result.kind === "reply");
  assert.equal(result.fault, undefined, result.fault);
  return result.reply;
}

const loaded = loadObjects(folders, { stdin: false });
const { objects } = partObjects(loaded);

test("the webhook and the command line decide alike", () => {
  const decide = createDecider(partObjects(loaded.filter((one) => !objects.includes(one))));
  const operations = ["CREATE", "UPDATE", "DELETE"] as const;
  let refused = 0;
  for (const one of objects) {
    for (const operation of operations) {
      const body = reviewOf(one.object, catalog, operation);
      const review = { ...one, object: JSON.parse(body) as unknown };
      const decision = decide(requestOf(review));
      const uid = stringAt(review.object, "request", "uid");
      assert.equal(ask(body).body, writeReview(uid, decision));
      if (!decision.allowed) refused++;
    }
  }
  assert.ok(objects.length > 4 && refused > 2, `${objects.length} objects, ${refused} refused`);
});

// ── bodies

const hostile = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(null, "", 0, -1, 1e300, true, [], {}, "a\ud800", { __proto__: { a: 1 } }, [[]], "x".repeat(300)),
);

/** A path to somewhere in a tree, chosen by numbers. */
function pathIn(tree: unknown, choices: readonly number[]): readonly string[] {
  const path: string[] = [];
  let at = tree;
  for (const choice of choices) {
    const keys = typeof at === "object" && at !== null ? Object.keys(at) : [];
    if (keys.length === 0) break;
    const key = keys[choice % keys.length] as string;
    path.push(key);
    at = (at as Record<string, unknown>)[key];
  }
  return path;
}

function withChange(tree: unknown, [key, ...rest]: readonly string[], change: unknown): unknown {
  if (key === undefined) return change;
  const copy = (Array.isArray(tree) ? [...(tree as unknown[])] : { ...(tree as object) }) as Record<string, unknown>;
  const value = rest.length === 0 && change === gone ? gone : withChange(copy[key], rest, change);
  if (value === gone) delete copy[key];
  else copy[key] = value;
  return copy;
}

const gone = Symbol("gone");

/** Most changes are made in the object, which policies look at. */
const places = fc.constantFrom<readonly string[]>(
  [],
  ["request"],
  ["request", "object"],
  ["request", "object", "metadata"],
  ["request", "object", "spec"],
  ["request", "oldObject"],
);

const mutations = fc.array(
  fc.tuple(places, fc.array(fc.nat(20), { maxLength: 6 }), fc.oneof(fc.constant(gone), hostile)),
  { maxLength: 4 },
);

function seldom<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.oneof({ arbitrary: fc.constant(null), weight: 7 }, { arbitrary, weight: 1 });
}

const bodies = fc
  .record({
    object: fc.constantFrom(...loaded.map((one) => one.object)),
    operation: fc.constantFrom("CREATE" as const, "UPDATE" as const, "DELETE" as const),
    version: fc.constantFrom("admission.k8s.io/v1", "admission.k8s.io/v1beta1"),
    changes: mutations,
    cut: seldom(fc.double({ min: 0, max: 1, noNaN: true })),
    noise: seldom(fc.tuple(fc.nat(3000), fc.string({ maxLength: 3 }))),
  })
  .map(({ object, operation, version, changes, cut, noise }) => {
    let tree: unknown = { ...(JSON.parse(reviewOf(object, catalog, operation)) as object), apiVersion: version };
    for (const [place, choices, change] of changes) {
      const inside = valueAt(tree, ...place);
      if (inside !== undefined) tree = withChange(tree, [...place, ...pathIn(inside, choices)], change);
    }
    const whole = JSON.stringify(tree) ?? "";
    const text = cut === null ? whole : whole.slice(0, Math.floor(whole.length * cut));
    return noise === null ? text : text.slice(0, noise[0]) + noise[1] + text.slice(noise[0]);
  });

/** What kube-apiserver asks of an answer (pkg/admission/plugin/webhook/request VerifyAdmissionResponse). */
function assertAnswers(body: string, { status, body: text }: Reply): void {
  const asked = parsed(body);
  const uid = valueAt(asked, "request", "uid");
  if (status !== 200) {
    assert.equal(status, 400);
    assert.ok(typeof uid !== "string" || uid === "", "a body with a uid gets a review");
    return;
  }
  const answer = JSON.parse(text) as unknown;
  const response = valueAt(answer, "response");
  assert.equal(stringAt(answer, "kind"), "AdmissionReview");
  assert.match(stringAt(answer, "apiVersion"), /^admission\.k8s\.io\/v1(?:beta1)?$/);
  assert.equal(typeof valueAt(response, "allowed"), "boolean");
  assert.ok(Number.isInteger(valueAt(response, "status", "code")));
  if (!isObject(asked)) return;
  // JSON has no way to write half a character; what arrives is the replacement.
  assert.equal(stringAt(response, "uid"), uid);
  const { apiVersion } = asked;
  if (apiVersion === "admission.k8s.io/v1beta1") assert.equal(stringAt(answer, "apiVersion"), apiVersion);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

for (const endpoint of [admitEndpoint, labelEndpoint]) {
  test(`a body with a readable uid is answered with a valid AdmissionReview: ${endpoint.what}`, () => {
    fc.assert(
      fc.property(bodies, (body) => {
        assertAnswers(body, ask(body, endpoint));
      }),
      { numRuns: endpoint === admitEndpoint ? 1500 : 300 },
    );
  });
}
