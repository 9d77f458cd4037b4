// The samples of the community's library of Gatekeeper policies, from its suites (`suite.yaml`): what to put on a cluster, and
// what to ask about. Samples share the names of their constraints, so each gets one of its own.

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseYaml } from "../packages/kube/src/index.ts";
import { Source } from "../packages/lang/src/index.ts";

interface LibraryTest {
  readonly template: string;
  readonly constraint: string;
  readonly cases: readonly {
    readonly object: string;
    readonly inventory?: readonly string[];
    readonly assertions?: readonly { readonly violations?: unknown }[];
  }[];
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** What a sample object is answered by the constraint of its test. */
interface Case {
  readonly place: string;
  readonly constraint: string;
  readonly isRefused: boolean;
}

/** Cases with an inventory, and those of whole AdmissionReviews, are left out. */
export function librarySamples(library: string): {
  /** Texts by file name: each template, and for each test of a suite its constraint with a name of its own. */
  readonly policies: ReadonlyMap<string, string>;
  readonly objects: ReadonlyMap<string, Manifest>;
  readonly cases: ReadonlyMap<string, Case>;
} {
  const policies = new Map<string, string>();
  const objects = new Map<string, Manifest>();
  const cases = new Map<string, Case>();
  for (const suiteFile of globSync("*/*/suite.yaml", { cwd: library }).toSorted()) {
    const folder = join(library, dirname(suiteFile));
    const [{ tests } = { tests: [] }] = documents(join(library, suiteFile)) as readonly {
      readonly tests: readonly LibraryTest[];
    }[];
    for (const { template, constraint: file, cases: own } of tests) {
      policies.set(
        `${dirname(suiteFile)}-${template}`.replaceAll("/", "-"),
        readFileSync(join(folder, template), "utf8"),
      );
      const constraint = `sample-${policies.size}`;
      const [sample] = documents(join(folder, file)) as readonly Manifest[];
      assert.ok(sample !== undefined, file);
      policies.set(`${constraint}.yaml`, JSON.stringify({ ...sample, metadata: { name: constraint } }));
      for (const { object, inventory, assertions = [] } of own) {
        const place = join(folder, object);
        const [manifest, ...others] = documents(place) as readonly Manifest[];
        const isObject = manifest !== undefined && others.length === 0 && manifest.kind !== "AdmissionReview";
        if (!isObject || inventory !== undefined) continue;
        const name = `case-${cases.size}.json`;
        objects.set(name, manifest);
        // YAML's yes and no are Go's true and false.
        const isRefused = assertions.some(({ violations = true }) => violations !== false && violations !== 0);
        cases.set(name, { place, constraint, isRefused });
      }
    }
  }
  return { policies, objects, cases };
}

function documents(file: string): readonly unknown[] {
  const parsed = parseYaml(new Source(file, readFileSync(file, "utf8")), { dialect: "go" }).value;
  return parsed.map(({ value }) => value).filter((value) => value !== null);
}
