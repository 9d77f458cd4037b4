// What MutatingAdmissionPolicies need to write paths. k8s.io/apiserver: pkg/cel/library/jsonpatch.go.

import { traverses } from "../library/cost.ts";
import { global } from "../library/declare.ts";
import type { Library } from "../library.ts";

export const jsonPatchLibrary: Library = {
  name: "kubernetes.jsonpatch",
  overloads: [
    global(
      "jsonpatch.escapeKey(string) -> string",
      "string_jsonpatch_escapeKey_string",
      ([key]: [string], budget) => {
        budget.output(key.length * 2);
        return key.replace(/[~/]/g, (character) => (character === "~" ? "~0" : "~1"));
      },
      { cost: traverses(0), costsWhenDispatched: true },
    ),
  ],
};
