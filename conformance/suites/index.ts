// The one list of suites, in the order in which they are run and printed.

import type { ConformanceSuite } from "../suite.ts";
import { cel } from "./cel.ts";
import { celAdmission } from "./cel-admission.ts";
import { celKubernetes } from "./cel-kubernetes.ts";
import { celOverloads } from "./cel-overloads.ts";
import { chainsaw } from "./chainsaw.ts";
import { gatekeeperLibrary } from "./gatekeeper-library.ts";
import { gatorRecorded } from "./gator-recorded.ts";
import { gator } from "./gator.ts";
import { jmespath } from "./jmespath.ts";
import { kyvernoCli } from "./kyverno-cli.ts";
import { kyvernoPolicies } from "./kyverno-policies.ts";
import { kyvernoRecorded } from "./kyverno-recorded.ts";
import { opa } from "./opa.ts";

export const suites: readonly ConformanceSuite[] = [
  opa,
  gatekeeperLibrary,
  gator,
  gatorRecorded,
  jmespath,
  cel,
  celKubernetes,
  celOverloads,
  celAdmission,
  kyvernoPolicies,
  kyvernoCli,
  kyvernoRecorded,
  chainsaw,
];
