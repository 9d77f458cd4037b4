// A Diagnostic says what is wrong with an input and where. Compilers never throw at their users: a phase returns what
// it could make and everything it found wrong, and the caller decides whether that is enough.

import type { Span } from "./source.ts";

export type Severity = "error" | "warning" | "info";

export interface Diagnostic {
  /** The peer's code where there is one (`rego_type_error`), else a kebab-case code of our own. */
  readonly code: string;
  readonly severity: Severity;
  /** One line (a peer's text may have several), lower case, no full stop. */
  readonly message: string;
  readonly span: Span | null;
  readonly notes?: readonly Note[];
  /** How to mend it. */
  readonly hint?: string;
}

export interface Note {
  readonly message: string;
  readonly span: Span | null;
}

/** What a phase made and what it found wrong; a broken input still yields the parts that could be read. */
export interface Out<T> {
  readonly value: T;
  readonly diagnostics: readonly Diagnostic[];
}

export function errorAt(code: string, span: Span | null, message: string, hint?: string): Diagnostic {
  return hint === undefined
    ? { code, severity: "error", message, span }
    : { code, severity: "error", message, span, hint };
}

export function warningAt(code: string, span: Span | null, message: string, hint?: string): Diagnostic {
  return { ...errorAt(code, span, message, hint), severity: "warning" };
}

export function hasError(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === "error");
}

/** `file:line:column: code: message`, the form that editors recognise; without a span, the file part is absent. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { span } = diagnostic;
  const text = `${diagnostic.code}: ${diagnostic.message}`;
  const head =
    span === null ? text : `${span.source.name}:${Object.values(span.source.position(span.start)).join(":")}: ${text}`;
  return diagnostic.hint === undefined ? head : `${head} (${diagnostic.hint})`;
}
