// The tests of Kyverno's policy library, which Kyverno passes all.

import { join } from "node:path";
import type { ConformanceSuite } from "../suite.ts";
import { testFileCases } from "./kyverno-tests.ts";

export const kyvernoPolicies: ConformanceSuite = {
  name: "kyverno-policies",
  needs: "kyverno-policies",
  load: (dataDir) => testFileCases(join(dataDir, "kyverno-policies"), { failing: new Set(), excluded }),
};

/** Tests that name rules which the policies do not have, or objects that no rule matches. */
const excluded: Readonly<Record<string, number>> = {
  "istio/add-ambient-mode-namespace": 4,
  "istio/enforce-ambient-mode-namespace": 5,
  "kasten/kasten-data-protection-by-label": 1,
  "other/memory-requests-equal-limits": 1,
  "other/require-emptydir-requests-limits": 1,
  "other-cel/memory-requests-equal-limits": 1,
};
