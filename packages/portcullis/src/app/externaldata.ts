// Asks external data providers what policies want to know: keys of one request and one provider go in one call, and answers
// for a verdict are remembered by key for a while. What goes into an object is asked anew each time, as Gatekeeper does.
// The memory is small and bounded, in entries and in bytes; what came first is forgotten first.
// Gatekeeper: frameworks pkg/client/drivers/rego/builtin.go, pkg/mutation/system_external_data.go.

import { member, stringAt } from "@portcullis/kube";
import type { Answer, Need } from "@portcullis/lang";
import { type ExternalData, type ExternalDataCall, externalDataKind, readProviderResponse } from "@portcullis/policy";
import { clockMs } from "./clock.ts";
import { type ClientPair, type ProviderAddress, createProviderClient } from "./externaldataclient.ts";
import type { Fetchers } from "./fetch.ts";

export interface ExternalDataOptions {
  /** How long answers are remembered; 3 minutes when absent, 0 remembers nothing. */
  readonly ttlMs?: number;
  /** The certificate that the server shows to providers; it may change. */
  readonly pair?: () => ClientPair | null;
  /** Told how each request to a provider ended. */
  readonly onRequest?: (provider: string, ended: "answer" | "error") => void;
}

const defaultTtlMs = 180_000;

/** Gatekeeper's default where a Provider names no timeout. */
const defaultTimeoutMs = 5000;

export function externalDataFetchers(options: ExternalDataOptions = {}): Fetchers {
  const memory = createMemory(options.ttlMs ?? defaultTtlMs);
  const client = createProviderClient(options.pair ?? (() => null));
  const asking: Asking = { memory, client, onRequest: options.onRequest ?? (() => {}) };
  return {
    [externalDataKind]: async (needs, signal) => {
      const groups = Map.groupBy(needs, ({ call }) => groupOf(call as ExternalDataCall));
      const answers = new Map<Need, Answer>();
      const askGroup = async (group: readonly Need[]): Promise<void> => {
        const said = await askProvider(asking, group, signal);
        group.forEach((need, at) => answers.set(need, said[at] ?? { error: "nothing was fetched" }));
      };
      await Promise.all([...groups.values()].map(askGroup));
      return needs.map((need) => answers.get(need) ?? { error: "nothing was fetched" });
    },
  };
}

interface Asking {
  readonly memory: Memory;
  readonly client: ReturnType<typeof createProviderClient>;
  readonly onRequest: NonNullable<ExternalDataOptions["onRequest"]>;
}

/** What is asked of one provider for one purpose is one request. */
function groupOf({ provider, purpose, spec }: ExternalDataCall): string {
  return JSON.stringify([provider, purpose, spec?.url, spec?.timeoutSeconds, spec?.caBundle]);
}

async function askProvider(asking: Asking, needs: readonly Need[], signal: AbortSignal): Promise<readonly Answer[]> {
  const calls = needs.map(({ call }) => call as ExternalDataCall);
  const [first] = calls;
  if (first === undefined) return [];
  const { provider, purpose, spec } = first;
  if (spec === undefined) return calls.map(() => ({ value: null }));
  const memory = purpose === "validation" ? asking.memory : forgetful;
  const place = groupOf(first);
  const remembered = new Map<string, Item>();
  for (const key of new Set(calls.flatMap(({ keys }) => keys))) {
    const item = memory.get(place, key);
    if (item !== null) remembered.set(key, item);
  }
  // One call goes out as it is, with what it names twice; of several each key goes once.
  const wanted = calls.length === 1 ? first.keys : [...new Set(calls.flatMap(({ keys }) => keys))];
  const missing = wanted.filter((key) => !remembered.has(key));
  const address: ProviderAddress = { ...spec, timeoutMs: spec.timeoutSeconds * 1000 || defaultTimeoutMs };
  const fresh = missing.length === 0 ? null : await send(asking, { provider, address, keys: missing, signal });
  if (fresh !== null && "error" in fresh) {
    // A call that needed nothing of what failed is answered all the same.
    return calls.map(({ keys }) => {
      const isComplete = keys.every((key) => remembered.has(key));
      return isComplete ? { value: joined(keys, remembered, null) } : fresh;
    });
  }
  for (const item of fresh?.items ?? []) memory.set(place, item);
  return calls.map((call) => ({ value: joined(call.keys, remembered, freshFor(call, fresh, calls)) }));
}

interface Item {
  readonly key: string;
  readonly value: unknown;
  readonly error: string;
  readonly idempotent: boolean;
}

interface Fresh {
  readonly statusCode: number;
  readonly items: readonly Item[];
  readonly idempotent: boolean;
  readonly systemError: string;
}

interface Sending {
  readonly provider: string;
  readonly address: ProviderAddress;
  readonly keys: readonly string[];
  readonly signal: AbortSignal;
}

async function send({ client, onRequest }: Asking, sending: Sending): Promise<Fresh | { readonly error: string }> {
  const { provider, address, keys, signal } = sending;
  const sent = await client.send(address, keys, signal);
  const read = "error" in sent ? sent : responseOf(sent);
  onRequest(provider, "error" in read ? "error" : "answer");
  return read;
}

function responseOf({ statusCode, body }: { readonly statusCode: number; readonly body: string }) {
  const read = readProviderResponse(body);
  if ("error" in read) return { error: `failed to unmarshal external data response: ${read.error}` };
  const { response } = read;
  const idempotent = response["idempotent"] === true;
  const items = ((response["items"] ?? []) as readonly unknown[]).map((item) => ({
    key: stringAt(item, "key"),
    value: member(item, "value") ?? null,
    error: stringAt(item, "error"),
    idempotent,
  }));
  return { statusCode, items, idempotent, systemError: stringAt(response, "systemError") };
}

/** Of what a request for several calls brought: what this call asked for, as often as it did, and what nobody asked for. */
function freshFor({ keys }: ExternalDataCall, fresh: Fresh | null, calls: readonly ExternalDataCall[]): Fresh | null {
  if (fresh === null || calls.length === 1) return fresh;
  const asked = new Set(calls.flatMap((call) => call.keys));
  const own = keys.flatMap((wanted) => fresh.items.filter(({ key }) => key === wanted));
  return { ...fresh, items: [...own, ...fresh.items.filter(({ key }) => !asked.has(key))] };
}

/** What was remembered first, then what came now. Status 0 says that nobody was asked. */
function joined(keys: readonly string[], remembered: ReadonlyMap<string, Item>, fresh: Fresh | null): ExternalData {
  const old = keys.flatMap((key) => remembered.get(key) ?? []);
  const items = [...old, ...(fresh?.items ?? [])];
  return {
    statusCode: fresh?.statusCode ?? 0,
    response: {
      idempotent: items.every(({ idempotent }) => idempotent) && fresh?.idempotent !== false,
      items: items.map(({ key, value, error }) => (error === "" ? { key, value } : { key, error })),
      systemError: fresh?.systemError ?? "",
    },
  };
}

// ── what is remembered

interface Memory {
  get(place: string, key: string): Item | null;
  set(place: string, item: Item): void;
}

const forgetful: Memory = { get: () => null, set: () => {} };

interface Entry {
  readonly item: Item;
  readonly atMs: number;
  readonly bytes: number;
}

const entriesMax = 20_000;
const bytesMax = 32 * 1024 * 1024;

function createMemory(ttlMs: number): Memory {
  if (ttlMs <= 0) return forgetful;
  const entries = new Map<string, Entry>();
  let bytes = 0;
  const drop = (name: string): void => {
    bytes -= entries.get(name)?.bytes ?? 0;
    entries.delete(name);
  };
  return {
    get: (place, key) => {
      const name = `${place} ${key}`;
      const entry = entries.get(name);
      if (entry === undefined) return null;
      if (clockMs() - entry.atMs <= ttlMs) return entry.item;
      drop(name);
      return null;
    },
    set: (place, item) => {
      const name = `${place} ${item.key}`;
      drop(name);
      const size = 2 * (item.key.length + item.error.length + (JSON.stringify(item.value) ?? "").length) + 200;
      entries.set(name, { item, atMs: clockMs(), bytes: size });
      bytes += size;
      for (const oldest of entries.keys()) {
        if (entries.size <= entriesMax && bytes <= bytesMax) break;
        drop(oldest);
      }
    },
  };
}
