// Traces that Gatekeeper's Config asks for: of the requests of one user about one kind, how each constraint came to its
// answer goes to the log. The policies are compiled once more for that, with tracing, so such a request takes long and is
// answered in the slow lane. Gatekeeper: pkg/webhook/common.go tracingLevel, policy.go review.

import type { Catalog, EvaluationRequest, PolicySet } from "@portcullis/policy";
import { type Answer, Budget, type Need, Suspend, type World } from "@portcullis/lang";
import { configOf, explainRequest, traceFor } from "@portcullis/policy";
import { clockMs } from "./clock.ts";
import { loadCode } from "./host.ts";

export interface Tracing {
  /** Whether a request is to be traced. */
  wants(set: PolicySet, request: EvaluationRequest): boolean;
  /** The trace, in JSON, and where the Config asks for it, all policies. */
  texts(set: PolicySet, request: EvaluationRequest, world: World): readonly string[];
}

/** How long a trace may take. */
const traceMs = 5000;

export function createTracing(namespace: string, catalog: Catalog): Tracing {
  const wanted = (set: PolicySet, request: EvaluationRequest): ReturnType<typeof traceFor> => {
    const config = configOf(set, namespace);
    return config === null ? null : traceFor(config, request);
  };
  return {
    wants: (set, request) => wanted(set, request) !== null,
    texts: (set, request, world) => {
      const sources = set.sources.filter(({ object }) => isTraced(object));
      const explained = explainRequest(sources, request, {
        load: loadCode,
        world,
        ask: (needs) => needs.map((need) => answerTo(need, world)),
        budget: () => new Budget({ deadlineMs: clockMs() + traceMs }, clockMs),
        catalog,
      });
      const trace = JSON.stringify({ trace: explained }, withoutSpans);
      const isDumped = wanted(set, request)?.dump === true;
      return isDumped ? [trace, JSON.stringify({ dump: sources.map(({ object }) => object) })] : [trace];
    },
  };
}

/** Other kinds have nothing to trace. */
function isTraced(object: unknown): boolean {
  const { apiVersion } = object as { readonly apiVersion?: unknown };
  return typeof apiVersion === "string" && /^(?:templates|constraints)\.gatekeeper\.sh\//.test(apiVersion);
}

function answerTo(need: Need, world: World): Answer {
  try {
    return world.ask([need])[0] ?? { error: "not known" };
  } catch (error) {
    if (error instanceof Suspend) return { error: "not known" };
    throw error;
  }
}

/** Their places are in texts that are not the log's. */
function withoutSpans(key: string, value: unknown): unknown {
  return key === "span" ? undefined : value;
}
