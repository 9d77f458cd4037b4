// When the API calls of GlobalContextEntries were answered last. Kyverno asks every `refreshInterval`, whether or not a policy wants to
// know, and writes each time; we ask when a request needs it and the last answer is too old, so that what stands in the status
// is the answer that policies see. It is told at most every ten seconds, by the replica that leads.
// Kyverno: pkg/globalcontext/externalapi/entry.go updateStatus.

import { stringAt, valueAt } from "@portcullis/kube";
import { canonicalJson } from "@portcullis/policy";

export interface Refreshed {
  /** A call was answered anew. */
  note(call: unknown): void;
  /** When that of an entry was, in milliseconds since 1970; null: not yet. */
  at(entry: unknown): number | null;
  onChange(handler: () => void): void;
}

const quietMs = 10_000;

export function createRefreshed(nowMs: () => number): Refreshed {
  const times = new Map<string, number>();
  const handlers: (() => void)[] = [];
  return {
    note: (call) => {
      const key = keyOf(call);
      const lastMs = times.get(key);
      if (lastMs !== undefined && nowMs() - lastMs < quietMs) return;
      times.set(key, nowMs());
      for (const handler of handlers) handler();
    },
    at: (entry) => times.get(keyOf(valueAt(entry, "spec", "apiCall"))) ?? null,
    onChange: (handler) => {
      handlers.push(handler);
    },
  };
}

/** By which an entry and its call know each other. */
function keyOf(call: unknown): string {
  const data = valueAt(call, "data");
  return canonicalJson({
    method: stringAt(call, "method") || "GET",
    urlPath: stringAt(call, "urlPath"),
    service: valueAt(call, "service") ?? null,
    data: Array.isArray(data) ? data : [],
  });
}
