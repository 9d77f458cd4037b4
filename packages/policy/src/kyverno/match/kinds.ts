// Kinds as policies write them: `Pod`, `v1/Pod`, `apps/v1/Deployment`, `Pod/exec`, `Pod.exec`, `*/exec`, `*`, `*/*`. Which part
// is what depends on how many there are and whether the first looks like a version. A version has single digits only, so
// that `v10/Thing` is the kind `v10` with a subresource, as in Kyverno: pkg/utils/kube/kind.go ParseKindSelector.

import { containsWildcard, matchesWildcard } from "../pattern/wildcard.ts";
import type { Gvk } from "../../engine/request.ts";

/** Wildcards in each part. */
export interface KindSelector {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly subresource: string;
}

const versionPattern = /^(?:v\d(?:(?:alpha|beta)\d)?|\*)$/;

export function parseKindSelector(text: string): KindSelector {
  const slashed = text.split("/");
  const parts = [...slashed.slice(0, -1), ...(slashed.at(-1) ?? "").split(".")];
  const [first = "", second = "", third = "", fourth = ""] = parts;
  if (parts.length === 1) return selector("*", "*", first, "");
  if (parts.length === 2) return twoParts(first, second);
  if (parts.length === 3) {
    if (versionPattern.test(first)) return selector("*", first, second, third);
    return selector(first, second, third, "");
  }
  return parts.length === 4 ? selector(first, second, third, fourth) : selector("", "", "", "");
}

function twoParts(first: string, second: string): KindSelector {
  if (first === "*" && second === "*") return selector("*", "*", "*", "*");
  if (first === "*" && second.toLowerCase() === second) return selector("*", "*", first, second);
  if (versionPattern.test(first)) return selector("*", first, second, "");
  return selector("*", "*", first, second);
}

function selector(group: string, version: string, kind: string, subresource: string): KindSelector {
  return { group, version, kind, subresource };
}

/** Whether one of the selectors matches. A Pod's ephemeral containers count as the Pod. Kyverno: pkg/utils/match CheckKind. */
export function matchesKind(selectors: readonly KindSelector[], gvk: Gvk, subresource: string): boolean {
  if (selectors.some((one) => matchesKindParts(one, gvk, subresource))) return true;
  const isPod = gvk.group === "" && gvk.version === "v1" && gvk.kind === "Pod";
  if (!isPod || subresource !== "ephemeralcontainers") return false;
  return selectors.some((one) => matchesKindParts({ ...one, subresource: "*" }, gvk, ""));
}

/** Whether every part matches, wildcards included. */
export function matchesKindParts(selected: KindSelector, gvk: Gvk, subresource: string): boolean {
  return (
    matchesWildcard(selected.group, gvk.group) &&
    matchesWildcard(selected.version, gvk.version) &&
    matchesWildcard(selected.kind, gvk.kind) &&
    matchesWildcard(selected.subresource, subresource)
  );
}

/**
 * The scope's kinds, `group/Kind` with `*` for a whole part; null when a kind cannot be said that way (a wildcard inside,
 * or a subresource, whose requests have a kind of their own).
 */
export function scopeKinds(selectors: readonly KindSelector[]): readonly string[] | null {
  const kinds: string[] = [];
  for (const { group, kind, subresource } of selectors) {
    if (subresource !== "" || isPartial(group) || isPartial(kind)) return null;
    kinds.push(`${group}/${kind}`);
    // Requests for ephemeral containers have the kind Pod, so that nothing has to be added for them.
  }
  return kinds;
}

function isPartial(part: string): boolean {
  return part !== "*" && containsWildcard(part);
}

/** Whether a list of kinds as written names this kind, whatever the version and subresource. Kyverno: ContainsKind. */
export function containsKind(kinds: readonly string[], kind: string): boolean {
  return kinds.some((text) => kindPart(text).split("/").length <= 2 && kindPart(text).split("/")[0] === kind);
}

/** The kind and subresource of a kind as written. Kyverno: GetKindFromGVK. */
function kindPart(text: string): string {
  const parts = text.split("/");
  const [first = "", second = "", third = "", fourth = ""] = parts;
  const dotted = (part: string): string => part.replace(".", "/");
  if (parts.length === 1) return dotted(first);
  if (parts.length === 2)
    return versionPattern.test(first) && !(first === "*" && second === "*") ? dotted(second) : text;
  if (parts.length === 3) return versionPattern.test(first) ? `${second}/${third}` : dotted(third);
  return parts.length === 4 ? `${third}/${fourth}` : "";
}
