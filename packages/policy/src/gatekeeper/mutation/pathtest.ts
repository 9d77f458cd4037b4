// `pathTests` make a mutation depend on what is there: each names a part of the location, from its start, that must or
// must not exist. They are kept by depth. Gatekeeper looks for contradictions by the position in the list, not by the
// depth, and so do we: what it refuses is refused. Gatekeeper: pkg/mutation/path/tester/tester.go.

import { quote } from "@portcullis/lang/go";
import { type Location, locationText, parseLocation, sameStep } from "./location.ts";

/** As it is written; anything but the two words can never hold. */
export interface PathTest {
  readonly subPath: string;
  readonly condition: string;
}

/** Whether a step of the location may find something, and may find nothing; by its depth. */
export interface Conditions {
  present(depth: number): boolean;
  missing(depth: number): boolean;
}

export interface Tested {
  /** `Assign name`. */
  readonly mutator: string;
  readonly location: Location;
}

/** Compiles tests of a location, or gives Gatekeeper's error text. */
export function compileTests(tests: readonly PathTest[], tested: Tested): Conditions | { readonly error: string } {
  const parsed: Parsed[] = [];
  for (const { subPath, condition } of tests) {
    const path = parseLocation(subPath);
    if ("error" in path) {
      return { error: `problem parsing sub path \`${subPath}\` for ${tested.mutator}: ${path.error}` };
    }
    parsed.push({ path, condition });
  }
  const problem = prefixProblem(parsed, tested.location) ?? contradiction(parsed);
  if (problem !== null) return { error: problem };
  const byDepth = new Map(parsed.map(({ path, condition }) => [path.length - 1, condition]));
  return {
    present: (depth) => (byDepth.get(depth) ?? "MustExist") === "MustExist",
    missing: (depth) => (byDepth.get(depth) ?? "MustNotExist") === "MustNotExist",
  };
}

interface Parsed {
  readonly path: Location;
  readonly condition: string;
}

function prefixProblem(tests: readonly Parsed[], location: Location): string | null {
  for (const { path } of tests) {
    const isPrefix =
      path.length <= location.length &&
      path.every((step, at) => {
        const other = location[at];
        return other !== undefined && sameStep(step, other);
      });
    if (isPrefix) continue;
    const lead = "all subpaths must be a prefix of the `location` value of the mutation";
    return `${lead}: subpath ${shown(path)} is not a prefix of location ${shown(location)}`;
  }
  return null;
}

function contradiction(tests: readonly Parsed[]): string | null {
  const byDepth = new Map(tests.map((test) => [test.path.length - 1, test]));
  for (const { path, condition } of tests) {
    if (byDepth.get(path.length - 1)?.condition !== condition) {
      return `${conflicting}: path ${shown(path)} is marked both MustExist and MustNotExist`;
    }
  }
  const forbidden = tests.findIndex(({ condition }) => condition === "MustNotExist");
  const needed = tests.findLastIndex(({ condition }) => condition === "MustExist");
  if (forbidden === -1 || needed <= forbidden) return null;
  // The positions in the list are taken for depths here too, where there may be no test.
  const at = (depth: number): string => {
    const test = byDepth.get(depth);
    return test === undefined ? "<nil>" : shown(test.path);
  };
  return `${conflicting}: path ${at(needed)} is marked MustExist but parent ${at(forbidden)} MustNotExist`;
}

const conflicting = "conflicting path test conditions";

function shown(path: Location): string {
  return quote(locationText(path));
}
