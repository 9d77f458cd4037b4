// One answered admission request, as the decision log keeps it: who asked for what, which policies decided and what they said, and
// how long it took. Nothing of the object is in it but its names and the paths of what was changed.

/** What is known where the decision is made. */
export interface Decided {
  readonly uid: string;
  /** The question: validate, mutate, policy, label … */
  readonly webhook: string;
  /** "" where the request could not be read; so are the next ones. */
  readonly operation: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** The name, a hash of it, or "". */
  readonly user: string;
  readonly dryRun: boolean;
  readonly verdict: Verdict;
  readonly code: number;
  /** Those that had something to say, or changed the object. */
  readonly policies: readonly DecidingPolicy[];
  /** Policies that said something and are too many to be listed. */
  readonly more?: number;
  /** What no policy said: why the request could not be decided. */
  readonly message?: string;
  /** Paths (RFC 6901) of what was changed in the object. */
  readonly mutated?: readonly string[];
  /** The digest of the policy set. */
  readonly policySet: string;
}

/** `warn`: allowed with a warning; `error`: refused because it could not be decided. */
export type Verdict = "allow" | "warn" | "deny" | "error";

export interface DecidingPolicy {
  /** `Kind/name`, with the namespace between them where there is one. */
  readonly policy: string;
  readonly rule?: string;
  readonly result: string;
  /** The users' word: deny, dryrun, Enforce … */
  readonly action?: string;
  readonly message?: string;
}

/** A line of the log. */
export interface DecisionLine extends Decided {
  /** ISO 8601. */
  readonly time: string;
  readonly replica: string;
  readonly durationMs: number;
  /** A neighbour answers such requests, and ours were let through. */
  readonly shadow?: true;
}

/** A request that was answered before anybody could read it, or not in time. */
export function failedDecision(uid: string, code: number, message: string): Decided {
  return {
    uid,
    webhook: "",
    operation: "",
    group: "",
    version: "",
    kind: "",
    subresource: "",
    namespace: "",
    name: "",
    user: "",
    dryRun: false,
    verdict: "error",
    code,
    policies: [],
    message,
    policySet: "",
  };
}

/** A write that a reply lets through, by which it is known again when it is stored (controllers/entries/note.ts). */
export interface EntryNote {
  /** Whose policies were asked. */
  readonly dialects: readonly ("gatekeeper" | "kyverno")[];
  readonly uid: string;
  readonly at: string;
  readonly group: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}
