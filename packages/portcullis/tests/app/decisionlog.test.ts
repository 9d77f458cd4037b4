// The decision log: what a line tells and what it never tells, which requests are told, what happens when a file is full or the disk does
// not take it.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { reviewOf } from "../../src/app/ask.ts";
import { assembleEvaluator } from "../../src/app/assemble.ts";
import { clockMs } from "../../src/app/clock.ts";
import { evaluatorSettings } from "../../src/app/config.ts";
import { createDecisionLog } from "../../src/app/decisionlog.ts";
import { createRedaction } from "../../src/app/redaction.ts";
import { type Decided, type DecisionLine, failedDecision } from "../../src/server/decided.ts";
import { endpointAt } from "../../src/server/endpoints.ts";
import { catalog, objectOf } from "./asker.ts";

const policies = `
apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: { name: quotes }
spec:
  crd: { spec: { names: { kind: Quotes } } }
  targets:
    - target: admission.k8s.gatekeeper.sh
      rego: |
        package quotes
        violation[{"msg": msg}] { msg := sprintf("I saw <%v>", [input.review.object.data.password]) }
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: Quotes
metadata: { name: quote-everything }
spec: { match: { kinds: [{ apiGroups: [""], kinds: ["Secret", "ConfigMap"] }] } }
---
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: { name: labels }
spec:
  rules:
    - name: add
      match: { any: [{ resources: { kinds: [ConfigMap] } }] }
      mutate: { patchStrategicMerge: { metadata: { labels: { team: a } } } }
`;

function decide(
  object: unknown,
  path: string,
  settings: { redact: string[]; users: "plain" | "hash" | "none" },
): Decided {
  const evaluator = assembleEvaluator(evaluatorSettings({ decisionLog: { to: "stderr", ...settings } }));
  evaluator.prepare({
    version: 1,
    changed: [{ file: "policies.yaml", role: "policies", text: policies, lastGood: null }],
    removed: [],
  });
  const review = JSON.parse(reviewOf(object, catalog)) as { request: Record<string, unknown> };
  Object.assign(review.request, { uid: "u", userInfo: { username: "alice" } });
  const endpoint = endpointAt(path);
  assert.ok(endpoint !== null);
  const body = JSON.stringify(review);
  const result = evaluator.answer({ version: 1, body, deadlineMs: clockMs() + 5000, lane: "slow", endpoint });
  assert.ok(result.kind === "reply" && result.reply.decided !== undefined);
  return result.reply.decided;
}

const plain = { redact: [], users: "plain" } as const;
const configMap = objectOf(`
apiVersion: v1
kind: ConfigMap
metadata: { name: settings, namespace: shop }
data: { password: swordfish }`);

suite("a line tells", () => {
  test("who asked for what, which policies decided, and what they said", () => {
    const decided = decide(configMap, "/v1/admit", { ...plain, redact: [] });
    const { policySet, ...rest } = decided;
    assert.match(policySet, /^[0-9a-f]{8,}/);
    assert.deepEqual(rest, {
      uid: "u",
      webhook: "validate",
      operation: "CREATE",
      group: "",
      version: "v1",
      kind: "ConfigMap",
      subresource: "",
      namespace: "shop",
      name: "settings",
      user: "alice",
      dryRun: false,
      verdict: "deny",
      code: 403,
      policies: [{ policy: "Quotes/quote-everything", result: "fail", action: "deny", message: "I saw <swordfish>" }],
    });
  });

  test("the paths of what was changed, without the values", () => {
    const { verdict, mutated, policies: told } = decide(configMap, "/mutate", { ...plain, redact: [] });
    assert.equal(verdict, "allow");
    assert.deepEqual(mutated, ["/metadata/labels"]);
    assert.deepEqual(
      told.map(({ policy, rule }) => [policy, rule]),
      [["ClusterPolicy/labels", "add"]],
    );
  });

  test("never a message about a Secret, however the policy came to it", () => {
    const secret = { ...(configMap as object), kind: "Secret" };
    const decided = decide(secret, "/v1/admit", { ...plain, redact: [] });
    assert.deepEqual(decided.policies, [
      { policy: "Quotes/quote-everything", result: "fail", action: "deny", message: "[redacted]" },
    ]);
    assert.doesNotMatch(JSON.stringify(decided), /swordfish/);
  });

  test("no value at a path that an operator names, and no user who is not to be told", () => {
    const decided = decide(configMap, "/v1/admit", { redact: ["ConfigMap:data.*"], users: "hash" });
    assert.equal(decided.policies[0]?.message, "I saw <[redacted]>");
    assert.match(decided.user, /^[0-9a-f]{16}$/);
    assert.equal(decide(configMap, "/v1/admit", { redact: [], users: "none" }).user, "");
  });
});

test("paths of redaction are read whole or refused; short values take the whole text with them", () => {
  const request = {
    kind: { group: "", version: "v1", kind: "Pod" },
    object: { spec: { "a.b": [{ v: "7" }] } },
    oldObject: null,
  };
  const redactWith = (path: string): string =>
    createRedaction([path])(request as unknown as Parameters<ReturnType<typeof createRedaction>>[0])("got 7 of 17");
  assert.equal(redactWith('spec["a.b"][*].v'), "[redacted]");
  assert.equal(redactWith("spec.*"), "[redacted]");
  assert.equal(redactWith("Deployment:spec.*"), "got 7 of 17");
  for (const wrong of ["", "spec[", "spec[0]", "a b:spec"]) {
    assert.throws(() => createRedaction([wrong]), /expected a path like spec\.containers/, wrong);
  }
});

const line = (uid: string, verdict: "allow" | "deny" = "deny"): DecisionLine => ({
  ...failedDecision(uid, 200, ""),
  verdict,
  time: "2026-01-01T00:00:00Z",
  replica: "r",
  durationMs: 1,
});

function recordingLog(to: string, more: Partial<Parameters<typeof createDecisionLog>[0]> = {}) {
  const counted = { written: 0, dropped: 0, errors: [] as string[] };
  const log = createDecisionLog({
    to,
    onWritten: () => counted.written++,
    onDropped: () => counted.dropped++,
    onError: (error) => counted.errors.push(error.message),
    ...more,
  });
  return { log, counted };
}

suite("the log", () => {
  test("tells every refusal, and of what is allowed the same part everywhere", () => {
    const { log } = recordingLog("stderr", { sampled: { allow: 0.25 } });
    const again = recordingLog("stderr", { sampled: { allow: 0.25 } }).log;
    const uids = Array.from({ length: 4000 }, (_, at) => `uid-${at}`);
    const told = uids.filter((uid) => log.tells(uid, "allow"));
    assert.ok(told.length > 850 && told.length < 1150, String(told.length));
    assert.deepEqual(
      uids.filter((uid) => again.tells(uid, "allow")),
      told,
    );
    assert.ok(uids.every((uid) => log.tells(uid, "deny") && log.tells(uid, "error") && log.tells(uid, "warn")));
  });

  test("renames a file that is full, and keeps so many", async (context) => {
    const folder = mkdtempSync(join(tmpdir(), "portcullis-decisions-"));
    context.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "log");
    for (let number = 0; number < 6; number++) {
      // Each a process: a file that is there is gone on with.
      const { log } = recordingLog(file, { fileBytesMax: 600, filesMax: 2 });
      log.write(line(`one-${number}`));
      log.write(line(`two-${number}`));
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await log.close();
    }
    assert.deepEqual(readdirSync(folder).toSorted(), ["log", "log.1", "log.2"]);
    const last = readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((text) => JSON.parse(text) as DecisionLine);
    assert.equal(last.at(-1)?.uid, "two-5");
  });

  test("drops what a disk does not take, and counts it; nobody waits", async () => {
    const { log, counted } = recordingLog("/proc/no-such-folder/log", { bufferBytesMax: 1000 });
    for (let number = 0; number < 100; number++) log.write(line(`u${number}`));
    await log.close();
    assert.equal(counted.dropped, 100);
    assert.equal(counted.written, 0);
    assert.equal(counted.errors.length, 1);
  });
});
