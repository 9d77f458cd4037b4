// `rego.parse_module(name, text)`: the tree of a module as OPA's JSON. The parser is a phase, and no built-in knows a
// phase, so `compile.ts` makes the function; what stands in the registry is its signature alone.
// OPA: v1/topdown/parse.go; v1/ast/policy_json.go and term_json.go.

import { type Out, Source } from "@portcullis/lang";
import type { Module } from "../ast.ts";
import { parseErrors } from "../errortext.ts";
import type { RegoText } from "../program.ts";
import { t } from "../types.ts";
import { type Builtin, operandError } from "./builtin.ts";
import { moduleJson } from "./regoparsejson.ts";

export type ModuleParser = (text: RegoText, options: { readonly annotations: boolean }) => Out<Module | null>;

const signature = { name: "rego.parse_module", type: t.function([t.string, t.string], t.object(t.string, t.any)) };

/** The function with its parser. */
export function parseModuleBuiltin(parse: ModuleParser): Builtin {
  return {
    ...signature,
    evaluate: (call, name, text) => {
      if (typeof name !== "string") return operandError(call, 1, name ?? null, "string");
      // OPA counts from the text again.
      if (typeof text !== "string") return operandError(call, 1, text ?? null, "string");
      // A tree takes a few hundred bytes for each token.
      call.budget.output(text.length * 64);
      const { value, diagnostics } = parse({ source: new Source(name, text), version: "v1" }, { annotations: false });
      return value === null ? call.fail(parseErrors(diagnostics)) : moduleJson(value);
    },
  };
}

export const regoBuiltins: readonly Builtin[] = [
  { ...signature, unsupported: true, evaluate: (call) => call.fail("there is no parser here") },
];
