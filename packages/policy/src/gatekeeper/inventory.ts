// `data.inventory`: the synchronised objects, as `cluster[groupVersion][kind][name]` and
// `namespace[namespace][groupVersion][kind][name]`. The root is there even when nothing is.
// Gatekeeper: pkg/target/target.go processUnstructured.

import { apiVersionOf, gvkOf, nameOf, namespaceOf, stringAt } from "@portcullis/kube";
import { type Answer, type Need, Suspend } from "@portcullis/lang";
import { quote } from "@portcullis/lang/go";
import type { PlainObject } from "@portcullis/rego";
import type { Evaluation, Json } from "../engine/request.ts";
import { isExternalDataAnswers, writtenAnswer } from "./externaldata/answers.ts";
import { type ExternalDataCall, externalDataKind } from "./externaldata/need.ts";

/** Asks for the whole inventory, as `inventoryOf` makes it. A snapshot that is at hand answers at once. */
export const inventoryNeed: Need = { kind: "gatekeeper.inventory", key: "", call: null };

/** The inventory as `data` of a query. Throws Suspend when it has to be fetched. */
export function inventoryData(evaluation: Evaluation): PlainObject {
  const known = evaluation.shared.get(inventoryNeed);
  if (known !== undefined) return known as PlainObject;
  const [answer] = evaluation.world.ask([inventoryNeed]);
  if (answer === undefined) throw new Suspend([inventoryNeed]);
  if ("error" in answer) throw new Error(`data.inventory: ${answer.error}`);
  const data = { inventory: answer.value } as PlainObject;
  evaluation.shared.set(inventoryNeed, data);
  return data;
}

/** A later object replaces an earlier one of the same group, version, kind, namespace and name. */
export function inventoryOf(objects: readonly Json[]): Json {
  const root: Branch = branch();
  for (const object of objects) {
    const gvk = gvkOf(object);
    if (gvk.version === "" || gvk.kind === "") continue;
    const namespace = namespaceOf(object);
    const scope = namespace === "" ? below(root, "cluster") : below(below(root, "namespace"), namespace);
    below(below(scope, apiVersionOf(gvk)), gvk.kind)[nameOf(object)] = object;
  }
  return root;
}

type Branch = Record<string, Json>;

/** Without a prototype: names come from users. */
function branch(): Branch {
  return Object.create(null) as Branch;
}

function below(parent: Branch, key: string): Branch {
  const known = parent[key];
  if (known !== undefined) return known as Branch;
  const made = branch();
  parent[key] = made;
  return made;
}

/** Answers what this dialect asks for from objects that are at hand. */
export interface Snapshot {
  answer(need: Need): Answer | null;
}

/**
 * A snapshot of objects: their Namespaces by name, all of them as the inventory, and what is written of providers' answers.
 * Null for needs of other kinds.
 */
export function snapshotOf(objects: readonly Json[]): Snapshot {
  const namespaces = new Map<string, Json>();
  for (const object of objects) {
    if (stringAt(object, "apiVersion") === "v1" && stringAt(object, "kind") === "Namespace") {
      namespaces.set(nameOf(object), object);
    }
  }
  let inventory: Json;
  return {
    answer: (need) => {
      if (need.kind === inventoryNeed.kind) {
        inventory ??= inventoryOf(objects.filter((object) => !isExternalDataAnswers(object)));
        return { value: inventory };
      }
      if (need.kind === externalDataKind) {
        const value = writtenAnswer(objects, need.call as ExternalDataCall);
        return value === null ? null : { value };
      }
      if (need.kind !== "object" || stringAt(need.call, "kind") !== "Namespace") return null;
      const name = stringAt(need.call, "name");
      const found = namespaces.get(name);
      return found === undefined ? { error: `namespaces ${quote(name)} not found` } : { value: found };
    },
  };
}
