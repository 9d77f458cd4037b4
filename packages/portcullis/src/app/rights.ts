// Says in the log when a policy needs a right that we do not have, once for each: the audit would miss it in silence.

import type { ClusterClient } from "../cluster/api.ts";
import { lookedAt } from "../controllers/install/named.ts";
import { missingRights } from "../controllers/install/missing.ts";
import type { PolicyFeed } from "../controllers/policies/feed.ts";
import { createLoop } from "../controllers/loop.ts";
import type { Logger } from "./log.ts";

export interface RightsOptions {
  readonly client: ClusterClient;
  readonly feed: PolicyFeed;
  readonly leads: () => boolean;
  readonly logger: Logger;
  readonly onError: (error: Error) => void;
}

/** Policies come in bursts, and discovery after them. */
const settleMs = 2000;

export function warnOfRights({ client, feed, leads, logger, onError }: RightsOptions): { close(): Promise<void> } {
  const told = new Set<string>();
  const loop = createLoop(async () => {
    const account = feed.account();
    if (!leads() || account === null) return;
    const { resources } = await client.discover();
    const objects = [...feed.objects()].map(({ object }) => object);
    const policies = lookedAt(account, objects, resources);
    for (const line of await missingRights({ client, policies, resources })) {
      if (told.has(line)) continue;
      told.add(line);
      logger.warn(line);
    }
  }, onError);
  feed.onServed(() => loop.soon(settleMs));
  return loop;
}
