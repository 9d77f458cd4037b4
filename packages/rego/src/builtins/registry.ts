// All built-in functions by name. A section of OPA's reference is a file that exports an array; here they are joined.
// OPA: v1/ast/builtins.go DefaultBuiltins.

import { aggregateBuiltins } from "./aggregates.ts";
import { arrayBuiltins } from "./arrays.ts";
import { bitBuiltins } from "./bits.ts";
import type { Builtin } from "./builtin.ts";
import { castBuiltins } from "./casts.ts";
import { comparisonBuiltins } from "./comparison.ts";
import { cryptoBuiltins } from "./crypto.ts";
import { encodingBuiltins } from "./encoding.ts";
import { globBuiltins } from "./glob.ts";
import { graphBuiltins } from "./graph.ts";
import { graphqlBuiltins } from "./graphql.ts";
import { httpBuiltins } from "./http.ts";
import { internalBuiltins } from "./internal.ts";
import { jsonBuiltins } from "./json.ts";
import { jsonPatchBuiltins } from "./jsonpatch.ts";
import { jsonSchemaBuiltins } from "./jsonschema.ts";
import { jwtBuiltins } from "./jwt.ts";
import { jwtSignBuiltins } from "./jwtsign.ts";
import { netBuiltins } from "./net.ts";
import { numberBuiltins } from "./numbers.ts";
import { objectBuiltins } from "./objects.ts";
import { opaBuiltins } from "./opa.ts";
import { providerBuiltins } from "./providers.ts";
import { regexBuiltins } from "./regex.ts";
import { regoBuiltins } from "./regoparse.ts";
import { templateBuiltins } from "./rendertemplate.ts";
import { semverBuiltins } from "./semver.ts";
import { setBuiltins } from "./sets.ts";
import { sprintfBuiltins } from "./sprintf.ts";
import { stringBuiltins } from "./strings.ts";
import { timeBuiltins } from "./time.ts";
import { typeBuiltins } from "./types.ts";
import { unitBuiltins } from "./units.ts";
import { uuidBuiltins } from "./uuid.ts";
import { x509Builtins } from "./x509.ts";
import { yamlBuiltins } from "./yaml.ts";

export const builtins: ReadonlyMap<string, Builtin> = new Map(
  [
    aggregateBuiltins,
    arrayBuiltins,
    bitBuiltins,
    castBuiltins,
    comparisonBuiltins,
    cryptoBuiltins,
    encodingBuiltins,
    globBuiltins,
    graphBuiltins,
    graphqlBuiltins,
    httpBuiltins,
    internalBuiltins,
    jsonBuiltins,
    jsonPatchBuiltins,
    jsonSchemaBuiltins,
    jwtBuiltins,
    jwtSignBuiltins,
    netBuiltins,
    numberBuiltins,
    objectBuiltins,
    opaBuiltins,
    providerBuiltins,
    regexBuiltins,
    regoBuiltins,
    semverBuiltins,
    setBuiltins,
    sprintfBuiltins,
    stringBuiltins,
    templateBuiltins,
    timeBuiltins,
    typeBuiltins,
    unitBuiltins,
    uuidBuiltins,
    x509Builtins,
    yamlBuiltins,
  ]
    .flat()
    .map((builtin) => [builtin.name, builtin] as const),
);

/** The built-in of this name, whether or not this version of Rego accepts it. */
export function lookup(name: string): Builtin | undefined {
  return builtins.get(name);
}
