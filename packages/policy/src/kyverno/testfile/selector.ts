// `--test-case-selector policy=…,rule=…,resource=…`: which results of a test count. A resource other than `*` also takes the
// place of the objects that a result names. Kyverno: cmd/cli/kubectl-kyverno/test/filter.

import { matchesWildcard } from "../pattern/wildcard.ts";
import type { ExpectedResult, TestFile } from "./testfile.ts";

interface Selector {
  /** What is wrong with the argument; the rest of it still counts. */
  readonly errors: readonly string[];
  /** The test with the results that are selected. */
  select(test: TestFile): TestFile;
}

export function parseSelector(argument: string): Selector {
  const errors: string[] = [];
  const terms: { readonly key: string; readonly pattern: string }[] = [];
  for (const term of argument === "" ? [] : argument.split(",")) {
    const [key = "", pattern, ...more] = term.split("=").map((part) => part.trim());
    if (pattern === undefined || more.length > 0) {
      errors.push(`Invalid test-case-selector argument (${term}). Parameter must be in the form \`<key>=<value>\`.`);
    } else if (!["policy", "rule", "resource"].includes(key)) {
      errors.push(`Invalid test-case-selector (${term}). Parameter can only be policy, rule or resource.`);
    } else terms.push({ key, pattern });
  }
  const resources = errors.length > 0 ? [] : resourcesOf(terms);
  return {
    errors,
    select: (test) => {
      const chosen = test.results.filter((result) => terms.every((term) => isChosen(result, term)));
      return { ...test, results: resources.length === 0 ? chosen : chosen.map((one) => about(one, resources)) };
    },
  };
}

function about(result: ExpectedResult, resources: readonly string[]): ExpectedResult {
  return { ...result, resources };
}

/** Those before the first `*`. */
function resourcesOf(terms: readonly { readonly key: string; readonly pattern: string }[]): readonly string[] {
  const patterns = terms.filter(({ key }) => key === "resource").map(({ pattern }) => pattern);
  const any = patterns.indexOf("*");
  return any === -1 ? patterns : patterns.slice(0, any);
}

function isChosen(
  { policy, rule, resources }: ExpectedResult,
  { key, pattern }: { readonly key: string; readonly pattern: string },
): boolean {
  if (key === "policy") return policy === "" || matchesWildcard(pattern, policy);
  if (key === "rule") return rule === "" || matchesWildcard(pattern, rule);
  return resources === null || resources.length === 0 || resources.some((name) => matchesWildcard(pattern, name));
}
