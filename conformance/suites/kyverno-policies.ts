// The tests of Kyverno's policy library, which Kyverno passes all.

import { join } from "node:path";
import type { ConformanceSuite } from "../suite.ts";
import { testFileCases } from "./kyverno-tests.ts";

export const kyvernoPolicies: ConformanceSuite = {
  name: "kyverno-policies",
  needs: "kyverno-policies",
  load: (dataDir) => testFileCases(join(dataDir, "kyverno-policies"), new Set()),
};
