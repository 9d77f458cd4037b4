// Which kinds of a cluster are policies, and what their status looks like. A kind is a policy when a dialect owns it or when
// it is one of a peer's whose engine is not there: those are read too, so that their status can say that nobody enforces
// them.

import type { GroupVersionKind } from "@portcullis/kube";

/** `pods`: an entry per replica under `byPod`, as Gatekeeper; `conditions`: as Kyverno. */
export type StatusForm =
  | { readonly form: "pods"; readonly uid: string; readonly errors: PodErrors; readonly says: PodSays }
  | { readonly form: "conditions"; readonly what: "policy" | "entry" | "cleanup" }
  | { readonly form: "unbuilt" }
  | { readonly form: "none" };

/** What an entry's errors name what is wrong by. */
type PodErrors = "code" | "type";
/** What an entry says of a policy without errors. */
type PodSays = "enforced" | "active" | "";

const pods = (uid: string, errors: PodErrors, says: PodSays): StatusForm => ({ form: "pods", uid, errors, says });
const none: StatusForm = { form: "none" };

/** Kinds by group; `*` is every kind of the group. Gatekeeper: apis/status; Kyverno: api/kyverno. */
const forms: ReadonlyMap<string, ReadonlyMap<string, StatusForm>> = new Map([
  ["templates.gatekeeper.sh", new Map([["ConstraintTemplate", pods("templateUID", "code", "")]])],
  ["constraints.gatekeeper.sh", new Map([["*", pods("constraintUID", "code", "enforced")]])],
  ["mutations.gatekeeper.sh", new Map([["*", pods("mutatorUID", "type", "enforced")]])],
  ["expansion.gatekeeper.sh", new Map([["ExpansionTemplate", pods("templateUID", "type", "")]])],
  ["externaldata.gatekeeper.sh", new Map([["Provider", pods("providerUID", "type", "active")]])],
  ["config.gatekeeper.sh", new Map([["Config", pods("configUID", "type", "")]])],
  ["connection.gatekeeper.sh", new Map([["Connection", pods("connectionUID", "type", "")]])],
  ["syncset.gatekeeper.sh", new Map([["SyncSet", none]])],
  [
    "kyverno.io",
    new Map<string, StatusForm>([
      ["ClusterPolicy", { form: "conditions", what: "policy" }],
      ["Policy", { form: "conditions", what: "policy" }],
      ["CleanupPolicy", { form: "conditions", what: "cleanup" }],
      ["ClusterCleanupPolicy", { form: "conditions", what: "cleanup" }],
      ["GlobalContextEntry", { form: "conditions", what: "entry" }],
      ["PolicyException", none],
    ]),
  ],
  [
    "policies.kyverno.io",
    new Map<string, StatusForm>([
      ["PolicyException", none],
      ["*", { form: "unbuilt" }],
    ]),
  ],
]);

/** Null for what is no policy. */
export function statusFormOf({ group, kind }: Pick<GroupVersionKind, "group" | "kind">): StatusForm | null {
  const kinds = forms.get(group);
  return kinds?.get(kind) ?? kinds?.get("*") ?? null;
}
