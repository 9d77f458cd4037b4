// Errors of Kyverno's functions, in its words. Kyverno: pkg/engine/jmespath/error.go.

import { SearchError } from "../runtime/run.ts";

/** `JMESPath function 'add': Types mismatch`. */
export function functionError(name: string, text: string): SearchError {
  return new SearchError("function", `JMESPath function '${name}': ${text}`);
}

/** `place` counts from one. */
export function argumentError(name: string, place: number, type: string): SearchError {
  return functionError(name, `argument #${place} is not of type ${type}`);
}

/** An error that Kyverno passes on as a library made it. */
export function libraryError(text: string): SearchError {
  return new SearchError("function", text);
}
