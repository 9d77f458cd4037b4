// Whatever a policy does without end is charged for: on a clock that advances with every look, and is looked at every few
// thousand steps, every runaway policy ends, and its outcome says so. How late they end is what the bench `runaway`
// measures.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Budget } from "@portcullis/lang";
import { cases, prepare } from "../bench/runaway-cases.ts";
import { worldNow } from "../packages/portcullis/src/app/host.ts";

/** Those that may come to an end by themselves. */
const harmless: ReadonlySet<string> = new Set(["one regular expression over 4 MB", "big numbers"]);

for (const [name, one] of Object.entries(cases)) {
  test(`runaway: ${name}`, () => {
    const { set, request } = prepare(one);
    const world = worldNow(() => ({ error: "there is no cluster" }));
    let looks = 0;
    const decision = set.evaluate(request, world, new Budget({ deadlineMs: 100 }, () => looks++));
    assert.ok("allowed" in decision);
    const messages = decision.outcomes.map(({ message }) => message);
    if (harmless.has(name) && messages.length === 0) return;
    assert.match(
      messages.join("\n"),
      /^eval_cancel_error: the policy (did not end before its deadline|made too much output)$/,
    );
  });
}
