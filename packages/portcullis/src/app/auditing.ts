// The audit put together with what it tells the world: statuses and reports (controllers/audit), Events, logs, metrics and
// exported violations. It is given policies as the evaluators are, in changes of files, and composes the same set from them.

import { gvkOf, nameOf, namespaceOf } from "@portcullis/kube";
import type { Answer, Need } from "@portcullis/lang";
import type { Json, PolicySet } from "@portcullis/policy";
import { type ClusterClient, type Informers, isConflict } from "../cluster/api.ts";
import { createWorkQueue } from "../cluster/workqueue.ts";
import { startAudit } from "../controllers/audit/audit.ts";
import {
  type Audit,
  type AuditRun,
  type AuditSettings,
  defaultAuditSettings,
  type AuditOptions,
} from "../controllers/audit/options.ts";
import type { ObjectResults } from "../controllers/audit/auditor.ts";
import { keyOfPolicy } from "../controllers/audit/policies.ts";
import { type Result, newResults } from "../controllers/audit/results.ts";
import { type Log, type RunRecord, logRun, recordOf, violationOf } from "../controllers/audit/runs.ts";
import type { AuditShare } from "../controllers/audit/share.ts";
import { trackPolicies } from "../controllers/audit/tracking.ts";
import { auditEvent } from "../controllers/events/gatekeeper.ts";
import { kyvernoEvent, scanEvents } from "../controllers/events/kyverno.ts";
import { type Recorder, createRecorder } from "../controllers/events/recorder.ts";
import { type ExportSettings, createExporter } from "../controllers/export/connections.ts";
import { sweepAdmissionReports } from "../controllers/reports/admission-reports.ts";
import type { ReportApi } from "../controllers/reports/policy-report.ts";
import { type Tally, addTo, newTally } from "../server/tally.ts";
import { assembleEngine, dialects } from "./assemble.ts";
import { createComposer } from "./compose.ts";
import type { EvaluatorSettings } from "./config.ts";
import type { Change } from "./evaluator.ts";
import { worldNow } from "./host.ts";
import { successActions } from "./served.ts";

/** What an operator sets; it travels to the audit's thread. */
export interface AuditFlags {
  /** Seconds between two runs; 0: no audit. Gatekeeper: --audit-interval. */
  readonly intervalSeconds: number;
  readonly violationsLimit: number;
  readonly reports: ReportApi | null;
  readonly reported: readonly Result["result"][];
  /** Gatekeeper: --emit-audit-events, --audit-events-involved-namespace. */
  readonly events: boolean;
  readonly eventsInvolvedNamespace: boolean;
  /** Kyverno: --omitEvents. */
  readonly omitEvents: readonly string[];
  /** Gatekeeper: --enable-violation-export. */
  readonly export: ExportSettings | null;
}

export interface AuditingOptions {
  readonly client: ClusterClient;
  readonly informers: Informers;
  readonly fetch: (needs: readonly Need[]) => Promise<readonly Answer[]>;
  readonly flags: AuditFlags;
  readonly createData?: AuditOptions["createData"];
  /** The product's own namespace. */
  readonly namespace: string;
  /** How the evaluators are set up: the audit decides as they do. */
  readonly settings: EvaluatorSettings;
  readonly log: Log;
  readonly onRun: (record: RunRecord & { readonly evaluations: number; readonly eventsDropped: number }) => void;
  /** What Kyverno's rules said since the last call. */
  readonly onTallies: (tallies: readonly Tally[]) => void;
  /** All that is this replica's has been evaluated and told. */
  readonly onSettled: () => void;
  readonly onError: (error: Error) => void;
  /** Which objects are this replica's. */
  readonly share: AuditShare;
  readonly tuning?: Partial<AuditSettings>;
}

export interface Auditing {
  readonly audit: Audit;
  change(files: Pick<Change, "changed" | "removed">): void;
  share(share: AuditShare): void;
  close(): Promise<void>;
}

export function startAuditing(options: AuditingOptions): Auditing {
  const { flags, client, informers, settings, createData, onError } = options;
  const tracking = trackPolicies();
  const { engine, frontends } = assembleEngine("cluster", (frontend) => tracking.wrap(frontend), dialects(settings));
  const composer = createComposer({
    engine,
    owns: (kind) => frontends.some((frontend) => frontend.owns(kind)),
    configures: (object) => frontends.some((frontend) => frontend.configures?.(object) === true),
  });
  const recorder = createRecorder({ client, nowMs: () => performance.now(), onError });
  const tallies = createTallies();
  // Somebody else wrote first: the queue tries again.
  const trouble = (error: Error): void => (isConflict(error) ? undefined : onError(error));
  const exporter = flags.export === null ? null : createExporter(flags.export, () => performance.now());
  const audit = startAudit({
    client,
    informers,
    createQueue: (work) => createWorkQueue({ work, workers: 8, onError: (_key, error) => trouble(error) }),
    settings: {
      ...defaultAuditSettings,
      intervalMs: flags.intervalSeconds * 1000,
      violationsLimit: flags.violationsLimit,
      reports: flags.reports,
      reported: new Set(flags.reported),
      ...options.tuning,
    },
    namespace: options.namespace,
    share: options.share,
    ...(createData !== undefined && { createData }),
    world: worldNow,
    fetch: options.fetch,
    running: tracking.running,
    clock: {
      epochMs: () => Date.now(),
      nowMs: () => performance.now(),
      pause: () => new Promise((resolve) => setImmediate(resolve)),
    },
    onResults: (object, before, isTold) => {
      if (object.results.length > 0)
        tell({ options, audit, recorder, tallies }, { object, isTold, found: newResults(object.results, before) });
    },
    onSettled: options.onSettled,
    onRun: async (run) => {
      await finishRun({ options, exporter, recorder, audit }, run);
      options.onTallies(tallies.take());
    },
    onError,
  });
  const sweeping = sweepReports(options);
  return {
    audit,
    change: ({ changed, removed }) => {
      const { set } = composer.compose(changed, removed);
      audit.setPolicies(set);
      sweeping.served(set);
    },
    share: (share) => {
      audit.setShare(share);
      sweeping.lead(share.leads);
    },
    close: async () => {
      await sweeping.close();
      await audit.close();
      recorder.close();
    },
  };
}

interface Telling {
  readonly options: AuditingOptions;
  readonly audit: Audit;
  readonly recorder: Recorder;
  readonly tallies: ScanTallies;
}

/** Results of policies that went leave the reports of requests, a second later: whoever leads takes them out. */
function sweepReports({ client, flags: { reports: api }, share, onError }: AuditingOptions): {
  readonly served: (set: PolicySet) => void;
  readonly lead: (leads: boolean) => void;
  readonly close: () => Promise<void>;
} {
  let names: ReadonlySet<string> | null = null;
  let isLeader = share.leads;
  const queue = createWorkQueue({
    work: async () => {
      if (api === null || !isLeader || names === null) return;
      await sweepAdmissionReports({ client, api, isServed: (policy) => names?.has(policy) !== false });
    },
    onError: (_key, error) => onError(error),
  });
  return {
    served: ({ sources }) => {
      const now = new Set(sources.flatMap(({ object }) => reportedNames(object)));
      const isSmaller = names === null || [...names].some((name) => !now.has(name));
      names = now;
      if (isSmaller) queue.add("reports", 1000);
    },
    lead: (leads) => {
      if (leads && !isLeader) queue.add("reports", 1000);
      isLeader = leads;
    },
    close: () => queue.close(),
  };
}

function reportedNames(object: Json): readonly string[] {
  const { group, kind } = gvkOf(object);
  if (group !== "kyverno.io") return [];
  if (kind === "ClusterPolicy") return [nameOf(object)];
  return kind === "Policy" ? [`${namespaceOf(object) || "default"}/${nameOf(object)}`] : [];
}

/** By set: every object asks. */
const passed = new WeakMap<PolicySet, boolean>();

function tellsPassed(set: PolicySet): boolean {
  const known = passed.get(set);
  if (known !== undefined) return known;
  const actions = successActions(set);
  const isTold = actions !== null && (actions.length === 0 || actions.includes("Resource Passed"));
  passed.set(set, isTold);
  return isTold;
}

interface News {
  readonly object: ObjectResults;
  readonly found: readonly Result[];
  /** There may have been Events of it. */
  readonly isTold: boolean;
}

/** Events and counts of what is new about an object. */
function tell({ options, audit, recorder, tallies }: Telling, { object, found, isTold }: News): void {
  const { flags, namespace } = options;
  const { policies } = audit;
  if (policies === null) return;
  const epochMs = Date.now();
  if (isTold && !found.some(({ policy }) => policy.dialect === "kyverno")) return;
  const byPolicy = Map.groupBy(found, ({ policy }) => keyOfPolicy(policy));
  for (const [key, results] of byPolicy) {
    const policy = policies.objects.get(key);
    if (policy === undefined) continue;
    if (policy.id.dialect === "kyverno") {
      for (const result of results) tallies.add(object, policy, result);
      if (isTold) continue;
      const events = { omit: new Set(flags.omitEvents), successes: tellsPassed(policies.set) };
      for (const event of scanEvents(object, policy, results, events))
        recorder.send(kyvernoEvent(event, "kyverno-scan", epochMs));
    } else if (flags.events && !isTold) {
      for (const result of results) {
        const violation = violationOf(object, result, { policies, metadataOf: (one) => audit.metadataOf(one) });
        const settings = { namespace, involvedNamespace: flags.eventsInvolvedNamespace };
        if (violation !== null) recorder.send(auditEvent(violation, settings, epochMs));
      }
    }
  }
}

interface Finishing extends Pick<Telling, "options" | "audit" | "recorder"> {
  readonly exporter: ReturnType<typeof createExporter> | null;
}

async function finishRun({ options, audit, recorder, exporter }: Finishing, run: AuditRun): Promise<void> {
  const problem = (await exporter?.export(run)) ?? null;
  if (problem !== null) options.onError(new Error(`failed to export audit violation: ${problem}`));
  const endedMs = Date.now();
  await logRun(run, endedMs, options.log);
  options.onRun({ ...recordOf(run, endedMs), evaluations: audit.evaluations, eventsDropped: recorder.dropped });
}

// ── Kyverno's counts

interface ScanTallies {
  add(object: ObjectResults, policy: Parameters<typeof scanEvents>[1], result: Result): void;
  take(): readonly Tally[];
}

/** At most so many series between two runs. */
const seriesMax = 5000;

function createTallies(): ScanTallies {
  let known = new Map<string, Tally>();
  return {
    add: (object, { id, mode }, { rule, result }) => {
      const isNamespaced = id.kind === "Policy";
      const labels = [
        mode,
        isNamespaced ? "namespaced" : "cluster",
        "true",
        isNamespaced ? id.namespace : "-",
        id.name,
        object.kind,
        object.namespace,
        "create",
        rule,
        result,
        "validate",
        "background_scan",
        "false",
      ];
      const key = labels.join("\n");
      const tally = known.get(key) ?? newTally(labels);
      if (!known.has(key) && known.size >= seriesMax) return;
      known.set(key, tally);
      addTo(tally, 0);
    },
    take: () => {
      const taken = [...known.values()];
      known = new Map();
      return taken;
    },
  };
}
