// A watch whose objects are kept packed, those of other replicas only in outline.

import type { GroupVersionResource } from "@portcullis/kube";
import type { ClusterObject, Informer, Informers } from "../../cluster/api.ts";
import { watchKnown } from "../../cluster/known.ts";
import { pack } from "./packing.ts";

export interface PackedWatch {
  readonly informer: Informer;
  /** Rejects when it is closed before. */
  readonly ready: Promise<void>;
}

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
  const { informer, known } = watchKnown(informers, resource, { keep, onError });
  return { informer, ready: known.then(() => undefined) };
}
