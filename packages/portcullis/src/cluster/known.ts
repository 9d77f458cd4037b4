// A watch that somebody waits for. What is there is known when all of it has come, or when the API server refuses to show it, or fails at it
// again and again (a definition whose conversion webhook is gone): one kind that cannot be read must keep nothing else waiting.
// Should it be shown later, its objects come.

import { setTimeout as sleep } from "node:timers/promises";
import type { GroupVersionResource } from "@portcullis/kube";
import { ApiError, type Informer, type InformerOptions, type Informers, isRefused } from "./api.ts";

export interface KnownWatch {
  readonly informer: Informer;
  /** Null when all is known; otherwise why it is not. Rejects when the informer is closed before. */
  readonly known: Promise<ApiError | null>;
}

/** So often the API server may say that something is wrong with itself: with the informers' pauses, after some ten seconds. */
const patience = 5;

export function watchKnown(
  informers: Informers,
  resource: GroupVersionResource,
  { onError, ...options }: InformerOptions,
): KnownWatch {
  const refused = Promise.withResolvers<ApiError>();
  let failures = 0;
  const informer = informers.watch(resource, {
    ...options,
    onError: (error) => {
      if (error instanceof ApiError) {
        if (error.status >= 500) failures++;
        if (isRefused(error) || failures >= patience) refused.resolve(error);
      }
      onError?.(error);
    },
  });
  const known = Promise.race([informer.synced.then(() => null), refused.promise]);
  // Those who do not wait for it need not hear of a close.
  known.catch(() => {});
  return { informer, known };
}

/**
 * For who knows that the API server answers. What failed again and again may have failed with all of it, so it is given a moment
 * more (in ms): whoever decides without the data lets through what he would refuse.
 */
export async function knownByNow({ informer, known }: KnownWatch, comeBackMs = 5000): Promise<void> {
  const refusal = await known;
  if (refusal === null || refusal.status < 500) return;
  await Promise.race([informer.synced, sleep(comeBackMs, undefined, { ref: false })]);
}
