// Who leads: the holder of a Lease, which it renews every two seconds and loses when it has not been able to for six;
// others may take it eight seconds after its last change that they saw. (Kubernetes' own controllers take ten and fifteen: they end
// when they lose it. Here little is lost, and results of the audit wait for whoever leads.) Every write is guarded by the
// resourceVersion, so that of two who take it at once one fails. At the end it is given back.
// Behaviour: k8s.io/client-go tools/leaderelection.

import { ApiError, type ClusterClient, type ClusterObject, type LeaderElection, isNotFound } from "./api.ts";

import { createLeaseObserver, leaseSpec, leaseTime, leases, withSpec } from "./lease.ts";
import { pause } from "./retry.ts";

export interface ElectionOptions {
  readonly client: ClusterClient;
  readonly namespace: string;
  /** The Lease's name. */
  readonly name: string;
  /** Different for each replica and each of its starts. */
  readonly identity: string;
  /** 8 s when absent: others take the Lease so long after its last renewal. */
  readonly leaseMs?: number;
  /** 6 s when absent: who cannot renew for so long no longer leads. */
  readonly renewMs?: number;
  /** 2 s when absent: between two attempts. */
  readonly retryMs?: number;
  readonly onError?: (error: Error) => void;
}

interface State {
  readonly options: ElectionOptions;
  readonly handlers: Set<(isLeader: boolean) => void>;
  /** The last Lease that we know to be ours. */
  held: ClusterObject | null;
  isLeader: boolean;
  /** When we no longer lead, unless we renew before. */
  deadline: NodeJS.Timeout | null;
}

/** A write that hangs is not waited for longer at the end. */
const closeMs = 2000;

export function createElection(options: ElectionOptions): LeaderElection {
  const ending = new AbortController();
  const state: State = { options, handlers: new Set(), held: null, isLeader: false, deadline: null };
  const running = run(state, ending.signal);
  return {
    get isLeader() {
      return state.isLeader;
    },
    onChange(handler) {
      state.handlers.add(handler);
      if (state.isLeader) handler(true);
    },
    async close() {
      if (ending.signal.aborted) return;
      ending.abort();
      await Promise.race([running, pause(closeMs)]);
      const { held } = state;
      step(state, false);
      if (held !== null) await Promise.race([release(options, held), pause(closeMs)]);
    },
  };
}

async function run(state: State, signal: AbortSignal): Promise<void> {
  const { client, renewMs = 6000, retryMs = 2000, onError } = state.options;
  const observer = createLeaseObserver();
  while (!signal.aborted) {
    const startMs = performance.now();
    try {
      // oxlint-disable-next-line no-await-in-loop
      const held = await attempt(state, client, observer.isAlive);
      // An answer that took as long as we may lead without one says nothing about now.
      const leftMs = startMs + renewMs - performance.now();
      state.held = leftMs > 0 ? held : null;
      step(state, state.held !== null);
      if (state.isLeader) state.deadline = setTimeout(() => step(state, false), leftMs);
    } catch (error) {
      if (!isTaken(error)) onError?.(error instanceof Error ? error : new Error(String(error)));
    }
    // oxlint-disable-next-line no-await-in-loop
    if (!signal.aborted) await pause(retryMs * (state.isLeader ? 1 : 1 + Math.random() * 0.2), signal);
  }
}

/** Begins or ends to lead; whoever led and could not renew ends at the deadline, even while a write hangs. */
function step(state: State, isLeader: boolean): void {
  if (state.deadline !== null) clearTimeout(state.deadline);
  state.deadline = null;
  if (!isLeader) state.held = null;
  if (state.isLeader === isLeader) return;
  state.isLeader = isLeader;
  for (const handler of state.handlers) handler(isLeader);
}

function isTaken(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409;
}

/** The Lease when it is ours now; null when it is another's. Rejects when we cannot know. */
async function attempt(
  { options, held }: State,
  client: ClusterClient,
  isAlive: (lease: ClusterObject) => boolean,
): Promise<ClusterObject | null> {
  const { identity, leaseMs = 8000 } = options;
  const durationSeconds = Math.ceil(leaseMs / 1000);
  const name = { namespace: options.namespace, name: options.name };
  const now = leaseTime();
  const ours = { holder: identity, durationSeconds, renewTime: now };
  if (held !== null) {
    try {
      return await client.update(leases, withSpec(held, { ...leaseSpec(held), ...ours }));
    } catch (error) {
      // Somebody wrote it in between, or took it away: look again.
      if (!isTaken(error) && !isNotFound(error)) throw error;
    }
  }
  let lease: ClusterObject;
  try {
    lease = await client.get(leases, name);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return client.create(leases, withSpec({ metadata: name }, { ...ours, acquireTime: now, transitions: 0 }));
  }
  const spec = leaseSpec(lease);
  if (spec.holder !== identity && isAlive(lease)) return null;
  const taken =
    spec.holder === identity ? { ...spec, ...ours } : { ...ours, acquireTime: now, transitions: spec.transitions + 1 };
  return client.update(leases, withSpec(lease, taken));
}

/** Others need not wait for its end. */
async function release({ client, onError }: ElectionOptions, held: ClusterObject): Promise<void> {
  const spec = leaseSpec(held);
  try {
    await client.update(leases, withSpec(held, { ...spec, holder: "", durationSeconds: 1, renewTime: leaseTime() }));
  } catch (error) {
    if (!isTaken(error) && !isNotFound(error)) onError?.(error instanceof Error ? error : new Error(String(error)));
  }
}
