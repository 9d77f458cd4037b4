// What Kyverno's webhooks are asked beside policies: whether they are there at all (its leader writes a Lease and looks for
// the time that the webhook put into it), whether the label for a time to live can be read, and for the defaults of a
// policy, which have been in its schema for long. Kyverno: pkg/webhooks/handlers/verify.go, pkg/webhooks/policy/handlers.go
// Mutate, cmd/cleanup-controller/handlers/admission/resource.

import { formatTime } from "@portcullis/lang/go";
import type { Answered } from "../engine/outcome.ts";
import type { PatchOperation } from "../engine/patch.ts";
import type { EvaluationRequest } from "../engine/request.ts";
import { timeToLive } from "./cleanup/ttl.ts";

export type Housekeeping = "heartbeat" | "time-to-live" | "policy-defaults";

export interface HousekeepingAnswer extends Answered {
  readonly patch: readonly PatchOperation[];
}

const silence: HousekeepingAnswer = {
  dialect: "kyverno",
  allowed: true,
  code: 200,
  reason: "",
  message: "",
  warnings: [],
  patch: [],
};

/** Never denies. `namespace` is Kyverno's own; `nowMs` is in milliseconds since 1970. */
export function housekeeping(
  what: Housekeeping,
  { name, namespace: where, object }: EvaluationRequest,
  { namespace, nowMs }: { readonly namespace: string; readonly nowMs: number },
): HousekeepingAnswer {
  if (what === "policy-defaults") return silence;
  if (what === "heartbeat") {
    if (name !== "kyverno-health" || where !== namespace) return silence;
    const path = "/metadata/annotations/kyverno.io~1last-request-time";
    return { ...silence, patch: [{ op: "replace", path, value: textOf(nowMs) }] };
  }
  const found = timeToLive(object);
  if (found === null || !("error" in found)) return silence;
  const text = `cleanup.kyverno.io/ttl label value cannot be parsed as any recognizable format (${found.error})`;
  return { ...silence, warnings: [text] };
}

function textOf(nowMs: number): string {
  const time = { seconds: Math.floor(nowMs / 1000), nanoseconds: 0, offsetSeconds: 0, abbreviation: "UTC" };
  return formatTime(time, "2006-01-02T15:04:05Z07:00");
}
