// What a bench is: a name, what it measures, and a run that gives rows. A ratio is always of one run on one machine.

export interface Bench {
  readonly name: string;
  readonly measures: string;
  readonly run: () => Promise<readonly Row[]>;
}

export interface Row {
  /** What was measured: `wall time`, `requests per second`. */
  readonly what: string;
  readonly unit: string;
  readonly ours: number;
  /** Null: the peer is not here. */
  readonly theirs: number | null;
  /** How many times better we are than the peer; null without it. */
  readonly ratio: number | null;
  readonly note?: string;
}

/** A row where less is better. */
export function less(what: string, unit: string, ours: number, theirs: number | null, note?: string): Row {
  return {
    what,
    unit,
    ours,
    theirs,
    ratio: theirs === null ? null : theirs / ours,
    ...(note !== undefined && { note }),
  };
}

/** A row where more is better. */
export function more(what: string, unit: string, ours: number, theirs: number | null, note?: string): Row {
  return {
    what,
    unit,
    ours,
    theirs,
    ratio: theirs === null ? null : ours / theirs,
    ...(note !== undefined && { note }),
  };
}
