// Which policy is running: policies are wrapped where they come from, so that the engine knows nothing of it. The audit
// wants to know whose answer depends on the time or on data that nobody watches, and whoever watches over the audit's
// thread wants the name of the policy that does not come back.

import type { PolicyFrontend } from "@portcullis/policy";
import { unitOf } from "./policies.ts";

export interface Tracking {
  wrap(frontend: PolicyFrontend): PolicyFrontend;
  /** Null while none runs. */
  readonly running: () => string | null;
}

export function trackPolicies(): Tracking {
  let running: string | null = null;
  return {
    running: () => running,
    wrap: (frontend) => ({
      ...frontend,
      link: (units, catalog, profile) => {
        const linked = frontend.link(units, catalog, profile);
        const policies = linked.policies.map((policy) => {
          const unit = unitOf(policy.id);
          const evaluate: typeof policy.evaluate = (request, evaluation) => {
            running = unit;
            try {
              return policy.evaluate(request, evaluation);
            } finally {
              running = null;
            }
          };
          return { ...policy, evaluate };
        });
        return { ...linked, policies };
      },
    }),
  };
}
