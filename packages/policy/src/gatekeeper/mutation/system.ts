// All mutators on one object, until nothing changes any more: in the order of kind and name, again and again, at most
// once more than there are mutators. A mutator sees what the ones before it left. For each kind of object the mutators
// that can apply to it are looked up once.
// Gatekeeper: pkg/mutation/system.go.

import { apiVersionOf, generateNameOf, gvkOf, labelsOf, member, nameOf } from "@portcullis/kube";
import type { Gvk, Json, Operation } from "../../engine/request.ts";
import type { Subject as MatchSubject } from "../constraint/match.ts";
import type { GoNumbers } from "../gocode.ts";
import { type Candidate, type KnownNamespace, candidate } from "../review.ts";
import { appliesTo } from "./applyto.ts";
import { MutationError, type Subject, untouched } from "./change.ts";
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

/** `mutators` in their order, without those that are disabled; `count` with them. */
export function mutationSystem(mutators: readonly Mutator[], count: number): MutationSystem {
  const plans = new Map<string, readonly Planned[]>();
  const planFor: PlanFor = (gvk, operation) => {
    const key = `${gvk.group}/${gvk.version} ${gvk.kind} ${operation ?? ""}`;
    let plan = plans.get(key);
    if (plan === undefined) {
      if (plans.size >= remembered) plans.clear();
      plan = mutators
        .map((mutator, order) => ({ mutator, order }))
        .filter(({ mutator }) => mutator.applyTo === null || appliesTo(mutator.applyTo, gvk, operation));
      plans.set(key, plan);
    }
    return plan;
  };
  return {
    mutate: (mutable, uuid, charge) => {
      const passes: (readonly Mutator[])[] = [];
      const edit = newEdit();
      let object = mutable.object;
      // A pass is a function of the object: one that was there before will come again and again.
      let earlier = object;
      for (let pass = 0; pass <= count; pass++) {
        const appliedNow: Mutator[] = [];
        // What the last pass made is compared with: this one makes its own.
        edit.made = new Set();
        const after = onePass(object, { mutable, planFor, uuid, charge, applied: appliedNow, edit });
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

interface Planned {
  readonly mutator: Mutator;
  readonly order: number;
}

type PlanFor = (gvk: Gvk, operation: Operation | null) => readonly Planned[];

interface Pass {
  readonly mutable: Mutable;
  readonly planFor: PlanFor;
  readonly uuid: () => string;
  readonly charge: Charge;
  readonly applied: Mutator[];
  readonly edit: Edit;
}

function onePass(start: Json, { mutable, planFor, uuid, charge, applied, edit }: Pass): Json {
  let object = start;
  let seen = view(object, mutable, edit);
  let plan = planFor(seen.gvk, mutable.operation);
  for (let at = 0; at < plan.length; at++) {
    charge();
    const { mutator, order } = plan[at] as Planned;
    const matches = matchOf(mutator, seen, mutable);
    if (matches === false) continue;
    if (matches !== true) {
      const about = describe(object, mutable.namespace);
      throw new MutationError(`matching for mutator ${mutator.id} failed for ${about}: ${matches}`);
    }
    edit.changed = false;
    const after = change(mutator, { object, subject: seen.subject, mutable, uuid });
    if (after === untouched) continue;
    applied.push(mutator);
    if (!edit.changed) continue;
    object = after;
    if (!changesView(mutator)) continue;
    const { gvk } = seen;
    seen = view(object, mutable, edit);
    if (sameKind(gvk, seen.gvk)) continue;
    // Another kind, and so other mutators: those that come after this one.
    plan = planFor(seen.gvk, mutable.operation);
    at = plan.findLastIndex((planned) => planned.order <= order);
  }
  return object;
}

interface Changing {
  readonly object: Json;
  readonly subject: Subject;
  readonly mutable: Mutable;
  readonly uuid: () => string;
}

function change(mutator: Mutator, { object, subject, mutable, uuid }: Changing): Json {
  try {
    return mutator.change(object, subject);
  } catch (error) {
    if (!(error instanceof MutationError)) throw error;
    const about = describe(object, mutable.namespace);
    throw new MutationError(`mutation ${uuid()} for mutator ${mutator.id} failed for ${about}: ${error.message}`);
  }
}

/** What mutators and their matches see of an object. */
interface View {
  readonly gvk: Gvk;
  readonly candidate: Candidate;
  readonly subject: Subject;
  /** What matches have said of it, by `matchKey`: the mutators of a team mostly have one and the same. */
  readonly matches: Map<string, boolean | string>;
}

function view(object: Json, { namespace, username, numbers }: Mutable, edit: Edit): View {
  return {
    gvk: gvkOf(object),
    candidate: { ...candidate(object), namespace },
    subject: { name: nameOf(object), namespace, username, numbers, edit },
    matches: new Map(),
  };
}

/** Whether a mutator writes to what others match on. */
function changesView({ location: [first] }: Mutator): boolean {
  return first?.kind === "field" && ["metadata", "apiVersion", "kind"].includes(first.name);
}

function sameKind(a: Gvk, b: Gvk): boolean {
  return a.kind === b.kind && apiVersionOf(a) === apiVersionOf(b);
}

function matchOf(
  { matcher, matchKey }: Mutator,
  { candidate: object, matches }: View,
  mutable: Mutable,
): boolean | string {
  const known = matches.get(matchKey);
  if (known !== undefined) return known;
  const namespace = mutable.namespaceObject(matcher.readsNamespace);
  const result = matcher.test({ object, namespace, source: mutable.source });
  matches.set(matchKey, result);
  return result;
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
