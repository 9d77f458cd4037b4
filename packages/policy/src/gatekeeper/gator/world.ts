// The world of gator: nothing but the objects at hand. Cluster-scoped objects have an empty Namespace, and `default`
// exists without being given. Gatekeeper: pkg/gator/expand/expand.go NamespaceForResource.

import { stringAt } from "@portcullis/kube";
import type { Answer, Need, World } from "@portcullis/lang";
import type { Json } from "../../engine/request.ts";
import { snapshotOf } from "../inventory.ts";

export function gatorWorld(objects: readonly Json[], base: Omit<World, "ask">): World {
  const snapshot = snapshotOf(objects);
  const answer = (need: Need): Answer => {
    const known = snapshot.answer(need);
    if (known !== null && "value" in known) return known;
    const name = need.kind === "object" ? stringAt(need.call, "name") : null;
    if (name === "") return { value: emptyNamespace };
    if (name === "default") return { value: defaultNamespace };
    return known ?? { error: `${need.kind} ${need.key} is not among the objects` };
  };
  return { ...base, ask: (needs) => needs.map(answer) };
}

const emptyNamespace: Json = { apiVersion: "v1", kind: "Namespace", metadata: {} };
const defaultNamespace: Json = { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } };
