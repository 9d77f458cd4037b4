// gator's own fixtures for `verify`: scoped enforcement actions and expansion.

import { join } from "node:path";
import type { ConformanceSuite } from "../suite.ts";
import { suiteCases } from "./gator-suites.ts";

export const gator: ConformanceSuite = {
  name: "gator",
  needs: "gatekeeper/test/gator/verify",
  load: (dataDir) => suiteCases(join(dataDir, "gatekeeper", "test", "gator", "verify"), "suite.yaml"),
};
