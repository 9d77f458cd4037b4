// OPA's errors as Go prints them in one text: what Gatekeeper shows of a template that does not compile, and what
// `rego.parse_module` reports. OPA: v1/ast/errors.go.

import type { Diagnostic } from "@portcullis/lang";

/** `1 error occurred: template:3: rego_type_error: …`, or a count and one per line. */
export function opaErrors(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === "error").map(opaError);
  if (errors.length === 0) return "no error(s)";
  return errors.length === 1
    ? `1 error occurred: ${errors[0]}`
    : `${errors.length} errors occurred:\n${errors.join("\n")}`;
}

/** The parser counts its errors too, but says that there is nothing to parse without counting. */
export function parseErrors(diagnostics: readonly Diagnostic[]): string {
  const [first] = diagnostics;
  return first?.message === "empty module" ? opaError(first) : opaErrors(diagnostics);
}

/** `file:row: code: message`, and below it the details: the line with a caret, or what was had and wanted. */
function opaError({ code, message, span, notes = [] }: Diagnostic): string {
  const details = notes.map((note) => `\n\t${note.message}`).join("");
  const text = `${code}: ${message}${details}`;
  if (span === null) return text;
  // OPA gives the error about a module without anything in it no line.
  const { line, column } = message === "empty module" ? { line: 0, column: 0 } : span.source.position(span.start);
  const { name } = span.source;
  return name === "" ? `${line}:${column}: ${text}` : `${name}:${line}: ${text}`;
}
