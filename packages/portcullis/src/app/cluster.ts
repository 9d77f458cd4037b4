// Where a cluster meets the server: what `serve` gives to whoever feeds it from a cluster, and what it wants back. The
// server knows nothing of clusters; run.ts puts the two together.

import type { Health } from "../server/health.ts";
import type { Metrics } from "../server/metrics.ts";
import type { Change, Report } from "./evaluator.ts";
import type { Fetching } from "./fetch.ts";
import type { Logger } from "./log.ts";
import type { ObjectShare } from "./objectshare.ts";

export interface ClusterTarget {
  /** Serves these policies from the moment it resolves; the first one makes the server able to answer. */
  readonly change: (files: Pick<Change, "changed" | "removed">) => Promise<Report>;
  /** Lets the evaluators see what changed among the shared objects. */
  readonly publish: () => void;
  /** Gets what policies ask for, as for the requests. */
  readonly fetching: Fetching;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly server: ListeningServer;
}

interface ListeningServer {
  /** `https://127.0.0.1:8443`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** The certificate (PEM) of the authority that clients have to trust; null with given certificates. */
  readonly ca: string | null;
}

/** A server's connection to its cluster. */
export interface Joined {
  /** Ends all work on the cluster. */
  close(): Promise<void>;
}

/** The cluster of a server. */
export interface ClusterSide {
  /** What policies look at; `publish` tells the evaluators of changes in it. */
  readonly objects: ObjectShare;
  readonly join: JoinCluster;
}

/** Resolves once the policies that were on the cluster at the start are served; rejects when there is no cluster. */
type JoinCluster = (target: ClusterTarget) => Promise<Joined>;
