// Counts of the calls to the API server by verb, resource and outcome: what metrics show, and how tests hold us to "no
// write at rest". A call that was tried again counts as often as it was sent.

import type { CallSubject } from "./paths.ts";

export interface CallRecord extends CallSubject {
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number;
  readonly durationMs: number;
}

interface CallCount {
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly status: number;
  readonly count: number;
}

export interface CallTally {
  rows(): readonly CallCount[];
  /** Calls that agree with all that is said; `writes` are all verbs but get, list and watch. */
  count(like?: Partial<Omit<CallCount, "count">> & { readonly writes?: boolean }): number;
  add(record: CallRecord): void;
}

const readVerbs: ReadonlySet<string> = new Set(["get", "list", "watch"]);

export function createTally(): CallTally {
  const rows = new Map<string, { readonly row: Omit<CallCount, "count">; count: number }>();
  const all = (): readonly CallCount[] => [...rows.values()].map(({ row, count }) => ({ ...row, count }));
  return {
    rows: all,
    count({ writes, ...like } = {}) {
      const wanted = Object.entries(like);
      return all()
        .filter((row) => writes === undefined || readVerbs.has(row.verb) !== writes)
        .filter((row) => wanted.every(([key, value]) => row[key as keyof CallCount] === value))
        .reduce((sum, { count }) => sum + count, 0);
    },
    add({ verb, group, version, resource, subresource, status }) {
      const key = `${verb} ${group}/${version}/${resource}/${subresource} ${status}`;
      const known = rows.get(key);
      if (known === undefined)
        rows.set(key, { row: { verb, group, version, resource, subresource, status }, count: 1 });
      else known.count++;
    },
  };
}
