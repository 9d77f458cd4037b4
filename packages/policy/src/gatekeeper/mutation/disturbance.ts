// What one mutator's writes mean to another. Mutators are tried again until nothing changes, but one that has settled finds
// again what it left, unless another has written to what it looks at. Which others those are follows from the locations
// alone, before there is an object:
//
// - Two locations that take different fields, or different elements of one list, go different ways from there on. What they
//   share before that is only made, never taken away, and a mutator that passed would have made it itself. So only one that
//   tests whether it is there is disturbed, or one that takes all elements of a list to which the other adds one.
// - Where neither goes another way, one writes what the other passes through. Two that use one list as a set are at peace
//   when none adds what the other takes away.
// - Labels are what matches look at.

import type { ElementStep, Step } from "./location.ts";
import type { Mutator } from "./read.ts";
import { equalTrees } from "./tree.ts";

/** Whether what `writer` changes may make `other`, which has done its part, do something else. */
export function disturbs(writer: Mutator, other: Mutator): boolean {
  if (other.matcher.readsLabels && writesLabels(writer)) return true;
  const { location, conditions } = other;
  const shared = Math.min(writer.location.length, location.length);
  for (let depth = 0; depth < shared; depth++) {
    const [from, to] = [writer.location[depth] as Step, location[depth] as Step];
    if (goApart(from, to)) return false;
    if (!conditions.present(depth) || !conditions.missing(depth)) return true;
    if (isEvery(to) && !isEvery(from)) return true;
  }
  return !arePeaceful(writer, other);
}

/** Whether nothing that a location finds at this step can be what the other one finds. */
function goApart(a: Step, b: Step): boolean {
  if (a.kind === "field") return b.kind === "field" && a.name !== b.name;
  return b.kind === "element" && a.key === b.key && areOther(a.value, b.value);
}

/** Of integers only their digits are known to differ; they are rare enough to be taken for the same. */
function areOther(a: ElementStep["value"], b: ElementStep["value"]): boolean {
  return typeof a === "string" && typeof b === "string" && a !== b;
}

/** All elements of a list. */
function isEvery(step: Step): boolean {
  return step.kind === "element" && step.value === null;
}

/** Both use the same list as a set, and what one adds the other leaves there. */
function arePeaceful(writer: Mutator, other: Mutator): boolean {
  const [mine, its] = [writer.setter.set, other.setter.set];
  if (mine === undefined || its === undefined || writer.location.length !== other.location.length) return false;
  if (mine.operation === its.operation) return true;
  return !mine.values.some((value) => its.values.some((one) => equalTrees(one, value)));
}

export function writesLabels({ location: [first, second] }: Mutator): boolean {
  return first?.kind === "field" && first.name === "metadata" && second?.kind === "field" && second.name === "labels";
}

/** Whether it writes to what says which mutators there are for the object. */
export function writesKind({ location: [first] }: Mutator): boolean {
  return first?.kind === "field" && (first.name === "apiVersion" || first.name === "kind");
}

/** What a mutator does to an object that it has changed and that nobody has changed since. */
export type Settled = "applies" | "stops" | "unknown";

/**
 * A value is found where it was put, so that the mutation applies and changes nothing, or stops at a test that wants nothing
 * there. Images are put together anew, and providers may say something else; a prune may have made only the way.
 */
export function settled({ location, conditions, setter }: Mutator): Settled {
  if (!setter.settles) return "unknown";
  const stops = location.some((_, depth) => !conditions.present(depth));
  if (!stops) return "applies";
  return setter.set?.operation === "prune" ? "unknown" : "stops";
}
