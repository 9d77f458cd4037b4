// What an object will make: for each template of its kind the part of it that describes the other object, with that one's
// kind, the object's namespace, a name made of both, and the object as its owner; then mutators change it, and what it
// makes in turn comes before it. Templates that make a cycle take no part.
// Gatekeeper: pkg/expansion/{system,db}.go.

import { apiVersionOf, byCodePoints, gvkOf, member, nameOf, namespaceOf, stringAt } from "@portcullis/kube";
import { quote } from "@portcullis/lang/go";
import type { Gvk, Json } from "../../engine/request.ts";
import { accessorError } from "../gocode.ts";
import { asRecord, listAt } from "../tree.ts";
import { type ExpansionTemplate, appliesTo } from "./read.ts";

export interface Expansion {
  /** The templates that apply to a kind, by name. */
  templatesFor(gvk: Gvk): readonly ExpansionTemplate[];
}

/** Something that an object will make. */
export interface Resultant {
  readonly object: Json;
  readonly template: ExpansionTemplate;
}

/** Why an object cannot be expanded, in Gatekeeper's words. */
export class ExpansionError extends Error {
  override readonly name = "ExpansionError";
}

/** How many kinds of objects are remembered: requesters choose them. */
const remembered = 1024;

/** `templates` without those in a cycle. */
export function expansionOf(templates: readonly ExpansionTemplate[]): Expansion {
  const byName = templates.toSorted((a, b) => byCodePoints(a.name, b.name));
  const known = new Map<string, readonly ExpansionTemplate[]>();
  return {
    templatesFor: (gvk) => {
      const key = `${apiVersionOf(gvk)} ${gvk.kind}`;
      let found = known.get(key);
      if (found === undefined) {
        if (known.size >= remembered) known.clear();
        found = byName.filter((template) => appliesTo(template, gvk));
        known.set(key, found);
      }
      return found;
    },
  };
}

/** The templates that come back to themselves: each makes what the next one applies to. */
export function cyclic(templates: readonly ExpansionTemplate[]): ReadonlySet<ExpansionTemplate> {
  const next = new Map(
    templates.map((template) => [template, templates.filter((other) => appliesTo(other, template.generated))]),
  );
  return new Set(templates.filter((template) => reaches(template, template, next)));
}

function reaches(
  from: ExpansionTemplate,
  to: ExpansionTemplate,
  next: ReadonlyMap<ExpansionTemplate, readonly ExpansionTemplate[]>,
): boolean {
  const seen = new Set<ExpansionTemplate>();
  const queue = [...(next.get(from) ?? [])];
  for (let template = queue.pop(); template !== undefined; template = queue.pop()) {
    if (template === to) return true;
    if (seen.has(template)) continue;
    seen.add(template);
    queue.push(...(next.get(template) ?? []));
  }
  return false;
}

export interface Expanding {
  readonly expansion: Expansion;
  /** Of the object, for what it makes; null: what stands in the object and in its parts. */
  readonly namespace: string | null;
  /** What mutators make of a generated object. */
  readonly mutate: (object: Json) => Json;
  /** gator reads all numbers as floats. */
  readonly numbers: "unstructured" | "float64";
}

const depthMax = 30;

/** All that an object will make, what comes of that included. Throws ExpansionError. */
export function expandObject(object: Json, gvk: Gvk, expanding: Expanding): readonly Resultant[] {
  const found: Resultant[] = [];
  expandInto(found, { object, gvk, depth: 0 }, expanding);
  return found;
}

interface Base {
  readonly object: Json;
  readonly gvk: Gvk;
  readonly depth: number;
}

function expandInto(found: Resultant[], { object, gvk, depth }: Base, expanding: Expanding): void {
  if (depth >= depthMax) throw new ExpansionError(`maximum recursion depth of ${depthMax} reached`);
  if (gvk.group === "" && gvk.version === "" && gvk.kind === "") {
    throw new ExpansionError(`cannot expand resource ${nameOf(object)} with empty GVK`);
  }
  const made = expanding.expansion
    .templatesFor(gvk)
    .map((template) => ({ object: generate(object, template, expanding), template }));
  const mutated = made.map(({ object: one, template }) => ({ object: mutateOne(one, expanding), template }));
  for (const one of mutated) {
    expandInto(found, { object: one.object, gvk: gvkOf(one.object), depth: depth + 1 }, expanding);
  }
  found.push(...mutated);
}

function mutateOne(object: Json, { mutate }: Expanding): Json {
  try {
    return mutate(object);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "MutationError") throw error;
    throw new ExpansionError(`failed to mutate resultant resource ${nameOf(object)}: ${error.message}`);
  }
}

// ── one object

function generate(parent: Json, { source, generated }: ExpansionTemplate, expanding: Expanding): Json {
  const { namespace, numbers } = expanding;
  const part = partAt(parent, source, numbers);
  const kinded: Record<string, Json> = { ...part, apiVersion: apiVersionOf(generated), kind: generated.kind };
  const given = kinded["metadata"];
  const metadata = given === undefined ? {} : asRecord(given);
  // Go writes nothing below what is no object.
  if (metadata === null) return kinded;
  const named: Record<string, Json> = { ...metadata };
  setOrRemove(named, "namespace", namespace ?? (namespaceOf(parent) || stringAt(metadata, "namespace")));
  setOrRemove(named, "name", `${nameOf(parent)}${generated.kind === "" ? "" : "-"}${generated.kind}`.toLowerCase());
  const owners = ownersOf(metadata, parent);
  if (owners !== null) named["ownerReferences"] = owners;
  kinded["metadata"] = named;
  return kinded;
}

function setOrRemove(object: Record<string, Json>, key: string, value: string): void {
  if (value === "") delete object[key];
  else object[key] = value;
}

function partAt(
  parent: Json,
  source: readonly string[],
  numbers: Expanding["numbers"],
): Readonly<Record<string, Json>> {
  let value: Json = parent;
  for (const [at, step] of source.entries()) {
    if (value === null) throw notFound(parent, source);
    if (asRecord(value) === null) throw notAccessible(value, source.slice(0, at + 1), numbers);
    const next = member(value, step);
    if (next === undefined) throw notFound(parent, source);
    value = next;
  }
  return asRecord(value) ?? fail(notAccessible(value, source, numbers));
}

function fail(error: ExpansionError): never {
  throw error;
}

function notFound(parent: Json, source: readonly string[]): ExpansionError {
  return new ExpansionError(`could not find source field ${quote(source.join("."))} in resource ${nameOf(parent)}`);
}

function notAccessible(value: Json, steps: readonly string[], numbers: Expanding["numbers"]): ExpansionError {
  const field = `.${steps.join(".")}`;
  const text = accessorError({ field, value, numbers, expected: "map[string]interface{}" });
  return new ExpansionError(`could not extract source field from unstructured: ${text}`);
}

/** The owners with the parent among them; null when nothing is to be written. */
function ownersOf(metadata: Json, parent: Json): readonly Json[] | null {
  const apiVersion = stringAt(parent, "apiVersion");
  const kind = stringAt(parent, "kind");
  const name = nameOf(parent);
  if (apiVersion === "" || kind === "" || name === "") return null;
  const listed = listAt(metadata, "ownerReferences");
  const owners = listed.every((owner) => asRecord(owner) !== null) ? listed : [];
  const isOwner = (owner: Json): boolean =>
    stringAt(owner, "apiVersion") === apiVersion &&
    stringAt(owner, "kind") === kind &&
    stringAt(owner, "name") === name;
  if (owners.some(isOwner)) return null;
  return [...owners.map(ownerOf), { apiVersion, kind, name, uid: "" }];
}

/** As Go writes an OwnerReference: with an empty uid where there is none. */
function ownerOf(owner: Json): Json {
  const flags = ["controller", "blockOwnerDeletion"].flatMap((field) => {
    const value = member(owner, field);
    return typeof value === "boolean" ? [[field, value] as const] : [];
  });
  return {
    apiVersion: stringAt(owner, "apiVersion"),
    kind: stringAt(owner, "kind"),
    name: stringAt(owner, "name"),
    uid: stringAt(owner, "uid"),
    ...Object.fromEntries(flags),
  };
}
