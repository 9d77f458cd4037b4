// What a policy may use when Kyverno's command line runs it: this machine's primitives, and a budget of its own, since one
// that runs away must not stop the others. Kyverno has no limit, so ours is far above what a sane policy needs.

import { builtinCatalog } from "@portcullis/kube";
import { type Answer, Budget, type Need } from "@portcullis/lang";
import type { Evaluation } from "@portcullis/policy";
import { worldNow } from "../../app/host.ts";

const policyMs = 10_000;

const catalog = builtinCatalog();

/** Makes what one policy may use, with these answers to its needs. */
export function kyvernoEvaluation(answer: (need: Need) => Answer): () => Evaluation {
  const world = worldNow(answer);
  const now = (): number => performance.now();
  return () => ({
    world,
    budget: new Budget({ deadlineMs: now() + policyMs }, now),
    catalog,
    shared: new Map(),
  });
}
