// Kinds in a policy's match that no object has, because a resource or other letters stand there: `Pods`, `deployment`. Such a policy
// matches nothing, in silence.

import { meantKind } from "@portcullis/kube";
import { type Diagnostic, warningAt } from "@portcullis/lang";
import type { PolicySource } from "./policyset.ts";

/** The warning about a kind, which stands at a path of the policy; none for a kind that may be meant as it is written. */
export function misnamedKind(
  kind: string,
  path: readonly (string | number)[],
  { locate }: Pick<PolicySource, "locate">,
): readonly Diagnostic[] {
  const meant = meantKind(kind);
  if (meant === null) return [];
  const text = `no object has the kind \`${kind}\`, so that it matches nothing`;
  return [warningAt("lint/misnamed-kind", locate?.(path) ?? null, text, `write ${meant}`)];
}
