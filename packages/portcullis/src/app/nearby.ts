// Which policies the thread that answers connections may decide with itself (near.ts), as an evaluator thread sees it when it
// has read a set: Gatekeeper's mutators, whose work is bounded by the object and their number, when nothing else changes
// objects and none of them asks for anything.

import { gvkOf, valueAt } from "@portcullis/kube";
import { canonicalJson } from "@portcullis/policy";
import type { FileText } from "./compose.ts";
import type { Served } from "./served.ts";

/** Of more, a set takes the server too long to read. */
const mostMutators = 256;

const groups: ReadonlySet<string> = new Set(["mutations.gatekeeper.sh", "config.gatekeeper.sh"]);

/** The objects that mutation depends on; null when it has to be decided elsewhere. */
export function nearbyMutators({ set, mutates, infos }: Served): readonly FileText[] | null {
  const isGatekeepers = set.mutations.every(({ id }) => id.dialect === "gatekeeper");
  if (!mutates || !isGatekeepers || infos.size > 0 || set.mutations.length === 0) return null;
  const sources = set.sources.filter(({ object }) => groups.has(gvkOf(object).group));
  if (sources.length > mostMutators || sources.some(({ object }) => asks(object))) return null;
  return sources.map(({ object }, at) => ({
    file: String(at),
    role: "policies",
    text: canonicalJson(object),
    lastGood: null,
    form: "object",
  }));
}

/** For a provider's answer, or for the labels of a Namespace. */
function asks(mutator: unknown): boolean {
  const provider = valueAt(mutator, "spec", "parameters", "assign", "externalData");
  const selector = valueAt(mutator, "spec", "match", "namespaceSelector");
  return (provider ?? null) !== null || (selector ?? null) !== null;
}
