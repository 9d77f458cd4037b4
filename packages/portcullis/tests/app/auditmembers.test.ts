import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { divideAudit } from "../../src/app/auditmembers.ts";

function around(members: readonly string[], doing: readonly string[]) {
  const said: boolean[] = [];
  const state = { members, doing, nowMs: 0, said };
  const membership = {
    get members() {
      return state.members;
    },
    doing: () => state.doing,
    does: (_task: string, isDone: boolean) => {
      said.push(isDone);
    },
  };
  return { state, membership };
}

suite("which replicas divide the audit", () => {
  test("who comes while others audit counts when it has evaluated its share, and no more when its thread has died", () => {
    const { state, membership } = around(["a", "b", "c"], ["a"]);
    const division = divideAudit({ membership, nowMs: () => state.nowMs, onChange: () => undefined });
    division.begin();
    assert.deepEqual(division.members.auditing, ["a"]);
    assert.deepEqual(state.said, []);
    division.audits(true);
    division.audits(false);
    assert.deepEqual(state.said, [true, false]);
    division.close();
  });

  test("those that start together count at once, for a minute", () => {
    const { state, membership } = around(["a", "b", "c"], []);
    const division = divideAudit({ membership, nowMs: () => state.nowMs, onChange: () => undefined });
    division.begin();
    assert.deepEqual(state.said, [true]);
    state.doing = ["a"];
    assert.deepEqual(division.members.auditing, ["a", "b", "c"]);
    state.members = ["a", "b"];
    assert.deepEqual(division.members.auditing, ["a", "b"], "who died meanwhile does not");
    state.nowMs = 60_001;
    assert.deepEqual(division.members.auditing, ["a"]);
    division.close();
  });
});
