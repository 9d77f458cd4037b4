// What concerns the engine itself: its runtime, tracing, printing, and a rule's own metadata.
// OPA: v1/topdown/runtime.go, trace.go, print.go, parse.go.

import { newObject } from "../runtime/value.ts";
import { t } from "../types.ts";
import type { Builtin, BuiltinCall } from "./builtin.ts";
import { onString } from "./operand.ts";

/** The compiler replaces these calls inside rules by the metadata itself; what is left was called in a query. */
function outsideRule(name: string): (call: BuiltinCall) => undefined {
  return (call) => call.fail(`the ${name} function must only be called within the scope of a rule`);
}

export const opaBuiltins: readonly Builtin[] = [
  {
    name: "opa.runtime",
    type: t.function([], t.object(t.string, t.any)),
    nondeterministic: true,
    // Environment variables and configuration are none of a policy's business.
    evaluate: () => newObject(),
  },
  { name: "trace", type: t.function([t.string], t.boolean), evaluate: onString(() => true) },
  {
    name: "print",
    type: t.function([], null, t.any),
    // The compiler rewrites it to internal.print, or erases it.
    evaluate: () => true,
  },
  {
    name: "rego.metadata.chain",
    type: t.function([], t.array(t.any)),
    evaluate: outsideRule("rego.metadata.chain"),
  },
  { name: "rego.metadata.rule", type: t.function([], t.any), evaluate: outsideRule("rego.metadata.rule") },
];
