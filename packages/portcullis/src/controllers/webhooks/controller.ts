// Keeps the two webhook configurations as the loaded policies want them. It is told when policies or certificates change,
// watches the configurations, and asks discovery again when a CustomResourceDefinition is served or goes. A configuration is written
// only when what it means differs, by the leader alone; a write that does not last (somebody changes it back) is repeated
// later and later, up to ten minutes, so that two who disagree do not fill the API server's log.

import { type GroupVersionResource, nameOf, stringAt, valueAt } from "@portcullis/kube";
import {
  ApiError,
  type ApiResource,
  type ClusterClient,
  type ClusterObject,
  type Informer,
  type Informers,
} from "../../cluster/api.ts";
import { watchDefinitions } from "../../cluster/definitions.ts";
import { createServed } from "../../cluster/served.ts";
import { createLoop } from "../loop.ts";
import { difference, objectOf } from "./meaning.ts";
import { type AskingPolicy, type WantedConfiguration, type WebhookSettings, wantedConfigurations } from "./wanted.ts";

export interface WebhookControllerOptions {
  readonly client: ClusterClient;
  readonly informers: Informers;
  /** Only who leads writes; everybody when absent. */
  readonly isLeader?: () => boolean;
  readonly onWrite?: (written: { readonly configuration: string; readonly because: string }) => void;
  readonly onError: (error: Error) => void;
  /** Milliseconds before the next write after one that did not last; 1,000 doubling up to 600,000 when absent. */
  readonly patienceMs?: { readonly first: number; readonly most: number };
}

/** What has to be known before anything is written. */
interface WebhookState {
  readonly settings: WebhookSettings;
  readonly policies: readonly AskingPolicy[];
  /** PEM; null when somebody else puts it in (cert-manager). */
  readonly caBundle: string | null;
}

export interface WebhookController {
  /** From now on this is wanted. */
  update(state: Partial<WebhookState>): void;
  /** Looks again now, as when this replica has become the leader. */
  check(): void;
  /** Whether both configurations are as wanted, as far as is known here. */
  readonly isCurrent: boolean;
  /** Whether API servers trust certificates of this bundle, as far as is known here. */
  trusts(bundle: string): boolean;
  /** How many writes there were. */
  readonly writes: number;
  close(): Promise<void>;
}

export const webhookResources = {
  ValidatingWebhookConfiguration: resource("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations"),
  MutatingWebhookConfiguration: resource("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations"),
} as const;

function resource(group: string, version: string, name: string): GroupVersionResource {
  return { group, version, resource: name };
}

const kinds = ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"] as const;

/** Writes nothing before `update` has given everything. */
export function startWebhookController(options: WebhookControllerOptions): WebhookController {
  const { client, informers, onError } = options;
  let state: Partial<WebhookState> = {};
  const loop = createLoop(reconcile, (error) => {
    onError(error);
    loop.soon(2000);
  });
  const keepers = kinds.map((kind) => {
    const informer = informers.watch(webhookResources[kind], { keep: (object) => object, onError });
    informer.onChange(({ object }) => {
      if (nameOf(object) === (state.settings?.configurationName ?? "portcullis")) loop.soon(50);
    });
    return { kind, informer, ...createKeeper({ ...options, kind, informer }) };
  });
  const definitions = watchDefinitions(informers, onError);
  const served = createServed({ client, definitions, soon: loop.soon });

  /** Null while something is not known. */
  const wantedNow = lastOf((now: Partial<WebhookState>, resources: readonly ApiResource[] | null) => {
    const { settings, policies, caBundle } = now;
    if (settings === undefined || policies === undefined || caBundle === undefined || resources === null) return null;
    return wantedConfigurations({ settings, policies, caBundle, resources });
  });

  async function reconcile(): Promise<void> {
    if (state.caBundle === undefined) return;
    await Promise.all(keepers.map(({ informer }) => informer.synced));
    const resources = await served.ask();
    if (resources === null) return;
    if (options.isLeader?.() === false) return;
    for (const wanted of wantedNow(state, resources) ?? []) {
      // oxlint-disable-next-line no-await-in-loop -- validation is registered before anything is changed
      const waitMs = await keepers.find(({ kind }) => kind === wanted.kind)?.settle(wanted);
      if (waitMs !== undefined && waitMs > 0) loop.soon(waitMs);
    }
  }

  /** Each policy's status asks, whenever one of them changes. */
  function isCurrent(): boolean {
    const all = wantedNow(state, served.resources);
    return all?.every((wanted) => keepers.find(({ kind }) => kind === wanted.kind)?.reason(wanted) === null) ?? false;
  }

  return {
    update: (changed) => {
      state = { ...state, ...changed };
      loop.soon(0);
    },
    check: () => loop.soon(0),
    get isCurrent() {
      return isCurrent();
    },
    trusts: (bundle) => state.caBundle === bundle && isCurrent(),
    get writes() {
      return keepers.reduce((sum, keeper) => sum + keeper.writes(), 0);
    },
    close: async () => {
      for (const { informer } of keepers) informer.close();
      served.close();
      definitions.close();
      await loop.close();
    },
  };
}

interface KeeperOptions extends WebhookControllerOptions {
  readonly kind: WantedConfiguration["kind"];
  readonly informer: Informer;
}

interface Keeper {
  /** Why something has to be written; null when nothing has. */
  reason(wanted: WantedConfiguration): string | null;
  /** Writes what is to be written; resolves to the milliseconds after which to look again. */
  settle(wanted: WantedConfiguration): Promise<number>;
  writes(): number;
}

/** The last write of one configuration. */
interface LastWrite {
  readonly atMs: number;
  readonly wanted: string;
  /** What it was made over; while the informer still gives that, it has not heard of the write. */
  readonly over: string;
  /** Before the same is written again. */
  readonly patienceMs: number;
}

const hearingMs = 5000;

function createKeeper(options: KeeperOptions): Keeper {
  const { client, informer, patienceMs: patience = { first: 1000, most: 600_000 } } = options;
  let last: LastWrite | null = null;
  let writes = 0;
  const storedAs = ({ name }: WantedConfiguration): ClusterObject | null => informer.get({ namespace: "", name });

  /** How long to wait before this may be written. */
  function waitMs(wanted: string, over: string): number {
    if (last === null) return 0;
    const sinceMs = performance.now() - last.atMs;
    if (last.over === over && sinceMs < hearingMs) return 100;
    return last.wanted === wanted ? Math.max(0, last.patienceMs - sinceMs) : 0;
  }

  /** Doubles while the same is undone again and again. */
  function nextPatience(wanted: string): number {
    const isUndone = last?.wanted === wanted && performance.now() - last.atMs < 2 * patience.most;
    return isUndone ? Math.min((last?.patienceMs ?? 0) * 2, patience.most) : patience.first;
  }

  const reason = lastOf(reasonOf);
  return {
    reason: (wanted) => reason(wanted, storedAs(wanted)),
    settle: async (wanted) => {
      const stored = storedAs(wanted);
      const because = reason(wanted, stored);
      if (because === null) return 0;
      const text = JSON.stringify(wanted.webhooks);
      const over = stringAt(stored, "metadata", "resourceVersion");
      const wait = waitMs(text, over);
      if (wait > 0) return wait;
      const patienceMs = nextPatience(text);
      await write(client, wanted, stored);
      last = { atMs: performance.now(), wanted: text, over, patienceMs };
      writes++;
      options.onWrite?.({ configuration: `${wanted.kind}/${wanted.name}`, because });
      return 0;
    },
    writes: () => writes,
  };
}

/** The same function, which remembers its last answer for the same two objects. */
function lastOf<A, B, Result>(compute: (a: A, b: B) => Result): (a: A, b: B) => Result {
  let last: { readonly a: A; readonly b: B; readonly result: Result } | null = null;
  return (a, b) => {
    if (last === null || last.a !== a || last.b !== b) last = { a, b, result: compute(a, b) };
    return last.result;
  };
}

function reasonOf(wanted: WantedConfiguration, stored: ClusterObject | null): string | null {
  if (wanted.webhooks.length === 0) return stored === null ? null : "nothing is asked for any more";
  return stored === null ? "it is not there" : difference(wanted, stored);
}

async function write(client: ClusterClient, wanted: WantedConfiguration, stored: ClusterObject | null): Promise<void> {
  const at = webhookResources[wanted.kind];
  const fieldManager = "portcullis";
  try {
    if (wanted.webhooks.length === 0) {
      await removeConfiguration(client, wanted.kind, stored);
    } else if (stored === null) {
      await client.create(at, objectOf(wanted, null), { fieldManager });
    } else {
      await client.update(at, objectOf(wanted, stored), { fieldManager });
    }
  } catch (error) {
    // Somebody was faster; the informer tells what is there now.
    if (!isConflict(error)) throw error;
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409;
}

/** Whoever it belongs to, the one that was seen is removed, and none that came after it. */
export async function removeConfiguration(
  client: ClusterClient,
  kind: WantedConfiguration["kind"],
  stored: ClusterObject | null,
): Promise<void> {
  if (stored === null) return;
  const uid = stringAt(stored, "metadata", "uid");
  try {
    const name = { namespace: "", name: String(valueAt(stored, "metadata", "name")) };
    await client.remove(webhookResources[kind], name, uid === "" ? {} : { uid });
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
  }
}
