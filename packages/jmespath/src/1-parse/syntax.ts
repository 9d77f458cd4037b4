// Syntax errors, in go-jmespath's words.

import { type Diagnostic, type Span, errorAt } from "@portcullis/lang";

/** Go: go-jmespath lexer.go SyntaxError. */
export function syntaxError(span: Span, message: string): Diagnostic {
  return errorAt("syntax", span, `SyntaxError: ${message}`);
}
