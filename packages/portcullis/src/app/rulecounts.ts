// Counts what each rule of Kyverno's policies says, in the thread that evaluates them. This runs for every rule and request,
// so that counts are found by the texts that the compiled policies have anyway, level by level, and no key is put together.

import { namespaceOf, stringAt } from "@portcullis/kube";
import {
  type Decision,
  type EvaluationRequest,
  type KyvernoDetails,
  type Outcome,
  metricType,
} from "@portcullis/policy";
import { type Tally, addTo, newTally } from "../server/tally.ts";
import type { Served } from "./served.ts";
import { shortName } from "./slices.ts";

interface Counted {
  readonly served: Served;
  readonly request: EvaluationRequest;
  readonly decision: Decision;
  /** Milliseconds that a policy took, by its `shortName`. */
  readonly spentMs: (policy: string) => number;
}

export interface RuleCounts {
  add(counted: Counted): void;
  /** Takes everything that was counted. */
  take(): readonly Tally[];
}

type ByResult = Map<string, Tally>;
type ByRule = Map<string, ByResult>;
type ByPolicy = Map<string, ByRule>;

/** At most about `limit` series; what is beyond is not counted until somebody takes the counts. */
export function createRuleCounts(limit: number): RuleCounts {
  const requests = new Map<string, ByPolicy>();
  let series = 0;

  const addRule = (about: About, byRule: ByRule, { policy, rule, result, details }: Outcome, seconds: number): void => {
    const type = (details as KyvernoDetails | null)?.type ?? "";
    const byResult = below(byRule, rule);
    const key = type === "Validation" ? result : `${result} ${type}`;
    let tally = byResult.get(key);
    if (tally === undefined) {
      if (series >= limit) return;
      series++;
      tally = newTally(labelsOf(about, policy, [rule, result, metricType(type)]));
      byResult.set(key, tally);
    }
    addTo(tally, seconds);
  };

  return {
    add: ({ served, request, decision: { outcomes }, spentMs }) => {
      const about = aboutRequest(served, request);
      const key = `${about.kind}\n${about.namespace}\n${about.operation}\n${about.dryRun}`;
      if (series >= limit && !requests.has(key)) return;
      const byPolicy = below(requests, key);
      for (let from = 0; from < outcomes.length;) {
        const { policy } = outcomes[from] as Outcome;
        const to = endOfPolicy(outcomes, from);
        if (policy.dialect === "kyverno") {
          const name = shortName(policy);
          const byRule = below(byPolicy, name);
          // Shared out evenly: rules run within microseconds, and a clock around each would cost as much.
          const seconds = spentMs(name) / 1000 / (to - from);
          for (let at = from; at < to; at++) addRule(about, byRule, outcomes[at] as Outcome, seconds);
        }
        from = to;
      }
    },
    take: () => {
      const taken = [...requests.values()].flatMap((byPolicy) =>
        [...byPolicy.values()].flatMap((byRule) => [...byRule.values()].flatMap((byResult) => [...byResult.values()])),
      );
      requests.clear();
      series = 0;
      return taken;
    },
  };
}

interface About {
  readonly served: Served;
  readonly kind: string;
  readonly namespace: string;
  readonly operation: string;
  readonly dryRun: string;
}

function aboutRequest(served: Served, { object, oldObject, operation, dryRun }: EvaluationRequest): About {
  const judged = object ?? oldObject;
  return {
    served,
    kind: stringAt(judged, "kind"),
    namespace: namespaceOf(judged),
    operation: (operation ?? "").toLowerCase(),
    dryRun: String(dryRun ?? false),
  };
}

/** In the order of `resultLabels`. */
function labelsOf(
  about: About,
  policy: Outcome["policy"],
  [rule, result, type]: readonly [string, string, string],
): readonly string[] {
  const info = about.served.infos.get(shortName(policy));
  return [
    info?.mode ?? "audit",
    info?.type ?? "cluster",
    String(info?.background ?? true),
    info?.namespace ?? "-",
    policy.name,
    about.kind,
    about.namespace,
    about.operation,
    rule,
    result,
    type,
    "admission_request",
    about.dryRun,
  ];
}

function below<Inner>(map: Map<string, Map<string, Inner>>, key: string): Map<string, Inner> {
  let inner = map.get(key);
  if (inner === undefined) {
    inner = new Map();
    map.set(key, inner);
  }
  return inner;
}

function endOfPolicy(outcomes: readonly Outcome[], from: number): number {
  const { policy } = outcomes[from] as Outcome;
  let to = from + 1;
  for (; to < outcomes.length; to++) {
    const { name, namespace, kind } = (outcomes[to] as Outcome).policy;
    if (name !== policy.name || namespace !== policy.namespace || kind !== policy.kind) break;
  }
  return to;
}
