// Which kinds Kyverno's command line knows the schemas of: Kubernetes' own and Kyverno's. Documents of others are passed over,
// where those of a known kind that is no policy end the load of their file.
// Kyverno: cmd/cli/kubectl-kyverno/policy/load.go kubectlValidateLoader.

import { apiVersionOf, builtinCatalog } from "@portcullis/kube";
import type { Gvk } from "../../engine/request.ts";

/** Of kyverno.io. */
const ownVersions: ReadonlyMap<string, readonly string[]> = new Map([
  ["ClusterPolicy", ["v1", "v2beta1"]],
  ["Policy", ["v1", "v2beta1"]],
  ["PolicyException", ["v2", "v2beta1"]],
  ["CleanupPolicy", ["v2", "v2beta1"]],
  ["ClusterCleanupPolicy", ["v2", "v2beta1"]],
  ["GlobalContextEntry", ["v2", "v2beta1"]],
  ["UpdateRequest", ["v2"]],
]);

const servedVersions: ReadonlySet<string> = new Set([...ownVersions.values()].flat());

/** What is said of a kind that is not known; null for one that is. */
export function unknownKind(gvk: Gvk): string | null {
  const { group, version, kind } = gvk;
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
