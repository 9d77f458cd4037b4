// A watch whose objects are kept packed, those of other replicas only in outline. It is ready when all objects are known, or when the API server refuses to show them:
// a kind that may not be read must not keep the audit of all others waiting. Should it be allowed later, its objects come.

import type { GroupVersionResource } from "@portcullis/kube";
import { ApiError, type ClusterObject, type Informer, type Informers } from "../../cluster/api.ts";
import { pack } from "./packing.ts";

export interface PackedWatch {
  readonly informer: Informer;
  /** Rejects when it is closed before. */
  readonly ready: Promise<void>;
}

const refusals: ReadonlySet<number> = new Set([401, 403, 404, 405]);

export interface PackedWatchOptions {
  readonly informers: Informers;
  /** What is kept of an object; `pack` when absent. */
  readonly keep?: (object: ClusterObject) => ClusterObject;
  readonly onError: (error: Error) => void;
}

export function watchPacked(
  resource: GroupVersionResource,
  { informers, keep = pack, onError }: PackedWatchOptions,
): PackedWatch {
  const refused = Promise.withResolvers<void>();
  const informer = informers.watch(resource, {
    keep,
    onError: (error) => {
      if (error instanceof ApiError && refusals.has(error.status)) refused.resolve();
      onError(error);
    },
  });
  return { informer, ready: Promise.race([informer.synced, refused.promise]) };
}
