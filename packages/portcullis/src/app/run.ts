// `serve` on a cluster: policies and what they look at come from the API server, and what became of them goes there. Replicas
// know each other by Leases; one of them leads, and writes what only one should. The server listens at once, live and not
// ready, with a certificate for the meantime; the API server, which may itself only be starting, is waited for.

import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as setTimeoutAsync } from "node:timers/promises";
import { ApiError, type Informers, type LeaderElection, isConflict } from "../cluster/api.ts";
import { type StreamingClient, createClient } from "../cluster/client.ts";
import { createElection } from "../cluster/election.ts";
import { createInformers } from "../cluster/informer.ts";
import type { ClusterConfig, ConfigOptions } from "../cluster/kubeconfig.ts";
import { createBackoff } from "../cluster/retry.ts";
import { type Membership, createMembership } from "../cluster/shards.ts";
import { createWorkQueue } from "../cluster/workqueue.ts";
import { type Neighbours, watchNeighbours, yieldingClient } from "../controllers/neighbours/neighbours.ts";
import { clusterNeeds } from "../controllers/policies/clusterneeds.ts";
import { type Refreshed, createRefreshed } from "../controllers/policies/refreshed.ts";
import { type PoliciesOptions, startPolicies } from "../controllers/policies/policies.ts";
import { type ExchangedCertificates, exchangedCertificates } from "../server/certificates/exchange.ts";
import { type AdmissionEventFlags, type AdmissionEvents, createAdmissionEvents } from "./admission-events.ts";
import { type AuditThread, createAuditThread } from "./audit.ts";
import type { AuditFlags } from "./auditing.ts";
import { type AuditDivision, divideAudit } from "./auditmembers.ts";
import { clockMs } from "./clock.ts";
import { type Entries, createEntries } from "./entries.ts";
import type { ClusterTarget, Joined } from "./cluster.ts";
import { type ServeOptions, evaluatorSettings, serverNames } from "./config.ts";
import { type Logger, createLogger } from "./log.ts";
import { measure } from "./measuring.ts";
import { type ObjectShare, createObjectShare } from "./objectshare.ts";
import { createPolicyWarnings } from "./policywarnings.ts";
import { type Registering, type Registration, register } from "./registration.ts";
import { warnOfRights } from "./rights.ts";
import { type ServiceCallOptions, createServiceCalls } from "./servicecalls.ts";
import { type Serving, serve } from "./serve.ts";

export interface RunOptions {
  readonly serve: ServeOptions;
  readonly config: ClusterConfig;
  /** The product's own namespace: its Leases are there. */
  readonly namespace: string;
  /** This replica's name; the machine's when absent. */
  readonly id?: string;
  readonly registration: Registration;
  /** Which services policies may call. */
  readonly services?: ServiceCallOptions;
  /** Leave to a living Gatekeeper or Kyverno what is its own; yes when absent. */
  readonly yields?: boolean;
  readonly events: AdmissionEventFlags;
  /** Null: this replica audits nothing. Its thread reads the configuration by itself. */
  readonly audit: { readonly flags: AuditFlags; readonly cluster: ConfigOptions } | null;
  readonly userAgent?: string;
}

/** Rejects when the server cannot start, or may not read its certificates; a cluster that does not answer is waited for. */
export async function run(options: RunOptions): Promise<Serving> {
  const logger = options.serve.logger ?? createLogger("stderr");
  const direct = createClient(options.config, {
    ...(options.userAgent !== undefined && { userAgent: options.userAgent }),
    onWarning: (text) => {
      logger.warn({ text }, "the API server warns");
    },
  });
  const informers = createInformers(direct);
  const objects = createObjectShare();
  const onError = createErrorLog(logger);
  const neighbours = options.yields === false ? null : lookAround(options.registration, { informers, logger, onError });
  const client = neighbours === null ? direct : yieldingClient(direct, neighbours);
  const refreshed = createRefreshed(Date.now);
  const callService = createServiceCalls(options.services);
  const needs = clusterNeeds({ client, informers, onError, callService, onRefreshed: refreshed.note });
  const events = createAdmissionEvents(options.events, { client, namespace: options.namespace, onError });
  const meantime = await certificatesInTheMeantime(options);
  const close = (): void => {
    events.close();
    needs.close();
    neighbours?.close();
    informers.close();
    client.close();
  };
  try {
    const fetchers = { ...options.serve.fetchers, ...needs.fetchers };
    const entries = lookAtEntries(options, { client, informers, logger, onError });
    const parts = {
      client,
      informers,
      objects,
      neighbours,
      meantime,
      entries,
      events,
      refreshed,
      logger,
      onError,
      close,
    };
    return await serve({
      ...options.serve,
      logger,
      told: events.told,
      ...(entries !== null && { entries: entries.told }),
      policyWarnings: createPolicyWarnings(client),
      ...(meantime !== null && { certificates: meantime }),
      fetchers,
      cluster: {
        objects,
        join: async (target) =>
          join(options, { ...parts, registering: await registered(options, parts, target) }, target),
      },
    });
  } catch (error) {
    close();
    throw error;
  }
}

/** Who is not registered cannot tell what it should have been asked about. */
function lookAtEntries(
  { registration, namespace }: RunOptions,
  around: Pick<Reaching, "client" | "informers" | "logger" | "onError">,
): Entries | null {
  const { reached, configurationName = "portcullis", shadows = false } = registration;
  return reached === null ? null : createEntries({ ...around, namespace, configurationName, shadows });
}

function lookAround(
  { configurationName }: Registration,
  { informers, logger, onError }: Pick<Parts, "informers" | "logger" | "onError">,
): Neighbours {
  const neighbours = watchNeighbours({
    informers,
    onError,
    ...(configurationName !== undefined && { configurationName }),
  });
  neighbours.onChange((found) => {
    for (const { dialect, evidence } of found) {
      logger.warn(
        { dialect, evidence },
        "a living neighbour enforces its own policies, and we only read what is its own",
      );
    }
    if (found.length === 0) logger.info("no neighbour lives any more: we enforce both dialects");
  });
  return neighbours;
}

interface Reaching {
  readonly client: StreamingClient;
  readonly informers: Informers;
  readonly objects: ObjectShare;
  readonly neighbours: Neighbours | null;
  /** Null: the certificates are given, or the server's own. */
  readonly meantime: ExchangedCertificates | null;
  readonly entries: Entries | null;
  readonly events: AdmissionEvents;
  readonly refreshed: Refreshed;
  readonly logger: Logger;
  readonly onError: (error: Error) => void;
  readonly close: () => void;
}

interface Parts extends Reaching {
  readonly registering: Registering;
}

/** Once the API server answers: the certificates of all replicas are the server's, and it is known who else is there. */
async function registered(options: RunOptions, parts: Reaching, target: ClusterTarget): Promise<Registering> {
  const { client, neighbours, meantime, onError } = parts;
  const registering = await patiently(
    async () => {
      await reachable(client, options.namespace, onError);
      return register(options.registration, options, parts);
    },
    (error) => {
      target.health.set("cluster", `the API server does not answer: ${error.message}`);
      onError(error);
    },
  );
  target.health.set("cluster", "the policies of the cluster are not known yet");
  const { caFile } = options.serve;
  if (registering.certificates !== null) {
    meantime?.exchange(registering.certificates);
    if (caFile !== undefined) await writeFile(caFile, registering.certificates.bundle());
  }
  await neighbours?.known;
  return registering;
}

/** What is served before the certificates that all replicas share are known, to whoever asks whether we live. */
async function certificatesInTheMeantime({
  registration,
  serve: served,
}: RunOptions): Promise<ExchangedCertificates | null> {
  return registration.reached === null || served.tls !== undefined ? null : exchangedCertificates(serverNames(served));
}

async function join(options: RunOptions, parts: Parts, target: ClusterTarget): Promise<Joined> {
  const { client, informers, objects, registering, logger, onError } = parts;
  const { id = hostname() } = options;
  const identity = `${id}_${randomUUID()}`;
  const entries = await parts.entries?.join(target.metrics, identity);
  const measuring = measured(options, parts, target);
  const { election, membership } = leases(options, parts, identity);
  let hasJoined = false;
  const noteJoined = async (): Promise<void> => {
    await membership.joined;
    hasJoined = true;
    divide();
  };
  void noteJoined();
  let isReady = false;
  const divide = (): void => {
    if (isReady && hasJoined) audit?.follow({ ...division.members, leads: election.isLeader });
  };
  const division = divideAudit({ membership, nowMs: clockMs, onChange: divide });
  const audit = auditThread(options, parts, { target, division });
  const policies = startPolicies({
    client,
    informers,
    target: followed(target, audit),
    objects,
    ...configMapOf(options),
    id,
    leads: () => election.isLeader,
    isRegistered: () => registering.isCurrent,
    nowMs: clockMs,
    isAlive: (other) => (hasJoined ? membership.members.includes(other) : null),
    createQueue: queues(onError),
    metrics: target.metrics.sync,
    refreshed: parts.refreshed,
    onKinds: kindsLog(logger),
    onError,
  });
  election.onChange((leads) => {
    logger.info({ leads }, leads ? "this replica leads" : "another replica leads");
    policies.refresh();
    registering.check();
    entries?.lead(leads);
    divide();
  });
  membership.onChange(() => {
    policies.refresh();
    divide();
  });
  const rights = warnOfRights({ client, feed: policies.feed, leads: () => election.isLeader, logger, onError });
  parts.neighbours?.onChange(() => policies.refresh());
  const close = async (): Promise<void> => {
    await policies.close();
    for (const one of [division, measuring]) one.close();
    await audit?.close();
    await entries?.close();
    await Promise.all([election.close(), membership.close(), registering.close(), rights.close()]);
    parts.close();
  };
  try {
    await policies.ready;
    // Not before: with a part of the policies it would take the reports of the others away.
    isReady = true;
    divide();
    registering.follow(policies.feed, () => election.isLeader);
  } catch (error) {
    await close();
    throw error;
  }
  return { close };
}

function configMapOf({ serve: served }: RunOptions): Pick<PoliciesOptions, "configMap"> {
  const { configMap } = evaluatorSettings(served).kyverno;
  return configMap === undefined ? {} : { configMap };
}

function measured(options: RunOptions, parts: Parts, { metrics }: ClusterTarget): { close(): void } {
  const { client, informers, events, onError } = parts;
  const { namespace = "kyverno" } = configMapOf(options).configMap ?? {};
  return measure({ metrics, calls: client.calls, events, informers, namespace, onError });
}

/** Who leads, and who is there. */
function leases(
  { namespace, id = hostname() }: RunOptions,
  { client, informers, entries, onError }: Parts,
  identity: string,
): { readonly election: LeaderElection; readonly membership: Membership } {
  const shared = { client, namespace, onError };
  return {
    election: createElection({ ...shared, name: "portcullis", identity }),
    membership: createMembership({ ...shared, informers, group: "portcullis", identity: id, ...entries?.lease }),
  };
}

function kindsLog(logger: Logger): (kinds: readonly string[]) => void {
  return (kinds) => {
    logger.info({ kinds }, "objects are synchronised for policies");
  };
}

/** Queues of work on the cluster: somebody else wrote first, as replicas do all the time, and the queue tries again. */
function queues(onError: (error: Error) => void): PoliciesOptions["createQueue"] {
  const tell = (error: Error): void => (isConflict(error) ? undefined : onError(error));
  return ({ work, workers }) => createWorkQueue({ work, workers, onError: (_key, error) => tell(error) });
}

/** How long what policies ask for in an audit may take, in milliseconds. */
const auditFetchMs = 10_000;
interface AuditAround {
  readonly target: ClusterTarget;
  readonly division: AuditDivision;
}

function auditThread(
  {
    audit,
    namespace,
    id = hostname(),
    userAgent = "portcullis",
    serve: served,
    registration,
    yields = true,
  }: RunOptions,
  { objects, logger, onError }: Parts,
  { target: { metrics, fetching }, division }: AuditAround,
): AuditThread | null {
  if (audit === null) return null;
  const { flags, cluster } = audit;
  const { configurationName = "portcullis" } = registration;
  return createAuditThread({
    audit: {
      cluster,
      namespace,
      userAgent: `${userAgent} audit`,
      flags,
      settings: evaluatorSettings(served),
      yieldsAs: yields ? configurationName : null,
    },
    self: id,
    onStart: () => division.begin(),
    onAuditing: (isAuditing) => division.audits(isAuditing),
    objects,
    fetch: (needs) => fetching.fetch(needs, clockMs() + auditFetchMs),
    metrics,
    logger,
    onError,
  });
}

/** The same target, of whose policies the audit hears too. */
function followed(target: ClusterTarget, audit: AuditThread | null): ClusterTarget {
  if (audit === null) return target;
  return {
    ...target,
    change: (files) => {
      audit.change(files);
      return target.change(files);
    },
  };
}

/** Tries until it is done, less and less often. What the API server does not let us do is not tried again, nor what it has no part in. */
async function patiently<T>(work: () => Promise<T>, onError: (error: Error) => void): Promise<T> {
  const backoff = createBackoff({ minMs: 500, maxMs: 10_000 });
  for (;;) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- until it is done
      return await work();
    } catch (error) {
      if (!(error instanceof ApiError) || isRefusal(error)) throw error;
      onError(error);
    }
    // oxlint-disable-next-line no-await-in-loop -- see above
    await setTimeoutAsync(backoff.next());
  }
}

function isRefusal(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.status === 401 || error.status === 403);
}

/** Rejects while the API server does not answer: its certificates are needed before anybody can be answered. */
async function reachable(client: StreamingClient, namespace: string, onError: (error: Error) => void): Promise<void> {
  try {
    await client.call({ method: "GET", path: "/version", timeoutMs: 10_000 });
  } catch (error) {
    // It may answer, and let nobody look at its version.
    if (!isRefusal(error)) throw error;
  }
  await ensureNamespace(client, namespace, onError);
}

/** Leases need a namespace; whoever has no right to make one has one already. */
async function ensureNamespace(client: StreamingClient, name: string, onError: (error: Error) => void): Promise<void> {
  const resource = { group: "", version: "v1", resource: "namespaces" };
  try {
    await client.get(resource, { namespace: "", name });
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) return;
    try {
      await client.create(resource, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
    } catch (failure) {
      onError(failure as Error);
    }
  }
}

/** Errors of one text are logged once a minute: an API server that is away is asked many times. */
function createErrorLog(logger: Logger): (error: Error) => void {
  const told = new Map<string, number>();
  return (error) => {
    const nowMs = performance.now();
    const lastMs = told.get(error.message) ?? -Infinity;
    if (nowMs - lastMs < quietMs) return;
    if (told.size > 100) told.clear();
    told.set(error.message, nowMs);
    logger.warn({ error: error.message }, "trouble with the API server");
  };
}

const quietMs = 60_000;
