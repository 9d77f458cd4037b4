// `portcullis apply`: every policy in the given files, of both dialects, to every object in them, as the cluster would: what
// mutates comes first, what validates sees the result. Prints a table of what was found and what would be changed and made,
// or JSON, SARIF, JUnit or PolicyReports. Exit code 1 when something would be denied, fails or is broken, 2 when input
// cannot be read or there is nothing to decide.

import type { Decision, Outcome } from "@portcullis/policy";
import { createPaint } from "../kyverno/paint.ts";
import { renderTable } from "../kyverno/table.ts";
import { type LoadedObject, loadObjects, nothingIn } from "../load/files.ts";
import { type Finding, type OutputFormat, findingLine, objectName } from "../output/finding.ts";
import { type ReportedResult, renderPolicyReports } from "../output/policyreport.ts";
import { render, renderJson } from "../output/print.ts";
import { showProgress } from "../output/progress.ts";
import {
  type Parted,
  createDecider,
  describeObject,
  expectDecidable,
  partObjects,
  policyFindings,
  requestOf,
} from "./decide.ts";
import { doneLines } from "./done.ts";
import { outcomeFindings, ruleName } from "./outcomes.ts";
import { isTest } from "./run-tests.ts";

export interface ApplyOptions {
  readonly paths: readonly string[];
  readonly output: "table" | "policyreport" | Exclude<OutputFormat, "text">;
  /** Show what passes and what is skipped, too. */
  readonly verbose: boolean;
  /** Kyverno's own answers where ours differ. */
  readonly peerAnswers: boolean;
}

interface Decided {
  readonly one: LoadedObject;
  readonly decision: Decision;
}

export function apply({ paths, output, verbose, peerAnswers }: ApplyOptions): number {
  const loaded = loadObjects(paths, { stdin: paths.length === 0 });
  if (loaded.length === 0) throw nothingIn(paths);
  const parted = partObjects(
    loaded.filter(({ object }) => !isTest(object)),
    { peerAnswers },
  );
  expectDecidable(parted);
  const decided = decideAll(parted);
  const broken = policyFindings(parted);
  const findings = [...broken, ...decided.flatMap(({ one, decision }) => outcomeFindings(one, decision))];
  if (output === "table") process.stdout.write(table(broken, decided, verbose));
  else if (output === "policyreport") process.stdout.write(reports(broken, decided));
  else {
    const counted = { checked: parted.objects.length, policies: parted.policies.length };
    // What policies change and want to exist is no finding; of these formats only JSON has a place for it.
    const done = { effects: effectsOf(decided), changes: changesOf(decided) };
    if (output === "json") process.stdout.write(renderJson(findings, counted, done));
    else process.stdout.write(render(findings, counted, output));
  }
  return hasViolation(broken, decided) ? 1 : 0;
}

function effectsOf(decided: readonly Decided[]): readonly unknown[] {
  return decided.flatMap(({ one, decision }) =>
    decision.effects.map((effect) => ({ ...effect, object: describeObject(one.object) })),
  );
}

function changesOf(decided: readonly Decided[]): readonly unknown[] {
  return decided
    .filter(({ decision }) => decision.patch.length > 0)
    .map(({ one, decision }) => ({ object: describeObject(one.object), patch: decision.patch }));
}

function decideAll(parted: Parted): readonly Decided[] {
  const decide = createDecider(parted);
  const progress = showProgress("objects", parted.objects.length);
  const decided = parted.objects.map((one) => {
    const decision = decide(requestOf(one));
    progress.step();
    return { one, decision };
  });
  progress.end();
  return decided;
}

/** A fail is a violation whether or not it would be denied: the caller asks what breaks the rules. */
function hasViolation(broken: readonly Finding[], decided: readonly Decided[]): boolean {
  const isBad = ({ result }: Outcome): boolean => result === "fail" || result === "error";
  return broken.some(({ level }) => level === "error") || decided.some(({ decision }) => decision.outcomes.some(isBad));
}

// ── table

function table(broken: readonly Finding[], decided: readonly Decided[], verbose: boolean): string {
  const rows = decided.flatMap(({ one, decision }) =>
    shownOutcomes(decision, verbose).map((outcome) => [
      objectName(describeObject(one.object)),
      ruleName(outcome),
      outcome.result,
      outcome.actionName,
      outcome.message,
    ]),
  );
  const paint = createPaint({ removeColor: true, terminal: false });
  const text = renderTable(["object", "policy", "result", "action", "message"], rows, paint);
  const done = decided.flatMap(({ one, decision }) => doneLines(one.object, decision)).map((line) => `${line}\n`);
  return `${broken.map(findingLine).join("")}${text}${done.join("")}${summary(decided)}\n`;
}

function shownOutcomes({ outcomes }: Decision, verbose: boolean): readonly Outcome[] {
  return verbose ? outcomes : outcomes.filter(({ result }) => result !== "pass" && result !== "skip");
}

function summary(decided: readonly Decided[]): string {
  const counts = { pass: 0, fail: 0, warn: 0, error: 0, skip: 0 };
  for (const { decision } of decided) for (const { result } of decision.outcomes) counts[result] += 1;
  const denied = decided.filter(({ decision }) => !decision.allowed).length;
  const results = Object.entries(counts).map(([result, count]) => `${result}: ${count}`);
  return `${results.join(", ")}; ${denied} of ${decided.length} objects would be denied`;
}

// ── reports

function reports(broken: readonly Finding[], decided: readonly Decided[]): string {
  process.stderr.write(broken.map(findingLine).join(""));
  const results = decided.flatMap(({ one, decision }) =>
    decision.outcomes.map(({ policy, rule, result, message, properties }): ReportedResult => {
      const name = policy.namespace === "" ? policy.name : `${policy.namespace}/${policy.name}`;
      return {
        source: policy.dialect,
        policy: policy.dialect === "gatekeeper" ? `${policy.kind}/${name}` : name,
        rule,
        result,
        message,
        object: describeObject(one.object),
        properties,
      };
    }),
  );
  return renderPolicyReports(results, Math.floor(Date.now() / 1000));
}
