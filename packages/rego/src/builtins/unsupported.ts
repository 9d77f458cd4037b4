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

const options: Type = t.object(t.string, t.any);
const anyObject: Type = t.object(t.any, t.any);
const certificates: Type = t.array(options);
const verified: Type = t.tuple(t.boolean, certificates);
const document: Type = t.union(t.string, anyObject);

export const unsupportedBuiltins: readonly Builtin[] = [
  unsupported("crypto.parse_private_keys", t.function([t.string], certificates)),
  unsupported("crypto.x509.parse_and_verify_certificates", t.function([t.string], verified)),
  unsupported("crypto.x509.parse_and_verify_certificates_with_options", t.function([t.string, options], verified)),
  unsupported("crypto.x509.parse_certificate_request", t.function([t.string], options)),
  unsupported("crypto.x509.parse_certificates", t.function([t.string], certificates)),
  unsupported("crypto.x509.parse_keypair", t.function([t.string, t.string], options)),
  unsupported("crypto.x509.parse_rsa_private_key", t.function([t.string], options)),
  unsupported("graphql.is_valid", t.function([document, document], t.boolean)),
  unsupported("graphql.parse", t.function([document, document], t.tuple(anyObject, anyObject))),
  unsupported("graphql.parse_and_verify", t.function([document, document], t.tuple(t.boolean, anyObject, anyObject))),
  unsupported("graphql.parse_query", t.function([t.string], anyObject)),
  unsupported("graphql.parse_schema", t.function([t.string], anyObject)),
  unsupported("graphql.schema_is_valid", t.function([document], t.boolean)),
];
