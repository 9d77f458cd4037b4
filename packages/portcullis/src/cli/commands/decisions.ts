// `portcullis decisions`: reads decision logs, of one replica or of several, and tells the lines that are asked for, or how often
// which policy decided what.

import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { isObject } from "@portcullis/kube";
import { reasonOf } from "../../app/refusal.ts";
import type { DecisionLine } from "../../server/decided.ts";
import { UsageError } from "../usage.ts";

export interface DecisionsFlags {
  readonly verdict?: string;
  readonly policy?: string;
  readonly kind?: string;
  readonly inNamespace?: string;
  readonly since?: string;
  readonly output: "text" | "json" | "summary";
}

/** 0, also when nothing was found; how much was left out is said on standard error. */
export async function decisionsCommand(files: readonly string[], flags: DecisionsFlags): Promise<number> {
  const isAsked = filterOf(flags);
  const counts = new Map<string, Counted>();
  let [readable, told] = [0, 0];
  const broken = new Map<string, number>();
  for (const file of files) {
    // oxlint-disable-next-line no-await-in-loop -- in the order in which they are given
    for await (const text of linesOf(file)) {
      const line = lineIn(text);
      if (line === null) {
        broken.set(file, (broken.get(file) ?? 0) + 1);
        continue;
      }
      readable++;
      if (!isAsked(line)) continue;
      told++;
      if (flags.output === "summary") count(counts, line);
      else process.stdout.write(flags.output === "json" ? `${text}\n` : textOf(line));
    }
  }
  if (broken.size > 0 && readable === 0) {
    throw new UsageError(`${files.join(", ")}: no decision log; expected lines of JSON as --decision-log writes them`);
  }
  if (flags.output === "summary") process.stdout.write(summaryOf(counts));
  for (const [file, lines] of broken) process.stderr.write(`${file}: ${brokenText(lines)}\n`);
  if (readable > 0 && told === 0) process.stderr.write(`portcullis: none of ${readable} decisions is like that\n`);
  return 0;
}

function brokenText(lines: number): string {
  return lines === 1
    ? "1 line is none of a decision log, and was left out"
    : `${lines} lines are none of a decision log, and were left out`;
}

async function* linesOf(file: string): AsyncIterable<string> {
  const input = file === "-" ? process.stdin : createReadStream(file, "utf8");
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) if (line !== "") yield line;
  } catch (error) {
    throw new UsageError(`${file}: ${reasonOf(error)}`);
  }
}

function lineIn(text: string): DecisionLine | null {
  try {
    const tree: unknown = JSON.parse(text);
    return isLine(tree) ? tree : null;
  } catch {
    return null;
  }
}

function isLine(tree: unknown): tree is DecisionLine {
  if (!isObject(tree)) return false;
  const { time, policies } = tree;
  const isPolicies =
    Array.isArray(policies) && policies.every((one) => isObject(one) && typeof one["policy"] === "string");
  return (
    isPolicies && typeof time === "string" && !Number.isNaN(Date.parse(time)) && typeof tree["verdict"] === "string"
  );
}

function filterOf({ verdict, policy, kind, inNamespace, since }: DecisionsFlags): (line: DecisionLine) => boolean {
  const sinceMs = since === undefined ? -Infinity : Date.parse(since);
  if (Number.isNaN(sinceMs)) throw new UsageError(`--since ${since ?? ""}: expected a time like 2026-01-31T12:00:00Z`);
  return (line) =>
    (verdict === undefined || line.verdict === verdict) &&
    (kind === undefined || line.kind === kind) &&
    (inNamespace === undefined || line.namespace === inNamespace) &&
    (policy === undefined ||
      line.policies.some(({ policy: name }) => name === policy || name.endsWith(`/${policy}`))) &&
    Date.parse(line.time) >= sinceMs;
}

function textOf(line: DecisionLine): string {
  const { time, verdict, operation, kind, namespace, name, user, policies, message, mutated, shadow } = line;
  const object = `${kind} ${namespace === "" ? name : `${namespace}/${name}`}`;
  const head = [time, shadow === true ? `${verdict} (shadow)` : verdict, operation, object, user && `by ${user}`];
  const told = policies.map(({ policy, rule, message: said }) =>
    [`  ${policy}`, rule && ` ${rule}`, said === undefined ? "" : `: ${said}`].join(""),
  );
  const changes = mutated === undefined ? [] : [`  changed ${mutated.join(", ")}`];
  return `${[head.filter(Boolean).join(" "), ...told, ...(message === undefined ? [] : [`  ${message}`]), ...changes].join("\n")}\n`;
}

interface Counted {
  readonly verdict: string;
  readonly policy: string;
  readonly result: string;
  count: number;
}

function count(counts: Map<string, Counted>, { verdict, policies }: DecisionLine): void {
  const told = policies.length === 0 ? [{ policy: "-", result: "-" }] : policies;
  for (const { policy, result } of told) {
    const key = `${verdict}\n${policy}\n${result}`;
    const known = counts.get(key) ?? { verdict, policy, result, count: 0 };
    known.count++;
    counts.set(key, known);
  }
}

function summaryOf(counts: ReadonlyMap<string, Counted>): string {
  const rows = [...counts.values()].toSorted((a, b) => b.count - a.count || (a.policy < b.policy ? -1 : 1));
  const lines = rows.map(({ verdict, policy, result, count: times }) =>
    [String(times).padStart(8), verdict.padEnd(7), result.padEnd(6), policy].join("  "),
  );
  return [["   COUNT", "VERDICT", "RESULT", "POLICY"].join("  "), ...lines, ""].join("\n");
}
