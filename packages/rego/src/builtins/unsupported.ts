// OPA's built-ins that are not built here yet. They keep their signatures, so that the type checker says the same about
// them, and a program that calls one does not compile. OPA: v1/ast/builtins.go.

import { type FunctionType, type Type, t } from "../types.ts";
import type { Builtin } from "./builtin.ts";

function unsupported(name: string, type: FunctionType, nondeterministic = false): Builtin {
  const builtin: Builtin = {
    name,
    type,
    unsupported: true,
    evaluate: (call) => call.fail("this built-in function is not supported"),
  };
  return nondeterministic ? { ...builtin, nondeterministic } : builtin;
}

const anyObject: Type = t.object(t.any, t.any);
const document: Type = t.union(t.string, anyObject);

export const unsupportedBuiltins: readonly Builtin[] = [
  unsupported("graphql.is_valid", t.function([document, document], t.boolean)),
  unsupported("graphql.parse", t.function([document, document], t.tuple(anyObject, anyObject))),
  unsupported("graphql.parse_and_verify", t.function([document, document], t.tuple(t.boolean, anyObject, anyObject))),
  unsupported("graphql.parse_query", t.function([t.string], anyObject)),
  unsupported("graphql.parse_schema", t.function([t.string], anyObject)),
  unsupported("graphql.schema_is_valid", t.function([document], t.boolean)),
];
