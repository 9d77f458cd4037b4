// Policies that would never end, or eat all memory: each is stopped at its deadline. Every case runs in a process of its
// own, whose peak memory is the case's; the overrun is how much later than its deadline the decision came. Not a
// comparison (gator has no deadline), but the figures behind "a runaway policy ends within 50 ms of its deadline".

import { Budget } from "@portcullis/lang";
import { worldNow } from "../packages/portcullis/src/app/host.ts";
import type { Bench, Row } from "./bench.ts";
import { peakOf, runProcess } from "./process.ts";
import { type Case, cases, prepare } from "./runaway-cases.ts";

export const runaway: Bench = {
  name: "runaway",
  measures: "how late a policy ends that has 200 ms and would run for ever, and the memory it takes",
  run,
};

const deadlineMs = 200;

interface Measured {
  readonly overrunMs: number;
  readonly megabytes: number;
  readonly answer: string;
}

function measure(one: Case): Measured {
  const { set, request } = prepare(one);
  const now = (): number => performance.now();
  const started = now();
  const budget = new Budget({ deadlineMs: started + deadlineMs }, now);
  const decision = set.evaluate(request, worldNow(noCluster), budget, { phases: ["validate"] });
  const overrunMs = now() - started - deadlineMs;
  const answer = "allowed" in decision ? (decision.outcomes[0]?.message ?? "no violation") : "suspended";
  return { overrunMs, megabytes: peakOf(process.pid) ?? Number.NaN, answer };
}

const noCluster = (): { readonly error: string } => ({ error: "there is no cluster" });

async function run(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const name of Object.keys(cases)) {
    // One after the other, because they share two cores.
    // oxlint-disable-next-line no-await-in-loop
    const { stdout, stderr } = await runProcess(process.execPath, [import.meta.filename, name]);
    if (stdout === "") throw new Error(`${name}: ${stderr}`);
    const { overrunMs, megabytes, answer } = JSON.parse(stdout) as Measured;
    const note = `${megabytes.toFixed(0)} MB; ${answer}`;
    rows.push({
      what: `${name}: end after the deadline`,
      unit: "ms",
      ours: overrunMs,
      theirs: null,
      ratio: null,
      note,
    });
  }
  return rows;
}

if (import.meta.main) {
  const chosen = cases[process.argv[2] ?? ""];
  if (chosen === undefined) throw new Error(`no such case: ${process.argv[2]}`);
  console.log(JSON.stringify(measure(chosen)));
}
