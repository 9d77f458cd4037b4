// A location says something about the schema of its kind: `spec.containers[name: x]` that containers is a list whose key
// is name, `spec.containers.x` that it is an object. For each kind and operation the locations of all mutators are laid
// over one another. Where they contradict (two types at one place, two keys for one list, a way on from where a value
// must end) all mutators that take part are left out, because what one does the other would undo.
//
// A mutator that only passes by such a place is told of it too, and still applies: so does Gatekeeper.
// Gatekeeper: pkg/mutation/schema/{node,schema}.go.

import { byCodePoints } from "@portcullis/kube";
import { bindingsOf } from "./applyto.ts";
import { type Step, stepName } from "./location.ts";
import type { Mutator } from "./read.ts";

export interface Conflicts {
  /** Mutators that are left out. */
  readonly disabled: ReadonlySet<Mutator>;
  /** What is said of a mutator; it may only pass by. */
  readonly texts: ReadonlyMap<Mutator, string>;
}

export function findConflicts(mutators: readonly Mutator[]): Conflicts {
  const roots = new Map<string, Place>();
  for (const mutator of mutators) {
    for (const binding of bindingsOf(mutator.applyTo ?? [])) {
      const root = roots.get(binding) ?? newPlace();
      roots.set(binding, root);
      add(root, mutator);
    }
  }
  const disabled = new Set<Mutator>();
  const found = new Map<Mutator, Set<Mutator>>();
  for (const root of roots.values()) collect(root, { disabled, found });
  const texts = [...found].map(([mutator, others]) => [mutator, conflictText(others)] as const);
  return { disabled, texts: new Map(texts) };
}

function conflictText(others: ReadonlySet<Mutator>): string {
  const ids = [...others].map(({ id }) => id).toSorted(byCodePoints);
  return `the following mutators have conflicting schemas: [${ids.join(",")}]`;
}

/** One place in the schema of a kind. */
interface Place {
  readonly mutators: Set<Mutator>;
  /** Those that let nothing stand below. */
  readonly ending: Set<Mutator>;
  /** By name or key, then by type: with more than one type they contradict. */
  readonly below: Map<string, Map<PlaceType, Place>>;
}

type PlaceType = Step["kind"] | Mutator["terminal"];

function newPlace(): Place {
  return { mutators: new Set(), ending: new Set(), below: new Map() };
}

function add(root: Place, mutator: Mutator): void {
  const { location, terminal, mustTerminate } = mutator;
  let place = root;
  for (const [depth, step] of location.entries()) {
    const type = location[depth + 1]?.kind ?? terminal;
    const types = place.below.get(stepName(step)) ?? new Map<PlaceType, Place>();
    place.below.set(stepName(step), types);
    place = types.get(type) ?? newPlace();
    types.set(type, place);
    place.mutators.add(mutator);
  }
  if (mustTerminate) place.ending.add(mutator);
}

interface Collecting {
  readonly disabled: Set<Mutator>;
  readonly found: Map<Mutator, Set<Mutator>>;
}

function collect(place: Place, collecting: Collecting): void {
  for (const types of place.below.values()) {
    const conflicting = conflictsAmong(types);
    for (const child of types.values()) {
      if (conflicting.size > 0) tell(child.mutators, conflicting, collecting.found);
      collect(child, collecting);
    }
    for (const mutator of conflicting) collecting.disabled.add(mutator);
  }
}

function tell(
  mutators: ReadonlySet<Mutator>,
  conflicting: ReadonlySet<Mutator>,
  found: Map<Mutator, Set<Mutator>>,
): void {
  for (const mutator of mutators) {
    const others = found.get(mutator) ?? new Set();
    found.set(mutator, others);
    for (const other of conflicting) others.add(other);
  }
}

/** The mutators that contradict at places of one name. */
function conflictsAmong(types: ReadonlyMap<PlaceType, Place>): ReadonlySet<Mutator> {
  const conflicting = new Set<Mutator>();
  const addAll = (mutators: ReadonlySet<Mutator>): void => {
    for (const mutator of mutators) conflicting.add(mutator);
  };
  const known = [...types].filter(([type]) => type !== "Unknown");
  for (const [type, place] of known) {
    if (known.length > 1 || (type === "element" && place.below.size > 1)) addAll(place.mutators);
  }
  const places = [...types.values()];
  if (places.some(({ ending }) => ending.size > 0) && places.some(({ below }) => below.size > 0)) {
    for (const place of places) {
      addAll(place.ending);
      for (const below of place.below.values()) for (const child of below.values()) addAll(child.mutators);
    }
  }
  return conflicting;
}
