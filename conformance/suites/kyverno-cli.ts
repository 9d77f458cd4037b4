// The tests of Kyverno's own command line. Kyverno fails some of them: those need a registry or a cluster, miss a file, or
// are meant to fail.

import { join } from "node:path";
import type { ConformanceSuite } from "../suite.ts";
import { testFileCases } from "./kyverno-tests.ts";

export const kyvernoCli: ConformanceSuite = {
  name: "kyverno-cli",
  needs: "kyverno/test/cli",
  load: (dataDir) => [
    ...testFileCases(join(dataDir, "kyverno", "test", "cli"), { failing, excluded }),
    ...testFileCases(join(dataDir, "kyverno", "test", "conformance", "chainsaw"), { failing, excluded }),
  ],
};

const failing: ReadonlySet<string> = new Set([
  "registry",
  "sample-policy-exclusion",
  "test-context-apicall",
  "test-context-configmap",
  "test-context-resource-ivpol",
  "test-fail/missing-policy",
  "test-image-validating-policy/sample-policy",
  "test-image-validating-policy/with-cel-exceptions",
  "test/images/signatures",
  "test/images/verify-signature",
]);

/** Tests with rows that test nothing. */
const excluded: Readonly<Record<string, number>> = {
  "test-fail/missing-rule": 1,
  "test-mutate": 3,
  "test-mutate/mutate-existing-wildcard-panic": 1,
  "test/exclude": 2,
  "test/foreach": 1,
  "test/images/digest": 2,
  "test/images/secure-images": 1,
  "test/jmespath-brackets": 2,
  "test/mixed": 2,
};
