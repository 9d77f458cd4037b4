// Functions between texts and other forms: JSON, YAML, base64, digests. Kyverno: pkg/engine/jmespath/functions.go.

import { parseYaml } from "@portcullis/kube";
import { Decimal, Source, chargeJson } from "@portcullis/lang";
import { decodeBase64, decodeJson, decodeUtf8, encodeBase64, encodeUtf8, standardBase64 } from "@portcullis/lang/go";
import type { JmesFunction } from "../functions/function.ts";
import { type Value, isList, isObject, setOwn } from "../runtime/value.ts";
import { libraryError } from "./failure.ts";
import { text } from "./signature.ts";

type Evaluate = JmesFunction["evaluate"];

const parseJson: Evaluate = ({ budget }, source) => {
  chargeJson(source as string, budget);
  const decoded = decodeJson(source as string);
  return "error" in decoded ? libraryError(decoded.error) : (decoded.value as Value);
};

/** Like Kubernetes, Kyverno reads the first document only. */
const parseFirstYaml: Evaluate = ({ budget }, source) => {
  budget.output((source as string).length * 4);
  const { value, diagnostics } = parseYaml(new Source("yaml", source as string), { dialect: "go", isRaw: true });
  const [first] = value;
  const [problem] = diagnostics;
  if (first === undefined) return problem === undefined ? null : libraryError(yamlErrorText(problem.message));
  return plain(first.value);
};

/** What YAML can hold and JSON cannot is told by the writer of JSON. */
function yamlErrorText(message: string): string {
  return message.startsWith("json: ") ? message : `yaml: ${message}`;
}

/** Numbers as doubles, which is what JSON of Go's makes of them. */
function plain(value: Value): Value {
  if (value instanceof Decimal) return value.double;
  if (isList(value)) return value.map(plain);
  if (!isObject(value)) return value;
  const made: Record<string, Value> = {};
  for (const [key, item] of Object.entries(value)) setOwn(made, key, plain(item));
  return made;
}

const base64Decode: Evaluate = ({ budget }, source) => {
  budget.output((source as string).length);
  const bytes = decodeBase64(source as string, standardBase64);
  return bytes instanceof Uint8Array ? decodeUtf8(bytes) : libraryError(bytes.error);
};

const base64Encode: Evaluate = ({ budget }, source) => {
  budget.output((source as string).length * 2);
  return encodeBase64(encodeUtf8(source as string), standardBase64, (bytes) => budget.step(bytes));
};

function digest(name: string): JmesFunction {
  const evaluate: Evaluate = ({ budget, world }, source) => {
    budget.step((source as string).length);
    const bytes = world.host.digest(name, encodeUtf8(source as string));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  };
  return { name, parameters: [text], evaluate };
}

export const encodingFunctions: readonly JmesFunction[] = [
  { name: "parse_json", parameters: [text], evaluate: parseJson },
  { name: "parse_yaml", parameters: [text], evaluate: parseFirstYaml },
  { name: "base64_decode", parameters: [text], evaluate: base64Decode },
  { name: "base64_encode", parameters: [text], evaluate: base64Encode },
  digest("sha256"),
  digest("sha1"),
  digest("md5"),
];
