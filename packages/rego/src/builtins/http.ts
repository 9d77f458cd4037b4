// http.send. The request is a need of the world: who drives the evaluation decides which hosts a policy may reach, sends it,
// and answers with an HttpAnswer or an error. Equal requests are sent once. OPA: v1/topdown/http.go.

import type { Budget } from "@portcullis/lang";
import { type Value, isObject, newObject } from "../runtime/value.ts";
import { t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError, operandFailure } from "./builtin.ts";
import { type AnyObject, member, requestProblem } from "./httprequest.ts";
import { decodeJson, encodeJson } from "./jsontext.ts";
import { readYaml } from "./yamlread.ts";
import { YamlError } from "./yamlsyntax.ts";

/** What answers a need of the kind `http.send`, whose call is the request as a JSON tree. */
export interface HttpAnswer {
  /** `200 OK`. */
  readonly status: string;
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: string;
}

function send(call: BuiltinCall, request: Value): Value | undefined {
  if (!isObject(request)) return operandError(call, 1, request, "object");
  const wrong = requestProblem(request);
  if (wrong !== null) return operandFailure(call, 1, wrong);
  const key = encodeJson(request, call.budget);
  const [answer] = call.world.ask([{ kind: "http.send", key, call: JSON.parse(key) as unknown }]);
  if (answer !== undefined && "value" in answer) return response(answer.value as HttpAnswer, request, call.budget);
  const message = answer?.error ?? "no answer";
  if (member(request, "raise_error") !== false) return call.fail(message);
  return { status_code: 0, error: { code: "eval_http_send_network_error", message } };
}

function response(answer: HttpAnswer, request: AnyObject, budget: Budget): Value {
  budget.output(answer.body.length * 2);
  const headers = newObject();
  for (const [name, values] of Object.entries(answer.headers)) headers[name.toLowerCase()] = values;
  return {
    status: answer.status,
    status_code: answer.statusCode,
    headers,
    raw_body: answer.body,
    body: bodyOf(answer, headers["content-type"], request, budget),
  };
}

/** The body as JSON or YAML where its type or the request says so; null when it is neither or broken. */
function bodyOf(answer: HttpAnswer, contentType: Value | undefined, request: AnyObject, budget: Budget): Value {
  const type = Array.isArray(contentType) ? String(contentType[0]) : "";
  if (member(request, "force_json_decode") === true || /^application\/(?:[^;/]*\+)?json\s*(?:;|$)/i.test(type)) {
    const decoded = decodeJson(answer.body);
    return "error" in decoded ? null : decoded.value;
  }
  if (member(request, "force_yaml_decode") !== true && !/application\/(?:x-)?yaml/.test(type)) return null;
  try {
    return readYaml(answer.body, budget);
  } catch (error) {
    if (error instanceof YamlError) return null;
    throw error;
  }
}

export const httpBuiltins: readonly Builtin[] = [
  {
    name: "http.send",
    type: t.function([t.object(t.string, t.any)], t.object(t.any, t.any)),
    nondeterministic: true,
    evaluate: send,
  },
];
