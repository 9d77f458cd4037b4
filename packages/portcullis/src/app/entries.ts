// What enters the cluster, put together: replicas tell each other by their Leases what they let through, the one that leads finds what
// entered without any of them, and in shadow of a neighbour each compares its decisions with what became of the requests.

import { randomUUID } from "node:crypto";
import type { ClusterClient, Informers } from "../cluster/api.ts";
import { admittedAnnotation, createRecords } from "../controllers/entries/records.ts";
import {
  type Shadowing,
  compareInShadow,
  createShadowTally,
  differs,
  shadowAnnotation,
} from "../controllers/entries/shadowing.ts";
import { watchUnchecked } from "../controllers/entries/unchecked.ts";
import type { Metrics } from "../server/metrics.ts";
import type { ServeOptions } from "./config.ts";
import type { Logger } from "./log.ts";

export interface EntriesOptions {
  readonly client: ClusterClient;
  readonly informers: Informers;
  /** The product's own. */
  readonly namespace: string;
  readonly configurationName: string;
  /** Decide in the shadow of neighbours. */
  readonly shadows: boolean;
  readonly logger: Logger;
  readonly onError: (error: Error) => void;
}

export interface Entries {
  /** What the server tells of what it answers. */
  readonly told: NonNullable<ServeOptions["entries"]>;
  /** What our Lease is to carry. */
  readonly lease: { readonly annotations: () => Readonly<Record<string, string>> };
  /** Begins to look; `identity` is ours in the election. Our Lease, which may tell of the process before us, is to be written after it. */
  join(metrics: Pick<Metrics, "entries">, identity: string): Promise<JoinedEntries>;
}

interface JoinedEntries {
  /** Whether this replica leads. */
  lead(leads: boolean): void;
  close(): Promise<void>;
}

export function createEntries(options: EntriesOptions): Entries {
  const { shadows } = options;
  const records = createRecords(randomUUID());
  const tally = createShadowTally();
  let shadowing: Shadowing | null = null;
  return {
    told: {
      entered: (note) => records.note(note),
      shadowed: (note, decision) => shadowing?.decided(note, decision),
    },
    lease: {
      annotations: () => {
        const compared = tally.text();
        return {
          [admittedAnnotation]: records.annotation(),
          ...(compared !== "" && { [shadowAnnotation]: compared }),
        };
      },
    },
    join: async (metrics, identity) => {
      if (shadows) shadowing = comparing(options, metrics, tally);
      const unchecked = watchingUnchecked(options, { metrics, identity, records });
      await unchecked.known;
      return {
        lead: (leads) => unchecked.lead(leads),
        close: async () => {
          shadowing?.close();
          await unchecked.close();
        },
      };
    },
  };
}

function comparing(
  { client, informers, configurationName, logger, onError }: EntriesOptions,
  metrics: Pick<Metrics, "entries">,
  tally: ReturnType<typeof createShadowTally>,
): Shadowing {
  return compareInShadow({
    client,
    informers,
    configurationName,
    onCompared: (comparison) => {
      tally.add(comparison);
      metrics.entries.compared(comparison);
      if (!differs(comparison)) return;
      const text = comparison.stored
        ? "in shadow: we would have refused what was let in"
        : "in shadow: we would have let in what was refused";
      logger.info(comparison, text);
    },
    onError,
  });
}

interface Watching {
  readonly metrics: Pick<Metrics, "entries">;
  readonly identity: string;
  readonly records: ReturnType<typeof createRecords>;
}

function watchingUnchecked(
  { client, informers, namespace, configurationName, logger, onError }: EntriesOptions,
  { metrics, identity, records }: Watching,
): ReturnType<typeof watchUnchecked> {
  return watchUnchecked({
    client,
    informers,
    namespace,
    configurationName,
    records,
    identity,
    onUnchecked: (write) => {
      metrics.entries.unchecked("sure");
      logger.warn(write, "an object was written without our being asked about it");
    },
    onUnknown: () => metrics.entries.unchecked("possible"),
    onError,
  });
}
