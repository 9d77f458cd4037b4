// OPA's errors as Go prints them in one text, which is what Gatekeeper shows of a template that does not compile.
// OPA: v1/ast/errors.go.

import type { Diagnostic } from "@portcullis/lang";

/** `1 error occurred: template:3: rego_type_error: …`, or a count and one per line. */
export function opaErrors(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === "error").map(opaError);
  if (errors.length === 0) return "no error(s)";
  return errors.length === 1
    ? `1 error occurred: ${errors[0]}`
    : `${errors.length} errors occurred:\n${errors.join("\n")}`;
}

/** `file:row: code: message`. */
export function opaError({ code, message, span }: Diagnostic): string {
  const text = `${code}: ${message}`;
  if (span === null) return text;
  return `${span.source.name}:${span.source.position(span.start).line}: ${text}`;
}
