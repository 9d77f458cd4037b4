// What a policy may use when Kyverno's command line runs it: this machine's primitives, and a budget of its own, since one
// that runs away must not stop the others. Kyverno has no limit, so ours is far above what a sane policy needs.

import { builtinCatalog } from "@portcullis/kube";
import { type Answer, Budget, type Need } from "@portcullis/lang";
import type { Evaluation } from "@portcullis/policy";
import { worldNow } from "../../app/host.ts";

const policyMs = 10_000;

const catalog = builtinCatalog();

/** Milliseconds. Where `performance` is asked first, Node loads a good deal of modules. */
function clock(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** Makes what one policy may use, with these answers to its needs. Tests may set the time, in milliseconds since 1970. */
export function kyvernoEvaluation(answer: (need: Need) => Answer, nowMs?: number): () => Evaluation {
  const now = worldNow(answer);
  const world = nowMs === undefined ? now : { ...now, nowMs };
  return () => ({
    world,
    budget: new Budget({ deadlineMs: clock() + policyMs }, clock),
    catalog,
    shared: new Map(),
  });
}
