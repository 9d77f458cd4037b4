// What one mutator does to one object, compiled from the end of its location to its start: each step is a function that
// finds its field or its elements and hands them to the next, so that nothing beside the location is looked at. A step
// says `untouched` where a path test or an absent element stops it; that nothing is written there is more than that
// nothing differs, because elements and objects made on the way are then dropped.
// Gatekeeper: pkg/mutation/mutators/core/mutation_function.go.

import { Decimal, extentOf } from "@portcullis/lang";
import type { JsonRecord } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import { type GoNumbers, goType } from "../gocode.ts";
import { type ElementStep, type FieldStep, type Location, stepText } from "./location.ts";
import type { Conditions } from "./pathtest.ts";
import { type Edit, equalTrees, isMap, withElement, withField } from "./tree.ts";

/** What the value may depend on. */
export interface Subject {
  readonly name: string;
  readonly namespace: string;
  readonly username: string;
  /** How the object's numbers were read, which errors show. */
  readonly numbers: GoNumbers;
  /** Told what is changed. */
  readonly edit: Edit;
}

export const untouched = Symbol("untouched");

/**
 * The tree after the change, `untouched` where the mutation did not apply; whether anything was written says the edit,
 * because a tree of its own stays the same object. Throws MutationError.
 */
export type Change = (tree: Json, subject: Subject) => Json;

/** What a mutator puts at the end of its location. */
export interface Setter {
  /** The value of a field whose present value is given; undefined, both ways, for a field that is not there. */
  field(present: Json, subject: Subject): Json;
  /** Given what it has put there, it puts the same there again. */
  readonly settles: boolean;
  /** What it does to a list that is taken for a set. */
  readonly set?: SetOperation;
  /** The list element that is put in the place of one with its key. */
  readonly element?: Json;
}

interface SetOperation {
  readonly operation: "merge" | "prune";
  readonly values: readonly Json[];
}

/** Why an object cannot be mutated, in Gatekeeper's words. */
export class MutationError extends Error {
  override readonly name = "MutationError";
}

export function compileChange(location: Location, conditions: Conditions, setter: Setter): Change {
  if (location.length === 0) {
    return () => {
      throw new MutationError("attempting to mutate an empty target location");
    };
  }
  return compileStep(location, 0, { conditions, setter });
}

interface Compiling {
  readonly conditions: Conditions;
  readonly setter: Setter;
}

function compileStep(location: Location, depth: number, compiling: Compiling): Change {
  const step = location[depth];
  const isLast = depth === location.length - 1;
  const allowed = { present: compiling.conditions.present(depth), missing: compiling.conditions.missing(depth) };
  if (step === undefined) throw new Error("no step at this depth");
  if (step.kind === "field") {
    const next = isLast ? null : compileStep(location, depth + 1, compiling);
    const fresh: Json = location[depth + 1]?.kind === "element" ? [] : {};
    return fieldChange(step, allowed, next === null ? compiling.setter.field : below(next, fresh));
  }
  if (isLast) return replacedElement(step, allowed, compiling.setter.element);
  return elementChange(step, allowed, compileStep(location, depth + 1, compiling));
}

/** Which of both states lets a mutation go on. */
interface Allowed {
  readonly present: boolean;
  readonly missing: boolean;
}

function below(next: Change, fresh: Json): Setter["field"] {
  return (present, subject) => next(present === undefined ? fresh : present, subject);
}

function fieldChange(step: FieldStep, allowed: Allowed, value: Setter["field"]): Change {
  const name = asKey(step.name);
  // `constructor` and its like are there in every object; all other names are there when they have a value.
  const isInherited = name in Object.prototype;
  return (tree, subject) => {
    if (!isMap(tree)) throw mismatch("object", tree, { step, subject });
    const present = isInherited && !Object.hasOwn(tree, name) ? undefined : tree[name];
    if (present === undefined ? !allowed.missing : !allowed.present) return untouched;
    const changed = value(present, subject);
    if (changed === present || changed === undefined) return tree;
    return changed === untouched ? untouched : withField(tree, name, changed, subject.edit);
  };
}

/** The same name as engines keep names of fields: a part of a longer text has to be looked up each time. */
function asKey(name: string): string {
  return Object.keys({ [name]: true })[0] ?? name;
}

function elementChange(step: ElementStep, allowed: Allowed, next: Change): Change {
  const { key, value } = step;
  const fresh = value === null ? null : { [key]: value };
  return (tree, subject) => {
    if (!Array.isArray(tree)) throw mismatch("List", tree, { step, subject });
    // What must not exist is never there for all elements of a list.
    if (fresh === null && !allowed.present) return untouched;
    let elements = tree as readonly Json[];
    let isTouched = false;
    let isFound = fresh === null;
    const { budget } = subject.edit;
    for (let at = 0; at < elements.length; at++) {
      const element = elements[at];
      budget?.step();
      if (value !== null && !hasKey(element, key, value)) continue;
      if (!allowed.present) return untouched;
      isFound = true;
      const after = next(element, subject);
      if (after === untouched) continue;
      isTouched = true;
      elements = withElement(elements, at, after, subject.edit);
    }
    if (isFound) return isTouched ? elements : untouched;
    if (!allowed.missing) return untouched;
    const added = next(fresh, subject);
    return added === untouched ? untouched : withElement(elements, elements.length, added, subject.edit);
  };
}

function replacedElement(step: ElementStep, allowed: Allowed, element: Json): Change {
  const { key, value } = step;
  const extent = extentOf(element);
  return (tree, subject) => {
    if (!Array.isArray(tree)) throw mismatch("List", tree, { step, subject });
    if (element === undefined) throw new MutationError("mutator does not understand keyed lists");
    subject.edit.budget?.output(extent);
    const elements = tree as readonly Json[];
    for (const [at, present] of elements.entries()) {
      if (!isMap(present)) {
        throw new MutationError(
          `cast error, unable to case ${goType(present, subject.numbers)} to map[string]interface{}`,
        );
      }
      if (value === null || !hasKey(present, key, value)) continue;
      if (!allowed.present) return untouched;
      return equalTrees(present, element) ? elements : withElement(elements, at, element, subject.edit);
    }
    return allowed.missing ? withElement(elements, elements.length, element, subject.edit) : untouched;
  };
}

function hasKey(element: Json, key: string, value: NonNullable<ElementStep["value"]>): element is JsonRecord {
  if (!isMap(element) || !Object.hasOwn(element, key)) return false;
  const present = element[key];
  if (present === value) return true;
  return present instanceof Decimal && value instanceof Decimal && present.text === value.text;
}

interface At {
  readonly step: FieldStep | ElementStep;
  readonly subject: Subject;
}

function mismatch(wanted: "object" | "List", tree: Json, { step, subject }: At): MutationError {
  const got = `received object (type: ${goType(tree, subject.numbers)})`;
  return new MutationError(`mismatch between path entry (type: ${wanted}) and ${got}. Path: ${stepText(step)}`);
}
