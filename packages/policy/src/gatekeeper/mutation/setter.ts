// What the four kinds put at the end of their location: a value, a value from the object's metadata or from a provider,
// a list with more or fewer elements, an image with other parts. Equal values are left as they are.
// Gatekeeper: pkg/mutation/mutators/{core/setter,modifyset/modify_set_mutator,assignimage/assignimage_mutator}.go.

import { type Budget, extentOf } from "@portcullis/lang";
import type { Json } from "../../engine/request.ts";
import { type GoNumbers, goText, goType } from "../gocode.ts";
import { MutationError, type Setter } from "./change.ts";
import { type ImageParts, assignImage } from "./image.ts";
import { Placeholder, type ProviderRef, equalTrees } from "./tree.ts";

export function valueSetter(value: Json): Setter {
  const extent = extentOf(value);
  const field: Setter["field"] = (present, { edit }) => {
    if (equalTrees(present, value)) return present;
    edit.budget?.output(extent);
    return value;
  };
  return { settles: true, field, element: value };
}

export function metadataSetter(field: "name" | "namespace"): Setter {
  return { settles: true, field: (_present, subject) => subject[field] };
}

/** The value that is there becomes the provider's key, whatever the data source; a user name where there is none. */
export function providerSetter(ref: ProviderRef): Setter {
  return {
    settles: false,
    field: (present, { username, numbers, edit }) => {
      edit.asks = true;
      if (present instanceof Placeholder) return kept(present, new Placeholder(ref, present.key));
      if (typeof present === "string") return new Placeholder(ref, present);
      if (present === undefined) return new Placeholder(ref, ref.dataSource === "Username" ? username : "");
      const got = `got ${goText(present, numbers)} (${goType(present, numbers)})`;
      throw new MutationError(`value assigned to external data placeholder is not a string, ${got}`);
    },
  };
}

export function imageSetter(parts: ImageParts): Setter {
  const assign = remembering((image) => assignImage(image, parts));
  return {
    settles: false,
    field: (present) => {
      if (present === undefined || typeof present === "string") return assign(present ?? "");
      // Gatekeeper prints the string that it could not get.
      throw new MutationError("expected value at AssignImage location to be a string, got  of type string");
    },
  };
}

/** The same images come again and again, each several times in one mutation; whoever sends objects chooses them. */
function remembering(assign: (image: string) => string): (image: string) => string {
  const known = new Map<string, string>();
  return (image) => {
    const before = known.get(image);
    if (before !== undefined) return before;
    const after = assign(image);
    if (known.size >= mostImages) known.clear();
    if (image.length <= longestImage) known.set(image, after);
    return after;
  };
}

const mostImages = 256;
const longestImage = 256;

/** An operation that nobody knows, which only gator takes, fails when an object is mutated. */
export function setSetter(operation: string, values: readonly Json[]): Setter {
  if (operation === "merge" || operation === "prune") {
    const change = operation === "merge" ? merged : pruned;
    const set: SetValues = { values, extent: extentOf(values) };
    return {
      settles: true,
      set: { operation, values },
      field: (present, { numbers, edit }) => change(present, set, { numbers, budget: edit.budget }),
    };
  }
  return {
    settles: false,
    field: () => {
      throw new MutationError(`unrecognized operation for modifyset: ${operation}`);
    },
  };
}

interface SetValues {
  readonly values: readonly Json[];
  readonly extent: number;
}

interface Using {
  readonly numbers: GoNumbers;
  readonly budget: Budget | null;
}

function merged(present: Json, { values, extent }: SetValues, { numbers, budget }: Using): Json {
  if (present === undefined) {
    budget?.output(extent);
    return values;
  }
  const elements = setOf(present, numbers);
  let more: Json[] | null = null;
  for (const value of values) {
    const all = more ?? elements;
    budget?.step(all.length);
    if (!all.some((other) => equalTrees(other, value))) (more ??= [...elements]).push(value);
  }
  if (more !== null) budget?.output(extent + 8 * more.length);
  return more ?? present;
}

/** Stays absent, and what was made on the way to it stays: Gatekeeper counts that as done. */
function pruned(present: Json, { values }: SetValues, { numbers, budget }: Using): Json {
  if (present === undefined) return undefined;
  const elements = setOf(present, numbers);
  const left = elements.filter((element) => {
    budget?.step(values.length);
    return !values.some((value) => equalTrees(value, element));
  });
  return left.length === elements.length ? present : left;
}

function setOf(present: Json, numbers: GoNumbers): readonly Json[] {
  if (Array.isArray(present)) return present as readonly Json[];
  const text = present instanceof Placeholder ? present.key : goText(present, numbers);
  throw new MutationError(`${text} is not a list of values, cannot treat it as a set`);
}

function kept(present: Json, value: Json): Json {
  return equalTrees(present, value) ? present : value;
}
