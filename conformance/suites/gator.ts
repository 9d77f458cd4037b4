// gator's own fixtures: for `verify` scoped enforcement actions and expansion, for `expand` what it prints.

import { join } from "node:path";
import type { ConformanceSuite } from "../suite.ts";
import { expandCases } from "./gator-expand.ts";
import { suiteCases } from "./gator-suites.ts";

export const gator: ConformanceSuite = {
  name: "gator",
  needs: "gatekeeper/test/gator/verify",
  load: (dataDir) => {
    const fixtures = join(dataDir, "gatekeeper", "test", "gator");
    return [
      ...suiteCases(join(fixtures, "verify"), "suite.yaml"),
      ...expandCases(join(fixtures, "expand", "fixtures")),
    ];
  },
};
