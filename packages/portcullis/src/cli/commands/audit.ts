// `portcullis audit`: judges every object of a cluster once, by the policies that are in it or, with `--policies`, by those in
// files: what would break if they were there. Nothing is written to the cluster. Exit code 1 when something is against a
// policy or a policy is broken, 2 when the cluster or the files cannot be read.

import { apiVersionOf } from "@portcullis/kube";
import type { PolicySet, PolicySource } from "@portcullis/policy";
import { assembleEngine } from "../../app/assemble.ts";
import { clockMs } from "../../app/clock.ts";
import { externalDataFetchers } from "../../app/externaldata.ts";
import { createFetching } from "../../app/fetch.ts";
import { worldNow } from "../../app/host.ts";
import type { ClusterClient } from "../../cluster/api.ts";
import type { StreamingClient } from "../../cluster/client.ts";
import { createInformers } from "../../cluster/informer.ts";
import { auditOnce, policiesIn } from "../../controllers/audit/once.ts";
import type { Result } from "../../controllers/audit/results.ts";
import type { AuditedObject } from "../../controllers/audit/auditor.ts";
import { trackPolicies } from "../../controllers/audit/tracking.ts";
import { clusterNeeds } from "../../controllers/policies/clusterneeds.ts";
import { type ClusterFlags, onCluster } from "../cluster.ts";
import { createPaint } from "../kyverno/paint.ts";
import { renderTable } from "../kyverno/table.ts";
import { loadObjects } from "../load/files.ts";
import { type Finding, type OutputFormat, type Summary, diagnosticFinding, objectName } from "../output/finding.ts";
import { type Printer, createPrinter } from "../output/print.ts";
import { UsageError } from "../usage.ts";
import { ruleName } from "./outcomes.ts";

export interface AuditFlags extends ClusterFlags {
  readonly policies: readonly string[];
  readonly output: "table" | OutputFormat;
}

/** How long what policies ask for may take, in milliseconds. */
const fetchMs = 30_000;

export function auditCommand(flags: AuditFlags, version: string): Promise<number> {
  return onCluster(flags, `portcullis/${version}`, (client) => audit(flags, client));
}

async function audit(flags: AuditFlags, client: StreamingClient): Promise<number> {
  const informers = createInformers(client);
  const onError = (error: Error): void => {
    process.stderr.write(`warning: ${error.message}\n`);
  };
  const needs = clusterNeeds({ client, informers, onError, callService: null });
  const fetching = createFetching({ fetchers: { ...externalDataFetchers(), ...needs.fetchers } });
  const tracking = trackPolicies();
  const { engine, frontends } = assembleEngine("cluster", (frontend) => tracking.wrap(frontend));
  const owns = (kind: { readonly group: string; readonly kind: string }): boolean =>
    frontends.some((frontend) => frontend.owns(kind));
  try {
    const set = engine.policySet(await sourcesOf(flags.policies, client, owns));
    if (set.policies.length === 0) throw new UsageError("no policy to audit with");
    const printer = flags.output === "table" ? tablePrinter() : createPrinter(flags.output, print);
    const broken = aboutPolicies(set).filter(({ rule }) => rule !== "unknown-policy-kind");
    for (const finding of broken) printer.add(finding);
    let isBad = broken.some(({ level }) => level === "error");
    const checked = await auditOnce({
      client,
      informers,
      set,
      world: worldNow,
      fetch: (wanted) => fetching.fetch(wanted, clockMs() + fetchMs),
      running: tracking.running,
      onObject: (object, results) => {
        const findings = results.flatMap((result) => findingOf(object, result) ?? []);
        isBad ||= findings.length > 0;
        for (const finding of findings) printer.add(finding);
      },
      onError,
    });
    printer.end({ checked, policies: set.policies.length });
    return isBad ? 1 : 0;
  } finally {
    needs.close();
    informers.close();
  }
}

function print(text: string): void {
  process.stdout.write(text);
}

/** The policies in these files; those of the cluster without. */
export async function sourcesOf(
  policies: readonly string[],
  client: ClusterClient,
  owns: (kind: { readonly group: string; readonly kind: string }) => boolean,
): Promise<readonly PolicySource[]> {
  if (policies.length === 0) return policiesIn(client, owns);
  return loadObjects(policies, { stdin: false });
}

/** What is wrong with the policies, each once. One of the cluster has no place in a file: it is named. */
function aboutPolicies({ status }: PolicySet): readonly Finding[] {
  const found = new Map<string, Finding>();
  for (const [policy, diagnostics] of status) {
    for (const finding of diagnostics.map(diagnosticFinding)) {
      const message = finding.place === null ? `${policy.replace("//", "/")}: ${finding.message}` : finding.message;
      found.set(JSON.stringify([finding.rule, finding.place, message]), { ...finding, message });
    }
  }
  return [...found.values()];
}

/** Null for what is no fault. What is warned about or only recorded breaks the rules as well: the audit asks for that. */
function findingOf({ group, version, kind, namespace, name }: AuditedObject, result: Result): Finding | null {
  if (result.result === "pass" || result.result === "skip") return null;
  const levels = { fail: "error", error: "error", warn: "warning" } as const;
  const isRecorded = result.result === "fail" && ["dryrun", "Audit"].includes(result.actionName);
  return {
    level: isRecorded ? "note" : levels[result.result],
    rule: ruleName(result),
    action: result.actionName,
    message: result.message,
    object: { apiVersion: apiVersionOf({ group, version }), kind, namespace, name },
    place: null,
    ...(result.details === "" ? {} : { details: JSON.parse(result.details) as unknown }),
  };
}

/** Findings about objects as rows; what is wrong with the policies themselves stands before them. */
function tablePrinter(): Printer {
  const rows: (readonly string[])[] = [];
  const add = ({ object, rule, level, action, message, place }: Finding): void => {
    if (object !== null) {
      rows.push([objectName(object), rule, level, action ?? "", message]);
      return;
    }
    const where = place === null ? "" : `${place.file}:${place.line}:${place.column}: `;
    print(`${where}${level}: [${rule}] ${message}\n`);
  };
  return {
    add,
    end: ({ checked, policies }: Summary) => {
      const paint = createPaint({ removeColor: true, terminal: false });
      const sorted = rows.toSorted((a, b) => (a.join("\n") < b.join("\n") ? -1 : 1));
      print(renderTable(["object", "policy", "level", "action", "message"], sorted, paint));
      print(`${rows.length} results against policies: ${checked} objects, ${policies} policies\n`);
    },
  };
}
