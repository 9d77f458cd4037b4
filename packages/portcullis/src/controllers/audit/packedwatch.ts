// A watch whose objects are kept packed. It is ready when all objects are known, or when the API server refuses to show them:
// a kind that may not be read must not keep the audit of all others waiting. Should it be allowed later, its objects come.

import type { GroupVersionResource } from "@portcullis/kube";
import { ApiError, type Informer, type Informers } from "../../cluster/api.ts";
import { pack } from "./packing.ts";

export interface PackedWatch {
  readonly informer: Informer;
  /** Rejects when it is closed before. */
  readonly ready: Promise<void>;
}

const refusals: ReadonlySet<number> = new Set([401, 403, 404, 405]);

export function watchPacked(
  informers: Informers,
  resource: GroupVersionResource,
  onError: (error: Error) => void,
): PackedWatch {
  const refused = Promise.withResolvers<void>();
  const informer = informers.watch(resource, {
    keep: pack,
    onError: (error) => {
      if (error instanceof ApiError && refusals.has(error.status)) refused.resolve();
      onError(error);
    },
  });
  return { informer, ready: Promise.race([informer.synced, refused.promise]) };
}
