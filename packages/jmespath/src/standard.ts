// The dialect of the specification: missing keys are null, calls that cannot succeed do not compile.

import type { Dialect } from "./dialect.ts";
import { standardFunctions } from "./functions/standard.ts";

export const standard: Dialect = {
  name: "standard",
  engine: "specification",
  functions: new Map(standardFunctions.map((fn) => [fn.name, fn])),
};
