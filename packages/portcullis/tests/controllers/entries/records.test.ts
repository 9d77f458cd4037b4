// What replicas know of what the others have let through, on a clock that the test moves.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { type Records, admittedAnnotation, createRecords } from "../../../src/controllers/entries/records.ts";
import type { EntryNote } from "../../../src/server/decided.ts";

function noteOf(uid: string, dialects: EntryNote["dialects"] = ["gatekeeper"]): EntryNote {
  return { dialects, uid, at: "t", group: "", resource: "pods", kind: "Pod", namespace: "n", name: uid };
}

/** Replicas on one clock, which may be set (`setMs`); `renew` is what the API server shows of a replica's Lease. */
function replicas(...names: readonly string[]) {
  const clock = { ms: 1_000_000, setMs: 0 };
  const clocks = { steadyMs: () => clock.ms, epochMs: () => clock.ms + clock.setMs };
  const all = new Map<string, Records>();
  const lease = (name: string, records: Records): Readonly<Record<string, unknown>> => ({
    metadata: { name: `lease-${name}`, annotations: { [admittedAnnotation]: records.annotation() } },
  });
  const start = (name: string): Records => {
    const records = createRecords(`${name}-${clock.ms}`, clocks);
    all.set(name, records);
    return records;
  };
  const renew = (name: string, toAll = [...all.values()]): void => {
    const told = lease(name, all.get(name) as Records);
    for (const records of toAll) records.take(told);
  };
  const pass = (seconds: number, renewing: readonly string[] = [...all.keys()]): void => {
    for (let second = 0; second < seconds; second++) {
      clock.ms += 1000;
      if (clock.ms % 5000 === 0) for (const name of renewing) renew(name);
    }
  };
  for (const name of names) start(name);
  for (const name of names) renew(name);
  return { clock, clocks, all, start, renew, pass, lease };
}

const judge = (records: Records, uid: string, seenMs: number, asked: EntryNote["dialects"] = ["gatekeeper"]): string =>
  records.judge({ uid, at: "t", asked, seenMs });

suite("a write that was seen", () => {
  test("was asked about when any replica has let it through, and is waited for until all have told", () => {
    const { clock, all, pass } = replicas("a", "b");
    const [a, b] = [all.get("a") as Records, all.get("b") as Records];
    pass(20);
    b.note(noteOf("known"));
    const seenMs = clock.ms;
    assert.equal(judge(a, "known", seenMs), "wait");
    pass(5);
    assert.equal(judge(a, "known", seenMs), "asked");
    assert.equal(judge(a, "nobody's", seenMs), "wait");
    pass(5);
    assert.equal(judge(a, "nobody's", seenMs), "unchecked");
    assert.equal(judge(b, "nobody's", seenMs), "unchecked");
  });

  test("is unchecked for the dialect that was not asked alone", () => {
    const { clock, all, pass } = replicas("a");
    const a = all.get("a") as Records;
    a.note(noteOf("half", ["kyverno"]));
    pass(10);
    assert.equal(judge(a, "half", clock.ms, ["kyverno"]), "asked");
    assert.equal(judge(a, "half", clock.ms, ["kyverno", "gatekeeper"]), "unchecked");
  });

  test("is not known when a replica died that may have let it through, and is when it was long dead", () => {
    const { clock, all, pass } = replicas("a", "b");
    const a = all.get("a") as Records;
    pass(20);
    pass(2, ["a"]);
    const aboutThen = clock.ms;
    pass(18, ["a"]);
    assert.equal(judge(a, "one", aboutThen), "unknown");
    const later = clock.ms;
    pass(20, ["a"]);
    assert.equal(judge(a, "two", later), "unchecked");
  });

  test("is known when the replica told all before it took its Lease away", () => {
    const { clock, all, pass, renew, lease } = replicas("a", "b");
    const [a, b] = [all.get("a") as Records, all.get("b") as Records];
    pass(20);
    b.note(noteOf("last"));
    const seenMs = clock.ms;
    pass(2, ["a"]);
    renew("b", [a]);
    a.lose(lease("b", b));
    assert.equal(judge(a, "last", seenMs), "asked");
    pass(20, ["a"]);
    assert.equal(judge(a, "nobody's", seenMs), "unchecked");
  });

  test("from before a replica began is judged by what the Leases of the dead tell", () => {
    const { clock, clocks, all, pass, lease } = replicas("a");
    const dead = all.get("a") as Records;
    pass(20);
    dead.note(noteOf("noted"));
    const told = lease("a", dead);
    const lastMs = clock.ms;
    clock.ms += 60_000;
    const next = createRecords("next", clocks);
    next.take(told);
    assert.equal(judge(next, "noted", lastMs), "asked");
    assert.equal(judge(next, "at its end", lastMs + 3000), "unknown");
    assert.equal(judge(next, "afterwards", lastMs + 30_000), "unchecked");
  });

  test("is not known when a Lease could not carry all", () => {
    const { clock, all, pass, renew } = replicas("a", "b");
    const [a, b] = [all.get("a") as Records, all.get("b") as Records];
    pass(20);
    clock.ms += 500;
    const seenMs = clock.ms;
    clock.ms += 500;
    for (let number = 0; number < 9000; number++) b.note(noteOf(`many-${number}`));
    clock.ms += 1000;
    renew("b", [a]);
    pass(12);
    assert.equal(judge(a, "nobody's", seenMs), "unknown");
    assert.equal(judge(a, "many-8999", seenMs), "asked");
  });
});

test("whatever two replicas let through, at whatever moments, is never called unchecked by either", () => {
  const moment = fc.record({
    by: fc.constantFrom("a", "b"),
    afterMs: fc.integer({ min: 0, max: 4000 }),
    // Somebody sets the clock.
    setMs: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(3.6e6, -3.6e6) }),
  });
  const moments = fc.array(moment, { maxLength: 40 });
  fc.assert(
    fc.property(moments, (writes) => {
      const { clock, all, pass } = replicas("a", "b");
      pass(10);
      const seen: { readonly uid: string; readonly seenMs: number }[] = [];
      writes.forEach(({ by, afterMs, setMs }, at) => {
        pass(Math.ceil(afterMs / 1000));
        clock.setMs += setMs;
        all.get(by)?.note(noteOf(`w${at}`));
        seen.push({ uid: `w${at}`, seenMs: clock.ms });
        for (const records of all.values())
          for (const one of seen) assert.notEqual(judge(records, one.uid, one.seenMs), "unchecked");
      });
      pass(15);
      const recent = seen.filter(({ seenMs }) => clock.ms - seenMs < 100_000);
      for (const records of all.values())
        for (const one of recent) assert.equal(judge(records, one.uid, one.seenMs), "asked");
    }),
    { numRuns: 60 },
  );
});

test("what is no annotation of ours is left alone", () => {
  const records = createRecords("r");
  for (const text of ["", "{", "null", '{"id":1}', "[]"]) {
    records.take({ metadata: { name: "l", annotations: { [admittedAnnotation]: text } } });
  }
  assert.equal(judge(records, "u", performance.now()), "unchecked");
});
