// Group, version and kind. An apiVersion is `version` for the core group and `group/version` for every other.
// Behaviour from k8s.io/apimachinery pkg/runtime/schema ParseGroupVersion.

export interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

export interface GroupVersionKind extends GroupVersion {
  readonly kind: string;
}

export interface GroupVersionResource extends GroupVersion {
  readonly resource: string;
}

/** Reads an apiVersion; null when it has more than one slash. `""` and `"/"` are the empty group and version. */
export function parseApiVersion(apiVersion: string): GroupVersion | null {
  if (apiVersion === "" || apiVersion === "/") return { group: "", version: "" };
  const slash = apiVersion.indexOf("/");
  if (slash === -1) return { group: "", version: apiVersion };
  if (apiVersion.includes("/", slash + 1)) return null;
  return { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** The apiVersion of a group and version. */
export function apiVersionOf({ group, version }: GroupVersion): string {
  return group === "" ? version : `${group}/${version}`;
}

/** `group/Kind`, the key under which engines index kinds; the core group is empty: `/Pod`. */
export function groupKindKey({ group, kind }: { readonly group: string; readonly kind: string }): string {
  return `${group}/${kind}`;
}

/** As Go prints a GroupVersionKind: `apps/v1, Kind=Deployment`. */
export function gvkText({ group, version, kind }: GroupVersionKind): string {
  return `${group}/${version}, Kind=${kind}`;
}
