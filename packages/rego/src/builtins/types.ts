// The `is_*` tests and `type_name`. OPA: v1/topdown/type.go, type_name.go.

import { typeName, type TypeName } from "../runtime/value.ts";
import { t } from "../types.ts";
import type { Builtin } from "./builtin.ts";

function is(kind: TypeName): Builtin {
  return {
    name: `is_${kind}`,
    type: t.function([t.any], t.boolean),
    evaluate: (_call, value) => value !== undefined && typeName(value) === kind,
  };
}

export const typeBuiltins: readonly Builtin[] = [
  is("number"),
  is("string"),
  is("boolean"),
  is("array"),
  is("set"),
  is("object"),
  is("null"),
  {
    name: "type_name",
    type: t.function([t.any], t.string),
    evaluate: (_call, value) => (value === undefined ? undefined : typeName(value)),
  },
];
