// `portcullis kyverno apply`: Kyverno's command with its flags, its output and its exit codes. Objects that were mutated or
// generated are printed as they come, results at the end, in the order of the objects and policies.
// Kyverno: cmd/cli/kubectl-kyverno/commands/apply/{command,print,table}.go.

import { mkdirSync, readFileSync, writeFileSync, appendFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gvkOf, nameOf, namespaceOf } from "@portcullis/kube";
import { durationText, parseDuration, quote } from "@portcullis/lang/go";
import {
  type ApplyCluster,
  type Applying,
  type ApplyInput,
  type PolicyReport,
  type PolicyResponse,
  evaluateCliPolicy,
  exceptionsForFailures,
  generatedFrom,
  isAudited,
  isScored,
  policyReports,
  prepareApply,
  readCliPolicy,
} from "@portcullis/policy";
import type { KyvernoApplyFlags } from "../flags.ts";
import { writeGoYaml } from "../output/goyaml-writer.ts";
import { CommandFailed, print, printError, write } from "./exit.ts";
import { files } from "./files.ts";
import { type Paint, createPaint } from "./paint.ts";
import { renderTable } from "./table.ts";
import { kyvernoEvaluation } from "./world.ts";

/** Applies policies. Throws Errors with Kyverno's text; the exit code otherwise. */
export async function kyvernoApply(policies: readonly string[], given: KyvernoApplyFlags): Promise<number> {
  const flags = { ...given, generatedExceptionTtl: timeToLive(given.generatedExceptionTtl) };
  const resources = [...flags.resource, ...flags.resources];
  checkArguments(policies, resources, flags);
  const input = inputOf(policies, resources, flags);
  const cluster = flags.cluster ? await readCluster(policies, resources, flags, input) : null;
  const sink = openOutput(flags.output);
  const applying = prepareApply({ ...input, cluster }, { ...applyOptions, print, warn: printError });
  if (!flags.stdin && !flags.policyReport && !flags.generateExceptions) printHead(applying);
  const responses: PolicyResponse[] = [];
  for (const response of applying.responses()) {
    printObjects(response, flags.stdin, sink);
    responses.push(response);
  }
  return printResults(applying, responses, flags);
}

/** A duration as Go prints it. */
function timeToLive(text: string): string {
  const duration = parseDuration(text);
  if (typeof duration === "bigint") return durationText(duration);
  throw new CommandFailed(`invalid argument ${quote(text)} for "--generated-exception-ttl" flag: ${duration.error}`);
}

const applyOptions = {
  files,
  read: readCliPolicy,
  evaluate: evaluateCliPolicy,
  evaluation: kyvernoEvaluation,
  stdin: () => readFileSync(0, "utf8"),
};

/** Loaded when it is asked for: files need no client. */
async function readCluster(
  policies: readonly string[],
  resources: readonly string[],
  flags: KyvernoApplyFlags,
  input: ApplyInput,
): Promise<ApplyCluster> {
  const { connect, readForPolicies } = await import("./cluster.ts");
  const client = connect(flags);
  try {
    return await readForPolicies({
      client,
      policies,
      names: resources,
      namespace: flags.namespace,
      clusterWide: flags.clusterWideResources,
      // A run that tells nobody shows what policies ask for.
      rehearse: (cluster) => {
        const silent = { ...applyOptions, print: () => {}, warn: () => {} };
        for (const _ of prepareApply({ ...input, cluster }, silent).responses());
      },
    });
  } finally {
    client.close();
  }
}

function checkArguments(policies: readonly string[], resources: readonly string[], flags: KyvernoApplyFlags): void {
  const fail = (text: string): never => {
    throw new CommandFailed(text);
  };
  if (flags.valuesFile !== "" && flags.set !== undefined) {
    fail("pass the values either using set flag or values_file flag");
  }
  if (policies.length === 0) fail("require policy");
  if (policies.includes("-") && resources.includes("-")) {
    fail("a stdin pipe can be used for either policies or resources, not both");
  }
  if (resources.length > 0 && flags.json.length > 0) {
    fail("both resource and json files can not be used together, use one or the other");
  }
  const payloads = { "--json": flags.json, "--http-payload": flags.httpPayload, "--envoy-payload": flags.envoyPayload };
  for (const [flag, given] of Object.entries(payloads)) {
    if (given.length > 0) fail(`${flag}: payloads are decided by ValidatingPolicies, which are not supported yet`);
  }
  if (flags.parameterResource.length > 0) {
    fail("--parameter-resource: parameters belong to admission policies, which are not supported yet");
  }
  if (flags.contextFile !== "") {
    fail("--context-file: its data are for policies in CEL and images of registries, which are not supported yet");
  }
  if (flags.registry)
    fail("--registry: image registries are not asked yet; give what policies need with --values-file");
  const git = [...policies, ...resources].find((path) => /^https?:\/\//.test(path));
  if (git !== undefined) fail(`${git}: git repositories are not read: clone it, and give the folder`);
  if (resources.length === 0 && !flags.cluster) fail("resource file(s) or cluster required");
}

function inputOf(policies: readonly string[], resources: readonly string[], flags: KyvernoApplyFlags): ApplyInput {
  const exceptionsIn = new Set<"resources" | "policies">();
  if (flags.exceptionsWithResources || flags.exceptionsWithinResources) exceptionsIn.add("resources");
  if (flags.exceptionsWithinPolicies) exceptionsIn.add("policies");
  return {
    policies,
    resources,
    targets: [...flags.targetResource, ...flags.targetResources],
    valuesFile: flags.valuesFile,
    set: flags.set ?? null,
    userInfo: flags.userinfo,
    exceptions: [...flags.exception, ...flags.exceptions],
    exceptionsIn,
    auditWarn: flags.auditWarn,
    warningsAsErrors: flags.warningsAsErrors,
    continueOnFail: flags.continueOnFail,
  };
}

function printHead({ policies, loaded, objects, exceptions }: Applying): void {
  const rules = policies.reduce((sum, policy) => sum + policy.rules.length, 0);
  const count = rules + loaded.unsupported.length + loaded.cleanups.length;
  const withExceptions = exceptions.length === 0 ? "" : ` with ${exceptions.length} exception(s)`;
  print(`\nApplying ${count} policy rule(s) to ${objects.length} resource(s)${withExceptions}...`);
}

// ── objects

/** Where objects go that were mutated or generated; null for standard output. */
type Sink = ((text: string, response: PolicyResponse, isGenerated: boolean) => void) | null;

function openOutput(path: string): Sink {
  if (path === "") return null;
  if (/\.ya?ml$/.test(path)) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "");
    return (text) => appendFileSync(path, text);
  }
  mkdirSync(path, { recursive: true });
  return (text, { given, policy }, isGenerated) => {
    const name = isGenerated ? `${policy.name}-generated` : `${nameOf(given)}-mutated`;
    appendFileSync(join(path, `${name}.yaml`), text);
  };
}

function printObjects(response: PolicyResponse, toPipe: boolean, sink: Sink): void {
  if (response.phase === "mutate") {
    printObject(response.patched, response, { toPipe, sink, isGenerated: false });
    write("\n\nMutation:\nMutation has been applied successfully.");
  } else if (response.phase === "generate") {
    for (const object of generatedFrom(response.object, response.rules)) {
      printObject(object, response, { toPipe, sink, isGenerated: true });
      write("\n\nGenerate:\nGeneration completed successfully.");
    }
  }
}

interface ObjectOutput {
  readonly toPipe: boolean;
  readonly sink: Sink;
  readonly isGenerated: boolean;
}

function printObject(object: unknown, response: PolicyResponse, { toPipe, sink, isGenerated }: ObjectOutput): void {
  // What was not changed, or made, has the doubles of the command line; what was patched has integers again.
  const isPatched = !isGenerated && object !== response.given;
  const yaml = writeGoYaml(object ?? {}, "yaml.v3", isPatched ? "integers" : "doubles");
  const targets = patchedTargets(response).map((target) => `${writeGoYaml(target, "yaml.v3", "integers")}\n---\n`);
  if (sink !== null) {
    sink(`${yaml}\n---\n\n${targets.join("")}`, response, isGenerated);
    return;
  }
  const head = toPipe ? "" : `\npolicy ${response.policy.name} applied to ${pathOf(response.given)}:`;
  const tail = targets.length === 0 ? "" : `patched targets: \n${targets.map((target) => `\n${target}\n`).join("")}`;
  write(`${head}\n${yaml}\n---\n${tail}`);
}

/** Existing objects as rules left them. */
function patchedTargets({ rules }: PolicyResponse): readonly unknown[] {
  return rules.flatMap(({ effects }) => effects.flatMap((effect) => (effect.kind === "patch" ? [effect.patch] : [])));
}

function pathOf(object: unknown): string {
  return `${namespaceOf(object)}/${gvkOf(object).kind}/${nameOf(object)}`;
}

// ── results

function printResults(applying: Applying, responses: readonly PolicyResponse[], flags: KyvernoApplyFlags): number {
  printRefused(applying);
  for (const { kind, name } of applying.loaded.unsupported) {
    printError(`${kind} ${name}: this kind is not supported yet; nothing was decided by it`);
  }
  const { auditWarn } = flags;
  if (flags.policyReport || flags.generateExceptions) {
    const reports = policyReports(responses, { auditWarn, seconds: Math.floor(Date.now() / 1000) });
    if (flags.policyReport) printReports(reports, flags.outputFormat);
    else printExceptions(reports, flags);
  } else if (flags.table) {
    const { terminal } = { terminal: process.stdout.isTTY && process.env["NO_COLOR"] === undefined };
    printTable(responses, flags, createPaint({ removeColor: flags.removeColor, terminal }));
  } else {
    for (const response of responses) printFailures(response, auditWarn);
    const { pass, fail, warn, error, skip } = applying.counts;
    print(`\npass: ${pass}, fail: ${fail}, warn: ${warn}, error: ${error}, skip: ${skip} `);
  }
  return exitCode(applying, flags);
}

const divider = "-".repeat(70);

/** Policies that Kyverno's admission would not take. */
function printRefused({ policies }: Applying): void {
  const refused = policies.flatMap(({ name, problem }) => (problem === null ? [] : [{ name, problem }]));
  const isInvalid = ({ problem }: { readonly problem: string }): boolean =>
    problem.startsWith("variable 'element.name'");
  const parts = [
    ["Policies Skipped:", refused.filter((one) => !isInvalid(one))],
    ["Invalid Policies:", refused.filter(isInvalid)],
  ] as const;
  for (const [head, list] of parts) {
    if (list.length === 0) continue;
    const lines = list.map(({ name, problem }, at) => `${at + 1}. ${name}: ${problem}`);
    print([divider, head, ...lines, divider].join("\n"));
  }
}

function printReports(reports: readonly PolicyReport[], format: string): void {
  for (const report of reports) {
    if (report.kind === "PolicyReport") print("---");
    print(format === "json" ? structJson(report) : writeGoYaml(report, "go"));
  }
}

function printExceptions(reports: readonly PolicyReport[], flags: KyvernoApplyFlags): void {
  for (const exception of exceptionsForFailures(reports, flags.generatedExceptionTtl)) {
    const text = flags.outputFormat === "json" ? structJson(exception) : writeGoYaml(exception, "go");
    write(`---\n${text}\n`);
  }
}

/** JSON with the members as they stand, escaped as Go does. */
function structJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Fails that are warnings: of a policy that is not scored, or that audits where `--audit-warn` is given. */
function isWarning(response: PolicyResponse, auditWarn: boolean): boolean {
  return !isScored(response.policy) || (auditWarn && isAudited(response));
}

function printTable(responses: readonly PolicyResponse[], flags: KyvernoApplyFlags, paint: Paint): void {
  const rows = responses.flatMap((response) =>
    response.rules.map((rule) => {
      const { policy, object } = response;
      const namespace = policy.namespace === "" ? [] : [policy.namespace];
      const place = namespaceOf(object) === "" ? [] : [namespaceOf(object)];
      const shown = {
        pass: "Pass",
        fail: isWarning(response, flags.auditWarn) ? "Warn" : "Fail",
        warn: "Warn",
        error: "Error",
        skip: "Skip",
      } as const;
      const word = shown[rule.status];
      const paintWord = { Pass: paint.pass, Fail: paint.fail, Warn: paint.warn, Error: paint.fail, Skip: paint.name }[
        word
      ];
      return [
        [...namespace, policy.name].map(paint.name).join("/"),
        paint.name(rule.type === "Deletion" ? "" : rule.rule),
        [...place, gvkOf(object).kind, nameOf(object)].map(paint.name).join("/"),
        paintWord(word),
        "",
        ...(flags.detailedResults ? [rule.message] : []),
      ];
    }),
  );
  const heads = ["id", "policy", "rule", "resource", "result", "reason", ...(flags.detailedResults ? ["message"] : [])];
  write(
    renderTable(
      heads,
      rows.map((row, at) => [String(at + 1)].concat(row)),
      paint,
    ),
  );
}

function printFailures(response: PolicyResponse, auditWarn: boolean): void {
  const { policy, rules } = response;
  const where = `${policy.name} -> resource ${pathOf(response.object)}`;
  for (const { type, status, message } of rules) {
    if (type === "Mutation" && status === "skip") print(`\nskipped mutate policy ${where}`);
    if (type === "Mutation" && status === "error")
      print(`\nerror while applying mutate policy ${where} \nerror:  ${message}`);
    if (type === "Generation" && status === "error") {
      print(`\nerror while applying generate policy ${where} \nerror: ${message}`);
    }
  }
  const failed = rules.filter(({ status }) => status === "fail");
  if (failed.length === 0) return;
  print(`policy ${where} ${auditWarn && isAudited(response) ? "failed as audit warning:" : "failed:"}`);
  for (const [at, { rule, message }] of failed.entries())
    print(`${at + 1} - ${rule} ${message || "validation failed"}`);
}

function exitCode({ counts, loaded }: Applying, { warnExitCode, warnNoPass }: KyvernoApplyFlags): number {
  if (counts.fail > 0 || counts.error > 0 || loaded.unsupported.length > 0) return 1;
  if (counts.warn > 0 && warnExitCode !== 0) {
    write(`exit as warnExitCode is ${warnExitCode}`);
    return warnExitCode;
  }
  if (counts.pass > 0 || !warnNoPass) return 0;
  print("exit as no objects satisfied policy");
  return warnExitCode;
}
