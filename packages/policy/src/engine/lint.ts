// Lints of policies of all dialects together: what each dialect says about its own, and where policies overlap.

import type { Diagnostic } from "@portcullis/lang";
import type { PolicyFrontend } from "./frontend.ts";
import { findOverlaps } from "./overlap.ts";
import type { PolicySource } from "./policyset.ts";
import type { Catalog } from "./request.ts";

/**
 * What policies leave open, and where two of them meet; warnings all. Policies that cannot be read give none, because
 * the set's status has their errors.
 */
export function lintSources(
  frontends: readonly PolicyFrontend[],
  sources: readonly PolicySource[],
  catalog: Catalog,
): readonly Diagnostic[] {
  return [
    ...frontends.flatMap((frontend) => frontend.lint?.(sources, catalog) ?? []),
    ...findOverlaps(frontends.flatMap((frontend) => frontend.facts?.(sources) ?? [])),
  ];
}
