// One policy over many objects, through the real `kyverno apply` and through ours: the rows of the report (policy, rule,
// object, result, message) and the objects that mutate and generate rules leave, both in an order of their own because
// Kyverno's is not fixed.

import { spawn } from "node:child_process";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type PolicyResponse,
  evaluateCliPolicy,
  generatedFrom,
  policyReports,
  prepareApply,
  readCliPolicy,
  readPeerPolicy,
} from "@portcullis/policy";
import { seededRandom } from "../../bench/random.ts";
import { readYaml } from "../../conformance/files.ts";
import { generateForPolicy, hintsOf } from "../../conformance/generators/kyverno.ts";
import { files } from "../../packages/portcullis/src/cli/kyverno/files.ts";
import { kyvernoEvaluation } from "../../packages/portcullis/src/cli/kyverno/world.ts";
import { writeGoYaml } from "../../packages/portcullis/src/cli/output/goyaml-writer.ts";

/** What one of the two said: lines to compare, in order. */
export interface Answers {
  readonly rows: readonly string[];
  readonly objects: readonly string[];
}

/** The policy files of the library that have ClusterPolicies, and only rules that are built. */
export function comparablePolicies(dataDir: string): readonly string[] {
  const root = join(dataDir, "kyverno-policies");
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".yaml") && !/(^|\/)\.(kyverno-test|chainsaw-test)\//.test(path))
    .toSorted()
    .map((path) => join(root, path))
    .filter((path) => isComparable(readFileSync(path, "utf8")));
}

/** Parameters are looked up by us alone (docs/compatibility.md K40). */
function isComparable(text: string): boolean {
  return /^kind: ClusterPolicy$/m.test(text) && !/^\s+(- )?(verifyImages|manifests|paramRef):/m.test(text);
}

/** Writes `count` objects for the policies of a file, as YAML documents. */
export function writeObjects(policyFile: string, seed: number, count: number, path: string): void {
  const random = seededRandom(seed);
  const hints = readYaml(policyFile).map(hintsOf);
  const objects = Array.from({ length: count }, (_, index) =>
    generateForPolicy(random, hints[index % hints.length] ?? hintsOf(null), index),
  );
  writeFileSync(path, objects.map((object) => `---\n${JSON.stringify(object)}\n`).join(""));
}

interface ReportRow {
  readonly policy: string;
  readonly rule?: string;
  readonly result: string;
  readonly message?: string;
  readonly resources: readonly { readonly kind: string; readonly namespace?: string; readonly name: string }[];
}

interface Report {
  readonly results?: readonly ReportRow[];
}

function rowOf({ policy, rule = "", result, message = "", resources }: ReportRow): string {
  const [object] = resources;
  const name = `${object?.kind}/${object?.namespace ?? ""}/${object?.name}`;
  // On its command line Kyverno takes a patch for a change when it only made integers of doubles; the objects are compared.
  if (message === "0 elements processed" || /^mutated \S+\/\S+( in namespace \S+)?$/.test(message)) {
    return JSON.stringify([name, policy, rule, "(mutated or the same)"]);
  }
  return JSON.stringify([name, policy, rule, result, settled(withSortedReasons(message))]);
}

/**
 * What Kyverno's message says by chance, or by its YAML reader: members of a tree are resolved in random order, so that
 * which of several missing variables it names differs from run to run.
 */
function settled(message: string): string {
  if (/failed to execute HTTP request|: no network is used on the command line$/.test(message)) return "(no network)";
  return message
    .replace(/failed to resolve (\S+) at path \/\S*: (.*?)$/s, "failed to resolve (one of several)")
    .replace(/failed to convert patchesJSON6902 to JSON: .*$/s, "failed to convert patchesJSON6902 to JSON");
}

/** The checks of a podSecurity rule stand in random order in Kyverno's message once something is excluded. */
function withSortedReasons(message: string): string {
  const start = message.indexOf("(Forbidden reason: ");
  if (start === -1) return message;
  const parts = message.slice(start).split(/(?=\(Forbidden reason: )/);
  return message.slice(0, start) + parts.toSorted().join("");
}

/** What the real program says; an error where it ends without a report. */
export async function askKyverno(
  kyverno: string,
  policy: string,
  objects: string,
): Promise<Answers | { error: string }> {
  const output = `${objects}.out.yaml`;
  const args = ["apply", policy, "--resource", objects, "-p", "--output-format", "json", "-o", output];
  const { stdout, stderr, status } = await run(kyverno, args);
  if (status === 2 || status === null) return { error: `exit code ${status}: ${stderr.slice(0, 300)}` };
  const at = stdout.search(/\{"kind":"(ClusterReport|PolicyReport)"/);
  const rows: string[] = [];
  if (at !== -1) {
    for (const line of stdout.slice(at).split("\n")) {
      if (!line.startsWith("{")) continue;
      rows.push(...((JSON.parse(line.slice(0, line.lastIndexOf("}") + 1)) as Report).results ?? []).map(rowOf));
    }
  }
  return { rows: rows.toSorted(), objects: documents(readFileSync(output, "utf8")) };
}

function documents(text: string): readonly string[] {
  return text
    .split(/^---$/m)
    .map((part) => part.trim())
    .filter((part) => part !== "" && part !== "{}")
    .toSorted();
}

function run(
  program: string,
  args: readonly string[],
): Promise<{ readonly stdout: string; readonly stderr: string; readonly status: number | null }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], timeout: 60_000 });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.on("error", reject);
    child.on("close", (status) => resolve({ stdout, stderr, status }));
  });
}

/** What we say; `asPeer` with the deviations that we chose switched off. */
export function askPortcullis(policy: string, objects: string, { asPeer }: { readonly asPeer: boolean }): Answers {
  const applying = prepareApply(
    {
      policies: [policy],
      resources: [objects],
      targets: [],
      valuesFile: "",
      set: null,
      userInfo: "",
      exceptions: [],
      exceptionsIn: new Set(),
      auditWarn: false,
      warningsAsErrors: false,
      continueOnFail: false,
    },
    {
      files,
      read: asPeer ? readPeerPolicy : readCliPolicy,
      evaluate: evaluateCliPolicy,
      evaluation: kyvernoEvaluation,
      print: () => {},
      warn: () => {},
      stdin: () => "",
    },
  );
  const responses = [...applying.responses()];
  const reports = policyReports(responses, { auditWarn: false, seconds: 0 });
  const rows = reports.flatMap(({ results }) => results.map((row) => rowOf(row as unknown as ReportRow)));
  return { rows: rows.toSorted(), objects: documents(responses.flatMap(written).join("\n---\n")) };
}

function written(response: PolicyResponse): readonly string[] {
  if (response.phase === "mutate") {
    const isPatched = response.patched !== response.given;
    const targets = response.rules.flatMap(({ effects }) => effects.filter((effect) => effect.kind === "patch"));
    return [
      writeGoYaml(response.patched ?? {}, "yaml.v3", isPatched ? "integers" : "doubles"),
      ...targets.map(({ patch }) => writeGoYaml(patch, "yaml.v3", "integers")),
    ];
  }
  if (response.phase !== "generate") return [];
  return generatedFrom(response.object, response.rules).map((object) => writeGoYaml(object, "yaml.v3", "doubles"));
}

/** The lines that only one side has; empty when both are equal. Lines that occur twice count twice. */
export function difference(theirs: readonly string[], ours: readonly string[]): readonly string[] {
  const left = countLines(theirs);
  const right = countLines(ours);
  const lines: string[] = [];
  for (const line of new Set([...theirs, ...ours].toSorted())) {
    const [a, b] = [left.get(line) ?? 0, right.get(line) ?? 0];
    if (a > b) lines.push(`kyverno    ${line}`);
    if (b > a) lines.push(`portcullis ${line}`);
  }
  return lines;
}

function countLines(lines: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
  return counts;
}
