// The webhook, put together: certificates, evaluators, the files of policies, the HTTPS server and its metrics. `serve`
// resolves once requests are answered with the policies; `close` ends everything in the order in which nobody is cut off.

import { readFile, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type CertificateSource, filePair, selfSigned } from "../server/certificates/reload.ts";
import { type Health, createHealth } from "../server/health.ts";
import { type HttpsServer, type KeyPair, closeServer, listen, startHttps } from "../server/https.ts";
import { defaultLimits } from "../server/limits.ts";
import { type Metrics, createMetrics } from "../server/metrics.ts";
import { type Decide, type RoutesOptions, metricsRoutes, routes } from "../server/routes.ts";
import type { Problem } from "./compose.ts";
import { type DecisionLog, createDecisionLog } from "./decisionlog.ts";
import { type EvaluatorSettings, type ServeOptions, evaluatorSettings, serverNames, workerCount } from "./config.ts";
import { clockMs } from "./clock.ts";
import type { Change, Report } from "./evaluator.ts";
import { externalDataFetchers } from "./externaldata.ts";
import { type Fetchers, type Fetching, createFetching, fetchDeadlineMs } from "./fetch.ts";
import type { Root } from "./folders.ts";
import { type Logger, createLogger, logMutations, logStats, logViolations } from "./log.ts";
import type { ObjectShare } from "./objectshare.ts";
import { withWarnings } from "./policywarnings.ts";
import { redacted } from "./redaction.ts";
import { createPool } from "./pool.ts";
import { createReloading } from "./reload.ts";
import { answered } from "./thread.ts";

export interface Serving {
  /** `https://127.0.0.1:8443`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** The certificate (PEM) of our own authority; null with given certificates. */
  readonly ca: string | null;
  readonly metricsPort: number | null;
  /** What is served now. */
  status(): ServedStatus;
  /** Looks at the policies' files now; false when nothing had changed. */
  reload(): Promise<boolean>;
  /** Fails readiness, goes on for the delay, lets requests finish, ends. */
  close(): Promise<void>;
}

interface ServedStatus {
  readonly digest: string;
  readonly problems: readonly Problem[];
}

/** Rejects when the port is taken, the certificates cannot be used, or there are no policies to read at all. */
export async function serve(options: ServeOptions): Promise<Serving> {
  const logger = options.logger ?? createLogger("stderr");
  const health = createHealth({
    policies: "the policies are not loaded yet",
    ...(options.cluster !== undefined && { cluster: "the policies of the cluster are not known yet" }),
    shutdown: null,
  });
  const metrics = createMetrics({ process: true });
  const certificates = await certificatesOf(options);
  let { pair } = certificates;
  const fetchers = fetchersOf(options, metrics, () => pair);
  const fetching = createFetching({ fetchers });
  const decider = await startDecider({ ...options, fetchers }, { metrics, logger, fetching });
  metrics.beforeReading(() => decider.tally());
  const closers: (() => Promise<void> | void)[] = [() => decider.close()];
  const closeAll = async (): Promise<void> => {
    // oxlint-disable-next-line no-await-in-loop -- in this order
    for (const close of closers.toReversed()) await close();
  };
  try {
    const shared = { health, metrics, logger, decide: decider.decide };
    const server = await startServer(options, shared, certificates);
    closers.push(() => server.close(options.shutdownLimitMs ?? 10_000));
    const following = certificates.follow(
      (next) => {
        server.rotate(next);
        pair = next;
        logger.info("the certificate was exchanged");
      },
      (error) => {
        logger.error({ error: error.message }, "the certificate was not exchanged");
      },
    );
    closers.push(() => following.close());
    const metricsServer = await startMetrics(options, metrics, logger);
    if (metricsServer !== null) closers.push(() => closeServer(metricsServer, 1000));
    const url = `https://${urlHost(options.host ?? defaultHost)}:${server.port}`;
    const policies = servePolicies(shared, decider.change);
    if (options.cluster !== undefined) {
      const listening = { url, port: server.port, ca: certificates.ca };
      const { change } = policies;
      const target = { change, publish: decider.publish, fetching, health, metrics, logger, server: listening };
      const joined = await options.cluster.join(target);
      closers.push(() => joined.close());
      health.set("cluster", null);
    }
    const served = await loadPolicies(options, shared, policies);
    closers.push(() => served.close());
    closers.push(() => shutDown(health, options.shutdownDelayMs ?? 0));
    logger.info({ url, policy_set: served.status().digest }, "answering admission reviews");
    return {
      url,
      port: server.port,
      ca: certificates.ca,
      metricsPort: metricsServer === null ? null : (metricsServer.address() as AddressInfo).port,
      status: served.status,
      reload: served.reload,
      close: closeAll,
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

const defaultHost = "127.0.0.1";

function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

async function shutDown(health: Health, delayMs: number): Promise<void> {
  health.set("shutdown", "shutting down");
  if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
}

// ── the parts

interface Shared {
  readonly health: Health;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly decide: Decide;
}

async function certificatesOf(options: ServeOptions): Promise<CertificateSource> {
  const source =
    options.certificates ??
    (await (options.tls === undefined ? selfSigned(serverNames(options)) : filePair(options.tls)));
  if (options.caFile !== undefined && source.ca !== null) await writeFile(options.caFile, source.ca);
  return source;
}

async function startServer(
  options: ServeOptions,
  { health, metrics, logger, decide }: Shared,
  certificates: CertificateSource,
): Promise<HttpsServer> {
  const { clients, logDenies, told, entries } = options;
  const log = decisionLogOf(options, metrics, logger);
  const handle = routes({
    decide: warningDecide(options, decide),
    health,
    metrics,
    limits: defaultLimits,
    metricsHere: options.metricsPort === undefined,
    onShadow: ({ allowed, message: said, quotesSecret }, path, note) => {
      const message = quotesSecret ? redacted : said;
      if (!allowed) logger.info({ path, message }, "in shadow: this request would have been refused");
      if (note !== null) entries?.shadowed(note, { allowed, message });
    },
    ...(entries !== undefined && { onEntry: entries.entered }),
    ...(log !== null && { onDecided: log.tell }),
    onAdmission: (record) => {
      if (logDenies === true) logViolations(logger, record);
      logMutations(logger, record);
      logStats(logger, record);
      for (const trace of record.traces ?? []) logger.info({ process: "admission", event_type: "trace" }, trace);
      told?.tell(record);
    },
    onError: (error) => {
      logger.error({ error: String((error as Error).stack ?? error) }, "a request could not be answered");
    },
  });
  const server = await startHttps({
    host: options.host ?? defaultHost,
    port: options.port ?? 8443,
    pair: certificates.pair,
    minVersion: options.tlsMinVersion === "1.2" ? "TLSv1.2" : "TLSv1.3",
    ...(clients !== undefined && {
      clients: { ca: await readFile(clients.caFile, "utf8"), commonName: clients.commonName ?? "kube-apiserver" },
    }),
    limits: defaultLimits,
    handle,
  });
  if (log === null) return server;
  const close = async (limitMs: number): Promise<void> => {
    await server.close(limitMs);
    await log.close();
  };
  return { port: server.port, rotate: (pair) => server.rotate(pair), close };
}

/** What is said of policies has more warnings, where somebody has them. */
function warningDecide({ policyWarnings }: ServeOptions, decide: Decide): Decide {
  if (policyWarnings === undefined) return decide;
  return async (body, deadlineMs, endpoint) => {
    if (endpoint.what !== "validate" && endpoint.what !== "policy") return decide(body, deadlineMs, endpoint);
    const [reply, warnings] = await Promise.all([decide(body, deadlineMs, endpoint), policyWarnings(body)]);
    return withWarnings(reply, warnings);
  };
}

interface TellingLog extends Pick<DecisionLog, "close"> {
  readonly tell: NonNullable<RoutesOptions["onDecided"]>;
}

function decisionLogOf({ decisionLog }: ServeOptions, metrics: Metrics, logger: Logger): TellingLog | null {
  if (decisionLog === undefined) return null;
  const { replica = hostname() } = decisionLog;
  const log = createDecisionLog({
    ...decisionLog,
    onWritten: (verdict) => metrics.decisions.written(verdict),
    onDropped: () => metrics.decisions.dropped(),
    onError: (error) => {
      logger.error({ error: error.message }, "the decision log could not be written");
    },
  });
  return {
    tell: (decided, { durationMs, isShadow }) => {
      if (!log.tells(decided.uid, decided.verdict)) return;
      const time = new Date().toISOString();
      const rounded = Math.round(durationMs * 1000) / 1000;
      log.write({ time, replica, ...decided, durationMs: rounded, ...(isShadow && { shadow: true }) });
    },
    close: () => log.close(),
  };
}

async function startMetrics(options: ServeOptions, metrics: Metrics, logger: Logger): Promise<Server | null> {
  if (options.metricsPort === undefined) return null;
  const onError = (error: unknown): void => {
    logger.error({ error: String(error) }, "metrics could not be served");
  };
  const server = createServer(metricsRoutes({ metrics, onError }));
  await listen(server, options.metricsPort, options.host ?? defaultHost);
  return server;
}

interface Decider {
  readonly decide: Decide;
  readonly change: (files: Pick<Change, "changed" | "removed">) => Promise<Report>;
  /** Gives what changed among the shared objects to the evaluators. */
  readonly publish: () => void;
  /** Gives the counts of Kyverno's rules to the metrics. */
  tally(): Promise<void>;
  close(): Promise<void>;
}

/** Providers are asked with the server's own certificate. */
function fetchersOf(
  { gatekeeper = {}, fetchers: given = {} }: ServeOptions,
  metrics: Metrics,
  pair: () => KeyPair,
): Fetchers {
  const { externalData = true, externalDataTtlMs: ttlMs } = gatekeeper;
  if (!externalData) return given;
  const onRequest = (provider: string, ended: "answer" | "error"): void => metrics.externalData(provider, ended);
  return { ...externalDataFetchers({ pair, onRequest, ...(ttlMs !== undefined && { ttlMs }) }), ...given };
}

interface Deciding {
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly fetching: Fetching;
}

async function startDecider(options: ServeOptions, { metrics, logger, fetching }: Deciding): Promise<Decider> {
  const threads = workerCount(options.workers);
  const settings = evaluatorSettings(options);
  const onFault = (detail: string): void => {
    logger.error({ detail }, "a request could not be evaluated");
  };
  const objects = options.cluster?.objects ?? null;
  if (threads === 0) return inlineDecider({ settings, metrics, fetching, objects, onFault });
  const pool = createPool({
    threads,
    settings,
    fetching,
    objects,
    onFault,
    onTallies: (tallies) => {
      metrics.rules(tallies);
    },
    onOverrun: (policy, kind) => {
      metrics.overrun(policy, kind);
      if (kind === "deadline") logger.warn({ policy }, "a policy did not end before its deadline");
    },
    onRestart: (reason, policy, detail) => {
      metrics.evaluatorRestarted(reason);
      logger.error({ reason, policy, detail }, "an evaluator thread was replaced");
    },
  });
  return {
    decide: (body, atMs, endpoint) => pool.decide(body, atMs + performance.timeOrigin, endpoint),
    change: (files) => pool.change(files),
    publish: () => pool.publish(),
    tally: () => pool.tally(),
    close: () => pool.close(),
  };
}

interface InlineOptions {
  readonly settings: EvaluatorSettings;
  readonly metrics: Metrics;
  readonly fetching: Fetching;
  readonly objects: ObjectShare | null;
  readonly onFault: (detail: string) => void;
}

/** Without threads: simple, and whoever waits, waits for the policies. Only then is the engine loaded here. */
async function inlineDecider(options: InlineOptions): Promise<Decider> {
  const { settings, metrics, fetching, objects, onFault } = options;
  const { assembleEvaluator } = await import("./assemble.ts");
  const evaluator = assembleEvaluator(settings);
  let version = 0;
  return {
    decide: async (body, atMs, endpoint) => {
      const deadlineMs = atMs + performance.timeOrigin;
      let result = answered(evaluator, { version, body, deadlineMs, lane: "slow", endpoint });
      while (result.kind === "needs") {
        // oxlint-disable-next-line no-await-in-loop -- it asks for what it needs one after the other
        result = result.resume(await fetching.fetch(result.needs, fetchDeadlineMs(deadlineMs)));
      }
      if (result.kind !== "reply") throw new Error("the slow lane has no slices");
      if (result.fault !== undefined) onFault(result.fault);
      return result.reply;
    },
    change: (files) => {
      const report = evaluator.prepare({ ...files, version: version + 1 });
      version++;
      evaluator.release(version);
      return Promise.resolve(report);
    },
    publish: () => {
      const change = objects?.take() ?? null;
      if (change !== null) evaluator.takeData(change);
    },
    tally: () => {
      metrics.rules(evaluator.takeTallies());
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
}

// ── policies

interface ServedPolicies {
  status(): ServedStatus;
  /** Serves a change and tells everybody. */
  change(files: Pick<Change, "changed" | "removed">): Promise<Report>;
  /** Takes the problems of the files themselves beside those of a report. */
  tell(report: Report, problems: readonly Problem[]): void;
}

function servePolicies({ health, metrics, logger }: Shared, change: Decider["change"]): ServedPolicies {
  let status: ServedStatus = { digest: "", problems: [] };
  const tell = (report: Report, problems: readonly Problem[]): void => {
    const known = new Set(status.problems.map(({ text }) => text));
    status = { digest: report.digest, problems };
    for (const problem of problems.filter(({ text }) => !known.has(text))) {
      if (problem.severity === "error") logger.error({ file: problem.file }, problem.text);
      else logger.warn({ file: problem.file }, problem.text);
    }
    const broken = problems.filter(({ severity }) => severity === "error").length;
    metrics.policySet({ digest: report.digest, ...report.census, broken });
    metrics.reloaded(broken === 0);
    health.set("policies", null);
  };
  const serveChange = async (files: Pick<Change, "changed" | "removed">): Promise<Report> => {
    const startMs = clockMs();
    const report = await change(files);
    const ms = Math.round(clockMs() - startMs);
    const counts = { files: files.changed.length, removed: files.removed.length, ms };
    logger.info({ policy_set: report.digest, ...counts }, "policies are served");
    for (const { kind, ok, seconds } of report.readings) metrics.ingested(kind, ok ? "active" : "error", seconds);
    return report;
  };
  return {
    status: () => status,
    tell,
    change: async (files) => {
      const report = await serveChange(files);
      tell(report, report.problems);
      return report;
    },
  };
}

interface LoadedPolicies {
  status(): ServedStatus;
  reload(): Promise<boolean>;
  close(): void;
}

async function loadPolicies(
  { policies, data = [], cluster, progress = () => {} }: ServeOptions,
  { metrics, logger }: Shared,
  served: ServedPolicies,
): Promise<LoadedPolicies> {
  // A cluster alone has served its own, and there is nothing to read.
  if (cluster !== undefined && policies.length + data.length === 0) {
    return { status: served.status, reload: () => Promise.resolve(false), close: () => {} };
  }
  const reloading = createReloading({
    roots: [...rootsOf(policies, "policies"), ...rootsOf(data, "data")],
    change: (files) => {
      progress(`compiling policies of ${files.changed.length} files`);
      return served.change(files);
    },
    onReport: (report, problems) => {
      if (problems.length > report.problems.length) served.tell(report, problems);
    },
    onError: (error) => {
      metrics.reloaded(false);
      logger.error({ error: error.message }, "the policies could not be exchanged; the old ones stay");
    },
  });
  progress("reading policies");
  await reloading.reload();
  progress(null);
  reloading.follow();
  return { status: served.status, reload: () => reloading.reload(), close: () => reloading.close() };
}

function rootsOf(paths: readonly string[], role: Root["role"]): readonly Root[] {
  return paths.map((path) => ({ path, role }));
}
