// `external_data({"provider": NAME, "keys": [...]})` in a template's Rego. It never fails for what a provider does: errors
// are in its result, `{"responses": [[key, value]], "errors": [[key, error]], "status_code": n, "system_error": text}`.
// Where there was no answer at all the two lists are null, so that a policy which counts errors to deny something has to
// look at `system_error` too.
// Frameworks: pkg/client/drivers/rego/builtin.go, pkg/externaldata/response.go.

import { member, stringAt } from "@portcullis/kube";
import { Suspend, type World } from "@portcullis/lang";
import { type Builtin, type BuiltinCall, type PlainObject, type Value, isObject, t, toJson } from "@portcullis/rego";
import { listAt } from "../tree.ts";
import { type ExternalData, externalDataNeed } from "./need.ts";

export const externalDataBuiltin: Builtin = {
  name: "external_data",
  type: t.function([t.any], t.any),
  nondeterministic: true,
  evaluate: externalData,
};

function externalData(call: BuiltinCall, request: Value): Value | undefined {
  const asked = readRequest(toJson(request));
  if ("error" in asked) return call.fail(asked.error);
  const { provider, keys } = asked;
  if (keys.length === 0) return { responses: [], errors: [], status_code: 0, system_error: "" };
  const [answer] = call.world.ask([externalDataNeed(provider, keys, "validation")]);
  // What is missing is being gathered; whatever comes of this evaluation is thrown away.
  if (answer === undefined) return undefined;
  if ("error" in answer) return failed(500, answer.error);
  if (answer.value === null) return failed(400, "key is not found in provider cache");
  return resultOf(answer.value as ExternalData);
}

function failed(code: number, text: string): PlainObject {
  return { responses: null, errors: null, status_code: code, system_error: text };
}

function resultOf({ statusCode, response }: ExternalData): PlainObject {
  const responses: Value[] = [];
  const errors: Value[] = [];
  for (const item of listAt(response, "items")) {
    const key = stringAt(item, "key");
    const error = stringAt(item, "error");
    if (error === "") responses.push([key, (member(item, "value") ?? null) as Value]);
    else errors.push([key, error]);
  }
  return { responses, errors, status_code: statusCode, system_error: stringAt(response, "systemError") };
}

interface Request {
  readonly provider: string;
  readonly keys: readonly string[];
}

/** As Go reads it into its struct: what is missing is empty, what has another type is an error. */
function readRequest(request: Value): Request | { readonly error: string } {
  const into = "json: cannot unmarshal";
  if (!isObject(request)) return { error: `${into} ${goKind(request)} into Go value of type externaldata.RegoRequest` };
  const provider = member(request, "provider") ?? "";
  if (typeof provider !== "string") {
    return { error: `${into} ${goKind(provider)} into Go struct field RegoRequest.provider of type string` };
  }
  const keys = member(request, "keys") ?? [];
  if (!Array.isArray(keys)) {
    return { error: `${into} ${goKind(keys)} into Go struct field RegoRequest.keys of type []string` };
  }
  const wrong = (keys as readonly unknown[]).find((key) => typeof key !== "string");
  if (wrong === undefined) return { provider, keys: keys as readonly string[] };
  return { error: `${into} ${goKind(wrong)} into Go struct field RegoRequest.keys of type string` };
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  return typeof value === "string" || typeof value === "object" ? typeof value : "number";
}

// ── all at once

export interface Gathering {
  /** Answers what is known. What is missing it notes, and answers nothing. */
  readonly world: World;
  /** Throws Suspend with all that was missing. */
  end(): void;
}

/**
 * A policy that asks provider after provider, or key after key in a loop, would wait for each of them. With this world it
 * runs on without the answer, and asks for all that it came to ask for at once.
 */
export function gathering(world: World): Gathering {
  const missing: Suspend["needs"][number][] = [];
  return {
    world: {
      ...world,
      ask: (needs) => {
        try {
          return world.ask(needs);
        } catch (error) {
          if (!(error instanceof Suspend)) throw error;
          missing.push(...error.needs);
          return [];
        }
      },
    },
    end: () => {
      if (missing.length > 0) throw new Suspend(missing);
    },
  };
}
