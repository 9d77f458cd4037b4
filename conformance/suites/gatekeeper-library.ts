// The suites of the gatekeeper-library, as its own CI runs them with gator.

import { join } from "node:path";
import type { ConformanceSuite } from "../suite.ts";
import { suiteCases } from "./gator-suites.ts";

export const gatekeeperLibrary: ConformanceSuite = {
  name: "gatekeeper-library",
  needs: "gatekeeper-library",
  load: (dataDir) => suiteCases(join(dataDir, "gatekeeper-library", "library"), "suite.yaml"),
};
