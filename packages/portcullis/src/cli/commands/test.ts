// `portcullis test`: decides about every object in the given files with every policy in them, as the cluster's webhook
// would, and prints what it found. Exit code 1 when something would be denied or a policy is broken, 2 when input
// cannot be read. Policies themselves are not objects to decide about.

import { gvkOf } from "@portcullis/kube";
import type { Decision, Outcome } from "@portcullis/policy";
import { type LoadedObject, loadObjects } from "../load/files.ts";
import type { Finding, OutputFormat } from "../output/finding.ts";
import { render } from "../output/print.ts";
import { showProgress } from "../output/progress.ts";
import { UsageError } from "../usage.ts";
import { createDecider, describeObject, partObjects, placeOf, policyFindings, requestOf } from "./decide.ts";

export interface TestOptions {
  readonly paths: readonly string[];
  readonly output: OutputFormat;
  readonly denyOnly: boolean;
}

export async function test({ paths, output, denyOnly }: TestOptions): Promise<number> {
  const loaded = loadObjects(paths, { dialect: "go", stdin: paths.length === 0 });
  if (loaded.length === 0) {
    throw new UsageError("no input: give files or folders with -f PATH, or objects on standard input");
  }
  const parted = partObjects(loaded);
  const decide = createDecider(parted);
  const objects = parted.objects.filter(({ object }) => !isTestFile(object));
  const progress = showProgress("objects", objects.length);
  const found = objects.flatMap((one) => {
    const decision = decide(requestOf(one));
    progress.step();
    return outcomeFindings(one, decision);
  });
  progress.end();
  const all = [...policyFindings(parted.set), ...found];
  const findings = denyOnly ? all.filter(({ level }) => level === "error") : all;
  process.stdout.write(render(findings, { checked: objects.length, policies: parted.policies.length }, output));
  return all.some(({ level }) => level === "error") ? 1 : 0;
}

/** gator's suites lie beside the objects they test. */
function isTestFile(object: unknown): boolean {
  return gvkOf(object).group === "test.gatekeeper.sh";
}

function outcomeFindings(one: LoadedObject, { outcomes }: Decision): readonly Finding[] {
  return outcomes
    .filter(({ result }) => result !== "pass" && result !== "skip")
    .map((outcome) => ({
      level: levelOf(outcome),
      rule: ruleName(outcome),
      action: outcome.actionName,
      message: outcome.message,
      object: describeObject(reviewedObject(one.object)),
      place: placeOf(one),
      details: outcome.details,
    }));
}

function reviewedObject(object: unknown): unknown {
  const { request } = object as { readonly request?: { readonly object?: unknown; readonly oldObject?: unknown } };
  return gvkOf(object).kind === "AdmissionReview" ? (request?.object ?? request?.oldObject ?? object) : object;
}

function levelOf({ result, actions }: Outcome): Finding["level"] {
  if (result === "error" || actions.includes("deny")) return "error";
  return actions.includes("warn") ? "warning" : "note";
}

function ruleName({ policy, rule }: Outcome): string {
  const name = `${policy.kind}/${policy.namespace === "" ? "" : `${policy.namespace}/`}${policy.name}`;
  return rule === "" || rule === policy.name ? name : `${name}/${rule}`;
}
