// All built-in functions by name. A section of OPA's reference is a file that exports an array; here they are joined.
// OPA: v1/ast/builtins.go DefaultBuiltins.

import { arrayBuiltins } from "./arrays.ts";
import type { Builtin } from "./builtin.ts";
import { comparisonBuiltins } from "./comparison.ts";
import { encodingBuiltins } from "./encoding.ts";
import { graphBuiltins } from "./graph.ts";
import { jsonBuiltins } from "./json.ts";
import { jsonPatchBuiltins } from "./jsonpatch.ts";
import { netBuiltins } from "./net.ts";
import { setBuiltins } from "./sets.ts";
import { timeBuiltins } from "./time.ts";
import { typeBuiltins } from "./types.ts";

export const builtins: ReadonlyMap<string, Builtin> = new Map(
  [
    arrayBuiltins,
    comparisonBuiltins,
    encodingBuiltins,
    graphBuiltins,
    jsonBuiltins,
    jsonPatchBuiltins,
    netBuiltins,
    setBuiltins,
    timeBuiltins,
    typeBuiltins,
  ]
    .flat()
    .map((builtin) => [builtin.name, builtin] as const),
);

/** The built-in of this name, whether or not this version of Rego accepts it. */
export function lookup(name: string): Builtin | undefined {
  return builtins.get(name);
}
