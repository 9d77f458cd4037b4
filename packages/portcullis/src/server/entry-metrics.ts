// Our own numbers about what enters a cluster beside our answers: what nobody asked us about, what a neighbour answers otherwise, and
// what the decision log keeps of it all.

import { Counter, type Registry } from "prom-client";

export interface EntryMetrics {
  /** A write entered without being asked about; `sure` unless a replica ended about then. */
  unchecked(certainty: "sure" | "possible"): void;
  /** What we would have said, and what came of it, in shadow of a neighbour. */
  compared(comparison: { readonly dialect: string; readonly ours: "allow" | "deny"; readonly stored: boolean }): void;
}

export interface DecisionMetrics {
  written(verdict: string): void;
  dropped(): void;
}

export function entryMetrics(register: Registry): EntryMetrics {
  const registers = [register];
  const unchecked = new Counter({
    name: "portcullis_unchecked_objects_total",
    help: "Objects that were written without any replica being asked about them, as the leader found afterwards; possible: a replica ended about then",
    labelNames: ["certainty"],
    registers,
  });
  const compared = new Counter({
    name: "portcullis_shadow_comparisons_total",
    help: "What we would have said in shadow of a neighbour, and whether the object was stored",
    labelNames: ["dialect", "ours", "stored"],
    registers,
  });
  // An alert on an increase needs the zero before it.
  unchecked.inc({ certainty: "sure" }, 0);
  return {
    unchecked: (certainty) => unchecked.inc({ certainty }),
    compared: ({ dialect, ours, stored }) => compared.inc({ dialect, ours, stored: String(stored) }),
  };
}

export function decisionMetrics(register: Registry): DecisionMetrics {
  const registers = [register];
  const written = new Counter({
    name: "portcullis_decision_log_records_total",
    help: "Lines of the decision log, by verdict",
    labelNames: ["verdict"],
    registers,
  });
  const dropped = new Counter({
    name: "portcullis_decision_log_dropped_total",
    help: "Lines of the decision log that were dropped, because they could not be written fast enough or at all",
    registers,
  });
  return { written: (verdict) => written.inc({ verdict }), dropped: () => dropped.inc() };
}
