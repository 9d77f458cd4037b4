// YAML as OPA converts it from and to JSON. OPA: v1/topdown/encoding.go builtinYAMLMarshal and its neighbours.

import type { Value } from "../runtime/value.ts";
import { t } from "../types.ts";
import type { Builtin, BuiltinCall } from "./builtin.ts";
import { onString } from "./operand.ts";
import { readYaml } from "./yamlread.ts";
import { YamlError } from "./yamlsyntax.ts";
import { writeYaml } from "./yamlwrite.ts";

/** The value, or what is wrong with the text. */
function read(call: BuiltinCall, text: string): { readonly value: Value } | { readonly error: string } {
  try {
    return { value: readYaml(text, call.budget) };
  } catch (error) {
    if (error instanceof YamlError) return { error: error.message };
    throw error;
  }
}

function unmarshal(call: BuiltinCall, text: string): Value | undefined {
  const result = read(call, text);
  return "error" in result ? call.fail(result.error) : result.value;
}

export const yamlBuiltins: readonly Builtin[] = [
  {
    name: "yaml.marshal",
    type: t.function([t.any], t.string),
    evaluate: (call, value = null) => writeYaml(value, call.budget),
  },
  { name: "yaml.unmarshal", type: t.function([t.string], t.any), evaluate: onString(unmarshal) },
  {
    name: "yaml.is_valid",
    type: t.function([t.string], t.boolean),
    evaluate: (call, text) => typeof text === "string" && !("error" in read(call, text)),
  },
];
