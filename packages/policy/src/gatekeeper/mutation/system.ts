// All mutators on one object, until nothing changes any more: in the order of kind and name, again and again, at most
// once more than there are mutators. A mutator sees what the ones before it left. For each kind of object the mutators
// that can apply to it are looked up once. After its first time a mutator is tried again only when something was written
// that it looks at (disturbance.ts); of the others it is known what they would say.
// Gatekeeper: pkg/mutation/system.go.

import { apiVersionOf, generateNameOf, gvkOf, labelsOf, member, nameOf } from "@portcullis/kube";
import type { Budget } from "@portcullis/lang";
import type { Gvk, Json, Operation } from "../../engine/request.ts";
import type { Subject as MatchSubject } from "../constraint/match.ts";
import type { GoNumbers } from "../gocode.ts";
import { type Candidate, type KnownNamespace, candidate } from "../review.ts";
import { appliesTo } from "./applyto.ts";
import { MutationError, type Subject, untouched } from "./change.ts";
import { type Settled, disturbs, settled, writesKind, writesLabels } from "./disturbance.ts";
import type { Mutator } from "./read.ts";
import { type Edit, equalTrees, isMap, newEdit, withField } from "./tree.ts";

/** An object on its way through the mutators. */
interface Mutable {
  readonly object: Json;
  readonly operation: Operation | null;
  /** Of the request; it stands for the object's own. */
  readonly namespace: string;
  /** Its Namespace; it need not be looked up for a mutator that does not select by its labels. */
  readonly namespaceObject: (isSelected: boolean) => KnownNamespace | null;
  readonly username: string;
  readonly source: MatchSubject["source"];
  readonly numbers: GoNumbers;
  /** Charged for what mutators look at and write; nothing is when absent. */
  readonly budget?: Budget;
}

interface Mutated {
  /** With placeholders; the same object when nothing changed. */
  readonly object: Json;
  /** Mutators that applied, in the order of their first time; empty when nothing changed. */
  readonly applied: readonly Mutator[];
  /** What applied in each pass that changed something. */
  readonly passes: readonly (readonly Mutator[])[];
  /** Whether there may be placeholders in it. */
  readonly asks: boolean;
}

/** How often mutators are tried, for a budget. */
type Charge = () => void;

export interface MutationSystem {
  /** Throws MutationError. `uuid` names this mutation in errors. */
  mutate(mutable: Mutable, uuid: () => string, charge: Charge): Mutated;
}

/** How many kinds of objects are remembered: requesters choose them. */
const remembered = 1024;

/** Of more mutators than this nobody works out what each means to the others. */
const mostCompared = 512;

/**
 * `mutators` in their order, without those that are disabled; `count` with them. Where `compares` is false, all are tried in
 * every pass.
 */
export function mutationSystem(
  mutators: readonly Mutator[],
  count: number,
  compares: boolean = mutators.length <= mostCompared,
): MutationSystem {
  const all = compared(mutators, compares && !mutators.some(writesKind));
  const planFor = planner(all);
  return {
    mutate: (mutable, uuid, charge) => {
      const passes: (readonly Mutator[])[] = [];
      const edit = newEdit(mutable.budget);
      const trying: Trying = { mutable, planFor, uuid, charge, edit, ...newState(all.length) };
      let object = mutable.object;
      // A pass is a function of the object: one that was there before will come again and again.
      let earlier = object;
      for (let pass = 0; pass <= count; pass++) {
        const appliedNow: Mutator[] = [];
        // What the last pass made is compared with: this one makes its own.
        edit.made = new Set();
        const after = onePass(object, trying, appliedNow);
        if (after === object || equalTrees(after, object)) {
          // Gatekeeper's objects are equal too, where one mutator undid what another had done.
          return { object, applied: [...new Set(passes.flat())], passes, asks: edit.asks };
        }
        passes.push(appliedNow);
        // It is not equal to the one before, which may be the earlier one.
        const isNew = object === earlier || !equalTrees(after, earlier);
        object = after;
        if (!isNew) break;
        if ((pass & (pass + 1)) === 0) earlier = object;
      }
      const about = describe(object, mutable.namespace);
      throw new MutationError(`mutation not converging: mutation ${uuid()} not converging for ${about}`);
    },
  };
}

/** A mutator and what is known about it among all. */
interface Planned {
  readonly mutator: Mutator;
  readonly order: number;
  /** The same for equal matches: the mutators of a team mostly have one and the same. */
  readonly match: number;
  /** What it does to an object that it has changed; "unknown" also where it is tried in every pass. */
  readonly settled: Settled;
  /** Whether matches of others, or the choice of the others, look at what it writes. */
  readonly changesView: boolean;
  /** By order, those that have to be tried again when it has changed something. */
  readonly disturbs: () => readonly number[];
}

function compared(mutators: readonly Mutator[], compares: boolean): readonly Planned[] {
  const matches = new Map<string, number>();
  const everything = mutators.map((_, order) => order);
  const areLabelsRead = mutators.some(({ matcher }) => matcher.readsLabels);
  return mutators.map((mutator, order) => {
    const match = matches.get(mutator.matchKey) ?? matches.size;
    matches.set(mutator.matchKey, match);
    let disturbed: readonly number[] | null = compares ? null : everything;
    return {
      mutator,
      order,
      match,
      settled: settled(mutator),
      changesView: writesKind(mutator) || (areLabelsRead && writesLabels(mutator)),
      disturbs: () => (disturbed ??= disturbedBy(mutator, mutators)),
    };
  });
}

/** Those that have to be tried again; the mutator itself is not one of them. */
function disturbedBy(writer: Mutator, mutators: readonly Mutator[]): readonly number[] {
  return mutators.flatMap((other, order) => (other !== writer && disturbs(writer, other) ? [order] : []));
}

type PlanFor = (gvk: Gvk, operation: Operation | null) => readonly Planned[];

function planner(all: readonly Planned[]): PlanFor {
  const plans = new Map<string, readonly Planned[]>();
  return (gvk, operation) => {
    const key = `${gvk.group}/${gvk.version} ${gvk.kind} ${operation ?? ""}`;
    let plan = plans.get(key);
    if (plan === undefined) {
      if (plans.size >= remembered) plans.clear();
      plan = all.filter(({ mutator }) => mutator.applyTo === null || appliesTo(mutator.applyTo, gvk, operation));
      plans.set(key, plan);
    }
    return plan;
  };
}

/** One object's way through all passes. */
interface Trying {
  readonly mutable: Mutable;
  readonly planFor: PlanFor;
  readonly uuid: () => string;
  readonly charge: Charge;
  readonly edit: Edit;
  /** By order, 1: it has to be tried, because it was not yet or something was written that it looks at. */
  readonly due: Uint8Array;
  /** By order, 1: tried on what it left, it applies. */
  readonly applies: Uint8Array;
}

function newState(count: number): Pick<Trying, "due" | "applies"> {
  return { due: new Uint8Array(count).fill(1), applies: new Uint8Array(count) };
}

/** Those that are not due would change nothing: they only say whether they apply. */
function onePass(start: Json, trying: Trying, applied: Mutator[]): Json {
  const { mutable, planFor, due, applies, edit } = trying;
  let object = start;
  let seen = view(object, mutable, edit);
  let plan = planFor(seen.gvk, mutable.operation);
  for (let at = 0; at < plan.length; at++) {
    const one = plan[at] as Planned;
    const { mutator, order } = one;
    if (due[order] === 1) {
      due[order] = 0;
      const after = tryOne(one, { object, seen, trying });
      applies[order] = after === untouched ? 0 : 1;
      if (after !== untouched && edit.changed) {
        object = after;
        noteChange(one, trying);
        applied.push(mutator);
        if (!one.changesView) continue;
        const { gvk } = seen;
        seen = view(object, mutable, edit);
        if (sameKind(gvk, seen.gvk)) continue;
        // Another kind, and so other mutators: those that come after this one.
        plan = planFor(seen.gvk, mutable.operation);
        at = plan.findLastIndex((planned) => planned.order <= order);
        continue;
      }
    }
    if (applies[order] === 1) applied.push(mutator);
  }
  return object;
}

/** What became of the object; untouched where the mutator does not match, or does not apply. */
function tryOne(
  { mutator, match }: Planned,
  {
    object,
    seen,
    trying: { mutable, uuid, charge, edit },
  }: { readonly object: Json; readonly seen: View; readonly trying: Trying },
): Json {
  charge();
  const matches = (seen.matches[match] ??= matchOf(mutator, seen, mutable));
  if (matches === false) return untouched;
  if (matches !== true) {
    const about = describe(object, mutable.namespace);
    throw new MutationError(`matching for mutator ${mutator.id} failed for ${about}: ${matches}`);
  }
  edit.changed = false;
  return change(mutator, { object, subject: seen.subject, mutable, uuid });
}

/** It has changed the object: who has to be tried again, and what it does itself next time. */
function noteChange({ order, settled: next, disturbs: disturbed }: Planned, { due, applies }: Trying): void {
  if (next === "unknown") due[order] = 1;
  applies[order] = next === "stops" ? 0 : 1;
  for (const other of disturbed()) due[other] = 1;
}

interface Changing {
  readonly object: Json;
  readonly subject: Subject;
  readonly mutable: Mutable;
  readonly uuid: () => string;
}

function change(mutator: Mutator, changing: Changing): Json {
  const { object, subject, mutable, uuid } = changing;
  try {
    return mutator.change(object, subject);
  } catch (error) {
    if (!(error instanceof MutationError)) throw error;
    const about = describe(object, mutable.namespace);
    const text = numbersNamed(error.message, mutator, changing);
    throw new MutationError(`mutation ${uuid()} for mutator ${mutator.id} failed for ${about}: ${text}`);
  }
}

/** Errors show the types of numbers: the object's own integers are integers, those that mutators assigned are floats. */
function numbersNamed(text: string, mutator: Mutator, { object, subject, mutable }: Changing): string {
  const asFloats = failureOf(mutator, object, { ...subject, numbers: "float64" });
  const isOwn = asFloats === text || failureOf(mutator, mutable.object, subject) === text;
  return isOwn ? text : asFloats;
}

function failureOf(mutator: Mutator, object: Json, subject: Subject): string {
  try {
    mutator.change(object, { ...subject, edit: newEdit() });
    return "";
  } catch (error) {
    if (error instanceof MutationError) return error.message;
    throw error;
  }
}

/** What mutators and their matches see of an object. */
interface View {
  readonly gvk: Gvk;
  readonly candidate: Candidate;
  readonly subject: Subject;
  /** What matches have said of it, by `Planned.match`. */
  readonly matches: (boolean | string | undefined)[];
}

function view(object: Json, { namespace, username, numbers }: Mutable, edit: Edit): View {
  return {
    gvk: gvkOf(object),
    candidate: { ...candidate(object), namespace },
    subject: { name: nameOf(object), namespace, username, numbers, edit },
    matches: [],
  };
}

function sameKind(a: Gvk, b: Gvk): boolean {
  return a.kind === b.kind && apiVersionOf(a) === apiVersionOf(b);
}

function matchOf({ matcher }: Mutator, { candidate: object }: View, mutable: Mutable): boolean | string {
  const namespace = mutable.namespaceObject(matcher.readsNamespace);
  return matcher.test({ object, namespace, source: mutable.source });
}

/** `group Kind namespace name`, as errors name an object. */
function describe(object: Json, namespace: string): string {
  const { group, kind } = gvkOf(object);
  return `${group} ${kind} ${namespace} ${nameOf(object) || generateNameOf(object)}`;
}

// ── annotations

/** The object with annotations that say what changed it. */
export function annotated(object: Json, applied: readonly Mutator[], uuid: string): Json {
  if (!isMap(object)) return object;
  const metadata = member(object, "metadata");
  const annotations = isMap(metadata) ? member(metadata, "annotations") : undefined;
  const labels = [...new Set(applied.map(({ label }) => label))].toSorted();
  const added = {
    ...(isMap(annotations) ? stringsOnly(annotations) : {}),
    "gatekeeper.sh/mutations": labels.join(", "),
    "gatekeeper.sh/mutation-id": uuid,
  };
  const edit = newEdit();
  const described = withField(isMap(metadata) ? metadata : {}, "annotations", added, edit);
  return withField(object, "metadata", described, edit);
}

/** Annotations that are not all strings read as none, as in Go. */
function stringsOnly(annotations: Readonly<Record<string, Json>>): Readonly<Record<string, string>> {
  return labelsOf({ metadata: { labels: annotations } });
}
