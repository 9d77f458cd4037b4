// One stored object against policies: the request that nobody made, a world that answers what policies look up, and the
// results in their shared form. What a policy asks for is answered at once where it is known; the rest is fetched and the
// decision resumed. Which policies looked at the clock, at random numbers or at data that nobody watches is remembered:
// their answers may change although nothing that the audit sees has.
//
// Gatekeeper's review of an object in its audit has no operation, user or resource (pkg/target/target.go); Kyverno's scan
// counts as CREATE (pkg/controllers/report/utils/scanner.go).

import { type Answer, Budget, type Need, Suspend, type World } from "@portcullis/lang";
import {
  type Decision,
  type EvaluationRequest,
  type Outcome,
  type PolicySet,
  type Suspended,
  unsentRequest,
} from "@portcullis/policy";
import { type AuditedPolicies, unitOf } from "./policies.ts";
import type { Result, ResultStore } from "./results.ts";

export interface ScannerOptions {
  readonly store: ResultStore;
  /** The world of one decision over what is known. */
  readonly world: (ask: (needs: readonly Need[]) => readonly Answer[]) => World;
  /** What is known without waiting; undefined: it has to be fetched. */
  readonly answer: (need: Need) => Answer | undefined;
  readonly fetch: (needs: readonly Need[]) => Promise<readonly Answer[]>;
  /** Milliseconds that the policies have for one object. */
  readonly objectMs: number;
  /** On any monotonic clock. */
  readonly nowMs: () => number;
  /** The policy that runs at this moment; null where nobody can tell. */
  readonly running?: () => string | null;
}

export interface Scanner {
  /** What these units say about the object. Never rejects. */
  scan(policies: AuditedPolicies, object: unknown, units: ReadonlySet<string>): Promise<readonly Result[]>;
  /** Units whose answers depend on more than objects and policies. */
  readonly volatile: ReadonlySet<string>;
  /** Objects that were evaluated, each with at least one policy. */
  readonly evaluations: number;
}

export function createScanner(options: ScannerOptions): Scanner {
  const volatile = new Set<string>();
  let evaluations = 0;
  return {
    volatile,
    get evaluations() {
      return evaluations;
    },
    scan: async (policies, object, units) => {
      evaluations++;
      const outcomes = await decide(options, policies.set, unsentRequest(object, "audit"), {
        units,
        onVolatile: () => {
          const running = options.running?.() ?? null;
          // Where nobody can tell which of several policies it was, all of them are asked again.
          for (const unit of running === null ? units : [running]) volatile.add(unit);
        },
      });
      const results: Result[] = [];
      for (const outcome of outcomes) {
        const unit = unitOf(outcome.policy);
        if (!units.has(unit)) continue;
        const result = options.store.keep(outcome, policies.units.get(unit));
        if (result !== null) results.push(result);
      }
      return results;
    },
  };
}

interface Asking {
  readonly units: ReadonlySet<string>;
  readonly onVolatile: () => void;
}

async function decide(
  options: ScannerOptions,
  set: PolicySet,
  request: EvaluationRequest,
  { units, onVolatile }: Asking,
): Promise<readonly Outcome[]> {
  const fetched = new Map<string, Answer>();
  const world = (): World => watched(options.world(asking(options, fetched, onVolatile)), onVolatile);
  const budget = new Budget({ deadlineMs: options.nowMs() + options.objectMs }, options.nowMs);
  const only = ({ id }: { readonly id: Outcome["policy"] }): boolean => units.has(unitOf(id));
  let decision: Decision | Suspended = set.evaluate(request, world(), budget, { phases: ["validate"], only });
  while ("needs" in decision) {
    const { needs } = decision;
    // oxlint-disable-next-line no-await-in-loop -- a decision asks for what it found out that it needs
    const answers = await options.fetch(needs);
    for (const [at, need] of needs.entries()) {
      fetched.set(keyOf(need), answers[at] ?? { error: `${need.kind} ${need.key} was not answered` });
    }
    decision = decision.resume(world());
  }
  return decision.outcomes;
}

function asking(
  { answer }: ScannerOptions,
  fetched: ReadonlyMap<string, Answer>,
  onVolatile: () => void,
): (needs: readonly Need[]) => readonly Answer[] {
  return (needs) => {
    const missing: Need[] = [];
    const answers = needs.map((need) => {
      const known = answer(need);
      if (known !== undefined) return known;
      onVolatile();
      const got = fetched.get(keyOf(need));
      if (got === undefined) missing.push(need);
      return got ?? { error: "" };
    });
    if (missing.length > 0) throw new Suspend(missing);
    return answers;
  };
}

function keyOf({ kind, key }: Need): string {
  return `${kind} ${key}`;
}

/** A world that tells when somebody looks at the clock or at random numbers. */
function watched(world: World, onVolatile: () => void): World {
  return {
    get nowMs() {
      onVolatile();
      return world.nowMs;
    },
    random: (stream) => {
      onVolatile();
      return world.random(stream);
    },
    host: world.host,
    ask: (needs) => world.ask(needs),
  };
}
