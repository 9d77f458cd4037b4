// Finding what matches. k8s.io/apiserver: pkg/cel/library/regex.go.

import type { Budget } from "@portcullis/lang";
import { method } from "../library/declare.ts";
import { regexOf } from "../library/regex.ts";
import type { Library } from "../library.ts";
import type { Int } from "../runtime/arithmetic.ts";
import { CelError, type Value } from "../runtime/value.ts";

/** The texts that match, at most `limit` of them; all for a negative limit. */
function findAll([text, pattern, limit = -1]: [string, string, Int?], budget: Budget): readonly string[] | CelError {
  const compiled = regexOf(pattern, budget);
  if ("error" in compiled) return new CelError(`Illegal regex: ${compiled.error}`);
  const found: string[] = [];
  for (const [start = 0, end = 0] of compiled.regex.findAll(text, Number(limit), (steps) => budget.step(steps))) {
    budget.output(end - start + 16);
    found.push(text.slice(start, end));
  }
  return found;
}

function find([text, pattern]: [string, string], budget: Budget): Value | CelError {
  const found = findAll([text, pattern, 1], budget);
  return found instanceof CelError ? found : (found[0] ?? "");
}

export const regexLibrary: Library = {
  name: "kubernetes.regex",
  overloads: [
    method("string.find(string) -> string", "string_find_string", find, { regexAt: 1 }),
    method("string.findAll(string) -> list(string)", "string_find_all_string", findAll, { regexAt: 1 }),
    method("string.findAll(string, int) -> list(string)", "string_find_all_string_int", findAll, { regexAt: 1 }),
  ],
};
