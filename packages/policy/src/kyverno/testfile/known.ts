// Which kinds Kyverno's command line knows the schemas of: Kubernetes' own and most of Kyverno's. Documents of others are
// passed over, where those of a known kind that is no policy end the load of their file, unless they are not valid: then they
// are passed over too. Of Kubernetes' kinds only names are looked at here, because roles for Kyverno's controllers, which stand
// beside policies in many files, have names (`kyverno:view`) that Kyverno takes for wrong.
// Kyverno: cmd/cli/kubectl-kyverno/policy/load.go kubectlValidateLoader.

import { aggregateText, apiVersionOf, builtinCatalog, gvkOf, nameOf } from "@portcullis/kube";
import { quote } from "@portcullis/lang/go";
import type { Gvk, Json } from "../../engine/request.ts";
import { nameErrors } from "../policy/metadata.ts";

/** Of kyverno.io. */
const ownVersions: ReadonlyMap<string, readonly string[]> = new Map([
  ["ClusterPolicy", ["v1", "v2beta1"]],
  ["Policy", ["v1", "v2beta1"]],
  ["PolicyException", ["v2", "v2beta1"]],
  ["CleanupPolicy", ["v2", "v2beta1"]],
  ["ClusterCleanupPolicy", ["v2", "v2beta1"]],
]);

const servedVersions: ReadonlySet<string> = new Set([...ownVersions.values()].flat());

/** Of cli.kyverno.io/v1alpha1. */
const commandKinds: ReadonlySet<string> = new Set(["ClusterResource", "Context", "Test", "UserInfo", "Values"]);

/** What is said of a kind that is not known; null for one that is. */
export function unknownKind(gvk: Gvk): string | null {
  const { group, version, kind } = gvk;
  if (group === "cli.kyverno.io" && version === "v1alpha1" && commandKinds.has(kind)) return null;
  // Its schema holds itself, which Kyverno cannot read.
  if (group === "apiextensions.k8s.io" && kind === "CustomResourceDefinition") return `kind ${kind} cannot be checked`;
  const isOwn = group === "kyverno.io";
  const versions = isOwn ? (ownVersions.get(kind) ?? []) : builtinCatalog().versionsOf(gvk);
  if (versions.includes(version)) return null;
  return (isOwn ? servedVersions.has(version) : isBuiltin(group))
    ? `kind ${kind} not found in ${apiVersionOf(gvk)} groupversion`
    : `failed to locate OpenAPI spec for GV: ${apiVersionOf(gvk)}`;
}

function isBuiltin(group: string): boolean {
  return !group.includes(".") || group.endsWith(".k8s.io");
}

/** What is wrong with the name of a document that is no policy; null for a name that is right. */
export function wrongName(object: Json): string | null {
  const text = aggregateText(nameErrors(object));
  const { group, kind } = gvkOf(object);
  return (
    text && `failed to validate resource (${kind}.${group || "core"} ${quote(nameOf(object))} is invalid: ${text})`
  );
}
