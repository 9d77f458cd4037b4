// Schedules: what they are, and when they come next.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { nextTime, parseSchedule } from "../../../src/kyverno/cleanup/cron.ts";

function next(schedule: string, after: string): string | null {
  const parsed = parseSchedule(schedule);
  assert.ok(parsed, schedule);
  const ms = nextTime(parsed, Date.parse(after));
  return ms === null ? null : new Date(ms).toISOString();
}

const coming: readonly (readonly [string, string, string | null])[] = [
  ["* * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00.000Z"],
  ["*/15 * * * *", "2026-01-01T00:59:59Z", "2026-01-01T01:00:00.000Z"],
  ["30 9 * * 1-5", "2026-01-02T10:00:00Z", "2026-01-05T09:30:00.000Z"],
  ["0 0 31 * *", "2026-01-31T00:00:00Z", "2026-03-31T00:00:00.000Z"],
  ["0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00.000Z"],
  ["0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00.000Z"],
  ["0 0 30 2 *", "2026-01-01T00:00:00Z", null],
  // A day of either field counts where both say something, and a step is something.
  ["0 0 13 * FRI", "2026-02-01T00:00:00Z", "2026-02-06T00:00:00.000Z"],
  ["0 0 */10 * 1", "2026-01-02T00:00:00Z", "2026-01-05T00:00:00.000Z"],
  ["5/20 22-23 * jan,Dec ?", "2026-01-31T23:45:00Z", "2026-12-01T22:05:00.000Z"],
  ["@daily", "2026-01-01T12:00:00Z", "2026-01-02T00:00:00.000Z"],
  ["@weekly", "2026-01-01T12:00:00Z", "2026-01-04T00:00:00.000Z"],
  ["@every 1h30m", "2026-01-01T12:00:00Z", "2026-01-01T13:30:00.000Z"],
];

for (const [schedule, after, expected] of coming) {
  test(`${schedule} after ${after}`, () => assert.equal(next(schedule, after), expected));
}

test("what is no schedule", () => {
  const wrong = ["", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7"];
  const odd = [
    "5-1 * * * *",
    "*/0 * * * *",
    "1-2-3 * * * *",
    "1/2/3 * * * *",
    "a * * * *",
    "@never",
    "@every x",
    "-1 * * * *",
  ];
  for (const text of [...wrong, ...odd]) assert.equal(parseSchedule(text), null, text);
});

test("the next time is later, on a whole minute, and the next of any time before it", () => {
  const field = fc.constantFrom("*", "*/7", "3", "1-4", "2,5");
  const schedules = fc.tuple(field, field, field, field, field).map((fields) => fields.join(" "));
  fc.assert(
    fc.property(schedules, fc.integer({ min: 0, max: 4e12 }), (text, after) => {
      const schedule = parseSchedule(text);
      assert.ok(schedule);
      const found = nextTime(schedule, after);
      assert.ok(found !== null && found > after && found % 60_000 === 0);
      assert.equal(nextTime(schedule, found - 1), found);
    }),
  );
});
