// Makes the reports in the cluster those that the audit wants. Reports are watched, of each only its digest is kept, so that
// a report is written when it differs from what is wanted, whoever made the difference: the audit, a restart in between, or
// somebody who edited or removed it. Reports of objects that are gone are removed by the API server with their owner;
// those whose results went are removed here. Reports of objects that other replicas judge are left to those. Each object waits in a queue under its own key, so that ten changes in a
// second are one write.

import { type GroupVersionResource, labelsOf, nameOf, namespaceOf, stringAt } from "@portcullis/kube";
import {
  ApiError,
  type ClusterClient,
  type ClusterObject,
  type Informer,
  type Informers,
  type ObjectName,
  type WorkQueue,
} from "../../cluster/api.ts";
import { type ReportApi, ours, reportDigest, reportKind } from "./policy-report.ts";

export interface ReportWriterOptions {
  readonly client: ClusterClient;
  readonly informers: Informers;
  readonly api: ReportApi;
  readonly createQueue: (work: (key: string) => Promise<void>) => WorkQueue;
  /** Whether the report of an object (by uid) is ours to write. */
  readonly owns: (uid: string) => boolean;
  /** The report that an object (by uid) should have; null: none; undefined: that is not known yet, and `reviewAll` follows. */
  readonly wanted: (namespace: string, uid: string) => ClusterObject | null | undefined;
  /** Nothing is written while it is false. */
  readonly isActive: () => boolean;
  readonly onError: (error: Error) => void;
}

export interface ReportWriter {
  /** Resolves once it is known which reports there are. */
  readonly synced: Promise<void>;
  /** What an object's report should be may have changed. */
  changed(namespace: string, uid: string): void;
  /** Looks at every report that there is: once all objects have been audited. */
  reviewAll(): void;
  /** Whether there is a report of this object, and it says the same as this one. */
  isStanding(namespace: string, uid: string, report: () => ClusterObject | null): boolean;
  idle(): Promise<void>;
  close(): Promise<void>;
}

const digestKey = "digest";

export function createReportWriter(options: ReportWriterOptions): ReportWriter {
  const written = new Map<string, string | null>();
  const queue = options.createQueue((key) => settle({ options, informers, written }, key));
  const informers = [true, false].map((isNamespaced) => watchReports(options, isNamespaced));
  for (const informer of informers) {
    informer.onChange(({ what, object }) => {
      written.delete(keyOf(namespaceOf(object), nameOf(object)));
      // What is there at the start is looked at when the audit knows what is wanted.
      if (informer.hasSynced() && (what !== "added" || isReviewed)) add(namespaceOf(object), nameOf(object));
    });
  }
  const add = (namespace: string, uid: string): void => {
    if (uid !== "" && options.owns(uid)) queue.add(keyOf(namespace, uid));
  };
  let isReviewed = false;
  return {
    synced: Promise.all(informers.map(({ synced }) => synced)).then(() => undefined),
    changed: add,
    reviewAll: () => {
      isReviewed = true;
      for (const informer of informers) for (const report of informer.list()) add(namespaceOf(report), nameOf(report));
    },
    isStanding: (namespace, uid, report) => {
      const standing = informers[namespace === "" ? 1 : 0]?.get({ namespace, name: uid }) ?? null;
      if (standing === null) return false;
      const wanted = report();
      return wanted !== null && standing[digestKey] === reportDigest(wanted);
    },
    idle: () => queue.idle(),
    close: async () => {
      for (const informer of informers) informer.close();
      await queue.close();
    },
  };
}

function watchReports({ informers, api, onError }: ReportWriterOptions, isNamespaced: boolean): Informer {
  return informers.watch(reportKind(api, isNamespaced).resource, {
    labelSelector: `${ours}=true`,
    keep: digested,
    onError,
  });
}

function digested(report: ClusterObject): ClusterObject {
  const { apiVersion, kind } = report;
  const metadata = { name: nameOf(report), namespace: namespaceOf(report), uid: stringAt(report, "metadata", "uid") };
  return { apiVersion, kind, metadata, [digestKey]: reportDigest(report) };
}

function keyOf(namespace: string, uid: string): string {
  return `${namespace}/${uid}`;
}

interface Settling {
  readonly options: ReportWriterOptions;
  readonly informers: readonly Informer[];
  /** Digests of what was written and has not come back from the watch; null: removed. */
  readonly written: Map<string, string | null>;
}

async function settle({ options, informers, written }: Settling, key: string): Promise<void> {
  if (!options.isActive()) return;
  const slash = key.indexOf("/");
  const name = { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
  const present = informers[name.namespace === "" ? 1 : 0]?.get(name) ?? null;
  const known = written.get(key);
  const standing = known === undefined ? ((present?.[digestKey] as string | undefined) ?? null) : known;
  // Another replica's by now.
  if (!options.owns(name.name)) return;
  const wanted = options.wanted(name.namespace, name.name);
  if (wanted === undefined) return;
  const digest = wanted === null ? null : reportDigest(wanted);
  if (digest === standing) return;
  // Before it is written: what the watch says from then on may be another replica's, and counts.
  written.set(key, digest);
  try {
    await write(options, name, { wanted, isThere: standing !== null });
  } catch (error) {
    written.delete(key);
    throw error;
  }
}

interface Writing {
  /** Null: none. */
  readonly wanted: ClusterObject | null;
  readonly isThere: boolean;
}

async function write(options: ReportWriterOptions, name: ObjectName, { wanted, isThere }: Writing): Promise<void> {
  const { client } = options;
  const resource = resourceOf(options, name);
  if (wanted === null) await remove(options, name);
  else if (!isThere || !(await isPatched(client, resource, wanted))) {
    if (await isTaken(client, resource, wanted)) await isPatched(client, resource, wanted);
  }
}

function resourceOf({ api }: ReportWriterOptions, { namespace }: ObjectName): GroupVersionResource {
  return reportKind(api, namespace !== "").resource;
}

async function remove(options: ReportWriterOptions, name: ObjectName): Promise<void> {
  try {
    await options.client.remove(resourceOf(options, name), name);
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
  }
}

/** False when it is not there: somebody has removed it. */
async function isPatched(
  client: ClusterClient,
  resource: GroupVersionResource,
  report: ClusterObject,
): Promise<boolean> {
  const { scope, summary, results, metadata } = report;
  // A merge patch puts the lists as a whole, needs no version, and leaves what others have added.
  const patch = { metadata, scope, summary, results };
  const name = { namespace: namespaceOf(report), name: nameOf(report) };
  try {
    await client.patch(resource, name, patch, { type: "merge" });
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false;
    throw error;
  }
}

/** Creates it; true when there is one of ours already. Somebody else's report of the same object is left alone. */
async function isTaken(client: ClusterClient, resource: GroupVersionResource, report: ClusterObject): Promise<boolean> {
  try {
    await client.create(resource, report);
    return false;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // The Namespace went, or is going: so did the object.
    if (error.status === 404 || isEnding(error)) return false;
    if (error.reason !== "AlreadyExists") throw error;
    const other = await client.get(resource, { namespace: namespaceOf(report), name: nameOf(report) });
    return labelsOf(other)[ours] === "true";
  }
}

/** Whether nothing can be made any more because the Namespace is going. */
export function isEnding({ status, message }: ApiError): boolean {
  return status === 403 && message.includes("because it is being terminated");
}
