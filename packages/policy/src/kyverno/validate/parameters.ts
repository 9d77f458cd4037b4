// Parameters of a rule in CEL: one object by its name, or those that a selector finds. Of a namespaced kind they lie in the
// namespace that the reference names, or in that of the object. A policy of one namespace reads only there.
// Kyverno: pkg/admissionpolicy/utils.go CollectParams.

import {
  compileLabelSelector,
  goJson,
  guessResource,
  gvkOf,
  isObject,
  labelsOf,
  namespaceOf,
  readLabelSelector,
  stringAt,
  valueAt,
} from "@portcullis/kube";
import type { Need } from "@portcullis/lang";
import type { Gvk, Gvr, Json } from "../../engine/request.ts";
import { ask } from "../context/entries.ts";
import { Failure } from "../failure.ts";
import { listOf } from "../match/filter.ts";
import type { RuleRun } from "../rulerun.ts";
import type { Scope } from "../scope.ts";

/** `paramKind` and `paramRef`. */
export interface Parameters {
  readonly kind: Json;
  readonly reference: Json;
}

/** `namespace` is the object's. Throws Failure, Suspend. */
export function parametersOf({ scope }: RuleRun, { kind, reference }: Parameters, namespace: string): readonly Json[] {
  const gvk = gvkOf(kind);
  const known = scope.evaluation.catalog.resourceOf(gvk);
  const isClusterWide = known?.namespaced === false;
  const place = isClusterWide ? clusterWide(scope, reference) : namespaceFor(scope, reference, namespace);
  // Of a kind that is defined elsewhere whoever answers knows whether it has a namespace.
  if (place === "" && known?.namespaced === true) {
    throw new Failure("can't use namespaced paramRef to match cluster-scoped resources");
  }
  const name = stringAt(reference, "name");
  if (name !== "") return [readable(scope, ask(scope, objectNeed(gvk, place, name)))];
  const selector = valueAt(reference, "selector");
  const { group, version } = gvk;
  const resource = known?.resource ?? { group, version, resource: guessResource(gvk.kind) };
  const found = isObject(selector) ? selected(scope, gvk, listPath(resource, place), selector) : [];
  if (found.length === 0 && stringAt(reference, "parameterNotFoundAction") === "Deny") {
    throw new Failure("no params found");
  }
  return found;
}

function namespaceFor({ policyNamespace }: Scope, reference: Json, own: string): string {
  const namespace = stringAt(reference, "namespace") || own;
  if (policyNamespace !== "" && namespace !== policyNamespace) {
    throw new Failure(
      `paramRef refers to namespace ${namespace}, which is different from the policy namespace ${policyNamespace}`,
    );
  }
  return namespace;
}

function clusterWide({ policyNamespace }: Scope, reference: Json): string {
  if (stringAt(reference, "namespace") !== "") {
    throw new Failure("paramRef.namespace must not be provided for a cluster-scoped `paramKind`");
  }
  if (policyNamespace !== "") throw new Failure(notReadable);
  return "";
}

const notReadable = "paramRef refers to a cluster-wide object, which namespaced policies may not read";

function readable({ policyNamespace }: Scope, object: Json): Json {
  if (policyNamespace !== "" && namespaceOf(object) !== policyNamespace) throw new Failure(notReadable);
  return object;
}

function objectNeed({ group, version, kind }: Gvk, namespace: string, name: string): Need {
  const apiVersion = group === "" ? version : `${group}/${version}`;
  const call = { group, version, kind, namespace, name };
  return { kind: "object", key: `${apiVersion}/${kind}/${namespace}/${name}`, call };
}

function listPath({ group, version, resource }: Gvr, namespace: string): string {
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  return namespace === "" ? `${root}/${resource}` : `${root}/namespaces/${namespace}/${resource}`;
}

/** Members of a list do not say their kind. */
function selected(scope: Scope, { group, version, kind }: Gvk, urlPath: string, tree: Json): readonly Json[] {
  const selector = readLabelSelector(tree);
  const compiled = "error" in selector ? selector : compileLabelSelector(selector);
  if ("error" in compiled) throw new Failure(compiled.error);
  const call = { method: "GET", urlPath, service: null, data: [], policyNamespace: scope.policyNamespace };
  const list = ask(scope, { kind: "kyverno.apiCall", key: goJson(call), call });
  const apiVersion = group === "" ? version : `${group}/${version}`;
  return listOf(list, "items")
    .filter((item) => compiled.matches(labelsOf(item)))
    .map((item) => ({ apiVersion, kind, ...(isObject(item) ? item : {}) }));
}
